//! `pspd lab calibrate`: how far the load generator's figures are from the truth
//! on this machine.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Arg, ArgMatches, Command};

use super::print;

pub(super) fn command() -> Command {
    Command::new("calibrate")
        .about("Measure a built-in target of known latency and print the error")
        .arg(
            Arg::new("duration")
                .long("duration")
                .value_name("TIME")
                .help("Measured window of each trial, 100ms to 1h [default: 3s]")
                .value_parser(duration),
        )
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let range = Duration::from_millis(100)..=Duration::from_secs(3600);
    match range.contains(&duration) {
        true => Ok(duration),
        false => Err("give 100ms to 1h".to_owned()),
    }
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let duration = matches.get_one::<Duration>("duration");
    let duration = duration.copied().unwrap_or(Duration::from_secs(3));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    print(&runtime.block_on(lab::calibrate(duration))?);
    Ok(ExitCode::SUCCESS)
}
