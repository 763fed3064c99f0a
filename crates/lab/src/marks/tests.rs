use accounts::{Cost, MachineLoad};
use results::{Failures, Latency, Route};

use super::*;

fn cost(role: &str, cpu_seconds: f64) -> Cost {
    Cost {
        role: role.into(),
        cpu_seconds: Some(cpu_seconds),
        peak_bytes: Some(1 << 20),
        peak_since_start: false,
        mean_bytes: None,
        context_switches: None,
        bytes: None,
    }
}

fn route(p99_ms: f64) -> Route {
    Route {
        route: "hello".into(),
        latency: Some(Latency {
            count: 100,
            mean_ms: p99_ms,
            p50_ms: p99_ms,
            p90_ms: p99_ms,
            p95_ms: p99_ms,
            p99_ms,
            p999_ms: p99_ms,
            max_ms: p99_ms,
        }),
        latency_uncorrected: None,
        stream: None,
        messages: None,
    }
}

fn thread(busy: Option<f64>, lag_p99_ms: f64) -> GeneratorThread {
    GeneratorThread {
        busy,
        lag_p50_ms: 0.0,
        lag_p99_ms,
        lag_max_ms: lag_p99_ms,
        timer_resolution_ms: 0.05,
        awaited: 0,
        late: 0,
        queued: 0,
    }
}

/// Ten users, each with an iteration of 50 ms: nothing to doubt.
pub(crate) fn fine() -> Block {
    Block {
        number: 1,
        repetition: 1,
        session: 0,
        target: "grpc".into(),
        load: LoadPoint::Users(10),
        window_start: "2026-01-31T12:00:00Z".into(),
        window_seconds: 10.0,
        completed: 4000,
        requests_per_second: 400.0,
        iterations: 2000,
        iterations_failed: 0,
        iterations_per_second: 200.0,
        iteration_mean_ms: Some(50.0),
        offered_per_second: None,
        not_begun: 0,
        latency: None,
        latency_uncorrected: None,
        routes: vec![route(50.0)],
        failures: Failures::default(),
        users_stalled: 0,
        users_unserved: 0,
        littles_law_users: Some(10.0),
        accounted_seconds: 10.0,
        costs: vec![cost("gateway", 4.0), cost("generator", 2.0)],
        machine: Some(MachineLoad {
            busy: 0.3,
            steal: 0.0,
            pressure: Some(0.1),
        }),
        connections_unseen: None,
        generator: vec![thread(Some(0.2), 0.1)],
        connections_opened: 0,
        generator_bytes_sent: 0,
        generator_bytes_received: 0,
        probes: Vec::new(),
        marks: Vec::new(),
    }
}

fn kinds(block: &Block) -> Vec<MarkKind> {
    of(block, 2).iter().map(|mark| mark.kind).collect()
}

#[track_caller]
fn check(change: impl FnOnce(&mut Block), expected: &[MarkKind]) {
    let mut block = fine();
    change(&mut block);
    assert_eq!(kinds(&block), expected);
}

#[test]
fn a_block_without_blemish_has_no_mark() {
    check(|_| {}, &[]);
}

#[test]
fn one_busy_thread_is_enough() {
    let busy = |busy| move |block: &mut Block| block.generator.push(thread(busy, 0.0));
    check(busy(Some(0.81)), &[MarkKind::GeneratorBusy]);
    check(busy(Some(0.79)), &[]);
    check(busy(None), &[]);
}

#[test]
fn lateness_counts_against_the_fastest_route() {
    let late = |lag_ms, p99_ms: Option<f64>| {
        move |block: &mut Block| {
            block.generator.push(thread(None, lag_ms));
            block.routes = p99_ms
                .map(route)
                .into_iter()
                .chain([route(500.0)])
                .collect();
        }
    };
    check(late(6.0, Some(50.0)), &[MarkKind::GeneratorLate]);
    check(late(6.0, None), &[]);
    check(late(2.0, Some(1.0)), &[]);
    check(late(3.0, Some(1.0)), &[MarkKind::GeneratorLate]);
    let nothing_measured = |block: &mut Block| {
        block.generator.push(thread(None, 400.0));
        block.routes.clear();
    };
    check(nothing_measured, &[]);
}

#[test]
fn one_long_hold_up_of_the_generator_is_said() {
    let paused = |lag_max_ms: f64| {
        move |block: &mut Block| {
            block.latency = block.routes[0].latency;
            block.generator[0].lag_max_ms = lag_max_ms;
        }
    };
    check(paused(30.0), &[MarkKind::GeneratorPaused]);
    check(paused(24.0), &[]);
    check(paused(9.0), &[]);
}

#[test]
fn kept_connections_that_are_opened_again_are_said() {
    let mut block = fine();
    assert_eq!(connections_opened(&block), None);
    block.connections_opened = 2;
    let mark = connections_opened(&block).map(|mark| mark.kind);
    assert_eq!(mark, Some(MarkKind::ConnectionsOpened));
}

