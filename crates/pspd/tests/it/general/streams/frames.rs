//! Frames that break the protocol, and some that only look as if they did.

use std::io::Write;

use testkit::until;

use super::{
    Talks,
    peer::{CLOSE, Peer, TEXT, frame},
};

const CONVERSE: &str = "/v1/rooms/7:converse";

/// What the socket says to these bytes: code 0 is no close frame.
#[track_caller]
fn check(talks: &Talks, name: &str, bytes: &[u8], code: u16) {
    let mut socket = talks.open(CONVERSE);
    // The connection may be closed before everything is sent.
    let _ = socket.stream().write_all(bytes);
    let end = socket.end();
    assert_eq!(end.code, code, "{name}: {end:?}");
}

#[test]
fn frames_that_break_the_protocol() {
    let talks = Talks::start_with("", &["--body-bytes-max", "100000"]);
    let check = |name, bytes: &[u8], code| check(&talks, name, bytes, code);
    check("unmasked", &[TEXT, 2, b'{', b'}'], 1002);
    check("reserved bit 1", &frame(TEXT | 0x40, b"{}"), 1002);
    check("reserved bit 2", &frame(TEXT | 0x20, b"{}"), 1002);
    check("reserved bit 3", &frame(TEXT | 0x10, b"{}"), 1002);
    for opcode in [3, 7, 0xb, 0xf] {
        check("reserved opcode", &frame(0x80 | opcode, b""), 1002);
    }
    check("continuation of nothing", &frame(0x80, b"{}"), 1002);
    let twice = [frame(0x01, b"{"), frame(TEXT, b"}")].concat();
    check("a message inside a message", &twice, 1002);
    check("a long ping", &frame(0x89, &[0; 126]), 1002);
    check("a ping in parts", &frame(0x09, b""), 1002);
    check("a long close", &frame(CLOSE, &[3; 126]), 1002);
    check("a close of one byte", &frame(CLOSE, &[3]), 1002);
    check(
        "a close with a code that is none",
        &frame(CLOSE, &[0, 5]),
        1002,
    );
    check("text that is not UTF-8", &frame(TEXT, b"\"\xff\""), 1007);
    let header = |length: u64| {
        let mut bytes = vec![TEXT, 0x80 | 127];
        bytes.extend(length.to_be_bytes());
        bytes.extend([0; 4]);
        bytes
    };
    check("a frame of 1 GiB", &header(1 << 30), 1009);
    check("a frame of all there is", &header(u64::MAX), 1009);
    let part = frame(0x00, &[b' '; 60_000]);
    let parts = [frame(0x01, b"{"), part.clone(), part].concat();
    check("too much in parts", &parts, 1009);
    // The calls end with their sockets; some had not reached the service.
    until("cancellations", || {
        talks
            .backend
            .cancelled()
            .contains(&"streams.v1.Talks.Converse".to_owned())
            .then_some(())
    });
    // Nobody else is harmed.
    let mut socket = talks.open(CONVERSE);
    socket.text("{}");
    socket.next();
}

#[test]
fn messages_in_parts() {
    let talks = Talks::start();
    let mut socket = talks.open(CONVERSE);
    let parts = [
        frame(0x01, b"{\"text\":"),
        frame(0x89, b"in between"),
        frame(0x00, "\"\u{fc}".as_bytes().split_at(2).0),
        frame(0x00, "\"\u{fc}".as_bytes().split_at(2).1),
        frame(0x80, b"\"}"),
    ];
    for byte in parts.concat() {
        socket.stream().write_all(&[byte]).expect("sent");
    }
    assert_eq!(
        socket.frame().expect("the pong"),
        (0x8a, b"in between".to_vec())
    );
    assert_eq!(socket.next(), "{\"room\":\"rooms/7\",\"text\":\"\u{fc}\"}");
    socket.text("");
    socket.end().ok();
}

#[test]
fn frames_right_behind_the_handshake() {
    let talks = Talks::start();
    let request = super::peer::upgrade(CONVERSE, &[]).into_bytes();
    let together = [request, frame(TEXT, b"{\"number\":1}"), frame(TEXT, b"")].concat();
    let (_, socket) = Peer::shake_hands(talks.address(), together);
    let end = socket.end();
    assert_eq!(end.ok(), [r#"{"room":"rooms/7","number":"1"}"#]);
}

#[test]
fn pings_whose_answers_are_not_read() {
    let talks = Talks::start();
    let mut socket = talks.open(CONVERSE);
    let ping = frame(0x89, &[0; 125]).repeat(1000);
    let before = testkit::proc::resident_bytes(talks.gateway.pid());
    socket
        .stream()
        .set_write_timeout(Some(std::time::Duration::from_millis(500)))
        .expect("set");
    for _ in 0..500 {
        if socket.stream().write_all(&ping).is_err() {
            break;
        }
    }
    let grown = testkit::proc::resident_bytes(talks.gateway.pid()).saturating_sub(before);
    assert!(grown < 8 * 1024 * 1024, "the gateway grew by {grown} bytes");
}

mod random {
    use proptest::prelude::*;

    use super::*;

    /// Bytes of every kind, from frames that are nearly right to none at all.
    fn any_frames() -> impl Strategy<Value = Vec<u8>> {
        let payload = prop_oneof![
            Just(b"{}".to_vec()),
            Just(b"".to_vec()),
            prop::collection::vec(any::<u8>(), 0..200),
        ];
        let first = prop_oneof![Just(TEXT), Just(0x01), Just(0x00), Just(0x89), any::<u8>()];
        let one = prop_oneof![
            4 => (first, payload).prop_map(|(first, payload)| frame(first, &payload)),
            1 => prop::collection::vec(any::<u8>(), 0..20),
        ];
        prop::collection::vec(one, 0..8).prop_map(|frames| frames.concat())
    }

    #[test]
    fn whatever_comes_ends_and_harms_nobody() {
        let talks = Talks::start();
        let config = ProptestConfig {
            cases: 100,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        proptest!(config, |(bytes in any_frames())| {
            let mut socket = talks.open(CONVERSE);
            let _ = socket.stream().write_all(&bytes);
            let _ = socket.stream().write_all(&frame(CLOSE, &1000_u16.to_be_bytes()));
            let _ = socket.stream().shutdown(std::net::Shutdown::Write);
            socket.end();
        });
        let mut socket = talks.open(CONVERSE);
        socket.text("{}");
        socket.next();
    }
}
