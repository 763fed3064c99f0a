//! Health for those who come without a browser: gRPC probes at the administration
//! endpoint, asked as kubelets do, and `pspd health`.

use std::{
    net::{SocketAddr, TcpListener},
    process::Command,
};

use contract::Role;
use testkit::{Ended, Process, Program, Tool, need, run, until};

use super::{NOBODY, PSPD, gateway, gateway_before, whole};

/// Runs `pspd health` for the endpoint at `admin`.
fn health(admin: SocketAddr, args: &[&str]) -> Ended {
    let port = admin.port().to_string();
    let mut all = vec!["health", "--admin-port", &port];
    all.extend(args);
    Program::start(PSPD, &all).finish()
}

#[test]
fn grpc_probes_are_answered_at_the_administration_endpoint() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let gateway = gateway(Role::Gateway, &[]);
    let alone = gateway_before(Role::Gateway, NOBODY, NOBODY, &[]);
    let said = run(Command::new(python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/clients/probes.py"
        ))
        .arg(whole().role(Role::ARest).admin_address().to_string())
        .arg(gateway.admin_address().to_string())
        .arg(alone.admin_address().to_string()));
    assert_eq!(said.trim(), "ok", "{said}");
}

#[test]
fn a_watch_is_told_that_the_role_leaves_and_does_not_hold_it() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let mut service = Process::start(PSPD, Role::BRest, &["--drain-delay", "2s"]);
    let watching = Program::spawn(
        Command::new(python)
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/clients/probes_watch.py"
            ))
            .arg(service.admin_address().to_string()),
    );
    until("the watch to have begun", || {
        watching.out().contains("SERVING").then_some(())
    });
    service.ask_to_stop();
    assert!(service.wait().success());
    let ended = watching.finish();
    assert_eq!(ended.out, "SERVING\nNOT_SERVING\nended\n", "{}", ended.err);
}

#[test]
fn health_says_who_is_ready_and_who_is_not() {
    let gateway = gateway(Role::Gateway, &[]);
    let out = until("the gateway to be ready", || {
        let ended = health(gateway.admin_address(), &["gateway"]);
        (ended.code() == Some(0)).then_some(ended.out)
    });
    assert_eq!(out, "gateway: ok\n");

    let alone = gateway_before(Role::Gateway, NOBODY, NOBODY, &[]);
    let ended = health(alone.admin_address(), &[]);
    assert_eq!(ended.code(), Some(1), "{}", ended.err);
    let begins = format!(
        "port {}: 503 {{\"ready\":false",
        alone.admin_address().port()
    );
    assert!(ended.out.starts_with(&begins), "{}", ended.out);
    assert!(ended.out.contains("service A"), "{}", ended.out);
    let ended = health(alone.admin_address(), &["--live"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.out);
}

#[test]
fn health_says_that_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = listener.local_addr().expect("its address");
    let ended = health(silent, &["--timeout", "200ms"]);
    assert_eq!(ended.code(), Some(1));
    assert!(
        ended.out.contains("no answer within 200ms"),
        "{}",
        ended.out
    );
    drop(listener);
    let ended = health(silent, &["a"]);
    assert_eq!(ended.code(), Some(1));
    assert_eq!(ended.out, "a: nobody answers\n");
    assert!(ended.err.contains("start a role"), "{}", ended.err);
}

#[test]
fn health_refuses_what_it_cannot_ask() {
    for (args, says) in [
        (&["health", "c"][..], "no role is called \"c\""),
        (&["health", "--host", "everywhere"], "not an IP address"),
        (&["health", "--timeout", "0s"], "give a time such as 3s"),
        (&["health", "--admin-port", "0"], "1..=65535"),
        (
            &["health", "--tls-ca", "/nowhere/ca.crt"],
            "/nowhere/ca.crt",
        ),
    ] {
        let ended = Program::start(PSPD, args).finish();
        assert_eq!(ended.code(), Some(64), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(says), "{args:?}: {}", ended.err);
    }
}
