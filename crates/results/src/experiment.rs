//! An experiment as a file says it: targets, scenario, load, repetitions,
//! objectives. In: TOML; out: an [`Experiment`] in which every value has its
//! type and every absent key its default. Unknown keys are errors. Whether the
//! values make sense together is decided by `lab`, which can tell of everything
//! that is wrong at once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::duration_text;

/// A whole experiment; written back, it holds every default explicitly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Experiment {
    /// A line for the head of reports.
    pub title: String,
    /// Makes the order of blocks, the arrivals and the templates' random values
    /// reproducible; chosen at random, and recorded, where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How often each target is measured at each load; default 5.
    pub repetitions: u32,
    /// The measured window of each block; default 2 s.
    #[serde(with = "duration_text")]
    pub duration: Duration,
    /// Load before each window that is not counted; default 1 s.
    #[serde(with = "duration_text")]
    pub warm_up: Duration,
    /// A request that takes longer has failed; default 60 s.
    #[serde(with = "duration_text")]
    pub request_timeout: Duration,
    /// Conditions under which the run ends with exit code 2, such as
    /// `grpc.p99 > 20ms` or, of single messages, `mine.talk.round-trip-p99 > 5ms`; default
    /// none.
    pub fail_if: Vec<String>,
    /// How the load is shaped.
    pub load: Load,
    /// Which requests share which connections.
    pub connections: Connections,
    /// The load generator itself.
    pub generator: Generator,
    /// The system that the run starts, for targets that are chains of our own.
    pub system: OwnSystem,
    /// What is compared; the first is the base of every ratio.
    pub targets: Vec<Target>,
    /// What a user repeats on every target that has no requests of its own;
    /// default the published loop.
    pub requests: Vec<Request>,
}

impl Default for Experiment {
    /// The published loop on both chains, 25 to 400 users: about two minutes.
    fn default() -> Self {
        Experiment {
            title: "gRPC and REST between a gateway and its services".to_owned(),
            seed: None,
            repetitions: 5,
            duration: Duration::from_secs(2),
            warm_up: Duration::from_secs(1),
            request_timeout: Duration::from_secs(60),
            fail_if: Vec::new(),
            load: Load::default(),
            connections: Connections::default(),
            generator: Generator::default(),
            system: OwnSystem::default(),
            targets: vec![Target::own(OwnChain::Grpc), Target::own(OwnChain::Rest)],
            requests: Request::published(),
        }
    }
}

/// Either a closed loop (`users`), an open loop (`rates`), or a search (`slo`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Load {
    /// Closed loop: numbers of virtual users, each a load of its own.
    pub users: Vec<u32>,
    /// Closed loop: each user begins an iteration once in this time; absent,
    /// as soon as the one before has ended.
    #[serde(
        with = "duration_text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub pace: Option<Duration>,
    /// Open loop: iterations a second, each a load of its own.
    pub rates: Vec<f64>,
    /// Search for the highest rate that meets this objective, such as `p99<50ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slo: Option<String>,
    /// Open loop and search: how arrivals are spread; default `poisson`.
    pub arrivals: Arrivals,
    /// Open loop and search: iterations under way at most; later arrivals wait,
    /// and their latency with them. Default 256.
    pub in_flight_max: u32,
    /// Search: the rate to begin with, iterations a second; default 100.
    pub rate_start: f64,
    /// Search: the rate not to pass, iterations a second; default 100,000.
    pub rate_max: f64,
    /// Search: it ends when the highest rate that held and the lowest that did
    /// not are this close, as a share; default 0.05.
    pub rate_precision: f64,
}

impl Default for Load {
    fn default() -> Self {
        Load {
            users: Vec::new(),
            pace: None,
            rates: Vec::new(),
            slo: None,
            arrivals: Arrivals::Poisson,
            in_flight_max: 256,
            rate_start: 100.0,
            rate_max: 100_000.0,
            rate_precision: 0.05,
        }
    }
}

