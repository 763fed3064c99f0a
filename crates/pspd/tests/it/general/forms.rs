//! The forms of a streamed answer: an array, lines, events, raw bytes. Everything
//! goes out at once, and an error comes through in each of them, before and after
//! the first message.

use std::io::{ErrorKind, Read};

use serde_json::{Value, json};
use testkit::{
    backend::{End, Gate, Reply, Status, Step},
    http::{self, Body},
};

use super::{Library, error, message, without_request_id};

const NDJSON: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";
const WATCH: &str = "/v1/shelves/7:watch";
const NOT_FOUND: u32 = 5;

fn event(sequence: u32) -> Step {
    Step::Message(message("Event", json!({"sequence": sequence, "text": "a"})))
}

/// So many events, each let through by the gate.
fn gated(gate: &Gate, count: u32) -> Vec<Step> {
    (1..=count)
        .flat_map(|sequence| [Step::Wait(gate.clone()), event(sequence)])
        .collect()
}

/// A library whose shelf says three things.
fn three_events(end: End) -> Library {
    let library = Library::start();
    library.answer("WatchShelf", move |_| {
        Reply::steps((1..=3).map(event)).ending(end.clone())
    });
    library
}

fn missing() -> End {
    End::Status(Status::new(NOT_FOUND, "the shelf is gone"))
}

#[track_caller]
fn expect_next(body: &mut Body<'_>, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    body.read_exact(&mut bytes).expect("more of the body");
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

/// The rest of the body, which ends well.
#[track_caller]
fn rest(body: &mut Body<'_>) -> String {
    let mut text = String::new();
    body.read_to_string(&mut text).expect("the whole body");
    text
}

#[test]
fn an_array_is_gathered() {
    let library = three_events(End::Status(Status::default()));
    for accept in ["application/json", "*/*", "text/html, application/*;q=0.5"] {
        let answer = library.request("GET", WATCH, &[("Accept", accept)], "");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("vary"), Some("accept"));
        let expected = r#"[{"sequence":"1","text":"a"},{"sequence":"2","text":"a"},{"sequence":"3","text":"a"}]"#;
        assert_eq!(answer.text(), expected);
    }
}

#[test]
fn an_empty_stream_has_every_form() {
    let library = Library::start();
    library.answer("WatchShelf", |_| Reply::steps([]));
    let ask = |accept| {
        library
            .request("GET", WATCH, &[("Accept", accept)], "")
            .text()
    };
    assert_eq!(ask("application/json"), "[]");
    assert_eq!(ask(NDJSON), "");
    assert_eq!(ask(EVENTS), "id: end\nevent: end\ndata: {}\n\n");
}

#[test]
fn lines_come_one_by_one() {
    let library = Library::start();
    let gate = Gate::default();
    let steps = gated(&gate, 3);
    library.answer("WatchShelf", move |_| Reply::steps(steps.clone()));
    gate.let_through(1);
    let mut connection = library.ask(WATCH, NDJSON);
    let (head, mut body) = connection.read_head("GET").expect("a head");
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), Some(NDJSON));
    assert_eq!(head.header("cache-control"), Some("no-store"));
    for sequence in 1..=3 {
        let line = format!("{{\"sequence\":\"{sequence}\",\"text\":\"a\"}}\n");
        expect_next(&mut body, &line);
        // The next is sent only now that this one has been read.
        gate.let_through(1);
    }
    assert_eq!(rest(&mut body), "");
}

#[test]
fn events_come_one_by_one() {
    let library = Library::start();
    let gate = Gate::default();
    let steps = gated(&gate, 2);
    library.answer("WatchShelf", move |_| Reply::steps(steps.clone()));
    gate.let_through(1);
    let mut connection = library.ask(WATCH, EVENTS);
    let (head, mut body) = connection.read_head("GET").expect("a head");
    assert_eq!(head.header("content-type"), Some(EVENTS));
    for sequence in 1..=2 {
        let event = format!("data: {{\"sequence\":\"{sequence}\",\"text\":\"a\"}}\n\n");
        expect_next(&mut body, &event);
        gate.let_through(1);
    }
    assert_eq!(rest(&mut body), "id: end\nevent: end\ndata: {}\n\n");
}

