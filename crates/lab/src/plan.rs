//! The experiment as it will run. In: an [`Experiment`], from a file and flags;
//! out: a [`Plan`] in which everything is valid, or every one of the
//! [`Problems`] at once. Reads nothing from the system but the templates'
//! syntax: whether a target answers, a process exists, a method is known or a
//! folder can be written is found out when the run starts.

pub(crate) mod against;
mod numbers;
mod problems;
mod targets;

use std::{path::Path, time::Duration};

use contract::Role;
use report::{Gate, Objective};
use results::{Block, ConnectionCount, Experiment, LoadPoint, OwnChain, Restart};

pub(crate) use against::{Endpoint, NAME_CHARS_MAX, Scheme};
pub use problems::Problems;

use crate::{
    Options,
    schedule::{self, Step},
};

/// What a plan measures unless it is told to measure something else.
const DEFAULT_USERS: [u32; 3] = [25, 100, 400];

const BLOCKS_MAX: usize = 10_000;

/// A valid experiment.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Complete: loads and seed are there.
    pub(crate) experiment: Experiment,
    /// In the experiment's order.
    pub(crate) targets: Vec<Planned>,
    pub(crate) loads: Vec<LoadPoint>,
    pub(crate) gates: Vec<Gate>,
    /// Of a search.
    pub(crate) objective: Option<Objective>,
}

/// An experiment file.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Where it is, for messages; paths in it are relative to its folder.
    pub path: &'a Path,
    /// Its content.
    pub text: &'a str,
}

impl File<'_> {
    /// Reads the experiment; paths become absolute, so that it can be run again
    /// from anywhere.
    fn read(self, problems: &mut Problems) -> Option<Experiment> {
        let mut experiment = match Experiment::from_toml(self.text) {
            Ok(experiment) => experiment,
            Err(error) => {
                let path = self.path.display().to_string();
                problems.add("FILE", &path, error.to_string().trim_end(), "correct it");
                return None;
            }
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let schemas = experiment.targets.iter_mut();
        for schema in schemas.filter_map(|target| target.schema.as_mut()) {
            schema.below(folder);
        }
        Some(experiment)
    }
}

/// One target, its text understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) subject: Subject,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Subject {
    /// A chain of the system that the run starts.
    Own(OwnChain),
    /// A system that runs already.
    Running(Endpoint),
}

/// The roles that a request to a chain passes through, the gateway first.
pub(crate) fn roles(chain: OwnChain) -> [Role; 3] {
    match chain {
        OwnChain::Grpc => [Role::Gateway, Role::A, Role::B],
        OwnChain::Rest => [Role::GatewayRest, Role::ARest, Role::BRest],
    }
}

impl Plan {
    /// The experiment of a file's content, or the default one, with what the
    /// flags say.
    pub fn new(file: Option<File<'_>>, options: &Options) -> Result<Plan, Problems> {
        let mut problems = Problems::default();
        let experiment = match file {
            None => Some(Experiment::default()),
            Some(file) => file.read(&mut problems),
        };
        let Some(experiment) = experiment else {
            return Err(problems);
        };
        let mut experiment = options.apply(experiment, &mut problems);
        let schemas = experiment.targets.iter_mut();
        for schema in schemas.filter_map(|target| target.schema.as_mut()) {
            // Those of the flags are relative to where the program was started.
            schema.below(Path::new(""));
        }
        Plan::of(experiment, problems)
    }

    /// The experiment of a run that was recorded, to go on with.
    pub fn again(experiment: &Experiment) -> Result<Plan, Problems> {
        Plan::of(experiment.clone(), Problems::default())
    }

