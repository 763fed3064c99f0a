//! The services of A and B as gRPC clients see them that were written elsewhere:
//! grpcio and grpc-js, with health, reflection, deadlines and cancellation.

use std::{path::PathBuf, process::Command};

use contract::Role;
use testkit::{Process, Tool, need, run};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

#[test]
fn grpcio() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let mut client = Command::new(&python);
    client.arg(script("grpcio_client.py"));
    check(&mut client);
    let mut client = Command::new(python);
    client.arg(script("grpcio_streams.py"));
    check_streams(&mut client);
}

#[test]
fn grpc_js() {
    let Some(node_modules) = need(Tool::NodeModules) else {
        return;
    };
    let mut client = Command::new("node");
    client
        .arg(script("grpcjs_client.mjs"))
        .env("NODE_MODULES", &node_modules);
    check(&mut client);
    let mut client = Command::new("node");
    client
        .arg(script("grpcjs_streams.mjs"))
        .env("NODE_MODULES", node_modules);
    check_streams(&mut client);
}

/// Runs `client` against both services.
fn check(client: &mut Command) {
    let a = Process::start(PSPD, Role::A, &[]);
    let b = Process::start(PSPD, Role::B, &[]);
    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/services.proto");
    let printed = run(client
        .env("A_ADDR", a.address().to_string())
        .env("B_ADDR", b.address().to_string())
        .env("PROTO", proto));
    all_ok(&printed, 10);
}

/// Runs `client` against the services whose requests are streams.
fn check_streams(client: &mut Command) {
    let limits = ["--count-max", "10000", "--message-bytes-max", "1000000"];
    let b = Process::start(PSPD, Role::B, &limits);
    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/streams.proto");
    let printed = run(client
        .env("B_ADDR", b.address().to_string())
        .env("PROTO", proto));
    all_ok(&printed, 9);
}

fn all_ok(printed: &str, checks_min: usize) {
    let checks = printed
        .lines()
        .filter(|line| line.starts_with("ok "))
        .count();
    assert!(checks >= checks_min, "too few checks were made:\n{printed}");
}

/// One of the programs beside these tests.
pub(crate) fn script(name: &str) -> PathBuf {
    let clients = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");
    PathBuf::from(clients).join(name)
}
