//! A call is in flight until its client has the answer, or does not want it any more.

use std::net::SocketAddr;

use contract::Role;
use testkit::{Chain, http, until};

use super::{ANSWER_BYTES, GRPC, PSPD, before, service};
use crate::raw_client::RawClient;

const ONE_PLACE: [&str; 2] = ["--in-flight-max", "1"];
const HELLO: &str = "/pspd.ServiceA/SayHello";

/// The status of a call without a body.
fn status(gateway: SocketAddr) -> u16 {
    http::get(gateway, "/a/hello").expect("an answer").status()
}

#[track_caller]
fn expect_free(gateway: SocketAddr) {
    until("the place to be free", || {
        (status(gateway) == 200).then_some(())
    });
}

#[test]
fn an_answer_over_http2_has_a_place_until_it_is_taken() {
    let asks: [fn(&mut RawClient) -> u32; 3] = [
        |client| client.ask("GET", "/a/hello", &[], &[]),
        |client| client.ask("POST", HELLO, &GRPC, &[0; 5]),
        |client| client.begin(HELLO, &GRPC, &[0; 5]),
    ];
    // One that comes with its end, and one that does not.
    for bytes in [1000, ANSWER_BYTES] {
        let service = service(bytes);
        let gateway = before(&service, &ONE_PLACE);
        for ask in asks {
            has_a_place_until_it_is_taken(gateway.address(), ask);
        }
    }
}

#[track_caller]
fn has_a_place_until_it_is_taken(gateway: SocketAddr, ask: fn(&mut RawClient) -> u32) {
    let asked = || {
        let mut client = RawClient::connect(gateway, 0);
        let stream = ask(&mut client);
        client.until("a head", stream, |answer| answer.has_head);
        assert_eq!(status(gateway), 503);
        (client, stream)
    };
    let (client, _) = asked();
    drop(client);
    expect_free(gateway);

    let (mut client, stream) = asked();
    client.allow(stream, 2 * ANSWER_BYTES);
    client.until("an answer", stream, |answer| answer.ended);
    expect_free(gateway);
}

#[test]
fn an_answer_over_http1_has_a_place_until_it_is_taken() {
    // More than the system takes for the client.
    let bytes = 24 * 1024 * 1024;
    let service = service(bytes);
    let most = (2 * bytes).to_string();
    let args = [&ONE_PLACE[..], &["--answer-bytes-max", &most]].concat();
    let gateway = before(&service, &args);
    let gateway = gateway.address();
    let ask = || {
        let mut client = http::Connection::open(gateway).expect("connected");
        client
            .send_request("GET", "/a/hello", &[], b"")
            .expect("sent");
        client
    };
    let mut client = ask();
    let (head, mut body) = client.read_head("GET").expect("a head");
    assert_eq!(head.status, 200);
    assert_eq!(status(gateway), 503);
    let mut taken = 0;
    while let Some(piece) = body.next_piece().expect("more of it") {
        taken += piece.len();
    }
    assert!(taken > bytes, "{taken}");
    expect_free(gateway);

    let mut client = ask();
    client.read_head("GET").expect("a head");
    assert_eq!(status(gateway), 503);
    drop(client);
    expect_free(gateway);
}

#[test]
fn an_answer_without_a_body_has_none() {
    let chain = Chain::start(PSPD, Role::Gateway, &ONE_PLACE);
    let mut client = RawClient::connect(chain.address(), 0);
    for _ in 0..3 {
        let stream = client.ask("HEAD", "/b/numbers?count=10000", &[], &[]);
        let answer = client.until("an answer", stream, |answer| answer.ended);
        assert_eq!(answer.bytes, 0);
        let mut other = http::Connection::open(chain.address()).expect("connected");
        other
            .send_request("HEAD", "/b/numbers?count=10000", &[], b"")
            .expect("sent");
        let answer = other.read_response("HEAD").expect("an answer");
        assert_eq!(answer.status(), 200);
    }
}
