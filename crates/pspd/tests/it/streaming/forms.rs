//! What a streamed answer looks like, and that each value comes by itself.

use std::io::Read;

use contract::Role;
use testkit::{Chain, http};

use super::{
    EVENTS, FORMS, NDJSON, PSPD, ask, event, expect_next, gateway_before, grpc_peer, line,
};

#[test]
fn a_value_is_read_before_the_next_one_exists() {
    let peer = grpc_peer::Peer::start();
    let gateway = gateway_before(&peer, &[]);
    for form in FORMS {
        let mut client = ask(&gateway, "/b/numbers?count=3", &[form.accept]);
        let call = peer.next_call();
        call.send_head();
        let (head, mut body) = client.read_head("GET").expect("a head before any value");
        assert_eq!(head.status, 200);
        // The service sends a value only after the one before it was read.
        for value in 1..=3 {
            call.send_value(value);
            expect_next(&mut body, &form.value(value));
        }
        call.end();
        let mut rest = String::new();
        body.read_to_string(&mut rest).expect("a clean end");
    }
}

#[test]
fn the_first_value_of_service_b_does_not_wait_for_the_second() {
    let chain = Chain::start(PSPD, Role::Gateway, &[]);
    for form in FORMS {
        // The second value is due a minute later.
        let target = "/b/numbers?count=2&delay_ms=60000";
        let mut client = ask(&chain.gateway, target, &[form.accept]);
        let (_, mut body) = client.read_head("GET").expect("a head");
        let first = body.next_piece().expect("a piece").expect("not the end");
        assert_eq!(String::from_utf8_lossy(&first), form.value(1));
    }
    for form in FORMS {
        let target = "/b/numbers?count=3&delay_ms=300";
        let mut client = ask(&chain.gateway, target, &[form.accept]);
        let (_, mut body) = client.read_head("GET").expect("a head");
        for value in 1..=3 {
            expect_next(&mut body, &form.value(value));
        }
    }
}

#[test]
fn lines_and_events_are_written_exactly_so() {
    let chain = Chain::start(PSPD, Role::Gateway, &[]);
    let lines = get(&chain, "/b/numbers?count=2", &[NDJSON]);
    assert_eq!(lines.status(), 200);
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(lines.header("cache-control"), Some("no-store"));
    assert_eq!(lines.text(), line(1) + &line(2));

    let events = get(&chain, "/b/numbers?count=2", &[EVENTS]);
    assert_eq!(events.status(), 200);
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    assert_eq!(events.header("cache-control"), Some("no-store"));
    let end = "id: end\nevent: end\ndata: {\"from\":\"B\"}\n\n";
    assert_eq!(events.text(), event(1) + &event(2) + end);
}

#[test]
fn a_hundred_thousand_values_come_in_order() {
    let chain = Chain::start(PSPD, Role::Gateway, &[]);
    for form in FORMS {
        let answer = get(&chain, "/b/numbers?count=100000", &[form.accept]);
        let expected: String = (1..=100_000).map(|value| form.value(value)).collect();
        let text = answer.text();
        let values = text.get(..expected.len()).unwrap_or(&text);
        // Not `assert_eq`, which would print both.
        assert!(values == expected, "{form:?}: values differ");
        let rest = &text[expected.len()..];
        assert_eq!(rest.is_empty(), !form.is_events, "{rest}");
    }
}

#[test]
fn a_browser_that_has_seen_the_end_is_told_not_to_ask_again() {
    let peer = grpc_peer::Peer::start();
    let gateway = gateway_before(&peer, &[]);
    let headers = [EVENTS, ("Last-Event-ID", "end")];
    let mut client = ask(&gateway, "/b/numbers?count=2", &headers);
    let answer = client.read_response("GET").expect("an answer");
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.text(), "");
    assert!(!peer.has_call(), "the service was asked all the same");
}

fn get(chain: &Chain, target: &str, headers: &[(&str, &str)]) -> http::Response {
    http::request(chain.address(), "GET", target, headers, b"").expect("an answer")
}