    fn of(mut experiment: Experiment, mut problems: Problems) -> Result<Plan, Problems> {
        let load = &mut experiment.load;
        if load.users.is_empty() && load.rates.is_empty() && load.slo.is_none() {
            load.users = DEFAULT_USERS.to_vec();
        }
        experiment.seed.get_or_insert_with(schedule::random_seed);
        numbers::check_load(&experiment, &mut problems);
        numbers::check_times(&experiment, &mut problems);
        numbers::check_connections(&experiment, &mut problems);
        numbers::check_cpus(&experiment, &mut problems);
        let targets = targets::read_targets(&experiment, &mut problems);
        let objective = read_objective(&experiment, &mut problems);
        let gates = read_gates(&experiment, &mut problems);
        let plan = Plan {
            loads: experiment.load.points(),
            experiment,
            targets,
            gates,
            objective,
        };
        if plan.blocks() > BLOCKS_MAX {
            problems.add(
                "repetitions (--repetitions)",
                &plan.experiment.repetitions.to_string(),
                format!("that makes {} blocks", plan.blocks()),
                format!("choose fewer loads, targets or repetitions: {BLOCKS_MAX} blocks at most"),
            );
        }
        problems.none_or(plan)
    }

    /// How many blocks there are.
    pub(crate) fn blocks(&self) -> usize {
        self.experiment.repetitions as usize * self.loads.len() * self.targets.len()
    }

    /// The blocks in their order.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let design = schedule::Design {
            repetitions: self.experiment.repetitions,
            loads: self.loads.len(),
            targets: self.targets.len(),
            seed: self.seed(),
        };
        schedule::steps(&design)
    }

    /// The first of these blocks that is none of this plan.
    pub(crate) fn first_strange<'b>(&self, blocks: &'b [Block]) -> Option<&'b Block> {
        let steps = self.steps();
        let is_ours = |block: &Block| {
            // Steps are numbered from 1, in their order.
            let index = (block.number as usize).checked_sub(1);
            let step = index.and_then(|index| steps.get(index));
            step.is_some_and(|step| {
                step.repetition == block.repetition
                    && self.loads[step.load] == block.load
                    && self.targets[step.target].name == block.target
            })
        };
        blocks.iter().find(|block| !is_ours(block))
    }

    pub(crate) fn seed(&self) -> u64 {
        self.experiment.seed.unwrap_or(0)
    }

    /// Users, or workers of an open loop, that exist at the same time at most.
    pub(crate) fn users_max(&self) -> u32 {
        let load = &self.experiment.load;
        let of = |point: &LoadPoint| match point {
            LoadPoint::Users(users) => *users,
            LoadPoint::Rate(_) | LoadPoint::Search => load.in_flight_max,
        };
        self.loads.iter().map(of).max().unwrap_or(0)
    }

    /// Connections from the generator to one target at most.
    pub(crate) fn connections_max(&self) -> u32 {
        match self.experiment.connections.count {
            ConnectionCount::Shared(count) => count.min(self.users_max()),
            ConnectionCount::Each(_) => self.users_max(),
        }
    }

    /// Whether a chain of our own is measured, and so a system is started.
    pub(crate) fn needs_system(&self) -> bool {
        self.targets
            .iter()
            .any(|target| matches!(target.subject, Subject::Own(_)))
    }

    pub(crate) fn restarts(&self) -> bool {
        self.experiment.system.restart == Restart::EachRepetition
    }

    /// How long a block takes, without a search: warm-up and window.
    pub(crate) fn block_length(&self) -> Duration {
        self.experiment.warm_up + self.experiment.duration
    }
}

fn read_objective(experiment: &Experiment, problems: &mut Problems) -> Option<Objective> {
    let text = experiment.load.slo.as_ref()?;
    let objective = Objective::parse(text)
        .and_then(|objective| objective.check(experiment).map(|()| objective));
    match objective {
        Ok(objective) => Some(objective),
        Err(error) => {
            problems.add(
                "slo (--slo)",
                text,
                error.to_string(),
                "for example p99<50ms",
            );
            None
        }
    }
}

fn read_gates(experiment: &Experiment, problems: &mut Problems) -> Vec<Gate> {
    let mut gates = Vec::new();
    for text in &experiment.fail_if {
        match Gate::parse(text, experiment) {
            Ok(gate) => gates.push(gate),
            Err(error) => problems.add(
                "fail-if (--fail-if)",
                text,
                error.reason.to_string(),
                "for example 'grpc.p99 > 20ms' or 'rest/grpc.cpu > 1.2'",
            ),
        }
    }
    gates
}

#[cfg(test)]
mod tests;
