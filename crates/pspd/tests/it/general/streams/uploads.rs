//! Streams of requests over plain HTTP: lines and lists, message by message as they
//! arrive.

use std::io::{Read, Write};

use serde_json::json;
use testkit::{
    backend::{End, Gate, Reply, Status, Step},
    http::Connection,
    proc, until,
};

use super::{JSON, NDJSON, Talks, message};
use crate::general::{error, violation};

#[test]
fn lines_and_lists() {
    let talks = Talks::start();
    for (kind, body) in [
        (
            NDJSON,
            "{\"text\":\"a\"}\n\n{\"text\":\"b\"}\r\n{\"text\":\"c\"}",
        ),
        (
            JSON,
            " [ {\"text\":\"a\"},\n{\"text\":\"b\"}  ,{\"text\":\"c\"}]\n",
        ),
        (
            ("Accept", "*/*"),
            "[{\"text\":\"a\"},{\"text\":\"b\"},{\"text\":\"c\"}]",
        ),
    ] {
        let answer = talks.post("/v1/rooms/7:collect", &[kind], body);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        // The service echoes the last message; the path went into the first.
        assert_eq!(answer.json(), json!({"text": "c"}));
        let expected = [
            json!({"room": "rooms/7", "text": "a"}),
            json!({"text": "b"}),
            json!({"text": "c"}),
        ];
        assert_eq!(talks.received(), expected, "{body}");
    }
}

#[test]
fn a_field_of_each_message_and_parameters_in_the_first() {
    let talks = Talks::start();
    let body = "[{\"text\":\"a\"},{\"text\":\"b\"}]";
    let answer = talks.post("/v1/rooms/7/parts?note=n", &[JSON], body);
    assert_eq!(answer.json(), json!({"line": {"text": "b"}}));
    let expected = [
        json!({"room": "rooms/7", "line": {"text": "a"}, "note": "n"}),
        json!({"line": {"text": "b"}}),
    ];
    assert_eq!(talks.received(), expected);
    let answer = talks.post("/v1/rooms/7/parts?nothing=n", &[JSON], body);
    assert_eq!(violation(&error(&answer, 400)).0, "nothing");
    assert_eq!(talks.received().len(), 0, "nothing was called");
}

#[test]
fn no_message_at_all() {
    let talks = Talks::start();
    for (kind, body) in [(NDJSON, ""), (NDJSON, "\n"), (JSON, ""), (JSON, "[]")] {
        let answer = talks.post("/v1/rooms/7:collect", &[kind], body);
        assert_eq!((answer.status(), answer.json()), (200, json!({})));
        let answer = talks.post("/v1/rooms/7:converse", &[kind], body);
        assert_eq!((answer.status(), answer.json()), (200, json!([])));
    }
    assert_eq!(talks.received().len(), 0);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let talks = Talks::start();
    let check = |kind, body: &str, status, field: &str, expected: &str| {
        let answer = talks.post("/v1/rooms/7:collect", &[kind], body);
        let body = error(&answer, status);
        let message = body["message"].as_str().expect("a text");
        assert_eq!(message, expected);
        if status == 400 {
            assert_eq!(violation(&body).0, field);
        }
    };
    check(
        NDJSON,
        "{}\n{}\n{\"inner\": {\"number\": true}}\n",
        400,
        "inner.number",
        "message 3: inner.number is true (line 3, column 22); expected a whole number from \
         -9223372036854775808 to 9223372036854775807",
    );
    check(
        JSON,
        "[{},\n {\"text\": 1}]",
        400,
        "text",
        "message 2: text is 1 (line 2, column 11); expected a string",
    );
    check(
        NDJSON,
        "{}\n{\"text\": \"a",
        400,
        "",
        "message 2: the JSON text ends at line 2, column 12; expected a quote that ends the string",
    );
    check(
        JSON,
        "[{} {}]",
        400,
        "",
        "the request's body: the JSON text has { at line 1, column 5; expected a comma or ] after \
         an element",
    );
    check(
        JSON,
        "[{},",
        400,
        "",
        "the request's body: the JSON text ends at line 1, column 5; expected the rest of the list",
    );
    check(
        ("Content-Type", "text/plain"),
        "[{}]",
        415,
        "",
        "the request's body is \"text/plain\"; send JSON with `content-type: application/json`",
    );
    talks.cancelled("Collect", 5);
}

