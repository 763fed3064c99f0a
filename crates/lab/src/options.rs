//! The flags of an experiment: the short form of a file. In: [`Options`], texts
//! as a user typed them, and the [`Experiment`] of a file or the default one;
//! out: the experiment with what the flags say. A flag goes before the file's
//! key. Only what a text means is decided here; whether the experiment makes
//! sense is decided by `Plan`, so that every problem is reported at once.

mod request;

use std::{collections::BTreeMap, path::PathBuf, str::FromStr, time::Duration};

use results::{
    Arrivals, ConnectionCount, Experiment, OwnChain, PerUser, Request, Reuse, Schema, Target, Tls,
};

use crate::plan::{Problems, against};

/// User counts of the published experiment, 30 s each.
const FULL_USERS: [u32; 8] = [25, 50, 100, 200, 400, 800, 1600, 3200];
const FULL_DURATION: Duration = Duration::from_secs(30);
/// Long enough for 3,200 users to come one after the other.
const FULL_WARM_UP: Duration = Duration::from_secs(3);

/// The flags as typed; what is absent leaves the experiment as it is.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The published user counts and duration.
    pub full: bool,
    /// Closed loop: numbers of users, separated by commas.
    pub users: Option<String>,
    /// Closed loop: the time in which each user begins one iteration.
    pub pace: Option<String>,
    /// Open loop: iterations a second, separated by commas.
    pub rate: Option<String>,
    /// Search for the highest rate that meets this objective.
    pub slo: Option<String>,
    /// `constant` or `poisson`.
    pub arrivals: Option<String>,
    /// Open loop: iterations under way at most.
    pub in_flight_max: Option<String>,
    /// The measured window of each block, such as `5s`.
    pub duration: Option<String>,
    /// Load before each window that is not counted.
    pub warm_up: Option<String>,
    /// A request that takes longer has failed.
    pub request_timeout: Option<String>,
    /// How often each target is measured at each load.
    pub repetitions: Option<String>,
    /// Makes the order and the arrivals reproducible.
    pub seed: Option<String>,
    /// `per-user`, or a number of connections that all users share.
    pub connections: Option<String>,
    /// HTTP/2: requests on one connection at a time.
    pub streams_max: Option<String>,
    /// Each request opens a connection of its own.
    pub new_connections: bool,
    /// Threads of the load generator.
    pub generator_threads: Option<String>,
    /// Processors of the generator's threads, such as `0` or `2,3`.
    pub generator_cpus: Option<String>,
    /// Processors of the system that the run starts.
    pub system_cpus: Option<String>,
    /// Chains of our own to measure: `grpc`, `rest`, or `none`.
    pub chains: Option<String>,
    /// Running systems to measure, `NAME=URL[,ROLE:PID]...`.
    pub against: Vec<String>,
    /// Authorities of the running systems that are called over TLS.
    pub tls_ca: Option<PathBuf>,
    /// The certificate to show to them.
    pub tls_cert: Option<PathBuf>,
    /// Its key.
    pub tls_key: Option<PathBuf>,
    /// HTTP requests to repeat, `[NAME=]METHOD PATH`.
    pub requests: Vec<String>,
    /// gRPC calls to repeat, `[NAME=]SERVICE/METHOD [JSON]`.
    pub calls: Vec<String>,
    /// Headers or metadata of every request, `NAME: VALUE`.
    pub headers: Vec<String>,
    /// The body of every HTTP request.
    pub body: Option<String>,
    /// `.proto` files that describe the calls.
    pub proto: Vec<PathBuf>,
    /// Folders with what the `.proto` files import.
    pub include: Vec<PathBuf>,
    /// A descriptor set that describes the calls.
    pub descriptor_set: Option<PathBuf>,
    /// Conditions that make the run end with exit code 2.
    pub fail_if: Vec<String>,
}

impl Options {
    /// The experiment with what these flags say; every text that means nothing
    /// is a problem.
    pub(crate) fn apply(&self, mut experiment: Experiment, problems: &mut Problems) -> Experiment {
        if self.full {
            experiment.load.users = FULL_USERS.to_vec();
            experiment.duration = FULL_DURATION;
            experiment.warm_up = FULL_WARM_UP;
        }
        self.apply_load(&mut experiment, problems);
        self.apply_times(&mut experiment, problems);
        self.apply_connections(&mut experiment, problems);
        self.apply_generator(&mut experiment, problems);
        self.apply_targets(&mut experiment, problems);
        if !self.fail_if.is_empty() {
            experiment.fail_if.clone_from(&self.fail_if);
        }
        experiment
    }