#[test]
fn iterations_with_a_failure_do_not_keep_up_a_rate() {
    let failing = |block: &mut Block| {
        block.load = LoadPoint::Rate(200.0);
        block.littles_law_users = None;
        block.offered_per_second = Some(200.0);
        block.iterations_failed = 1000;
    };
    check(failing, &[MarkKind::NotSustained]);
}

#[test]
fn an_open_loop_must_keep_up_its_rate() {
    let open = |offered: f64, not_begun| {
        move |block: &mut Block| {
            block.load = LoadPoint::Rate(offered);
            block.littles_law_users = None;
            block.offered_per_second = Some(offered);
            block.not_begun = not_begun;
        }
    };
    check(open(200.0, 0), &[]);
    check(open(205.0, 0), &[]);
    check(open(220.0, 0), &[MarkKind::NotSustained]);
    check(open(200.0, 1), &[MarkKind::NotSustained]);
}

#[test]
fn a_few_arrivals_may_be_few_by_chance() {
    let rare = |block: &mut Block| {
        block.load = LoadPoint::Rate(2.0);
        block.littles_law_users = None;
        block.offered_per_second = Some(2.0);
        block.iterations = 15;
    };
    check(rare, &[]);
}

#[test]
fn users_whose_time_is_not_accounted_for_break_littles_law() {
    let mean = |ms| move |block: &mut Block| block.iteration_mean_ms = Some(ms);
    check(mean(48.0), &[]);
    check(mean(40.0), &[MarkKind::LittlesLaw]);
    check(mean(60.0), &[MarkKind::LittlesLaw]);
    let paced = |block: &mut Block| {
        block.iteration_mean_ms = Some(5.0);
        block.littles_law_users = None;
    };
    check(paced, &[]);
}

#[test]
fn what_went_wrong_for_users_is_counted() {
    check(|block| block.users_stalled = 1, &[MarkKind::UsersStalled]);
    check(|block| block.users_unserved = 1, &[MarkKind::UsersUnserved]);
    check(|block| block.failures.total = 1, &[MarkKind::Failures]);
    check(
        |block| block.failures.local_port = 1,
        &[MarkKind::NoLocalPort],
    );
}

#[test]
fn the_machine_is_watched() {
    let machine = |busy, steal, pressure| {
        move |block: &mut Block| {
            block.machine = Some(MachineLoad {
                busy,
                steal,
                pressure,
            });
        }
    };
    // Of 20 processor seconds, 6 are ours: half of the machine is somebody else's.
    check(machine(0.8, 0.0, None), &[MarkKind::OtherPrograms]);
    check(machine(0.3, 0.03, None), &[MarkKind::Steal]);
    check(machine(0.3, 0.0, Some(0.6)), &[MarkKind::CpuPressure]);
    let full = |block: &mut Block| {
        machine(0.99, 0.0, None)(block);
        block.costs = vec![cost("gateway", 15.0), cost("generator", 4.0)];
    };
    check(full, &[MarkKind::MachineFull]);
    let unknown_target = |block: &mut Block| {
        machine(0.8, 0.0, None)(block);
        block.costs.remove(0);
    };
    check(unknown_target, &[]);
}

#[test]
fn a_peak_that_was_not_reset_is_said() {
    check(
        |block| block.costs[0].peak_since_start = true,
        &[MarkKind::PeakNotReset],
    );
}

#[test]
fn a_search_says_what_ended_it() {
    let probe = |rate: f64, missed| Probe {
        offered_per_second: rate,
        iterations_per_second: rate,
        measured: None,
        missed,
    };
    let check = |probes: &[Probe], max: f64, expected: Option<MarkKind>| {
        let mark = of_search(probes, true, max);
        assert_eq!(mark.map(|mark| mark.kind), expected);
    };
    let by_objective = [probe(100.0, None), probe(200.0, Some(Missed::Objective))];
    check(&by_objective, 1000.0, None);
    let by_generator = [probe(100.0, None), probe(200.0, Some(Missed::Generator))];
    check(
        &by_generator,
        1000.0,
        Some(MarkKind::SearchEndedByGenerator),
    );
    // A later probe in between shows that the target was the limit after all.
    let both = [
        by_generator[0],
        by_generator[1],
        probe(150.0, Some(Missed::Objective)),
    ];
    check(&both, 1000.0, None);
    check(
        &[probe(100.0, None)],
        100.0,
        Some(MarkKind::SearchEndedAtMaximum),
    );
}

#[test]
fn a_search_does_not_believe_a_generator_without_reserve() {
    let mut block = fine();
    block.generator.push(thread(Some(0.95), 0.0));
    block.marks = of(&block, 2);
    assert!(is_generator_bound(&block) && is_sustained(&block));
}
