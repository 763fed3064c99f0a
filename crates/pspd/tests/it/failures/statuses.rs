//! Every status that a call can end with, at every moment at which it can, in
//! every form: an HTTP status while there is one to choose, the error in the stream
//! after that, and its message and details in either.

use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::{Ask, CASE, Seen, assert_unharmed, gateway_before};
use crate::grpc_peer::{Call, Peer, head, trailers};

/// The HTTP status of each code from 0, as `docs/gateway.md` promises them; the
/// last one is no code that exists.
const HTTP: [u16; 18] = [
    200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401, 500,
];
/// What a code that does not exist is: `UNKNOWN`.
const UNKNOWN: u64 = 2;

const MOMENTS: [&str; 3] = ["with the head", "without a message", "after a message"];

/// A `google.rpc.Status` with an `ErrorInfo`, serialized.
const DETAILS: &str = "CAUSCWdvbmUgYXdheRo5Cih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuRXJyb3JJbmZv\
                       Eg0KBEdPTkUSBWJvb2tz";

/// Ends a call as it asks to be ended.
fn end(call: &Call) {
    let case = call.request.headers["case"].to_str().expect("text");
    let (code, moment) = case.split_once(' ').expect("two parts");
    let mut status = trailers(&[("grpc-status", code)]);
    if code != "0" {
        status.extend(trailers(&[
            ("grpc-message", "gone%20away"),
            ("grpc-status-details-bin", DETAILS),
        ]));
    }
    if moment == "with the head" {
        let mut head = head();
        head.headers_mut().extend(status);
        return call.send_only_head(head);
    }
    call.send_head();
    if moment == "after a message" {
        call.send_bytes(Ask::of(call).message(1));
    }
    call.end_with(status);
}

#[test]
fn every_status_at_every_moment_in_every_form() {
    let service = Peer::answering(end);
    let gateway = gateway_before(service.address(), &["--in-flight-max", "4"]);
    for ask in Ask::ALL {
        for moment in MOMENTS {
            for (code, http) in (0..).zip(HTTP) {
                let got = ask.ask(&gateway, &[(CASE, &format!("{code} {moment}"))]);
                let sent = usize::from(moment == "after a message");
                let expected = match (code, ask) {
                    // Nothing is no message, and no answer to a unary call.
                    (0, Ask::One) if sent == 0 => ask.failed(0, 502, 13),
                    (0, _) => Seen::Whole,
                    (17, _) => ask.failed(sent, http, UNKNOWN),
                    (code, _) => ask.failed(sent, http, code),
                };
                assert_eq!(got.seen(), expected, "{ask:?}, {code} {moment}: {got:?}");
                let delivered = match expected {
                    Seen::Refused { .. } => 0,
                    _ => sent,
                };
                assert_eq!(got.numbers.len(), delivered, "{ask:?}, {code} {moment}");
                let Some(error) = got.error.filter(|_| code > 0) else {
                    continue;
                };
                assert_eq!(error["message"], "gone away");
                let info = json!({
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "GONE",
                    "domain": "books",
                });
                assert_eq!(error["details"][0], info, "{ask:?}, {code} {moment}");
            }
        }
    }
    assert_eq!(service.asked(), Ask::ALL.len() * MOMENTS.len() * HTTP.len());
    assert_unharmed(&gateway);
}

/// Ends calls with a status that is none, or with one that is hard to read.
#[test]
fn statuses_that_are_odd() {
    let service = Peer::answering(|call| {
        call.send_head();
        let sent = call.request.headers["case"].to_str().expect("text");
        if sent.starts_with("after") {
            call.send_bytes(Ask::of(call).message(1));
        }
        call.end_with(odd_status(sent.rsplit(' ').next().unwrap_or_default()));
    });
    let gateway = gateway_before(service.address(), &["--in-flight-max", "4"]);
    for ask in Ask::ALL {
        for (odd, http, code) in [
            ("none", 502, 13),
            ("empty", 502, 13),
            ("text", 502, 13),
            ("negative", 502, 13),
            ("beyond", 500, UNKNOWN),
            ("two", 502, 13),
            ("details", 404, 5),
            ("bytes", 404, 5),
            ("long", 404, 5),
        ] {
            for (when, sent) in [("before", 0), ("after", 1)] {
                let got = ask.ask(&gateway, &[(CASE, &format!("{when} {odd}"))]);
                // Which of several, or of a number too large, is nobody's promise.
                let expected = ask.failed(sent, http, code);
                let either = match odd {
                    "beyond" => ask.failed(sent, 502, 13),
                    "two" => ask.failed(sent, 404, 5),
                    _ => expected,
                };
                let seen = got.seen();
                assert!(
                    [expected, either].contains(&seen),
                    "{ask:?}, {when} {odd}: {got:?}"
                );
            }
        }
    }
    assert_unharmed(&gateway);
}

fn odd_status(odd: &str) -> HeaderMap {
    let not_found = |name, value: &[u8]| {
        let mut status = trailers(&[("grpc-status", "5")]);
        status.insert(name, HeaderValue::from_bytes(value).expect("a value"));
        status
    };
    match odd {
        "none" => trailers(&[("x-other", "1")]),
        "empty" => trailers(&[("grpc-status", "")]),
        "text" => trailers(&[("grpc-status", "fine")]),
        "negative" => trailers(&[("grpc-status", "-1")]),
        "beyond" => trailers(&[("grpc-status", "99999999999999999999")]),
        "two" => {
            let mut two = trailers(&[("grpc-status", "5")]);
            two.append("grpc-status", HeaderValue::from_static("0"));
            two
        }
        "details" => not_found("grpc-status-details-bin", b"no base64!"),
        "bytes" => not_found("grpc-message", b"\xff%ff%"),
        "long" => not_found("grpc-message", "x".repeat(10_000).as_bytes()),
        odd => panic!("no such status: {odd}"),
    }
}
