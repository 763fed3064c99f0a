//! Clients that were written elsewhere: curl for bodies that grow, `websockets` for
//! Python, `ws` and Node's own WebSocket, and a real browser's.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::json;
use testkit::{
    Tool,
    backend::{End, Reply, Status, Step},
    need, run, until,
};

use super::{Talks, message};
use crate::{
    clients::script,
    page::{all_ok, browser},
};

/// What the scripts expect behind the gateway.
fn prepared() -> Talks {
    let talks = Talks::start();
    talks.answer("Watch", |call| match call.json()["text"].as_str() {
        Some("fails") => Reply::steps([]).ending(End::Status(Status::new(5, "no such room"))),
        Some("long") => {
            let text = "x".repeat(20_000);
            let line = message("Line", json!({"text": text}));
            Reply::messages(std::iter::repeat_n(line, 1000))
        }
        _ => Reply::steps((1..=3).map(|number| {
            Step::Message(message("Line", json!({"number": number, "text": "olá"})))
        })),
    });
    talks
}

#[test]
fn curl_sends_lines_from_a_pipe() {
    let Some(curl) = need(Tool::Curl) else { return };
    let talks = Talks::start();
    let url = format!("http://{}/v1/rooms/7:converse", talks.address());
    let mut child = Command::new(curl)
        .args(["-sS", "--no-buffer", "-X", "POST", "-T", "-"])
        .args(["-H", "Content-Type: application/x-ndjson"])
        .args(["-H", "Accept: application/x-ndjson"])
        .arg(&url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl");
    let mut pipe = child.stdin.take().expect("piped");
    for number in 1..=3 {
        pipe.write_all(format!("{{\"number\":{number}}}\n").as_bytes())
            .expect("written");
        until("the message", || {
            (talks.backend.messages_sent() == number).then_some(())
        });
    }
    drop(pipe);
    let ended = child.wait_with_output().expect("an end");
    let out = String::from_utf8(ended.stdout).expect("text");
    assert_eq!(
        out,
        "{\"room\":\"rooms/7\",\"number\":\"1\"}\n{\"number\":\"2\"}\n{\"number\":\"3\"}\n"
    );
    assert!(ended.status.success());
}

#[test]
fn curl_over_http_2() {
    let Some(curl) = need(Tool::Curl) else { return };
    let talks = Talks::start();
    let out = run(Command::new(curl)
        .args(["-sS", "--http2-prior-knowledge"])
        .args(["-H", "Content-Type: application/x-ndjson"])
        .args(["--data-binary", "{\"number\":1}\n{\"number\":2}\n"])
        .arg(format!("http://{}/v1/rooms/7:collect", talks.address())));
    assert_eq!(out, "{\"number\":\"2\"}");
    assert_eq!(talks.received().len(), 2);
}

#[test]
fn websockets_for_python() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let talks = prepared();
    all_ok(&run(Command::new(python)
        .arg(script("websocket_client.py"))
        .env("GATEWAY", talks.address().to_string())));
}

#[test]
fn ws_and_nodes_own() {
    let Some(node_modules) = need(Tool::NodeModules) else {
        return;
    };
    for which in ["ws", "own"] {
        let talks = prepared();
        all_ok(&run(Command::new("node")
            .arg("--experimental-websocket")
            .arg(script("websocket_client.mjs"))
            .env("WHICH", which)
            .env("NODE_MODULES", &node_modules)
            .env("GATEWAY", talks.address().to_string())));
    }
}

#[test]
fn a_browsers_own() {
    let Some(mut browser) = browser("websocket_page.mjs") else {
        return;
    };
    let talks = prepared();
    all_ok(&run(
        browser.env("GATEWAY_URL", format!("http://{}", talks.address()))
    ));
}
