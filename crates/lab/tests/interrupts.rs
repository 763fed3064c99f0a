//! Ctrl-C at the moments at which a run does something else than measuring. A
//! program of its own, because the signals reach every run of the process.

#![cfg(unix)]

mod fake;

use std::{path::Path, process::Command, time::Duration};

use fake::{gateway, new, setting};
use lab::{End, Error, Options};
use tokio::{net::TcpListener, sync::Mutex, time::sleep};

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Ctrl-C, for this very process.
fn interrupt() {
    let kill = Command::new("kill")
        .args(["-INT", &std::process::id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
}

async fn appears(path: &Path) {
    while !path.exists() {
        sleep(Duration::from_millis(10)).await;
    }
}

/// The histogram of the first block appears in the only run below `out`.
async fn a_block_is_complete(out: &Path) {
    appears(out).await;
    loop {
        let run = std::fs::read_dir(out).expect("readable").next();
        if let Some(run) = run {
            let run = run.expect("readable").path();
            return first_histogram(&run.join("histograms")).await;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Which target comes first is drawn.
async fn first_histogram(folder: &Path) {
    appears(folder).await;
    while std::fs::read_dir(folder)
        .expect("readable")
        .next()
        .is_none()
    {
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn while_a_running_system_is_checked_it_ends_the_run() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let out = tempfile::tempdir().expect("a temporary folder");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    let options = Options {
        chains: Some("none".into()),
        against: vec![format!("silent=http://{address}")],
        ..Options::default()
    };
    let goal = new(&options, out.path());

    let never_answers = async {
        let mut taken = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            taken.push(stream);
            if taken.len() == 1 {
                interrupt();
            }
        }
    };
    let setting = setting("unused");
    let ended = tokio::select! {
        ended = lab::run(goal, &setting) => ended,
        () = never_answers => unreachable!("the listener stays"),
    };
    let error = ended.expect_err("it was interrupted");
    assert!(matches!(error, Error::Interrupted), "{error}");
    let written = std::fs::read_dir(out.path()).expect("readable").count();
    assert_eq!(written, 0);
}

#[tokio::test]
async fn while_the_roles_are_stopped_it_kills_them_at_once() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Roles that notice that they should stop, and do not.
    let life = r#"cat > /dev/null; touch "asked-$role"; exec sleep 60"#;
    let roles = fake::roles(folder.path(), gateway().await, life);
    let out = folder.path().join("out");
    let options = Options {
        // Far more blocks than are taken before the interruption.
        users: Some(
            (1..=100)
                .map(|users| users.to_string())
                .collect::<Vec<_>>()
                .join(","),
        ),
        duration: Some("500ms".into()),
        warm_up: Some("0s".into()),
        ..Options::default()
    };
    let goal = new(&options, &out);

    let twice = async {
        a_block_is_complete(&out).await;
        interrupt();
        appears(&folder.path().join("asked-gateway")).await;
        interrupt();
        std::future::pending().await
    };
    let setting = setting(&roles);
    let ended = tokio::select! {
        ended = lab::run(goal, &setting) => ended,
        () = twice => unreachable!("it waits for the run to end"),
    };
    let outcome = ended.expect("a run that began has an outcome");
    assert!(matches!(outcome.end, End::Interrupted), "{:?}", outcome.end);
    assert!(outcome.blocks > 0);
    assert_eq!(outcome.killed, [], "nobody waited for the deadline");
}
