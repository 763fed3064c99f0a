//! Whole runs against a fake gateway of this process; where roles are needed,
//! a script plays them and names the fake gateway as its address.

mod fake;

use std::{
    fs,
    path::{Path, PathBuf},
};

use fake::{gateway, new, setting};
use lab::{End, Error, File, Goal, Options, Plan};
use tokio::net::TcpListener;

/// Short blocks of a running system alone.
fn against(against: String) -> Options {
    Options {
        users: Some("1,3".into()),
        duration: Some("100ms".into()),
        warm_up: Some("10ms".into()),
        chains: Some("none".into()),
        repetitions: Some("3".into()),
        against: vec![against],
        ..Options::default()
    }
}

fn of_text(text: &str) -> File<'_> {
    File {
        path: Path::new("experiment.toml"),
        text,
    }
}

/// The folders of runs below `out`.
fn runs(out: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(out).expect("the folder is there");
    entries
        .map(|entry| entry.expect("readable").path())
        .collect()
}

fn run_json(folder: &Path) -> serde_json::Value {
    let text = fs::read_to_string(folder.join("run.json")).expect("run.json is there");
    serde_json::from_str(&text).expect("it is JSON")
}

#[tokio::test]
async fn a_complete_run_leaves_its_report_and_its_folder() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let own = match cfg!(target_os = "linux") {
        true => format!(",gateway:{}", std::process::id()),
        false => String::new(),
    };
    let options = against(format!("fake=http://{}{own}", gateway().await));
    let outcome = lab::run(new(&options, out.path()), &setting("unused"))
        .await
        .expect("the target answers");
    assert!(matches!(outcome.end, End::Complete));
    assert_eq!((outcome.blocks, outcome.killed.len()), (6, 0));
    assert!(
        outcome.report.text.contains("fake"),
        "{}",
        outcome.report.text
    );

    let run = run_json(&outcome.folder);
    assert_eq!(run["state"], "complete");
    assert_eq!(run["pspd_commit"], "abc");
    let blocks = run["blocks"].as_array().expect("blocks");
    assert_eq!(blocks.len(), 6);
    for (block, users) in blocks.iter().zip([1, 3].repeat(3)) {
        assert_eq!(block["load"]["users"], users);
        assert_eq!(block["failures"]["total"], 0);
        assert!(block["completed"].as_u64() > Some(0));
        assert!(block["latency"]["p50_ms"].as_f64() >= Some(2.0));
        assert_eq!(block["routes"].as_array().map(Vec::len), Some(2));
        if cfg!(target_os = "linux") {
            assert!(block["costs"][0]["peak_bytes"].as_u64() > Some(0));
            assert!(block["costs"][0]["cpu_seconds"].is_number());
        }
    }
    for name in [
        "experiment.toml",
        "summary.json",
        "blocks.csv",
        "cells.csv",
        "report.md",
        "report.html",
        "histograms/0001-fake.hlog",
        "timelines/0006-fake.csv",
        "charts/latency-mean.svg",
        "charts/latency-mean.png",
        "k6/fake-3-users.json",
    ] {
        assert!(outcome.folder.join(name).exists(), "{name}");
    }
    let file = fs::read_to_string(outcome.folder.join("experiment.toml")).expect("text");
    let again = Plan::new(Some(of_text(&file)), &Options::default()).expect("can be run again");
    assert!(again.preview().contains("fake"));
}

#[tokio::test]
async fn an_open_loop_and_a_search_leave_their_rates() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let base = against(format!("fake=http://{}", gateway().await));
    let open = Options {
        users: None,
        rate: Some("50".into()),
        repetitions: Some("1".into()),
        ..base.clone()
    };
    let outcome = lab::run(new(&open, out.path()), &setting("unused"))
        .await
        .expect("the target answers");
    let run = run_json(&outcome.folder);
    assert_eq!(run["blocks"][0]["offered_per_second"], 50.0);
    assert!(run["blocks"][0]["latency_uncorrected"].is_object());

    let search = Options {
        users: None,
        slo: Some("p99<500ms".into()),
        repetitions: Some("1".into()),
        ..base
    };
    let file = "[load]\nrate-start = 50.0\nrate-max = 100.0";
    let goal = Goal::New {
        plan: Box::new(Plan::new(Some(of_text(file)), &search).expect("valid")),
        out: out.path().to_owned(),
    };
    let outcome = lab::run(goal, &setting("unused")).await.expect("answers");
    let run = run_json(&outcome.folder);
    let block = &run["blocks"][0];
    assert_eq!(block["load"], "search");
    assert!(
        block["probes"].as_array().map(Vec::len) >= Some(2),
        "{block}"
    );
}

