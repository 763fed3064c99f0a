use std::collections::BTreeSet;

use accounts::Machine;
use proptest::prelude::*;

use super::*;
use crate::{Experiment, Failures, LoadPoint, Session};

fn run() -> Run {
    Run {
        schema_version: SCHEMA_VERSION,
        state: State::Running,
        pspd_version: "0.1.0".into(),
        pspd_commit: None,
        debug_build: true,
        machine: Machine::this(),
        experiment: Experiment {
            seed: Some(7),
            ..Experiment::default()
        },
        blocks_planned: 2,
        role_arguments: BTreeMap::new(),
        sessions: vec![Session {
            started: "2026-01-31T12:00:00Z".into(),
            pspd_version: "0.1.0".into(),
            pspd_commit: None,
            kernel: None,
        }],
        blocks: Vec::new(),
    }
}

fn block(number: u32) -> Block {
    Block {
        number,
        repetition: 1,
        session: 0,
        target: "grpc".into(),
        load: LoadPoint::Users(25),
        window_start: "2026-01-31T12:00:01Z".into(),
        window_seconds: 2.0,
        completed: 10,
        requests_per_second: 5.0,
        iterations: 5,
        iterations_failed: 0,
        iterations_per_second: 2.5,
        iteration_mean_ms: Some(50.0),
        offered_per_second: None,
        not_begun: 0,
        latency: None,
        latency_uncorrected: None,
        routes: Vec::new(),
        failures: Failures::default(),
        users_stalled: 0,
        users_unserved: 0,
        littles_law_users: None,
        accounted_seconds: 2.0,
        costs: Vec::new(),
        machine: None,
        connections_unseen: None,
        generator: Vec::new(),
        connections_opened: 0,
        generator_bytes_sent: 0,
        generator_bytes_received: 0,
        probes: Vec::new(),
        marks: Vec::new(),
    }
}

fn histogram(values: &[u64]) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("valid");
    for value in values {
        histogram.record(*value).expect("resizes itself");
    }
    histogram
}

fn histograms(first: &[u64], second: &[u64]) -> Histograms {
    Histograms {
        tags: BTreeMap::from([
            ("hello".into(), vec![histogram(first), histogram(second)]),
            ("hello.uncorrected".into(), vec![histogram(second)]),
        ]),
        interval: Duration::from_secs(1),
    }
}

fn create() -> (tempfile::TempDir, Folder) {
    let out = tempfile::tempdir().expect("a temporary folder");
    let folder = Folder::create(out.path(), run()).expect("it can be written");
    (out, folder)
}

fn add(folder: &mut Folder, number: u32) {
    let raw = histograms(&[1_000_000], &[2_000_000, 3_000_000]);
    folder
        .add(block(number), &raw, SystemTime::now(), &[])
        .expect("it can be written");
}

/// All files below the folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let inner = ["", "histograms", "timelines"];
    let entries = inner.iter().flat_map(|inner| {
        let entries = fs::read_dir(folder.join(inner)).expect("the folder is there");
        entries.map(move |entry| {
            let name = entry.expect("readable").file_name();
            Path::new(inner).join(name).display().to_string()
        })
    });
    entries.collect()
}

#[test]
fn a_block_counts_once_it_is_written_and_can_be_read_again() {
    let (_out, mut folder) = create();
    add(&mut folder, 1);
    let read = Folder::read(folder.path()).expect("it was just written");
    assert_eq!(read.run(), folder.run());
    assert_eq!(
        files(folder.path()),
        [
            "histograms",
            "histograms/0001-grpc.hlog",
            "run.json",
            "run.lock",
            "timelines",
            "timelines/0001-grpc.csv"
        ]
        .map(str::to_owned)
        .into()
    );
}

#[test]
fn raw_times_come_back_interval_by_interval() {
    let (_out, mut folder) = create();
    add(&mut folder, 1);
    let read = folder.histograms(&block(1)).expect("they were written");
    let counts: Vec<_> = read.tags["hello"].iter().map(Histogram::len).collect();
    assert_eq!(counts, [1, 2]);
    assert_eq!(read.interval, Duration::from_secs(1));
    let merged = read.merged("hello").expect("there");
    assert_eq!(merged.len(), 3);
    assert!(merged.equivalent(merged.max(), 3_000_000));
    assert!(read.merged("nobody").is_none());
}

