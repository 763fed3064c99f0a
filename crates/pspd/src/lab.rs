//! `pspd lab`: reads the options, lets the `lab` crate run the experiment, and
//! prints its report. Exit codes: 0 all blocks done, 1 failed while running (a
//! role died, a chain does not answer), 64 wrong options, 130 interrupted. The
//! results of complete blocks are on disk in every case.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use lab::{Arguments, End, Error, Outcome, Plan, Setting};

use crate::exit::Usage;

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

pub(crate) fn command() -> Command {
    Command::new("lab")
        .about(
            "Run the published experiment: the gRPC chain and the REST chain under the same load",
        )
        .long_about(
            "Runs the published experiment. Starts the six roles on free ports of this machine, \
             lets virtual users repeat /a/hello and /b/numbers on the gRPC chain and on the REST \
             chain in turn, and prints what users saw and what each role cost, beside the figures \
             of the original study. Everything is kept in results/<time>/.",
        )
        .arg(flag(
            "full",
            "The whole published experiment: 25 to 3200 users, 30 s each",
        ))
        .arg(option(
            "users",
            "N,N,...",
            "Numbers of virtual users [default: 25,100,400]",
        ))
        .arg(option(
            "duration",
            "TIME",
            "Measured window of each block [default: 5s]",
        ))
        .arg(option(
            "warm-up",
            "TIME",
            "Load before each window that is not counted [default: 1s]",
        ))
        .arg(option(
            "request-timeout",
            "TIME",
            "A request that takes longer has failed [default: 60s]",
        ))
        .arg(option(
            "generator-threads",
            "N",
            "Threads of the load generator [default: 1]",
        ))
        .arg(option(
            "chains",
            "LIST",
            "Chains of our own: grpc, rest, or none [default: grpc,rest]",
        ))
        .arg(
            option(
                "against",
                "NAME=URL[,ROLE:PID]...",
                "Also measure a running system, such as original=http://127.0.0.1:8080; processes \
                 named as ROLE:PID are in the accounts. Repeatable",
            )
            .action(ArgAction::Append),
        )
        .arg(
            option(
                "out",
                "DIR",
                "Folder that gets a folder for this run [default: results]",
            )
            .value_parser(value_parser!(PathBuf)),
        )
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .help(help)
        .action(ArgAction::SetTrue)
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let plan =
        Plan::new(&arguments(matches)).map_err(|problems| Usage::new(problems.to_string()))?;
    let setting = Setting {
        executable: std::env::current_exe().context("cannot find the pspd executable itself")?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("PSPD_GIT_COMMIT").map(str::to_owned),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(lab::run(&plan, &setting));
    // Not dropped: that would wait for the look-up of a name, even after Ctrl-C.
    runtime.shutdown_background();
    match ended {
        Ok(outcome) => finish(outcome),
        Err(error @ Error::Interrupted) => {
            eprintln!("{error}");
            Ok(ExitCode::from(INTERRUPTED))
        }
        Err(error) if error.is_usage() => Err(Usage::new(error.to_string()).into()),
        Err(error) => Err(error.into()),
    }
}

fn arguments(matches: &ArgMatches) -> Arguments {
    let text = |name| matches.get_one::<String>(name).cloned();
    Arguments {
        full: matches.get_flag("full"),
        users: text("users"),
        duration: text("duration"),
        warm_up: text("warm-up"),
        request_timeout: text("request-timeout"),
        generator_threads: text("generator-threads"),
        chains: text("chains"),
        against: matches
            .get_many::<String>("against")
            .map(|values| values.cloned().collect())
            .unwrap_or_default(),
        out: matches.get_one::<PathBuf>("out").cloned(),
    }
}

fn finish(outcome: Outcome) -> anyhow::Result<ExitCode> {
    let folder = outcome.folder.display();
    print(&format!("\n{}\nResults: {folder}\n", outcome.report));
    for role in outcome.killed {
        eprintln!(
            "role {role} did not stop in time and was killed; its log is {folder}/logs/{role}.err.log"
        );
    }
    let kept = kept(outcome.blocks);
    match outcome.end {
        End::Complete => Ok(ExitCode::SUCCESS),
        End::Interrupted => {
            eprintln!("interrupted; {kept}");
            Ok(ExitCode::from(INTERRUPTED))
        }
        End::Failed(error) => Err(error.into()),
        End::RoleDied {
            role,
            status,
            last_lines,
        } => {
            let lines: String = last_lines
                .iter()
                .map(|line| format!("\n    {line}"))
                .collect();
            bail!(
                "role {role} died during the run ({status}); {kept}; \
                 its log is {folder}/logs/{role}.err.log and ends with:{lines}"
            );
        }
    }
}

/// What a run that stopped early leaves of its blocks.
fn kept(blocks: usize) -> String {
    match blocks {
        0 => "no block was complete, so there is nothing to report".to_owned(),
        1 => "the block above is complete, the one in progress is lost".to_owned(),
        blocks => format!("the {blocks} blocks above are complete, the one in progress is lost"),
    }
}

/// Standard output may be closed early, by `head` for example: no panic then.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_goes_by_the_number_of_blocks() {
        for (blocks, expected) in [
            (0, "no block was complete"),
            (1, "the block above is complete"),
            (7, "the 7 blocks above are complete"),
        ] {
            let text = kept(blocks);
            assert!(text.starts_with(expected), "{text}");
        }
    }
}
