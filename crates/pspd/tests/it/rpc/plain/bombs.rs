//! Compressed messages in JSON of which far more becomes than was sent. Each alone may be
//! well within what a message may have.

use serde_json::Value;
use testkit::http::Connection;

use super::{Plain, envelope};
use crate::packing::{gzip, zstd};

type Pack = fn(&[u8]) -> Vec<u8>;

const CODINGS: [(&str, Pack); 2] = [("gzip", gzip), ("zstd", zstd)];
const KIB: usize = 1024;

/// A message with `bytes` of text that can be compressed to nearly nothing.
fn dense(bytes: usize) -> Vec<u8> {
    format!("{{\"text\":\"{}\"}}", "a".repeat(bytes)).into()
}

/// One whose text can be compressed to one half and not much less.
fn sparse(bytes: usize) -> Vec<u8> {
    let mut state = 1u32;
    let digit = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_digit(state >> 28, 16).expect("below 16")
    };
    let text: String = (0..bytes).map(digit).collect();
    format!("{{\"text\":\"{text}\"}}").into()
}

fn compressed(pack: Pack, message: &[u8]) -> Vec<u8> {
    enveloped(1, &pack(message))
}

fn enveloped(flag: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("small");
    [&[flag], &length.to_be_bytes()[..], bytes].concat()
}

/// What the last envelope of an answer says.
#[track_caller]
fn end(answer: &[u8]) -> Value {
    let mut rest = answer;
    while let Some((&[flag, a, b, c, d], after)) = rest.split_first_chunk() {
        let (message, after) = after.split_at(u32::from_be_bytes([a, b, c, d]) as usize);
        if flag == 2 {
            assert!(after.is_empty(), "it is the last one");
            return serde_json::from_slice(message).expect("JSON");
        }
        rest = after;
    }
    unreachable!("it has no end: {} bytes", answer.len())
}

impl Plain {
    /// The end of a call with these messages, all of them sent at once.
    #[track_caller]
    fn sum(&self, coding: &str, body: &[u8]) -> Value {
        let headers = [
            ("Content-Type", "application/connect+json"),
            ("Connect-Content-Encoding", coding),
        ];
        let answer = self.post("Sum", &headers, body);
        assert_eq!(answer.status(), 200);
        end(&answer.body)
    }
}

#[test]
fn a_bomb_is_refused_whole_or_in_pieces() {
    let plain = Plain::start("");
    for (coding, pack) in CODINGS {
        let whole = compressed(pack, &dense(2048 * KIB));
        let pieces = compressed(pack, &dense(64 * KIB)).repeat(32);
        for bomb in [whole, pieces] {
            let end = plain.sum(coding, &bomb);
            assert_eq!(
                end["error"]["code"], "resource_exhausted",
                "{coding}: {end}"
            );
            let message = end["error"]["message"].as_str().expect("a message");
            assert!(message.contains("compressed too well"), "{message}");
        }
    }
}

#[test]
fn what_is_no_bomb_is_taken() {
    let plain = Plain::start("");
    for (coding, pack) in CODINGS {
        for body in [
            // Little, however dense.
            compressed(pack, &dense(900 * KIB)),
            // Much, but not dense.
            compressed(pack, &sparse(64 * KIB)).repeat(32),
            // Dense, but sent as it is.
            enveloped(0, &dense(64 * KIB)).repeat(32),
        ] {
            let end = plain.sum(coding, &body);
            assert_eq!(end, serde_json::json!({}), "{coding}");
        }
    }
}

/// Messages before it have been answered.
#[test]
fn a_bomb_is_refused_in_the_middle_of_a_call() {
    let plain = Plain::start("");
    for (coding, pack) in CODINGS {
        let mut call = Connection::open(plain.gateway.address()).expect("connected");
        let head = format!(
            "POST /kinds.v1.Kinds/Talk HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/connect+json\r\nConnect-Content-Encoding: {coding}\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
        );
        call.send(head.as_bytes()).expect("sent");
        let mut calls = call.stream().try_clone().expect("a socket");
        send_chunk(&mut calls, &compressed(pack, br#"{"text":"a"}"#));
        let (head, mut body) = call.read_head("POST").expect("a head");
        assert_eq!(head.status, 200);
        let first = body.next_piece().expect("a piece").expect("an answer");
        assert_eq!(first, envelope(0, r#"{"text":"a"}"#));
        send_chunk(&mut calls, &compressed(pack, &dense(64 * KIB)).repeat(32));
        let mut rest = Vec::new();
        while let Some(piece) = body.next_piece().expect("a clean end") {
            rest.extend(piece);
        }
        let end = end(&rest);
        assert_eq!(
            end["error"]["code"], "resource_exhausted",
            "{coding}: {end}"
        );
    }
}

fn send_chunk(stream: &mut impl std::io::Write, bytes: &[u8]) {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    stream.write_all(&chunk).expect("sent");
}
