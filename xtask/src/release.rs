//! `cargo xtask release`: the program as it is released, below `target/dist`: `pspd`,
//! `pspd.cdx.json`, which lists all that it is made of (CycloneDX 1.5), and `SHA256SUMS`.
//! It is built from a clone of the commit, so that nothing else gets in, and byte for byte
//! the same wherever the same compiler builds it: no path and no time of the build is in
//! it. With `--check` it is built twice, in folders of different names, and compared; with
//! `--tag` the name under which it is published must be that of its version.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, ensure};

use crate::{
    folders,
    machine::{self, Machine, said_by},
};

/// What lists the parts, and its version.
const LISTER: (&str, &str) = ("cargo-cyclonedx", "0.5.9");
const BINARY: &str = "pspd";
const PARTS: &str = "pspd.cdx.json";
const SUMS: &str = "SHA256SUMS";

/// The command line after `release`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    may_install: bool,
    times: Times,
    tag: Option<String>,
}

/// How often the program is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Once,
    /// And compared.
    Twice,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            may_install: true,
            times: Times::Once,
            tag: None,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--no-install" => options.may_install = false,
                "--check" => options.times = Times::Twice,
                "--tag" => {
                    let tag = arguments
                        .next()
                        .ok_or("--tag needs a name, such as v0.1.0")?;
                    options.tag = Some((*tag).to_owned());
                }
                unknown => return Err(format!("`release` has no argument {unknown:?}")),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    if let Some(tag) = &options.tag {
        ensure!(
            tag == version,
            "the tag is {tag} and the version {version}; set `version` in Cargo.toml, or tag \
             the commit that has it"
        );
    }
    let root = folders::repository()?;
    let dist = dist_folder(&root)?;
    let source = Source::clone(&root, &dist.join("source"))?;
    println!("building {} of {}", BINARY, source.commit);
    let first = source.build(&dist.join("build"), None)?;
    if options.times == Times::Twice {
        let elsewhere = folders::made(dist.join("elsewhere"))?;
        let again = Source::clone(&root, &elsewhere.join("a-source-of-another-name"))?;
        let second = again.build(&elsewhere.join("b"), None)?;
        let (one, other) = (fs::read(&first)?, fs::read(&second)?);
        ensure!(
            one == other,
            "{} and {} differ; the build depends on where it happens",
            first.display(),
            second.display()
        );
        println!(
            "built twice, and byte for byte the same: {} bytes",
            one.len()
        );
        fs::remove_dir_all(&elsewhere)?;
    }
    fs::copy(&first, dist.join(BINARY)).context("cannot copy the program")?;
    let machine = Machine::new(options.may_install);
    let parts = source.parts(&root, &machine)?;
    fs::write(dist.join(PARTS), parts).context("cannot write the list of parts")?;
    let sums = said_by(
        Command::new("sha256sum")
            .args([BINARY, PARTS])
            .current_dir(&dist),
    )?;
    fs::write(dist.join(SUMS), &sums)?;
    print!("{sums}");
    println!("in {}", dist.display());
    Ok(ExitCode::SUCCESS)
}

/// Where what is released is built and put.
pub(crate) fn dist_folder(root: &Path) -> anyhow::Result<PathBuf> {
    let dist = folders::made(folders::target(root).join("dist"))?;
    // What compiles C takes its flags apart at spaces.
    ensure!(
        !dist.display().to_string().contains(' '),
        "{} has a space in it; clone the repository elsewhere, or set CARGO_TARGET_DIR",
        dist.display()
    );
    Ok(dist)
}

/// A clone of the commit that is released.
pub(crate) struct Source {
    pub(crate) folder: PathBuf,
    pub(crate) commit: String,
    /// When it was committed, in seconds.
    pub(crate) time: String,
}

