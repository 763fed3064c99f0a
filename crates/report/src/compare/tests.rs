use results::{Run, State};

use super::*;
use crate::testing;

fn compared(base: &Run, other: &Run) -> Result<String, NotComparable> {
    let digests = [
        ("first", testing::digest(base)),
        ("second", testing::digest(other)),
    ];
    compare(&digests).map(|comparison| comparison.text(Language::English))
}

/// The published run, made again an hour later.
fn again() -> Run {
    let mut run = testing::published_run();
    run.sessions[0].started = "2026-01-31T13:00:00Z".into();
    run
}

/// That run with `factor` times the CPU.
fn slower(factor: f64) -> Run {
    let mut run = again();
    for (block, noise) in run
        .blocks
        .iter_mut()
        .zip([1.0, 1.01, 0.99].into_iter().cycle())
    {
        for cost in &mut block.costs {
            cost.cpu_seconds = cost.cpu_seconds.map(|cpu| cpu * factor * noise);
        }
    }
    run
}

#[test]
fn the_same_targets_of_two_runs_are_compared() {
    let (base, other) = (slower(1.0), slower(1.5));
    insta::assert_snapshot!(compared(&base, &other).expect("comparable"));
}

#[test]
fn portuguese_readers_are_served_too() {
    let (base, other) = (slower(1.0), slower(1.5));
    let digests = [
        ("a", testing::digest(&base)),
        ("b", testing::digest(&other)),
    ];
    let comparison = compare(&digests).expect("comparable");
    let text = comparison.text(Language::Portuguese);
    assert!(
        text.contains("grpc (B) usou 1,50x a CPU de grpc (A) por requisição"),
        "{text}"
    );
}

#[test]
fn every_reason_not_to_compare_is_listed_at_once() {
    let base = testing::published_run();
    let mut other = again();
    other.debug_build = true;
    other.machine.cpu_model = None;
    other.machine.cores = 4;
    other.machine.memory_bytes = Some(8 << 30);
    other.machine.kernel = Some("6.2".into());
    other.experiment.duration = std::time::Duration::from_secs(9);
    other.experiment.connections.streams_max = 10;
    other.experiment.generator.threads = 2;
    other.experiment.requests.truncate(1);
    other.experiment.load.users = vec![30];
    for block in &mut other.blocks {
        block.load = LoadPoint::Users(30);
    }
    let refused = compared(&base, &other).expect_err("hardly anything is the same");
    insta::assert_snapshot!(refused.to_string());
}

#[test]
fn what_may_matter_is_told_and_not_refused() {
    let base = testing::published_run();
    let check = |change: fn(&mut Run), words: &str| {
        let mut other = again();
        change(&mut other);
        let text = compared(&base, &other)
            .expect("comparable")
            .replace('\n', " ");
        assert!(text.contains(words), "{words}: {text}");
    };
    check(
        |run| run.machine.kernel = None,
        "kernel: unknown; in the first run: 6.1",
    );
    check(|run| run.state = State::Interrupted, "state: Interrupted");
    check(|run| run.pspd_commit = None, "0.1.0 (commit unknown)");
    check(
        |run| run.machine.memory_bytes = Some((4 << 30) + (100 << 20)),
        "not interleaved",
    );
}

#[test]
fn targets_of_other_names_are_compared_where_each_run_has_one() {
    let only = |name: &str| {
        let mut run = testing::published_run();
        run.blocks.retain(|block| block.target == name);
        run
    };
    let (grpc, rest) = (only("grpc"), only("rest"));
    let text = compared(&grpc, &rest).expect("one target each");
    assert!(
        text.contains("rest (B) served 1.10x the requests a second of grpc (A)"),
        "{text}"
    );
    let both = testing::published_run();
    let mut rest = rest;
    rest.sessions[0].started = "2026-01-31T13:00:00Z".into();
    let text = compared(&both, &rest).expect("one of two is in both");
    assert!(!text.contains("grpc (A)"), "{text}");
}

