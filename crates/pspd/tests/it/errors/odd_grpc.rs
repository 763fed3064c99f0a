//! A gRPC service that speaks HTTP/2 well and gRPC badly, or that refuses, in
//! every way there is.

use bytes::Bytes;
use contract::Role;
use h2::Reason;
use http::Response;
use serde_json::{Value, json};

use super::{error, gateway_before, get};
use crate::grpc_peer::{Call, Peer, framed_bytes, trailers};

/// What the service answers to every call.
#[derive(Clone)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    end: End,
}

#[derive(Clone)]
enum End {
    Trailers(Vec<(&'static str, &'static str)>),
    WithoutTrailers,
    Reset(Reason),
    Disconnect,
}

/// An answer that is as it should be, but for what a test changes.
fn well() -> Answer {
    Answer {
        status: 200,
        headers: vec![("content-type", "application/grpc+proto")],
        body: message(b"\x0a\x02hi"),
        end: End::Trailers(vec![("grpc-status", "0")]),
    }
}

/// A message in its frame.
fn message(content: &[u8]) -> Vec<u8> {
    framed_bytes(content).to_vec()
}

/// An answer that refuses, with the status after the head or in it.
fn refusal(in_head: bool, code: &'static str, words: &'static str) -> Answer {
    let status = [("grpc-status", code), ("grpc-message", words)];
    let mut answer = Answer {
        body: Vec::new(),
        ..well()
    };
    if in_head {
        answer.headers.extend(status);
        answer.end = End::WithoutTrailers;
    } else {
        answer.end = End::Trailers(status.to_vec());
    }
    answer
}

impl Answer {
    /// Orders it of a call.
    fn give(&self, call: &Call) {
        let mut head = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            head = head.header(*name, *value);
        }
        let head = head.body(()).expect("a head");
        let body = Bytes::from(self.body.clone());
        match &self.end {
            End::WithoutTrailers if body.is_empty() => return call.send_only_head(head),
            _ => call.send_other_head(head),
        }
        match &self.end {
            End::WithoutTrailers => call.send_last_bytes(body),
            End::Reset(reason) => {
                call.send_bytes(body);
                call.reset(*reason);
            }
            End::Disconnect => {
                call.send_bytes(body);
                call.disconnect();
            }
            End::Trailers(fields) => {
                call.send_bytes(body);
                call.end_with(trailers(fields));
            }
        }
    }

    /// What a gateway makes of it: status and error.
    #[track_caller]
    fn passed_on(self, target: &str) -> (u16, Value) {
        let service = Peer::answering(move |call| self.give(call));
        let address = service.address();
        let args = ["--answer-bytes-max", "1000"];
        let gateway = gateway_before(Role::Gateway, address, address, &args);
        let answer = get(gateway.address(), target);
        assert_eq!(get(gateway.address(), "/healthz").text(), "ok");
        match answer.status() {
            200 => (200, answer.json()),
            status => (status, error(&answer, status)),
        }
    }
}

#[test]
fn what_is_well_is_passed_on() {
    let expected = json!({ "from": "A", "message": "hi" });
    assert_eq!(well().passed_on("/a/hello"), (200, expected));
    let numbers = Answer {
        body: [message(&[8, 1]), message(&[]), message(&[8, 0x7f])].concat(),
        ..well()
    };
    let expected = json!({ "from": "B", "values": [1, 0, 127] });
    assert_eq!(numbers.passed_on("/b/numbers"), (200, expected));
}

#[test]
fn what_is_no_grpc_is_502() {
    let with_body = |body: &[u8]| Answer {
        body: body.to_vec(),
        ..well()
    };
    let with_end = |end| Answer { end, ..well() };
    let broken = [
        (
            "no media type",
            Answer {
                headers: vec![],
                ..well()
            },
        ),
        (
            "another media type",
            Answer {
                headers: vec![("content-type", "text/html")],
                ..well()
            },
        ),
        ("no grpc-status", with_end(End::WithoutTrailers)),
        ("other trailers", with_end(End::Trailers(vec![("a", "b")]))),
        (
            "a status that is no number",
            with_end(End::Trailers(vec![("grpc-status", "fine")])),
        ),
        ("a reset", with_end(End::Reset(Reason::INTERNAL_ERROR))),
        (
            "a reset without error",
            with_end(End::Reset(Reason::NO_ERROR)),
        ),
        ("the end of the connection", with_end(End::Disconnect)),
        ("a malformed message", with_body(&message(&[0xff; 9]))),
        ("half a frame", with_body(&[0, 0, 0])),
        ("half a message", with_body(&message(b"\x0a\x02hi")[..7])),
        ("a compressed message", with_body(&[1, 0, 0, 0, 1, 0])),
        (
            "an endless message",
            with_body(&[0, 0xff, 0xff, 0xff, 0xff]),
        ),
        (
            "a message beyond the limit",
            with_body(&message(&[0; 1001])),
        ),
    ];
    for (what, answer) in broken {
        for (target, service) in [("/a/hello", "A"), ("/b/numbers", "B")] {
            let message = format!("service {service} broke off or answered something unreadable");
            let expected = (502, json!({ "error": message }));
            assert_eq!(answer.clone().passed_on(target), expected, "{what}");
        }
    }
    for (what, body) in [
        ("text that is not UTF-8", message(&[10, 1, 0xff])),
        ("no message", Vec::new()),
        ("two messages", message(b"").repeat(2)),
    ] {
        let (status, _) = with_body(&body).passed_on("/a/hello");
        assert_eq!(status, 502, "{what}");
    }
}

/// A proxy on the way, say, that knows no gRPC.
#[test]
fn what_is_http_alone_becomes_the_right_status() {
    for (answered, words, status) in [
        (503, "503 Service Unavailable", 503),
        (429, "429 Too Many Requests", 503),
        (401, "401 Unauthorized", 401),
        (204, "204 No Content", 502),
        (404, "404 Not Found", 502),
    ] {
        let answer = Answer {
            status: answered,
            ..well()
        };
        let message = format!("service A answered HTTP {words} in place of gRPC");
        let expected = (status, json!({ "error": message }));
        assert_eq!(answer.passed_on("/a/hello"), expected);
    }
}

#[test]
fn what_the_service_says_itself_becomes_the_right_status() {
    for in_head in [true, false] {
        for (code, words, status, name, said) in [
            (
                "3",
                "no such luck",
                400,
                "INVALID_ARGUMENT",
                ": no such luck",
            ),
            ("5", "", 404, "NOT_FOUND", ""),
            ("7", "n%C3%A3o", 403, "PERMISSION_DENIED", ": não"),
            ("8", "%zz%ff", 429, "RESOURCE_EXHAUSTED", ": %zz\u{fffd}"),
            ("4", "late", 504, "DEADLINE_EXCEEDED", ": late"),
            ("14", "soon", 503, "UNAVAILABLE", ": soon"),
            ("13", "oh", 500, "INTERNAL", ": oh"),
            ("99", "?", 500, "UNKNOWN", ": ?"),
        ] {
            let (got, body) = refusal(in_head, code, words).passed_on("/b/numbers");
            let message = format!("service B answered {name}{said}");
            let expected = json!({ "error": message, "grpc_status": name });
            assert_eq!((got, body), (status, expected));
        }
    }
}

#[test]
fn a_call_that_is_never_begun_is_given_up() {
    let refused = Answer {
        end: End::Reset(Reason::REFUSED_STREAM),
        ..well()
    };
    let (status, _) = refused.passed_on("/a/hello");
    assert!([502, 503].contains(&status), "{status}");
}
