//! Request bodies as they come: whole, in chunks, after permission, too long, of
//! another type, broken off; and clients that leave.

use std::io::{BufRead, BufReader, Read, Write};

use serde_json::json;
use testkit::{
    backend::{End, Reply, Step},
    http::Connection,
    until,
};

use super::{Library, error, message};

const BOOKS: &str = "/v1/books";

#[test]
fn a_body_may_have_any_json_type_or_none() {
    let library = Library::start();
    let body = r#"{"parent": "p"}"#;
    for media_type in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/merge-patch+json",
        "application/x-www-form-urlencoded",
    ] {
        let answer = library.request("POST", BOOKS, &[("Content-Type", media_type)], body);
        assert_eq!(answer.status(), 200, "{media_type}");
    }
    assert_eq!(library.request("POST", BOOKS, &[], body).status(), 200);
    let received = library.backend.take_received();
    assert_eq!(received.len(), 5);
    assert!(
        received
            .iter()
            .all(|call| call.json() == json!({"parent": "p"}))
    );

    for media_type in [
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
    ] {
        let answer = library.request("POST", BOOKS, &[("Content-Type", media_type)], body);
        let body = error(&answer, 415);
        let message = body["message"].as_str().expect("a text");
        assert!(
            message.contains(media_type) && message.contains("application/json"),
            "{message}"
        );
    }
    assert_eq!(library.backend.received().len(), 0);
}

#[test]
fn no_body_is_an_empty_message() {
    let library = Library::start();
    for body in ["", " \r\n", "{}"] {
        let headers = [("Content-Type", "application/json")];
        let answer = library.request("POST", BOOKS, &headers, body);
        assert_eq!(answer.status(), 200, "{body:?}: {}", answer.text());
        assert_eq!(library.received().json(), json!({}), "{body:?}");
        let answer = library.request("PUT", "/v1/shelves/7", &headers, body);
        assert_eq!(answer.status(), 200, "{body:?}");
        assert_eq!(
            library.received().json(),
            json!({"shelf": {"name": "shelves/7"}})
        );
    }
}

#[test]
fn a_body_that_is_too_long_is_refused() {
    let library = Library::start_with("", &["--body-bytes-max", "64"]);
    let of = |length: usize| format!("{{\"parent\":\"{}\"}}", "x".repeat(length - 13));
    assert_eq!(library.request("POST", BOOKS, &[], &of(64)).status(), 200);
    let body = error(&library.request("POST", BOOKS, &[], &of(65)), 413);
    assert_eq!(body["code"], 8);
    let message = body["message"].as_str().expect("a text");
    assert!(message.contains("more than 64 bytes"), "{message}");

    // In chunks nobody says beforehand how long it will be.
    let chunks = |text: &str| {
        let chunks = text.as_bytes().chunks(20).map(|chunk| {
            format!(
                "{:x}\r\n{}\r\n",
                chunk.len(),
                String::from_utf8_lossy(chunk)
            )
        });
        chunks.collect::<String>() + "0\r\n\r\n"
    };
    for (length, status) in [(64, 200), (65, 413)] {
        let head = "POST /v1/books HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut connection = Connection::open(library.address()).expect("connected");
        let sent = connection.send((head.to_owned() + &chunks(&of(length))).as_bytes());
        sent.expect("sent");
        let answer = connection.read_response("POST").expect("an answer");
        assert_eq!(answer.status(), status, "{length} bytes in chunks");
    }
    assert_eq!(library.backend.received().len(), 2);
}

#[test]
fn a_body_may_come_in_pieces() {
    let library = Library::start();
    let mut connection = Connection::open(library.address()).expect("connected");
    let head = "POST /v1/books HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.send(head.as_bytes()).expect("sent");
    // In the middle of a name, of a character, of an escape.
    for piece in [&b"{\"par"[..], b"ent\": \"a\xc3", b"\xa9\\u00", b"e9\"}"] {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        connection.send(&chunk).expect("sent");
        // The server has answered something else meanwhile.
        assert_eq!(library.get("/healthz").status(), 200);
    }
    connection.send(b"0\r\n\r\n").expect("sent");
    let answer = connection.read_response("POST").expect("an answer");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(library.received().json(), json!({"parent": "aéé"}));
}

