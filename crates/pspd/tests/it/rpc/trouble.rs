//! What becomes of a gRPC call that does not go well: on the service's side, on the
//! client's, on the way.

use h2::Reason;
use http::Response;
use prost::Message;

use super::{
    before,
    call::{Caller, EMPTY, HELLO, NUMBERS},
};
use crate::grpc_peer::{Peer, trailers};

/// How the service broke off, and the status that the client sees.
fn check_reset(reason: Reason, status: &str) {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    let begun = caller.ask(NUMBERS, &[]);
    let call = peer.next_call();
    call.send_head();
    call.send_value(1);
    let (head, _sending) = caller.head(begun);
    call.reset(reason);
    let answer = caller.rest(head);
    assert_eq!(answer.status(), status, "{reason:?}: {answer:?}");
}

#[test]
fn resets_become_statuses() {
    for (reason, status) in [
        (Reason::NO_ERROR, "13"),
        (Reason::PROTOCOL_ERROR, "13"),
        (Reason::INTERNAL_ERROR, "13"),
        (Reason::REFUSED_STREAM, "14"),
        (Reason::CANCEL, "1"),
        (Reason::ENHANCE_YOUR_CALM, "8"),
        (Reason::INADEQUATE_SECURITY, "7"),
    ] {
        check_reset(reason, status);
    }
}

#[test]
fn a_connection_that_closes_is_unavailable() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    let begun = caller.ask(NUMBERS, &[]);
    let call = peer.next_call();
    call.send_head();
    let (head, _sending) = caller.head(begun);
    call.disconnect();
    // The peer may still say that it drops the call.
    let answer = caller.rest(head);
    assert!(["14", "1"].contains(&answer.status()), "{answer:?}");
}

#[test]
fn an_answer_that_is_no_grpc() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    for (http_status, media_type, status) in [
        (503, "text/html", "14"),
        (404, "application/grpc", "12"),
        (200, "text/html", "2"),
    ] {
        let begun = caller.ask(HELLO, &[]);
        let head = Response::builder()
            .status(http_status)
            .header("content-type", media_type)
            .body(())
            .expect("a head");
        peer.next_call().send_only_head(head);
        let answer = caller.answer(begun);
        assert_eq!(answer.head.status, 200);
        assert_eq!(answer.status(), status, "{http_status} {media_type}");
    }
}

#[test]
fn an_answer_without_a_status_is_internal() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    let begun = caller.ask(HELLO, &[]);
    let call = peer.next_call();
    call.send_head();
    call.send_last_bytes(EMPTY);
    assert_eq!(caller.answer(begun).status(), "13");
}

#[test]
fn the_end_of_the_time_is_kept_by_the_gateway() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    // Before the answer has begun, and after.
    let begun = caller.ask(NUMBERS, &[("grpc-timeout", "200m")]);
    let call = peer.next_call();
    assert_eq!(caller.answer(begun).status(), "4");
    assert_eq!(call.wait_for_reset(), Reason::CANCEL);
    let begun = caller.ask(NUMBERS, &[("grpc-timeout", "3S")]);
    let call = peer.next_call();
    call.send_head();
    call.send_value(1);
    let (head, _sending) = caller.head(begun);
    assert!(head.headers().get("grpc-status").is_none(), "it has begun");
    let answer = caller.rest(head);
    assert_eq!(answer.status(), "4");
    assert!(answer.trailer("grpc-message").contains("in time"));
    assert_eq!(call.wait_for_reset(), Reason::CANCEL);
}

#[test]
fn a_client_that_leaves_takes_its_call_along() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    // Before it has sent everything, after that, and after the answer has begun.
    let mut begun = caller.begin(NUMBERS, &[]);
    let call = peer.next_call();
    begun.sending.send_reset(Reason::CANCEL);
    assert_eq!(call.wait_for_reset(), Reason::CANCEL);
    let mut begun = caller.ask(NUMBERS, &[]);
    let call = peer.next_call();
    begun.sending.send_reset(Reason::CANCEL);
    assert_eq!(call.wait_for_reset(), Reason::CANCEL);
    let begun = caller.ask(NUMBERS, &[]);
    let call = peer.next_call();
    call.send_head();
    let (head, _sending) = caller.head(begun);
    drop((head, _sending));
    assert_eq!(call.wait_for_reset(), Reason::CANCEL);
}

