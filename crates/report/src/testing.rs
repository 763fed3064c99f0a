//! Runs for tests, with plain figures; what a test is about is set afterwards.

use std::time::Duration;

use accounts::{Bytes, Cost, GENERATOR, Machine, MachineLoad, Switches};
use hdrhistogram::Histogram;
use results::{
    Block, Experiment, Failures, GeneratorThread, Histograms, Latency, LoadPoint, Mark, MarkKind,
    Messages, Missed, Probe, Route, Run, SCHEMA_VERSION, Session, State, Stream,
};

use crate::Digest;

/// Successes of a block.
pub(crate) const COMPLETED: u64 = 4000;

/// A role that used 1.25 s, 12 MiB at its peak, 8000 switches, 4 MB each way.
pub(crate) fn cost(role: &str) -> Cost {
    Cost {
        role: role.to_owned(),
        cpu_seconds: Some(1.25),
        peak_bytes: Some(12 << 20),
        peak_since_start: false,
        mean_bytes: Some(11 << 20),
        context_switches: Some(Switches {
            voluntary: 7600,
            involuntary: 400,
        }),
        bytes: Some(Bytes {
            sent: 4_000_000,
            received: 4_000_000,
            complete: true,
        }),
    }
}

/// Latencies around `ms`, as [`histogram`] has them.
pub(crate) fn latency(ms: f64, count: u64) -> Latency {
    Latency {
        count,
        mean_ms: 1.06 * ms,
        p50_ms: ms,
        p90_ms: 1.2 * ms,
        p95_ms: 1.5 * ms,
        p99_ms: 3.0 * ms,
        p999_ms: 4.0 * ms,
        max_ms: 4.0 * ms,
    }
}

/// The times behind [`latency`].
fn histogram(ms: f64, count: u64) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("three digits are possible");
    for (share, factor) in [
        (0.80, 1.0),
        (0.12, 1.2),
        (0.06, 1.5),
        (0.015, 3.0),
        (0.005, 4.0),
    ] {
        let times = (share * count as f64).round() as u64;
        histogram
            .record_n((factor * ms * 1e6) as u64, times)
            .expect("it resizes itself");
    }
    histogram
}

fn route(route: &str, ms: f64) -> Route {
    Route {
        route: route.to_owned(),
        latency: Some(latency(ms, COMPLETED / 2)),
        latency_uncorrected: Some(latency(ms, COMPLETED / 2)),
        stream: None,
        messages: None,
    }
}

/// A block of 4000 successes in 5 s; `hello` takes 1.2 ms, `numbers` 52 ms, with
/// a noise of a few percent that depends on target and repetition.
pub(crate) fn block(target: &str, load: LoadPoint, repetition: u32) -> Block {
    let suffix = if target == "rest" { "-rest" } else { "" };
    let roles = ["a", "b", "gateway"].map(|role| cost(&format!("{role}{suffix}")));
    let routes = vec![route("hello", 1.2), route("numbers", 52.0)];
    let users = match load {
        LoadPoint::Users(users) => Some(f64::from(users)),
        LoadPoint::Rate(_) | LoadPoint::Search => None,
    };
    Block {
        number: 0,
        repetition,
        session: 0,
        target: target.to_owned(),
        load,
        window_start: format!("2026-01-31T12:00:{repetition:02}Z"),
        window_seconds: 5.0,
        completed: COMPLETED,
        requests_per_second: COMPLETED as f64 / 5.0,
        iterations: COMPLETED / 2,
        iterations_failed: 0,
        iterations_per_second: COMPLETED as f64 / 10.0,
        iteration_mean_ms: users.map(|users| users / (COMPLETED as f64 / 10.0) * 1e3),
        offered_per_second: match load {
            LoadPoint::Users(_) => None,
            LoadPoint::Rate(rate) => Some(rate),
            LoadPoint::Search => Some(COMPLETED as f64 / 10.0),
        },
        not_begun: 0,
        latency: Some(latency(26.0, COMPLETED)),
        latency_uncorrected: Some(latency(26.0, COMPLETED)),
        routes,
        failures: Failures::default(),
        users_stalled: 0,
        users_unserved: 0,
        littles_law_users: users,
        costs: roles.into_iter().chain([cost(GENERATOR)]).collect(),
        accounted_seconds: 5.0,
        connections_unseen: Some(0),
        machine: Some(MachineLoad {
            busy: 0.5,
            steal: 0.0,
            pressure: Some(0.05),
        }),
        generator: vec![GeneratorThread {
            busy: Some(0.25),
            lag_p50_ms: 0.05,
            lag_p99_ms: 0.4,
            lag_max_ms: 1.5,
            timer_resolution_ms: 0.06,
            awaited: 0,
            late: 0,
            queued: 0,
        }],
        connections_opened: 0,
        generator_bytes_sent: 4_000_000,
        generator_bytes_received: 4_000_000,
        probes: Vec::new(),
        marks: Vec::new(),
    }
}

