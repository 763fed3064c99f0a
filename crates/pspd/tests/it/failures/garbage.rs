//! A service that speaks HTTP/2 and talks nonsense in it: no gRPC, messages that are
//! none, or more of everything than anybody wants. All of it ends with an error in
//! the right place, soon, and in bounded memory. See `frames` for bad HTTP/2.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use testkit::until;

use super::{Ask, CASE, GROWTH_BYTES_MAX, Got, Seen, assert_unharmed, gateway_before, peak_bytes};
use crate::grpc_peer::{Peer, framed_bytes, head};

/// What a service that answers something unreadable is: 502 and `INTERNAL`.
const BROKEN: (u16, u64) = (502, 13);
/// Largest message or gathered answer in these tests.
const BYTES_MAX: usize = 10_000;
/// Most messages in a gathered answer.
const VALUES_MAX: usize = 1000;

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
            "a redirection" => *other.status_mut() = StatusCode::FOUND,
            status => *other.status_mut() = status.parse().expect("a status"),
        }
        call.send_other_head(other);
        call.send_bytes(Ask::of(call).message(1));
        call.end();
    });
    let gateway = gateway_before(service.address(), &[]);
    for ask in Ask::ALL {
        for case in ["html", "json", "no type"] {
            let got = ask.ask(&gateway, &[(CASE, case)]);
            assert_broken(&got, ask, 0, case);
        }
        for (case, status, code) in [
            ("a redirection", 502, 2),
            ("204", 502, 2),
            ("400", 502, 13),
            ("401", 401, 16),
            ("403", 403, 7),
            ("404", 502, 12),
            ("418", 502, 2),
            ("429", 503, 14),
            ("500", 502, 2),
            ("502", 503, 14),
            ("503", 503, 14),
            ("504", 503, 14),
        ] {
            let got = ask.ask(&gateway, &[(CASE, case)]);
            assert_eq!(got.seen(), ask.failed(0, status, code), "{ask:?}, {case}");
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
        // Numbers with many digits, 11 bytes each and more than 20 in JSON.
        "too large as JSON" => {
            let numbers = [
                0x0a, 9, 0x11, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55,
            ];
            let notes = [
                &[0x1a, 0xe3, 0x44, 0x32, 0xe0, 0x44],
                &numbers.repeat(800)[..],
            ];
            framed_bytes(&notes.concat())
        }
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
            "too large as JSON",
        ] {
            // `google.api.HttpBody` is taken as bytes: what is none of its two
            // fields is not looked at, and their content need not be text.
            let of_json = ["no UTF-8", "field zero", "too large as JSON"];
            if ask == Ask::Bytes && of_json.contains(&case) {
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

/// A service chooses the media type of its raw bytes, and nothing else of the head.
#[test]
fn media_types_that_are_none() {
    let service = Peer::answering(|call| {
        let case = call.request.headers["case"].to_str().expect("text");
        let media_type = match case {
            "another line" => "text/plain\r\nX-Forged: 1",
            "a control character" => "text/\u{7}",
            _ => "",
        };
        let length = u8::try_from(media_type.len()).expect("a short text");
        let fields = [&[0x0a, length], media_type.as_bytes(), b"\x12\x02ok"];
        call.send_head();
        call.send_bytes(framed_bytes(&fields.concat()));
        call.end();
    });
    let gateway = gateway_before(service.address(), &[]);
    for case in ["another line", "a control character", "empty"] {
        let mut client = Ask::Bytes.begin(&gateway, &[(CASE, case)]);
        let answer = client.read_response("GET").expect("an answer");
        assert_eq!(
            (answer.status(), answer.text().as_str()),
            (200, "ok"),
            "{case}"
        );
        let media_type = answer.header("content-type");
        assert_eq!(media_type, Some("application/octet-stream"), "{case}");
        assert_eq!(answer.header("x-forged"), None, "{case}");
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
    args.extend(["--stream-timeout", "3s"]);
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
