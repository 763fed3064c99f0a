use proptest::prelude::*;
use results::{Experiment, Run};

use super::*;
use crate::testing;

fn trips(text: &str, run: &Run) -> Vec<String> {
    let gate = Gate::parse(text, &run.experiment).expect(text);
    let trips = gate.check(&testing::digest(run));
    trips.iter().map(Trip::to_string).collect()
}

#[test]
fn a_gate_trips_in_each_cell_that_is_beyond() {
    let run = testing::published_run();
    assert_eq!(
        trips("grpc.p99 > 20ms", &run),
        [
            "grpc.p99 > 20ms: 25 users, grpc has 79.6 ms",
            "grpc.p99 > 20ms: 400 users, grpc has 79.6 ms",
        ]
    );
    let check = |text: &str, expected: usize| {
        assert_eq!(trips(text, &run).len(), expected, "{text}");
    };
    check("grpc.p99 > 80ms", 0);
    check("grpc@400.p99>20ms", 1);
    check("grpc@400.hello.p99 > 4ms", 0);
    check("grpc@400.numbers.p99 >= 0.1s", 1);
    check("rest.rps < 1000", 1);
    check("rest@25.rps < 1000/s", 1);
    check("rest.cpu > 100us", 1);
    check("grpc.bytes > 3KiB", 1);
    check("grpc.memory >= 36MiB", 2);
    check("grpc.memory > 0.05GiB", 0);
    check("grpc.failed > 0%", 0);
    check("grpc.failed >= 0", 2);
}

#[test]
fn a_ratio_trips_only_when_its_whole_interval_is_beyond() {
    let run = testing::published_run();
    let ratio = testing::digest(&run)
        .ratio(
            "grpc",
            "rest",
            LoadPoint::Users(400),
            Metric::RequestsPerSecond,
        )
        .expect("five pairs");
    let check = |text: String, expected: usize| {
        assert_eq!(trips(&text, &run).len(), expected, "{text}");
    };
    check(format!("rest/grpc@400.rps > {}", ratio.low() - 1e-6), 1);
    check(format!("rest/grpc@400.rps > {}", ratio.low() + 1e-6), 0);
    check(format!("rest/grpc@400.rps < {}", ratio.high() + 1e-6), 1);
    check(format!("rest/grpc@400.rps < {}", ratio.high() - 1e-6), 0);
    // Any target can be the base.
    check(
        format!("grpc/rest@400.rps < {}x", 1.0 / ratio.low() + 1e-6),
        1,
    );
    assert_eq!(
        trips("rest/grpc@25.rps > 1.05", &run),
        ["rest/grpc@25.rps > 1.05: 25 users, rest/grpc has 1.10 (95% CI 1.07 to 1.13)"]
    );
}

#[test]
fn nothing_measured_is_not_passed() {
    let mut run = testing::published_run();
    run.blocks
        .retain(|block| block.repetition < 3 && block.load == LoadPoint::Users(25));
    for block in &mut run.blocks {
        block.costs.clear();
    }
    assert_eq!(
        trips("grpc.p99 > 20s", &run),
        ["grpc.p99 > 20s: 400 users, grpc cannot be judged: it was not measured"]
    );
    assert_eq!(
        trips("grpc@25.cpu > 20s", &run),
        ["grpc@25.cpu > 20s: 25 users, grpc cannot be judged: it is not known of the target"]
    );
    assert_eq!(
        trips("rest/grpc@25.rps > 9", &run),
        [
            "rest/grpc@25.rps > 9: 25 users, rest/grpc cannot be judged: 2 pair(s) of blocks; an \
          interval needs 3"
        ]
    );
}

