//! A plain HTTP/1.1 client over a TCP connection. It adds nothing to what the
//! test says and hides nothing of what comes back: bytes can be sent raw, and
//! a body can be read piece by piece as it arrives. Reading fails after
//! [`crate::IN_TIME`] without a byte, so that a server that hangs is a failure
//! and not a test that hangs.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use crate::IN_TIME;

/// Longest head that is read; a longer one is an error.
const HEAD_BYTES_MAX: u64 = 256 * 1024;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status and headers.
    pub head: Head,
    /// The body, without its transfer encoding.
    pub body: Vec<u8>,
}

/// Status and headers of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Names as sent, and values, in their order.
    pub headers: Vec<(String, String)>,
}

/// Sends a `GET` on a connection of its own and reads the whole answer.
pub fn get(address: SocketAddr, target: &str) -> io::Result<Response> {
    request(address, "GET", target, &[], b"")
}

/// Sends any request on a connection of its own and reads the whole answer.
pub fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Response> {
    let mut connection = Connection::open(address)?;
    let mut headers = headers.to_vec();
    headers.push(("Connection", "close"));
    connection.send_request(method, target, &headers, body)?;
    connection.read_response(method)
}

impl Head {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON. Fails the test when it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("no JSON ({error}): {}", self.text()),
        }
    }
}

/// A connection that stays open for any number of requests, one at a time.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// How the length of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// In chunks, of which the current one has so many bytes left.
    Chunked(u64),
    /// Until the server closes the connection.
    UntilClose,
    /// It has ended.
    Ended,
}

/// A body that is being read; see [`Connection::read_head`].
#[derive(Debug)]
pub struct Body<'a> {
    stream: &'a mut BufReader<TcpStream>,
    framing: Framing,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&address, IN_TIME)?;
        stream.set_read_timeout(Some(IN_TIME))?;
        stream.set_write_timeout(Some(IN_TIME))?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream: BufReader::new(stream),
        })
    }

    /// The socket itself, for what the other functions do not do. Bytes that
    /// were read ahead are not seen on it.
    pub fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends a request with a `Host`, and a `Content-Length` when it has a
    /// body, besides the given headers.
    pub fn send_request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        let host = self.stream().peer_addr()?;
        let mut text = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        self.send(&bytes)
    }

    /// Reads a whole answer to a request of that method.
    pub fn read_response(&mut self, method: &str) -> io::Result<Response> {
        let (head, mut from) = self.read_head(method)?;
        let mut body = Vec::new();
        from.read_to_end(&mut body)?;
        Ok(Response { head, body })
    }

    /// Reads the head of an answer, interim ones (100 to 199) left out, and
    /// leaves its body to be read as it arrives.
    pub fn read_head(&mut self, method: &str) -> io::Result<(Head, Body<'_>)> {
        let head = loop {
            let head = read_one_head(&mut self.stream)?;
            if !(100..200).contains(&head.status) {
                break head;
            }
        };
        let framing = framing(method, &head)?;
        let stream = &mut self.stream;
        Ok((head, Body { stream, framing }))
    }

    /// Everything that still comes until the server closes the connection.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn read_one_head(stream: &mut impl BufRead) -> io::Result<Head> {
    let mut stream = stream.take(HEAD_BYTES_MAX);
    let status_line = read_line(&mut stream)?;
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| odd(&format!("no status line of HTTP/1.1: {status_line:?}")))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(&mut stream)?;
        if line.is_empty() {
            return Ok(Head { status, headers });
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| odd(&format!("no header: {line:?}")))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn framing(method: &str, head: &Head) -> io::Result<Framing> {
    if method == "HEAD" || matches!(head.status, 204 | 304) {
        return Ok(Framing::Ended);
    }
    match (
        head.header("transfer-encoding"),
        head.header("content-length"),
    ) {
        (Some(_), Some(_)) => Err(odd("both Transfer-Encoding and Content-Length")),
        (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked(0)),
        (Some(coding), None) => Err(odd(&format!("unknown Transfer-Encoding {coding:?}"))),
        (None, Some(length)) => match length.parse() {
            Ok(length) => Ok(Framing::Length(length)),
            Err(_) => Err(odd(&format!("Content-Length {length:?}"))),
        },
        (None, None) => Ok(Framing::UntilClose),
    }
}

