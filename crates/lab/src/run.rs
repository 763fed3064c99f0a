//! A whole run, from the plan to the results: the story on one screen. In: a
//! valid [`Plan`]; out: the report and how the run ended. Everything that could
//! stop a run for its arguments is looked at before anything is started or
//! written, and every chain must answer once before any load.

use std::{
    path::PathBuf,
    process::ExitStatus,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use contract::Role;
use system::{Interrupts, Stopped, System};

use crate::{
    Error, descriptors,
    load::Load,
    plan::{Plan, Step, Subject},
    ports,
    progress::{self, Progress},
    published::published,
    report,
    results::{Results, State, utc},
    roles,
    summary::{Circumstances, Row},
    target::{self, Target},
};

/// How long each group of roles may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How soon after its consequences the death of a role becomes known.
const DEATH_WITHIN: Duration = Duration::from_millis(500);

/// What a run needs to know about the program around it.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The `pspd` executable, started for each role.
    pub executable: PathBuf,
    /// Its version, for the results.
    pub version: String,
    /// The commit it was built from, where known.
    pub commit: Option<String>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The tables and warnings, for standard output.
    pub report: String,
    /// Where everything is.
    pub folder: PathBuf,
    /// Blocks that are complete, and in the report.
    pub blocks: usize,
    /// Roles that did not stop in time when they were asked to, and were killed.
    pub killed: Vec<Role>,
    /// Why it ended.
    pub end: End,
}

/// Why a run ended.
#[derive(Debug)]
pub enum End {
    /// All blocks are done.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// Something else than a role failed; the block in progress is lost.
    Failed(Error),
    /// A role of the system died; the block in progress is lost.
    RoleDied {
        /// Which one.
        role: Role,
        /// How it ended.
        status: ExitStatus,
        /// The end of its log, oldest first.
        last_lines: Vec<String>,
    },
}

/// Runs the plan. Must be called within a Tokio runtime with IO and time. An
/// error is returned only when nothing was started and nothing written; from
/// then on a failure is the [`End`] of a run that has results.
pub async fn run(plan: &Plan, setting: &Setting) -> Result<Outcome, Error> {
    let mut interrupts = Interrupts::listen().map_err(Error::Signals)?;
    ports::look_first(plan)?;
    descriptors::make_room(plan)?;
    let running = tokio::select! {
        biased;
        () = interrupts.next() => return Err(Error::Interrupted),
        running = target::running(plan) => running?,
    };
    let mut results = Results::create(plan, setting)?;
    let mut system = None;

    let end = {
        let experiment = experiment(plan, setting, running, &mut system, &mut results);
        tokio::select! {
            biased;
            () = interrupts.next() => End::Interrupted,
            end = experiment => end.unwrap_or_else(End::Failed),
        }
    };
    let killed = match system {
        Some(system) => stop(system, &end, &mut interrupts).await,
        None => Vec::new(),
    };
    let end = match (results.close(end.state()), end) {
        (Err(error), End::Complete | End::Interrupted) => End::Failed(error),
        // The first failure says more than that it could not be written down.
        (_, end) => end,
    };
    Ok(Outcome {
        report: report::text(results.run()),
        folder: results.folder().to_owned(),
        blocks: results.run().rows.len(),
        killed,
        end,
    })
}

impl End {
    fn state(&self) -> State {
        match self {
            End::Complete => State::Complete,
            End::Interrupted => State::Interrupted,
            End::Failed(_) | End::RoleDied { .. } => State::Failed,
        }
    }
}

/// Starts what must be started, checks every chain, then takes block after block.
async fn experiment(
    plan: &Plan,
    setting: &Setting,
    mut targets: Vec<Target>,
    system: &mut Option<System>,
    results: &mut Results,
) -> Result<End, Error> {
    if plan.needs_system() {
        let mut options = system::Options::new(&setting.executable);
        options.stderr = system::Output::Folder(results.logs());
        options.args = roles::arguments(plan)
            .into_iter()
            .map(|(role, arguments)| (role, arguments.into_iter().map(Into::into).collect()))
            .collect();
        let started = system.insert(System::start(&options).await?);
        match target::own(plan, started).await {
            Ok(own) => targets.extend(own),
            // A role that died is the cause of whatever else went wrong.
            Err(error) => {
                let death = tokio::time::timeout(DEATH_WITHIN, died(system)).await;
                return death.map_err(|_| error);
            }
        }
    }
    targets.sort_by_key(|target| target.chain);

    let steps = plan.steps();
    let mut progress = Progress::new(plan, &steps);
    for step in steps {
        let target = &mut targets[step.chain];
        let block = block(plan, step, target, results, &mut progress);
        tokio::select! {
            biased;
            end = died(system) => return Ok(end),
            done = block => done?,
        }
    }
    Ok(End::Complete)
}

/// One block: peaks reset, load through warm-up and window, accounts read at
/// both ends of the window, results written.
async fn block(
    plan: &Plan,
    step: Step,
    target: &mut Target,
    results: &mut Results,
    progress: &mut Progress,
) -> Result<(), Error> {
    target.accounts.reset_peaks();
    let generator = Load {
        target: target.address,
        scenario: Arc::clone(&target.scenario),
        users: step.users,
        threads: plan.threads,
        warm_up: plan.warm_up,
        duration: plan.duration,
        request_timeout: plan.request_timeout,
    }
    .start()
    .map_err(Error::Generator)?;
    let window = generator.window();
    let window_start = SystemTime::now() + window.start.duration_since(Instant::now());
    progress.begin(step, &target.name);

    progress.until(window.start, &generator).await;
    let before = target.accounts.read();
    progress.until(window.end, &generator).await;
    let (costs, machine) = target.accounts.since(&before);
    let sample = progress
        .wait_for(generator.finish())
        .await
        .map_err(Error::Generator)?;

    let circumstances = Circumstances {
        users: step.users,
        chain: target.name.clone(),
        window_start: utc(window_start),
        routes: target
            .scenario
            .requests
            .iter()
            .map(|request| request.route)
            .collect(),
        costs,
        machine,
        published: match &plan.chains[step.chain].subject {
            Subject::Own(protocol) => published(step.users, *protocol),
            Subject::Running(_) => None,
        },
    };
    let row = Row::new(&sample, circumstances);
    progress.end(&row);
    results.add(row, &sample, window_start)
}

/// Stops the roles; a Ctrl-C meanwhile kills them at once. Says which ones had
/// to be killed because they took too long.
async fn stop(mut system: System, end: &End, interrupts: &mut Interrupts) -> Vec<Role> {
    if let End::Interrupted = end {
        progress::say("stopping the roles; once more Ctrl-C stops without waiting");
    }
    let ends = tokio::select! {
        biased;
        // Dropping the system kills it.
        () = interrupts.next() => return Vec::new(),
        ends = system.stop(STOP_WITHIN) => ends,
    };
    ends.into_iter()
        .filter(|(_, stopped)| matches!(stopped, Stopped::Killed(_)))
        .map(|(role, _)| role)
        .collect()
}

/// Waits for a role to die; for ever where there is no system.
async fn died(system: &mut Option<System>) -> End {
    let death = match system {
        Some(system) => system.died().await,
        None => None,
    };
    match death {
        Some(death) => End::RoleDied {
            role: death.role,
            status: death.status,
            last_lines: death.last_lines,
        },
        None => std::future::pending().await,
    }
}