/// How the arrivals of an open loop are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// One every 1/rate seconds.
    Constant,
    /// Independent of each other, as of very many users.
    Poisson,
}

/// The connection policy, the same for every target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Connections {
    /// How many there are; default one for each user.
    pub count: ConnectionCount,
    /// Requests on one connection at a time, where the protocol allows more than
    /// one (HTTP/2); default 100.
    pub streams_max: u32,
    /// Whether a connection outlives its request; default `keep`.
    pub reuse: Reuse,
    /// HTTP/2: the flow-control window of one stream; default 65,535, as the
    /// protocol has it.
    pub stream_window_bytes: u32,
    /// HTTP/2: the flow-control window of a connection; default 65,535.
    pub connection_window_bytes: u32,
}

impl Default for Connections {
    fn default() -> Self {
        Connections {
            count: ConnectionCount::Each(PerUser::PerUser),
            streams_max: 100,
            reuse: Reuse::Keep,
            stream_window_bytes: 65_535,
            connection_window_bytes: 65_535,
        }
    }
}

/// `"per-user"` or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "\"per-user\" or a whole number of connections")]
pub enum ConnectionCount {
    /// So many for all users together.
    Shared(u32),
    /// One for each user.
    Each(PerUser),
}

/// The word `per-user`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PerUser {
    /// The only value.
    PerUser,
}

/// Whether a connection outlives its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// As long as the target allows.
    Keep,
    /// Each request connects, and closes.
    NewEachRequest,
}

/// The load generator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Generator {
    /// Threads of it; default 1.
    pub threads: u32,
    /// Processors that its threads are pinned to, one after the other; default
    /// none, which leaves them to the operating system.
    pub cpus: Vec<usize>,
}

impl Default for Generator {
    fn default() -> Self {
        Generator {
            threads: 1,
            cpus: Vec::new(),
        }
    }
}

/// The system that the run starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct OwnSystem {
    /// Processors that its roles may use; default all.
    pub cpus: Vec<usize>,
    /// When its roles are started anew; default `each-repetition`.
    pub restart: Restart,
}

impl Default for OwnSystem {
    fn default() -> Self {
        OwnSystem {
            cpus: Vec::new(),
            restart: Restart::EachRepetition,
        }
    }
}

/// When the roles of our own system are started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// So that what differs from one start to the next is in the intervals, and
    /// memory kept from heavier loads is not in the lighter ones.
    EachRepetition,
    /// One system for the whole run.
    Never,
}

/// Something to measure: a chain of our own (`chain`) or a running system (`url`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Target {
    /// Its name in every table.
    pub name: String,
    /// A chain that the run starts itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<OwnChain>,
    /// A running system: `http://HOST:PORT/PREFIX` or `grpc://HOST:PORT`, `https` and
    /// `grpcs` over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whom an `https://` or `grpcs://` target is trusted by, and what it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Process ids of a running system by role, for the accounts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub processes: BTreeMap<String, Vec<u32>>,
    /// Where the methods of a `grpc://` target are described; default the
    /// target's own reflection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
    /// What a user repeats here; default the experiment's requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<Request>,
}

/// Files of TLS, all PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    /// The authorities of the target's certificate.
    pub ca: PathBuf,
    /// A certificate to show to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert: Option<PathBuf>,
    /// The key of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

impl Target {
    /// A chain of our own under its usual name.
    pub fn own(chain: OwnChain) -> Target {
        Target {
            name: chain.name().to_owned(),
            chain: Some(chain),
            url: None,
            tls: None,
            processes: BTreeMap::new(),
            schema: None,
            requests: Vec::new(),
        }
    }
}

/// A chain of the laboratory: a gateway and its two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnChain {
    /// Gateway P, services A and B over gRPC.
    Grpc,
    /// Gateway P-REST, services A-REST and B-REST over HTTP/1.1 and JSON.
    Rest,
}

