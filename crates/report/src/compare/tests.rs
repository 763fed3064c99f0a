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

/// The published run with `factor` times the CPU.
fn slower(factor: f64) -> Run {
    let mut run = testing::published_run();
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
    let mut other = testing::published_run();
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
        let mut other = testing::published_run();
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
    let mut few = testing::published_run();
    few.blocks.retain(|block| block.repetition < 3);
    let text = compared(&run, &few)
        .expect("comparable")
        .replace("\n  ", " ");
    assert!(
        text.contains("2 blocks with the figure, and an interval needs 3"),
        "{text}"
    );
}
