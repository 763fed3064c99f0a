//! Messages and bodies that are small enough to be taken, and made to need more
//! stack, or more time, than anybody should give them.

use serde_json::json;
use testkit::{Process, http};

use super::{Ask, CASE, Seen, assert_unharmed, gateway_before};
use crate::grpc_peer::{Answering, Peer, framed_bytes};

/// Deep enough to overflow any stack, if it were followed.
const LEVELS: usize = 20_000;
/// Many enough that time which grows with their square would never end.
const ENTRIES: usize = 60_000;

const ANY: &str = "type.googleapis.com/google.protobuf.Any";

/// A field of bytes as protobuf writes it.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], &varint(content.len())[..], content].concat()
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.extend(u8::try_from(number % 0x80 + 0x80));
        number /= 0x80;
    }
    bytes.extend(u8::try_from(number));
    bytes
}

/// The innermost bytes, each time within what `around` puts before so many bytes.
fn nested(innermost: &[u8], around: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut backwards: Vec<u8> = innermost.iter().rev().copied().collect();
    for _ in 0..LEVELS {
        let before = around(backwards.len());
        backwards.extend(before.iter().rev());
    }
    backwards.reverse();
    backwards
}

/// A list in a list, and so on, of `google.protobuf.Value`.
fn deep_lists() -> Vec<u8> {
    nested(&[0x08, 0], |bytes| {
        let values = [&[0x0a], &varint(bytes)[..]].concat();
        let list = [&[0x32], &varint(bytes + values.len())[..]].concat();
        [list, values].concat()
    })
}

/// An `Any` in an `Any`, and so on.
fn deep_anys() -> Vec<u8> {
    let named = field(1, ANY.as_bytes());
    nested(&named, |bytes| {
        [&named, &[0x12][..], &varint(bytes)].concat()
    })
}

/// A `google.protobuf.Value` that is an object.
fn wide(name: impl Fn(usize) -> String) -> Vec<u8> {
    let entry = |index| {
        field(
            1,
            &[field(1, name(index).as_bytes()), field(2, &[8, 0])].concat(),
        )
    };
    let entries: Vec<_> = (0..ENTRIES).flat_map(entry).collect();
    field(5, &entries)
}

/// A library whose one book is as the case wants it.
fn library() -> Answering {
    Peer::answering(|call| {
        let case = call.request.headers.get("case");
        let book = match case.map_or("", |case| case.to_str().expect("text")) {
            "deep lists" => field(3, &deep_lists()),
            "deep anys" => field(4, &deep_anys()),
            "unfinished lists" => field(3, &deep_lists()[..LEVELS]),
            "many names" => field(3, &wide(|index| index.to_string())),
            "one name" => field(3, &wide(|_| "x".to_owned())),
            "many times" => [8, 1].repeat(ENTRIES),
            "many parts" => field(3, &field(5, &[])).repeat(ENTRIES),
            _ => vec![8, 1],
        };
        call.send_head();
        call.send_bytes(framed_bytes(&book));
        call.end();
    })
}

#[test]
fn a_message_that_is_a_trap() {
    let library = library();
    let gateway = gateway_before(library.address(), &["--answer-bytes-max", "20000000"]);
    for case in ["deep lists", "deep anys", "unfinished lists"] {
        for ask in [Ask::One, Ask::Array, Ask::Lines] {
            let got = ask.ask(&gateway, &[(CASE, case)]);
            assert_eq!(
                got.seen(),
                ask.failed(0, 502, 13),
                "{ask:?}, {case}: {got:?}"
            );
        }
    }
    for case in ["many names", "one name", "many times", "many parts"] {
        let mut client = Ask::One.begin(&gateway, &[(CASE, case)]);
        let answer = client.read_response("GET").expect("an answer");
        assert_eq!(answer.status(), 200, "{case}");
        assert!(answer.json().is_object(), "{case}");
    }
    assert_eq!(Ask::One.ask(&gateway, &[]).seen(), Seen::Whole);
    assert_unharmed(&gateway);
}

fn post(gateway: &Process, body: &str) -> http::Response {
    let answer = http::request(gateway.address(), "POST", "/books", &[], body.as_bytes());
    answer.expect("an answer")
}

#[test]
fn a_body_that_is_a_trap() {
    let library = library();
    let gateway = gateway_before(library.address(), &[]);
    let deep = |open: &str, close: &str| {
        let (open, close) = (open.repeat(LEVELS), close.repeat(LEVELS));
        format!("{{\"notes\":{open}1{close}}}")
    };
    for body in [
        deep("[", "]"),
        deep("[", ""),
        deep("{\"a\":", "}"),
        format!("{{\"other\":{}", "[".repeat(LEVELS)),
        format!("{{\"title\":{}", "{\"a\":".repeat(LEVELS)),
        format!(
            "{{\"cover\":{}",
            format!("{{\"@type\":\"{ANY}\",\"value\":").repeat(LEVELS)
        ),
        format!("{{\"number\":{}}}", "9".repeat(1_000_000)),
        format!("{{\"number\":1e{}}}", "9".repeat(100_000)),
        format!("{{\"title\":\"{}\"}}", "\\ud800".repeat(100_000)),
    ] {
        let answer = post(&gateway, &body);
        let what = &body[..30];
        assert_eq!(answer.status(), 400, "{what}: {}", answer.text());
        assert_eq!(answer.json()["code"], 3, "{what}");
        // What was sent is not sent back.
        assert!(
            answer.body.len() < 5000,
            "{what}: {} bytes",
            answer.body.len()
        );
    }
    assert_eq!(library.asked(), 0);

    let names: Vec<_> = (0..ENTRIES).map(|index| format!("\"{index}\":1")).collect();
    let one_name = vec!["\"x\":1"; ENTRIES];
    for object in [names.join(","), one_name.join(",")] {
        let answer = post(&gateway, &format!("{{\"notes\":{{{object}}}}}"));
        // A name that is there twice may be refused, or the last one holds.
        assert!(matches!(answer.status(), 200 | 400), "{}", answer.text());
    }
    let numbers = vec!["1"; ENTRIES].join(",");
    let answer = post(&gateway, &format!("{{\"notes\":[{numbers}]}}"));
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.json(), json!({ "number": 1 }));
    assert_unharmed(&gateway);
}
