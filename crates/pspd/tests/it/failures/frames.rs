//! A service whose frames are wrong: no HTTP/2, HTTP/2 that breaks its rules, and
//! HTTP/2 that is unusual and right. What breaks the rules ends the calls that it
//! breaks, in bounded memory, and the next call is well.

use bytes::Bytes;
use h2::Reason;
use testkit::until;

use super::{Ask, CASE, GROWTH_BYTES_MAX, Seen, assert_unharmed, gateway_before, peak_bytes};
use crate::{
    grpc_peer::Peer,
    raw_peer::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PADDED, PING, RawPeer, SETTINGS,
        Script, Then, fields, frame, lying_frame,
    },
    tcp_peer::answering,
};

/// How long a call may take where some have to wait for their end.
const SHORT: &str = "1500ms";

#[test]
fn servers_that_speak_no_http2() {
    let http1 = "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n";
    for bytes in [
        &b""[..],
        http1.as_bytes(),
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"SSH-2.0-x\r\n",
        b"\x15\x03\x01\x00\x02\x02\x0a",
    ] {
        let gateway = gateway_before(answering(bytes), &[]);
        for ask in Ask::ALL {
            let got = ask.ask(&gateway, &[]);
            // 503 when the connection was found closed before the call.
            let (refused, status) = (got.seen(), got.status);
            assert!(matches!(status, 502 | 503), "{refused:?}: {got:?}");
        }
        assert_unharmed(&gateway);
    }
}

/// What a service may send that breaks the rules of HTTP/2, after one good message.
const BROKEN_RULES: [&str; 9] = [
    "data of a stream that is not",
    "a frame of no length",
    "settings that make no sense",
    "a head that is no head",
    "a head that is interrupted",
    "a head without end",
    "trailers without the end",
    "large trailers",
    "more than its window",
];

fn broken_rules(stream: u32, case: &str) -> (Vec<u8>, Then) {
    let good = Ask::Lines.message(1);
    let head = fields(&[(":status", "200"), ("content-type", "application/grpc")]);
    let begun = [
        frame(HEADERS, END_HEADERS, stream, &head),
        frame(DATA, 0, stream, &good),
    ]
    .concat();
    let end = fields(&[("grpc-status", "0")]);
    let (more, then) = match case {
        "data of a stream that is not" => (frame(DATA, 0, stream + 100, &good), Then::Stay),
        "a frame of no length" => (lying_frame(0xff_ffff, DATA, 0, stream, &[]), Then::Stay),
        "settings that make no sense" => (frame(SETTINGS, 0, 0, &[0; 5]), Then::Stay),
        "a head that is no head" => (
            frame(HEADERS, END_HEADERS | END_STREAM, stream, &[0xff; 9]),
            Then::Stay,
        ),
        "a head that is interrupted" => (
            frame(HEADERS, END_STREAM, stream, &end),
            Then::Repeat(frame(PING, 0, 0, &[0; 8])),
        ),
        "a head without end" => {
            let name = fields(&[("x-more", "and more")]);
            let more = frame(CONTINUATION, 0, stream, &name);
            (frame(HEADERS, END_STREAM, stream, &end), Then::Repeat(more))
        }
        "trailers without the end" => (frame(HEADERS, END_HEADERS, stream, &end), Then::Stay),
        "large trailers" => {
            let large = "x".repeat(60_000);
            let end = fields(&[("x-large", &large), ("grpc-status", "0")]);
            let parts: Vec<_> = end.chunks(16_000).collect();
            let (first, rest) = parts.split_first().expect("not empty");
            let mut frames = frame(HEADERS, END_STREAM, stream, first);
            for (index, part) in rest.iter().enumerate() {
                let last = index + 1 == rest.len();
                let flags = if last { END_HEADERS } else { 0 };
                frames.extend(frame(CONTINUATION, flags, stream, part));
            }
            (frames, Then::Stay)
        }
        "more than its window" => {
            let large = frame(DATA, 0, stream, &[0, 0, 0x3d, 0x09, 0]);
            let data = frame(DATA, 0, stream, &[0xff; 16_000]);
            (large, Then::Repeat(data))
        }
        case => panic!("no such case: {case}"),
    };
    ([begun, more].concat(), then)
}

#[test]
fn frames_that_break_the_rules() {
    let good = |_, stream| (Ask::One.frames(stream).concat(), Then::Stay);
    let peer = RawPeer::start(Script::by_call(good));
    // A frame that never comes in full can only be waited for.
    let mut args = vec!["--call-timeout", SHORT, "--stream-timeout", SHORT];
    args.extend(["--upstream-connections", "16"]);
    let gateway = gateway_before(peer.address(), &args);
    let before = peak_bytes(&gateway);
    for name in BROKEN_RULES {
        for ask in [Ask::One, Ask::Array, Ask::Lines] {
            let broken = |_, stream| broken_rules(stream, name);
            peer.follow(Script::by_call(broken));
            let got = ask.ask(&gateway, &[]);
            let errors = [
                ask.failed(got.numbers.len(), 502, 13),
                ask.failed(got.numbers.len(), 503, 14),
                ask.failed(got.numbers.len(), 504, 4),
            ];
            assert!(errors.contains(&got.seen()), "{ask:?}, {name}: {got:?}");
            assert!(got.numbers.len() <= 1, "{ask:?}, {name}: {got:?}");
            peer.follow(Script::by_call(good));
            until(&format!("the next call to be well after {name}"), || {
                let got = Ask::One.ask(&gateway, &[]);
                (got.seen() == Seen::Whole).then_some(())
            });
        }
    }
    let grown = peak_bytes(&gateway).saturating_sub(before);
    println!("the gateway grew by {} KiB at most", grown / 1024);
    assert!(grown < GROWTH_BYTES_MAX, "grew by {grown} bytes");
    assert_unharmed(&gateway);
}

