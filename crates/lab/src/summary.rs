//! One measurement in figures: in, the raw [`Measured`]; out, the [`Block`] that
//! `run.json` keeps, the histograms and the timeline beside it. Pure.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use load::{Failure, Latencies, Sample, ThreadCheck};
use results::{
    Block, Failures, GeneratorThread, Histograms, Latency, LoadPoint, Messages, Route, Second,
    Stream,
};

use crate::{block::Measured, marks, schedule::Step};

/// What a block needs besides its measurement.
#[derive(Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) step: Step,
    pub(crate) session: u32,
    pub(crate) target: &'a str,
    /// As the plan has it; differs from the measurement's for a search.
    pub(crate) load: LoadPoint,
    /// Users without a pace, to which Little's law applies.
    pub(crate) unpaced: bool,
    pub(crate) processors: usize,
    /// Connections are kept from one request to the next.
    pub(crate) connections_kept: bool,
    /// Names of the routes, in the scenario's order.
    pub(crate) routes: &'a [String],
}

/// The block as recorded, but for the steps of a search.
pub(crate) fn block(measured: &Measured, of: Circumstances<'_>) -> Block {
    let Measured { sample, .. } = measured;
    let counts = &sample.counts;
    let seconds = sample.window.length().as_secs_f64();
    let iterations_per_second = counts.iterations.completed as f64 / seconds;
    let iteration_mean = counts
        .iterations
        .durations
        .mean()
        .map(|mean| mean.as_secs_f64());
    let mut block = Block {
        number: of.step.number,
        repetition: of.step.repetition,
        session: of.session,
        target: of.target.to_owned(),
        load: of.load,
        window_start: humantime::format_rfc3339_seconds(measured.window_start).to_string(),
        window_seconds: seconds,
        completed: counts.completed,
        requests_per_second: counts.completed as f64 / seconds,
        iterations: counts.iterations.completed,
        iterations_failed: counts.iterations.failed,
        iterations_per_second,
        iteration_mean_ms: iteration_mean.map(|mean| mean * 1e3),
        offered_per_second: offered(measured.point),
        not_begun: counts.not_begun,
        latency: latency(&counts.overall()),
        latency_uncorrected: latency(&counts.overall_uncorrected()),
        routes: routes(sample, of.routes),
        failures: failures(sample),
        users_stalled: counts.stalled,
        users_unserved: counts.unserved,
        littles_law_users: iteration_mean
            .filter(|_| of.unpaced && counts.iterations.completed > 0)
            .map(|mean| iterations_per_second * mean),
        accounted_seconds: measured.accounted.as_secs_f64(),
        costs: measured.costs.roles.clone(),
        machine: measured.costs.machine,
        connections_unseen: measured.costs.connections_unseen,
        generator: sample.threads.iter().map(generator_thread).collect(),
        connections_opened: sample.traffic.connections_opened,
        generator_bytes_sent: sample.traffic.bytes_sent,
        generator_bytes_received: sample.traffic.bytes_received,
        probes: Vec::new(),
        marks: Vec::new(),
    };
    block.marks = marks::of(&block, of.processors);
    if of.connections_kept {
        block.marks.extend(marks::connections_opened(&block));
    }
    block
}

fn offered(point: LoadPoint) -> Option<f64> {
    match point {
        LoadPoint::Rate(rate) => Some(rate),
        LoadPoint::Users(_) | LoadPoint::Search => None,
    }
}

fn routes(sample: &Sample, names: &[String]) -> Vec<Route> {
    let routes = names.iter().zip(&sample.counts.routes);
    routes
        .map(|(name, counts)| Route {
            route: name.clone(),
            latency: latency(&counts.latency),
            latency_uncorrected: latency(&counts.uncorrected),
            stream: latency(&counts.first_message).map(|first_message| Stream {
                first_message,
                gap: latency(&counts.gaps),
            }),
            messages: messages(counts, sample.window.length()),
        })
        .collect()
}

/// Absent where no message belongs to a stream.
fn messages(counts: &load::Route, window: Duration) -> Option<Messages> {
    let a_second = |messages: u64| {
        let rate = messages as f64 / window.as_secs_f64();
        (messages > 0).then_some(rate)
    };
    let messages = Messages {
        sent_per_second: a_second(counts.messages_sent),
        received_per_second: a_second(counts.messages_received),
        round_trip: latency(&counts.round_trips),
    };
    let Messages {
        sent_per_second: sent,
        received_per_second: received,
        round_trip,
    } = messages;
    (sent.or(received).is_some() || round_trip.is_some()).then_some(messages)
}

