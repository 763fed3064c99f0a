//! One block: one target under one load, once. Every figure says its unit.

use std::fmt;

use accounts::{Cost, MachineLoad};
use serde::{Deserialize, Serialize};

use crate::experiment::Load;

/// What one target did under one load in one repetition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// From 1, in the order planned.
    pub number: u32,
    /// From 1.
    pub repetition: u32,
    /// Index into the run's sessions.
    pub session: u32,
    /// The target's name.
    pub target: String,
    /// The load.
    pub load: LoadPoint,
    /// When the window opened, UTC.
    pub window_start: String,
    /// Its length.
    pub window_seconds: f64,
    /// Successes that ended in the window.
    pub completed: u64,
    /// The same, a second.
    pub requests_per_second: f64,
    /// Iterations that ended in the window.
    pub iterations: u64,
    /// Those of them in which a request failed.
    pub iterations_failed: u64,
    /// The same, a second.
    pub iterations_per_second: f64,
    /// The mean time of the iterations that started in the window.
    pub iteration_mean_ms: Option<f64>,
    /// Open loop: the arrivals asked for, iterations a second.
    pub offered_per_second: Option<f64>,
    /// Open loop: arrivals of the window that were never begun.
    pub not_begun: u64,
    /// From the intended start, successes that were due in the window.
    pub latency: Option<Latency>,
    /// The same requests from the moment they were sent.
    pub latency_uncorrected: Option<Latency>,
    /// By route, in the scenario's order.
    pub routes: Vec<Route>,
    /// Failures that ended in the window or after it.
    pub failures: Failures,
    /// Users that spent the whole window in a request begun before it.
    pub users_stalled: u64,
    /// Users none of whose requests succeeded.
    pub users_unserved: u64,
    /// The users that Little's law implies, where the load has users without a
    /// pace: iterations a second times the mean time of one.
    pub littles_law_users: Option<f64>,
    /// What `costs` and `machine` refer to: from one reading of the accounts to
    /// the other, a little less than the window.
    pub accounted_seconds: f64,
    /// The target's roles, then the generator.
    pub costs: Vec<Cost>,
    /// The whole machine.
    pub machine: Option<MachineLoad>,
    /// Ends of TCP connections opened and closed within the window, whose bytes
    /// are in nobody's account.
    pub connections_unseen: Option<u64>,
    /// The generator's watch on itself, by thread.
    pub generator: Vec<GeneratorThread>,
    /// Connections opened in the window.
    pub connections_opened: u64,
    /// Bytes that the generator wrote and read in the window.
    pub generator_bytes_sent: u64,
    /// See `generator_bytes_sent`.
    pub generator_bytes_received: u64,
    /// A search's steps on the way to this block's rate; empty without a search.
    pub probes: Vec<Probe>,
    /// What must be known before these figures are believed.
    pub marks: Vec<Mark>,
}

/// One load of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadPoint {
    /// Closed loop.
    Users(u32),
    /// Open loop, iterations a second.
    Rate(f64),
    /// The highest rate that met the objective; see `offered_per_second`.
    Search,
}

impl Load {
    /// The loads, in their order.
    pub fn points(&self) -> Vec<LoadPoint> {
        if self.slo.is_some() {
            return vec![LoadPoint::Search];
        }
        let users = self.users.iter().copied().map(LoadPoint::Users);
        let rates = self.rates.iter().copied().map(LoadPoint::Rate);
        users.chain(rates).collect()
    }
}

impl fmt::Display for LoadPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadPoint::Users(1) => f.write_str("1 user"),
            LoadPoint::Users(users) => write!(f, "{users} users"),
            LoadPoint::Rate(rate) => write!(f, "{rate}/s"),
            LoadPoint::Search => f.write_str("highest rate"),
        }
    }
}

/// A distribution of times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// Exact.
    pub mean_ms: f64,
    /// Within the histogram's precision, as are the other percentiles.
    pub p50_ms: f64,
    /// 90th percentile.
    pub p90_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// 99.9th percentile.
    pub p999_ms: f64,
    /// Exact.
    pub max_ms: f64,
}

/// One route of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Its name.
    pub route: String,
    /// From the intended start.
    pub latency: Option<Latency>,
    /// From the moment of sending.
    pub latency_uncorrected: Option<Latency>,
    /// For answers that are streams.
    pub stream: Option<Stream>,
    /// For calls that stream, either way.
    pub messages: Option<Messages>,
}

/// The inside of a streamed answer; the whole of it is the route's latency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// From sending to the first message.
    pub first_message: Latency,
    /// From one message to the next; absent where no answer had two.
    pub gap: Option<Latency>,
}

