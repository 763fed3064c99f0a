//! `pspd lab` from the command line: the experiment on the system it starts,
//! interrupted, with a role that dies, beside a system that runs already.

mod own;
mod report;
mod resume;

use std::{
    fs,
    path::{Path, PathBuf},
};

use contract::Role;
use serde_json::Value;
use testkit::{Process, Program, exists, signal, until};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
/// Short enough for a test; figures of such a run say nothing.
const SHORT: [&str; 5] = ["lab", "--duration", "300ms", "--warm-up", "100ms"];

#[test]
fn both_chains_are_measured_in_each_repetition_and_everything_is_kept() {
    let out = tempfile::tempdir().expect("a folder");
    let ended = lab(out.path(), &["--users", "3,6", "--repetitions", "3"]).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);

    let run = run_json(out.path());
    let blocks = run["blocks"].as_array().expect("blocks");
    assert_eq!(blocks.len(), 12);
    for pair in blocks.chunks(2) {
        let [one, other] = pair else {
            unreachable!("an even number")
        };
        assert_eq!(one["load"], other["load"]);
        assert_eq!(one["repetition"], other["repetition"]);
        assert_ne!(one["target"], other["target"]);
    }
    for block in blocks {
        assert_eq!(block["failures"]["total"], 0, "{block}");
        assert!(block["completed"].as_u64() > Some(0), "{block}");
        if cfg!(target_os = "linux") {
            let costs = block["costs"].as_array().expect("costs");
            assert_eq!(costs.len(), 4, "three roles and the generator: {block}");
            for cost in costs {
                assert!(cost["cpu_seconds"].as_f64() > Some(0.0), "{cost}");
                assert_eq!(cost["bytes"]["complete"], true, "{cost}");
            }
        }
    }
    assert_eq!(run["state"], "complete");
    let folder = folder(out.path());
    for file in [
        "blocks.csv",
        "cells.csv",
        "contrasts.csv",
        "report.md",
        "report.html",
    ] {
        let text = fs::read_to_string(folder.join(file)).expect("a table");
        assert!(text.lines().count() > 4, "{file}:\n{text}");
    }
    for part in ["Verdicts", "grpc", "rest", "Results: "] {
        assert!(ended.out.contains(part), "{part}: {}", ended.out);
    }
}

#[test]
fn a_running_system_is_measured_beside() {
    let a = Process::start(PSPD, Role::ARest, &[]);
    let b = Process::start(PSPD, Role::BRest, &[]);
    let (a_rest, b_rest) = (
        format!("http://{}", a.address()),
        format!("http://{}", b.address()),
    );
    let services = ["--a-rest", a_rest.as_str(), "--b-rest", b_rest.as_str()];
    let gateway = Process::start(PSPD, Role::GatewayRest, &services);
    let against = format!(
        "mine=http://{},gateway:{},a:{},b:{}",
        gateway.address(),
        gateway.pid(),
        a.pid(),
        b.pid()
    );
    let out = tempfile::tempdir().expect("a folder");
    let options = [
        "--users",
        "2",
        "--chains",
        "grpc",
        "--repetitions",
        "1",
        "--against",
        &against,
    ];
    let ended = lab(out.path(), &options).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    let run = run_json(out.path());
    let mut targets: Vec<_> = run["blocks"]
        .as_array()
        .expect("blocks")
        .iter()
        .map(|block| block["target"].as_str().expect("a name"))
        .collect();
    targets.sort_unstable();
    assert_eq!(targets, ["grpc", "mine"]);
}

#[test]
fn a_condition_that_holds_ends_with_exit_code_2_and_the_reason() {
    let out = tempfile::tempdir().expect("a folder");
    let options = |condition: &'static str| {
        [
            "--users",
            "2",
            "--chains",
            "rest",
            "--repetitions",
            "1",
            "--fail-if",
            condition,
        ]
    };
    let ended = lab(out.path(), &options("rest.p99 > 1us")).finish();
    assert_eq!(ended.code(), Some(2), "{}", ended.err);
    assert!(
        ended.err.contains("failed: ") && ended.err.contains("rest.p99"),
        "{}",
        ended.err
    );
    let ended = lab(out.path(), &options("rest.p99 > 1h")).finish();
    assert_eq!(
        ended.code(),
        Some(64),
        "an hour is no unit here: {}",
        ended.err
    );
    let ended = lab(out.path(), &options("rest.p99 > 60s")).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let out = tempfile::tempdir().expect("a folder");
    let options = [
        "lab",
        "--full",
        "--dry-run",
        "--seed",
        "5",
        "--out",
        text(out.path()),
    ];
    let ended = Program::start(PSPD, &options).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    for part in ["3200 users", "blocks        80", "44m", "seed          5"] {
        assert!(ended.out.contains(part), "{part}: {}", ended.out);
    }
    assert_eq!(folder_if_any(out.path()), None, "nothing was written");
}