#[test]
fn one_message_is_limited_and_not_their_sum() {
    let talks = Talks::start_with("", &["--body-bytes-max", "1000"]);
    let line = format!("{{\"text\":\"{}\"}}\n", "x".repeat(900));
    let answer = talks.post("/v1/rooms/7:collect", &[NDJSON], &line.repeat(100));
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(talks.received().len(), 100);
    let long = format!("{line}{{\"text\":\"{}\"}}\n", "x".repeat(1000));
    let answer = talks.post("/v1/rooms/7:collect", &[NDJSON], &long);
    let body = error(&answer, 413);
    assert_eq!(
        body["message"],
        "message 2 has more than 1000 bytes; send smaller ones"
    );
}

/// A request whose body is sent in chunks, as the test wants.
struct Chunked(Connection);

impl Chunked {
    fn post(talks: &Talks, target: &str, accept: &str) -> Chunked {
        let mut connection = Connection::open(talks.address()).expect("connected");
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nAccept: {accept}\r\n\
             Content-Type: application/x-ndjson\r\n\r\n"
        );
        connection.send(head.as_bytes()).expect("sent");
        Chunked(connection)
    }

    fn chunk(&mut self, bytes: &str) {
        let chunk = format!("{:x}\r\n{bytes}\r\n", bytes.len());
        self.0.send(chunk.as_bytes()).expect("sent");
    }
}

#[test]
fn each_message_is_sent_on_at_once() {
    let talks = Talks::start();
    let mut request = Chunked::post(&talks, "/v1/rooms/7:collect", "*/*");
    for number in 1..=3 {
        request.chunk(&format!("{{\"number\":{number}}}\n{{\"num"));
        until("the message", || {
            (talks.backend.received().len() == number).then_some(())
        });
        talks.backend.take_received();
        request.chunk("ber\":9}\n");
        until("the rest", || {
            (talks.backend.take_received().len() == 1).then_some(())
        });
        for _ in 0..number {
            // Fills up what is counted above.
            request.chunk("{}\n");
        }
        until("the others", || {
            (talks.backend.received().len() == number).then_some(())
        });
    }
    request.chunk("");
    let answer = request.0.read_response("POST").expect("an answer");
    assert_eq!((answer.status(), answer.text().as_str()), (200, "{}"));
}

#[test]
fn answers_come_while_the_body_goes_on() {
    let talks = Talks::start();
    for (accept, begin, end) in [
        ("application/x-ndjson", "", ""),
        ("text/event-stream", "data: ", "\n"),
    ] {
        let mut request = Chunked::post(&talks, "/v1/rooms/7:converse", accept);
        request.chunk("{\"number\":1}\n");
        let Chunked(mut connection) = request;
        let mut writer = connection.stream().try_clone().expect("a socket");
        let (head, mut body) = connection.read_head("POST").expect("a head");
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-type"), Some(accept));
        for number in 1..=3 {
            let room = match number {
                1 => "\"room\":\"rooms/7\",",
                _ => "",
            };
            let expected = format!("{begin}{{{room}\"number\":\"{number}\"}}\n{end}");
            let mut read = vec![0; expected.len()];
            body.read_exact(&mut read).expect("an answer");
            assert_eq!(String::from_utf8_lossy(&read), expected);
            let next = format!("{{\"number\":{}}}\n", number + 1);
            let next = format!("{:x}\r\n{next}\r\n", next.len());
            writer.write_all(next.as_bytes()).expect("sent");
        }
        writer.write_all(b"0\r\n\r\n").expect("sent");
        let mut rest = String::new();
        body.read_to_string(&mut rest).expect("the end");
        assert!(
            rest.starts_with(&format!("{begin}{{\"number\":\"4\"}}\n{end}")),
            "{rest}"
        );
    }
    // In one piece it comes at the end.
    let body = "{\"number\":1}\n{\"number\":2}\n";
    let answer = talks.post("/v1/rooms/7:converse", &[NDJSON], body);
    let expected = json!([{"room": "rooms/7", "number": "1"}, {"number": "2"}]);
    assert_eq!(answer.json(), expected);
}