#[test]
fn two_programs_do_not_write_into_one_folder() {
    let (_out, folder) = create();
    let error = Folder::resume(folder.path()).expect_err("this test has it open");
    assert!(matches!(error, FolderError::Locked { .. }), "{error}");
    let path = folder.path().to_owned();
    drop(folder);
    Folder::resume(&path).expect("nobody has it open");
}

#[test]
fn a_resumed_run_goes_on_where_it_was() {
    let (_out, mut folder) = create();
    add(&mut folder, 1);
    let path = folder.path().to_owned();
    drop(folder);
    let mut folder = Folder::resume(&path).expect("nobody has it open");
    add(&mut folder, 2);
    folder.close(State::Complete).expect("it can be written");
    let read = Folder::read(&path).expect("it was written");
    let numbers: Vec<_> = read.run().blocks.iter().map(|block| block.number).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(read.run().state, State::Complete);
}

#[test]
fn runs_of_the_same_second_get_numbers() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let names: Vec<_> = (0..3)
        .map(|_| {
            let folder = Folder::create(out.path(), run()).expect("it can be written");
            let name = folder.path().file_name().expect("a name");
            name.to_string_lossy().into_owned()
        })
        .collect();
    let expected = ["", "-2", "-3"].map(|number| format!("2026-01-31T12-00-00Z{number}"));
    assert_eq!(names, expected);
}

#[test]
fn what_is_no_run_is_refused_with_the_reason() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let check = |content: &str, expected: &str| {
        fs::write(out.path().join("run.json"), content).expect("a file");
        let error = Folder::read(out.path()).expect_err("not a run").to_string();
        assert!(error.contains(expected), "{error}");
        let left = fs::read_dir(out.path()).expect("there").count();
        Folder::resume(out.path()).expect_err("not a run");
        assert_eq!(left, fs::read_dir(out.path()).expect("there").count());
    };
    check("{}", "no schema_version");
    check("{", "EOF");
    check(
        r#"{"schema_version": 1}"#,
        "version 1, this program knows version 2",
    );
    check(r#"{"schema_version": 2}"#, "missing field");
    let missing = Folder::read(&out.path().join("none")).expect_err("nothing there");
    assert!(missing.is_usage());
}

#[test]
fn a_failed_write_leaves_the_file_and_nothing_beside_it() {
    let (_out, folder) = create();
    folder.write("table.md", b"old").expect("it can be written");
    // A folder in the way of the temporary file.
    let beside = format!("table.md.{}.new", std::process::id());
    fs::create_dir(folder.path().join(beside)).expect("there");
    let error = folder.write("table.md", b"new").expect_err("in the way");
    assert!(!error.is_usage());
    let text = fs::read_to_string(folder.path().join("table.md")).expect("there");
    assert_eq!(text, "old");
}

#[test]
fn an_out_that_is_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let error = Folder::create(file.path(), run()).expect_err("a file is no folder");
    assert!(matches!(error, FolderError::IsFile { .. }), "{error}");
    assert!(error.is_usage());
}

proptest! {
    #[test]
    fn whatever_is_in_a_histogram_file_reading_it_is_no_panic(log in ".{0,200}") {
        let _ = read_interval_log(log.as_bytes());
    }

    /// Merging intervals loses nothing: it is as if all had been recorded in one.
    #[test]
    fn the_intervals_of_a_tag_merge_without_loss(
        first in prop::collection::vec(1u64..10_000_000_000, 0..50),
        second in prop::collection::vec(1u64..10_000_000_000, 0..50),
    ) {
        let merged = histograms(&first, &second).merged("hello").expect("there");
        let all: Vec<_> = first.iter().chain(&second).copied().collect();
        prop_assert!(merged == histogram(&all));
    }
}
