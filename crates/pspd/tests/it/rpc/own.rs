//! Calls of the gateway's own health and reflection: whatever becomes of one, it gives
//! its place in flight back. The gateway has one place, so that the next call tells.

use bytes::Bytes;
use h2::Reason;
use testkit::{Process, until};

use super::{
    before_service,
    call::{Begun, Caller, EMPTY},
};
use crate::grpc_peer::{Peer, framed_bytes, head, trailers};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
/// Calls that go on for as long as the client wants them to.
const LASTING: [&str; 2] = [WATCH, REFLECTION];
/// Soon, and yet after the question.
const SOON: [(&str, &str); 1] = [("grpc-timeout", "1S")];

/// A gateway with one place, which says that it is well and goes on to say so: whoever
/// watches is told nothing more.
struct Steady {
    gateway: Process,
    other: Caller,
}

impl Steady {
    fn start() -> Steady {
        // It has no health service, and so is well for as long as it answers.
        let service = Peer::answering(|call| {
            let mut refusal = head();
            refusal
                .headers_mut()
                .extend(trailers(&[("grpc-status", "12")]));
            call.send_only_head(refusal);
        });
        let gateway = before_service(service.address(), &["--in-flight-max", "1"]);
        let other = Caller::connect(gateway.address());
        until("the gateway to be well", || {
            let answer = other.answer(other.ask(CHECK, &[]));
            (answer.bytes == framed_bytes(&[8, 1])).then_some(())
        });
        Steady { gateway, other }
    }

    fn connect(&self) -> Caller {
        Caller::connect(self.gateway.address())
    }

    /// Whether there is room for a call.
    #[track_caller]
    fn has_room(&self) -> bool {
        let answer = self.other.answer(self.other.ask(CHECK, &[]));
        let status = answer.status();
        assert!(["0", "14"].contains(&status), "{answer:?}");
        status == "0"
    }

    #[track_caller]
    fn wait_for_room(&self) {
        until("the place to be free again", || {
            self.has_room().then_some(())
        });
    }
}

/// Asks one thing and may ask more.
fn ask(caller: &Caller, path: &str, headers: &[(&str, &str)]) -> Begun {
    caller.say(path, headers, question(path))
}

fn question(path: &str) -> Bytes {
    match path {
        // What services there are.
        REFLECTION => framed_bytes(&[0x3a, 1, b'*']),
        _ => EMPTY,
    }
}

#[test]
fn a_client_that_leaves_gives_its_place_back() {
    let steady = Steady::start();
    for path in LASTING {
        let caller = steady.connect();
        let (head, mut sending) = caller.head(ask(&caller, path, &[]));
        assert!(!steady.has_room(), "{path} has the only place");
        sending.send_reset(Reason::CANCEL);
        drop(head);
        steady.wait_for_room();
    }
}

#[test]
fn a_client_whose_connection_breaks_gives_its_place_back() {
    let steady = Steady::start();
    for path in LASTING {
        let caller = steady.connect();
        let answer = caller.head(ask(&caller, path, &[]));
        assert!(!steady.has_room(), "{path} has the only place");
        drop((answer, caller));
        steady.wait_for_room();
    }
}

#[test]
fn the_end_of_the_time_gives_the_place_back() {
    let steady = Steady::start();
    for path in LASTING {
        let caller = steady.connect();
        let answer = caller.answer(ask(&caller, path, &SOON));
        assert_eq!(answer.status(), "4", "{path}");
        assert!(steady.has_room(), "{path}");
    }
}

/// What it was asked is answered as far as that goes; then its time ends.
#[test]
fn a_reader_that_does_not_read_gives_its_place_back() {
    let steady = Steady::start();
    for path in LASTING {
        let caller = Caller::without_room(steady.gateway.address());
        let mut begun = ask(&caller, path, &SOON);
        // Of a conversation, more than may wait for the reader.
        for _ in 0..if path == REFLECTION { 20 } else { 0 } {
            // The time may be over.
            let _ = begun.sending.send_data(question(path), false);
        }
        let answer = caller.head(begun);
        steady.wait_for_room();
        drop(answer);
    }
}

/// Its place is not needed for what is only to be read.
#[test]
fn an_answer_that_is_whole_has_no_place() {
    let steady = Steady::start();
    for path in [CHECK, REFLECTION] {
        let caller = Caller::without_room(steady.gateway.address());
        let answer = caller.head(caller.ask_with(path, &[], question(path)));
        steady.wait_for_room();
        drop(answer);
    }
}
