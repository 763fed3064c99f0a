//! What one generator thread records while it runs. In: one event per finished
//! request; out, at the end: what [`Counts`] is made of. The rule
//! of what counts where is the parent module's. Recording is what the load itself
//! pays for: three histogram entries and a few additions, no allocation but where
//! an interval begins.
//!
//! Memory. A route has one histogram an interval (144 KiB when its latencies reach
//! 100 ms, 264 KiB at the most). Once a thread's take more than 64 MiB, those of
//! intervals in which nothing can still start or end are packed, to a few KiB
//! each. Beyond these 64 MiB there are therefore at most the histograms of one
//! request timeout and two intervals: with 2 routes, a timeout of 60 s and
//! latencies of an hour 32 MiB more.

use std::time::{Duration, Instant};

use super::{Counts, Failure, Iterations, Route, Window, latest::Latest};
use crate::{
    exchange::Observed,
    latencies::{Latencies, PackedLatencies},
};

/// What the histograms of a thread's intervals may take before old ones are packed.
const OPEN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One finished request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished {
    /// Index of the request in the scenario.
    pub(crate) route: usize,
    /// When it should have begun.
    pub(crate) intended: Instant,
    /// When its user or worker turned to it.
    pub(crate) begun: Instant,
    /// When a connection was at hand.
    pub(crate) sent: Instant,
    pub(crate) ended: Instant,
    pub(crate) failure: Option<Failure>,
}

/// One iteration that is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Iteration {
    /// When it should have begun.
    pub(crate) intended: Instant,
    /// When its user was free again.
    pub(crate) free: Instant,
    /// How many of its requests failed.
    pub(crate) failures: u32,
}

/// What ended in an interval.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ended {
    pub(crate) completed: u64,
    pub(crate) failed: u64,
}

/// The counts of one thread.
#[derive(Debug)]
pub(crate) struct Recorder {
    window: Window,
    interval: Duration,
    /// After this an interval's histograms are complete.
    request_timeout: Duration,
    /// Their `latency` stays empty: it is made of the intervals at the end.
    routes: Vec<Route>,
    intervals: Vec<Interval>,
    /// Intervals before this one are packed.
    first_open: usize,
    open_bytes_max: usize,
    /// For whoever watches.
    latest: Latest,
    failed: u64,
    completed: u64,
    iterations: Iterations,
    not_begun: u64,
    stalled: u64,
    unserved: u64,
}

#[derive(Debug, Clone)]
struct Interval {
    ended: Ended,
    routes: Vec<Kept>,
}

/// A histogram in its three states, one after the other.
#[derive(Debug, Clone)]
enum Kept {
    Empty,
    Open(Latencies),
    Packed(PackedLatencies),
}

impl Recorder {
    pub(crate) fn new(window: Window, routes: usize, request_timeout: Duration) -> Self {
        let interval = Interval {
            ended: Ended::default(),
            routes: vec![Kept::Empty; routes],
        };
        Recorder {
            window,
            interval: window.interval(),
            request_timeout,
            routes: vec![Route::default(); routes],
            intervals: vec![interval; window.intervals()],
            first_open: 0,
            open_bytes_max: OPEN_BYTES_MAX,
            latest: Latest::default(),
            failed: 0,
            completed: 0,
            iterations: Iterations::default(),
            not_begun: 0,
            stalled: 0,
            unserved: 0,
        }
    }

    /// Counts a request and what was observed of its answer.
    pub(crate) fn record(&mut self, finished: &Finished, observed: &Observed) {
        let Finished {
            intended, ended, ..
        } = *finished;
        // Made only for the sake of its iteration.
        if intended >= self.window.end {
            return;
        }
        let route = &mut self.routes[finished.route];
        route.messages_sent += observed.progress.sent_in_window();
        route.messages_received += observed.received_in_window;
        match finished.failure {
            Some(kind) => self.failure(finished.route, kind, ended),
            None => {
                if self.window.holds(ended) {
                    self.completed += 1;
                    let index = self.index(ended);
                    self.intervals[index].ended.completed += 1;
                    let second = (ended - self.window.start).as_secs();
                    self.latest.record(second, ended - intended);
                }
                if self.window.holds(intended) {
                    self.success(finished);
                }
            }
        }
        if self.window.holds(intended) {
            self.stream(finished, observed);
        }
    }

