//! The pages in a real Chromium: the gateways' and the REST services' own.

use std::process::Command;

use contract::Role;
use testkit::{Process, Tool, Whole, need, run};

use crate::clients::script;

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
/// A port of this machine where nothing ever listens (the discard service).
const NOWHERE: &str = "127.0.0.1:9";

#[test]
fn page_of_the_grpc_gateway() {
    let down = ["--a-addr", NOWHERE, "--b-addr", NOWHERE];
    check_page("grpc", Role::Gateway, &down);
}

#[test]
fn page_of_the_rest_gateway() {
    let nowhere = format!("http://{NOWHERE}");
    let down = ["--a-rest", &nowhere, "--b-rest", &nowhere];
    check_page("rest", Role::GatewayRest, &down);
}

#[test]
fn documentation_of_the_grpc_gateway() {
    let Some(mut browser) = browser("gateway_docs.mjs") else {
        return;
    };
    let whole = Whole::start(PSPD);
    let gateway = format!("http://{}", whole.address(Role::Gateway));
    all_ok(&run(browser.env("GATEWAY_URL", gateway)));
}

#[test]
fn documentation_of_the_rest_services() {
    for role in [Role::ARest, Role::BRest] {
        let Some(mut browser) = browser("docs.mjs") else {
            return;
        };
        let service = Process::start(PSPD, role, &[]);
        let docs = format!("http://{}/docs", service.address());
        all_ok(&run(browser.env("DOCS_URL", docs)));
    }
}

fn check_page(kind: &str, role: Role, down: &[&str]) {
    let Some(mut browser) = browser("page.mjs") else {
        return;
    };
    let whole = Whole::start(PSPD);
    let down = Process::start(PSPD, role, down);
    all_ok(&run(browser
        .env("GATEWAY_KIND", kind)
        .env("GATEWAY_URL", format!("http://{}", whole.address(role)))
        .env("GATEWAY_DOWN_URL", format!("http://{}", down.address()))));
}

/// A script that drives Chromium, where this machine has both.
#[track_caller]
pub(crate) fn browser(name: &str) -> Option<Command> {
    let node_modules = need(Tool::NodeModules)?;
    let chromium = need(Tool::Chromium)?;
    let mut node = Command::new("node");
    node.arg(script(name))
        .env("NODE_MODULES", node_modules)
        .env("CHROMIUM", chromium);
    Some(node)
}

pub(crate) fn all_ok(printed: &str) {
    let checks = printed
        .lines()
        .filter(|line| line.starts_with("ok "))
        .count();
    assert!(checks >= 5, "too few checks were made:\n{printed}");
}
