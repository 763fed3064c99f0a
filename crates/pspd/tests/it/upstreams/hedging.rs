//! A call that is slow is made a second time where that is asked for, and may be.

use contract::pspd::NumberReply;
use testkit::until;

use super::{Shop, buy, gateway, get, refuse, sell};
use crate::{
    grpc_peer::framed,
    raw_peer::{
        DATA, END_HEADERS, END_STREAM, GO_AWAY, HEADERS, RawPeer, Script, Then, fields, frame,
    },
};

const KEYS: &str = "health = \"off\"\nhedge = { after = \"50ms\", attempts = 2 }";
const SHORT: [&str; 2] = ["--call-timeout", "2s"];

#[test]
fn the_first_answer_wins_and_the_other_call_is_cancelled() {
    let slow = Shop::start(|call| call.hold());
    let well = Shop::start(sell);
    let gateway = gateway(&[slow.address, well.address], KEYS, &[]);
    until("the slow one to have been asked first", || {
        assert_eq!(get(&gateway).status(), 200);
        (slow.calls() > 0).then_some(())
    });
    until("it to be told", || {
        (slow.service.cancelled() == slow.calls()).then_some(())
    });
}

#[test]
fn a_purchase_is_not_made_twice() {
    let slow = Shop::start(|call| call.hold());
    let gateway = gateway(&[slow.address], KEYS, &SHORT);
    assert_eq!(buy(&gateway).status(), 504);
    slow.was_called(1);
    // The answer of one that may be is waited for twice.
    assert_eq!(get(&gateway).status(), 504);
    slow.was_called(3);
}

#[test]
fn a_failure_that_may_pass_is_not_the_end() {
    for (code, status) in [("14", 200), ("5", 404)] {
        let bad = Shop::start(move |call| refuse(call, code));
        let well = Shop::start(sell);
        let gateway = gateway(&[bad.address, well.address], KEYS, &[]);
        until("the bad one to have been asked first", || {
            let answer = get(&gateway).status();
            assert!([200, status].contains(&answer), "{answer}");
            (bad.calls() > 0).then_some(())
        });
    }
}

/// A service that is slow to all is not asked twice as much.
#[test]
fn hedges_count_against_the_budget() {
    const CALLS: usize = 4;
    let slow = Shop::start(|call| call.hold());
    let keys = format!("{KEYS}\nretry-budget = {{ tokens = 2, ratio = 0.1 }}");
    let gateway = gateway(&[slow.address], &keys, &SHORT);
    for _ in 0..CALLS {
        assert_eq!(get(&gateway).status(), 504);
    }
    slow.was_called(CALLS + 1);
}

/// One that did not begin is begun again all the same, also when nothing is left.
#[test]
fn a_call_that_did_not_begin_is_made_again() {
    let peer = RawPeer::start(Script::by_call(|call, stream| match call {
        // Goodbye, and nobody was served: the connection is another then.
        1 => (frame(GO_AWAY, 0, 0, &[0; 8]), Then::Close),
        _ => {
            let head = fields(&[(":status", "200"), ("content-type", "application/grpc")]);
            let end = fields(&[("grpc-status", "0")]);
            let message = framed(&NumberReply { value: 1 });
            let frames = [
                frame(HEADERS, END_HEADERS, stream, &head),
                frame(DATA, 0, stream, &message),
                frame(HEADERS, END_HEADERS | END_STREAM, stream, &end),
            ];
            (frames.concat(), Then::Stay)
        }
    }));
    let gateway = gateway(&[peer.address()], KEYS, &["--upstream-connections", "1"]);
    assert_eq!(get(&gateway).status(), 200);
    assert_eq!(peer.calls(), 2);
}
