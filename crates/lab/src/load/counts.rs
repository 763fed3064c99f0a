//! What a generator thread counts, and the rule that says what counts. In: one
//! event per finished request; out: histograms, failures by kind, and the numbers
//! of completions and of users without an answer. Pure: instants are given, no
//! clock is read.
//!
//! The rule, for a window from `start` to `end` that excludes the warm-up:
//!
//! - **Latency** is that of the successes that *start* inside the window, however
//!   long they take. Counting by end instead would drop the slowest ones.
//! - **Throughput** is the successes that *end* inside the window over its length,
//!   whenever they started. Counting by start would credit the system with work
//!   it finished after the clock had stopped.
//! - **Failures** are the requests that end without success from the window's
//!   start on, whenever they started: a timeout that began in the warm-up is a
//!   failure that a user saw during the window. A failure is never a fast success,
//!   and never a latency.
//! - A user is **stalled** when one request of it spans the whole window, begun
//!   before and ended after. If that is a success it is in neither of the first
//!   two sets, and without this count such a user would be invisible.
//! - A user is **unserved** when none of its requests ever succeeded, in warm-up
//!   and window, or when it never came to make one.
//!
//! The published REST column, where an answer takes 28 s, shows why. In its
//! window of 30 s, after a warm-up of 1 s, each user's first request ends inside
//! the window and is throughput alone; its second starts inside, ends after it,
//! and is latency alone: both figures exist, from different requests, and so the
//! table says which set each comes from. In the default window of 5 s the first
//! request outlasts the window: no throughput, no latency, no failure, and every
//! user is stalled, which the report says beside the row.

use std::{
    fmt,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Significant decimal digits that a latency histogram keeps.
pub(crate) const SIGNIFICANT_DIGITS: u8 = 3;

/// One hour in nanoseconds: longer latencies are recorded as this.
const LATENCY_NS_MAX: u64 = 3_600_000_000_000;

/// The measured part of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// The end of the warm-up.
    pub(crate) start: Instant,
    /// No request starts from here on.
    pub(crate) end: Instant,
}

impl Window {
    /// The window's length.
    pub(crate) fn length(&self) -> Duration {
        self.end.saturating_duration_since(self.start)
    }

    fn holds(&self, instant: Instant) -> bool {
        self.start <= instant && instant < self.end
    }
}

/// Why a request did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failure {
    /// No connection could be made.
    Connect,
    /// The connection was reset, or closed before the answer was complete.
    Closed,
    /// The answer was not complete within the request timeout.
    Timeout,
    /// The answer's status is not 2xx.
    Status,
    /// The answer is not HTTP/1.1, or larger than the limits.
    Malformed,
    /// This machine had no local port for the connection: the generator's own
    /// failure, which says nothing about the target.
    LocalPort,
}

impl Failure {
    /// Every kind, in the order of reports.
    pub(crate) const ALL: [Failure; 6] = [
        Failure::Connect,
        Failure::Closed,
        Failure::Timeout,
        Failure::Status,
        Failure::Malformed,
        Failure::LocalPort,
    ];

    /// Whether the target failed, and not the generator.
    pub(crate) fn is_the_targets(self) -> bool {
        self != Failure::LocalPort
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Failure::Connect => "not connected",
            Failure::Closed => "closed early",
            Failure::Timeout => "timed out",
            Failure::Status => "status not 2xx",
            Failure::Malformed => "malformed answer",
            Failure::LocalPort => "no local port",
        })
    }
}

/// One finished request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished {
    /// Index of the request in the scenario.
    pub(crate) route: usize,
    /// When the user was free to send it.
    pub(crate) started: Instant,
    pub(crate) ended: Instant,
    pub(crate) failure: Option<Failure>,
}

/// How many requests failed, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Failures([u64; Failure::ALL.len()]);

impl Failures {
    /// Failures of this kind.
    pub(crate) fn of(&self, kind: Failure) -> u64 {
        self.0[kind as usize]
    }

