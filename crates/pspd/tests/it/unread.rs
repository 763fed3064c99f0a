//! Clients that ask over HTTP/2 and do not take what is answered, though they live: each
//! of their streams is reset after a while, and nothing is kept for them. Those that are
//! only slow, and those whose service is, get everything.

mod idle;
mod places;
mod slow;

use std::ops::RangeInclusive;

use contract::{
    Role,
    pspd::{EchoRequest, HelloReply, StreamRequest},
};
use testkit::{Chain, Process, http, proc, until};

use crate::{
    grpc_peer::{Answering, Peer, framed},
    raw_client::RawClient,
};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
/// Soon, for a test.
const SOON: [&str; 2] = ["--http2-write-timeout", "2s"];
const CANCEL: u32 = 8;
/// Bytes of an answer in one piece.
const ANSWER_BYTES: usize = 3 * 1024 * 1024;
/// What a client has room for: nothing, or what it says by saying nothing.
const WINDOWS: [u32; 2] = [0, 65_535];
const AT_ONCE: usize = 8;

const NUMBERS: &str = "/pspd.ServiceB/StreamNumbers";
const CONVERSE: &str = "/pspd.Echo/Converse";
const GRPC: [(&str, &str); 2] = [("content-type", "application/grpc"), ("te", "trailers")];
const WEB: [(&str, &str); 1] = [("content-type", "application/grpc-web+proto")];

/// A service that answers greetings with so many bytes, and everything else without end.
fn service(answer_bytes: usize) -> Answering {
    let message = "x".repeat(answer_bytes);
    let greeting = framed(&HelloReply { message });
    Peer::answering(move |call| {
        call.send_head();
        if call.request.uri.path().ends_with("/SayHello") {
            call.send_bytes(greeting.clone());
            call.end();
        } else {
            call.send_endlessly(vec![0; 16 * 1024].into());
        }
    })
}

/// A gateway with one worker before it.
fn before(service: &Answering, args: &[&str]) -> Process {
    let address = service.address().to_string();
    let mut all = vec!["--a-addr", &address, "--b-addr", &address, "--workers", "1"];
    all.extend(args);
    Process::start(PSPD, Role::Gateway, &all)
}

/// What a client asks of service B: more than it will read.
fn many_numbers() -> Vec<u8> {
    let count = 1_000_000;
    framed(&StreamRequest { count, delay_ms: 0 }).to_vec()
}

/// Waits until each of these is reset, having got what there was room for.
#[track_caller]
fn expect_resets(client: &RawClient, streams: &[u32], window: u32) {
    for stream in streams {
        let answer = client.until("a reset", *stream, |answer| answer.reset.is_some());
        assert_eq!(answer.reset, Some(CANCEL), "{answer:?}");
        assert!(answer.has_head && !answer.ended, "{answer:?}");
        assert_eq!(answer.bytes, window as usize, "{answer:?}");
    }
}

#[test]
fn whole_answers_that_nobody_reads_are_given_up() {
    const ROUNDS: usize = 4;
    let service = service(ANSWER_BYTES);
    let places = AT_ONCE.to_string();
    let gateway = before(
        &service,
        &[&SOON[..], &["--in-flight-max", &places]].concat(),
    );
    let resident = || proc::resident_bytes(gateway.pid());
    let before = resident();
    for window in [WINDOWS, WINDOWS].concat() {
        let mut client = RawClient::connect(gateway.address(), window);
        // All places are free again each time.
        let unread: Vec<_> = (0..AT_ONCE)
            .map(|_| client.ask("GET", "/a/hello", &[], &[]))
            .collect();
        expect_resets(&client, &unread, window);
        // The connection goes on.
        let read = client.ask("GET", "/a/hello", &[], &[]);
        client.allow(read, 2 * ANSWER_BYTES);
        let read = client.until("an answer", read, |answer| answer.ended);
        assert!(read.bytes > ANSWER_BYTES, "{read:?}");
    }
    // What was given up makes room for what comes.
    let asked = (ROUNDS * AT_ONCE * ANSWER_BYTES) as u64;
    until("memory to be given back", || {
        let answer = http::get(gateway.address(), "/a/hello").expect("an answer");
        assert_eq!(answer.status(), 200);
        (resident() < before + asked / 2).then_some(())
    });
}

#[test]
fn streams_that_nobody_reads_are_given_up() {
    let service = service(0);
    let gateway = before(&service, &SOON);
    for window in WINDOWS {
        let mut client = RawClient::connect(gateway.address(), window);
        let streams =
            [&GRPC[..], &WEB].map(|headers| client.ask("POST", NUMBERS, headers, &[0; 5]));
        expect_resets(&client, &streams, window);
    }
    // The service is told.
    until("all calls to be cancelled", || {
        (service.cancelled() == 2 * WINDOWS.len()).then_some(())
    });
}

#[test]
fn a_service_does_not_wait_for_those_who_do_not_read() {
    let b = Process::start(PSPD, Role::B, &SOON);
    for window in WINDOWS {
        let mut client = RawClient::connect(b.address(), window);
        let unread: Vec<_> = (0..AT_ONCE)
            .map(|_| client.ask("POST", NUMBERS, &GRPC, &many_numbers()))
            .collect();
        let read = client.ask("POST", NUMBERS, &GRPC, &many_numbers());
        client.allow(read, 64 * 1024 * 1024);
        expect_resets(&client, &unread, window);
        let read = client.until("an answer", read, |answer| answer.ended);
        assert_eq!(read.bytes, bytes_of_numbers(1..=1_000_000));
    }
}

#[test]
fn a_client_that_goes_on_asking_is_given_up_as_well() {
    let chain = Chain::start(PSPD, Role::Gateway, &SOON);
    let b = Process::start(PSPD, Role::B, &SOON);
    let text = "x".repeat(1000);
    let said = framed(&EchoRequest { text });
    for address in [chain.address(), b.address()] {
        let mut client = RawClient::connect(address, 0);
        let stream = client.begin(CONVERSE, &GRPC, &said);
        expect_resets(&client, &[stream], 0);
    }
}

/// Bytes of these numbers, as a service sends them.
fn bytes_of_numbers(values: RangeInclusive<i32>) -> usize {
    values
        .map(|value| framed(&contract::pspd::NumberReply { value }).len())
        .sum()
}

#[test]
fn the_log_says_that_the_answer_was_not_taken() {
    let chain = Chain::start(PSPD, Role::Gateway, &SOON);
    let mut client = RawClient::connect(chain.address(), 65_535);
    let stream = client.ask("GET", "/b/numbers?count=100000", &[], &[]);
    expect_resets(&client, &[stream], 65_535);
    let entry = until("the line of the access log", || {
        chain.access_log().into_iter().next()
    });
    assert_eq!(entry["status"], 200);
    assert_eq!(entry["client_left"], true, "{entry}");
    let bytes = entry["bytes"].as_u64().expect("a number");
    // Counted is what was handed over, a piece more than there was room for.
    assert!((65_535..200_000).contains(&bytes), "{entry}");
}