/// The raw times that the block's figures stand for, for every route it has.
pub(crate) fn histograms(block: &Block) -> Histograms {
    let mut histograms = Histograms {
        interval: Duration::from_secs(1),
        ..Histograms::default()
    };
    let mut add = |tag: String, latency: Option<Latency>| {
        let times = latency.map(|latency| histogram(latency.p50_ms, latency.count));
        let times = times.unwrap_or_else(|| histogram(1.0, 0));
        histograms.tags.insert(tag, vec![times]);
    };
    for route in &block.routes {
        add(route.route.clone(), route.latency);
        add(
            format!("{}.uncorrected", route.route),
            route.latency_uncorrected,
        );
        if let Some(stream) = route.stream {
            add(
                format!("{}.first_message", route.route),
                Some(stream.first_message),
            );
            add(format!("{}.gap", route.route), stream.gap);
        }
        if let Some(messages) = route.messages {
            add(format!("{}.round_trip", route.route), messages.round_trip);
        }
    }
    histograms
}

/// A complete run of these blocks, of the published experiment.
pub(crate) fn run(users: &[u32], blocks: Vec<Block>) -> Run {
    let mut experiment = Experiment {
        seed: Some(42),
        duration: Duration::from_secs(5),
        repetitions: blocks
            .iter()
            .map(|block| block.repetition)
            .max()
            .unwrap_or(5),
        ..Experiment::default()
    };
    experiment.load.users = users.to_vec();
    let mut run = Run {
        schema_version: SCHEMA_VERSION,
        state: State::Complete,
        pspd_version: "0.1.0".to_owned(),
        pspd_commit: Some("abc123".to_owned()),
        debug_build: false,
        machine: Machine {
            cpu_model: Some("Example CPU".to_owned()),
            cores: 2,
            processors: 2,
            memory_bytes: Some(4 << 30),
            kernel: Some("6.1".to_owned()),
            os: "Example OS".to_owned(),
            architecture: "x86_64".to_owned(),
            virtualised: Some(true),
            frequency_governor: None,
            clocksource: Some("tsc".to_owned()),
        },
        experiment,
        blocks_planned: blocks.len(),
        role_arguments: [(
            "gateway".to_owned(),
            vec!["--access-log".to_owned(), "json".to_owned()],
        )]
        .into(),
        sessions: vec![Session {
            started: "2026-01-31T12:00:00Z".to_owned(),
            pspd_version: "0.1.0".to_owned(),
            pspd_commit: Some("abc123".to_owned()),
            kernel: Some("6.1".to_owned()),
        }],
        blocks,
    };
    for (block, number) in run.blocks.iter_mut().zip(1..) {
        block.number = number;
    }
    run
}

/// The published experiment at two loads, five repetitions, with noise of some
/// percent; `rest` is faster, uses 1.3 times the CPU, and sends as many bytes.
pub(crate) fn published_run() -> Run {
    const NOISE: [f64; 5] = [1.0, 1.02, 0.985, 1.01, 0.99];
    let mut blocks = Vec::new();
    for (repetition, noise) in (1..).zip(NOISE) {
        for users in [25, 400] {
            for target in ["grpc", "rest"] {
                let mut block = block(target, LoadPoint::Users(users), repetition);
                let is_rest = target == "rest";
                // Another order of the noise, so that the ratio varies too.
                let own = if is_rest {
                    noise
                } else {
                    NOISE[(repetition as usize * 2) % 5]
                };
                let rate = f64::from(users) * 32.0 * own * if is_rest { 1.1 } else { 1.0 };
                scale(&mut block, rate, own * if is_rest { 0.9 } else { 1.0 });
                for cost in &mut block.costs {
                    let factor = if is_rest { 1.3 * own } else { own };
                    cost.cpu_seconds = cost.cpu_seconds.map(|cpu| cpu * factor);
                }
                blocks.push(block);
            }
        }
    }
    run(&[25, 400], blocks)
}

/// Sets the rate to `rate` and multiplies all latencies by `factor`.
pub(crate) fn scale(block: &mut Block, rate: f64, factor: f64) {
    block.requests_per_second = rate;
    block.completed = (rate * block.window_seconds) as u64;
    block.iterations_per_second = rate / 2.0;
    let scaled = |latency: Option<Latency>| latency.map(|of| times(of, factor));
    block.latency = scaled(block.latency);
    block.latency_uncorrected = scaled(block.latency_uncorrected);
    for route in &mut block.routes {
        route.latency = scaled(route.latency);
        route.latency_uncorrected = scaled(route.latency_uncorrected);
        route.stream = route.stream.map(|stream| Stream {
            first_message: times(stream.first_message, factor),
            gap: stream.gap.map(|gap| times(gap, factor)),
        });
    }
}

