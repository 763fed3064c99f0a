//! Who is slow but lives is waited for.

use std::{thread, time::Duration};

use contract::{Role, pspd::StreamRequest};
use testkit::{Chain, Process};

use super::{ANSWER_BYTES, GRPC, NUMBERS, PSPD, SOON, WEB, before, framed, many_numbers, service};
use crate::raw_client::RawClient;

/// Of a reader; all of them together are longer than it would be waited for.
const PAUSE: Duration = Duration::from_millis(700);
const PAUSES: usize = 8;
const LIMIT: [&str; 2] = ["--http2-write-timeout", "5s"];

/// Has room for a part of an answer of at least so many bytes, and after a pause for the
/// next, until it has it all.
#[track_caller]
fn read_slowly(client: &mut RawClient, stream: u32, bytes: usize) {
    let part = bytes / PAUSES;
    for parts in 1..=PAUSES {
        client.allow(stream, part);
        client.until("a part", stream, |answer| answer.bytes >= parts * part);
        thread::sleep(PAUSE);
    }
    client.allow(stream, bytes);
    let answer = client.until("the end", stream, |answer| {
        answer.ended || answer.reset.is_some()
    });
    assert!(answer.ended, "{answer:?}");
}

#[test]
fn a_whole_answer_may_be_read_slowly() {
    let service = service(ANSWER_BYTES);
    let gateway = before(&service, &LIMIT);
    let mut client = RawClient::connect(gateway.address(), 0);
    let stream = client.ask("GET", "/a/hello", &[], &[]);
    read_slowly(&mut client, stream, ANSWER_BYTES);
}

#[test]
fn a_stream_may_be_read_slowly() {
    let b = Process::start(PSPD, Role::B, &LIMIT);
    let mut client = RawClient::connect(b.address(), 0);
    let stream = client.ask("POST", NUMBERS, &GRPC, &many_numbers());
    // Less than it is, so that it has not ended before the last part.
    read_slowly(&mut client, stream, 8 * 1024 * 1024);
}

#[test]
fn a_service_may_take_its_time() {
    let slow = StreamRequest {
        count: 3,
        delay_ms: 2500,
    };
    let slow = framed(&slow);
    let chain = Chain::start(PSPD, Role::Gateway, &SOON);
    let b = Process::start(PSPD, Role::B, &SOON);
    let mut before_gateway = RawClient::connect(chain.address(), 65_535);
    let mut at_service = RawClient::connect(b.address(), 65_535);
    let events = [("accept", "text/event-stream")];
    let streams = [
        before_gateway.ask("POST", NUMBERS, &GRPC, &slow),
        before_gateway.ask("POST", NUMBERS, &WEB, &slow),
        before_gateway.ask("GET", "/b/numbers?count=3&delay_ms=2500", &events, &[]),
        before_gateway.ask("GET", "/b/numbers?count=3&delay_ms=2500", &[], &[]),
    ];
    let stream = at_service.ask("POST", NUMBERS, &GRPC, &slow);
    let all = streams.map(|stream| (&before_gateway, stream));
    for (client, stream) in all.into_iter().chain([(&at_service, stream)]) {
        let answer = client.until("the end", stream, |answer| {
            answer.ended || answer.reset.is_some()
        });
        assert!(answer.ended && answer.bytes > 0, "{answer:?}");
    }
}