#[test]
fn a_silent_stream_of_events_gets_comments() {
    let library = Library::start_with("", &["--keep-alive", "40ms"]);
    let gate = Gate::default();
    let steps = gated(&gate, 2);
    library.answer("WatchShelf", move |_| Reply::steps(steps.clone()));
    // Not even the first message has come when the answer begins.
    let mut connection = library.ask(WATCH, EVENTS);
    let (head, mut body) = connection.read_head("GET").expect("a head");
    assert_eq!(head.status, 200);
    expect_next(&mut body, ":\n\n:\n\n");
    gate.let_through(1);
    let mut seen = String::new();
    while !seen.contains("\"1\"") || !seen.ends_with(":\n\n") {
        let piece = body.next_piece().expect("a piece").expect("no end yet");
        seen += &String::from_utf8(piece).expect("text");
    }
    assert!(
        seen.contains("data: {\"sequence\":\"1\",\"text\":\"a\"}\n\n"),
        "{seen}"
    );
    gate.let_through(1);
    let end = rest(&mut body);
    assert!(end.ends_with("id: end\nevent: end\ndata: {}\n\n"), "{end}");
}

#[test]
fn a_browser_that_comes_back_is_told_that_nothing_follows() {
    let library = three_events(End::Status(Status::default()));
    let headers = [("Accept", EVENTS), ("Last-Event-ID", "end")];
    let answer = library.request("GET", WATCH, &headers, "");
    assert_eq!((answer.status(), answer.text()), (204, String::new()));
    assert_eq!(
        library.backend.received().len(),
        0,
        "the call is not made again"
    );
    // In the other forms, and with another id, the header means nothing.
    for headers in [
        [("Accept", NDJSON), ("Last-Event-ID", "end")],
        [("Accept", EVENTS), ("Last-Event-ID", "3")],
    ] {
        assert_eq!(library.request("GET", WATCH, &headers, "").status(), 200);
    }
}

#[test]
fn a_stream_may_be_asked_for_with_a_body() {
    let library = Library::start();
    library.answer("SearchBooks", |call| {
        let words = call.json()["words"].clone();
        Reply::messages(
            [1, 2].map(|number| message("Book", json!({"title": words, "pageCount": number}))),
        )
    });
    let ask = |accept: &str| {
        let headers = [("Accept", accept), ("Content-Type", "application/json")];
        let answer = library.request("POST", "/v1/books:search", &headers, r#"{"words": "sea"}"#);
        assert_eq!(answer.status(), 200);
        answer.text()
    };
    let (one, two) = (
        r#"{"title":"sea","pageCount":1}"#,
        r#"{"title":"sea","pageCount":2}"#,
    );
    assert_eq!(ask("application/json"), format!("[{one},{two}]"));
    assert_eq!(ask(NDJSON), format!("{one}\n{two}\n"));
    let events = format!("data: {one}\n\ndata: {two}\n\nid: end\nevent: end\ndata: {{}}\n\n");
    assert_eq!(ask(EVENTS), events);
}

#[test]
fn a_field_of_each_message() {
    let library = Library::start();
    library.answer("ListPageByPage", |_| {
        Reply::messages(
            [json!(["a", "b"]), json!([])]
                .map(|titles| message("ListBooksResponse", json!({"titles": titles}))),
        )
    });
    let ask = |accept| {
        let answer = library.request("GET", "/v1/shelves/7:pages", &[("Accept", accept)], "");
        answer.text()
    };
    assert_eq!(ask("application/json"), r#"[["a","b"],[]]"#);
    assert_eq!(ask(NDJSON), "[\"a\",\"b\"]\n[]\n");
}

#[test]
fn an_error_before_the_first_message_decides_the_status() {
    let library = Library::start();
    library.answer("WatchShelf", |_| Reply::status(NOT_FOUND, "no such shelf"));
    for accept in ["application/json", NDJSON, EVENTS] {
        let answer = library.request("GET", WATCH, &[("Accept", accept)], "");
        let body = error(&answer, 404);
        assert_eq!(
            body,
            json!({"code": 5, "message": "no such shelf", "details": []}),
            "{accept}"
        );
    }
}

#[test]
fn a_later_error_is_told_in_the_streams_own_form() {
    let library = three_events(missing());
    let ask = |accept| library.request("GET", WATCH, &[("Accept", accept)], "");
    let expected = json!({"code": 5, "message": "the shelf is gone", "details": []});
    let told = |text: &str, id: Option<&str>| {
        let mut error: Value = serde_json::from_str(text).expect("JSON");
        without_request_id(&mut error, id.expect("an id"));
        error
    };

    let body = error(&ask("application/json"), 404);
    assert_eq!(body, expected);

    let answer = ask(NDJSON);
    assert_eq!(answer.status(), 200);
    let text = answer.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    let last: Value = serde_json::from_str(lines[3]).expect("JSON");
    let inner = last["error"].to_string();
    assert_eq!(told(&inner, answer.header("x-request-id")), expected);
    assert_eq!(last.as_object().map(serde_json::Map::len), Some(1));

    let answer = ask(EVENTS);
    let text = answer.text();
    let (_, last) = text
        .split_once("id: end\nevent: error\ndata: ")
        .expect("an event `error`");
    assert!(!text.contains("event: end"), "{text}");
    assert_eq!(text.matches("data: ").count(), 4, "{text}");
    let last = last.strip_suffix("\n\n").expect("a whole event");
    assert_eq!(told(last, answer.header("x-request-id")), expected);
}

#[test]
fn an_error_after_a_long_silence_is_told_in_the_stream() {
    let library = Library::start_with("", &["--keep-alive", "30ms"]);
    let gate = Gate::default();
    let step = Step::Wait(gate.clone());
    library.answer("WatchShelf", move |_| {
        Reply::steps([step.clone()]).ending(missing())
    });
    for accept in [NDJSON, EVENTS] {
        let mut connection = library.ask(WATCH, accept);
        // The head is there, so that the interval is over; only now the error comes.
        let (head, mut body) = connection.read_head("GET").expect("a head");
        assert_eq!(head.status, 200, "{accept}");
        gate.let_through(1);
        let text = rest(&mut body);
        assert!(text.contains("the shelf is gone"), "{accept}: {text}");
    }
}

#[test]
fn a_message_that_cannot_be_written_is_an_error_too() {
    let library = Library::start();
    // A string that is not UTF-8: tag 2, length 1.
    let bad = bytes::Bytes::from_static(&[0, 0, 0, 0, 3, 0x12, 1, 0xff]);
    library.answer("WatchShelf", move |_| {
        Reply::steps([event(1), Step::Raw(bad.clone())])
    });
    let text = library
        .request("GET", WATCH, &[("Accept", NDJSON)], "")
        .text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[1].starts_with("{\"error\":{\"code\":13,"), "{text}");
    let answer = library.request("GET", WATCH, &[], "");
    assert_eq!(error(&answer, 502)["code"], 13);
}

/// Pieces of a file, as messages of `google.api.HttpBody`.
fn pieces(parts: &'static [(&str, &[u8])]) -> impl Iterator<Item = Step> + Send {
    parts.iter().map(|(media_type, data)| {
        let fields = json!({"contentType": media_type, "data": base64(data)});
        Step::Message(testkit::backend::message(
            &super::SCHEMA,
            "google.api.HttpBody",
            fields,
        ))
    })
}

fn base64(data: &[u8]) -> String {
    // Three bytes are four characters, which these tests keep to.
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(data.len() % 3, 0, "whole groups");
    let group = |group: &[u8]| {
        let bits = group
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[bits >> shift & 63]))
    };
    data.chunks(3).flat_map(group).collect()
}

