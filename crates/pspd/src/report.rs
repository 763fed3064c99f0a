//! `pspd report`: prints again what a run found, and makes its tables, charts
//! and pages anew; with several folders, compares the runs. Exit codes: 0 done, 1
//! failed, 2 a condition of the run's `fail-if` holds, 64 a folder that is no
//! run, or runs that cannot be compared.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::{
    exit::Usage,
    lab::{gates, print},
};

pub(crate) fn command() -> Command {
    Command::new("report")
        .about("Print a run again, or compare runs")
        .long_about(
            "With one folder, prints what the run found and makes its tables, charts and pages \
             anew. With several, compares the runs with the same statistics, the first being the \
             base, and refuses what is not comparable.",
        )
        .arg(
            Arg::new("DIR")
                .help("Folders of runs, such as results/2026-01-31T12-00-00Z")
                .required(true)
                .action(ArgAction::Append)
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .help("Print JSON")
                .action(ArgAction::SetTrue),
        )
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let folders: Vec<&Path> = matches
        .get_many::<PathBuf>("DIR")
        .map(|folders| folders.map(PathBuf::as_path).collect())
        .unwrap_or_default();
    let usage = |error: lab::Error| match error.is_usage() {
        true => anyhow::Error::from(Usage::new(error.to_string())),
        false => error.into(),
    };
    if let [folder] = folders[..] {
        let (report, not_written) = lab::render(folder).map_err(usage)?;
        if let Some(error) = not_written {
            eprintln!("warning: its files were not made anew: {error}");
        }
        match matches.get_flag("json") {
            true => print(&report.json),
            false => print(&report.text),
        }
        return Ok(gates(&report));
    }
    match lab::compare(&folders).map_err(usage)? {
        Ok(compared) if matches.get_flag("json") => print(&compared.json),
        Ok(compared) => print(&compared.text),
        Err(reasons) => return Err(Usage::new(reasons.to_string()).into()),
    }
    Ok(ExitCode::SUCCESS)
}
