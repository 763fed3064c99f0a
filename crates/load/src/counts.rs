//! What is counted, and the rule that says what counts. In: what each generator
//! thread recorded ([`recorder`]); out: distributions, failures by kind, and the
//! numbers of completions, of users without an answer and of arrivals that were
//! never begun. Pure: instants are given, no clock is read.
//!
//! Each request has three instants. Its *intended start* is when it should begin:
//! the moment its user is free in a closed loop, its due time in a paced or an
//! open one; for the later requests of an iteration the end of the one before.
//! It is *sent* when a connection is at hand and the writing begins. It *ends*
//! when the answer is complete, or has failed.
//!
//! - **Latency** ("corrected") is end less intended start. The wait for a free
//!   worker, for a slot on a shared connection and for a connection to be opened
//!   is in it, and so is any lateness of the generator itself: all that a user who
//!   came at that moment would have waited.
//! - **Uncorrected latency** is end less sent, which is what a tool reports that
//!   starts its clock when it gets to write. It leaves all of those waits out. (On
//!   HTTP/2, a wait for the peer to allow another stream on the connection comes
//!   after, and is in both.) It is shown beside the other to make the difference
//!   visible, and for nothing else.
//!
//! The rule, for a window from `start` to `end` that excludes the warm-up:
//!
//! - **Latency** is that of the successes whose intended start is inside the
//!   window, however long they take. Counting by end instead would drop the
//!   slowest ones. The uncorrected latencies are those of the same requests.
//! - **Throughput** is the successes that *end* inside the window over its length,
//!   whenever they started. Counting by start would credit the system with work
//!   it finished after the clock had stopped.
//! - **Failures** are the requests that end without success from the window's
//!   start on, whenever they started: a timeout that began in the warm-up is a
//!   failure that a user saw during the window. A failure is never a fast success,
//!   and never a latency.
//! - An arrival or a paced iteration that could not be begun within the request
//!   timeout of its due time, because all workers were busy, is a failure of kind
//!   timeout, of the iteration's first request, at the instant the timeout ran
//!   out; it is counted as **not begun** as well. Due times inside the window are
//!   served until then, even after the window: none is dropped silently.
//! - An **iteration** is the scenario's requests once. Its duration, from its
//!   intended start to when its user is free again (a pause after a failure
//!   included), is recorded when that start is inside the window, so that Little's
//!   law can be tried: users = completed iterations per second x mean duration.
//!   Iterations in which a request failed are among both, because their users were
//!   occupied by them; those completed are counted once more as **failed**.
//!   So that the slow ones are not missing there, iterations begun in the window
//!   are carried on to their end, for at most the request timeout past the window;
//!   those that take longer are **unfinished**. What they request after the
//!   window is counted nowhere else.
//! - The **first message** of a stream counts from the request's intended start,
//!   as its latency does, and **gaps** go from one message to the next. They are
//!   those of all streams intended to start inside the window, failed ones too:
//!   what had arrived was seen, and a stream that never ends can only time out.
//!   The gap that a timeout cuts short counts as long as it had lasted. A stream
//!   that fails before its first message is a failure and nothing else.
//! - The **round trip** of a message, where both sides stream, goes from when the
//!   message was due to the arrival of the answer of the same number, of the streams
//!   that gaps are counted of; what a timeout cuts short counts as long as it had
//!   lasted. When a message is due is written at the top of `messages`.
//! - **Messages a second** are those that were sent, and those that arrived, inside
//!   the window, whichever call they belong to and whatever came of it.
//! - A user is **stalled** when one request of it spans the whole window, begun
//!   before and ended after. If that is a success it is in neither of the first
//!   two sets, and without this count such a user would be invisible.
//! - A user is **unserved** when none of its requests ever succeeded, in warm-up
//!   and window, or when it never came to make one.
//! - An open loop has no users, and its workers are neither stalled nor unserved:
//!   few may be needed, and arrivals that find none are counted themselves.
//!
//! A slow chain, where an answer takes 28 s, shows why. In a window of 30 s, after
//! a warm-up of 1 s, each user's first request ends inside the window and is
//! throughput alone; its second starts inside, ends after it, and is latency
//! alone: both figures exist, from different requests, and so the table says which
//! set each comes from. In a window of 5 s the first request outlasts the window:
//! no throughput, no latency, no failure, and every user is stalled, which the
//! report says beside the row.
//!
//! The window is divided into intervals of one second, or, when it is longer than
//! ten minutes, of the least number of whole seconds that makes at most 600 of
//! them. Latencies are kept for each interval by intended start, completions and
//! failures by end. The latencies of a route as a whole are those of its intervals
//! merged, which loses nothing.

