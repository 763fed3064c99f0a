//! Whole runs against a fake gateway of this process; where roles are needed,
//! a script plays them and names the fake gateway as its address.

mod fake;

use std::{
    fs,
    path::{Path, PathBuf},
};

use fake::{gateway, setting};
use lab::{Arguments, End, Error, Plan};
use tokio::net::TcpListener;

/// Short blocks of a running system alone.
fn against(against: String, out: &Path) -> Arguments {
    Arguments {
        users: Some("1,3".into()),
        duration: Some("100ms".into()),
        warm_up: Some("10ms".into()),
        chains: Some("none".into()),
        against: vec![against],
        out: Some(out.to_owned()),
        ..Arguments::default()
    }
}

fn plan(arguments: &Arguments) -> Plan {
    Plan::new(arguments).expect("the arguments are valid")
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
    let arguments = against(format!("fake=http://{}{own}", gateway().await), out.path());
    let outcome = lab::run(&plan(&arguments), &setting("unused"))
        .await
        .expect("the target answers");
    assert!(matches!(outcome.end, End::Complete));
    assert_eq!((outcome.blocks, outcome.killed.len()), (2, 0));
    assert!(outcome.report.contains("fake"), "{}", outcome.report);

    let run = run_json(&outcome.folder);
    assert_eq!(run["state"], "complete");
    assert_eq!(run["pspd_commit"], "abc");
    let rows = run["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    for (row, users) in rows.iter().zip([1, 3]) {
        assert_eq!(row["users"], users);
        assert_eq!(row["failures"]["total"], 0);
        assert!(row["completed_in_window"].as_u64() > Some(0));
        assert!(row["latency_ms"]["p50"].as_f64() >= Some(2.0));
        assert_eq!(row["routes"].as_array().map(Vec::len), Some(2));
        if cfg!(target_os = "linux") {
            assert!(row["costs"][0]["peak_bytes"].as_u64() > Some(0));
            assert!(row["costs"][0]["cpu_seconds"].is_number());
        }
        let raw = format!("histograms/{users:05}-fake.hlog");
        assert!(outcome.folder.join(raw).exists());
    }
    for name in ["table.csv", "table.md"] {
        assert!(outcome.folder.join(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn a_chain_that_does_not_answer_is_named_before_any_load() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let arguments = against(format!("gone=http://{address}"), out.path());
    let error = lab::run(&plan(&arguments), &setting("unused"))
        .await
        .expect_err("nobody listens");
    let text = error.to_string();
    assert!(text.starts_with("chain gone does not answer"), "{text}");
    assert!(!error.is_usage());
    assert!(runs(out.path()).is_empty(), "nothing was written");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_that_does_not_exist_starts_nothing() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let arguments = against("o=http://127.0.0.1:9,a:2147483647".into(), out.path());
    let error = lab::run(&plan(&arguments), &setting("unused"))
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
    let arguments = Arguments {
        // No machine has so many ports.
        users: Some("25,70000".into()),
        ..against("o=http://127.0.0.1:9".into(), out.path())
    };
    let error = lab::run(&plan(&arguments), &setting("unused"))
        .await
        .expect_err("too many users");
    assert!(matches!(error, Error::Ports { .. }), "{error}");
    assert!(error.is_usage());
    assert!(runs(out.path()).is_empty());
}

#[tokio::test]
async fn an_out_that_is_a_file_starts_nothing() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let arguments = Arguments {
        out: Some(file.path().to_owned()),
        ..Arguments::default()
    };
    let error = lab::run(&plan(&arguments), &setting("/no/such/pspd"))
        .await
        .expect_err("a file is no folder");
    assert!(matches!(error, Error::OutIsFile { .. }), "{error}");
    assert!(error.is_usage());
}

#[tokio::test]
async fn an_executable_that_cannot_be_started_is_named() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let arguments = Arguments {
        out: Some(out.path().to_owned()),
        ..Arguments::default()
    };
    let outcome = lab::run(&plan(&arguments), &setting("/no/such/pspd"))
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
    let arguments = Arguments {
        users: Some("1".into()),
        duration: Some("100ms".into()),
        warm_up: Some("0s".into()),
        out: Some(folder.path().join("out")),
        ..Arguments::default()
    };
    let outcome = lab::run(&plan(&arguments), &setting(&roles))
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
    let arguments = Arguments {
        // Far more blocks than are taken before the role dies.
        users: Some(
            (1..=100)
                .map(|n| n.to_string())
                .collect::<Vec<_>>()
                .join(","),
        ),
        duration: Some("500ms".into()),
        warm_up: Some("0s".into()),
        out: Some(out.clone()),
        ..Arguments::default()
    };
    let die = folder.path().join("die");
    let after_a_block = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            if !out.exists() {
                continue;
            }
            let run = runs(&out).pop().filter(|run| run.join("run.json").exists());
            if run.is_some_and(|run| run_json(&run)["rows"][0].is_object()) {
                return fs::write(&die, "").expect("can be written");
            }
        }
    };
    let plan = plan(&arguments);
    let setting = setting(&roles);
    let (outcome, ()) = tokio::join!(lab::run(&plan, &setting), after_a_block);
    let outcome = outcome.expect("what was measured is reported");
    let End::RoleDied {
        role, last_lines, ..
    } = &outcome.end
    else {
        unreachable!("role b died: {:?}", outcome.end);
    };
    assert_eq!(role.to_string(), "b");
    assert_eq!(last_lines, &["b has had enough"]);
    assert!(
        outcome.report.contains("Stopped early"),
        "{}",
        outcome.report
    );
    let run = run_json(&outcome.folder);
    assert_eq!(run["state"], "failed");
    assert!(run["rows"].as_array().map(Vec::len) >= Some(1));
    let log = fs::read_to_string(outcome.folder.join("logs/b.err.log")).expect("the log is kept");
    assert_eq!(log, "b has had enough\n");
}
