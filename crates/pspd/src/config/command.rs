//! `pspd config example` and `pspd config check FILE`: what can be configured, and
//! whether a file can be used. Nothing is listened to or connected to; what the services
//! behind a gateway say of themselves is asked by `pspd gateway check`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Arg, ArgMatches, Command, value_parser};
use contract::Role;

use super::{Values, example, file, role};
use crate::exit::Usage;

const FILE: &str = "file";

pub(crate) fn command() -> Command {
    Command::new("config")
        .about("Show what can be configured, and check a configuration file")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("example").about(
            "Print an annotated file with every key of every role, commented out at its default",
        ))
        .subcommand(
            Command::new("check")
                .about("Check the sections of all roles in a file, and say all that is wrong")
                .arg(
                    Arg::new(FILE)
                        .value_name("FILE")
                        .required(true)
                        .value_parser(value_parser!(PathBuf))
                        .help("TOML file with a section a role"),
                ),
        )
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    match matches.subcommand() {
        Some(("example", _)) => print!("{}", example::text()),
        Some(("check", matches)) => {
            let path = matches.get_one::<PathBuf>(FILE);
            let path = path.ok_or_else(|| Usage::new("no file given"))?;
            let sections = check(path)?;
            println!("{}: all is right in {sections}", path.display());
            if sections.contains(Role::Gateway.name()) {
                println!(
                    "what the services behind the gateway say of themselves was not asked; \
                     `pspd gateway check --config {}` does that",
                    path.display()
                );
            }
        }
        _ => return Err(Usage::new("no command given; see `pspd config --help`").into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// The sections of the file, if all of them can be used. Flags and the environment are
/// left out: they differ from role to role and from host to host.
fn check(path: &Path) -> Result<String, Usage> {
    let (mut problems, mut sections) = (Vec::new(), Vec::new());
    for role in Role::ALL {
        let mut found = Vec::new();
        let section = file::read(path, role, &mut found)?;
        if !section.is_empty() {
            sections.push(format!("[{role}]"));
        }
        let mut values = Values::of(role, section, Some(path), found, |_| None);
        // Its problems are what is wanted of it.
        let _ = role::read(role, &mut values);
        problems.extend(values.problems);
    }
    // What is wrong with the file as a whole is told to every role.
    let mut told = BTreeSet::new();
    problems.retain(|problem| told.insert(problem.clone()));
    match (problems.is_empty(), sections.is_empty()) {
        (false, _) => Err(Usage::problems(problems)),
        (true, true) => Ok("it, and nothing is set".to_owned()),
        (true, false) => Ok(sections.join(", ")),
    }
}
