//! Clients that were written elsewhere: curl for bodies that grow, `websockets` for
//! Python, `ws` and Node's own WebSocket, and a real browser's.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use contract::Role;
use serde_json::json;
use tempfile::TempDir;
use testkit::{
    Process, Program, Tool,
    backend::{End, Reply, Status, Step},
    http, need, proc, run, until,
};

use super::{
    PSPD, Talks, configuration, message,
    peer::{self, Peer},
    protos, upstream,
};
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

/// The gateway before a server of grpcio's, and that server.
fn before_grpcio() -> Option<(Process, TempDir, Program)> {
    let python = need(Tool::Python)?;
    let file = script("grpcio_talks.py");
    let server = Program::start(python, &[file.to_str().expect("a plain path")]);
    let port: u16 = until("the port", || {
        let out = server.out();
        out.lines().next()?.strip_prefix("port ")?.parse().ok()
    });
    let text = upstream(([127, 0, 0, 1], port).into(), &protos(&["streams.proto"]));
    let (folder, path) = configuration(&text);
    let gateway = Process::start(PSPD, Role::Gateway, &["--config", &path]);
    Some((gateway, folder, server))
}

#[test]
fn a_server_of_grpcio() {
    let Some((gateway, _folder, server)) = before_grpcio() else {
        return;
    };
    let post = |target: &str, body: &str| {
        let headers = [("Content-Type", "application/x-ndjson")];
        http::request(gateway.address(), "POST", target, &headers, body.as_bytes())
            .expect("an answer")
    };
    let lines = "{\"text\":\"a\"}\n".repeat(1000);
    let answer = post("/v1/rooms/7:collect", &lines);
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (200, "{\"text\":\"a\"}")
    );
    let answer = post("/v1/rooms/7:converse", &lines);
    assert_eq!(answer.json().as_array().map(Vec::len), Some(1000));

    // Refused while most of the body is still to come.
    let long = format!("{{\"text\":\"early\"}}\n{}", lines.repeat(20));
    for _ in 0..20 {
        let answer = post("/v1/rooms/7:collect", &long);
        assert_eq!(
            (answer.status(), &answer.json()["message"]),
            (429, &json!("enough"))
        );
        let mut socket = Peer::open(gateway.address(), "/v1/rooms/7:collect");
        socket.text("{\"text\":\"early\"}");
        assert_eq!(socket.end().failed(8), "enough");
    }

    // It stops reading: nothing piles up, and one that leaves is noticed over a socket.
    let before = proc::resident_bytes(gateway.pid());
    let mut socket = Peer::open(gateway.address(), "/v1/rooms/7:collect");
    socket.text("{\"text\":\"stall\"}");
    let limit = std::time::Duration::from_millis(500);
    socket.stream().set_write_timeout(Some(limit)).expect("set");
    let text = format!("{{\"text\":\"{}\"}}", "x".repeat(60_000));
    let sent = (0..1000).take_while(|_| socket.send(peer::TEXT, text.as_bytes()).is_ok());
    let sent = sent.count();
    assert!(sent < 400, "{sent} messages of 60 kB were taken");
    let grown = proc::resident_bytes(gateway.pid()).saturating_sub(before);
    assert!(grown < 8 * 1024 * 1024, "the gateway grew by {grown} bytes");
    assert!(!server.out().contains("gone"));
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
