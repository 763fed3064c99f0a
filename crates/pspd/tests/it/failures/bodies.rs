//! Clients that send a request's body badly: slowly, without end, too much of it,
//! or only a part. The service never hears of it, the client does if it still
//! listens, and what the request took is given back.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use serde_json::json;
use testkit::{
    Process,
    http::{self, Connection, Response},
    until,
};

use super::{Ask, assert_unharmed, gateway_before};
use crate::grpc_peer::{Answering, Peer};

/// Largest body in these tests.
const BYTES_MAX: usize = 1000;
/// Calls in flight at once: a place that is not given back would be missed.
const IN_FLIGHT_MAX: usize = 8;

fn library() -> Answering {
    Peer::answering(|call| {
        call.send_head();
        call.send_bytes(Ask::One.message(1));
        call.end();
    })
}

fn gateway(library: &Answering, args: &[&str]) -> Process {
    let (bytes, places) = (BYTES_MAX.to_string(), IN_FLIGHT_MAX.to_string());
    let mut all = vec!["--body-bytes-max", &bytes, "--in-flight-max", &places];
    all.extend(args);
    gateway_before(library.address(), &all)
}

/// A connection on which the head of a `POST` has been sent, and these bytes.
fn begun(gateway: &Process, framing: &str, bytes: &[u8]) -> Connection {
    let mut connection = Connection::open(gateway.address()).expect("connected");
    let head = format!("POST /books HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n");
    let all = [head.as_bytes(), bytes].concat();
    connection.send(&all).expect("sent");
    connection
}

