//! `pspd lab` from the command line: the experiment on the system it starts,
//! interrupted, with a role that dies, beside a system that runs already.

use std::{fs, path::Path};

use contract::Role;
use serde_json::Value;
use testkit::{Process, Program, exists, signal, until};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
const SHORT: [&str; 6] = ["lab", "--duration", "500ms", "--warm-up", "200ms", "--out"];

#[test]
fn both_chains_are_measured_in_turn_and_everything_is_kept() {
    let out = tempfile::tempdir().expect("a folder");
    let ended = lab(out.path(), &["--users", "3,6"]).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);

    let run = run_json(out.path());
    let rows = run["rows"].as_array().expect("rows");
    let order: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {}", row["users"], row["chain"]))
        .collect();
    assert_eq!(
        order,
        ["3 \"grpc\"", "3 \"rest\"", "6 \"rest\"", "6 \"grpc\""]
    );
    for row in rows {
        assert_eq!(row["failures"]["total"], 0, "{row}");
        assert!(row["requests"].as_u64() > Some(0), "{row}");
        if cfg!(target_os = "linux") {
            let costs = row["costs"].as_array().expect("costs");
            assert_eq!(costs.len(), 4, "three roles and the generator: {row}");
        }
        let histogram = format!(
            "histograms/{:0>5}-{}.hlog",
            row["users"].as_u64().expect("a count"),
            row["chain"].as_str().expect("a name")
        );
        assert!(folder(out.path()).join(&histogram).exists(), "{histogram}");
    }
    assert_eq!(run["state"], "complete");
    for file in ["table.csv", "table.md"] {
        let table = fs::read_to_string(folder(out.path()).join(file)).expect("a table");
        assert!(table.lines().count() > 4, "{file}:\n{table}");
    }
    assert!(ended.out.contains("Results: "), "{}", ended.out);
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
    let options = ["--users", "2", "--chains", "grpc", "--against", &against];
    let ended = lab(out.path(), &options).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    let run = run_json(out.path());
    let chains: Vec<_> = run["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["chain"].as_str().expect("a name"))
        .collect();
    assert_eq!(chains, ["grpc", "mine"]);
}

#[cfg(unix)]
#[test]
fn an_interruption_keeps_the_finished_blocks_and_stops_the_roles() {
    let out = tempfile::tempdir().expect("a folder");
    let lab = lab(out.path(), &["--users", "1,2,3,4,5,6,7,8"]);
    until("the first block is written", || {
        let file = folder_if_any(out.path())?.join("run.json");
        let run: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
        (!run["rows"].as_array()?.is_empty()).then_some(())
    });
    let roles = children_of(lab.pid());
    assert_eq!(roles.len(), 6, "the roles: {roles:?}");
    lab.signal("INT");
    let ended = lab.finish();
    assert_eq!(ended.code(), Some(130), "{}", ended.err);
    let run = run_json(out.path());
    assert_eq!(run["state"], "interrupted");
    assert!(!run["rows"].as_array().expect("rows").is_empty());
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
    let arguments = [&SHORT[..], &[text(out)], options].concat();
    Program::start(PSPD, &arguments)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// The folder of the only run below `out`.
fn folder(out: &Path) -> std::path::PathBuf {
    folder_if_any(out).expect("a run left a folder")
}

fn folder_if_any(out: &Path) -> Option<std::path::PathBuf> {
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
