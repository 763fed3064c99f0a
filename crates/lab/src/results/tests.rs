use std::{collections::BTreeSet, time::Instant};

use hdrhistogram::serialization::{
    Deserializer,
    interval_log::{IntervalLogIterator, LogEntry},
};

use super::*;
use crate::{
    Arguments,
    load::counts::{Counts, Finished, Window},
    report::tests::row,
    summary::Route,
};

fn new_results(out: &Path) -> Results {
    let plan = Plan::new(&Arguments {
        out: Some(out.to_owned()),
        ..Arguments::default()
    })
    .expect("the defaults are valid");
    let setting = Setting {
        executable: PathBuf::new(),
        version: "0.1.0".into(),
        commit: None,
    };
    Results::create(&plan, &setting).expect("a temporary folder can be written")
}

/// One request of 7 ms on the second of two routes.
fn sample() -> Sample {
    let start = Instant::now();
    let window = Window {
        start,
        end: start + Duration::from_secs(1),
    };
    let mut counts = Counts::new(2);
    counts.record(
        &window,
        Finished {
            route: 1,
            started: start,
            ended: start + Duration::from_millis(7),
            failure: None,
        },
    );
    Sample {
        window,
        counts,
        threads: Vec::new(),
    }
}

fn row_with_routes() -> Row {
    let route = |route: &str| Route {
        route: route.into(),
        requests: 0,
        latency_ms: None,
    };
    Row {
        routes: vec![route("hello"), route("numbers")],
        ..row(25, "grpc")
    }
}

fn read_run(folder: &Path) -> Run {
    let text = fs::read_to_string(folder.join("run.json")).expect("run.json is there");
    serde_json::from_str(&text).expect("and is what was written")
}

/// The files below `folder`, histograms included.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for inner in ["", "histograms"] {
        for entry in fs::read_dir(folder.join(inner)).expect("the folder is there") {
            let name = entry.expect("readable").file_name();
            names.insert(Path::new(inner).join(name).display().to_string());
        }
    }
    names
}

#[test]
fn every_block_is_on_disk_as_soon_as_it_is_added() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut results = new_results(out.path());
    let folder = results.folder().to_owned();
    assert_eq!(read_run(&folder).state, State::Running);
    results
        .add(row_with_routes(), &sample(), SystemTime::UNIX_EPOCH)
        .expect("can be written");
    let run = read_run(&folder);
    assert_eq!(&run, results.run());
    assert_eq!(run.rows.len(), 1);
    let expected = [
        "histograms",
        "histograms/00025-grpc.hlog",
        "logs",
        "run.json",
        "table.csv",
        "table.md",
    ];
    assert_eq!(
        files(&folder),
        expected.map(String::from).into(),
        "and nothing temporary"
    );
    results.close(State::Complete).expect("can be written");
    assert_eq!(read_run(&folder).state, State::Complete);
}

#[test]
fn the_raw_histograms_read_back() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut results = new_results(out.path());
    results
        .add(row_with_routes(), &sample(), SystemTime::UNIX_EPOCH)
        .expect("can be written");
    let log = fs::read(results.folder().join("histograms/00025-grpc.hlog")).expect("is there");
    let mut found = Vec::new();
    for entry in IntervalLogIterator::new(&log) {
        let LogEntry::Interval(interval) = entry.expect("a valid log") else {
            continue;
        };
        let histogram = decode(interval.encoded_histogram());
        let tag = interval.tag().map(|tag| tag.as_str().to_owned());
        found.push((tag, histogram.len(), histogram.max()));
    }
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], (Some("hello".into()), 0, 0));
    let (tag, count, max) = &found[1];
    assert_eq!((tag.as_deref(), *count), (Some("numbers"), 1));
    assert!(
        max.abs_diff(7_000_000) <= 7_000,
        "three digits of 7 ms: {max}"
    );
}

fn decode(base64: &str) -> hdrhistogram::Histogram<u64> {
    let bytes = base64_decode(base64);
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .expect("a valid histogram")
}

/// Enough of base64 for a test; the library keeps its own to itself.
fn base64_decode(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0u32, 0u32);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        let value = ALPHABET.iter().position(|known| *known == digit);
        bits = (bits << 6) | value.expect("a base64 digit") as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    bytes
}

#[test]
fn runs_of_the_same_second_do_not_share_a_folder() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let folders: BTreeSet<_> = (0..4)
        .map(|_| new_results(out.path()).folder().to_owned())
        .collect();
    assert_eq!(folders.len(), 4);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let error = make_folder(&file.path().join("out"), "run").expect_err("its parent is a file");
    assert!(error.to_string().contains("--out"), "{error}");
}

#[test]
fn an_out_that_is_a_file_is_wrong_usage_and_left_alone() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let error = make_folder(file.path(), "run").expect_err("it is a file");
    assert!(matches!(error, Error::OutIsFile { .. }), "{error}");
    assert!(error.is_usage());
    assert!(error.to_string().contains("--out"), "{error}");
    assert!(file.path().is_file());
}

#[test]
fn a_file_that_cannot_be_replaced_leaves_nothing_beside_it() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let path = out.path().join("run.json");
    fs::create_dir(&path).expect("a folder where the file should be");
    replace(&path, b"{}").expect_err("a file cannot take the place of a folder");
    let left: Vec<_> = fs::read_dir(out.path())
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    assert_eq!(left, ["run.json"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let path = out.path().join("run.json");
    let beside = out.path().join("run.json.new");
    std::os::unix::fs::symlink("/dev/full", &beside).expect("a link");
    replace(&path, b"{}").expect_err("no space is left there");
    assert!(!beside.is_symlink(), "it is removed");
    assert!(!path.exists());
}

#[test]
fn the_arguments_of_the_roles_are_recorded() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let run = read_run(new_results(out.path()).folder());
    let gateway = run.configuration.role_arguments["gateway-rest"].join(" ");
    assert!(gateway.contains("--access-log json"), "{gateway}");
}
