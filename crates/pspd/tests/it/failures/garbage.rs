//! A service that speaks nonsense: no HTTP/2, HTTP/2 that breaks its rules, no
//! gRPC, messages that are none, or more of everything than anybody wants. All of
//! it ends with an error in the right place, soon, and in bounded memory.

use bytes::Bytes;
use h2::Reason;
use http::{HeaderValue, StatusCode};
use testkit::{Process, until};

use super::{Ask, CASE, Got, Seen, assert_unharmed, gateway_before};
use crate::{
    grpc_peer::{Peer, framed_bytes, head},
    raw_peer::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RawPeer, SETTINGS, Script,
        Then, fields, frame, lying_frame,
    },
    tcp_peer::answering,
};

/// What a service that answers something unreadable is: 502 and `INTERNAL`.
const BROKEN: (u16, u64) = (502, 13);
/// Largest message or gathered answer in these tests.
const BYTES_MAX: usize = 10_000;
/// Most messages in a gathered answer.
const VALUES_MAX: usize = 1000;
/// How much a gateway may grow by what one service sends it.
#[cfg(target_os = "linux")]
const GROWTH_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// Asserts that an answer failed as it must when `before` messages were good.
#[track_caller]
fn assert_broken(got: &Got, ask: Ask, before: usize, what: &str) {
    assert_eq!(
        got.seen(),
        ask.failed(before, BROKEN.0, BROKEN.1),
        "{ask:?}, {what}: {got:?}"
    );
    let delivered = if ask.is_streamed() { before } else { 0 };
    assert_eq!(got.numbers.len(), delivered, "{ask:?}, {what}");
}

#[test]
fn heads_that_are_no_grpc() {
    let service = Peer::answering(|call| {
        let mut other = head();
        let mut of_type = |value| {
            other
                .headers_mut()
                .insert("content-type", HeaderValue::from_static(value));
        };
        match call.request.headers["case"].to_str().expect("text") {
            "html" => of_type("text/html"),
            "json" => of_type("application/json"),
            "no type" => other.headers_mut().clear(),
            "an error page" => *other.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
            "a redirection" => *other.status_mut() = StatusCode::FOUND,
            case => panic!("no such case: {case}"),
        }
        call.send_other_head(other);
        call.send_bytes(Ask::of(call).message(1));
        call.end();
    });
    let gateway = gateway_before(service.address(), &[]);
    for ask in Ask::ALL {
        for case in ["html", "json", "no type", "an error page", "a redirection"] {
            let got = ask.ask(&gateway, &[(CASE, case)]);
            assert_broken(&got, ask, 0, case);
        }
    }
    assert_unharmed(&gateway);
}

/// What may stand in the place of a message: its name, and what is sent.
fn bad_message(ask: Ask, case: &str) -> Bytes {
    let good = ask.message(1);
    match case {
        "compressed" => [&[1], &good[1..]].concat().into(),
        "another flag" => [&[0x80], &good[1..]].concat().into(),
        "half a prefix" => good.slice(..3),
        "half a message" => good.slice(..good.len() - 1),
        "endless" => Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff, 0]),
        "too large" => framed_bytes(&vec![0; BYTES_MAX + 1]),
        "just too large" => Bytes::from(u32_prefix(BYTES_MAX + 1)),
        "no protobuf" => framed_bytes(&[0xff; 20]),
        "no field" => framed_bytes(&[0x08]),
        "field zero" => framed_bytes(&[0x00, 0x01]),
        "another type" => framed_bytes(&[0x0d, 1, 2, 3, 4, 0x12, 0xff]),
        "longer than it is" => framed_bytes(&[0x12, 0x7f, b'x']),
        "no UTF-8" => framed_bytes(&[0x12, 1, 0xff]),
        "an end of a group" => framed_bytes(&[0x0c]),
        case => panic!("no such case: {case}"),
    }
}

fn u32_prefix(bytes: usize) -> Vec<u8> {
    let length = u32::try_from(bytes).expect("a small length");
    [&[0], &length.to_be_bytes()[..]].concat()
}

