//! Connections on which nobody asks anything are ended, with a word before.

use contract::{Role, pspd::StreamRequest};
use testkit::{Chain, Process, until};

use super::{GRPC, NUMBERS, PSPD, framed};
use crate::raw_client::RawClient;

const IDLE: [&str; 2] = ["--http2-idle-timeout", "2s"];

#[track_caller]
fn expect_end(client: &RawClient) {
    until("the end of the connection", || {
        client.is_closed().then_some(())
    });
    assert!(client.was_told_to_go());
}

#[test]
fn a_connection_without_calls_is_ended() {
    let chain = Chain::start(PSPD, Role::Gateway, &IDLE);
    let b = Process::start(PSPD, Role::B, &IDLE);
    let silent = [chain.address(), b.address()].map(|address| RawClient::connect(address, 1000));
    let mut client = RawClient::connect(chain.address(), 1000);
    let stream = client.ask("GET", "/a/hello", &[], &[]);
    let answer = client.until("an answer", stream, |answer| answer.ended);
    assert!(!answer.ended_late);
    for client in silent.iter().chain([&client]) {
        expect_end(client);
    }
}

#[test]
fn a_connection_with_a_call_is_not() {
    let chain = Chain::start(PSPD, Role::Gateway, &IDLE);
    let b = Process::start(PSPD, Role::B, &IDLE);
    let slow = framed(&StreamRequest {
        count: 3,
        delay_ms: 2500,
    });
    for address in [chain.address(), b.address()] {
        let mut client = RawClient::connect(address, 1000);
        let stream = client.ask("POST", NUMBERS, &GRPC, &slow);
        let answer = client.until("an answer", stream, |answer| answer.ended);
        assert!(!answer.ended_late, "{answer:?}");
        assert_eq!(answer.reset, None);
        expect_end(&client);
    }
}

#[test]
fn ends_of_answers_that_nobody_reads_do_not_keep_a_connection() {
    let args = [&IDLE[..], &["--http2-write-timeout", "1s"]].concat();
    let chain = Chain::start(PSPD, Role::Gateway, &args);
    let mut client = RawClient::connect(chain.address(), 1);
    let stream = client.ask("GET", "/a/hello", &[], &[]);
    expect_end(&client);
    let answer = client.answer(stream);
    assert_eq!((answer.bytes, answer.ended), (1, false), "{answer:?}");
}