mod latest;
mod ledger;
mod recorder;

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::latencies::{Latencies, PackedLatencies};

pub(crate) use ledger::Ledger;
pub(crate) use recorder::{Finished, Iteration, Recorder};

/// More intervals than this make no readable chart, and cost memory.
const INTERVALS_MAX: u64 = 600;

/// The measured part of a load.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The end of the warm-up.
    pub start: Instant,
    /// No iteration is due from here on.
    pub end: Instant,
}

impl Window {
    /// The window's length.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.end.saturating_duration_since(self.start)
    }

    /// The length of its intervals; the last one may be shorter.
    #[must_use]
    pub fn interval(&self) -> Duration {
        let seconds = self.length().as_nanos().div_ceil(1_000_000_000);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        Duration::from_secs(seconds.div_ceil(INTERVALS_MAX).max(1))
    }

    /// How many intervals it has.
    #[must_use]
    pub fn intervals(&self) -> usize {
        let count = self
            .length()
            .as_nanos()
            .div_ceil(self.interval().as_nanos());
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    pub(crate) fn holds(&self, instant: Instant) -> bool {
        self.start <= instant && instant < self.end
    }
}

/// Why a request did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No connection could be made.
    Connect,
    /// The connection was reset, or closed before the answer was complete.
    Closed,
    /// The answer was not complete within the request timeout.
    Timeout,
    /// The answer's HTTP status is not 2xx, or its gRPC status is not OK.
    Status,
    /// The answer breaks its protocol, or is larger than the limits.
    Malformed,
    /// This machine had no local port for the connection: the generator's own
    /// failure, which says nothing about the target.
    LocalPort,
    /// Never sent: this machine had no descriptor or memory for the connection, or
    /// the request could not be made. The generator's own failure as well.
    Unsent,
}

impl Failure {
    /// Every kind, in the order of reports.
    pub const ALL: [Failure; 7] = [
        Failure::Connect,
        Failure::Closed,
        Failure::Timeout,
        Failure::Status,
        Failure::Malformed,
        Failure::LocalPort,
        Failure::Unsent,
    ];

    /// Whether the target failed, and not the generator.
    #[must_use]
    pub fn is_the_targets(self) -> bool {
        !matches!(self, Failure::LocalPort | Failure::Unsent)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Failure::Connect => "not connected",
            Failure::Closed => "closed early",
            Failure::Timeout => "timed out",
            Failure::Status => "error status",
            Failure::Malformed => "malformed answer",
            Failure::LocalPort => "no local port",
            Failure::Unsent => "never sent",
        })
    }
}

/// How many requests failed, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures([u64; Failure::ALL.len()]);

impl Failures {
    /// Failures of this kind.
    #[must_use]
    pub fn of(&self, kind: Failure) -> u64 {
        self.0[kind as usize]
    }

    /// Failures of the target, of all kinds.
    #[must_use]
    pub fn total(&self) -> u64 {
        Failure::ALL
            .into_iter()
            .filter(|kind| kind.is_the_targets())
            .map(|kind| self.of(kind))
            .sum()
    }

    pub(crate) fn add(&mut self, kind: Failure) {
        self.0[kind as usize] += 1;
    }

    pub(crate) fn merge(&mut self, other: &Failures) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

/// What was counted of one request of the scenario.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// Latencies of the successes intended to start in the window.
    pub latency: Latencies,
    /// The same requests, from when they were sent.
    pub uncorrected: Latencies,
    /// Failures that ended in the window or after it.
    pub failures: Failures,
    /// Of answers that are streams: from the intended start of the request to the
    /// first message. Of all that were intended to start in the window, failed
    /// ones too, and so are the following.
    pub first_message: Latencies,
    /// From each message of a stream to the next, or to the timeout.
    pub gaps: Latencies,
    /// Messages of all streams.
    pub messages: u64,
    /// Messages that calls with streams of requests sent in the window, whenever
    /// the calls began.
    pub messages_sent: u64,
    /// Messages of answers that are streams and arrived in the window, whenever the
    /// calls began.
    pub messages_received: u64,
    /// Of streams both ways: from when a message was due to its answer.
    pub round_trips: Latencies,
}

