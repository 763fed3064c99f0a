//! A service that is gone at one moment or another of its answer: before its
//! head, between two frames, in the midst of one, after its last message. What
//! had come before is delivered, the rest is an error, and no call is made twice
//! unless the service says that it has not begun it.

use testkit::{Process, until};

use super::{Ask, Got, Seen, assert_unharmed, gateway_before};
use crate::raw_peer::{GO_AWAY, RST_STREAM, RawPeer, Script, Then, frame};

/// Enough connections that there is always one left, however often one is lost, and
/// so few places that one that is not given back is missed.
const SETTINGS: [&str; 4] = ["--upstream-connections", "16", "--in-flight-max", "4"];
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
/// What a service that broke off is: 502 and `INTERNAL`.
const BROKEN: (u16, u64) = (502, 13);

/// Frames for the stream of a call.
type Frames = fn(u32) -> Vec<u8>;

/// The first bytes of an answer, and then something else.
fn begun(ask: Ask, bytes: usize, then: Then) -> Script {
    Script::new(
        move |stream| ask.frames(stream).concat()[..bytes].to_vec(),
        then,
    )
}

/// An answer of which something takes the place of all but the first frames.
fn broken_off(ask: Ask, frames: usize, by: Frames, then: Then) -> Script {
    let bytes = move |stream| [ask.frames(stream)[..frames].concat(), by(stream)].concat();
    Script::new(bytes, then)
}

fn go_away(last_stream: u32, code: u32) -> Vec<u8> {
    frame(
        GO_AWAY,
        0,
        0,
        &[last_stream.to_be_bytes(), code.to_be_bytes()].concat(),
    )
}

fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// Asks, again when the connection was lost before the call was sent on it: the
/// gateway may not have noticed yet how the one before ended.
#[track_caller]
fn ask_once(ask: Ask, peer: &RawPeer, gateway: &Process) -> Got {
    until("a call that reaches the service", || {
        let before = peer.calls();
        let got = ask.ask(gateway, &[]);
        let calls = peer.calls() - before;
        assert!(calls <= 1, "{ask:?}: a call was made {calls} times");
        (calls == 1).then_some(got)
    })
}

#[track_caller]
fn all_is_well(peer: &RawPeer, gateway: &Process) {
    for ask in Ask::ALL {
        peer.follow(begun(ask, ask.frames(1).concat().len(), Then::Stay));
        ask_once(ask, peer, gateway).assert_whole(ask);
    }
    assert_unharmed(gateway);
}

#[test]
fn a_service_that_dies_at_any_moment_of_its_answer() {
    let peer = RawPeer::start(begun(Ask::One, 0, Then::Close));
    let gateway = gateway_before(peer.address(), &SETTINGS);
    for ask in Ask::ALL {
        let mut begin = 0;
        for (index, frame) in ask.frames(1).iter().enumerate() {
            // Messages that had come in full; the first frame is the head.
            let before = index.saturating_sub(1);
            for into in [0, 4, 9, 9 + (frame.len() - 9) / 2] {
                let cut = begin + into;
                peer.follow(begun(ask, cut, Then::Close));
                let got = ask_once(ask, &peer, &gateway);
                let expected = ask.failed(before, BROKEN.0, BROKEN.1);
                assert_eq!(got.seen(), expected, "{ask:?} cut at {cut}: {got:?}");
                let delivered = if ask.is_streamed() { before } else { 0 };
                assert_eq!(got.numbers.len(), delivered, "{ask:?} cut at {cut}");

                peer.follow(begun(ask, cut, Then::Reset));
                let got = ask_once(ask, &peer, &gateway);
                // A reset may overtake what was sent before it.
                let expected = ask.failed(got.numbers.len(), BROKEN.0, BROKEN.1);
                assert_eq!(got.seen(), expected, "{ask:?} reset at {cut}: {got:?}");
                assert!(got.numbers.len() <= before, "{ask:?} reset at {cut}");
            }
            begin += frame.len();
        }
        // Gone after the last byte: nothing is missing.
        peer.follow(begun(ask, begin, Then::Close));
        ask_once(ask, &peer, &gateway).assert_whole(ask);
    }
    all_is_well(&peer, &gateway);
}