impl OwnChain {
    /// Both.
    pub const ALL: [OwnChain; 2] = [OwnChain::Grpc, OwnChain::Rest];

    /// As in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            OwnChain::Grpc => "grpc",
            OwnChain::Rest => "rest",
        }
    }
}

/// Where gRPC methods are described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Schema {
    /// `.proto` files, and folders in which their imports are found.
    Proto {
        /// The files.
        files: Vec<PathBuf>,
        /// The folders; default those of the files.
        #[serde(default)]
        include: Vec<PathBuf>,
    },
    /// A file that holds a `google.protobuf.FileDescriptorSet`.
    DescriptorSet(PathBuf),
}

impl Schema {
    /// Makes its paths absolute; relative ones are below `folder`, and that, where
    /// it is relative itself, below the folder that the program was started in.
    pub fn below(&mut self, folder: &Path) {
        let absolute = |path: &mut PathBuf| {
            let joined = folder.join(&*path);
            // It fails for an empty path, or where there is no current folder.
            *path = std::path::absolute(&joined).unwrap_or(joined);
        };
        match self {
            Schema::Proto { files, include } => {
                files.iter_mut().chain(include).for_each(absolute);
            }
            Schema::DescriptorSet(path) => absolute(path),
        }
    }
}

/// One request of the scenario: `http` or `grpc`. Paths, header values, bodies
/// and messages may hold templates such as `{{user}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Request {
    /// Its name in tables, the route.
    pub name: String,
    /// Method and path, such as `GET /a/hello?name=pspd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// Service and method, such as `pspd.ServiceA/SayHello`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc: Option<String>,
    /// Headers of HTTP, metadata of gRPC.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body of an HTTP request; the message of a gRPC call as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Methods that take a stream: how many messages a call sends; default 1. Each
    /// is a rendering of `body`, in which `{{message}}` counts them from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<u32>,
    /// Methods that take a stream: the time from one message to the next, counted
    /// from the call's intended start; `0s` sends all as fast as they are taken.
    /// Default: with streams both ways each message when the one before has been
    /// answered, else `0s`.
    #[serde(
        default,
        with = "duration_text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub every: Option<Duration>,
}

impl Request {
    /// Whether its messages may have round trips, as far as the experiment tells: it is a
    /// call that is said to take a stream, and does not send all of it at once.
    #[must_use]
    pub fn may_converse(&self) -> bool {
        let is_said = self.messages.is_some() || self.every.is_some();
        self.grpc.is_some() && is_said && self.every != Some(Duration::ZERO)
    }

    /// The published loop.
    pub fn published() -> Vec<Request> {
        [
            ("hello", "GET /a/hello?name=pspd"),
            ("numbers", "GET /b/numbers?count=10&delay_ms=5"),
        ]
        .into_iter()
        .map(|(name, http)| Request {
            name: name.to_owned(),
            http: Some(http.to_owned()),
            grpc: None,
            headers: BTreeMap::new(),
            body: None,
            messages: None,
            every: None,
        })
        .collect()
    }
}

/// Why a text is no experiment.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(#[from] toml::de::Error);

impl Experiment {
    /// Reads a file's content; the error names line, column and what is allowed.
    pub fn from_toml(text: &str) -> Result<Experiment, ReadError> {
        Ok(toml::from_str(text)?)
    }

    /// As a file that `from_toml` reads back.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }

    /// The names of the routes of a target, in the scenario's order.
    pub fn routes<'a>(&'a self, target: &'a Target) -> Vec<&'a str> {
        self.requests_of(target)
            .iter()
            .map(|request| request.name.as_str())
            .collect()
    }

    /// What a user repeats on `target`.
    pub fn requests_of<'a>(&'a self, target: &'a Target) -> &'a [Request] {
        match target.requests.is_empty() {
            true => &self.requests,
            false => &target.requests,
        }
    }
}

#[cfg(test)]
mod tests;
