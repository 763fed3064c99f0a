//! What this machine has and allows: executables on the path, Debian's package
//! manager, commands that run or say why not.

use std::{
    cell::Cell,
    env,
    ffi::OsStr,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};

/// The machine, and whether anything may be installed on it.
pub(crate) struct Machine {
    may_install: bool,
    package_lists_are_fresh: Cell<bool>,
}

impl Machine {
    pub(crate) fn new(may_install: bool) -> Machine {
        Machine {
            may_install,
            package_lists_are_fresh: Cell::new(false),
        }
    }

    /// An error when nothing may be installed.
    pub(crate) fn allow_install(&self) -> anyhow::Result<()> {
        ensure!(
            self.may_install,
            "it is missing, and --no-install was given"
        );
        Ok(())
    }

    /// Installs packages of Debian, or says why that is not possible.
    pub(crate) fn install_packages(&self, packages: &[&str]) -> anyhow::Result<()> {
        self.allow_install()?;
        let by_hand = format!("install {} by hand", packages.join(" and "));
        ensure!(
            on_path("apt-get").is_some(),
            "there is no apt-get; {by_hand}"
        );
        ensure!(is_root(), "apt-get needs root; {by_hand}");
        if !self.package_lists_are_fresh.get() {
            run(&mut apt_get(&["update"]))?;
            self.package_lists_are_fresh.set(true);
        }
        let mut install = apt_get(&["install", "--yes", "--no-install-recommends"]);
        run(install.args(packages))
    }

    /// Installs the packages whose program is not there yet, given as program and package;
    /// a program with a slash is a path.
    pub(crate) fn need_programs(&self, programs: &[(&str, &'static str)]) -> anyhow::Result<()> {
        let there = |program: &str| match program.contains('/') {
            true => PathBuf::from(program).exists(),
            false => on_path(program).is_some(),
        };
        let missing = programs.iter().filter(|(program, _)| !there(program));
        let packages: Vec<_> = missing.map(|(_, package)| *package).collect();
        if packages.is_empty() {
            return Ok(());
        }
        self.install_packages(&packages)
            .with_context(|| format!("cannot have {}", packages.join(", ")))
    }
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args([
            "-qq",
            "-o",
            "Acquire::Retries=2",
            "-o",
            "Acquire::http::Timeout=30",
        ])
        .args(arguments);
    command
}

pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}

/// The first executable of that name on the path.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let names = match cfg!(windows) {
        true => vec![format!("{name}.exe"), format!("{name}.cmd")],
        false => vec![name.to_owned()],
    };
    env::split_paths(&path)
        .flat_map(|folder| {
            names
                .iter()
                .map(move |name| folder.join(name))
                .collect::<Vec<_>>()
        })
        .find(|file| file.is_file())
}

/// Runs a command that says something only when it fails; its last words are
/// the error.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    said_by(command).map(drop)
}

/// Runs a command for what it writes to its standard output. Its last words are
/// the error: those to its standard error, if it has any.
pub(crate) fn said_by(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let line = said.lines().rev().find(|line| !line.trim().is_empty());
    let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    bail!(
        "`{name} {}` failed ({}): {}",
        arguments.join(" "),
        output.status,
        line.unwrap_or("it said nothing")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_quoted() {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        run(Command::new(&cargo).arg("--version")).expect("cargo has a version");
        let error = run(Command::new(&cargo).arg("no-such-command")).expect_err("unknown");
        let text = error.to_string();
        assert!(text.contains("cargo no-such-command` failed ("), "{text}");
        let error = run(&mut Command::new("/nowhere/tool")).expect_err("no such file");
        assert!(error.to_string().contains("/nowhere/tool"), "{error}");
    }

    #[test]
    fn nothing_is_installed_when_not_allowed() {
        let machine = Machine::new(false);
        let error = machine.install_packages(&["chromium"]).expect_err("no");
        assert!(error.to_string().contains("--no-install"), "{error}");
    }
}
