//! `pspd up`.

use std::process::ExitCode;

use clap::{ArgMatches, Command};

pub(crate) fn command() -> Command {
    Command::new("up")
}

pub(crate) fn run(_matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