/// Sends a head that waits for permission, and gives the first line of the answer.
fn first_line(library: &Library, target: &str, length: usize) -> (Connection, String) {
    let mut connection = Connection::open(library.address()).expect("connected");
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    );
    connection.send(head.as_bytes()).expect("sent");
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        connection
            .stream()
            .read_exact(&mut byte)
            .expect("an answer");
        line.push(byte[0]);
    }
    (connection, String::from_utf8(line).expect("text"))
}

#[test]
fn a_client_that_waits_is_asked_for_its_body() {
    let library = Library::start_with("", &["--body-bytes-max", "64"]);
    let body = r#"{"parent": "p"}"#;
    let (mut connection, line) = first_line(&library, BOOKS, body.len());
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    connection
        .stream()
        .write_all(body.as_bytes())
        .expect("sent");
    let mut lines = BufReader::new(connection.stream()).lines();
    assert_eq!(lines.next().expect("a line").expect("text"), "");
    let status = lines.next().expect("a line").expect("text");
    assert_eq!(status, "HTTP/1.1 200 OK");
    drop(lines);
    assert_eq!(library.received().json(), json!({"parent": "p"}));

    // Not when the body would be refused, or when there is nobody to read it.
    let (_, line) = first_line(&library, BOOKS, 65);
    assert_eq!(line, "HTTP/1.1 413 Payload Too Large\r\n");
    let (_, line) = first_line(&library, "/v1/nowhere", 10);
    assert_eq!(line, "HTTP/1.1 404 Not Found\r\n");
    // Keeps the connection's read-ahead honest: nothing else was sent.
    connection.send(b"").expect("open");
}

#[test]
fn a_body_that_breaks_off_is_no_call() {
    let library = Library::start();
    let mut connection = Connection::open(library.address()).expect("connected");
    let head = "POST /v1/books HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"parent\":";
    connection.send(head.as_bytes()).expect("sent");
    drop(connection);
    // Another request is served, and the broken one never reaches the service.
    assert_eq!(library.get("/v1/shelves/7").status(), 200);
    assert_eq!(library.received().json(), json!({"name": "shelves/7"}));
}

#[test]
fn a_client_that_leaves_ends_its_call() {
    for (name, target, accept) in [
        ("GetShelf", "/v1/shelves/7", "*/*"),
        ("WatchShelf", "/v1/shelves/7:watch", "*/*"),
        ("WatchShelf", "/v1/shelves/7:watch", "application/x-ndjson"),
        ("WatchShelf", "/v1/shelves/7:watch", "text/event-stream"),
        ("ReadBook", "/v1/shelves/1/books/2:read", "*/*"),
    ] {
        let library = Library::start();
        library.answer(name, |_| Reply::steps([Step::Head]).ending(End::Silence));
        let connection = library.ask(target, accept);
        until("the call", || {
            (library.backend.received().len() == 1).then_some(())
        });
        drop(connection);
        library.cancelled(name);
    }
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_stream_ends_its_call() {
    let library = Library::start();
    library.answer("WatchShelf", |_| {
        Reply::message(message("Event", json!({"text": "a"}))).ending(End::Silence)
    });
    let mut connection = library.ask("/v1/shelves/7:watch", "application/x-ndjson");
    let (_, mut body) = connection.read_head("GET").expect("a head");
    assert!(body.next_piece().expect("a piece").is_some());
    drop(connection);
    library.cancelled("WatchShelf");
}

#[test]
fn a_client_with_a_body_that_leaves_ends_its_call() {
    let library = Library::start();
    library.answer("CreateBook", |_| Reply::steps([]).ending(End::Silence));
    let mut connection = Connection::open(library.address()).expect("connected");
    connection
        .send_request("POST", BOOKS, &[], b"{}")
        .expect("sent");
    until("the call", || {
        (library.backend.received().len() == 1).then_some(())
    });
    drop(connection);
    library.cancelled("CreateBook");
}