    fn apply_load(&self, experiment: &mut Experiment, problems: &mut Problems) {
        let load = &mut experiment.load;
        // One kind of load replaces the file's other kinds.
        if self.users.is_some() || self.rate.is_some() || self.slo.is_some() {
            load.users.clear();
            load.rates.clear();
            load.slo = None;
        }
        set_list(
            &mut load.users,
            "--users",
            &self.users,
            "25,100,400",
            problems,
        );
        set_list(&mut load.rates, "--rate", &self.rate, "100,1000", problems);
        if let Some(slo) = &self.slo {
            load.slo = Some(slo.clone());
        }
        if let Some(text) = &self.pace {
            load.pace = read_duration("--pace", text, problems);
        }
        if let Some(text) = &self.arrivals {
            match text.as_str() {
                "constant" => load.arrivals = Arrivals::Constant,
                "poisson" => load.arrivals = Arrivals::Poisson,
                _ => problems.add(
                    "--arrivals",
                    text,
                    "there is no such pattern",
                    "give constant or poisson",
                ),
            }
        }
        set_number(
            &mut load.in_flight_max,
            "--in-flight-max",
            &self.in_flight_max,
            problems,
        );
    }

    fn apply_times(&self, experiment: &mut Experiment, problems: &mut Problems) {
        for (option, text, into) in [
            ("--duration", &self.duration, &mut experiment.duration),
            ("--warm-up", &self.warm_up, &mut experiment.warm_up),
            (
                "--request-timeout",
                &self.request_timeout,
                &mut experiment.request_timeout,
            ),
        ] {
            let read = text
                .as_ref()
                .and_then(|text| read_duration(option, text, problems));
            if let Some(duration) = read {
                *into = duration;
            }
        }
        set_number(
            &mut experiment.repetitions,
            "--repetitions",
            &self.repetitions,
            problems,
        );
        if let Some(text) = &self.seed {
            experiment.seed = read_number("--seed", text, problems).or(experiment.seed);
        }
    }

    fn apply_connections(&self, experiment: &mut Experiment, problems: &mut Problems) {
        let connections = &mut experiment.connections;
        match self.connections.as_deref() {
            None => {}
            Some("per-user") => connections.count = ConnectionCount::Each(PerUser::PerUser),
            Some(text) => match text.parse() {
                Ok(count) => connections.count = ConnectionCount::Shared(count),
                Err(_) => problems.add(
                    "--connections",
                    text,
                    "it is no number of connections",
                    "give per-user, or how many all users share",
                ),
            },
        }
        set_number(
            &mut connections.streams_max,
            "--streams-max",
            &self.streams_max,
            problems,
        );
        if self.new_connections {
            connections.reuse = Reuse::NewEachRequest;
        }
    }

    fn apply_generator(&self, experiment: &mut Experiment, problems: &mut Problems) {
        let generator = &mut experiment.generator;
        let threads = &self.generator_threads;
        set_number(
            &mut generator.threads,
            "--generator-threads",
            threads,
            problems,
        );
        set_list(
            &mut generator.cpus,
            "--generator-cpus",
            &self.generator_cpus,
            "0",
            problems,
        );
        let system = &mut experiment.system;
        set_list(
            &mut system.cpus,
            "--system-cpus",
            &self.system_cpus,
            "1",
            problems,
        );
    }

    fn apply_targets(&self, experiment: &mut Experiment, problems: &mut Problems) {
        let own_requests = !self.requests.is_empty() || !self.calls.is_empty();
        if let Some(text) = &self.chains {
            experiment.targets.retain(|target| target.chain.is_none());
            let chains = read_chains(text, problems);
            experiment.targets.splice(0..0, chains);
        } else if own_requests {
            // The published chains do not have somebody else's routes.
            experiment.targets.retain(|target| target.chain.is_none());
        }
        for text in &self.against {
            match against::read(text) {
                Ok(target) => experiment.targets.push(target),
                Err(wrong) => problems.add("--against", text, wrong.reason, wrong.fix),
            }
        }
        self.apply_tls(experiment, problems);
        if own_requests {
            experiment.requests = self.read_requests(problems);
            for target in &mut experiment.targets {
                target.requests.clear();
            }
        }
        if let Some(schema) = self.schema(problems) {
            let is_grpc = |url: &String| url.starts_with("grpc://") || url.starts_with("grpcs://");
            let targets = experiment.targets.iter_mut();
            for target in targets.filter(|target| target.url.as_ref().is_some_and(is_grpc)) {
                target.schema = Some(schema.clone());
            }
        }
        self.check_for_idle_flags(experiment, problems);
    }

    /// The files of TLS, for every target that is called over it.
    fn apply_tls(&self, experiment: &mut Experiment, problems: &mut Problems) {
        let Some(ca) = &self.tls_ca else {
            if let Some(file) = self.tls_cert.as_ref().or(self.tls_key.as_ref()) {
                let text = file.display().to_string();
                let fix = "give --tls-ca, the authority of the target's certificate, as well";
                problems.add("--tls-cert, --tls-key", &text, "there is no --tls-ca", fix);
            }
            return;
        };
        let files = Tls {
            ca: ca.clone(),
            cert: self.tls_cert.clone(),
            key: self.tls_key.clone(),
        };
        let encrypted = |url: &String| url.starts_with("https://") || url.starts_with("grpcs://");
        let targets = experiment.targets.iter_mut();
        let mut found = false;
        for target in targets.filter(|target| target.url.as_ref().is_some_and(encrypted)) {
            target.tls = Some(files.clone());
            found = true;
        }
        if !found {
            let text = ca.display().to_string();
            let fix = "give --against with an https:// or grpcs:// URL";
            problems.add("--tls-ca", &text, "no target is called over TLS", fix);
        }
    }