#[test]
fn what_is_wrong_is_said_with_the_remedy() {
    let run = testing::published_run();
    let texts = [
        "",
        "grpc.p99",
        "grpc > 20ms",
        "soap.p99 > 20ms",
        "grpc.p98 > 20ms",
        "grpc.p99 > 20",
        "grpc.p99 > fast",
        "grpc.cpu > 20%",
        "grpc@30.p99 > 20ms",
        "grpc.bye.p99 > 20ms",
        "grpc.hello.cpu > 20us",
        "rest/soap.cpu > 1.2",
        "rest/grpc.p90 > 1.2",
        "rest/grpc.bye.p99 > 1.2",
        "rest/grpc.hello.cpu > 1.2",
        "rest/grpc.p50 > 1.2",
        "grpc.round-trip-p98 > 1ms",
        "grpc.round-trip-p99 > 1ms",
        "grpc.round-trip.p99 > 1ms",
        "grpc@25.p50 > 20ms",
        "grpc.failed > 1",
        "grpc.failed > 100%",
        "grpc.failed >= 101%",
        "rest/grpc.cpu > 20us",
    ];
    let errors = texts.map(|text| {
        let error = Gate::parse(text, &run.experiment).expect_err(text);
        error.to_string()
    });
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn what_the_experiment_cannot_answer_is_refused_before_it_runs() {
    let mut experiment = Experiment {
        repetitions: 2,
        ..Experiment::default()
    };
    let target = &mut experiment.targets[1];
    (target.chain, target.url) = (None, Some("http://127.0.0.1:9000".into()));
    let refused = |text: &str| {
        let error = Gate::parse(text, &experiment).expect_err(text);
        error.reason.to_string()
    };
    assert_eq!(
        refused("rest/grpc.rps < 0.9"),
        "a ratio needs 3 repetitions, and the experiment has 2; raise --repetitions"
    );
    for figure in ["cpu > 1ms", "memory > 1MiB", "bytes > 1KiB"] {
        let reason = refused(&format!("rest.{figure}"));
        assert!(reason.contains("rest names none"), "{reason}");
        assert!(Gate::parse(&format!("grpc.{figure}"), &experiment).is_ok());
    }
    assert!(refused("rest/grpc.cpu > 1.2").contains("rest names none"));
    let mut named = experiment.clone();
    named.targets[1].processes = [("web".to_owned(), vec![42])].into();
    assert!(Gate::parse("rest.cpu > 1ms", &named).is_ok());
    experiment.requests.truncate(1);
    assert!(Gate::parse("grpc.p50 > 1ms", &experiment).is_ok());
}

/// The published run, in which `share` of the requests of `rest` failed.
fn failing(share: f64) -> Run {
    let mut run = testing::published_run();
    for block in &mut run.blocks {
        if block.target == "rest" {
            let succeeded = block.latency.map_or(0, |latency| latency.count) as f64;
            block.failures.total = (succeeded * share / (1.0 - share)).round() as u64;
        }
    }
    run
}

#[test]
fn a_failure_is_slower_than_any_limit() {
    let run = failing(0.65);
    assert_eq!(
        trips("rest@25.p99 > 1s", &run),
        [
            "rest@25.p99 > 1s: 25 users, rest: 65% of the requests of rest failed, more than the \
             1.0% that p99 allows; a failure counts as slower than any limit"
        ]
    );
    let check = |share: f64, text: &str, expected: usize| {
        let trips = trips(text, &failing(share));
        assert_eq!(trips.len(), expected, "{text} {share}");
    };
    check(0.011, "rest@25.p99 > 1s", 1);
    check(0.009, "rest@25.p99 > 1s", 0);
    check(0.009, "rest@25.p999 > 1s", 1);
    check(0.009, "rest@25.mean > 1s", 1);
    check(0.009, "rest@25.max > 1s", 1);
    check(0.0, "rest@25.max > 1s", 0);
    // All of the failures may be of one of two routes alike.
    check(0.40, "rest@25.hello.p50 > 1s", 1);
    check(0.30, "rest@25.hello.p50 > 1s", 0);
    check(0.65, "rest/grpc@25.p99 > 9", 1);
    check(0.65, "grpc/rest@25.p99 > 9", 1);
    check(0.65, "grpc@25.p99 > 1s", 0);
    check(0.65, "rest/grpc@25.rps > 9", 0);
}

#[test]
fn a_ratio_without_some_repetitions_is_not_passed() {
    let mut run = testing::published_run();
    let dead = run.blocks.iter_mut();
    for block in dead.filter(|block| block.target == "rest" && block.repetition < 3) {
        (block.completed, block.requests_per_second) = (0, 0.0);
        block.latency = None;
    }
    assert_eq!(
        trips("rest/grpc@25.rps < 0.1", &run),
        [
            "rest/grpc@25.rps < 0.1: 25 users, rest/grpc cannot be judged: rest served nothing in \
             2 of 5 repetitions"
        ]
    );
    assert_eq!(
        trips("rest/grpc@25.cpu > 9", &run),
        [
            "rest/grpc@25.cpu > 9: 25 users, rest/grpc cannot be judged: 2 of 5 repetitions lack \
             the figure, because no request succeeded"
        ]
    );
    assert_eq!(trips("rest/grpc@25.memory > 9", &run).len(), 0);
}

#[test]
fn a_ratio_can_be_of_a_route() {
    let run = testing::published_run();
    assert_eq!(trips("rest/grpc@25.hello.p50 < 1.05", &run).len(), 1);
    assert_eq!(trips("rest/grpc@25.hello.p50 > 1.05", &run).len(), 0);
}

/// A run of one target, `grpc`, whose `hello` sends a stream and whose `numbers` streams
/// both ways.
fn conversations() -> Run {
    let mut run = testing::conversations_run();
    for request in &mut run.experiment.requests {
        (request.http, request.grpc) = (None, Some("a.B/C".to_owned()));
        request.messages = Some(10);
    }
    run.experiment.targets.truncate(1);
    run.blocks.retain(|block| block.target == "grpc");
    run
}

#[test]
fn round_trips_of_messages_are_known_by_route() {
    let run = conversations();
    // 0.8 ms at p50, three times that at p99.
    assert_eq!(
        trips("grpc@25.numbers.round-trip-p99 > 2ms", &run),
        ["grpc@25.numbers.round-trip-p99 > 2ms: 25 users, grpc has 2.40 ms"]
    );
    assert_eq!(
        trips("grpc@25.round-trip-p50 >= 0.7ms", &run),
        ["grpc@25.round-trip-p50 >= 0.7ms: 25 users, grpc has 0.80 ms in numbers"]
    );
    let check = |text: &str, expected: usize| {
        assert_eq!(trips(text, &run).len(), expected, "{text}");
    };
    check("grpc.numbers.round-trip-p99 > 3ms", 0);
    check("grpc.round-trip-max > 1us", 2);
    check("grpc@400.round-trip-mean < 1s", 1);
    // It could have some, and has none.
    assert_eq!(
        trips("grpc@25.hello.round-trip-p99 > 1s", &run),
        [
            "grpc@25.hello.round-trip-p99 > 1s: 25 users, grpc cannot be judged: no message of \
             it was answered within a call"
        ]
    );
}

#[test]
fn each_route_is_looked_at_for_round_trips() {
    let mut run = conversations();
    for block in &mut run.blocks {
        let mut slow = block.routes[1].clone();
        slow.route = "slow".to_owned();
        let messages = slow.messages.as_mut().expect("it converses");
        messages.round_trip = Some(testing::latency(20.0, 100));
        block.routes.push(slow);
    }
    let mut slow = run.experiment.requests[1].clone();
    slow.name = "slow".to_owned();
    run.experiment.requests.push(slow);
    assert_eq!(
        trips("grpc@25.round-trip-p50 > 2ms", &run),
        ["grpc@25.round-trip-p50 > 2ms: 25 users, grpc has 20.0 ms in slow"]
    );
    assert_eq!(trips("grpc@25.numbers.round-trip-p50 > 2ms", &run).len(), 0);
}

#[test]
fn round_trips_of_calls_that_have_none_are_refused() {
    let mut experiment = conversations().experiment;
    let refused = |text: &str, experiment: &Experiment| {
        let error = Gate::parse(text, experiment).expect_err(text);
        error.reason.to_string()
    };
    let gate = Gate::parse("grpc.round-trip-p99 > 5ms", &experiment).expect("it may");
    assert_eq!(gate.check_conversing("grpc", &["numbers"]), Ok(()));
    assert_eq!(gate.check_conversing("other", &[]), Ok(()));
    let error = gate.check_conversing("grpc", &[]).expect_err("none does");
    let expected = "round-trip-p99 is known of calls that stream both ways, message by message, \
                    and grpc makes none; give a gRPC call messages, and every other than 0s, or \
                    leave the gate out";
    assert_eq!(error.reason.to_string(), expected);
    let of_route = Gate::parse("grpc.hello.round-trip-p99 > 5ms", &experiment).expect("it may");
    let error = of_route.check_conversing("grpc", &["numbers"]);
    let error = error.expect_err("another does").to_string();
    assert!(error.contains("and hello of grpc makes none"), "{error}");

    // All of its messages are sent at once.
    experiment.requests[0].every = Some(std::time::Duration::ZERO);
    assert!(Gate::parse("grpc.round-trip-p99 > 5ms", &experiment).is_ok());
    let reason = refused("grpc.hello.round-trip-p99 > 5ms", &experiment);
    assert!(reason.contains("and hello of grpc makes none"), "{reason}");
    // Nothing is said of messages.
    experiment.requests[1].messages = None;
    assert_eq!(refused("grpc.round-trip-p99 > 5ms", &experiment), expected);
    assert_eq!(
        refused("grpc.round-trip-p99 > 5ms", &Experiment::default()),
        expected
    );
}

#[test]
fn rates_and_searches_are_loads() {
    let mut run = testing::open_loop_run();
    assert_eq!(trips("grpc@200/s.p99 > 1ms", &run).len(), 1);
    run.experiment.load.rates = vec![0.5, 200.0];
    let gate = Gate::parse("grpc@0.5/s.p99 > 1ms", &run.experiment).expect("well formed");
    assert_eq!(gate.to_string(), "grpc@0.5/s.p99 > 1ms");
    run.experiment.load.rates.clear();
    run.experiment.load.slo = Some("p99<50ms".into());
    assert!(Gate::parse("grpc@search.rps < 100", &run.experiment).is_ok());
}

/// Two targets, one a prefix of the other, and loads of all kinds.
fn experiment() -> Experiment {
    let mut experiment = Experiment::default();
    experiment.targets[1].name = "grpc-2".into();
    experiment.load.users = vec![4, 40, 400];
    experiment.load.rates = vec![0.5, 50.0];
    experiment
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in ".*") {
        let _ = Gate::parse(&text, &experiment());
    }

    #[test]
    fn no_near_miss_is_a_panic(text in "(grpc|grpc-2)[@/.]?[@/.a-z0-9]{0,12} ?[<>]=?[ 0-9.a-z%é]{0,6}") {
        if let Ok(gate) = Gate::parse(&text, &experiment()) {
            prop_assert_eq!(Gate::parse(&gate.to_string(), &experiment()), Ok(gate));
        }
    }

    #[test]
    fn every_gate_reads_back(
        target in "grpc|grpc-2",
        load in "|@4|@40|@400|@0\\.5/s|@50/s",
        route in "|\\.hello|\\.numbers",
        figure in "mean|p90|p95|p99|p999|max",
        operator in "[<>]=?",
        number in 0.0..1e9f64,
        unit in "us|ms|s",
        space in " {0,2}",
    ) {
        let text = format!("{target}{load}{route}.{figure}{space}{operator}{space}{number}{unit}");
        let gate = Gate::parse(&text, &experiment()).expect("well formed");
        prop_assert_eq!(Gate::parse(&gate.to_string(), &experiment()), Ok(gate));
    }

    #[test]
    fn every_ratio_reads_back(
        pair in "grpc/grpc-2|grpc-2/grpc",
        load in "|@400|@0\\.5/s",
        figure in "mean|hello\\.p50|p99|rps|cpu|bytes|memory",
        operator in "[<>]=?",
        number in 0.0..1e3f64,
    ) {
        let text = format!("{pair}{load}.{figure} {operator} {number}");
        let gate = Gate::parse(&text, &experiment()).expect("well formed");
        prop_assert_eq!(&gate.to_string(), &text);
    }
}
