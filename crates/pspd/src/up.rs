//! `pspd up`: the whole system on this machine, each role a process of its
//! own, until Ctrl-C. In comes the choice of ports; out come a table of
//! addresses, the roles' log lines, and the news of a role that ended. A role
//! that died is not started again: what to do about it is for the operator to
//! say, and the command for it is printed.

mod plan;
mod ports;
mod show;

use std::{
    process::ExitCode,
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use anyhow::Context;
use clap::ArgMatches;
use system::{
    Interrupts, Stopped, System,
    mutual::{Certificates, Making},
};
use tempfile::TempDir;

use plan::Plan;

use crate::exit::Usage;

pub(crate) use plan::command;

/// The gateways may take so long to stop, and then the services: the roles'
/// own default for what is in flight, and a little beyond it.
const STOP_WITHIN: Duration = Duration::from_secs(12);

/// How long the last log lines may take to be printed.
const PRINT_WITHIN: Duration = Duration::from_secs(1);

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let plan = Plan::from_matches(matches)?;
    ports::look_first(&plan)?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let mut printer = None;
    let done = runtime.block_on(up(&plan, &mut printer));
    // Without the runtime nobody sends lines any more, and the printer ends; but
    // not when what it prints to is held up, which must not hold up the end.
    drop(runtime);
    if let Some(printer) = printer {
        let _ = printer.recv_timeout(PRINT_WITHIN);
    }
    done
}

/// `printer` gets what is disconnected once the last log line is printed.
async fn up(plan: &Plan, printer: &mut Option<Receiver<()>>) -> anyhow::Result<ExitCode> {
    let mut interrupts = Interrupts::listen().context("cannot listen for signals")?;
    // Those that were made for this run go with the folder.
    let (certificates, _folder) = certificates(plan)?.unzip();
    let certificates = certificates.as_ref();
    let (options, lines) = plan.options(certificates)?;
    let started = tokio::select! {
        () = interrupts.next() => return Ok(ExitCode::SUCCESS),
        started = System::start(&options) => started,
    };
    let mut system = started?;
    show::addresses(&system, certificates);
    // On a thread of its own: a terminal that is held up must not hold up the
    // roles, whose output this runtime reads.
    *printer = lines.map(|lines| {
        let (printing, printed) = mpsc::channel();
        thread::spawn(move || {
            show::log(lines);
            drop(printing);
        });
        printed
    });

    loop {
        tokio::select! {
            () = interrupts.next() => return Ok(stop(system, interrupts).await),
            death = system.died() => match death {
                Some(death) => {
                    let start_again = plan.start_again(&system, death.role, certificates);
                    show::death(&death, &system, &start_again);
                }
                None => {
                    show::news("every role has ended");
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
    }
}

/// The certificates, and the folder of those that are made for this run.
fn certificates(plan: &Plan) -> anyhow::Result<Option<(Certificates, Option<TempDir>)>> {
    let Some(mtls) = &plan.mtls else {
        return Ok(None);
    };
    if let Some(folder) = &mtls.folder {
        let certificates = Certificates::at(folder);
        if !certificates.authority().exists() {
            let folder = folder.display();
            return Err(Usage::new(format!(
                "there are no certificates in {folder} (no ca.crt); make them with \
                 `pspd certs {folder}`, or give --mtls no folder to have them made for this run"
            ))
            .into());
        }
        return Ok(Some((certificates, None)));
    }
    let folder = tempfile::Builder::new().prefix("pspd-certs-").tempdir();
    let folder = folder.context("cannot make a folder for certificates")?;
    let (certificates, _) = Certificates::make(folder.path(), &Making::default())?;
    Ok(Some((certificates, Some(folder))))
}

/// Gateways first, then the services. Another Ctrl-C kills what is left.
async fn stop(mut system: System, mut interrupts: Interrupts) -> ExitCode {
    show::news("stopping; once more Ctrl-C stops without waiting");
    let ends = tokio::select! {
        () = interrupts.next() => return ExitCode::FAILURE,
        ends = system.stop(STOP_WITHIN) => ends,
    };
    let mut code = ExitCode::SUCCESS;
    for (role, end) in ends {
        if let Stopped::Killed(_) = end {
            show::news(&format!(
                "role {role} did not stop within {STOP_WITHIN:?} and was killed"
            ));
            code = ExitCode::FAILURE;
        }
    }
    code
}