/// What was counted of whole iterations.
#[derive(Debug, Clone, Default)]
pub struct Iterations {
    /// Durations of those intended to start in the window.
    pub durations: Latencies,
    /// How many ended in the window, whatever came of their requests.
    pub completed: u64,
    /// Those of the completed ones in which a request failed.
    pub failed: u64,
    /// How many of those intended to start in the window were begun and then given
    /// up, because their time was over: one request timeout past the window.
    pub unfinished: u64,
}

/// One piece of the window.
#[derive(Debug, Clone)]
pub struct Interval {
    /// Where it begins, from the window's start.
    pub start: Duration,
    /// Successes that ended in it.
    pub completed: u64,
    /// Failures of the target that ended in it.
    pub failed: u64,
    /// Latencies of the successes intended to start in it, by route.
    pub routes: Vec<PackedLatencies>,
}

impl Interval {
    /// The latencies of all routes together.
    #[must_use]
    pub fn overall(&self) -> Latencies {
        merged(self.routes.iter().map(PackedLatencies::unpack))
    }
}

/// Everything that was counted, of all threads.
#[derive(Debug, Clone)]
pub struct Counts {
    /// By index of the request in the scenario.
    pub routes: Vec<Route>,
    /// The pieces of the window, in order.
    pub intervals: Vec<Interval>,
    /// Successes that ended in the window.
    pub completed: u64,
    /// Whole iterations.
    pub iterations: Iterations,
    /// Arrivals and paced iterations that came too late to be begun.
    pub not_begun: u64,
    /// Users whose one request spanned the whole window.
    pub stalled: u64,
    /// Users none of whose requests succeeded.
    pub unserved: u64,
}

impl Counts {
    /// Brings the threads together.
    pub(crate) fn of(window: &Window, threads: &[&Recorder]) -> Counts {
        let routes = threads.first().map_or(0, |thread| thread.routes());
        let mut counts = Counts {
            routes: vec![Route::default(); routes],
            intervals: Vec::new(),
            completed: 0,
            iterations: Iterations::default(),
            not_begun: 0,
            stalled: 0,
            unserved: 0,
        };
        for thread in threads {
            thread.add_totals_to(&mut counts);
        }
        let starts = (0u32..).map(|index| window.interval() * index);
        for (index, start) in (0..window.intervals()).zip(starts) {
            let latencies: Vec<Latencies> = (0..routes)
                .map(|route| merged(threads.iter().map(|thread| thread.latencies(index, route))))
                .collect();
            for (route, latencies) in counts.routes.iter_mut().zip(&latencies) {
                route.latency.merge(latencies);
            }
            let ended = threads.iter().map(|thread| thread.ended(index));
            let (completed, failed) = ended.fold((0, 0), |sum, ended| {
                (sum.0 + ended.completed, sum.1 + ended.failed)
            });
            counts.intervals.push(Interval {
                start,
                completed,
                failed,
                routes: latencies.iter().map(PackedLatencies::from).collect(),
            });
        }
        counts
    }

    /// The latencies of all routes together.
    #[must_use]
    pub fn overall(&self) -> Latencies {
        merged(self.routes.iter().map(|route| &route.latency))
    }

    /// The uncorrected latencies of all routes together.
    #[must_use]
    pub fn overall_uncorrected(&self) -> Latencies {
        merged(self.routes.iter().map(|route| &route.uncorrected))
    }

    /// The failures of all routes together.
    #[must_use]
    pub fn failures(&self) -> Failures {
        let mut all = Failures::default();
        for route in &self.routes {
            all.merge(&route.failures);
        }
        all
    }
}

fn merged(all: impl Iterator<Item = impl std::borrow::Borrow<Latencies>>) -> Latencies {
    let mut sum = Latencies::new();
    for one in all {
        sum.merge(one.borrow());
    }
    sum
}

#[cfg(test)]
mod tests;