#[test]
fn trailers_in_the_head_stay_there() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    let begun = caller.ask(HELLO, &[]);
    let head = Response::builder()
        .header("content-type", "application/grpc+proto")
        .header("grpc-status", "5")
        .header("grpc-message", "no%20one")
        .header("shard", "7");
    peer.next_call()
        .send_only_head(head.body(()).expect("a head"));
    let (head, _sending) = caller.head(begun);
    assert!(head.body().is_end_stream(), "it is one frame");
    let headers = head.headers();
    assert_eq!(headers["grpc-status"], "5");
    assert_eq!(headers["grpc-message"], "no%20one");
    assert_eq!(headers["shard"], "7");
    assert_eq!(headers["content-type"], "application/grpc+proto");
}

#[test]
fn trailers_are_passed_on_as_they_are() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    let begun = caller.ask(HELLO, &[]);
    let call = peer.next_call();
    call.send_head();
    call.send_greeting("olá");
    call.end_with(trailers(&[
        ("grpc-status", "0"),
        ("cost", "3"),
        ("proof-bin", "AP8"),
    ]));
    let answer = caller.answer(begun);
    assert_eq!(answer.status(), "0");
    assert_eq!(answer.trailer("cost"), "3");
    assert_eq!(answer.trailer("proof-bin"), "AP8");
    assert!(!answer.bytes.is_empty());
}

#[test]
fn a_service_that_is_not_there_is_unavailable() {
    let args = ["--a-addr", "127.0.0.1:9", "--b-addr", "127.0.0.1:9"];
    let gateway = testkit::Process::start(super::PSPD, contract::Role::Gateway, &args);
    let caller = Caller::connect(gateway.address());
    let answer = caller.answer(caller.ask(HELLO, &[("x-request-id", "r1")]));
    assert_eq!(answer.status(), "14");
    assert_eq!(answer.head.headers["x-request-id"], "r1");
    let message = answer.trailer("grpc-message");
    assert!(message.contains("cannot be reached"), "{message}");
    let details = base64_of(answer.trailer("grpc-status-details-bin"));
    let status = status_of(&details);
    assert_eq!(status.code, 14);
    assert!(String::from_utf8_lossy(&details).contains("google.rpc.RequestInfo"));
}

#[test]
fn calls_above_the_limit_are_unavailable() {
    let peer = Peer::start();
    let gateway = before(&peer, &["--in-flight-max", "1"]);
    let caller = Caller::connect(gateway.address());
    let first = caller.ask(NUMBERS, &[]);
    let call = peer.next_call();
    let answer = caller.answer(caller.ask(NUMBERS, &[]));
    assert_eq!(answer.status(), "14");
    let details = base64_of(answer.trailer("grpc-status-details-bin"));
    assert!(String::from_utf8_lossy(&details).contains("google.rpc.RetryInfo"));
    call.send_head();
    call.end();
    assert_eq!(caller.answer(first).status(), "0");
    // The place is free again.
    let begun = caller.ask(NUMBERS, &[]);
    let call = peer.next_call();
    call.send_head();
    call.end();
    assert_eq!(caller.answer(begun).status(), "0");
}

/// The gateway has one place, and so has the service.
#[test]
fn a_reader_that_does_not_read_keeps_no_place_beyond_its_time() {
    let peer = Peer::taking(1);
    let gateway = before(&peer, &["--in-flight-max", "1"]);
    let reader = Caller::without_room(gateway.address());
    let begun = reader.ask(NUMBERS, &[("grpc-timeout", "1S")]);
    let call = peer.next_call();
    call.send_head();
    call.send_value(1);
    let answer = reader.head(begun);
    assert_eq!(call.wait_for_reset(), Reason::CANCEL);
    let other = Caller::connect(gateway.address());
    let begun = other.ask(NUMBERS, &[]);
    let call = peer.next_call();
    call.send_head();
    call.end();
    assert_eq!(other.answer(begun).status(), "0");
    drop(answer);
}

fn base64_of(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    engine.decode(text).expect("base64")
}

/// The part of `google.rpc.Status` that the tests read.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
}

fn status_of(bytes: &[u8]) -> Status {
    Status::decode(bytes).expect("a status")
}