/// The messages of a route, whichever call they belong to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Messages {
    /// Sent in the window, a second; absent where a call sends one message.
    pub sent_per_second: Option<f64>,
    /// Arrived in the window, a second; absent where a call has one in answer.
    pub received_per_second: Option<f64>,
    /// Streams both ways: from when a message was due to the answer of the same
    /// number; absent where messages are sent all at once.
    pub round_trip: Option<Latency>,
}

/// Failures by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// The target's, all but the last two of these.
    pub total: u64,
    /// No connection could be made.
    pub connect: u64,
    /// Ended before the answer was complete.
    pub closed: u64,
    /// Not complete within the request timeout, or never begun within it.
    pub timeout: u64,
    /// HTTP status not 2xx, or gRPC status not OK.
    pub status: u64,
    /// The answer breaks its protocol.
    pub malformed: u64,
    /// The generator's own: this machine had no local port.
    pub local_port: u64,
    /// The generator's own: no descriptor or memory for it, or it could not be made.
    pub unsent: u64,
}

/// The self-check of one thread of the generator.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GeneratorThread {
    /// Processor time over wall time, 0 to 1; absent where it is not known.
    pub busy: Option<f64>,
    /// How late it was woken.
    pub lag_p50_ms: f64,
    /// See `lag_p50_ms`.
    pub lag_p99_ms: f64,
    /// See `lag_p50_ms`.
    pub lag_max_ms: f64,
    /// How late a short wait ends while the thread has nothing else to do.
    pub timer_resolution_ms: f64,
    /// Due iterations for which a user or worker was waiting.
    pub awaited: u64,
    /// Those of them begun more than a millisecond late: the generator's fault.
    pub late: u64,
    /// Due iterations for which nobody was free: the target's fault, or that of
    /// too few workers.
    pub queued: u64,
}

/// One step of a search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Arrivals asked for, iterations a second.
    pub offered_per_second: f64,
    /// What was reached, iterations a second.
    pub iterations_per_second: f64,
    /// The objective's metric, in its unit (milliseconds, or a share).
    pub measured: Option<f64>,
    /// Why the rate did not hold; absent where it did.
    pub missed: Option<Missed>,
}

/// Why a rate of a search did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// The load generator had no reserve, or was late: the target may have held it.
    Generator,
    /// As many iterations were under way as may be (`in-flight-max`), and arrivals
    /// waited, or the rate was not reached.
    NotSustained,
    /// The objective was not met, or requests failed.
    Objective,
}

/// Something to know before a block's figures are believed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// What.
    pub kind: MarkKind,
    /// The figure that led to the mark, in the unit of its kind.
    pub value: f64,
    /// The limit it passed; 0 where there is none.
    pub limit: f64,
}

/// The kinds of [`Mark`], with the unit of value and limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A thread of the generator had no reserve left; share of a processor.
    GeneratorBusy,
    /// The generator was woken late; milliseconds at p99.
    GeneratorLate,
    /// The generator was held up for long at least once; milliseconds, and the
    /// longest latency.
    GeneratorPaused,
    /// Requests never sent for want of a local port.
    NoLocalPort,
    /// Requests never sent for another reason of the generator's own.
    Unsent,
    /// Connections opened within the window although they are kept.
    ConnectionsOpened,
    /// Open loop: the offered rate was not reached; share completed.
    NotSustained,
    /// A search ended at what the generator could do, not the target: the highest
    /// rate is at least this, iterations a second.
    SearchEndedByGenerator,
    /// A search ended at its highest rate (`rate-max`), which held; iterations a
    /// second.
    SearchEndedAtMaximum,
    /// Little's law does not hold; deviation as a share.
    LittlesLaw,
    /// Users stalled through the whole window.
    UsersStalled,
    /// Users never served.
    UsersUnserved,
    /// Requests failed.
    Failures,
    /// The machine had no processor to spare; busy share.
    MachineFull,
    /// The hypervisor took processor time; share.
    Steal,
    /// Tasks waited for a processor; share of the time.
    CpuPressure,
    /// Programs outside the run used the machine; share.
    OtherPrograms,
    /// The peak of memory is that since the process started.
    PeakNotReset,
}

/// One second of a block's timeline, for `timelines/*.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct Second {
    /// From the window's start.
    pub second: u32,
    /// Successes that ended in it.
    pub completed: u64,
    /// Failures that ended in it.
    pub failed: u64,
    /// Of the successes due in it.
    pub latency: Option<Latency>,
    /// By role: processors used, and resident bytes at its end.
    pub roles: Vec<(String, Option<f64>, Option<u64>)>,
}
