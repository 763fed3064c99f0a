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
        ["grpc.p99 > 20s: 400 users, grpc has no figure: it was not measured"]
    );
    assert_eq!(
        trips("grpc@25.cpu > 20s", &run),
        ["grpc@25.cpu > 20s: 25 users, grpc has no figure: it is not known of the target"]
    );
    assert_eq!(
        trips("rest/grpc@25.rps > 9", &run),
        [
            "rest/grpc@25.rps > 9: 25 users, rest/grpc has no figure: 2 pair(s) of blocks; an \
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
        "rest/grpc.hello.p99 > 1.2",
        "rest/grpc.cpu > 20us",
    ];
    let errors = texts.map(|text| {
        let error = Gate::parse(text, &run.experiment).expect_err(text);
        error.to_string()
    });
    insta::assert_snapshot!(errors.join("\n"));
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
        figure in "mean|p50|p90|p95|p99|p999|max",
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
        figure in "mean|p50|p99|rps|cpu|bytes|memory",
        operator in "[<>]=?",
        number in 0.0..1e3f64,
    ) {
        let text = format!("{pair}{load}.{figure} {operator} {number}");
        let gate = Gate::parse(&text, &experiment()).expect("well formed");
        prop_assert_eq!(&gate.to_string(), &text);
    }
}
