//! `pspd serve`.

use std::process::ExitCode;

use clap::{ArgMatches, Command};

pub(crate) fn command() -> Command {
    Command::new("serve")
}

pub(crate) fn run(_matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
