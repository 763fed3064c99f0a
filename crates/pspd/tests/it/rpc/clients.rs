//! Clients that were written elsewhere: grpcio, grpc-js, Connect's for Node and for
//! browsers, Google's for browsers.

use std::process::Command;

use testkit::{Tool, need, run};

use super::{Kinds, proto};
use crate::{clients::script, page::browser};

/// Runs the client, which is to make as many checks as that.
#[track_caller]
fn check(client: &mut Command, checks_min: usize) {
    let printed = run(client);
    let checks = printed.lines().filter(|line| line.starts_with("ok "));
    let checks = checks.count();
    assert!(checks >= checks_min, "too few checks were made:\n{printed}");
}

fn node(kinds: &Kinds, name: &str) -> Command {
    let mut node = Command::new("node");
    node.arg(script(name))
        .env("NODE_MODULES", &kinds.node_modules)
        .env("GATEWAY_URL", kinds.url())
        .env("GATEWAY_ADDR", kinds.gateway.address().to_string())
        .env("PROTO", proto())
        .env("PROTO_SET", &kinds.set);
    node
}

#[test]
fn grpcio() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let Some(kinds) = Kinds::start("", &[]) else {
        return;
    };
    let mut client = Command::new(python);
    client
        .arg(script("rpc_grpcio.py"))
        .env("GATEWAY_ADDR", kinds.gateway.address().to_string())
        .env("PROTO", proto());
    check(&mut client, 12);
    // The service is told of calls that are not wanted any more.
    for method in ["Once", "Many"] {
        kinds.says(&format!("cancelled {method}"));
    }
}

#[test]
fn reflection_and_health_by_grpcio() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let Some(kinds) = Kinds::start(OTHER, &[]) else {
        return;
    };
    let mut client = Command::new(python);
    client
        .arg(script("rpc_tools.py"))
        .env("GATEWAY_ADDR", kinds.gateway.address().to_string());
    check(&mut client, 5);
}

/// An upstream that is not there, and that is described all the same.
const OTHER: &str = concat!(
    "[[gateway.upstreams]]\nname = \"other\"\naddress = \"127.0.0.1:9\"\nprotos = [\"",
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/general/library.proto\"]\n"
);

#[test]
fn grpc_js() {
    let Some(kinds) = Kinds::start("", &[]) else {
        return;
    };
    check(&mut node(&kinds, "rpc_grpcjs.mjs"), 8);
}

#[test]
fn connect_and_grpc_web_in_node() {
    let Some(kinds) = Kinds::start("", &[]) else {
        return;
    };
    check(&mut node(&kinds, "rpc_connect.mjs"), 130);
    kinds.says("cancelled Many");
}

#[test]
fn connect_and_grpc_web_in_a_browser() {
    let Some(mut browser) = browser("rpc_browser.mjs") else {
        return;
    };
    let Some(kinds) = Kinds::start("", &[]) else {
        return;
    };
    browser
        .env("GATEWAY_URL", kinds.url())
        .env("PROTO_SET", &kinds.set);
    check(&mut browser, 29);
}
