//! What is told to those whose calls outlast the stop, each in the way of its protocol.

use contract::{Role, pspd::StreamRequest};
use serde_json::Value;
use testkit::{Chain, Process, http};

use super::PSPD;
use crate::{
    grpc_peer::framed,
    rpc::call::{Caller, NUMBERS},
};

const SOON: [&str; 2] = ["--drain-timeout", "500ms"];
const NDJSON: (&str, &str) = ("Accept", "application/x-ndjson");
const EVENTS: (&str, &str) = ("Accept", "text/event-stream");
/// One number at once, the next one in a minute.
const ENDLESS: &str = "/b/numbers?count=1000&delay_ms=60000";

fn endless() -> bytes::Bytes {
    framed(&StreamRequest {
        count: 1000,
        delay_ms: 60_000,
    })
}

fn asked(chain: &Chain, headers: &[(&str, &str)]) -> http::Connection {
    let mut connection = http::Connection::open(chain.address()).expect("connected");
    connection
        .send_request("GET", ENDLESS, headers, b"")
        .expect("sent");
    connection
}

#[test]
fn of_gateway_p() {
    let chain = Chain::start(PSPD, Role::Gateway, &SOON);
    let mut whole = asked(&chain, &[]);
    let mut lines = asked(&chain, &[NDJSON]);
    let mut events = asked(&chain, &[EVENTS]);
    let caller = Caller::connect(chain.address());
    let begun = caller.ask_with(NUMBERS, &[], endless());
    for stream in [&mut lines, &mut events] {
        let (head, mut body) = stream.read_head("GET").expect("a head");
        assert_eq!(head.status, 200);
        body.next_piece().expect("a value").expect("a value");
    }
    testkit::signal(chain.gateway.pid(), "TERM");

    let answer = whole.read_response("GET").expect("a whole answer");
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(
        answer.text().contains("the gateway stops"),
        "{}",
        answer.text()
    );
    let rest = String::from_utf8(lines.read_to_end().expect("an end")).expect("text");
    assert!(rest.contains("the gateway stops"), "{rest}");
    assert!(rest.ends_with("0\r\n\r\n"), "torn: {rest}");
    let rest = String::from_utf8(events.read_to_end().expect("an end")).expect("text");
    assert!(rest.contains("event: error"), "{rest}");
    assert!(rest.contains("the gateway stops"), "{rest}");
    assert!(rest.ends_with("0\r\n\r\n"), "torn: {rest}");
    let answer = caller.answer(begun);
    assert_eq!(answer.status(), "14");
    assert!(answer.trailer("grpc-message").contains("the gateway stops"));
    assert!(chain.gateway.wait().success());
    let log = chain.operational_log().join("\n");
    assert!(log.contains("\"abandoned\":0"), "{log}");
}

#[test]
fn of_gateway_p_rest() {
    let chain = Chain::start(PSPD, Role::GatewayRest, &SOON);
    let mut whole = asked(&chain, &[]);
    let hello = http::get(chain.address(), "/a/hello").expect("an answer");
    assert_eq!(hello.status(), 200);
    testkit::signal(chain.gateway.pid(), "TERM");
    let answer = whole.read_response("GET").expect("a whole answer");
    assert_eq!(answer.status(), 503, "{}", answer.text());
    let body: Value = answer.json();
    assert!(
        body["error"]
            .as_str()
            .is_some_and(|error| error.contains("the gateway stops")),
        "{body}"
    );
    assert!(chain.gateway.wait().success());
}

#[test]
fn of_service_b() {
    let b = Process::start(PSPD, Role::B, &SOON);
    let caller = Caller::connect(b.address());
    // One that is being answered, and one that waits for its client.
    let streaming = caller.ask_with(NUMBERS, &[], endless());
    let summing = caller.begin("/pspd.Statistics/Summarize", &[]);
    // Later than both.
    let health = caller.ask("/grpc.health.v1.Health/Check", &[]);
    assert_eq!(caller.answer(health).status(), "0");
    testkit::signal(b.pid(), "TERM");
    for begun in [streaming, summing] {
        let answer = caller.answer(begun);
        assert_eq!(answer.status(), "14", "{answer:?}");
    }
    assert!(b.wait().success());
}