#[test]
fn a_call_that_is_reset_between_two_frames() {
    let peer = RawPeer::start(begun(Ask::One, 0, Then::Stay));
    let gateway = gateway_before(peer.address(), &SETTINGS);
    for ask in Ask::ALL {
        for frames in 0..ask.frames(1).len() {
            let before = frames.saturating_sub(1);
            let expected = ask.failed(before, BROKEN.0, BROKEN.1);
            let resets: [Frames; 3] = [
                |stream| reset(stream, NO_ERROR),
                |stream| reset(stream, INTERNAL_ERROR),
                |stream| reset(stream, CANCEL),
            ];
            for by in resets {
                peer.follow(broken_off(ask, frames, by, Then::Stay));
                let got = ask_once(ask, &peer, &gateway);
                assert_eq!(
                    got.seen(),
                    expected,
                    "{ask:?} after {frames} frames: {got:?}"
                );
            }
            if frames > 0 {
                // It has begun, whatever it says.
                let refused = |stream| reset(stream, REFUSED_STREAM);
                peer.follow(broken_off(ask, frames, refused, Then::Stay));
                let got = ask_once(ask, &peer, &gateway);
                assert_eq!(
                    got.seen(),
                    expected,
                    "{ask:?} after {frames} frames: {got:?}"
                );
            }
        }
    }
    all_is_well(&peer, &gateway);
}

#[test]
fn a_service_that_says_goodbye_between_two_frames() {
    let peer = RawPeer::start(begun(Ask::One, 0, Then::Stay));
    let gateway = gateway_before(peer.address(), &SETTINGS);
    for ask in Ask::ALL {
        let whole = ask.frames(1);
        for frames in 0..whole.len() {
            // Politely: what has begun is finished.
            let polite = move |stream| {
                let frame = ask.frames(stream);
                let (first, rest) = frame.split_at(frames);
                [first.concat(), go_away(stream, NO_ERROR), rest.concat()].concat()
            };
            peer.follow(Script::new(polite, Then::Close));
            ask_once(ask, &peer, &gateway).assert_whole(ask);

            // And not.
            let by = |stream| go_away(stream, INTERNAL_ERROR);
            peer.follow(broken_off(ask, frames, by, Then::Close));
            let got = ask_once(ask, &peer, &gateway);
            let expected = ask.failed(got.numbers.len(), BROKEN.0, BROKEN.1);
            assert_eq!(
                got.seen(),
                expected,
                "{ask:?} after {frames} frames: {got:?}"
            );
            assert!(got.numbers.len() <= frames.saturating_sub(1), "{got:?}");
        }
    }
    all_is_well(&peer, &gateway);
}

/// A service, or a proxy before it, that wants a new connection for each call says
/// so, and no call is lost.
#[test]
fn a_service_that_takes_one_call_on_each_connection() {
    let once = |ask: Ask| {
        let bytes = move |stream| {
            let frames = ask.frames(stream);
            let (end, begin) = frames.split_last().expect("not empty");
            [begin.concat(), go_away(stream, NO_ERROR), end.clone()].concat()
        };
        Script::new(bytes, Then::Close)
    };
    let peer = RawPeer::start(once(Ask::One));
    let gateway = gateway_before(peer.address(), &[]);
    for _ in 0..5 {
        for ask in Ask::ALL {
            peer.follow(once(ask));
            ask.ask(&gateway, &[]).assert_whole(ask);
        }
    }
    assert_eq!(peer.calls(), 25);
    assert_unharmed(&gateway);
}

#[test]
fn a_call_that_the_service_did_not_begin_is_made_again() {
    let peer = RawPeer::start(begun(Ask::One, 0, Then::Stay));
    let gateway = gateway_before(peer.address(), &SETTINGS);
    let refusals: [(Frames, Then); 2] = [
        (|stream| reset(stream, REFUSED_STREAM), Then::Stay),
        (|_| go_away(0, NO_ERROR), Then::Close),
    ];
    for ask in Ask::ALL {
        for (refusal, then) in &refusals {
            let before = peer.calls();
            // The first call is refused, and those that follow are answered.
            let (first, refusal, then) = (before + 1, *refusal, then.clone());
            peer.follow(Script::by_call(move |call, stream| match call == first {
                true => (refusal(stream), then.clone()),
                false => (ask.frames(stream).concat(), Then::Stay),
            }));
            ask.ask(&gateway, &[]).assert_whole(ask);
            assert_eq!(peer.calls() - before, 2, "{ask:?}");

            // One that is always refused is given up, and soon.
            peer.follow(Script::new(refusal, Then::Stay));
            let before = peer.calls();
            let got = ask.ask(&gateway, &[]);
            assert!(
                matches!(
                    got.seen(),
                    Seen::Refused {
                        status: 502 | 503,
                        ..
                    }
                ),
                "{got:?}"
            );
            assert!(peer.calls() - before <= 3, "{ask:?}");
        }
    }
    all_is_well(&peer, &gateway);
}
