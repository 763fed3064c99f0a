//! Whether the numbers of an experiment are ones to work with: loads, times,
//! connections, processors. In: an experiment; out: what is wrong with it.

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use results::{ConnectionCount, Experiment};

use super::Problems;

pub(super) const USERS_MAX: u32 = 100_000;
const RATE_MAX: f64 = 10_000_000.0;
const LOADS_MAX: usize = 100;
const REPETITIONS_MAX: u32 = 1_000;
pub(super) const THREADS_MAX: u32 = 256;
const STREAMS_MAX: u32 = 100_000;
const WINDOW_BYTES: RangeInclusive<u32> = 65_535..=(1 << 31) - 1;
pub(super) const DURATION_MIN: Duration = Duration::from_millis(100);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn check_load(experiment: &Experiment, problems: &mut Problems) {
    let load = &experiment.load;
    let kinds = [
        !load.users.is_empty(),
        !load.rates.is_empty(),
        load.slo.is_some(),
    ];
    if kinds.into_iter().filter(|is| *is).count() > 1 {
        problems.add(
            "load",
            "",
            "users, rates and slo are three kinds of load",
            "give one of them; measure the others in runs of their own",
        );
    }
    let mut seen = BTreeSet::new();
    for users in &load.users {
        check_range("users (--users)", *users, 1..=USERS_MAX, problems);
        if !seen.insert(*users) {
            problems.add(
                "users (--users)",
                &users.to_string(),
                "it is there twice",
                "give it once",
            );
        }
    }
    for (index, rate) in load.rates.iter().enumerate() {
        check_rate("rates (--rate)", *rate, problems);
        if load.rates[..index].contains(rate) {
            problems.add(
                "rates (--rate)",
                &rate.to_string(),
                "it is there twice",
                "give it once",
            );
        }
    }
    if load.points().len() > LOADS_MAX {
        let count = load.points().len().to_string();
        problems.add(
            "load",
            &count,
            "so many loads are too many",
            format!("give at most {LOADS_MAX}"),
        );
    }
    if let Some(pace) = load.pace {
        check_duration(
            "pace (--pace)",
            pace,
            Duration::from_millis(1)..=HOUR,
            problems,
        );
        if load.users.is_empty() {
            problems.add(
                "pace (--pace)",
                &humantime::format_duration(pace).to_string(),
                "only users of a closed loop have a pace",
                "give users (--users), or leave it out",
            );
        }
    }
    check_range(
        "in-flight-max (--in-flight-max)",
        load.in_flight_max,
        1..=USERS_MAX,
        problems,
    );
    check_rate("rate-start", load.rate_start, problems);
    check_rate("rate-max", load.rate_max, problems);
    if !(0.001..=0.5).contains(&load.rate_precision) {
        problems.add(
            "rate-precision",
            &load.rate_precision.to_string(),
            "it is no share that a search can reach",
            "give 0.001 to 0.5",
        );
    }
}

pub(super) fn check_times(experiment: &Experiment, problems: &mut Problems) {
    let from = |from| from..=HOUR;
    check_duration(
        "duration (--duration)",
        experiment.duration,
        from(DURATION_MIN),
        problems,
    );
    check_duration(
        "warm-up (--warm-up)",
        experiment.warm_up,
        from(Duration::ZERO),
        problems,
    );
    check_duration(
        "request-timeout (--request-timeout)",
        experiment.request_timeout,
        from(Duration::from_millis(1)),
        problems,
    );
    let repetitions = experiment.repetitions;
    check_range(
        "repetitions (--repetitions)",
        repetitions,
        1..=REPETITIONS_MAX,
        problems,
    );
}

pub(super) fn check_connections(experiment: &Experiment, problems: &mut Problems) {
    let connections = &experiment.connections;
    let threads = experiment.generator.threads;
    check_range(
        "threads (--generator-threads)",
        threads,
        1..=THREADS_MAX,
        problems,
    );
    check_range(
        "streams-max (--streams-max)",
        connections.streams_max,
        1..=STREAMS_MAX,
        problems,
    );
    for (name, bytes) in [
        ("stream-window-bytes", connections.stream_window_bytes),
        (
            "connection-window-bytes",
            connections.connection_window_bytes,
        ),
    ] {
        check_range(name, bytes, WINDOW_BYTES, problems);
    }
    if let ConnectionCount::Shared(count) = connections.count {
        check_range("count (--connections)", count, 1..=USERS_MAX, problems);
        if threads > 0 && count % threads != 0 {
            problems.add(
                "count (--connections)",
                &count.to_string(),
                format!("{threads} threads of the generator cannot have the same number of them"),
                "give a multiple of --generator-threads: threads share no connection",
            );
        }
    }
}

pub(super) fn check_cpus(experiment: &Experiment, problems: &mut Problems) {
    let allowed = accounts::affinity::allowed_cpus();
    for (name, cpus) in [
        ("cpus (--generator-cpus)", &experiment.generator.cpus),
        ("cpus (--system-cpus)", &experiment.system.cpus),
    ] {
        if cpus.is_empty() {
            continue;
        }
        let value = format!("{cpus:?}");
        match &allowed {
            None => problems.add(name, &value, "pinning works on Linux alone", "leave it out"),
            Some(allowed) => {
                if let Some(cpu) = cpus.iter().find(|cpu| !allowed.contains(cpu)) {
                    let reason = format!("this program may not use processor {cpu}");
                    problems.add(name, &value, reason, format!("choose among {allowed:?}"));
                }
            }
        }
    }
}

fn check_range(name: &str, value: u32, range: RangeInclusive<u32>, problems: &mut Problems) {
    if !range.contains(&value) {
        let fix = format!("give {} to {}", range.start(), range.end());
        problems.add(name, &value.to_string(), "it is out of range", fix);
    }
}

fn check_rate(name: &str, rate: f64, problems: &mut Problems) {
    if !(rate > 0.0 && rate <= RATE_MAX) {
        let fix = format!("give iterations a second, more than 0, at most {RATE_MAX}");
        problems.add(name, &rate.to_string(), "it is no rate", fix);
    }
}

fn check_duration(
    name: &str,
    duration: Duration,
    range: RangeInclusive<Duration>,
    problems: &mut Problems,
) {
    if !range.contains(&duration) {
        let show = humantime::format_duration;
        let fix = format!("give {} to {}", show(*range.start()), show(*range.end()));
        problems.add(name, &show(duration).to_string(), "it is out of range", fix);
    }
}