impl Source {
    pub(crate) fn clone(root: &Path, folder: &Path) -> anyhow::Result<Source> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        machine::run(
            Command::new("git")
                .args(["clone", "--quiet", "--no-hardlinks"])
                .args([root, folder]),
        )?;
        let git = |args: &[&str]| {
            let said = said_by(Command::new("git").args(args).current_dir(folder))?;
            anyhow::Ok(said.trim().to_owned())
        };
        Ok(Source {
            commit: git(&["rev-parse", "HEAD"])?,
            time: git(&["log", "-1", "--format=%ct"])?,
            folder: folder.to_owned(),
        })
    }

    /// Builds the program in the folder `target`, for this machine as it is or for a
    /// platform by Rust's name.
    pub(crate) fn build(&self, target: &Path, platform: Option<&str>) -> anyhow::Result<PathBuf> {
        let home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
        let home = home.context("there is no home folder, and CARGO_HOME is not set")?;
        let places = [
            (self.folder.as_path(), "/pspd"),
            (target, "/target"),
            (home.as_path(), "/cargo"),
        ];
        let mapped = |flag: &str| {
            let flags = places.map(|(place, name)| format!("{flag}={}={name}", place.display()));
            flags.to_vec()
        };
        machine::run(
            cargo()
                .args(["build", "--quiet", "--locked", "--package", BINARY])
                .args(["--profile", "dist"])
                .args(platform.iter().flat_map(|platform| ["--target", platform]))
                .current_dir(&self.folder)
                .env("CARGO_TARGET_DIR", target)
                .env("CARGO_INCREMENTAL", "0")
                .env("SOURCE_DATE_EPOCH", &self.time)
                .env("CFLAGS", mapped("-ffile-prefix-map").join(" "))
                .env(
                    "CARGO_ENCODED_RUSTFLAGS",
                    mapped("--remap-path-prefix").join("\x1f"),
                ),
        )?;
        let built = platform.map_or(target.to_owned(), |platform| target.join(platform));
        Ok(built.join("dist").join(BINARY))
    }

    /// The list of parts, as JSON.
    fn parts(&self, root: &Path, machine: &Machine) -> anyhow::Result<String> {
        let lister = lister(root, machine)?;
        machine::run(
            Command::new(lister)
                .args(["cyclonedx", "--quiet", "--format", "json"])
                .args(["--spec-version", "1.5"])
                .args(["--override-filename", PARTS.trim_end_matches(".json")])
                .current_dir(&self.folder)
                .env("SOURCE_DATE_EPOCH", &self.time),
        )?;
        let written = self.folder.join("crates").join(BINARY).join(PARTS);
        let text = fs::read_to_string(&written)
            .with_context(|| format!("cannot read {}", written.display()))?;
        Ok(text.replace(&self.folder.display().to_string(), ""))
    }
}

/// The lister's program, built once.
fn lister(root: &Path, machine: &Machine) -> anyhow::Result<PathBuf> {
    let (name, version) = LISTER;
    let folder = folders::tools(root)?.join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !program.is_file() {
        machine.allow_install()?;
        println!("building {name} {version}, once");
        // It runs for a second: not worth being optimised.
        machine::run(
            cargo()
                .args(["install", "--quiet", "--locked", "--profile", "dev"])
                .arg(format!("{name}@{version}"))
                .arg("--root")
                .arg(&folder)
                .env_remove("CARGO_TARGET_DIR"),
        )?;
    }
    Ok(program)
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line() {
        let options = Options::parse(&["--check"]).expect("known");
        assert_eq!(options.times, Times::Twice);
        assert!(Options::parse(&["--twice"]).is_err());
        assert!(Options::parse(&["--tag"]).is_err());
    }

    #[test]
    fn a_tag_of_another_version_is_refused_before_anything_is_built() {
        let options = Options::parse(&["--tag", "v0.0.0"]).expect("known");
        let refused = run(&options).expect_err("another version").to_string();
        assert!(refused.contains("the tag is v0.0.0"), "{refused}");
    }
}
