//! Starting, watching and stopping real processes, with a script in place of
//! the roles.

#![cfg(unix)]
#![allow(clippy::panic, reason = "a panic is how a test fails")]

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use contract::Role;
use system::{Error, Launch, Line, LogLines, Options, Output, Source, Stopped, System};

/// For what is expected to happen: long enough for a machine that is busy.
const IN_TIME: Duration = Duration::from_secs(30);

fn fake_role() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake-role")
}

fn launch(role: Role, fake: &str) -> Launch {
    Launch {
        args: vec!["--fake".into(), fake.into()],
        ready_within: IN_TIME,
        ..Launch::new(fake_role(), role)
    }
}

async fn until(lines: &mut LogLines, role: Role, source: Source, text: &str) -> Line {
    let found = async {
        while let Some(line) = lines.recv().await {
            if line.role == role && line.source == source && line.text.starts_with(text) {
                return line;
            }
        }
        panic!("the lines ended without {text:?} of {role}")
    };
    tokio::time::timeout(IN_TIME, found)
        .await
        .expect("the line comes in time")
}

fn is_alive(pid: u32) -> bool {
    let signal_zero = std::process::Command::new("kill")
        .args(["-0", &pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status();
    signal_zero.expect("kill runs").success()
}

async fn gone(pid: u32) {
    let gone = async {
        while is_alive(pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(IN_TIME, gone)
        .await
        .expect("the process goes away");
}

#[tokio::test]
async fn a_role_is_ready_says_where_and_stops_when_asked() {
    let mut role = launch(Role::A, "").start().await.expect("it starts");
    assert_eq!(role.role(), Role::A);
    assert_eq!(role.address().to_string(), "127.0.0.1:40001");
    assert_eq!(role.admin_address().to_string(), "127.0.0.1:40002");
    assert!(is_alive(role.pid()));
    assert_eq!(role.ended(), None);

    let Stopped::Ended(status) = role.stop(IN_TIME).await else {
        panic!("it stops when asked");
    };
    assert!(status.success());
    assert_eq!(role.last_lines(), ["variables=", "stopping"]);
    assert_eq!(role.stop(IN_TIME).await, Stopped::Ended(status));
}

#[tokio::test]
async fn a_role_that_does_not_stop_is_killed_at_the_deadline() {
    let mut role = launch(Role::A, "ignores-stop")
        .start()
        .await
        .expect("it starts");
    let stopped = role.stop(Duration::from_millis(50)).await;
    assert!(
        matches!(stopped, Stopped::Killed(status) if !status.success()),
        "{stopped:?}"
    );
    gone(role.pid()).await;
}

#[tokio::test]
async fn a_role_that_fails_is_an_error_with_its_last_words() {
    let error = launch(Role::B, "fails").start().await.expect_err("fails");
    assert!(matches!(error, Error::Ended { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "role b ended before it was ready (exit status: 1); its last log lines:\
         \n    warming up\n    cannot bind 127.0.0.1:1"
    );
}

#[tokio::test]
async fn a_role_that_is_never_ready_is_killed() {
    let late = Launch {
        ready_within: Duration::from_millis(100),
        ..launch(Role::B, "never-ready")
    };
    let error = late.start().await.expect_err("never ready");
    assert_eq!(
        error.to_string(),
        "role b was not ready within 100ms and was killed; it wrote nothing to its log"
    );
}

#[tokio::test]
async fn a_strange_ready_file_and_a_missing_executable_are_named() {
    let error = launch(Role::B, "garbage").start().await.expect_err("odd");
    assert!(matches!(error, Error::ReadyFile { .. }), "{error}");
    assert!(error.to_string().ends_with("It wrote: up!\n"), "{error}");

    let missing = Launch::new("/nowhere/pspd", Role::B);
    let error = missing.start().await.expect_err("no such file");
    assert!(error.to_string().contains("/nowhere/pspd"), "{error}");
}

#[tokio::test]
async fn a_flood_of_lines_that_nobody_reads_does_not_block_the_role() {
    let (output, lines) = system::channel();
    let flooding = Launch {
        stdout: output.clone(),
        stderr: output,
        ..launch(Role::A, "floods")
    };
    // It writes megabytes before it is ready, while `lines` is not read.
    let mut role = flooding.start().await.expect("the flood is drained");
    role.stop(IN_TIME).await;
    assert_eq!(
        role.last_lines().last().map(String::as_str),
        Some("stopping")
    );
    drop(lines);
}

#[tokio::test]
async fn lines_go_to_files_when_asked_and_their_end_is_still_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let to_files = Launch {
        stdout: Output::Folder(folder.path().into()),
        stderr: Output::Folder(folder.path().into()),
        ..launch(Role::ARest, "")
    };
    let mut role = to_files.start().await.expect("it starts");
    role.stop(IN_TIME).await;
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a log file");
    assert_eq!(read("a-rest.out.log"), "upstreams= \n");
    assert_eq!(read("a-rest.err.log"), "variables=\nstopping\n");
    assert_eq!(role.last_lines(), ["variables=", "stopping"]);
}

#[tokio::test]
async fn dropping_a_role_kills_it() {
    let role = launch(Role::A, "ignores-stop")
        .start()
        .await
        .expect("it starts");
    let pid = role.pid();
    drop(role);
    gone(pid).await;
}

fn options(fake: Option<(Role, &str)>, file: &Path) -> Options {
    let args = Role::ALL.map(|role| {
        let mut args: Vec<OsString> = vec!["--fake-file".into(), file.into()];
        if let Some((_, fake)) = fake.filter(|(faker, _)| *faker == role) {
            args.extend(["--fake".into(), fake.into()]);
        }
        (role, args)
    });
    Options {
        args: args.into(),
        // Numbers only: the script listens nowhere.
        ports: Role::ALL.map(|role| (role, role.port())).into(),
        ready_within: IN_TIME,
        ..Options::new(fake_role())
    }
}

#[tokio::test]
async fn all_roles_start_wired_and_stop_gateways_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let order = folder.path().join("order");
    let (output, mut lines) = system::channel();
    let options = Options {
        stdout: output,
        ..options(None, &order)
    };
    let mut system = System::start(&options).await.expect("all start");
    let roles: Vec<_> = system.roles().map(|running| running.role()).collect();
    assert_eq!(roles, Role::ALL);
    for role in Role::ALL {
        assert_eq!(system.role(role).address().port(), role.port());
    }
    let wired = until(&mut lines, Role::Gateway, Source::Out, "upstreams=").await;
    assert_eq!(wired.text, "upstreams=127.0.0.1:50051 127.0.0.1:50052");

    let ends = system.stop(IN_TIME).await;
    assert_eq!(ends.len(), 6);
    assert!(
        ends.iter()
            .all(|(_, end)| matches!(end, Stopped::Ended(status) if status.success())),
        "{ends:?}"
    );
    let order = fs::read_to_string(&order).expect("the roles wrote it");
    let mut order: Vec<_> = order.lines().collect();
    order[..2].sort_unstable();
    order[2..].sort_unstable();
    assert_eq!(
        order,
        ["gateway", "gateway-rest", "a", "a-rest", "b", "b-rest"]
    );
    assert_eq!(system.died().await, None);
}

#[tokio::test]
async fn the_rest_gateway_gets_urls() {
    let folder = tempfile::tempdir().expect("a folder");
    let (output, mut lines) = system::channel();
    let options = Options {
        stdout: output,
        ..options(None, &folder.path().join("order"))
    };
    let mut system = System::start(&options).await.expect("all start");
    let wired = until(&mut lines, Role::GatewayRest, Source::Out, "upstreams=").await;
    assert_eq!(
        wired.text,
        "upstreams=http://127.0.0.1:50061 http://127.0.0.1:50062"
    );
    system.stop(IN_TIME).await;
}

#[tokio::test]
async fn when_one_fails_the_others_are_stopped_and_it_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let stopped = folder.path().join("stopped");
    for failing in [Role::ARest, Role::Gateway] {
        let options = options(Some((failing, "fails")), &stopped);
        let error = System::start(&options).await.expect_err("one fails");
        assert_eq!(error.role(), failing);
        assert!(error.to_string().contains("cannot bind"), "{error}");
    }
    // With a gateway failing, every service had come up and was asked to stop.
    let stopped = fs::read_to_string(&stopped).expect("the roles wrote it");
    for service in ["a", "b", "a-rest", "b-rest"] {
        assert!(stopped.lines().any(|line| line == service), "{stopped}");
    }
}

#[tokio::test]
async fn a_death_is_reported_once_and_the_role_can_be_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let cue = folder.path().join("cue");
    let options = options(Some((Role::B, "dies-with-file")), &cue);
    let mut system = System::start(&options).await.expect("all start");
    fs::write(&cue, "").expect("the cue is given");

    let death = system.died().await.expect("five others are left");
    assert_eq!((death.role, death.status.code()), (Role::B, Some(3)));
    assert_eq!(death.last_lines, ["the last word"]);

    // A wanted end is no news: the next death is that of A.
    system.kill(Role::ARest).await;
    let pid = system.role(Role::A).pid();
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    let death = system.died().await.expect("a was killed");
    assert_eq!((death.role, death.status.success()), (Role::A, false));

    system.start_again(Role::A).await.expect("it starts again");
    assert_ne!(system.role(Role::A).pid(), pid);
    assert_eq!(system.role(Role::A).address().port(), Role::A.port());
    system.stop(IN_TIME).await;
}