/// Gives the decoded bytes as they arrive. A body that breaks off before its
/// end is an error of kind `UnexpectedEof`.
impl Read for Body<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.framing == Framing::Chunked(0) {
            self.next_chunk()?;
        }
        let (left, wrap): (u64, fn(u64) -> Framing) = match self.framing {
            Framing::Ended | Framing::Length(0) => return Ok(0),
            Framing::UntilClose => return self.stream.read(into),
            Framing::Length(left) => (left, Framing::Length),
            Framing::Chunked(left) => (left, Framing::Chunked),
        };
        let read = self.stream.by_ref().take(left).read(into)?;
        if read == 0 && !into.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.framing = wrap(left - read as u64);
        if self.framing == Framing::Chunked(0) {
            expect_empty(&read_line(self.stream)?)?;
        }
        Ok(read)
    }
}

impl Body<'_> {
    /// The next piece as it arrives; `None` at the end of the body.
    pub fn next_piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut piece = vec![0; 64 * 1024];
        let read = self.read(&mut piece)?;
        piece.truncate(read);
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let line = read_line(self.stream)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length = u64::from_str_radix(digits, 16)
            .map_err(|_| odd(&format!("no length of a chunk: {line:?}")))?;
        self.framing = Framing::Chunked(length);
        if length == 0 {
            // Trailers, of which none is of interest.
            while !read_line(self.stream)?.is_empty() {}
            self.framing = Framing::Ended;
        }
        Ok(())
    }
}

/// A line without its end; `UnexpectedEof` when the connection was closed.
fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.take(HEAD_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn expect_empty(line: &str) -> io::Result<()> {
    match line {
        "" => Ok(()),
        line => Err(odd(&format!("a chunk is longer than it says: {line:?}"))),
    }
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, sync::mpsc, thread};

    use super::*;

    /// A server that answers one connection with these bytes and closes it.
    fn serving(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        });
        address
    }

    fn check(answer: &'static str, status: u16, body: &str) {
        let response = get(serving(answer), "/").expect("an answer");
        assert_eq!(
            (response.status(), response.text().as_str()),
            (status, body)
        );
    }

    #[test]
    fn bodies_end_where_they_say() {
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore",
            200,
            "ok",
        );
        check("HTTP/1.1 500 Oh\r\n\r\nuntil close", 500, "until close");
        check("HTTP/1.1 204 No\r\n\r\n", 204, "");
        check(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n",
            404,
            "",
        );
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
             3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\nmore",
            200,
            "abc0123456789",
        );
    }

    #[test]
    fn what_breaks_off_is_an_error() {
        for answer in [
            "",
            "HTTP/1.1 200 OK\r\nContent-",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        ] {
            let error = get(serving(answer), "/").expect_err("it broke off");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{answer:?}");
        }
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        for answer in [
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        ] {
            let error = get(serving(answer), "/").expect_err("not HTTP");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{answer:?}");
        }
    }

    #[test]
    fn pieces_are_given_as_they_arrive() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (go_on, wait) = mpsc::channel();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).expect("sent");
            for piece in ["1\r\na\r\n", "1\r\nb\r\n", "0\r\n\r\n"] {
                wait.recv().expect("told to go on");
                stream.write_all(piece.as_bytes()).expect("sent");
            }
        });
        let mut connection = Connection::open(address).expect("connected");
        connection.send_request("GET", "/", &[], b"").expect("sent");
        let (head, mut body) = connection.read_head("GET").expect("a head");
        assert_eq!(head.status, 200);
        // Each piece is sent only after the one before it was read.
        for expected in [Some(b"a".to_vec()), Some(b"b".to_vec()), None] {
            go_on.send(()).expect("the server waits");
            assert_eq!(body.next_piece().expect("a piece"), expected);
        }
        server.join().expect("the server is done");
    }
}
