//! A lone gateway, or service, that gives its ports to its successor under load.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use contract::Role;
use tempfile::TempDir;
use testkit::{Process, Program, http, until};

use super::{
    PSPD,
    clients::{Clients, HELLO, NUMBERS, Spoken},
};

/// Two services, and what a gateway in front of them is told.
struct Behind {
    _services: [Process; 2],
    args: Vec<String>,
    path: PathBuf,
    _folder: TempDir,
}

impl Behind {
    fn start(gateway: Role) -> Behind {
        let (roles, flags, scheme) = match gateway {
            Role::Gateway => ([Role::A, Role::B], ["--a-addr", "--b-addr"], ""),
            _ => (
                [Role::ARest, Role::BRest],
                ["--a-rest", "--b-rest"],
                "http://",
            ),
        };
        let services = roles.map(|role| Process::start(PSPD, role, &[]));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gateway.sock");
        let mut args: Vec<String> = Vec::new();
        for (flag, service) in flags.iter().zip(&services) {
            args.push((*flag).to_owned());
            args.push(format!("{scheme}{}", service.address()));
        }
        args.push("--handover".to_owned());
        args.push(path.display().to_string());
        Behind {
            _services: services,
            args,
            path,
            _folder: folder,
        }
    }

    fn args(&self) -> Vec<&str> {
        self.args.iter().map(String::as_str).collect()
    }
}

#[test]
fn a_lone_gateway_p_is_replaced_ten_times() {
    lone(Role::Gateway);
}

#[test]
fn a_lone_gateway_p_rest_is_replaced_ten_times() {
    lone(Role::GatewayRest);
}

fn lone(role: Role) {
    let behind = Behind::start(role);
    let mut gateway = Process::start(PSPD, role, &behind.args());
    let (address, admin) = (gateway.address(), gateway.admin_address());
    let counts = Clients::run(&[address], &[HELLO, NUMBERS], Spoken::Both, |clients| {
        for _ in 0..10 {
            let next = Process::start(PSPD, role, &behind.args());
            assert_eq!((next.address(), next.admin_address()), (address, admin));
            // To the outside nothing has happened.
            let ready = http::get(admin, "/readyz").expect("an answer");
            assert_eq!(ready.status(), 200, "{}", ready.text());
            let old = std::mem::replace(&mut gateway, next);
            assert!(old.wait().success());
            clients.go_on();
        }
    });
    counts.nothing_lost();
    assert_eq!(counts.raced, 0);
    assert!(counts.reconnected > 0);
    let mode = fs::metadata(&behind.path)
        .expect("the socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // A stop takes the offer back, so that the next one binds.
    testkit::signal(gateway.pid(), "TERM");
    assert!(gateway.wait().success());
    assert!(!behind.path.exists());
}

#[test]
fn services_are_handed_over_too() {
    for role in [Role::A, Role::B, Role::ARest, Role::BRest] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let args = ["--handover", path.to_str().expect("a path of text")];
        let first = Process::start(PSPD, role, &args);
        let second = Process::start(PSPD, role, &args);
        assert_eq!(first.address(), second.address());
        assert!(first.wait().success(), "{role}");
        let live = http::get(second.admin_address(), "/livez").expect("an answer");
        assert_eq!(live.status(), 200);
    }
}

/// A process that asks for the ports and is expected to fail.
#[track_caller]
fn fails(args: &[&str], code: i32, why: &str) {
    let mut all = vec!["serve"];
    all.extend(args);
    let ended = Program::start(PSPD, &all).working().finish();
    assert_eq!(ended.code(), Some(code), "{}", ended.err);
    assert!(ended.err.contains(why), "{}", ended.err);
}

fn goes_on(process: &Process, path: &Path) {
    assert_eq!(process.ended(), None);
    let answer = http::get(process.address(), "/a/hello").expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(path.exists());
}

#[test]
fn who_fails_to_start_changes_nothing() {
    let behind = Behind::start(Role::Gateway);
    let gateway = Process::start(PSPD, Role::Gateway, &behind.args());
    let path = behind.path.to_str().expect("a path of text");
    // Other ports than those that there are.
    let other = ["gateway", "--handover", path, "--port", "1"];
    fails(&other, 64, "give the same, or stop it first");
    goes_on(&gateway, &behind.path);
    // Another role.
    fails(
        &["a", "--handover", path],
        1,
        "a process of role gateway runs",
    );
    goes_on(&gateway, &behind.path);
    // A configuration that it cannot serve.
    let nothing = ["gateway", "--handover", path, "--config", "/nowhere.toml"];
    fails(&nothing, 64, "/nowhere.toml");
    goes_on(&gateway, &behind.path);
    // Services that do not answer: never ready.
    let nobody = [
        "gateway",
        "--handover",
        path,
        "--port",
        "0",
        "--admin-port",
        "0",
        "--a-addr",
        "127.0.0.1:1",
        "--b-addr",
        "127.0.0.1:1",
    ];
    fails(&nobody, 1, "the process that runs goes on");
    goes_on(&gateway, &behind.path);
    // Afterwards it can still be replaced.
    let next = Process::start(PSPD, Role::Gateway, &behind.args());
    assert_eq!(next.address(), gateway.address());
    assert!(gateway.wait().success());
}

#[test]
fn what_a_dead_process_left_behind_is_no_obstacle() {
    let behind = Behind::start(Role::Gateway);
    let mut first = Process::start(PSPD, Role::Gateway, &behind.args());
    first.kill();
    assert!(behind.path.exists());
    let second = Process::start(PSPD, Role::Gateway, &behind.args());
    goes_on(&second, &behind.path);
}

/// Who asks and says nothing more is waited for, and others are served meanwhile.
#[test]
fn who_asks_and_leaves_changes_nothing() {
    let behind = Behind::start(Role::Gateway);
    let gateway = Process::start(PSPD, Role::Gateway, &behind.args());
    for _ in 0..3 {
        drop(std::os::unix::net::UnixStream::connect(&behind.path).expect("it listens"));
    }
    let next = Process::start(PSPD, Role::Gateway, &behind.args());
    assert_eq!(next.address(), gateway.address());
    assert!(gateway.wait().success());
    until("the offer of the next one", || {
        behind.path.exists().then_some(())
    });
}
