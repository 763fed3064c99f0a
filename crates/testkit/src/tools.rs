//! Foreign tools that some tests need. `cargo xtask test` installs them and
//! names them in environment variables. A test whose tool is missing calls
//! itself skipped, where the same command finds it and says so at its end.

use std::{
    env,
    fs::OpenOptions,
    io::Write,
    panic::Location,
    path::{Path, PathBuf},
    thread,
};

/// The file that collects the names of skipped tests, one a line.
const SKIPPED: &str = "PSPD_TEST_SKIPPED";

/// Something that not every machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// A Python that has grpcio, its tools, health checking and reflection,
    /// jsonschema, OpenTelemetry's SDK, websockets, PyJWT, cryptography, kubernetes-validate,
    /// check-jsonschema and zizmor.
    Python,
    /// A Python that has openapi-spec-validator and schemathesis.
    OpenApi,
    /// A `node_modules` folder with `@grpc/grpc-js`, `@grpc/proto-loader`,
    /// `playwright-core`, `ws` and the schemas of `@kubernetes-models`; `node` itself is on the path.
    NodeModules,
    /// The executable of Chromium.
    Chromium,
    /// The executable of k6.
    K6,
    /// The executable of curl.
    Curl,
    /// The executable of Prometheus.
    Prometheus,
    /// The executable of promtool, which comes with it.
    Promtool,
    /// A folder with the `.proto` files of all APIs that Google publishes.
    GoogleProtos,
    /// The executable of kubectl.
    Kubectl,
    /// The executable of hadolint, which reads Dockerfiles.
    Hadolint,
    /// The file of the JSON Schema that compose files have.
    ComposeSchema,
    /// The right to make network namespaces with `ip netns`.
    NetworkNamespaces,
    /// The folder of the original system.
    Original,
}

impl Tool {
    /// The environment variable that says where it is.
    fn variable(self) -> &'static str {
        match self {
            Tool::Python => "PSPD_TEST_PYTHON",
            Tool::OpenApi => "PSPD_TEST_OPENAPI",
            Tool::NodeModules => "PSPD_TEST_NODE_MODULES",
            Tool::Chromium => "PSPD_TEST_CHROMIUM",
            Tool::K6 => "PSPD_TEST_K6",
            Tool::Curl => "PSPD_TEST_CURL",
            Tool::Prometheus => "PSPD_TEST_PROMETHEUS",
            Tool::Promtool => "PSPD_TEST_PROMTOOL",
            Tool::GoogleProtos => "PSPD_TEST_GOOGLE_PROTOS",
            Tool::Kubectl => "PSPD_TEST_KUBECTL",
            Tool::Hadolint => "PSPD_TEST_HADOLINT",
            Tool::ComposeSchema => "PSPD_TEST_COMPOSE_SCHEMA",
            Tool::NetworkNamespaces => "PSPD_TEST_NETNS",
            Tool::Original => "PSPD_ORIGINAL",
        }
    }

    fn missing(self) -> String {
        let what = match self {
            Tool::Python => "a Python with grpcio and jsonschema",
            Tool::OpenApi => "openapi-spec-validator and schemathesis for Python",
            Tool::NodeModules => "grpc-js and playwright-core for Node",
            Tool::Chromium => "Chromium",
            Tool::K6 => "k6",
            Tool::Curl => "curl",
            Tool::Prometheus => "Prometheus",
            Tool::Promtool => "promtool",
            Tool::GoogleProtos => "the .proto files of Google's APIs",
            Tool::Kubectl => "kubectl",
            Tool::Hadolint => "hadolint",
            Tool::ComposeSchema => "the published schema of compose files",
            Tool::NetworkNamespaces => "network namespaces (Linux, root and iproute2)",
            Tool::Original => "the original system",
        };
        format!("needs {what}, and {} is not set", self.variable())
    }
}

/// Where a tool is (for a right: any value). When it is missing the running
/// test is recorded as skipped, and should return:
///
/// ```no_run
/// # use testkit::{Tool, need};
/// # fn test() {
/// let Some(python) = need(Tool::Python) else { return };
/// # }
/// ```
#[track_caller]
pub fn need(tool: Tool) -> Option<PathBuf> {
    let found = env::var_os(tool.variable()).filter(|value| !value.is_empty());
    if found.is_none() {
        let line = format!("skipped {}: {}\n", running_test(), tool.missing());
        eprint!("{line}");
        if let Some(file) = env::var_os(SKIPPED) {
            append(Path::new(&file), &line);
        }
    }
    found.map(PathBuf::from)
}

/// The test runner names a test's thread after it; where it runs tests on the
/// main thread, the place of the call has to do.
#[track_caller]
fn running_test() -> String {
    let thread = thread::current();
    match thread.name() {
        Some(name) if name != "main" => name.to_owned(),
        _ => Location::caller().to_string(),
    }
}

/// In one write, so that lines of several test processes do not mix.
fn append(file: &Path, line: &str) {
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let written = opened.and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = written {
        panic!(
            "cannot record a skipped test in {}: {error}",
            file.display()
        );
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Runs the test below in a process of its own, where the environment can
    /// be chosen.
    fn run_inner(environment: &[(&str, &str)]) -> String {
        let mut command = Command::new(env::current_exe().expect("this test binary"));
        command
            .args(["--exact", "tools::tests::inner", "--ignored", "--nocapture"])
            .envs(environment.iter().copied());
        if !environment.iter().any(|(name, _)| *name == "PSPD_TEST_K6") {
            command.env_remove("PSPD_TEST_K6");
        }
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[test]
    #[ignore = "run by the tests below in a process of its own"]
    fn inner() {
        println!("k6 is {:?}", need(Tool::K6));
    }

    #[test]
    fn a_tool_that_is_there_is_found() {
        let out = run_inner(&[("PSPD_TEST_K6", "/usr/bin/k6")]);
        assert!(out.contains("k6 is Some(\"/usr/bin/k6\")"), "{out}");
    }

    #[test]
    fn a_test_without_its_tool_is_recorded_as_skipped() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("skipped");
        let name = file.to_str().expect("a plain path");
        for _ in 0..2 {
            let out = run_inner(&[(SKIPPED, name)]);
            assert!(out.contains("k6 is None"), "{out}");
        }
        let recorded = std::fs::read_to_string(&file).expect("recorded");
        let line = "skipped tools::tests::inner: needs k6, and PSPD_TEST_K6 is not set\n";
        assert_eq!(recorded, line.repeat(2));
    }
}