    /// Counts what a request says of the user who made it.
    pub(crate) fn record_user(&mut self, finished: &Finished) {
        // It waits for one answer at a time: this counts it at most once.
        let began_before = finished.begun < self.window.start;
        self.stalled += u64::from(began_before && finished.ended >= self.window.end);
    }

    /// Adds gaps between messages of a stream that goes on, or has ended.
    pub(crate) fn record_gaps(&mut self, route: usize, intended: Instant, gaps: &[Duration]) {
        if self.window.holds(intended) {
            let all = &mut self.routes[route].gaps;
            gaps.iter().for_each(|gap| all.record(*gap));
        }
    }

    /// Adds round trips of a call that goes on, or has ended.
    pub(crate) fn record_round_trips(
        &mut self,
        route: usize,
        intended: Instant,
        trips: &[Duration],
    ) {
        if self.window.holds(intended) {
            let all = &mut self.routes[route].round_trips;
            trips.iter().for_each(|trip| all.record(*trip));
        }
    }

    /// Counts what is left to count of a stream, if it was one.
    fn stream(&mut self, finished: &Finished, observed: &Observed) {
        self.record_round_trips(finished.route, finished.intended, observed.round_trips());
        if finished.failure == Some(Failure::Timeout) {
            let all = &mut self.routes[finished.route].round_trips;
            let unanswered = observed.unanswered(finished.ended);
            unanswered.for_each(|trip| all.record(trip));
        }
        let Some(first) = observed.first_message else {
            return;
        };
        let Finished {
            route, intended, ..
        } = *finished;
        self.record_gaps(route, intended, observed.gaps());
        if finished.failure == Some(Failure::Timeout) {
            let open = observed.since_latest_message(finished.ended);
            self.record_gaps(route, intended, open.as_slice());
        }
        let route = &mut self.routes[route];
        route.first_message.record(first - intended);
        route.messages += observed.messages;
    }

    fn failure(&mut self, route: usize, kind: Failure, ended: Instant) {
        if ended < self.window.start {
            return;
        }
        self.routes[route].failures.add(kind);
        if kind.is_the_targets() {
            self.failed += 1;
            if ended < self.window.end {
                let index = self.index(ended);
                self.intervals[index].ended.failed += 1;
            }
        }
    }

    fn success(&mut self, finished: &Finished) {
        let index = self.index(finished.intended);
        let latency = finished.ended - finished.intended;
        match &mut self.intervals[index].routes[finished.route] {
            Kept::Open(latencies) => latencies.record(latency),
            Kept::Empty => self.open(index, finished.route, latency, finished.ended),
            Kept::Packed(packed) => {
                // Practically never: after the timeout and one interval.
                let mut unpacked = packed.unpack();
                unpacked.record(latency);
                *packed = PackedLatencies::from(&unpacked);
            }
        }
        let route = &mut self.routes[finished.route];
        route.uncorrected.record(finished.ended - finished.sent);
    }

    /// Begins a histogram with its first entry.
    fn open(&mut self, index: usize, route: usize, latency: Duration, now: Instant) {
        // As large as the one before has become: it will hold the like of it.
        let before = index.checked_sub(1).map(|before| &self.intervals[before]);
        let mut latencies = match before.map(|before| &before.routes[route]) {
            Some(Kept::Open(before)) => Latencies::like(before),
            _ => Latencies::new(),
        };
        latencies.record(latency);
        self.intervals[index].routes[route] = Kept::Open(latencies);
        self.pack_old(now);
    }

    /// Packs intervals that are over while the open ones take too much memory.
    fn pack_old(&mut self, now: Instant) {
        let complete_after = self.request_timeout + self.interval;
        while self.open_bytes() > self.open_bytes_max {
            let after = u32::try_from(self.first_open + 1).unwrap_or(u32::MAX);
            if self.window.start + self.interval * after + complete_after > now {
                return;
            }
            for kept in &mut self.intervals[self.first_open].routes {
                if let Kept::Open(latencies) = kept {
                    *kept = Kept::Packed(PackedLatencies::from(&*latencies));
                }
            }
            self.first_open += 1;
        }
    }

