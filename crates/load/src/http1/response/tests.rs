use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    head_bytes_max: 512,
    body_bytes_max: 4096,
};

/// Feeds `bytes` in pieces that end at `cuts`, as a connection's reads would.
fn read(bytes: &[u8], cuts: &[usize]) -> Result<Option<(Answer, usize)>, Malformed> {
    let mut parser = Parser::new(LIMITS, Body::AsStated);
    let mut start = 0;
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    for end in ends {
        let fed = parser.feed(&bytes[start..end])?;
        start += fed.used;
        if let Some(answer) = fed.answer {
            return Ok(Some((answer, start)));
        }
    }
    Ok(None)
}

fn check(bytes: &str, expected: Result<Option<(u16, bool)>, Malformed>) {
    let found = read(bytes.as_bytes(), &[])
        .map(|read| read.map(|(answer, _)| (answer.status, answer.keep_alive)));
    assert_eq!(found, expected, "{bytes:?}");
}

#[test]
fn complete_answers_are_recognised() {
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        Ok(Some((200, true))),
    );
    check(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: x, Close\r\n\r\nok",
        Ok(Some((200, false))),
    );
    check(
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        Ok(Some((200, false))),
    );
    check(
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
        Ok(Some((200, true))),
    );
    check("HTTP/1.1 204 No Content\r\n\r\n", Ok(Some((204, true))));
    check(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
        Ok(Some((503, true))),
    );
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\nA\r\n0123456789\r\n0\r\nDate: now\r\n\r\n",
        Ok(Some((200, true))),
    );
}

#[test]
fn incomplete_answers_wait_for_more() {
    check("", Ok(None));
    check("HTTP/1.1 200 OK\r\nContent-Le", Ok(None));
    check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", Ok(None));
    check(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
        Ok(None),
    );
}

#[test]
fn wrong_answers_are_refused() {
    let head = "HTTP/1.1 200 OK\r\n";
    let refused = |rest: &str, why| check(&format!("{head}{rest}"), Err(why));
    refused("Content-Length: x\r\n\r\n", Malformed::ContentLength);
    refused("Content-Length: +1\r\n\r\n", Malformed::ContentLength);
    refused(
        "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        Malformed::ContentLength,
    );
    refused(
        "Content-Length: 4097\r\n\r\n",
        Malformed::BodyTooLarge(4096),
    );
    refused(
        "Transfer-Encoding: gzip\r\n\r\n",
        Malformed::TransferEncoding,
    );
    refused(
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        Malformed::TransferEncoding,
    );
    let chunked =
        |body: &str, why| refused(&format!("Transfer-Encoding: chunked\r\n\r\n{body}"), why);
    chunked("\r\n", Malformed::Chunk);
    chunked("g\r\n", Malformed::Chunk);
    chunked("1\nx", Malformed::Chunk);
    chunked("1\r\nxy", Malformed::Chunk);
    chunked("ffffffffffffffffff\r\n", Malformed::BodyTooLarge(4096));
    chunked("1001\r\n", Malformed::BodyTooLarge(4096));
    chunked(
        &format!("1;{}", "x".repeat(600)),
        Malformed::HeadTooLarge(512),
    );
    refused(
        &format!("X: {}\r\n", "y".repeat(600)),
        Malformed::HeadTooLarge(512),
    );
    check(
        "SSH-2.0-x\r\n",
        Err(Malformed::Head(httparse::Error::Version)),
    );
}

#[test]
fn a_body_without_length_ends_with_the_connection() {
    let mut parser = Parser::new(LIMITS, Body::AsStated);
    assert_eq!(parser.closed(), None);
    let fed = parser
        .feed(b"HTTP/1.1 200 OK\r\n\r\nwhole")
        .expect("this is a valid answer");
    assert_eq!(fed.answer, None);
    assert_eq!(
        parser.closed(),
        Some(Answer {
            status: 200,
            keep_alive: false
        })
    );
    let mut cut = Parser::new(LIMITS, Body::AsStated);
    cut.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwhole")
        .expect("this is the start of a valid answer");
    assert_eq!(cut.closed(), None, "an answer cut short is no answer");
}

#[test]
fn an_answer_to_head_has_no_body_whatever_it_states() {
    for stated in [
        "Content-Length: 99999",
        "Transfer-Encoding: chunked",
        "X: y",
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{stated}\r\n\r\n");
        let fed = Parser::new(LIMITS, Body::Absent)
            .feed(bytes.as_bytes())
            .expect("valid");
        assert_eq!(fed.used, bytes.len(), "{stated}");
        let answer = fed.answer.expect("complete");
        assert_eq!((answer.status, answer.keep_alive), (200, true), "{stated}");
    }
}

#[test]
fn the_parser_is_ready_for_the_next_answer() {
    let one = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let two = [&one[..], &one[..]].concat();
    let mut parser = Parser::new(LIMITS, Body::AsStated);
    for start in [0, one.len()] {
        let fed = parser.feed(&two[start..]).expect("valid");
        assert_eq!(fed.used, one.len());
        assert!(fed.answer.is_some());
    }
}

/// A valid response and the answer it must be read as.
fn valid() -> impl Strategy<Value = (Vec<u8>, Answer)> {
    let body = prop::collection::vec(any::<u8>(), 0..300);
    let pieces = prop::collection::vec(1usize..40, 0..20);
    (200u16..600, body, pieces, any::<bool>(), any::<bool>()).prop_map(
        |(status, body, pieces, chunked, close)| {
            let bodiless = status == 204 || status == 304;
            let mut bytes = format!("HTTP/1.1 {status} Text\r\nServer: x\r\n").into_bytes();
            if close {
                bytes.extend(b"Connection: close\r\n");
            }
            if bodiless {
                bytes.extend(b"\r\n");
            } else if chunked {
                bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
                encode_chunks(&mut bytes, &body, &pieces);
            } else {
                bytes.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
                bytes.extend(&body);
            }
            let answer = Answer {
                status,
                keep_alive: !close,
            };
            (bytes, answer)
        },
    )
}

fn encode_chunks(bytes: &mut Vec<u8>, mut body: &[u8], pieces: &[usize]) {
    let mut pieces = pieces.iter().copied();
    while !body.is_empty() {
        let (chunk, rest) = body.split_at(pieces.next().unwrap_or(body.len()).min(body.len()));
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
        body = rest;
    }
    bytes.extend(b"0\r\n\r\n");
}

proptest! {
    #[test]
    fn reads_may_end_anywhere((bytes, answer) in valid(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        prop_assert_eq!(read(&bytes, &cuts), Ok(Some((answer, bytes.len()))));
    }

    #[test]
    fn an_answer_cut_short_is_never_complete((bytes, _) in valid(), cut in any::<prop::sample::Index>()) {
        let shorter = &bytes[..cut.index(bytes.len())];
        prop_assert_eq!(read(shorter, &[]), Ok(None));
    }

    #[test]
    fn garbage_never_panics_and_is_never_overread(
        head in prop::sample::select(vec![
            &b""[..],
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
        ]),
        garbage in prop::collection::vec(any::<u8>(), 0..1500),
        cuts in prop::collection::vec(any::<usize>(), 0..5),
    ) {
        let bytes = [head, &garbage].concat();
        if let Ok(Some((_, used))) = read(&bytes, &cuts) {
            prop_assert!(used <= bytes.len());
        }
    }
}