#[test]
fn a_late_fault_of_the_client_is_told_in_the_stream() {
    let talks = Talks::start();
    let mut request = Chunked::post(&talks, "/v1/rooms/7:converse", "application/x-ndjson");
    request.chunk("{\"number\":1}\n");
    let Chunked(mut connection) = request;
    let mut writer = connection.stream().try_clone().expect("a socket");
    let (_, mut body) = connection.read_head("POST").expect("a head");
    body.next_piece().expect("a piece").expect("an answer");
    writer.write_all(b"4\r\n{1}\n\r\n").expect("sent");
    let mut rest = String::new();
    body.read_to_string(&mut rest).expect("the end");
    let rest: serde_json::Value = rest.parse().expect("a line");
    assert_eq!(rest["error"]["code"], 3, "{rest}");
    let message = rest["error"]["message"].as_str().expect("a text");
    assert!(message.starts_with("message 2: "), "{message}");
    talks.cancelled("Converse", 1);
}

#[test]
fn a_service_may_answer_before_it_has_everything() {
    let talks = Talks::start();
    talks.answer("Collect", |_| {
        Reply::steps([
            Step::Take,
            Step::Message(message("Line", json!({"text": "enough"}))),
        ])
    });
    let mut request = Chunked::post(&talks, "/v1/rooms/7:collect", "*/*");
    request.chunk("{}\n");
    let answer = request.0.read_response("POST").expect("an answer");
    assert_eq!(
        (answer.status(), answer.json()),
        (200, json!({"text": "enough"}))
    );

    talks.answer("Collect", |_| {
        Reply::steps([Step::Take]).ending(End::Status(Status::new(8, "too much")))
    });
    let mut request = Chunked::post(&talks, "/v1/rooms/7:collect", "*/*");
    request.chunk("{}\n{}\n");
    let answer = request.0.read_response("POST").expect("an answer");
    let body = error(&answer, 429);
    assert_eq!(body["message"], "too much");
    assert_eq!(talks.post("/v1/rooms/7:say", &[JSON], "{}").status(), 200);
}

#[test]
fn a_client_that_leaves_cancels_the_call() {
    let talks = Talks::start();
    for name in ["Collect", "Converse"] {
        let target = format!("/v1/rooms/7:{}", name.to_lowercase());
        let mut request = Chunked::post(&talks, &target, "application/x-ndjson");
        request.chunk("{}\n");
        until("the message", || {
            (talks.backend.take_received().len() == 1).then_some(())
        });
        drop(request);
        talks.cancelled(name, 1);
    }
}

#[test]
fn a_body_that_falls_silent_ends() {
    let talks = Talks::start_with("", &["--call-timeout", "2s"]);
    let mut request = Chunked::post(&talks, "/v1/rooms/7:collect", "*/*");
    request.chunk("{}\n");
    let answer = request.0.read_response("POST").expect("an answer");
    let body = error(&answer, 408);
    assert_eq!(body["code"], 4);
    talks.cancelled("Collect", 1);
}

#[test]
fn the_whole_call_has_a_deadline() {
    let talks = Talks::start_with("", &["--stream-timeout", "400ms"]);
    talks.answer("Collect", |_| Reply::steps([]).ending(End::Silence));
    let answer = talks.post("/v1/rooms/7:collect", &[NDJSON], "{}\n");
    assert_eq!(error(&answer, 504)["code"], 4);
    // What the client asks for counts too.
    let headers = [NDJSON, ("Grpc-Timeout", "50m")];
    let answer = talks.post("/v1/rooms/7:collect", &headers, "{}\n");
    assert_eq!(error(&answer, 504)["code"], 4);
}

#[test]
fn a_rule_without_a_body_points_to_a_websocket() {
    let talks = Talks::start();
    let answer = talks.request("GET", "/v1/rooms/7/talk", &[], b"");
    let body = error(&answer, 426);
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert_eq!(body["code"], 12);
    assert!(
        body["message"]
            .as_str()
            .expect("a text")
            .contains("WebSocket")
    );
}