#[test]
fn every_experiment_that_ships_is_valid() {
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let mut seen = 0;
    for entry in fs::read_dir(experiments).expect("the folder is there") {
        let path = entry.expect("readable").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let ended = Program::start(PSPD, &["lab", text(&path), "--dry-run"]).finish();
            assert_eq!(ended.code(), Some(0), "{}: {}", path.display(), ended.err);
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen} experiments");
}

#[test]
fn the_published_experiment_is_the_same_as_a_file_and_as_a_flag() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/published.toml");
    let preview = |argument: &str| {
        let ended = Program::start(PSPD, &["lab", argument, "--dry-run", "--seed", "1"]).finish();
        assert_eq!(ended.code(), Some(0), "{}", ended.err);
        let out = ended.out;
        let from = out.find("\ntargets ").expect("a table").to_owned();
        let to = out.find("\nAs a file").expect("the file");
        out[from..to].to_owned()
    };
    assert_eq!(preview(text(&file)), preview("--full"));
}

#[test]
fn the_calibration_compares_what_is_known_with_what_is_measured() {
    let calibrate = ["lab", "calibrate", "--duration", "300ms"];
    let ended = Program::start(PSPD, &calibrate).working().finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    for trial in [
        "closed, 1 user, 10ms",
        "open, 200/s poisson, 2ms",
        "stall of 1 s",
    ] {
        assert!(ended.out.contains(trial), "{trial}: {}", ended.out);
    }
}

#[cfg(unix)]
#[test]
fn an_interruption_keeps_the_finished_blocks_and_stops_the_roles() {
    let out = tempfile::tempdir().expect("a folder");
    let lab = lab(out.path(), &["--users", "1,2,3,4,5,6,7,8"]);
    until("the first block is written", || {
        let file = folder_if_any(out.path())?.join("run.json");
        let run: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
        (!run["blocks"].as_array()?.is_empty()).then_some(())
    });
    let roles = children_of(lab.pid());
    assert_eq!(roles.len(), 6, "the roles: {roles:?}");
    lab.signal("INT");
    let ended = lab.finish();
    assert_eq!(ended.code(), Some(130), "{}", ended.err);
    let run = run_json(out.path());
    assert_eq!(run["state"], "interrupted");
    assert!(!run["blocks"].as_array().expect("rows").is_empty());
    for role in roles {
        assert!(!exists(role), "process {role} is left");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_role_that_dies_ends_the_run_and_is_named() {
    let out = tempfile::tempdir().expect("a folder");
    let lab = lab(out.path(), &["--users", "1,2,3,4,5,6,7,8"]);
    let b = until("role b runs", || {
        children_of(lab.pid()).into_iter().find(|pid| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words: Vec<_> = command.split(|byte| *byte == 0).collect();
            words.get(2) == Some(&&b"b"[..])
        })
    });
    until("the load has begun", || folder_if_any(out.path()));
    signal(b, "KILL");
    let ended = lab.finish();
    assert_eq!(ended.code(), Some(1), "{}", ended.err);
    assert!(ended.err.contains("role b"), "{}", ended.err);
}

#[test]
fn wrong_options_are_all_reported_and_nothing_is_started() {
    let out = tempfile::tempdir().expect("a folder");
    let options = ["--users", "0,x", "--duration", "5", "--chains", "soap"];
    let arguments = [&["lab", "--out"], &[text(out.path())][..], &options].concat();
    let ended = Program::start(PSPD, &arguments).finish();
    assert_eq!(ended.code(), Some(64), "{}", ended.err);
    for named in ["--users", "--duration", "--chains"] {
        assert!(ended.err.contains(named), "{named}: {}", ended.err);
    }
    assert_eq!(folder_if_any(out.path()), None, "nothing was written");
}

fn lab(out: &Path, options: &[&str]) -> Program {
    let arguments = [&SHORT[..], &["--out", text(out)], options].concat();
    Program::start(PSPD, &arguments).working()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// The folder of the only run below `out`.
fn folder(out: &Path) -> PathBuf {
    folder_if_any(out).expect("a run left a folder")
}

fn folder_if_any(out: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(out).expect("the folder is there");
    Some(entries.next()?.expect("readable").path())
}

fn run_json(out: &Path) -> Value {
    let text = fs::read_to_string(folder(out).join("run.json")).expect("run.json is there");
    serde_json::from_str(&text).expect("JSON")
}

#[cfg(unix)]
fn children_of(pid: u32) -> Vec<u32> {
    let listed = std::process::Command::new("ps")
        .args(["-o", "pid=", "--ppid", &pid.to_string()])
        .output()
        .expect("ps runs");
    String::from_utf8_lossy(&listed.stdout)
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}