#[test]
fn messages_that_are_none() {
    let service = Peer::answering(|call| {
        let case = call.request.headers["case"].to_str().expect("text");
        let (before, case) = case.split_once(": ").expect("two parts");
        let ask = Ask::of(call);
        call.send_head();
        for number in 1..=before.parse().expect("a number") {
            call.send_bytes(ask.message(number));
        }
        call.send_bytes(bad_message(ask, case));
        // The end is as it should be, so that it is the message that matters.
        call.end();
    });
    let max = BYTES_MAX.to_string();
    let gateway = gateway_before(service.address(), &["--answer-bytes-max", &max]);
    for ask in Ask::ALL {
        for case in [
            "compressed",
            "another flag",
            "half a prefix",
            "half a message",
            "endless",
            "too large",
            "just too large",
            "no protobuf",
            "no field",
            "field zero",
            "another type",
            "longer than it is",
            "no UTF-8",
            "an end of a group",
        ] {
            // `google.api.HttpBody` is taken as bytes: what is none of its two
            // fields is not looked at, and their content need not be text.
            if ask == Ask::Bytes && matches!(case, "no UTF-8" | "field zero") {
                continue;
            }
            let moments: &[_] = if ask == Ask::One { &[0] } else { &[0, 2] };
            for before in moments {
                let what = format!("{before}: {case}");
                let got = ask.ask(&gateway, &[(CASE, &what)]);
                assert_broken(&got, ask, *before, &what);
            }
        }
    }
    assert_unharmed(&gateway);
}

#[test]
fn a_unary_answer_of_more_than_one_message() {
    let service = Peer::answering(|call| {
        call.send_head();
        match call.request.headers["case"].to_str().expect("text") {
            "two" => {
                call.send_bytes(Ask::One.message(1));
                call.send_bytes(Ask::One.message(2));
                call.end();
            }
            _ => call.send_endlessly(Ask::One.message(1)),
        }
    });
    let gateway = gateway_before(service.address(), &[]);
    for case in ["two", "endless"] {
        let got = Ask::One.ask(&gateway, &[(CASE, case)]);
        assert_broken(&got, Ask::One, 0, case);
    }
    until("the service to be told", || {
        (service.cancelled() >= 1).then_some(())
    });
    assert_unharmed(&gateway);
}

/// A stream without end is gathered up to a limit, and streamed until its time is
/// over; neither takes memory.
#[test]
fn streams_without_end() {
    let service = Peer::answering(|call| {
        call.send_head();
        let ask = Ask::of(call);
        let message = match call.request.headers["case"].to_str().expect("text") {
            "empty" => framed_bytes(&[]),
            "large" => {
                let title = "x".repeat(1000);
                let fields = [&[0x12, 0xe8, 0x07], title.as_bytes()];
                framed_bytes(&fields.concat())
            }
            _ => ask.message(1),
        };
        call.send_endlessly(message);
    });
    let (bytes, values) = (BYTES_MAX.to_string(), VALUES_MAX.to_string());
    let mut args = vec!["--answer-bytes-max", &bytes, "--values-max", &values];
    args.extend(["--stream-timeout", "1s"]);
    let gateway = gateway_before(service.address(), &args);
    let before = peak_bytes(&gateway);

    let too_large = Seen::Refused {
        status: 413,
        code: 8,
    };
    for (case, limit) in [("empty", "1000 values"), ("large", "10000 bytes")] {
        let got = Ask::Array.ask(&gateway, &[(CASE, case)]);
        assert_eq!(got.seen(), too_large, "{case}: {got:?}");
        let error = got.error.expect("an error");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(limit), "{message}");
    }
    std::thread::scope(|scope| {
        for (ask, case) in [
            (Ask::Lines, "empty"),
            (Ask::Events, "large"),
            (Ask::Bytes, "empty"),
        ] {
            let gateway = &gateway;
            scope.spawn(move || {
                let mut connection = ask.begin(gateway, &[(CASE, case)]);
                let end = last_bytes(&mut connection);
                match ask {
                    Ask::Lines => assert!(end.contains("\n{\"error\":{\"code\":4,"), "{end}"),
                    Ask::Events => {
                        assert!(end.contains("\nevent: error\ndata: {\"code\":4,"), "{end}")
                    }
                    _ => assert_eq!(end, "", "{ask:?}"),
                }
            });
        }
    });
    let grown = peak_bytes(&gateway).saturating_sub(before);
    println!("the gateway grew by {} KiB at most", grown / 1024);
    #[cfg(target_os = "linux")]
    assert!(grown < GROWTH_BYTES_MAX, "grew by {grown} bytes");
    until("the service to be told", || {
        (service.cancelled() == 5).then_some(())
    });
    assert_unharmed(&gateway);
}

