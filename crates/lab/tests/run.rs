//! Whole runs against a fake gateway of this process; where roles are needed,
//! a script plays them and names the fake gateway as its address.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use lab::{Arguments, End, Error, Plan, Setting};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// Answers everything with 200; it ends with the test's runtime.
async fn gateway() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut received = Vec::new();
    while stream.read_buf(&mut received).await? > 0 {
        if received.ends_with(b"\r\n\r\n") {
            received.clear();
            sleep(Duration::from_millis(2)).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                .await?;
        }
    }
    Ok(())
}

fn setting(executable: &str) -> Setting {
    Setting {
        executable: executable.into(),
        version: "1.2.3".into(),
        commit: Some("abc".into()),
    }
}

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
    assert_eq!(run_json(&outcome.folder)["state"], "failed");
}

/// A script that takes the place of `pspd serve ROLE`: says that it listens at
/// `gateway`, runs until its standard input ends, and ends as role b as soon as
/// the file `die` exists.
#[cfg(unix)]
fn fake_roles(folder: &Path, gateway: SocketAddr) -> String {
    use std::os::unix::fs::PermissionsExt;
    let die = folder.join("die").display().to_string();
    let script = format!(
        r#"#!/bin/sh
role=$2
while [ "$1" != --ready-file ]; do shift; done
printf '{{"role":"%s","pid":%s,"address":"{gateway}","admin":"{gateway}"}}' $role $$ > "$2.new"
mv "$2.new" "$2"
if [ $role = b ]; then
    until [ -e "{die}" ]; do sleep 0.02; done
    echo "b has had enough" >&2
    exit 3
fi
exec cat
"#
    );
    let path = folder.join("fake-pspd");
    fs::write(&path, script).expect("can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("can be executed");
    path.display().to_string()
}

#[cfg(unix)]
#[tokio::test]
async fn a_role_that_dies_ends_the_run_and_loses_only_the_block_in_progress() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let roles = fake_roles(folder.path(), gateway().await);
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
            sleep(Duration::from_millis(10)).await;
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
