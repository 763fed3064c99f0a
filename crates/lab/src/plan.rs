//! The experiment as it will run. In: an [`Experiment`], from a file and flags;
//! out: a [`Plan`] in which everything is valid, or every one of the
//! [`Problems`] at once. Reads nothing from the system but the templates'
//! syntax: whether a target answers, a process exists, a method is known or a
//! folder can be written is found out when the run starts.

pub(crate) mod against;
mod problems;

use std::{collections::BTreeSet, ops::RangeInclusive, path::Path, time::Duration};

use contract::Role;
use report::{Gate, Objective};
use results::{
    Block, ConnectionCount, Experiment, LoadPoint, OwnChain, Request, Restart, Schema, Target,
};

pub(crate) use against::{Endpoint, NAME_CHARS_MAX, Scheme};
pub use problems::Problems;

use crate::{
    Options,
    schedule::{self, Step},
};

/// What a plan measures unless it is told to measure something else.
const DEFAULT_USERS: [u32; 3] = [25, 100, 400];

const USERS_MAX: u32 = 100_000;
const RATE_MAX: f64 = 10_000_000.0;
const LOADS_MAX: usize = 100;
const TARGETS_MAX: usize = 16;
const REQUESTS_MAX: usize = 100;
const REPETITIONS_MAX: u32 = 1_000;
const BLOCKS_MAX: usize = 10_000;
const THREADS_MAX: u32 = 256;
const STREAMS_MAX: u32 = 100_000;
const WINDOW_BYTES: RangeInclusive<u32> = 65_535..=(1 << 31) - 1;
const DURATION_MIN: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3600);

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
        check_load(&experiment, &mut problems);
        check_times(&experiment, &mut problems);
        check_connections(&experiment, &mut problems);
        check_cpus(&experiment, &mut problems);
        let targets = read_targets(&experiment, &mut problems);
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

    /// Whether this is a block of this plan.
    pub(crate) fn has(&self, block: &Block) -> bool {
        let mut steps = self.steps().into_iter();
        steps.any(|step| {
            step.number == block.number
                && step.repetition == block.repetition
                && self.loads[step.load] == block.load
                && self.targets[step.target].name == block.target
        })
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

fn check_load(experiment: &Experiment, problems: &mut Problems) {
    let load = &experiment.load;
    let kinds = [
        !load.users.is_empty(),
        !load.rates.is_empty(),
        load.slo.is_some(),
    ];
    if kinds.into_iter().filter(|is| *is).count() > 1 {
        problems.add(
            "load",
            "",
            "users, rates and slo are three kinds of load",
            "give one of them; measure the others in runs of their own",
        );
    }
    let mut seen = BTreeSet::new();
    for users in &load.users {
        check_range("users (--users)", *users, 1..=USERS_MAX, problems);
        if !seen.insert(*users) {
            problems.add(
                "users (--users)",
                &users.to_string(),
                "it is there twice",
                "give it once",
            );
        }
    }
    for (index, rate) in load.rates.iter().enumerate() {
        check_rate("rates (--rate)", *rate, problems);
        if load.rates[..index].contains(rate) {
            problems.add(
                "rates (--rate)",
                &rate.to_string(),
                "it is there twice",
                "give it once",
            );
        }
    }
    if load.points().len() > LOADS_MAX {
        let count = load.points().len().to_string();
        problems.add(
            "load",
            &count,
            "so many loads are too many",
            format!("give at most {LOADS_MAX}"),
        );
    }
    if let Some(pace) = load.pace {
        check_duration(
            "pace (--pace)",
            pace,
            Duration::from_millis(1)..=HOUR,
            problems,
        );
        if load.users.is_empty() {
            problems.add(
                "pace (--pace)",
                &humantime::format_duration(pace).to_string(),
                "only users of a closed loop have a pace",
                "give users (--users), or leave it out",
            );
        }
    }
    check_range(
        "in-flight-max (--in-flight-max)",
        load.in_flight_max,
        1..=USERS_MAX,
        problems,
    );
    check_rate("rate-start", load.rate_start, problems);
    check_rate("rate-max", load.rate_max, problems);
    if !(0.001..=0.5).contains(&load.rate_precision) {
        problems.add(
            "rate-precision",
            &load.rate_precision.to_string(),
            "it is no share that a search can reach",
            "give 0.001 to 0.5",
        );
    }
}

fn check_times(experiment: &Experiment, problems: &mut Problems) {
    let from = |from| from..=HOUR;
    check_duration(
        "duration (--duration)",
        experiment.duration,
        from(DURATION_MIN),
        problems,
    );
    check_duration(
        "warm-up (--warm-up)",
        experiment.warm_up,
        from(Duration::ZERO),
        problems,
    );
    check_duration(
        "request-timeout (--request-timeout)",
        experiment.request_timeout,
        from(Duration::from_millis(1)),
        problems,
    );
    let repetitions = experiment.repetitions;
    check_range(
        "repetitions (--repetitions)",
        repetitions,
        1..=REPETITIONS_MAX,
        problems,
    );
}

fn check_connections(experiment: &Experiment, problems: &mut Problems) {
    let connections = &experiment.connections;
    let threads = experiment.generator.threads;
    check_range(
        "threads (--generator-threads)",
        threads,
        1..=THREADS_MAX,
        problems,
    );
    check_range(
        "streams-max (--streams-max)",
        connections.streams_max,
        1..=STREAMS_MAX,
        problems,
    );
    for (name, bytes) in [
        ("stream-window-bytes", connections.stream_window_bytes),
        (
            "connection-window-bytes",
            connections.connection_window_bytes,
        ),
    ] {
        check_range(name, bytes, WINDOW_BYTES, problems);
    }
    if let ConnectionCount::Shared(count) = connections.count {
        check_range("count (--connections)", count, 1..=USERS_MAX, problems);
        if threads > 0 && count % threads != 0 {
            problems.add(
                "count (--connections)",
                &count.to_string(),
                format!("{threads} threads of the generator cannot have the same number of them"),
                "give a multiple of --generator-threads: threads share no connection",
            );
        }
    }
}

fn check_cpus(experiment: &Experiment, problems: &mut Problems) {
    let allowed = accounts::affinity::allowed_cpus();
    for (name, cpus) in [
        ("cpus (--generator-cpus)", &experiment.generator.cpus),
        ("cpus (--system-cpus)", &experiment.system.cpus),
    ] {
        if cpus.is_empty() {
            continue;
        }
        let value = format!("{cpus:?}");
        match &allowed {
            None => problems.add(name, &value, "pinning works on Linux alone", "leave it out"),
            Some(allowed) => {
                if let Some(cpu) = cpus.iter().find(|cpu| !allowed.contains(cpu)) {
                    let reason = format!("this program may not use processor {cpu}");
                    problems.add(name, &value, reason, format!("choose among {allowed:?}"));
                }
            }
        }
    }
}

fn read_targets(experiment: &Experiment, problems: &mut Problems) -> Vec<Planned> {
    let mut targets: Vec<Planned> = Vec::new();
    for target in &experiment.targets {
        let planned = match read_target(target) {
            Ok(planned) => planned,
            Err(wrong) => {
                problems.add("targets (--against)", &target.name, wrong.reason, wrong.fix);
                continue;
            }
        };
        if targets.iter().any(|known| known.name == planned.name) {
            problems.add(
                "targets (--against)",
                &target.name,
                "the name is taken",
                "choose another",
            );
            continue;
        }
        check_requests(experiment, target, &planned, problems);
        targets.push(planned);
    }
    if experiment.targets.is_empty() {
        problems.add(
            "targets",
            "",
            "nothing is left to measure",
            "name a running system with --against NAME=URL",
        );
    }
    if targets.len() > TARGETS_MAX {
        let count = targets.len().to_string();
        problems.add(
            "targets",
            &count,
            "so many are too many",
            format!("give at most {TARGETS_MAX}"),
        );
    }
    targets
}

fn read_target(target: &Target) -> Result<Planned, against::Wrong> {
    against::check_name("name", &target.name)?;
    against::check_processes(&target.processes)?;
    let subject = match (target.chain, &target.url) {
        (Some(chain), None) => Subject::Own(chain),
        (None, Some(url)) => Subject::Running(against::read_url(url)?),
        (Some(_), Some(_)) => {
            return Err(against::Wrong::new(
                "it has a chain and a url",
                "give one of the two",
            ));
        }
        (None, None) => {
            return Err(against::Wrong::new(
                "it has neither chain nor url",
                "give chain = \"grpc\" or \"rest\" for a chain of our own, or the url of a running system",
            ));
        }
    };
    if !target.processes.is_empty() && target.chain.is_some() {
        return Err(against::Wrong::new(
            "the processes of a chain of our own are known",
            "leave processes out",
        ));
    }
    if let Some(Schema::Proto { files, .. }) = &target.schema
        && files.is_empty()
    {
        return Err(against::Wrong::new(
            "its schema names no .proto file",
            "name one",
        ));
    }
    Ok(Planned {
        name: target.name.clone(),
        subject,
    })
}

fn check_requests(
    experiment: &Experiment,
    target: &Target,
    planned: &Planned,
    problems: &mut Problems,
) {
    let requests = experiment.requests_of(target);
    let scheme = match &planned.subject {
        Subject::Own(_) => Scheme::Http,
        Subject::Running(endpoint) => endpoint.scheme,
    };
    if requests.is_empty() || requests.len() > REQUESTS_MAX {
        let reason = format!("{} has {} requests", target.name, requests.len());
        problems.add("requests", "", reason, format!("give 1 to {REQUESTS_MAX}"));
    }
    let mut names = BTreeSet::new();
    for request in requests {
        if let Err(wrong) = check_request(request, scheme) {
            let reason = format!("{} (for target {})", wrong.reason, target.name);
            problems.add(
                "requests (--request, --call)",
                &request.name,
                reason,
                wrong.fix,
            );
        }
        if !names.insert(&request.name) {
            let fix = "name them, for example first=GET /a";
            problems.add(
                "requests (--request, --call)",
                &request.name,
                "the name is there twice",
                fix,
            );
        }
    }
}

fn check_request(request: &Request, scheme: Scheme) -> Result<(), against::Wrong> {
    against::check_name("name", &request.name)?;
    match (scheme, &request.http, &request.grpc) {
        (Scheme::Http, Some(http), None) => {
            // What the load generator would refuse is a problem now.
            crate::target::http_request(request, http, "localhost", "")
                .map(drop)
                .map_err(|reason| {
                    against::Wrong::new(
                        reason,
                        "the form is METHOD /PATH, for example GET /a/hello?name=pspd",
                    )
                })
        }
        (Scheme::Grpc, None, Some(_)) => Ok(()),
        (_, Some(_), Some(_)) | (_, None, None) => Err(against::Wrong::new(
            "it has not exactly one of http and grpc",
            "give one of the two",
        )),
        (Scheme::Grpc, Some(_), None) => Err(against::Wrong::new(
            "a grpc:// target takes no HTTP request",
            "give the target calls of its own: --call SERVICE/METHOD, or grpc = \"SERVICE/METHOD\"",
        )),
        (Scheme::Http, None, Some(_)) => Err(against::Wrong::new(
            "an http:// target takes no gRPC call",
            "give the target requests of its own: --request 'GET /PATH', or http = \"GET /PATH\"",
        )),
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

fn check_range(name: &str, value: u32, range: RangeInclusive<u32>, problems: &mut Problems) {
    if !range.contains(&value) {
        let fix = format!("give {} to {}", range.start(), range.end());
        problems.add(name, &value.to_string(), "it is out of range", fix);
    }
}

fn check_rate(name: &str, rate: f64, problems: &mut Problems) {
    if !(rate > 0.0 && rate <= RATE_MAX) {
        let fix = format!("give iterations a second, more than 0, at most {RATE_MAX}");
        problems.add(name, &rate.to_string(), "it is no rate", fix);
    }
}

fn check_duration(
    name: &str,
    duration: Duration,
    range: RangeInclusive<Duration>,
    problems: &mut Problems,
) {
    if !range.contains(&duration) {
        let show = humantime::format_duration;
        let fix = format!("give {} to {}", show(*range.start()), show(*range.end()));
        problems.add(name, &show(duration).to_string(), "it is out of range", fix);
    }
}

#[cfg(test)]
mod tests;
