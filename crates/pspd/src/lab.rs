//! `pspd lab`: reads the options, lets the `lab` crate run the experiment, and
//! prints its report. Exit codes: 0 all blocks done, 1 failed while running (a
//! role died, a target does not answer), 2 a condition of `--fail-if` holds, 64
//! wrong options, 130 interrupted. The results of complete blocks are on disk in
//! every case.

mod calibrate;
mod flags;

use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{ArgMatches, Command};
use lab::{End, Error, File, Goal, Outcome, Plan, Report, Setting, Show};

use crate::exit::Usage;

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;
/// A condition of `--fail-if` holds.
const FAILED_GATE: u8 = 2;

pub(crate) fn command() -> Command {
    Command::new("lab")
        .about("Run an experiment: the published one on both chains, or your own on your services")
        .long_about(
            "Runs an experiment: at every load every target, in an order drawn anew, repeatedly, with \
             the CPU and memory of each process in the accounts. Without a FILE it is the published \
             loop: it starts the six roles on free ports of this machine and lets virtual users \
             repeat /a/hello and /b/numbers on the gRPC chain and on the REST chain. With a FILE, \
             and with --against and --request or --call, it measures whatever you like. Everything \
             is kept in results/<time>/.",
        )
        .args_conflicts_with_subcommands(true)
        .args(flags::all())
        .subcommand(calibrate::command())
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    if let Some(("calibrate", matches)) = matches.subcommand() {
        return calibrate::run(matches);
    }
    let goal = match matches.get_one::<PathBuf>("resume") {
        Some(folder) => Goal::Resume {
            folder: folder.clone(),
        },
        None => {
            let plan = plan(matches)?;
            if matches.get_flag("dry-run") {
                print(&plan.preview());
                return Ok(ExitCode::SUCCESS);
            }
            let out = matches.get_one::<PathBuf>("out").cloned();
            Goal::New {
                plan: Box::new(plan),
                out: out.unwrap_or_else(|| PathBuf::from("results")),
            }
        }
    };
    let output = Output::of(matches);
    let setting = Setting {
        executable: std::env::current_exe().context("cannot find the pspd executable itself")?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("PSPD_GIT_COMMIT").map(str::to_owned),
        show: output.show(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(lab::run(goal, &setting));
    // Not dropped: that would wait for the look-up of a name, even after Ctrl-C.
    runtime.shutdown_background();
    match ended {
        Ok(outcome) => finish(outcome, output),
        Err(error @ Error::Interrupted) => {
            eprintln!("{error}");
            Ok(ExitCode::from(INTERRUPTED))
        }
        Err(error) if error.is_usage() => Err(Usage::new(error.to_string()).into()),
        Err(error) => Err(error.into()),
    }
}

fn plan(matches: &ArgMatches) -> anyhow::Result<Plan> {
    let path = matches.get_one::<PathBuf>("FILE");
    let text = path.map(|path| read(path)).transpose()?;
    let file = path
        .zip(text.as_ref())
        .map(|(path, text)| File { path, text });
    let plan = Plan::new(file, &flags::options(matches));
    plan.map_err(|problems| Usage::new(problems.to_string()).into())
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).map_err(|error| {
        let message = format!(
            "cannot read {}: {error}; name an experiment file, such as experiments/published.toml",
            file.display()
        );
        Usage::new(message).into()
    })
}

/// What goes to standard output, and how much is shown meanwhile.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Output {
    Text,
    /// Nothing but the results' folder.
    Quiet,
    Json,
}

impl Output {
    fn of(matches: &ArgMatches) -> Output {
        match (matches.get_flag("json"), matches.get_flag("quiet")) {
            (true, _) => Output::Json,
            (false, true) => Output::Quiet,
            (false, false) => Output::Text,
        }
    }

    fn show(self) -> Show {
        match self {
            Output::Quiet => Show::Quiet,
            Output::Text | Output::Json if std::io::stderr().is_terminal() => Show::Live,
            Output::Text | Output::Json => Show::Lines,
        }
    }

    fn print(self, report: &Report, folder: &Path) {
        match self {
            Output::Text => print(&format!(
                "\n{}\nResults: {folder}\nOpen {folder}/report.html for charts.\n",
                report.text,
                folder = folder.display()
            )),
            Output::Quiet => print(&format!("{}\n", folder.display())),
            Output::Json => print(&report.json),
        }
    }
}

fn finish(outcome: Outcome, output: Output) -> anyhow::Result<ExitCode> {
    output.print(&outcome.report, &outcome.folder);
    let folder = outcome.folder.display();
    for role in outcome.killed {
        eprintln!("role {role} did not stop in time and was killed; its log is in {folder}/logs/");
    }
    let kept = kept(outcome.blocks);
    let go_on = format!("go on with: pspd lab --resume {folder}");
    match outcome.end {
        End::Complete => Ok(gates(&outcome.report)),
        End::Interrupted => {
            eprintln!("interrupted; {kept}; {go_on}");
            Ok(ExitCode::from(INTERRUPTED))
        }
        End::Failed(error) => bail!("{error}; {kept}; {go_on}"),
        End::RoleDied {
            role,
            status,
            last_lines,
            log,
        } => {
            let lines: String = last_lines
                .iter()
                .map(|line| format!("\n    {line}"))
                .collect();
            bail!(
                "role {role} died during the run ({status}); {kept}; {go_on}; \
                 its log is {} and ends with:{lines}",
                log.display()
            );
        }
    }
}

/// Says which conditions of `--fail-if` hold.
pub(crate) fn gates(report: &Report) -> ExitCode {
    for trip in &report.trips {
        eprintln!("failed: {trip}");
    }
    match report.trips.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAILED_GATE),
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
pub(crate) fn print(text: &str) {
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