/// Asserts that the answer is this error, and that the connection ends with it:
/// nobody knows what the rest of the body would have been.
#[track_caller]
fn assert_refused(connection: &mut Connection, status: u16, code: u32) -> String {
    let answer = connection.read_response("POST").expect("an answer");
    let message = error(&answer, status, code);
    match connection.read_to_end() {
        Ok(rest) => assert_eq!(String::from_utf8_lossy(&rest), ""),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    message
}

#[track_caller]
fn error(answer: &Response, status: u16, code: u32) -> String {
    let error = answer.json();
    let seen = (answer.status(), &error["code"]);
    assert_eq!(seen, (status, &json!(code)), "{error}");
    let message = error["message"].as_str().expect("a message");
    message.to_owned()
}

/// As many good requests at once as may be in flight; the service has seen these
/// and no other.
#[track_caller]
fn all_is_well(gateway: &Process, library: &Answering) {
    let before = library.asked();
    assert_eq!(before, 0, "the service was asked");
    thread::scope(|scope| {
        for _ in 0..IN_FLIGHT_MAX {
            scope.spawn(|| {
                let body = b"{\"title\":\"x\"}";
                let answer = http::request(gateway.address(), "POST", "/books", &[], body);
                let answer = answer.expect("an answer");
                assert_eq!(answer.status(), 200, "{}", answer.text());
                assert_eq!(answer.json(), json!({ "number": 1 }));
            });
        }
    });
    assert_eq!(library.asked(), IN_FLIGHT_MAX);
    assert_unharmed(gateway);
}

#[test]
fn a_body_that_never_comes_to_its_end() {
    let library = library();
    let gateway = gateway(&library, &["--call-timeout", "3s"]);
    thread::scope(|scope| {
        for (framing, piece) in [
            ("Content-Length: 500", &b" "[..]),
            ("Transfer-Encoding: chunked", b"1\r\n \r\n"),
            // Nothing at all, or half of what frames it.
            ("Content-Length: 500", b""),
            ("Transfer-Encoding: chunked", b""),
        ] {
            let gateway = &gateway;
            scope.spawn(move || {
                let mut connection = begun(gateway, framing, b"");
                let mut sender = connection.stream().try_clone().expect("a handle");
                scope.spawn(move || {
                    // Until the gateway has enough of it.
                    while !piece.is_empty() && sender.write_all(piece).is_ok() {
                        thread::sleep(Duration::from_millis(20));
                    }
                });
                let message = assert_refused(&mut connection, 408, 4);
                assert!(message.contains("3s"), "{message}");
            });
        }
    });
    all_is_well(&gateway, &library);
}

#[test]
fn a_body_beyond_the_limit() {
    let library = library();
    let gateway = gateway(&library, &[]);
    // Refused by what it says, before any of it is there.
    for length in [BYTES_MAX + 1, 1 << 40, usize::MAX / 2] {
        let mut connection = begun(&gateway, &format!("Content-Length: {length}"), b"");
        let message = assert_refused(&mut connection, 413, 8);
        assert!(message.contains("1000 bytes"), "{message}");
    }
    // And by what it turns out to be.
    let chunks = b"64\r\n".iter().chain(&[b' '; 100]).chain(b"\r\n");
    let chunks: Vec<u8> = chunks.copied().collect::<Vec<_>>().repeat(11);
    let mut connection = begun(&gateway, "Transfer-Encoding: chunked", &chunks);
    assert_refused(&mut connection, 413, 8);
    let large_chunk = b"ffffffff\r\n".iter().copied().chain([b' '; 2000]);
    let large_chunk: Vec<u8> = large_chunk.collect();
    let mut connection = begun(&gateway, "Transfer-Encoding: chunked", &large_chunk);
    assert_refused(&mut connection, 413, 8);
    all_is_well(&gateway, &library);
}

/// A client that sends all of its body before it looks for an answer gets one all
/// the same, as long as the body is not so large that it is stuck.
#[test]
fn a_client_that_sends_all_of_too_large_a_body() {
    let library = library();
    let gateway = gateway(&library, &[]);
    for bytes in [BYTES_MAX + 1, 20_000, 200_000] {
        for _ in 0..10 {
            let framing = format!("Content-Length: {bytes}");
            let mut connection = begun(&gateway, &framing, &vec![b' '; bytes]);
            let answer = connection.read_response("POST").expect("an answer");
            error(&answer, 413, 8);
        }
    }
    all_is_well(&gateway, &library);
}

/// A client that asks first whether its body is wanted is told before it sends it.
#[test]
fn a_body_that_is_announced() {
    let library = library();
    let gateway = gateway(&library, &[]);
    let framing = |bytes| format!("Expect: 100-continue\r\nContent-Length: {bytes}");
    let mut connection = begun(&gateway, &framing(BYTES_MAX + 1), b"");
    assert_refused(&mut connection, 413, 8);

    let mut connection = begun(&gateway, &framing(2), b"");
    let mut interim = [0; 25];
    let mut stream = connection.stream();
    stream.read_exact(&mut interim).expect("an interim answer");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.send(b"{}").expect("sent");
    let answer = connection.read_response("POST").expect("an answer");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(library.asked(), 1);
    assert_unharmed(&gateway);
}

#[test]
fn a_body_that_breaks_off() {
    let library = library();
    let gateway = gateway(&library, &[]);
    let begun = |framing| begun(&gateway, framing, b"{\"titl");
    for framing in ["Content-Length: 500", "Transfer-Encoding: chunked"] {
        // The client is gone, and nobody can be told.
        drop(begun(framing));
        // It has only stopped to send, and may be told.
        let mut connection = begun(framing);
        let stopped = connection.stream().shutdown(Shutdown::Write);
        stopped.expect("a connection");
        match connection.read_response("POST") {
            Ok(answer) => drop(error(&answer, 400, 3)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}"),
        }
    }
    // Chunks that are none.
    for chunk in ["zz\r\n", "5\r\n{}\r\n\r\n!", "-1\r\n", "1\r\n{}}}}}"] {
        let mut connection = self::begun(&gateway, "Transfer-Encoding: chunked", chunk.as_bytes());
        assert_refused(&mut connection, 400, 3);
    }
    all_is_well(&gateway, &library);
}

#[test]
fn a_body_that_comes_in_pieces_is_as_good_as_any() {
    let library = library();
    let gateway = gateway(&library, &[]);
    let body = b"{ \"title\": \"x\", \"notes\": [1, null] }";
    let mut whole = begun(&gateway, &format!("Content-Length: {}", body.len()), b"");
    let mut chunked = begun(&gateway, "Transfer-Encoding: chunked", b"");
    for byte in body {
        whole.send(&[*byte]).expect("sent");
        chunked
            .send(&[b'1', b'\r', b'\n', *byte, b'\r', b'\n'])
            .expect("sent");
        thread::sleep(Duration::from_millis(2));
    }
    chunked.send(b"0\r\n\r\n").expect("sent");
    for mut connection in [whole, chunked] {
        let answer = connection.read_response("POST").expect("an answer");
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
    assert_eq!(library.asked(), 2);
    assert_unharmed(&gateway);
}

/// Many clients at once that begin a body and leave.
#[test]
fn places_are_given_back_by_clients_that_leave_in_their_bodies() {
    let library = library();
    let gateway = gateway(&library, &[]);
    let gone: Vec<_> = (0..IN_FLIGHT_MAX)
        .map(|_| begun(&gateway, "Content-Length: 500", b"{"))
        .collect();
    until("all places taken", || {
        let answer = http::request(gateway.address(), "POST", "/books", &[], b"no JSON");
        (answer.expect("an answer").status() == 503).then_some(())
    });
    drop(gone);
    until("a place to be free", || {
        let answer = http::request(gateway.address(), "POST", "/books", &[], b"no JSON");
        (answer.expect("an answer").status() == 400).then_some(())
    });
    // A connection that is closed in the midst of its head takes no place.
    for _ in 0..2 * IN_FLIGHT_MAX {
        let mut stream = TcpStream::connect(gateway.address()).expect("connected");
        stream.write_all(b"POST /books HT").expect("sent");
        stream.shutdown(Shutdown::Write).expect("a connection");
        let mut rest = Vec::new();
        // Whatever comes, it ends.
        let _ = stream.read_to_end(&mut rest);
    }
    all_is_well(&gateway, &library);
}
