//! The experiment as asked for, and as it will run. In: [`Arguments`], texts as
//! a user typed them; out: a [`Plan`] in which everything is valid, or every
//! [`Problems`] at once. Reads nothing from the system: whether a target answers,
//! a process exists or a folder can be written is found out when the run starts.

mod against;
mod problems;

use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use contract::Role;

pub(crate) use against::Endpoint;
pub use problems::Problems;

/// User counts of the published experiment, 30 s each.
const FULL_USERS: &str = "25,50,100,200,400,800,1600,3200";
const FULL_DURATION: &str = "30s";
/// The same with about a minute in all.
const SHORT_USERS: &str = "25,100,400";
const SHORT_DURATION: &str = "5s";

const USERS_MAX: u32 = 100_000;
const STEPS_MAX: usize = 100;
const THREADS_MAX: u32 = 256;
const DURATION_MIN: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3600);

/// The options as typed; what is absent takes its default.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    /// The published user counts and duration are the defaults.
    pub full: bool,
    /// User counts, separated by commas.
    pub users: Option<String>,
    /// The measured window of each block, such as `5s`.
    pub duration: Option<String>,
    /// Load before each window that is not counted.
    pub warm_up: Option<String>,
    /// A request that takes longer has failed.
    pub request_timeout: Option<String>,
    /// Threads of the load generator.
    pub generator_threads: Option<String>,
    /// Chains of our own to measure: `grpc`, `rest`, or `none`.
    pub chains: Option<String>,
    /// Running systems to measure, `NAME=URL[,ROLE:PID]...`.
    pub against: Vec<String>,
    /// Folder that gets a folder for this run.
    pub out: Option<PathBuf>,
}

/// A valid experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(crate) users: Vec<u32>,
    pub(crate) chains: Vec<Chain>,
    pub(crate) duration: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) threads: u32,
    pub(crate) out: PathBuf,
}

/// What is measured beside the others under a name of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chain {
    pub(crate) name: String,
    pub(crate) subject: Subject,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Subject {
    /// A chain of the system that the run starts.
    Own(Protocol),
    /// A system that runs already.
    Running(Endpoint),
}

/// The protocol between the gateway and the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    Rest,
}

impl Protocol {
    const ALL: [Protocol; 2] = [Protocol::Grpc, Protocol::Rest];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Grpc => "grpc",
            Protocol::Rest => "rest",
        }
    }

    /// The roles a request passes through, the gateway first.
    pub(crate) fn roles(self) -> [Role; 3] {
        match self {
            Protocol::Grpc => [Role::Gateway, Role::A, Role::B],
            Protocol::Rest => [Role::GatewayRest, Role::ARest, Role::BRest],
        }
    }
}

/// One block: so many users on one chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) users: u32,
    /// Index into [`Plan::chains`].
    pub(crate) chain: usize,
}

impl Plan {
    /// Validates the arguments; every problem is reported, not only the first.
    pub fn new(arguments: &Arguments) -> Result<Plan, Problems> {
        let mut problems = Problems::default();
        let (users, duration) = match arguments.full {
            true => (FULL_USERS, FULL_DURATION),
            false => (SHORT_USERS, SHORT_DURATION),
        };
        let plan = Plan {
            users: read_users(given(&arguments.users, users), &mut problems),
            chains: read_chains(
                given(&arguments.chains, "grpc,rest"),
                &arguments.against,
                &mut problems,
            ),
            duration: read_duration(
                "--duration",
                given(&arguments.duration, duration),
                DURATION_MIN..=HOUR,
                &mut problems,
            ),
            warm_up: read_duration(
                "--warm-up",
                given(&arguments.warm_up, "1s"),
                Duration::ZERO..=HOUR,
                &mut problems,
            ),
            request_timeout: read_duration(
                "--request-timeout",
                given(&arguments.request_timeout, "60s"),
                Duration::from_millis(1)..=HOUR,
                &mut problems,
            ),
            threads: read_threads(given(&arguments.generator_threads, "1"), &mut problems),
            out: read_out(arguments.out.clone(), &mut problems),
        };
        problems.none_or(plan)
    }

