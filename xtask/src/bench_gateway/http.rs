//! One GET over a connection of its own, with the whole answer in memory: enough
//! for asking a gateway whether it is up, and what it says. The load does not come
//! from here. A client library would start slower than some of the gateways do.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

const CONNECT_WITHIN: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Asks for `path`; `accept` is the media type that the answer should have.
pub(super) fn get(address: SocketAddr, path: &str, accept: Option<&str>) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_WITHIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    let accept = accept.unwrap_or("*/*");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    )?;
    let mut bytes = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
    parse(&bytes).ok_or_else(|| {
        let what = format!("what {address} sent is no whole answer of HTTP/1.1");
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n")?;
    let head = str::from_utf8(&bytes[..end]).ok()?;
    let body = &bytes[end + 4..];
    let mut lines = head.split("\r\n");
    let status_line = lines.next()?.strip_prefix("HTTP/1.1 ")?;
    let status = status_line.split(' ').next()?.parse().ok()?;
    let chunked = lines.filter_map(|line| line.split_once(':')).any(|header| {
        header.0.eq_ignore_ascii_case("transfer-encoding")
            && header.1.trim().eq_ignore_ascii_case("chunked")
    });
    let body = match chunked {
        true => joined(body)?,
        false => body.to_vec(),
    };
    let body = String::from_utf8(body).ok()?;
    Some(Answer { status, body })
}

/// The content of chunks; nothing when the last one is missing.
fn joined(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let line = bytes.windows(2).position(|part| part == b"\r\n")?;
        let size = str::from_utf8(&bytes[..line]).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        bytes = &bytes[line + 2..];
        if size == 0 {
            return Some(content);
        }
        content.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(bytes: &str, expected: Option<(u16, &str)>) {
        let expected = expected.map(|(status, body)| Answer {
            status,
            body: body.to_owned(),
        });
        assert_eq!(parse(bytes.as_bytes()), expected, "{bytes:?}");
    }

    #[test]
    fn an_answer_ends_with_its_connection_or_its_last_chunk() {
        check(
            "HTTP/1.1 200 OK\r\nServer: x\r\n\r\nall of it",
            Some((200, "all of it")),
        );
        check(
            "HTTP/1.1 503 No\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
            Some((503, "abc0123456789")),
        );
    }

    #[test]
    fn what_is_cut_off_is_no_answer() {
        check("", None);
        check("HTTP/1.1 200 OK\r\nServer:", None);
        check(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
            None,
        );
        check(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
            None,
        );
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            chunks in "[0-9a-f\r\nx]{0,60}",
        ) {
            let _ = parse(&bytes);
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let _ = parse(format!("{head}{chunks}").as_bytes());
        }
    }
}