#[test]
fn raw_bytes_are_sent_as_they_are() {
    let library = Library::start();
    library.answer("GetCover", |_| {
        Reply::steps(pieces(&[("image/x-cover", b"\x00\xff\x01")]))
    });
    let answer = library.get("/v1/shelves/1/books/2:cover");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("image/x-cover"));
    assert_eq!(answer.body, b"\x00\xff\x01");

    library.answer("GetCover", |_| Reply::steps(pieces(&[("", b"")])));
    let answer = library.get("/v1/shelves/1/books/2:cover");
    assert_eq!(
        answer.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(answer.body, b"");
}

#[test]
fn a_stream_of_raw_bytes() {
    let library = Library::start();
    library.answer("ReadBook", |_| {
        Reply::steps(pieces(&[
            ("text/x-book", b"abc"),
            ("", b"def"),
            ("", b"ghi"),
        ]))
    });
    // What the client accepts makes no difference.
    for accept in ["*/*", EVENTS, NDJSON] {
        let target = "/v1/shelves/1/books/2:read";
        let answer = library.request("GET", target, &[("Accept", accept)], "");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("content-type"), Some("text/x-book"));
        assert_eq!(answer.text(), "abcdefghi");
    }
    library.answer("ReadBook", |_| Reply::status(NOT_FOUND, "no such book"));
    let answer = library.get("/v1/shelves/1/books/2:read");
    assert_eq!(error(&answer, 404)["message"], "no such book");
}

#[test]
fn a_late_error_among_raw_bytes_breaks_the_answer_off() {
    let library = Library::start();
    library.answer("ReadBook", |_| {
        Reply::steps(pieces(&[("text/x-book", b"abc")])).ending(missing())
    });
    let answer = http::get(library.address(), "/v1/shelves/1/books/2:read");
    let broken = answer.expect_err("the end is missing");
    assert_eq!(broken.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(library.get("/v1/shelves/1").status(), 200);
}
