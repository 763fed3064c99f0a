//! Failures around a streamed answer: before its first byte they are plain
//! answers, after it they are told in the stream's own form, and the chunked
//! body ends as it should either way.

use std::io::Read;

use contract::Role;
use serde_json::Value;
use testkit::{Chain, http};

use super::{FORMS, Form, PSPD, ask, expect_next, gateway_before, grpc_peer};

#[test]
fn what_the_service_refuses_is_a_plain_answer() {
    let chain = Chain::start(PSPD, Role::Gateway, &[]);
    for form in FORMS {
        let target = "/b/numbers?count=1000001";
        let answer = http::request(chain.address(), "GET", target, &[form.accept], b"");
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.json()["grpc_status"], "INVALID_ARGUMENT");
    }
}

#[test]
fn a_service_killed_mid_stream_is_an_error_in_the_stream() {
    for form in FORMS {
        let mut chain = Chain::start(PSPD, Role::Gateway, &[]);
        let target = "/b/numbers?count=1000&delay_ms=60000";
        let mut client = ask(&chain.gateway, target, &[form.accept]);
        let (head, mut body) = client.read_head("GET").expect("a head");
        assert_eq!(head.status, 200);
        expect_next(&mut body, &form.value(1));
        chain.b.kill();
        let error = error_at_end(form, &mut body);
        assert_eq!(error["status"], 502, "{error}");
        still_usable(&mut client);
        let entry = testkit::until("the line of the access log", || {
            let mut log = chain.access_log().into_iter();
            log.find(|entry| entry["path"] == "/b/numbers")
        });
        assert_eq!(entry["request_id"], error["request_id"]);
        let cause = entry["cause"].as_str().expect("a cause");
        assert!(cause.starts_with("service B: "), "{cause}");
    }
}

#[test]
fn a_stream_that_takes_too_long_ends_with_an_error_in_the_stream() {
    let peer = grpc_peer::Peer::start();
    let gateway = gateway_before(&peer, &["--stream-timeout", "4s"]);
    for form in FORMS {
        let mut client = ask(&gateway, "/b/numbers?count=2", &[form.accept]);
        let call = peer.next_call();
        call.send_head();
        call.send_value(1);
        let (head, mut body) = client.read_head("GET").expect("a head");
        assert_eq!(head.status, 200);
        expect_next(&mut body, &form.value(1));
        let error = error_at_end(form, &mut body);
        assert_eq!(error["status"], 504, "{error}");
        assert_eq!(call.wait_for_reset(), h2::Reason::CANCEL);
        still_usable(&mut client);
    }
}

#[test]
fn the_time_limit_of_streams_holds_for_service_b_too() {
    let chain = Chain::start(PSPD, Role::Gateway, &["--stream-timeout", "300ms"]);
    let target = "/b/numbers?count=100&delay_ms=100";
    let mut client = ask(&chain.gateway, target, &[FORMS[0].accept]);
    let (head, mut body) = client.read_head("GET").expect("a head");
    let error = match head.status {
        200 => error_at_end(FORMS[0], &mut body),
        // So busy a machine that not even the head was here in time.
        _ => {
            let mut text = String::new();
            body.read_to_string(&mut text).expect("an answer");
            serde_json::from_str(&text).expect("JSON")
        }
    };
    assert_eq!(error["status"], 504, "{error}");
}

/// Reads to the end of the body, which must be a clean one, and returns the
/// error in the last line or event.
#[track_caller]
fn error_at_end(form: Form, body: &mut http::Body<'_>) -> Value {
    let mut text = String::new();
    body.read_to_string(&mut text).expect("a clean end");
    let last = if form.is_events {
        let events = text.strip_suffix("\n\n").expect("a whole event");
        let last = events.rsplit("\n\n").next().expect("an event");
        last.strip_prefix("id: end\nevent: error\ndata: ")
            .expect("an event of kind error")
    } else {
        let lines = text.strip_suffix('\n').expect("a whole line");
        lines.rsplit('\n').next().expect("a line")
    };
    let error: Value = serde_json::from_str(last).expect("JSON");
    assert!(error["error"].is_string(), "{error}");
    assert!(error["request_id"].is_string(), "{error}");
    error
}

/// A body that ended cleanly leaves its connection in order.
#[track_caller]
fn still_usable(client: &mut http::Connection) {
    client
        .send_request("GET", "/healthz", &[], b"")
        .expect("sent");
    let answer = client.read_response("GET").expect("an answer");
    assert_eq!(answer.text(), "ok");
}