/// Reads an answer to its end, whatever that is, and keeps no more than its last
/// few bytes.
#[track_caller]
fn last_bytes(connection: &mut testkit::http::Connection) -> String {
    let (head, mut body) = connection.read_head("GET").expect("a head");
    assert_eq!(head.status, 200);
    let mut last = Vec::new();
    while let Ok(Some(piece)) = body.next_piece() {
        last.extend_from_slice(&piece);
        let keep = last.len().saturating_sub(4096);
        last.drain(..keep);
    }
    String::from_utf8_lossy(&last).into_owned()
}

#[cfg(target_os = "linux")]
fn peak_bytes(gateway: &Process) -> u64 {
    testkit::proc::peak_resident_bytes(gateway.pid())
}

/// Elsewhere memory is not looked at.
#[cfg(not(target_os = "linux"))]
fn peak_bytes(_: &Process) -> u64 {
    0
}

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
            let large = frame(DATA, 0, stream, &u32_prefix(4_000_000));
            let data = frame(DATA, 0, stream, &[0xff; 16_000]);
            (large, Then::Repeat(data))
        }
        case => panic!("no such case: {case}"),
    };
    ([begun, more].concat(), then)
}

#[test]
fn frames_that_break_the_rules() {
    let case = |name: &'static str| Script::by_call(move |_, stream| broken_rules(stream, name));
    let good = |_, stream| {
        let head = fields(&[(":status", "200"), ("content-type", "application/grpc")]);
        let end = fields(&[("grpc-status", "0")]);
        let frames = [
            frame(HEADERS, END_HEADERS, stream, &head),
            frame(DATA, 0, stream, &Ask::One.message(1)),
            frame(HEADERS, END_HEADERS | END_STREAM, stream, &end),
        ];
        (frames.concat(), Then::Stay)
    };
    let peer = RawPeer::start(Script::by_call(good));
    // A frame that never comes in full can only be waited for.
    let mut args = vec!["--call-timeout", "1500ms", "--stream-timeout", "1500ms"];
    args.extend(["--upstream-connections", "16"]);
    let gateway = gateway_before(peer.address(), &args);
    let before = peak_bytes(&gateway);
    for name in [
        "data of a stream that is not",
        "a frame of no length",
        "settings that make no sense",
        "a head that is no head",
        "a head that is interrupted",
        "a head without end",
        "trailers without the end",
        "large trailers",
        "more than its window",
    ] {
        for ask in [Ask::One, Ask::Array, Ask::Lines] {
            peer.follow(case(name));
            let got = ask.ask(&gateway, &[]);
            let seen = got.seen();
            let errors = [
                ask.failed(got.numbers.len(), 502, 13),
                ask.failed(got.numbers.len(), 503, 14),
                ask.failed(got.numbers.len(), 504, 4),
            ];
            // How large is too large is nobody's promise; how much is kept is.
            let taken = name == "large trailers" && seen == Seen::Whole;
            assert!(taken || errors.contains(&seen), "{ask:?}, {name}: {got:?}");
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
    #[cfg(target_os = "linux")]
    assert!(grown < GROWTH_BYTES_MAX, "grew by {grown} bytes");
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