    /// Failures of the target, of all kinds.
    pub(crate) fn total(&self) -> u64 {
        Failure::ALL
            .into_iter()
            .filter(|kind| kind.is_the_targets())
            .map(|kind| self.of(kind))
            .sum()
    }

    fn add(&mut self, kind: Failure) {
        self.0[kind as usize] += 1;
    }

    fn merge(&mut self, other: &Failures) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

/// The latencies of successes: a histogram in nanoseconds, and beside it the
/// figures that need no rounding.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    histogram: Histogram<u64>,
    total: Duration,
    max: Duration,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_NS_MAX, SIGNIFICANT_DIGITS)
            .expect("the constant bounds are valid");
        Latencies {
            histogram,
            total: Duration::ZERO,
            max: Duration::ZERO,
        }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(nanoseconds);
        self.total += latency;
        self.max = self.max.max(latency);
    }

    pub(crate) fn merge(&mut self, other: &Latencies) {
        // Both have the same bounds: adding cannot fail.
        let _ = self.histogram.add(&other.histogram);
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many successes.
    pub(crate) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The exact mean; none without successes.
    pub(crate) fn mean(&self) -> Option<Duration> {
        let count = self.count();
        (count > 0).then(|| self.total.div_f64(count as f64))
    }

    /// The exact maximum; none without successes.
    pub(crate) fn max(&self) -> Option<Duration> {
        (self.count() > 0).then_some(self.max)
    }

    /// The latency that `quantile` (0 to 1) of the successes do not exceed,
    /// within the histogram's precision and never above the maximum.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<Duration> {
        (self.count() > 0)
            .then(|| Duration::from_nanos(self.histogram.value_at_quantile(quantile)).min(self.max))
    }

    /// The raw histogram, in nanoseconds.
    pub(crate) fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }
}

/// Everything one thread counts; threads are merged at the end.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    /// Latencies of the successes that started in the window, by route.
    pub(crate) routes: Vec<Latencies>,
    /// Failures that ended in the window or after it.
    pub(crate) failures: Failures,
    /// Successes that ended in the window.
    pub(crate) completed: u64,
    /// Users whose one request spanned the whole window.
    pub(crate) stalled: u64,
    /// Users none of whose requests succeeded.
    pub(crate) unserved: u64,
}

impl Counts {
    pub(crate) fn new(routes: usize) -> Self {
        Counts {
            routes: vec![Latencies::new(); routes],
            failures: Failures::default(),
            completed: 0,
            stalled: 0,
            unserved: 0,
        }
    }

    /// Counts a request; one that starts after the window must not be given.
    pub(crate) fn record(&mut self, window: &Window, finished: Finished) {
        let Finished { started, ended, .. } = finished;
        // A user waits for one answer at a time: this counts it at most once.
        if started < window.start && ended >= window.end {
            self.stalled += 1;
        }
        match finished.failure {
            Some(kind) if ended >= window.start => self.failures.add(kind),
            Some(_) => {}
            None => {
                if window.holds(ended) {
                    self.completed += 1;
                }
                if window.holds(started) {
                    self.routes[finished.route].record(ended - started);
                }
            }
        }
    }

    /// Counts a user that goes without ever having been answered.
    pub(crate) fn record_unserved(&mut self) {
        self.unserved += 1;
    }

    pub(crate) fn merge(&mut self, other: &Counts) {
        for (mine, theirs) in self.routes.iter_mut().zip(&other.routes) {
            mine.merge(theirs);
        }
        self.failures.merge(&other.failures);
        self.completed += other.completed;
        self.stalled += other.stalled;
        self.unserved += other.unserved;
    }

    /// The latencies of all routes together.
    pub(crate) fn overall(&self) -> Latencies {
        let mut all = Latencies::new();
        for route in &self.routes {
            all.merge(route);
        }
        all
    }
}

#[cfg(test)]
mod tests;