fn latency(latencies: &Latencies) -> Option<Latency> {
    let quantile = |quantile| latencies.quantile(quantile).map(milliseconds);
    Some(Latency {
        count: latencies.count(),
        mean_ms: latencies.mean().map(milliseconds)?,
        p50_ms: quantile(0.50)?,
        p90_ms: quantile(0.90)?,
        p95_ms: quantile(0.95)?,
        p99_ms: quantile(0.99)?,
        p999_ms: quantile(0.999)?,
        max_ms: latencies.max().map(milliseconds)?,
    })
}

fn failures(sample: &Sample) -> Failures {
    let failures = sample.counts.failures();
    Failures {
        total: failures.total(),
        connect: failures.of(Failure::Connect),
        closed: failures.of(Failure::Closed),
        timeout: failures.of(Failure::Timeout),
        status: failures.of(Failure::Status),
        malformed: failures.of(Failure::Malformed),
        local_port: failures.of(Failure::LocalPort),
        unsent: failures.of(Failure::Unsent),
    }
}

fn generator_thread(check: &ThreadCheck) -> GeneratorThread {
    let lag = |quantile| check.lag.quantile(quantile).map_or(0.0, milliseconds);
    GeneratorThread {
        busy: check.busy,
        lag_p50_ms: lag(0.5),
        lag_p99_ms: lag(0.99),
        lag_max_ms: check.lag.max().map_or(0.0, milliseconds),
        timer_resolution_ms: milliseconds(check.timer_resolution),
        awaited: check.awaited,
        late: check.late,
        queued: check.queued,
    }
}

/// The raw times, under the names of the interval log.
pub(crate) fn histograms(sample: &Sample, names: &[String]) -> Histograms {
    let mut tags: BTreeMap<String, Vec<Histogram<u64>>> = BTreeMap::new();
    for (index, (name, route)) in names.iter().zip(&sample.counts.routes).enumerate() {
        let intervals = sample.counts.intervals.iter();
        let intervals = intervals.map(|interval| interval.routes[index].unpack());
        let intervals = intervals.map(|latencies| latencies.histogram().clone());
        tags.insert(name.clone(), intervals.collect());
        for (what, latencies) in [
            ("uncorrected", &route.uncorrected),
            ("first_message", &route.first_message),
            ("gap", &route.gaps),
            ("round_trip", &route.round_trips),
        ] {
            if latencies.count() > 0 {
                let histogram = latencies.histogram().clone();
                tags.insert(format!("{name}.{what}"), vec![histogram]);
            }
        }
    }
    Histograms {
        tags,
        interval: sample.window.interval(),
    }
}

/// What each second looked like, latency and costs side by side.
pub(crate) fn timeline(measured: &Measured) -> Vec<Second> {
    let window = measured.sample.window;
    let intervals = measured.sample.counts.intervals.iter();
    intervals
        .map(|interval| {
            let end = (interval.start + window.interval()).min(window.length());
            Second {
                second: u32::try_from(interval.start.as_secs()).unwrap_or(u32::MAX),
                completed: interval.completed,
                failed: interval.failed,
                latency: latency(&interval.overall()),
                roles: roles_between(measured, interval.start, end),
            }
        })
        .collect()
}

/// Processors used from one glance to the other, and the memory at the latter.
fn roles_between(
    measured: &Measured,
    start: Duration,
    end: Duration,
) -> Vec<(String, Option<f64>, Option<u64>)> {
    let at = |offset: Duration| {
        let wanted = measured.sample.window.start + offset;
        let distance = |at: std::time::Instant| at.max(wanted).duration_since(at.min(wanted));
        let glances = measured.glances.iter();
        glances.min_by_key(|glance| distance(glance.at))
    };
    let (from, to) = (at(start), at(end));
    let roles = measured.costs.roles.iter().enumerate();
    roles
        .map(|(index, cost)| {
            let (before, after) = (
                from.map(|g| (g.at, g.roles[index])),
                to.map(|g| (g.at, g.roles[index])),
            );
            let cpus = before.zip(after).and_then(|((from, before), (to, after))| {
                let elapsed = to
                    .checked_duration_since(from)
                    .filter(|elapsed| !elapsed.is_zero())?;
                let used = after.cpu?.saturating_sub(before.cpu?);
                Some(used.div_duration_f64(elapsed))
            });
            (
                cost.role.clone(),
                cpus,
                after.and_then(|(_, role)| role.resident_bytes),
            )
        })
        .collect()
}

/// To the nanosecond, as the histogram has it.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}
