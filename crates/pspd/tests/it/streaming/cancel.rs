//! A client that goes away takes its call along: the service sees the call
//! reset (or, over HTTP/1.1, the connection closed), and nobody else's call on
//! the same connection is touched.

use contract::Role;
use h2::Reason;
use testkit::Process;

use super::{
    NDJSON, PSPD, ask, expect_next, gateway_before,
    grpc_peer::{Call, Peer},
    line,
    rest_peer::RestPeer,
};

#[test]
fn a_client_that_leaves_cancels_its_call_and_only_that() {
    let peer = Peer::start();
    let gateway = gateway_before(&peer, &[]);
    let mut stays = ask(&gateway, "/b/numbers?count=2", &[NDJSON]);
    let other = peer.next_call();
    other.send_head();

    // Before the service has answered at all, whatever is asked.
    for (target, headers) in [
        ("/a/hello", &[][..]),
        ("/b/numbers", &[]),
        ("/b/numbers", &[NDJSON]),
    ] {
        let client = ask(&gateway, target, headers);
        let call = peer.next_call();
        drop(client);
        cancelled(&call, &other);
    }
    // In the midst of an answer that is gathered.
    let client = ask(&gateway, "/b/numbers?count=2", &[]);
    let call = peer.next_call();
    call.send_head();
    call.send_value(1);
    drop(client);
    cancelled(&call, &other);
    // In the midst of one that is streamed.
    let mut client = ask(&gateway, "/b/numbers?count=2", &[NDJSON]);
    let call = peer.next_call();
    call.send_head();
    call.send_value(1);
    let (_, mut body) = client.read_head("GET").expect("a head");
    expect_next(&mut body, &line(1));
    drop(client);
    cancelled(&call, &other);

    for value in [1, 2] {
        other.send_value(value);
    }
    other.end();
    let answer = stays.read_response("GET").expect("a whole answer");
    assert_eq!(answer.text(), line(1) + &line(2));
}

#[track_caller]
fn cancelled(call: &Call, other: &Call) {
    assert_eq!(call.wait_for_reset(), Reason::CANCEL);
    // The connections of A and B are two; those of one service are one.
    if call.request.uri.path() == other.request.uri.path() {
        assert_eq!(call.connection, other.connection);
    }
}

#[test]
fn a_client_that_leaves_gives_its_place_in_flight_back() {
    let peer = Peer::start();
    let gateway = gateway_before(&peer, &["--in-flight-max", "1"]);
    let client = ask(&gateway, "/b/numbers", &[]);
    let call = peer.next_call();
    let refused = ask(&gateway, "/a/hello", &[]).read_response("GET");
    assert_eq!(refused.expect("an answer").status(), 503);
    drop(client);
    assert_eq!(call.wait_for_reset(), Reason::CANCEL);

    let mut next = ask(&gateway, "/a/hello", &[]);
    let call = peer.next_call();
    call.send_head();
    call.send_greeting("Olá");
    call.end();
    let answer = next.read_response("GET").expect("an answer");
    assert_eq!(answer.json()["message"], "Olá");
}

#[test]
fn a_call_that_takes_too_long_is_cancelled() {
    let peer = Peer::start();
    let gateway = gateway_before(&peer, &["--call-timeout", "1s"]);
    for target in ["/a/hello", "/b/numbers"] {
        let mut client = ask(&gateway, target, &[]);
        let call = peer.next_call();
        call.send_head();
        let answer = client.read_response("GET").expect("an answer");
        assert_eq!(answer.status(), 504, "{}", answer.text());
        assert_eq!(call.wait_for_reset(), Reason::CANCEL);
    }
}

#[test]
fn a_service_that_sends_more_than_may_be_gathered_is_stopped() {
    let peer = Peer::start();
    let gateway = gateway_before(&peer, &["--values-max", "2"]);
    let mut client = ask(&gateway, "/b/numbers?count=2", &[]);
    let call = peer.next_call();
    call.send_head();
    for value in 1..=3 {
        call.send_value(value);
    }
    let answer = client.read_response("GET").expect("an answer");
    assert_eq!(answer.status(), 413, "{}", answer.text());
    assert_eq!(call.wait_for_reset(), Reason::CANCEL);
}

#[test]
fn a_head_request_does_not_leave_a_stream_open() {
    let peer = Peer::start();
    let gateway = gateway_before(&peer, &[]);
    let mut client = testkit::http::Connection::open(gateway.address()).expect("connected");
    client
        .send_request("HEAD", "/b/numbers", &[NDJSON], b"")
        .expect("sent");
    let call = peer.next_call();
    call.send_head();
    let answer = client.read_response("HEAD").expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(call.wait_for_reset(), Reason::CANCEL);
}

#[test]
fn a_client_that_leaves_closes_the_connection_of_its_rest_call() {
    let peer = RestPeer::start();
    let url = format!("http://{}", peer.address());
    let args = ["--a-rest", &url, "--b-rest", &url];
    let gateway = Process::start(PSPD, Role::GatewayRest, &args);

    let begun = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                 Content-Length: 100\r\n\r\n{\"values\":[1,";
    // Before the service has answered, and in the midst of its answer.
    for sent in ["", begun] {
        for target in ["/a/hello", "/b/numbers"] {
            let client = ask(&gateway, target, &[]);
            let mut call = peer.next_call();
            call.send(sent);
            drop(client);
            call.wait_for_close();
        }
    }
}