    /// A flag that has nothing to apply to would be lost without a word.
    fn check_for_idle_flags(&self, experiment: &Experiment, problems: &mut Problems) {
        let (http, grpc) = (!self.requests.is_empty(), !self.calls.is_empty());
        let mut idle = |is: bool, option: &str, value: &str, reason: &str, fix: &str| {
            if is {
                problems.add(option, value, reason, fix);
            }
        };
        idle(
            !self.headers.is_empty() && !http && !grpc,
            "--header",
            &self.headers.join(", "),
            "it belongs to --request and --call, and there is none",
            "give one, or write headers into the file's requests",
        );
        idle(
            self.body.is_some() && !http,
            "--body",
            self.body.as_deref().unwrap_or_default(),
            "it belongs to --request, and there is none",
            "give one; the message of a --call stands after its method",
        );
        let describes = !self.proto.is_empty() || self.descriptor_set.is_some();
        let described = experiment
            .targets
            .iter()
            .any(|target| target.schema.is_some());
        idle(
            describes && !described,
            "--proto, --descriptor-set",
            "",
            "no target speaks gRPC",
            "name one with --against NAME=grpc://HOST:PORT",
        );
        idle(
            !self.include.is_empty() && self.proto.is_empty(),
            "--include",
            "",
            "it belongs to --proto, and there is none",
            "give the .proto file",
        );
    }

    fn read_requests(&self, problems: &mut Problems) -> Vec<Request> {
        let mut headers = BTreeMap::new();
        for text in &self.headers {
            match request::header(text) {
                Some((name, value)) => {
                    headers.insert(name, value);
                }
                None => problems.add(
                    "--header",
                    text,
                    "it has no colon",
                    "the form is NAME: VALUE",
                ),
            }
        }
        let http = self
            .requests
            .iter()
            .map(|text| request::http(text, self.body.as_ref()));
        let grpc = self.calls.iter().map(|text| request::grpc(text));
        http.chain(grpc)
            .map(|request| Request {
                headers: headers.clone(),
                ..request
            })
            .collect()
    }

    fn schema(&self, problems: &mut Problems) -> Option<Schema> {
        match (&self.proto[..], &self.descriptor_set) {
            ([], None) => None,
            ([], Some(set)) => Some(Schema::DescriptorSet(set.clone())),
            (files, None) => Some(Schema::Proto {
                files: files.to_vec(),
                include: self.include.clone(),
            }),
            (_, Some(set)) => {
                let text = set.display().to_string();
                problems.add(
                    "--descriptor-set",
                    &text,
                    "--proto describes the calls already",
                    "give one of the two",
                );
                None
            }
        }
    }
}

fn read_chains(text: &str, problems: &mut Problems) -> Vec<Target> {
    let mut chains = Vec::new();
    for name in text.split(',').map(str::trim).filter(|_| text != "none") {
        match OwnChain::ALL.into_iter().find(|chain| chain.name() == name) {
            Some(chain) => chains.push(Target::own(chain)),
            None => problems.add(
                "--chains",
                text,
                format!("there is no chain {name:?}"),
                "give grpc, rest, both (grpc,rest) or none",
            ),
        }
    }
    chains
}

fn set_number<T: FromStr>(
    into: &mut T,
    option: &str,
    text: &Option<String>,
    problems: &mut Problems,
) {
    let read = text
        .as_ref()
        .and_then(|text| read_number(option, text, problems));
    if let Some(number) = read {
        *into = number;
    }
}

fn read_number<T: FromStr>(option: &str, text: &str, problems: &mut Problems) -> Option<T> {
    let number = text.trim().parse().ok();
    if number.is_none() {
        problems.add(option, text, "it is no such number", "give a whole number");
    }
    number
}

fn set_list<T: FromStr>(
    into: &mut Vec<T>,
    option: &str,
    text: &Option<String>,
    example: &str,
    problems: &mut Problems,
) {
    let Some(text) = text else { return };
    into.clear();
    for part in text.split(',').map(str::trim) {
        match part.parse() {
            Ok(number) => into.push(number),
            Err(_) => problems.add(
                option,
                text,
                format!("{part:?} is no such number"),
                format!("separate numbers by commas, for example {example}"),
            ),
        }
    }
}

fn read_duration(option: &str, text: &str, problems: &mut Problems) -> Option<Duration> {
    match humantime::parse_duration(text) {
        Ok(duration) => Some(duration),
        Err(error) => {
            problems.add(
                option,
                text,
                format!("it is no duration ({error})"),
                "give a number with its unit, for example 500ms or 5s",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests;