/// The service reads nothing: no more is read of the client than fits the windows.
#[test]
fn a_service_that_stops_reading_stops_the_client() {
    let talks = Talks::start();
    let gate = Gate::default();
    let wait = Step::Wait(gate.clone());
    talks.answer("Collect", move |_| {
        Reply::steps([Step::Take, wait.clone(), Step::TakeAll, Step::EchoLast])
    });
    let mut request = Chunked::post(&talks, "/v1/rooms/7:collect", "*/*");
    request.chunk("{}\n");
    until("the message", || {
        (talks.backend.received().len() == 1).then_some(())
    });
    let before = proc::resident_bytes(talks.gateway.pid());
    let stream = request.0.stream();
    stream.set_nonblocking(true).expect("set");
    let line = format!("{{\"text\":\"{}\"}}\n", "x".repeat(60_000));
    let chunk = format!("{:x}\r\n{line}\r\n", line.len());
    let mut left = chunk.repeat(1000).into_bytes();
    let all = left.len();
    // Written until nothing goes for a while.
    let mut still = 0;
    while still < 20 {
        match (&*stream).write(&left) {
            Ok(written) => {
                left.drain(..written);
                still = 0;
            }
            Err(_) => {
                still += 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    }
    let taken = all - left.len();
    assert!(taken < 16 * 1024 * 1024, "{taken} bytes were taken");
    let grown = proc::resident_bytes(talks.gateway.pid()).saturating_sub(before);
    assert!(grown < 8 * 1024 * 1024, "the gateway grew by {grown} bytes");
    // Once it reads on, everything arrives.
    gate.let_through(1);
    stream.set_nonblocking(false).expect("set");
    (&*stream).write_all(&left).expect("sent");
    request.chunk("");
    let answer = request.0.read_response("POST").expect("an answer");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(talks.backend.received().len(), 1001);
}

#[test]
fn faults_before_the_answer_begins_decide_its_status() {
    let talks = Talks::start();
    for accept in [
        "application/json",
        "application/x-ndjson",
        "text/event-stream",
    ] {
        let headers = [NDJSON, ("Accept", accept)];
        let answer = talks.post("/v1/rooms/7:converse", &headers, "{]\n");
        assert_eq!(error(&answer, 400)["code"], 3, "{accept}");
        talks.answer("Chat", |_| Reply::status(9, "not now"));
        let answer = talks.post("/streams.v1.Talks/Chat", &headers, "{}\n");
        assert_eq!(error(&answer, 400)["message"], "not now", "{accept}");
    }
}

#[test]
fn a_service_that_dies() {
    let talks = Talks::start();
    for name in ["Collect", "Converse"] {
        talks.answer(name, |_| Reply::steps([Step::Take]).ending(End::Disconnect));
        let mut request = Chunked::post(
            &talks,
            &format!("/v1/rooms/7:{}", name.to_lowercase()),
            "application/x-ndjson",
        );
        request.chunk("{}\n");
        let answer = request.0.read_response("POST").expect("an answer");
        assert!([502, 503].contains(&answer.status()), "{}", answer.text());
        // The next call finds a connection again.
        until("an answer", || {
            let answer = talks.post("/v1/rooms/7:say", &[JSON], "{}");
            (answer.status() == 200).then_some(())
        });
    }
}

#[test]
fn a_compressed_body() {
    let talks = Talks::start();
    let lines = "{\"text\":\"a\"}\n".repeat(1000);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(lines.as_bytes()).expect("compressed");
    let body = encoder.finish().expect("compressed");
    let headers = [NDJSON, ("Content-Encoding", "gzip")];
    let answer = talks.request("POST", "/v1/rooms/7:collect", &headers, &body);
    assert_eq!(answer.json(), json!({"text": "a"}));
    assert_eq!(talks.received().len(), 1000);
    let answer = talks.request("POST", "/v1/rooms/7:collect", &headers, &body[..40]);
    assert_eq!(error(&answer, 400)["code"], 3);
    let headers = [NDJSON, ("Content-Encoding", "br")];
    let answer = talks.request("POST", "/v1/rooms/7:collect", &headers, &body);
    assert_eq!(answer.status(), 415);
}
