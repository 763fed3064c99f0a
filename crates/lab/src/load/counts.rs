//! What a generator thread counts, and the rule that says what counts. In: one
//! event per finished request; out: histograms, failures by kind and the number
//! of completions. Pure: instants are given, no clock is read.
//!
//! The rule, for a window from `start` to `end` that excludes the warm-up:
//!
//! - **Latency and failures** belong to the requests that *start* inside the
//!   window, however long they take (up to the request timeout, which is a
//!   failure of its own). Counting by end instead would drop the slowest ones:
//!   of a system that answers after 28 s, a window of 30 s would keep only the
//!   requests that began before the window and those of its first 2 s.
//! - **Throughput** is the successful completions *inside* the window over the
//!   window's length, whenever those requests started. Counting by start would
//!   credit the system with work it finished after the clock had stopped.
//!
//! The two sets differ at the edges; in the published REST column (answers of
//! 28 s in runs of 30 s) the edges are everything, and so the table says which
//! set each figure comes from. Latency is that of successes; a failure is never
//! a fast success, it is counted by its kind.

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
}

impl Failure {
    /// Every kind, in the order of reports.
    pub(crate) const ALL: [Failure; 5] = [
        Failure::Connect,
        Failure::Closed,
        Failure::Timeout,
        Failure::Status,
        Failure::Malformed,
    ];
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Failure::Connect => "not connected",
            Failure::Closed => "closed early",
            Failure::Timeout => "timed out",
            Failure::Status => "status not 2xx",
            Failure::Malformed => "malformed answer",
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

    /// Failures of all kinds.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
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
    /// Failures among the requests that started in the window.
    pub(crate) failures: Failures,
    /// Successes that ended in the window.
    pub(crate) completed: u64,
}

impl Counts {
    pub(crate) fn new(routes: usize) -> Self {
        Counts {
            routes: vec![Latencies::new(); routes],
            failures: Failures::default(),
            completed: 0,
        }
    }

    pub(crate) fn record(&mut self, window: &Window, finished: Finished) {
        if finished.failure.is_none() && window.holds(finished.ended) {
            self.completed += 1;
        }
        if !window.holds(finished.started) {
            return;
        }
        match finished.failure {
            Some(kind) => self.failures.add(kind),
            None => self.routes[finished.route].record(finished.ended - finished.started),
        }
    }

    pub(crate) fn merge(&mut self, other: &Counts) {
        for (mine, theirs) in self.routes.iter_mut().zip(&other.routes) {
            mine.merge(theirs);
        }
        self.failures.merge(&other.failures);
        self.completed += other.completed;
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
mod tests {
    use super::*;

    /// A window from second 10 to second 40 of a clock that starts at `origin`.
    fn window(origin: Instant) -> Window {
        Window {
            start: origin + Duration::from_secs(10),
            end: origin + Duration::from_secs(40),
        }
    }

    /// Counts one request from `start` to `end` seconds: (latencies, failures, completed).
    fn count(start: u64, end: u64, failure: Option<Failure>) -> (u64, u64, u64) {
        let origin = Instant::now();
        let mut counts = Counts::new(1);
        counts.record(
            &window(origin),
            Finished {
                route: 0,
                started: origin + Duration::from_secs(start),
                ended: origin + Duration::from_secs(end),
                failure,
            },
        );
        (
            counts.overall().count(),
            counts.failures.total(),
            counts.completed,
        )
    }

    #[test]
    fn latency_goes_by_start_and_throughput_by_end() {
        assert_eq!(count(5, 9, None), (0, 0, 0), "wholly in the warm-up");
        assert_eq!(count(9, 10, None), (0, 0, 1), "ends as the window opens");
        assert_eq!(count(10, 38, None), (1, 0, 1), "wholly inside");
        assert_eq!(count(39, 67, None), (1, 0, 0), "slow, and still counted");
        assert_eq!(count(39, 40, None), (1, 0, 0), "ends as the window closes");
        assert_eq!(count(40, 41, None), (0, 0, 0), "after the window");
    }

    #[test]
    fn a_failure_is_neither_a_latency_nor_a_completion() {
        for kind in Failure::ALL {
            assert_eq!(count(11, 12, Some(kind)), (0, 1, 0), "{kind}");
            assert_eq!(
                count(5, 12, Some(kind)),
                (0, 0, 0),
                "{kind} from the warm-up"
            );
        }
    }

    #[test]
    fn merged_threads_count_like_one() {
        let mut first = Counts::new(2);
        let mut second = Counts::new(2);
        first.routes[0].record(Duration::from_millis(10));
        second.routes[0].record(Duration::from_millis(30));
        second.routes[1].record(Duration::from_millis(20));
        first.failures.add(Failure::Status);
        second.failures.add(Failure::Status);
        first.completed = 1;
        second.completed = 2;
        first.merge(&second);
        assert_eq!(first.failures.of(Failure::Status), 2);
        assert_eq!(first.completed, 3);
        let all = first.overall();
        assert_eq!(all.count(), 3);
        assert_eq!(all.mean(), Some(Duration::from_millis(20)));
        assert_eq!(all.max(), Some(Duration::from_millis(30)));
    }

    #[test]
    fn quantiles_keep_three_digits() {
        let mut latencies = Latencies::new();
        for microseconds in 1..=10_000 {
            latencies.record(Duration::from_micros(microseconds));
        }
        for (quantile, expected) in [(0.5, 5e-3), (0.95, 9.5e-3), (0.99, 9.9e-3), (1.0, 10e-3)] {
            let found = latencies
                .quantile(quantile)
                .expect("not empty")
                .as_secs_f64();
            assert!((found / expected - 1.0).abs() < 1e-3, "{quantile}: {found}");
        }
    }

    #[test]
    fn nothing_recorded_has_no_figures() {
        let latencies = Latencies::new();
        assert_eq!(latencies.mean(), None);
        assert_eq!(latencies.max(), None);
        assert_eq!(latencies.quantile(0.5), None);
    }

    #[test]
    fn a_latency_beyond_the_bounds_is_kept() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_secs(7200));
        assert_eq!(latencies.count(), 1);
        assert_eq!(latencies.max(), Some(Duration::from_secs(7200)));
    }
}