fn times(latency: Latency, factor: f64) -> Latency {
    Latency {
        count: latency.count,
        mean_ms: latency.mean_ms * factor,
        p50_ms: latency.p50_ms * factor,
        p90_ms: latency.p90_ms * factor,
        p95_ms: latency.p95_ms * factor,
        p99_ms: latency.p99_ms * factor,
        p999_ms: latency.p999_ms * factor,
        max_ms: latency.max_ms * factor,
    }
}

/// An open loop at 200 iterations a second, where waiting shows: the figures from
/// the intended start are four times those from sending. `numbers` is a stream.
pub(crate) fn open_loop_run() -> Run {
    let mut blocks = Vec::new();
    for repetition in 1..=3 {
        for target in ["grpc", "rest"] {
            let mut block = block(target, LoadPoint::Rate(200.0), repetition);
            scale(
                &mut block,
                400.0 + f64::from(repetition),
                1.0 + 0.01 * f64::from(repetition),
            );
            let waited = |latency: Option<Latency>| latency.map(|of| times(of, 4.0));
            block.latency = waited(block.latency);
            for route in &mut block.routes {
                route.latency = waited(route.latency);
            }
            block.routes[1].stream = Some(Stream {
                first_message: latency(6.0, COMPLETED / 2),
                gap: Some(latency(5.1, 9 * COMPLETED / 2)),
            });
            blocks.push(block);
        }
    }
    let mut run = run(&[], blocks);
    run.experiment.load.rates = vec![200.0];
    run
}

/// One target whose `numbers` streams both ways and whose `hello` sends a stream.
pub(crate) fn conversations_run() -> Run {
    let mut run = published_run();
    for block in &mut run.blocks {
        block.routes[0].messages = Some(Messages {
            sent_per_second: Some(12_500.0),
            received_per_second: None,
            round_trip: None,
        });
        block.routes[1].messages = Some(Messages {
            sent_per_second: Some(4_000.0),
            received_per_second: Some(3_990.0),
            round_trip: Some(latency(0.8, 10 * COMPLETED)),
        });
    }
    run
}

/// A search that ended at each of the things that can end one.
pub(crate) fn search_run() -> Run {
    let mut run = open_loop_run();
    run.experiment.load.rates.clear();
    run.experiment.load.slo = Some("p99<500ms".into());
    let probe = |offered: f64, measured: Option<f64>, missed| Probe {
        offered_per_second: offered,
        iterations_per_second: offered.min(210.0),
        measured,
        missed,
    };
    for block in &mut run.blocks {
        block.load = LoadPoint::Search;
        block.probes = vec![
            probe(200.0, Some(312.5), None),
            probe(400.0, None, Some(Missed::Generator)),
            probe(283.0, Some(520.0), Some(Missed::Objective)),
            probe(238.0, Some(330.0), Some(Missed::NotSustained)),
        ];
    }
    run
}

/// A run in which everything that can go wrong did.
pub(crate) fn eventful_run() -> Run {
    let mut run = published_run();
    run.state = State::Interrupted;
    run.debug_build = true;
    run.blocks_planned = 30;
    let resumed = Session {
        started: "2026-01-31T13:00:00Z".to_owned(),
        ..run.sessions[0].clone()
    };
    run.sessions.push(resumed);
    let mark = |kind, value, limit| Mark { kind, value, limit };
    for block in &mut run.blocks {
        block.marks.push(mark(MarkKind::Steal, 0.03, 0.02));
        if block.load == LoadPoint::Users(400) && block.target == "rest" && block.repetition < 4 {
            block.marks.push(mark(MarkKind::GeneratorBusy, 0.91, 0.8));
        }
    }
    let dead = &mut run.blocks[0];
    dead.completed = 0;
    dead.requests_per_second = 0.0;
    dead.latency = None;
    dead.latency_uncorrected = None;
    for route in &mut dead.routes {
        route.latency = None;
        route.latency_uncorrected = None;
    }
    dead.users_stalled = 13;
    dead.users_unserved = 10;
    dead.failures = Failures {
        total: 12,
        timeout: 10,
        closed: 2,
        ..Failures::default()
    };
    dead.marks.extend([
        mark(MarkKind::Failures, 12.0, 0.0),
        mark(MarkKind::UsersStalled, 13.0, 0.0),
        mark(MarkKind::UsersUnserved, 10.0, 0.0),
    ]);
    run
}

/// The digest of a run with the histograms of its blocks.
pub(crate) fn digest(run: &Run) -> Digest<'_> {
    Digest::new(run, &mut |block| Some(histograms(block)))
}