    /// The blocks in their order. Each step of users goes through all chains;
    /// every other step does so backwards (ABBA), so that a machine that gets
    /// slower over the run does not favour one chain.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, users) in self.users.iter().copied().enumerate() {
            let mut chains: Vec<usize> = (0..self.chains.len()).collect();
            if index % 2 == 1 {
                chains.reverse();
            }
            steps.extend(chains.into_iter().map(|chain| Step { users, chain }));
        }
        steps
    }

    pub(crate) fn users_max(&self) -> u32 {
        self.users.iter().copied().max().unwrap_or(0)
    }

    /// Whether a chain of our own is measured, and so a system is started.
    pub(crate) fn needs_system(&self) -> bool {
        self.chains
            .iter()
            .any(|chain| matches!(chain.subject, Subject::Own(_)))
    }
}

fn given<'a>(text: &'a Option<String>, default: &'a str) -> &'a str {
    text.as_deref().unwrap_or(default)
}

fn read_users(text: &str, problems: &mut Problems) -> Vec<u32> {
    let fix = format!("give whole numbers from 1 to {USERS_MAX}, for example 25,100,400");
    let mut users = Vec::new();
    for part in text.split(',').map(str::trim) {
        match part.parse::<u32>() {
            Ok(count) if users.contains(&count) => {
                problems.add(
                    "--users",
                    text,
                    format!("{count} is there twice"),
                    "give it once",
                );
            }
            Ok(count @ 1..=USERS_MAX) => users.push(count),
            Ok(_) => problems.add("--users", text, format!("{part} is out of range"), &fix),
            Err(_) => problems.add("--users", text, format!("{part:?} is no count"), &fix),
        }
    }
    if users.len() > STEPS_MAX {
        let reason = format!("{} steps are too many", users.len());
        problems.add("--users", text, reason, format!("give at most {STEPS_MAX}"));
    }
    users
}

fn read_duration(
    option: &str,
    text: &str,
    range: RangeInclusive<Duration>,
    problems: &mut Problems,
) -> Duration {
    let fix = format!(
        "give {} to {} with its unit, for example 500ms or 5s",
        humantime::format_duration(*range.start()),
        humantime::format_duration(*range.end()),
    );
    match humantime::parse_duration(text) {
        Ok(duration) if range.contains(&duration) => return duration,
        Ok(_) => problems.add(option, text, "it is out of range", fix),
        Err(error) => problems.add(option, text, format!("it is no duration ({error})"), fix),
    }
    *range.start()
}

fn read_threads(text: &str, problems: &mut Problems) -> u32 {
    match text.parse::<u32>() {
        Ok(threads @ 1..=THREADS_MAX) => threads,
        _ => {
            problems.add(
                "--generator-threads",
                text,
                "it is no number of threads",
                format!("give 1 to {THREADS_MAX}"),
            );
            1
        }
    }
}

fn read_chains(text: &str, against: &[String], problems: &mut Problems) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let names = text.split(',').map(str::trim).filter(|_| text != "none");
    for name in names {
        let Some(protocol) = Protocol::ALL.into_iter().find(|known| known.name() == name) else {
            problems.add(
                "--chains",
                text,
                format!("there is no chain {name:?}"),
                "give grpc, rest, both (grpc,rest) or none",
            );
            continue;
        };
        if chains.iter().any(|chain| chain.name == name) {
            problems.add(
                "--chains",
                text,
                format!("{name} is there twice"),
                "give it once",
            );
            continue;
        }
        chains.push(Chain {
            name: name.to_owned(),
            subject: Subject::Own(protocol),
        });
    }
    for text in against {
        match against::read(text) {
            Ok(chain) if chains.iter().any(|known| known.name == chain.name) => problems.add(
                "--against",
                text,
                format!("the name {} is taken", chain.name),
                "choose another",
            ),
            Ok(chain) => chains.push(chain),
            Err(wrong) => problems.add("--against", text, wrong.reason, wrong.fix),
        }
    }
    if text == "none" && against.is_empty() {
        problems.add(
            "--chains",
            text,
            "nothing is left to measure",
            "name a running system with --against NAME=URL",
        );
    }
    chains
}

fn read_out(out: Option<PathBuf>, problems: &mut Problems) -> PathBuf {
    let out = out.unwrap_or_else(|| PathBuf::from("results"));
    if out.as_os_str().is_empty() {
        problems.add(
            "--out",
            "",
            "it is empty",
            "name a folder; it is made when absent",
        );
    }
    out
}

#[cfg(test)]
mod tests;