#[test]
fn nothing_is_compared_with_nothing() {
    let run = testing::published_run();
    let digests = [("first", testing::digest(&run))];
    assert!(compare(&digests).is_err());
    assert!(compare(&[]).is_err());
    let mut empty = testing::published_run();
    empty.blocks.clear();
    let refused = compared(&run, &empty).expect_err("it has no blocks");
    assert!(refused.to_string().contains("0 blocks"), "{refused}");
}

#[test]
fn too_few_blocks_have_no_interval() {
    let run = testing::published_run();
    let mut few = again();
    few.blocks.retain(|block| block.repetition < 3);
    let text = compared(&run, &few)
        .expect("comparable")
        .replace("\n  ", " ");
    assert!(
        text.contains("2 blocks of a run, and an interval needs 3"),
        "{text}"
    );
}

#[test]
fn a_run_is_not_compared_with_itself() {
    let run = testing::published_run();
    let refused = compared(&run, &run).expect_err("the same run");
    let text = refused.to_string();
    assert!(
        text.contains("second: what was measured: the same run"),
        "{text}"
    );
    assert!(
        text.contains("of one with itself every ratio is 1"),
        "{text}"
    );
    let mut earlier = run.clone();
    earlier.blocks.truncate(10);
    assert!(compared(&earlier, &run).is_err(), "before it was resumed");
    assert!(compared(&run, &again()).is_ok());
}

#[test]
fn the_warnings_of_both_runs_are_told() {
    let mut marked = again();
    marked.blocks[0].marks.push(results::Mark {
        kind: results::MarkKind::Steal,
        value: 0.1,
        limit: 0.02,
    });
    let quiet = testing::published_run();
    let text = compared(&quiet, &marked).expect("comparable");
    assert!(
        text.contains("Warnings of B\n\n- steal: 25 users, grpc"),
        "{text}"
    );
    assert!(!text.contains("Warnings of A"), "{text}");
    let text = compared(&marked, &quiet).expect("comparable");
    assert!(text.contains("Warnings of A"), "{text}");
}

#[test]
fn programs_read_the_comparison_as_json() {
    let (base, mut other) = (slower(1.0), slower(1.5));
    other.blocks[0].marks.push(results::Mark {
        kind: results::MarkKind::Steal,
        value: 0.1,
        limit: 0.02,
    });
    let digests = [
        ("a", testing::digest(&base)),
        ("b", testing::digest(&other)),
    ];
    let json = compare(&digests).expect("comparable").json();
    let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(read["runs"][1]["name"], "b");
    assert_eq!(
        read["runs"][1]["warnings"].as_array().map(Vec::len),
        Some(1)
    );
    let contrasts = read["contrasts"].as_array().expect("a list");
    let cpu = contrasts.iter().find(|of| of["metric"] == "cpu");
    let cpu = cpu.expect("CPU is compared");
    assert_eq!(cpu["outcome"], "stands");
    assert_eq!((&cpu["run"], &cpu["blocks"]), (&1.into(), &10.into()));
    assert_eq!(cpu["other_marks"], serde_json::json!(["steal"]));
    let estimate = cpu["ratio"]["estimate"].as_f64().expect("a ratio");
    assert!((estimate - 1.5).abs() < 0.01, "{estimate}");
    assert!(
        cpu["verdict"]
            .as_str()
            .is_some_and(|text| text.contains("1.50x the CPU"))
    );
}

#[test]
fn what_served_nothing_is_not_left_out_of_a_comparison() {
    let (base, mut other) = (testing::published_run(), again());
    let blocks = other
        .blocks
        .iter_mut()
        .filter(|block| block.target == "grpc");
    for block in blocks.take(2) {
        (block.completed, block.requests_per_second) = (0, 0.0);
        block.latency = None;
    }
    let text = compared(&base, &other)
        .expect("comparable")
        .replace("\n  ", " ");
    assert!(
        text.contains("grpc (B) served nothing in 1 of 10 repetitions"),
        "{text}"
    );
    assert!(
        text.contains("1 of 10 repetitions lacks the figure"),
        "{text}"
    );
}
