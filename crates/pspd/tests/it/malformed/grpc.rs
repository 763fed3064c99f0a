//! The same for the ports that speak gRPC: bytes that are no HTTP/2, and HTTP/2
//! that makes no sense.

use proptest::{collection::vec, prelude::*};

use super::{GRPC_ROLES, Thrown, cases, target};
use crate::raw_peer::lying_frame as frame;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A SETTINGS frame that changes nothing.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// Throws at both services; each ends the connection.
fn throw(bytes: &[u8]) {
    let thrown = GRPC_ROLES.map(|role| Thrown::at(target().address(role), bytes));
    for thrown in thrown {
        thrown.until_ended();
    }
}

fn opened(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE, SETTINGS, &frames.concat()].concat()
}

#[test]
fn what_is_no_http2_ends() {
    for bytes in [
        b"".to_vec(),
        b"\0".to_vec(),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX".to_vec(),
        PREFACE.to_vec(),
        [PREFACE, b"nonsense and more nonsense"].concat(),
        vec![0xff; 100_000],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
    ] {
        throw(&bytes);
    }
    target().assert_unharmed();
}

#[test]
fn frames_that_break_the_rules_end_the_connection() {
    let (data, headers, priority, reset, settings) = (0, 1, 2, 3, 4);
    let (push, ping, go_away, window_update, continuation) = (5, 6, 7, 8, 9);
    for frames in [
        vec![frame(0xff_ffff, data, 0, 1, &[])],
        vec![frame(3, data, 0, 1, b"abc")],
        vec![frame(0, data, 0, 0, &[])],
        vec![frame(1, headers, 4, 0, &[0x82])],
        vec![frame(1, headers, 4, 2, &[0x82])],
        vec![frame(4, headers, 4, 1, &[0xff; 4])],
        vec![frame(0, headers, 5, 1, &[])],
        vec![frame(2, headers, 0x0c, 1, &[0xff, 0])],
        vec![frame(1, headers, 0, 1, &[0x82]), frame(0, data, 0, 1, &[])],
        vec![frame(5, priority, 0, 1, &[0, 0, 0, 1, 0])],
        vec![frame(4, reset, 0, 1, &[0; 4])],
        vec![frame(3, reset, 0, 1, &[0; 3])],
        vec![frame(5, settings, 0, 0, &[0; 5])],
        vec![frame(6, settings, 0, 1, &[0; 6])],
        vec![frame(6, settings, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff])],
        vec![frame(4, push, 4, 1, &[0; 4])],
        vec![frame(7, ping, 0, 0, &[0; 7])],
        vec![frame(8, ping, 0, 0, &[0; 8]); 1000],
        vec![frame(8, go_away, 0, 0, &[0; 8])],
        vec![frame(4, window_update, 0, 0, &[0; 4])],
        vec![frame(4, window_update, 0, 0, &[0x7f, 0xff, 0xff, 0xff]); 2],
        vec![frame(0, continuation, 0, 1, &[])],
        vec![frame(0, settings, 0, 0, &[]); 5000],
        vec![frame(0, 0xee, 0xff, u32::MAX, &[])],
        vec![vec![0, 0]],
    ] {
        throw(&opened(&frames));
    }
    target().assert_unharmed();
}

#[test]
fn a_client_that_does_not_say_a_word_is_left() {
    let thrown: Vec<_> = [&b""[..], &PREFACE[..1], &PREFACE[..23]]
        .iter()
        .flat_map(|bytes| GRPC_ROLES.map(|role| Thrown::at(target().address(role), bytes)))
        .collect();
    for thrown in thrown {
        thrown.until_ended_by_server();
    }
    target().assert_unharmed();
}

/// A frame, more or less.
fn random_frame() -> impl Strategy<Value = Vec<u8>> {
    let stream = prop_oneof![Just(0), 0..10u32, any::<u32>()];
    let payload = vec(any::<u8>(), 0..40);
    let honest = prop_oneof![9 => Just(true), 1 => Just(false)];
    (
        0..12u8,
        any::<u8>(),
        stream,
        payload,
        honest,
        0..0x1_0000u32,
    )
        .prop_map(|(kind, flags, stream, payload, honest, lie)| {
            let true_length = payload.len().try_into().unwrap_or(u32::MAX);
            let length = if honest { true_length } else { lie };
            frame(length, kind, flags, stream, &payload)
        })
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn random_frames(frames in vec(random_frame(), 1..20)) {
        throw(&opened(&frames));
        target().assert_unharmed();
    }

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..500)) {
        throw(&bytes);
        target().assert_unharmed();
    }
}
