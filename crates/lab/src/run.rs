//! A whole run, from the plan to the results: the story on one screen. In: a
//! [`Goal`]; out: the report and how the run ended. Everything that could stop a
//! run for the way it was asked for is looked at before anything is started or
//! written, and every target must answer once before any load.

use std::{
    path::PathBuf,
    process::ExitStatus,
    time::{Duration, SystemTime},
};

use accounts::{Machine, affinity};
use contract::Role;
use results::{Folder, Run, SCHEMA_VERSION, Session, State};
use system::{Interrupts, Stopped, System};

use crate::{
    Error, descriptors,
    measuring::{Measuring, routes},
    output::{self, Report},
    plan::Plan,
    ports,
    progress::{Progress, Show},
    roles,
    schedule::Step,
    summary,
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
    /// What is shown meanwhile.
    pub show: Show,
}

/// What to run.
#[derive(Debug)]
pub enum Goal {
    /// A new run.
    New {
        /// The experiment.
        plan: Box<Plan>,
        /// The folder that gets a folder for the run.
        out: PathBuf,
    },
    /// The rest of one that was stopped.
    Resume {
        /// The run's own folder.
        folder: PathBuf,
    },
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The tables, verdicts and warnings.
    pub report: Report,
    /// Where everything is.
    pub folder: PathBuf,
    /// Blocks that are complete, and in the report.
    pub blocks: usize,
    /// Roles that did not stop in time when they were asked to, and were killed.
    pub killed: Vec<Role>,
    /// Why it ended.
    pub end: End,
}

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// All blocks are done.
    Complete,
    /// Its user stopped it.
    Interrupted,
    /// Something other than a role failed.
    Failed(Error),
    /// A role of the system ended on its own.
    RoleDied {
        /// Which one.
        role: Role,
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        last_lines: Vec<String>,
        /// Its log.
        log: PathBuf,
    },
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

/// Runs what is asked for, to its end or its interruption.
pub async fn run(goal: Goal, setting: &Setting) -> Result<Outcome, Error> {
    let mut interrupts = Interrupts::listen().map_err(Error::Signals)?;
    let (plan, resumed) = match goal {
        Goal::New { plan, out } => (*plan, Start::Below(out)),
        Goal::Resume { folder } => resume(Folder::resume(&folder)?, setting)?,
    };
    ports::look_first(&plan)?;
    descriptors::make_room(&plan)?;
    let running = tokio::select! {
        biased;
        () = interrupts.next() => return Err(Error::Interrupted),
        running = target::running(&plan) => running?,
    };
    let folder = open(&plan, setting, resumed)?;
    let mut experiment = Experiment::new(plan, setting, running, folder);

    let end = tokio::select! {
        biased;
        () = interrupts.next() => End::Interrupted,
        end = experiment.carry_out() => end.unwrap_or_else(End::Failed),
    };
    experiment.finish(end, &mut interrupts).await
}

/// Where the results go.
enum Start {
    Below(PathBuf),
    Into(Box<Folder>),
}

/// The plan that a folder was made for, which must fit this program and machine.
fn resume(folder: Folder, setting: &Setting) -> Result<(Plan, Start), Error> {
    let run = folder.run();
    let refused = |reason: String| Error::Resume {
        folder: folder.path().display().to_string(),
        reason,
    };
    if run.state == State::Complete {
        return Err(refused(
            "it is complete; see it with pspd report".to_owned(),
        ));
    }
    let here = Machine::this();
    if (&run.machine.cpu_model, run.machine.cores) != (&here.cpu_model, here.cores) {
        return Err(refused(format!(
            "it was begun on another machine ({}); its blocks and those of this one are not one \
             experiment; start a new run",
            run.machine.line()
        )));
    }
    let program = (&setting.version, &setting.commit, cfg!(debug_assertions));
    if (&run.pspd_version, &run.pspd_commit, run.debug_build) != program {
        return Err(refused(format!(
            "it was begun by pspd {} ({}), and this is another one; its blocks would be of two \
             programs; use that program, or start a new run",
            run.pspd_version,
            run.pspd_commit.as_deref().unwrap_or("commit not known")
        )));
    }
    let plan = Plan::again(&run.experiment)
        .map_err(|problems| refused(format!("its experiment is not valid here: {problems}")))?;
    if let Some(block) = plan.first_strange(&run.blocks) {
        return Err(refused(format!(
            "its block {} is not one that this program would measure; start a new run",
            block.number
        )));
    }
    Ok((plan, Start::Into(Box::new(folder))))
}

