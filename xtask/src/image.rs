//! `cargo xtask image`: the image of a container, as an OCI archive below `target/dist`.
//! The static program is built on this machine, and the last stage of the `Dockerfile` is
//! built around it by Debian's buildah: neither an engine nor a registry is needed. The
//! same commit gives the same archive, byte for byte. With `--check` it is looked into, and
//! the system that `compose.yaml` describes is run from it by podman.

mod archive;
mod compose;
mod podman;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::{
    folders,
    machine::{self, Machine, on_path, said_by},
    release::{self, Source},
};

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// No limits beyond this process's own, which need a privilege.
const CONTAINERS_CONF: &str = "[containers]\ndefault_ulimits = []\n";

/// The command line after `image`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    may_install: bool,
    checked: bool,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            may_install: true,
            checked: false,
        };
        for argument in arguments {
            match *argument {
                "--no-install" => options.may_install = false,
                "--check" => options.checked = true,
                unknown => return Err(format!("`image` has no argument {unknown:?}")),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let root = folders::repository()?;
    let dist = release::dist_folder(&root)?;
    let platform = Platform::of_this_machine()?;
    let machine = Machine::new(options.may_install);
    platform.install_compiler(&machine)?;
    machine.need_programs(&[("buildah", "buildah"), ("tar", "tar")])?;

    let source = Source::clone(&root, &dist.join("source"))?;
    println!("building the image of {}", source.commit);
    let started = Instant::now();
    let program = source.build(&dist.join("build"), Some(platform.rust))?;
    println!("the program was built in {} s", started.elapsed().as_secs());

    let builder = Builder::new(&source, &program, dist.join("image"))?;
    let layout = builder.layout()?;
    let name = format!("pspd-{VERSION}-{}.oci.tar", platform.oci);
    let archive = dist.join(name);
    builder.pack(&layout, &archive)?;
    if options.checked {
        check(&builder, &layout, &archive, &machine)?;
    }
    fs::remove_dir_all(&builder.folder).context("cannot remove what the image was built in")?;
    print!("{}", said_by(Command::new("sha256sum").arg(&archive))?);
    Ok(ExitCode::SUCCESS)
}

fn check(
    builder: &Builder<'_>,
    layout: &Path,
    archive: &Path,
    machine: &Machine,
) -> anyhow::Result<()> {
    builder.check_repeats(archive)?;
    builder.check_healthcheck()?;
    let found = archive::check(layout, builder.source)?;
    println!(
        "the image: {} bytes compressed, {} bytes the program",
        found.compressed, found.program
    );
    println!(
        "the program listens {:.1} ms after its start (median of {STARTS})",
        start_time(&builder.program, &builder.folder)?.as_secs_f64() * 1000.0
    );
    podman::check(archive, &builder.source.folder, machine)
}

/// What is built for: this machine.
struct Platform {
    /// Rust's name.
    rust: &'static str,
    /// That of images.
    oci: &'static str,
}

impl Platform {
    fn of_this_machine() -> anyhow::Result<Platform> {
        let (rust, oci) = match (env::consts::OS, env::consts::ARCH) {
            ("linux", "x86_64") => ("x86_64-unknown-linux-musl", "amd64"),
            ("linux", "aarch64") => ("aarch64-unknown-linux-musl", "arm64"),
            (os, arch) => bail!("no image is built on {os} {arch}; use the Dockerfile"),
        };
        Ok(Platform { rust, oci })
    }

    /// Rust's library for static programs, and the compiler for the parts in C.
    fn install_compiler(&self, machine: &Machine) -> anyhow::Result<()> {
        machine.need_programs(&[("musl-gcc", "musl-tools"), ("make", "make")])?;
        let library = || {
            let asked = ["--print", "target-libdir", "--target", self.rust];
            let path = said_by(Command::new("rustc").args(asked))?;
            anyhow::Ok(PathBuf::from(path.trim()).is_dir())
        };
        if !library()? {
            machine.allow_install()?;
            ensure!(
                on_path("rustup").is_some(),
                "there is no rustup; install Rust's standard library for {} by hand",
                self.rust
            );
            machine::run(Command::new("rustup").args(["target", "add", self.rust]))?;
        }
        Ok(())
    }
}

/// Builds images of one program.
struct Builder<'a> {
    source: &'a Source,
    /// The stage of the Dockerfile that is not built: `out/pspd` is in it.
    stage: PathBuf,
    program: PathBuf,
    folder: PathBuf,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source, program: &Path, folder: PathBuf) -> anyhow::Result<Builder<'a>> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let stage = folders::made(folder.join("stage"))?;
        let placed = folders::made(stage.join("out"))?.join("pspd");
        machine::run(
            Command::new("install")
                .args(["-m", "0555"])
                .arg(program)
                .arg(&placed),
        )?;
        // The image's history has a checksum of this file's head, its time included.
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(source.time.parse()?);
        fs::File::open(&placed)?.set_modified(time)?;
        fs::write(folder.join("containers.conf"), CONTAINERS_CONF)?;
        Ok(Builder {
            source,
            stage,
            program: placed,
            folder,
        })
    }

    fn buildah(&self) -> Command {
        let mut buildah = Command::new("buildah");
        buildah
            .env("CONTAINERS_CONF", self.folder.join("containers.conf"))
            .args(["--storage-driver", "vfs", "--root"])
            .arg(self.folder.join("storage"))
            .arg("--runroot")
            .arg(self.folder.join("run"));
        buildah
    }

    /// Builds the Dockerfile's last stage, under that name.
    fn build(&self, format: &str, name: &str) -> anyhow::Result<()> {
        let mut context = std::ffi::OsString::from("build=");
        context.push(&self.stage);
        machine::run(
            self.buildah()
                .args(["build", "--isolation", "chroot", "--format", format])
                .args(["--no-cache", "--identity-label=false", "--tag", name])
                .args(["--timestamp", &self.source.time])
                .args(["--build-arg", &format!("VERSION={VERSION}")])
                .args(["--build-arg", &format!("REVISION={}", self.source.commit)])
                .arg("--build-context")
                .arg(context)
                .arg("--file")
                .arg(self.source.folder.join("Dockerfile"))
                .arg(&self.source.folder),
        )
    }

    /// A folder with the image in OCI's layout.
    fn layout(&self) -> anyhow::Result<PathBuf> {
        let layout = self.folder.join("layout");
        if layout.exists() {
            fs::remove_dir_all(&layout)?;
        }
        let name = format!("pspd:{VERSION}");
        self.build("oci", &name)?;
        let place = format!("oci:{}:{name}", layout.display());
        machine::run(self.buildah().args(["push", &name, &place]))?;
        archive::add_list_for_docker(&layout, &name)?;
        Ok(layout)
    }

    /// Packs a layout into one file, without a trace of when and by whom.
    fn pack(&self, layout: &Path, archive: &Path) -> anyhow::Result<()> {
        machine::run(
            Command::new("tar")
                .args(["--create", "--sort=name", "--format=ustar"])
                .args(["--owner=0", "--group=0", "--numeric-owner"])
                .args([
                    "--mode=u+rw,go=rX",
                    &format!("--mtime=@{}", self.source.time),
                ])
                .arg("--file")
                .arg(archive)
                .arg("--directory")
                .arg(layout)
                .args(["blobs", "index.json", "manifest.json", "oci-layout"]),
        )
    }

    fn check_repeats(&self, archive: &Path) -> anyhow::Result<()> {
        let again = self.folder.join("again.tar");
        self.pack(&self.layout()?, &again)?;
        ensure!(
            fs::read(archive)? == fs::read(&again)?,
            "{} and {} differ; the image depends on when it is built",
            archive.display(),
            again.display()
        );
        println!("the image was built twice, and is byte for byte the same");
        Ok(())
    }

    /// OCI's format has no health check. Docker's has, so that is where it is looked for.
    fn check_healthcheck(&self) -> anyhow::Result<()> {
        self.build("docker", "pspd:docker")?;
        let inspect = ["inspect", "--type", "image", "pspd:docker"];
        let told: Value = serde_json::from_str(&said_by(self.buildah().args(inspect))?)?;
        let check = &told["Docker"]["config"]["Healthcheck"]["Test"];
        let expected = serde_json::json!(["CMD", "/pspd", "health"]);
        ensure!(*check == expected, "the health check is {check}");
        Ok(())
    }
}

/// How often the program is started for its median.
const STARTS: usize = 11;

/// From the start of a role to its ready file, which it writes once it listens.
fn start_time(program: &Path, folder: &Path) -> anyhow::Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(start(program, &folder.join("ready.json"))?);
    }
    times.sort();
    Ok(times[STARTS / 2])
}

fn start(program: &Path, ready: &Path) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let mut role = Command::new(program)
        .args(["serve", "gateway", "--host", "127.0.0.1", "--port", "0"])
        .args(["--admin-port", "0", "--log", "error", "--stop-with-stdin"])
        .arg("--ready-file")
        .arg(ready)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    while !ready.exists() {
        if let Some(status) = role.try_wait()? {
            bail!("the program ended before it listened ({status})");
        }
        thread::sleep(Duration::from_micros(100));
    }
    let taken = started.elapsed();
    drop(role.stdin.take());
    role.wait()?;
    fs::remove_file(ready)?;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line() {
        let options = Options::parse(&["--check"]).expect("known");
        assert!(options.checked && options.may_install);
        assert!(Options::parse(&["--push"]).is_err());
    }
}
