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
fn status_of_both_gateways() {
    for (role, service, flags, names) in [
        (Role::Gateway, Role::A, ["--a-addr", "--b-addr"], "A,B"),
        (
            Role::GatewayRest,
            Role::ARest,
            ["--a-rest", "--b-rest"],
            "A-REST,B-REST",
        ),
    ] {
        let Some(mut browser) = browser("status.mjs") else {
            return;
        };
        let service = Process::start(PSPD, service, &[]);
        let scheme = if role == Role::GatewayRest {
            "http://"
        } else {
            ""
        };
        let up = format!("{scheme}{}", service.address());
        let down = format!("{scheme}{NOWHERE}");
        let gateway = Process::start(PSPD, role, &[flags[0], &up, flags[1], &down]);
        all_ok(&run(browser
            .env("GATEWAY_URL", format!("http://{}", gateway.address()))
            .env("UPSTREAMS", names)));
    }
}

#[test]
fn the_status_page_can_be_refused() {
    for args in [["--status", "off"], ["--metrics", "off"]] {
        let gateway = Process::start(PSPD, Role::GatewayRest, &args);
        for path in ["/status", "/status.json", "/status.js", "/status.css"] {
            let answer = testkit::http::get(gateway.address(), path).expect("an answer");
            assert_eq!(answer.status(), 404, "{path}");
        }
        let page = testkit::http::get(gateway.address(), "/").expect("an answer");
        assert!(page.text().contains("data-status=\"refuse\""), "{args:?}");
    }
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