fn open(plan: &Plan, setting: &Setting, start: Start) -> Result<Folder, Error> {
    let machine = Machine::this();
    let session = Session {
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        pspd_version: setting.version.clone(),
        pspd_commit: setting.commit.clone(),
        kernel: machine.kernel.clone(),
    };
    let out = match start {
        Start::Into(mut folder) => {
            folder.update(|run| {
                run.state = State::Running;
                run.sessions.push(session);
            })?;
            return Ok(*folder);
        }
        Start::Below(out) => out,
    };
    let arguments = roles::arguments(plan).into_iter();
    let run = Run {
        schema_version: SCHEMA_VERSION,
        state: State::Running,
        pspd_version: setting.version.clone(),
        pspd_commit: setting.commit.clone(),
        debug_build: cfg!(debug_assertions),
        machine,
        experiment: plan.experiment.clone(),
        blocks_planned: plan.blocks(),
        role_arguments: arguments
            .map(|(role, arguments)| (role.name().to_owned(), arguments))
            .collect(),
        sessions: vec![session],
        blocks: Vec::new(),
    };
    Ok(Folder::create(&out, run)?)
}

/// A run under way.
struct Experiment<'a> {
    plan: Plan,
    setting: &'a Setting,
    /// Running systems, which stay as they are.
    running: Vec<Target>,
    system: Option<System>,
    killed: Vec<Role>,
    /// Where the roles of the present system log to.
    logs: PathBuf,
    folder: Folder,
    progress: Progress,
}

impl<'a> Experiment<'a> {
    fn new(plan: Plan, setting: &'a Setting, running: Vec<Target>, folder: Folder) -> Self {
        let progress = Progress::new(&plan, plan.blocks(), setting.show);
        Experiment {
            plan,
            setting,
            running,
            system: None,
            killed: Vec::new(),
            logs: folder.path().to_owned(),
            folder,
            progress,
        }
    }

    /// Block after block; a new system for each repetition.
    async fn carry_out(&mut self) -> Result<End, Error> {
        let mut missing = self.plan.steps();
        let run = self.folder.run();
        missing.retain(|step| run.blocks.iter().all(|block| block.number != step.number));
        let repetitions: Vec<Vec<Step>> = missing
            .chunk_by(|a, b| a.repetition == b.repetition || !self.plan.restarts())
            .map(<[Step]>::to_vec)
            .collect();
        for steps in repetitions {
            let mut own = match self.start_system(&steps).await? {
                Ok(own) => own,
                Err(end) => return Ok(end),
            };
            for step in steps {
                if let Some(end) = self.block(step, &mut own).await? {
                    return Ok(end);
                }
            }
            self.stop_system().await;
        }
        Ok(End::Complete)
    }

    /// The targets of a system that has just been started, where one is needed;
    /// or the death of a role, which is the cause of whatever else went wrong.
    async fn start_system(&mut self, steps: &[Step]) -> Result<Result<Vec<Target>, End>, Error> {
        if !self.plan.needs_system() {
            return Ok(Ok(Vec::new()));
        }
        let first = steps.first().map_or(1, |step| step.repetition);
        self.logs = self.folder.logs(first)?;
        let mut options = system::Options::new(&self.setting.executable);
        options.stderr = system::Output::Folder(self.logs.clone());
        options.args = roles::arguments(&self.plan)
            .into_iter()
            .map(|(role, arguments)| (role, arguments.into_iter().map(Into::into).collect()))
            .collect();
        let started = start_pinned(&options, &self.plan.experiment.system.cpus).await?;
        let system = self.system.insert(started);
        let failed = match target::own(&self.plan, system).await {
            Ok(own) => return Ok(Ok(own)),
            Err(error) => error,
        };
        match tokio::time::timeout(DEATH_WITHIN, died(system)).await {
            Ok(death) => Ok(Err(self.death(death))),
            Err(_) => Err(failed),
        }
    }

    /// Between two repetitions; a role that must be killed is named in the end.
    async fn stop_system(&mut self) {
        if let Some(mut system) = self.system.take() {
            let killed = killed(system.stop(STOP_WITHIN).await);
            self.note_killed(killed);
        }
    }

    fn note_killed(&mut self, roles: Vec<Role>) {
        for role in roles {
            if !self.killed.contains(&role) {
                self.killed.push(role);
            }
        }
    }

