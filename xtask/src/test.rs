//! `cargo xtask test`: tools, tests, and what was left out.

use std::{
    env,
    process::{Command, ExitCode, ExitStatus},
};

use anyhow::Context;

use crate::{
    folders,
    machine::Machine,
    skipped::{Skipped, not_allowed},
    tools::{Tools, Workshop},
};

/// The command line after `test`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    may_install: bool,
    cargo_test: Vec<String>,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, String> {
        let mut options = Options {
            may_install: true,
            cargo_test: vec!["--workspace".to_owned()],
        };
        let mut arguments = arguments.iter();
        for argument in arguments.by_ref() {
            match *argument {
                "--no-install" => options.may_install = false,
                "--" => {
                    options.cargo_test = arguments.map(ToString::to_string).collect();
                    break;
                }
                unknown => return Err(format!("`test` has no argument {unknown:?}")),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let root = folders::repository()?;
    let folder = folders::tools(&root)?;
    let machine = Machine::new(options.may_install);
    let workshop = Workshop {
        folder: &folder,
        machine: &machine,
    };
    let tools = workshop.set_up();
    let skipped = Skipped::start(folder.join("skipped.txt"))?;

    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--no-fail-fast"])
        .args(&options.cargo_test)
        .current_dir(&root)
        .envs(tools.found.iter().map(|(name, value)| (name, value)))
        .env("PSPD_TEST_SKIPPED", skipped.file())
        // Where the original system keeps its packages, when it is there.
        .env("ORIGINAL_DIR", folder.join("original"))
        .status()
        .context("cannot run cargo test")?;
    conclude(status, &tools, &skipped)
}

/// Names what was left out. The exit code is that of the tests; where CI is
/// set everything can be installed, and a test left out is a failure as well.
fn conclude(status: ExitStatus, tools: &Tools, skipped: &Skipped) -> anyhow::Result<ExitCode> {
    let lines = skipped.read().context("cannot read the skipped tests")?;
    for missing in &tools.missing {
        println!("not set up: {missing}");
    }
    for line in &lines {
        println!("{line}");
    }
    println!("{} skipped", tests(lines.len()));
    if !status.success() {
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
    }
    let failures = not_allowed(&lines);
    if env::var_os("CI").is_some_and(|ci| ci == "true") && !failures.is_empty() {
        println!(
            "error: CI=true allows no skipped test, and there were {}",
            failures.len()
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn tests(count: usize) -> String {
    match count {
        1 => "1 test was".to_owned(),
        count => format!("{count} tests were"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_after_two_dashes_go_to_cargo() {
        let options = Options::parse(&["--no-install", "--", "-p", "lab"]).expect("valid");
        let expected = Options {
            may_install: false,
            cargo_test: vec!["-p".to_owned(), "lab".to_owned()],
        };
        assert_eq!(options, expected);
        let all = Options::parse(&[]).expect("valid");
        assert_eq!(all.cargo_test, ["--workspace"]);
        assert!(Options::parse(&["--noinstall"]).is_err());
    }
}