    fn open_bytes(&self) -> usize {
        let open = self.intervals[self.first_open..].iter();
        open.flat_map(|interval| &interval.routes)
            .map(|kept| match kept {
                Kept::Open(latencies) => latencies.bytes(),
                Kept::Empty | Kept::Packed(_) => 0,
            })
            .sum()
    }

    /// The interval of an instant inside the window.
    fn index(&self, instant: Instant) -> usize {
        let seconds = instant
            .saturating_duration_since(self.window.start)
            .as_secs();
        let index = usize::try_from(seconds / self.interval.as_secs()).unwrap_or(usize::MAX);
        index.min(self.intervals.len() - 1)
    }

    /// Counts an iteration that is done.
    pub(crate) fn record_iteration(&mut self, done: &Iteration) {
        let Iteration { intended, free, .. } = *done;
        if self.window.holds(intended) {
            self.iterations.durations.record(free - intended);
        }
        if self.window.holds(free) {
            self.iterations.completed += 1;
            self.iterations.failed += u64::from(done.failures > 0);
        }
    }

    /// Counts an iteration that was begun and given up.
    pub(crate) fn record_unfinished(&mut self, intended: Instant) {
        if self.window.holds(intended) {
            self.iterations.unfinished += 1;
        }
    }

    /// Counts an iteration that was due and could not be begun within the timeout.
    pub(crate) fn record_not_begun(&mut self, due: Instant) {
        let expired = due + self.request_timeout;
        if expired >= self.window.start {
            self.not_begun += 1;
        }
        self.failure(0, Failure::Timeout, expired);
    }

    /// Counts a user that goes without ever having been answered.
    pub(crate) fn record_unserved(&mut self) {
        self.unserved += 1;
    }

    /// Successes in the window and failures so far.
    pub(crate) fn so_far(&self) -> Ended {
        Ended {
            completed: self.completed,
            failed: self.failed,
        }
    }

    /// The latencies of the successes that ended in this second of the window, which
    /// must be the latest one that is over.
    pub(crate) fn latest_second(&self, second: u64) -> Option<&Latencies> {
        self.latest.of(second)
    }

    pub(crate) fn window(&self) -> Window {
        self.window
    }

    pub(crate) fn routes(&self) -> usize {
        self.routes.len()
    }

    /// What ended in an interval.
    pub(crate) fn ended(&self, interval: usize) -> Ended {
        self.intervals[interval].ended
    }

    /// The latencies of one route in one interval.
    pub(crate) fn latencies(&self, interval: usize, route: usize) -> Latencies {
        match &self.intervals[interval].routes[route] {
            Kept::Empty => Latencies::new(),
            Kept::Open(latencies) => latencies.clone(),
            Kept::Packed(packed) => packed.unpack(),
        }
    }

    /// Adds everything but what the intervals hold.
    pub(super) fn add_totals_to(&self, counts: &mut Counts) {
        for (all, mine) in counts.routes.iter_mut().zip(&self.routes) {
            all.uncorrected.merge(&mine.uncorrected);
            all.failures.merge(&mine.failures);
            all.first_message.merge(&mine.first_message);
            all.gaps.merge(&mine.gaps);
            all.messages += mine.messages;
            all.messages_sent += mine.messages_sent;
            all.messages_received += mine.messages_received;
            all.round_trips.merge(&mine.round_trips);
        }
        let iterations = &mut counts.iterations;
        iterations.durations.merge(&self.iterations.durations);
        iterations.completed += self.iterations.completed;
        iterations.failed += self.iterations.failed;
        iterations.unfinished += self.iterations.unfinished;
        counts.completed += self.completed;
        counts.not_begun += self.not_begun;
        counts.stalled += self.stalled;
        counts.unserved += self.unserved;
    }

    #[cfg(test)]
    pub(super) fn pack_early(&mut self) {
        self.open_bytes_max = 0;
    }

    #[cfg(test)]
    pub(super) fn packed(&self) -> usize {
        self.first_open
    }
}