#[tokio::test]
async fn a_run_that_is_complete_is_not_resumed() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let options = Options {
        repetitions: Some("1".into()),
        ..against(format!("fake=http://{}", gateway().await))
    };
    let done = lab::run(new(&options, out.path()), &setting("unused"))
        .await
        .expect("the target answers");
    let goal = Goal::Resume {
        folder: done.folder.clone(),
    };
    let error = lab::run(goal, &setting("unused"))
        .await
        .expect_err("complete");
    assert!(
        matches!(error, Error::Resume { .. }) && error.is_usage(),
        "{error}"
    );
    let blocks = run_json(&done.folder)["blocks"].as_array().map(Vec::len);
    assert_eq!(blocks, Some(2), "nothing was added");
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_named_before_any_load() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let options = against(format!("gone=http://{address}"));
    let error = lab::run(new(&options, out.path()), &setting("unused"))
        .await
        .expect_err("nobody listens");
    let text = error.to_string();
    assert!(text.starts_with("target gone does not answer"), "{text}");
    assert!(!error.is_usage());
    assert!(runs(out.path()).is_empty(), "nothing was written");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_that_does_not_exist_starts_nothing() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let options = against("o=http://127.0.0.1:9,a:2147483647".into());
    let error = lab::run(new(&options, out.path()), &setting("unused"))
        .await
        .expect_err("no such process");
    assert!(matches!(error, Error::Process { .. }), "{error}");
    assert!(error.is_usage());
    assert!(runs(out.path()).is_empty());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn more_users_than_local_ports_start_nothing() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let options = Options {
        // No machine has so many ports.
        users: Some("25,70000".into()),
        ..against("o=http://127.0.0.1:9".into())
    };
    let error = lab::run(new(&options, out.path()), &setting("unused"))
        .await
        .expect_err("too many users");
    assert!(matches!(error, Error::Ports { .. }), "{error}");
    assert!(error.is_usage());
    assert!(runs(out.path()).is_empty());
}

#[tokio::test]
async fn an_out_that_is_a_file_starts_nothing() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let goal = new(&Options::default(), file.path());
    let error = lab::run(goal, &setting("/no/such/pspd"))
        .await
        .expect_err("a file is no folder");
    assert!(matches!(error, Error::Folder(_)), "{error}");
    assert!(error.is_usage());
}

#[tokio::test]
async fn an_executable_that_cannot_be_started_is_named() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let goal = new(&Options::default(), out.path());
    let outcome = lab::run(goal, &setting("/no/such/pspd"))
        .await
        .expect("the folder could be made");
    let End::Failed(error) = &outcome.end else {
        unreachable!("there is no executable: {:?}", outcome.end);
    };
    assert!(error.to_string().contains("/no/such/pspd"), "{error}");
    assert_eq!(outcome.blocks, 0);
    assert_eq!(run_json(&outcome.folder)["state"], "failed");
}

/// Lives until its standard input ends; role b until the file `die` is there.
#[cfg(unix)]
const B_DIES: &str = r#"
if [ $role = b ]; then
    until [ -e die ]; do sleep 0.02; done
    echo "b has had enough" >&2
    exit 3
fi
exec cat"#;

#[cfg(unix)]
#[tokio::test]
async fn a_role_that_does_not_stop_is_killed_and_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let life = "if [ $role = b ]; then exec sleep 60; fi; exec cat";
    let roles = fake::roles(folder.path(), gateway().await, life);
    let options = Options {
        users: Some("1".into()),
        duration: Some("100ms".into()),
        warm_up: Some("0s".into()),
        repetitions: Some("1".into()),
        ..Options::default()
    };
    let out = folder.path().join("out");
    let outcome = lab::run(new(&options, &out), &setting(&roles))
        .await
        .expect("what was measured is reported");
    assert!(matches!(outcome.end, End::Complete), "{:?}", outcome.end);
    assert_eq!(outcome.blocks, 2);
    let killed: Vec<_> = outcome.killed.iter().map(|role| role.name()).collect();
    assert_eq!(killed, ["b"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_role_that_dies_ends_the_run_and_loses_only_the_block_in_progress() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let roles = fake::roles(folder.path(), gateway().await, B_DIES);
    let options = Options {
        // Far more blocks than are taken before the role dies.
        users: Some(
            (1..=100)
                .map(|n| n.to_string())
                .collect::<Vec<_>>()
                .join(","),
        ),
        duration: Some("500ms".into()),
        warm_up: Some("0s".into()),
        ..Options::default()
    };
    let die = folder.path().join("die");
    let after_a_block = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            if !out.exists() {
                continue;
            }
            let run = runs(&out).pop().filter(|run| run.join("run.json").exists());
            if run.is_some_and(|run| run_json(&run)["blocks"][0].is_object()) {
                return fs::write(&die, "").expect("can be written");
            }
        }
    };
    let goal = new(&options, &out);
    let setting = setting(&roles);
    let (outcome, ()) = tokio::join!(lab::run(goal, &setting), after_a_block);
    let outcome = outcome.expect("what was measured is reported");
    let End::RoleDied {
        role, last_lines, ..
    } = &outcome.end
    else {
        unreachable!("role b died: {:?}", outcome.end);
    };
    assert_eq!(role.to_string(), "b");
    assert_eq!(last_lines, &["b has had enough"]);
    let text = &outcome.report.text;
    assert!(text.contains("topped early"), "{text}");
    let run = run_json(&outcome.folder);
    assert_eq!(run["state"], "failed");
    assert!(run["blocks"].as_array().map(Vec::len) >= Some(1));
    let log = fs::read_to_string(outcome.folder.join("logs/repetition-1/b.err.log"))
        .expect("the log is kept");
    assert_eq!(log, "b has had enough\n");
}
