//! One block in figures: in, the raw [`Sample`] and the accounts; out, a [`Row`]
//! with everything that tables and `run.json` show of it. Pure. The field names
//! are those of `run.json`, schema version 1.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    account::{Cost, MachineLoad},
    load::{
        Sample, ThreadCheck,
        counts::{Failure, Failures, Latencies},
    },
    published::{self, Published},
};

/// Above this share of a processor a generator thread has no reserve left: what
/// it measures then is partly its own queue.
const BUSY_MAX: f64 = 0.80;
/// The 99th percentile of the generator's lateness may be this share of the
/// 99th percentile that it reports of the fastest route ...
const LAG_SHARE_MAX: f64 = 0.10;
/// ... and this much in any case: a timer's resolution is a millisecond.
const LAG_ALLOWED: Duration = Duration::from_millis(2);

/// One line of the tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) users: u32,
    pub(crate) chain: String,
    /// When the window opened, UTC.
    pub(crate) window_start: String,
    pub(crate) window_seconds: f64,
    /// Successes that ended in the window, over its length.
    pub(crate) requests_per_second: f64,
    /// Successes that ended in the window.
    pub(crate) completed_in_window: u64,
    /// What `2 x users / 50 ms` allows.
    pub(crate) ceiling_requests_per_second: f64,
    /// Successes that started in the window, and their latencies.
    pub(crate) requests: u64,
    pub(crate) latency_ms: Option<LatencyMs>,
    pub(crate) routes: Vec<Route>,
    /// Failures that ended in the window or after it.
    pub(crate) failures: FailureCounts,
    /// Users that spent the whole window in a request begun before it.
    pub(crate) users_stalled: u64,
    /// Users none of whose requests succeeded.
    pub(crate) users_unserved: u64,
    pub(crate) costs: Vec<Cost>,
    pub(crate) machine: Option<MachineLoad>,
    pub(crate) generator: Vec<GeneratorThread>,
    /// Why the generator, and not the chain, may have set these figures.
    pub(crate) generator_bound: Option<String>,
    pub(crate) published: Option<Published>,
}

/// A latency distribution in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct LatencyMs {
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// The latencies of one route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) route: String,
    pub(crate) requests: u64,
    pub(crate) latency_ms: Option<LatencyMs>,
}

/// Failures by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailureCounts {
    /// The target's, all but the last of these.
    pub(crate) total: u64,
    pub(crate) connect: u64,
    pub(crate) closed: u64,
    pub(crate) timeout: u64,
    pub(crate) status: u64,
    pub(crate) malformed: u64,
    /// The generator's own.
    pub(crate) local_port: u64,
}

/// The self-check of one thread of the generator.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct GeneratorThread {
    /// Processor time over wall time; absent where it is not known.
    pub(crate) busy: Option<f64>,
    pub(crate) lag_p99_ms: f64,
    pub(crate) lag_max_ms: f64,
}

/// What a row needs besides the sample.
#[derive(Debug)]
pub(crate) struct Circumstances {
    pub(crate) users: u32,
    pub(crate) chain: String,
    pub(crate) window_start: String,
    pub(crate) routes: Vec<&'static str>,
    pub(crate) costs: Vec<Cost>,
    pub(crate) machine: Option<MachineLoad>,
    pub(crate) published: Option<Published>,
}

impl Row {
    pub(crate) fn new(sample: &Sample, of: Circumstances) -> Row {
        let all = sample.counts.overall();
        let window_seconds = sample.window.length().as_secs_f64();
        Row {
            users: of.users,
            chain: of.chain,
            window_start: of.window_start,
            window_seconds,
            requests_per_second: sample.counts.completed as f64 / window_seconds,
            completed_in_window: sample.counts.completed,
            ceiling_requests_per_second: published::ceiling(of.users),
            requests: all.count(),
            latency_ms: LatencyMs::of(&all),
            routes: of
                .routes
                .iter()
                .zip(&sample.counts.routes)
                .map(|(route, latencies)| Route {
                    route: (*route).to_owned(),
                    requests: latencies.count(),
                    latency_ms: LatencyMs::of(latencies),
                })
                .collect(),
            failures: FailureCounts::of(&sample.counts.failures),
            users_stalled: sample.counts.stalled,
            users_unserved: sample.counts.unserved,
            costs: of.costs,
            machine: of.machine,
            generator: sample.threads.iter().map(GeneratorThread::of).collect(),
            generator_bound: generator_bound(sample),
            published: of.published,
        }
    }

    /// Share of the ceiling that was reached.
    pub(crate) fn ceiling_share(&self) -> f64 {
        self.requests_per_second / self.ceiling_requests_per_second
    }

    /// Whether a thread of the generator had no reserve left.
    pub(crate) fn generator_thread_is_full(&self) -> bool {
        busiest(self.generator.iter().map(|thread| thread.busy)) > BUSY_MAX
    }
}

/// Why the figures may be the generator's own, in words; none when it kept up.
fn generator_bound(sample: &Sample) -> Option<String> {
    let counts = &sample.counts;
    let without_port = counts.failures.of(Failure::LocalPort);
    if without_port > 0 {
        return Some(format!(
            "{without_port} requests were never sent, because this machine had no local port left for them"
        ));
    }
    // The merged p99 is the slowest route's; lateness spoils the fastest first.
    let fastest_p99 = counts
        .routes
        .iter()
        .filter_map(|route| route.quantile(0.99))
        .min();
    short_of_time(&sample.threads, fastest_p99)
}