/// Ways to say the same that few servers use and every client has to understand.
const UNUSUAL: [&str; 9] = [
    "an early hint",
    "a head in parts",
    "a short status",
    "a longer media type",
    "padding",
    "byte by byte",
    "everything at once",
    "frames of no kind",
    "settings in between",
];

fn unusual(ask: Ask, stream: u32, case: &str) -> Vec<u8> {
    let usual = ask.frames(stream);
    let end = &usual[usual.len() - 1];
    let messages = || (1..=ask.messages()).map(|number| ask.message(number));
    let head = |fields: &[u8]| frame(HEADERS, END_HEADERS, stream, fields);
    let data = |frames: Vec<Vec<u8>>| [usual[0].clone(), frames.concat(), end.clone()].concat();
    let with_head = |head: Vec<u8>| [head, usual[1..].concat()].concat();
    match case {
        "an early hint" => {
            let hint = head(&fields(&[(":status", "103"), ("link", "</x>")]));
            [hint, usual.concat()].concat()
        }
        "a head in parts" => {
            let fields = fields(&[(":status", "200"), ("content-type", "application/grpc")]);
            let (first, rest) = fields.split_at(15);
            let rest = frame(CONTINUATION, END_HEADERS, stream, rest);
            with_head([frame(HEADERS, 0, stream, first), rest].concat())
        }
        "a short status" => {
            // The eighth entry of the table that everybody has (RFC 7541, appendix A).
            let media_type = fields(&[("content-type", "application/grpc")]);
            with_head(head(&[&[0x88], &media_type[..]].concat()))
        }
        "a longer media type" => {
            let media_type = ("content-type", "application/grpc+proto; charset=utf-8");
            with_head(head(&fields(&[(":status", "200"), media_type])))
        }
        "padding" => {
            let padded = |message: Bytes| [&[7], &message[..], &[0; 7]].concat();
            let frames = messages().map(|message| frame(DATA, PADDED, stream, &padded(message)));
            data(frames.collect())
        }
        "byte by byte" => {
            let bytes: Vec<u8> = messages().flatten().collect();
            let empty = frame(DATA, 0, stream, &[]);
            let of_one = |byte| [frame(DATA, 0, stream, &[byte]), empty.clone()].concat();
            data(bytes.into_iter().map(of_one).collect())
        }
        "everything at once" => {
            let bytes: Vec<u8> = messages().flatten().collect();
            data(vec![frame(DATA, 0, stream, &bytes)])
        }
        "frames of no kind" => {
            let unknown = [frame(0xee, 0xff, stream, b"?"), frame(0xef, 0, 0, b"!")].concat();
            let frames = usual.iter().map(|usual| [&unknown[..], usual].concat());
            frames.flatten().collect()
        }
        "settings in between" => {
            // Streams may be as many as before, and frames as large.
            let settings = frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0x40, 0]);
            let frames = usual.iter().map(|usual| [&settings[..], usual].concat());
            frames.flatten().collect()
        }
        case => panic!("no such case: {case}"),
    }
}

#[test]
fn what_is_unusual_but_allowed_is_understood() {
    let peer = RawPeer::start(Script::new(|_| Vec::new(), Then::Stay));
    let gateway = gateway_before(peer.address(), &[]);
    for name in UNUSUAL {
        for ask in Ask::ALL {
            peer.follow(Script::new(
                move |stream| unusual(ask, stream, name),
                Then::Stay,
            ));
            let got = ask.ask(&gateway, &[]);
            assert_eq!(got.seen(), Seen::Whole, "{ask:?}, {name}: {got:?}");
            got.assert_whole(ask);
        }
    }
    assert_unharmed(&gateway);
}

/// A connection that is open, and on which nothing comes back any more, costs the
/// call that finds that out, and not all that follow.
#[test]
fn a_connection_that_fell_silent_does_not_take_all_calls() {
    let peer = RawPeer::start(Script::by_call(|call, stream| match call {
        1 => (Vec::new(), Then::Silent),
        _ => (Ask::One.frames(stream).concat(), Then::Stay),
    }));
    let args = ["--call-timeout", SHORT, "--upstream-connections", "2"];
    let gateway = gateway_before(peer.address(), &args);
    let got = Ask::One.ask(&gateway, &[]);
    assert_eq!(got.seen(), Ask::One.failed(0, 504, 4), "{got:?}");
    for _ in 0..10 {
        Ask::One.ask(&gateway, &[]).assert_whole(Ask::One);
    }
    assert_unharmed(&gateway);
}

/// A service that resets every call says so with each of the reasons there are.
#[test]
fn resets_for_every_reason() {
    let service = Peer::answering(|call| {
        let case = call.request.headers["case"].to_str().expect("text");
        let reason: u32 = case.parse().expect("a number");
        call.reset(Reason::from(reason));
    });
    let gateway = gateway_before(service.address(), &[]);
    for reason in 0..=14 {
        let got = Ask::One.ask(&gateway, &[(CASE, &reason.to_string())]);
        let status = got.status;
        assert!(matches!(status, 499..=504), "{reason}: {got:?}");
    }
    assert_unharmed(&gateway);
}