    /// One block, measured and written; an end when a role dies meanwhile.
    async fn block(&mut self, step: Step, own: &mut [Target]) -> Result<Option<End>, Error> {
        let done = self.folder.run().blocks.len();
        self.progress.begin(&self.plan, step, done);
        let target = own
            .iter_mut()
            .chain(&mut self.running)
            .find(|target| target.index == step.target);
        let Some(target) = target else {
            return Ok(None);
        };
        let measuring = Measuring {
            plan: &self.plan,
            step,
            session: self.folder.run().sessions.len() as u32 - 1,
            processors: self.folder.run().machine.processors,
            progress: &self.progress,
        };
        let measured = tokio::select! {
            biased;
            death = died_of(&mut self.system) => return Ok(Some(self.death(death))),
            measured = measuring.take(target) => measured?,
        };
        let (measured, block) = measured;
        let routes = routes(&self.plan, step);
        let histograms = summary::histograms(&measured.sample, &routes);
        let timeline = summary::timeline(&measured);
        self.progress.end(&block, done + 1);
        self.folder
            .add(block, &histograms, measured.window_start, &timeline)?;
        let digest = output::digest(&self.folder);
        if let Err(error) = output::write(&self.folder, &digest) {
            // The block is kept, and all of that can be made again from it.
            self.progress.warn(&error.to_string());
        }
        Ok(None)
    }

    fn death(&self, death: system::Death) -> End {
        End::RoleDied {
            role: death.role,
            status: death.status,
            last_lines: death.last_lines,
            log: self.logs.join(format!("{}.err.log", death.role)),
        }
    }

    async fn finish(mut self, end: End, interrupts: &mut Interrupts) -> Result<Outcome, Error> {
        self.progress.clear();
        if let Some(system) = self.system.take() {
            let killed = stop(system, &end, interrupts, &self.progress).await;
            self.note_killed(killed);
        }
        let closed = self.folder.close(end.state()).map_err(Error::from);
        let digest = output::digest(&self.folder);
        let written = closed.and_then(|()| output::write(&self.folder, &digest));
        let end = match (written, end) {
            (Err(error), End::Complete | End::Interrupted) => End::Failed(error),
            // The first failure says more than that it could not be written down.
            (_, end) => end,
        };
        Ok(Outcome {
            report: output::report(&digest, &self.plan.gates),
            folder: self.folder.path().to_owned(),
            blocks: self.folder.run().blocks.len(),
            killed: self.killed,
            end,
        })
    }
}

/// The roles inherit the processors of the thread that starts them.
async fn start_pinned(options: &system::Options, cpus: &[usize]) -> Result<System, Error> {
    let pin = |cpus: &[usize]| {
        affinity::pin_current_thread(cpus).map_err(|reason| Error::Pin {
            cpus: cpus.to_vec(),
            reason,
        })
    };
    let before = affinity::allowed_cpus().filter(|_| !cpus.is_empty());
    if before.is_some() {
        pin(cpus)?;
    }
    let started = System::start(options).await;
    if let Some(before) = before {
        pin(&before)?;
    }
    Ok(started?)
}

/// Stops the roles; a Ctrl-C meanwhile kills them at once. Says which ones had
/// to be killed because they took too long.
async fn stop(
    mut system: System,
    end: &End,
    interrupts: &mut Interrupts,
    progress: &Progress,
) -> Vec<Role> {
    if let End::Interrupted = end {
        progress.say("stopping the roles; once more Ctrl-C stops without waiting");
    }
    let ends = tokio::select! {
        biased;
        // Dropping the system kills it.
        () = interrupts.next() => return Vec::new(),
        ends = system.stop(STOP_WITHIN) => ends,
    };
    killed(ends)
}

fn killed(ends: impl IntoIterator<Item = (Role, Stopped)>) -> Vec<Role> {
    ends.into_iter()
        .filter(|(_, stopped)| matches!(stopped, Stopped::Killed(_)))
        .map(|(role, _)| role)
        .collect()
}

/// Waits for a role to die; for ever where there is no system.
async fn died_of(system: &mut Option<System>) -> system::Death {
    match system {
        Some(system) => died(system).await,
        None => std::future::pending().await,
    }
}

async fn died(system: &mut System) -> system::Death {
    match system.died().await {
        Some(death) => death,
        None => std::future::pending().await,
    }
}