fn short_of_time(threads: &[ThreadCheck], fastest_p99: Option<Duration>) -> Option<String> {
    let busy = busiest(threads.iter().map(|thread| thread.busy));
    if busy > BUSY_MAX {
        return Some(format!(
            "a thread of the generator was {:.0}% busy (limit {:.0}%)",
            busy * 100.0,
            BUSY_MAX * 100.0
        ));
    }
    let late = threads
        .iter()
        .filter_map(|thread| thread.lag.quantile(0.99))
        .max()?;
    // Where nothing was measured there is nothing that lateness could spoil.
    let allowed = LAG_ALLOWED.max(fastest_p99?.mul_f64(LAG_SHARE_MAX));
    (late > allowed).then(|| {
        format!(
            "the generator was woken {} late at p99 (limit {}: a tenth of the fastest route's p99, at least {})",
            milliseconds_text(late),
            milliseconds_text(allowed),
            milliseconds_text(LAG_ALLOWED),
        )
    })
}

fn busiest(threads: impl Iterator<Item = Option<f64>>) -> f64 {
    threads.flatten().fold(0.0, f64::max)
}

fn milliseconds_text(duration: Duration) -> String {
    format!("{:.1} ms", milliseconds(duration))
}

impl LatencyMs {
    fn of(latencies: &Latencies) -> Option<LatencyMs> {
        let quantile = |quantile| latencies.quantile(quantile).map(milliseconds);
        Some(LatencyMs {
            mean: latencies.mean().map(milliseconds)?,
            p50: quantile(0.50)?,
            p95: quantile(0.95)?,
            p99: quantile(0.99)?,
            max: latencies.max().map(milliseconds)?,
        })
    }
}

impl FailureCounts {
    fn of(failures: &Failures) -> FailureCounts {
        FailureCounts {
            total: failures.total(),
            connect: failures.of(Failure::Connect),
            closed: failures.of(Failure::Closed),
            timeout: failures.of(Failure::Timeout),
            status: failures.of(Failure::Status),
            malformed: failures.of(Failure::Malformed),
            local_port: failures.of(Failure::LocalPort),
        }
    }

    /// The target's kinds that occurred, with their numbers.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (Failure, u64)> {
        let counts = [
            self.connect,
            self.closed,
            self.timeout,
            self.status,
            self.malformed,
            self.local_port,
        ];
        Failure::ALL
            .into_iter()
            .zip(counts)
            .filter(|(kind, count)| kind.is_the_targets() && *count > 0)
    }
}

impl GeneratorThread {
    fn of(check: &ThreadCheck) -> GeneratorThread {
        GeneratorThread {
            busy: check.busy,
            lag_p99_ms: check.lag.quantile(0.99).map_or(0.0, milliseconds),
            lag_max_ms: check.lag.max().map_or(0.0, milliseconds),
        }
    }
}

/// To the nanosecond, as the histogram has it.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::load::counts::{Counts, Finished, Window};

    fn thread(busy: Option<f64>, lag_ms: u64) -> ThreadCheck {
        let mut lag = Latencies::new();
        lag.record(Duration::from_millis(lag_ms));
        ThreadCheck { busy, lag }
    }

    /// A sample with one request on each route, of these latencies or failed.
    fn sample(threads: &[ThreadCheck], routes: &[Result<u64, Failure>]) -> Sample {
        let start = Instant::now();
        let window = Window {
            start,
            end: start + Duration::from_secs(5),
        };
        let mut counts = Counts::new(routes.len());
        for (route, outcome) in routes.iter().enumerate() {
            let finished = Finished {
                route,
                started: start,
                ended: start + Duration::from_millis(outcome.unwrap_or(1)),
                failure: outcome.err(),
            };
            counts.record(&window, finished);
        }
        Sample {
            window,
            counts,
            threads: threads.to_vec(),
        }
    }

    fn check(threads: &[ThreadCheck], p99_ms: u64, expected: Option<&str>) {
        check_sample(&sample(threads, &[Ok(p99_ms)]), expected);
    }

    fn check_sample(sample: &Sample, expected: Option<&str>) {
        let found = generator_bound(sample);
        match (&found, expected) {
            (Some(found), Some(part)) => assert!(found.contains(part), "{found}"),
            _ => assert_eq!(found.is_some(), expected.is_some(), "{found:?}"),
        }
    }

    #[test]
    fn one_busy_thread_is_enough() {
        check(
            &[thread(Some(0.2), 0), thread(Some(0.81), 0)],
            50,
            Some("81% busy"),
        );
        check(&[thread(Some(0.79), 0)], 50, None);
        check(&[thread(None, 0)], 50, None);
    }

    #[test]
    fn lateness_counts_against_the_latency_reported() {
        check(&[thread(None, 6)], 50, Some("6.0 ms late"));
        check(&[thread(None, 6)], 500, None);
        check(&[thread(None, 2)], 1, None);
        check(&[thread(None, 3)], 1, Some("3.0 ms late"));
    }

    #[test]
    fn the_fastest_route_sets_the_limit_of_lateness() {
        let late = [thread(None, 3)];
        check_sample(&sample(&late, &[Ok(50), Ok(51)]), None);
        check_sample(&sample(&late, &[Ok(1), Ok(51)]), Some("limit 2.0 ms"));
        check_sample(&sample(&late, &[Err(Failure::Status), Ok(51)]), None);
    }

    #[test]
    fn lateness_spoils_no_row_in_which_nothing_was_measured() {
        let late = thread(None, 400);
        check_sample(&sample(&[late], &[Err(Failure::Timeout)]), None);
        let busy = thread(Some(0.9), 400);
        check_sample(&sample(&[busy], &[Err(Failure::Timeout)]), Some("90% busy"));
    }

    #[test]
    fn requests_without_a_local_port_are_the_generators_failure() {
        let sample = sample(&[thread(None, 0)], &[Ok(50), Err(Failure::LocalPort)]);
        check_sample(&sample, Some("1 requests were never sent"));
    }
}
