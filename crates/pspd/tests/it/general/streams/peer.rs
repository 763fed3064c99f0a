//! A WebSocket client of which the test decides every frame.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;
use testkit::IN_TIME;

pub(super) const TEXT: u8 = 0x81;
pub(super) const BINARY: u8 = 0x82;
pub(super) const CLOSE: u8 = 0x88;
pub(super) const PING: u8 = 0x89;
pub(super) const PONG: u8 = 0x8a;

/// An open socket.
pub(super) struct Peer {
    stream: TcpStream,
}

/// All texts that came, and how the socket was closed; code 0 is no close frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) texts: Vec<String>,
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Peer {
    #[track_caller]
    pub(super) fn open(address: SocketAddr, target: &str) -> Peer {
        let (head, peer) = Peer::shake_hands(address, upgrade(target, &[]));
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // The example of the specification.
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        peer
    }

    /// Sends a request and reads the head of its answer.
    #[track_caller]
    pub(super) fn shake_hands(address: SocketAddr, request: impl AsRef<[u8]>) -> (String, Peer) {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.set_nodelay(true).expect("set");
        stream.set_read_timeout(Some(IN_TIME)).expect("set");
        stream.set_write_timeout(Some(IN_TIME)).expect("set");
        stream.write_all(request.as_ref()).expect("sent");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).expect("a head");
            head.extend(byte);
        }
        let head = String::from_utf8(head).expect("text");
        (head, Peer { stream })
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    #[track_caller]
    pub(super) fn text(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes()).expect("sent");
    }

    pub(super) fn send(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(first, payload))
    }

    #[track_caller]
    pub(super) fn close(&mut self, code: u16) {
        self.send(CLOSE, &code.to_be_bytes()).expect("sent");
    }

    /// The next frame, whatever it is.
    pub(super) fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        assert_eq!(head[1] & 0x80, 0, "a server masks nothing");
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.stream.read_exact(&mut length)?;
                u64::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                self.stream.read_exact(&mut length)?;
                u64::from_be_bytes(length)
            }
            length => length.into(),
        };
        let mut payload = vec![0; usize::try_from(length).expect("it fits")];
        self.stream.read_exact(&mut payload)?;
        Ok((head[0], payload))
    }

    /// The next text; pings are answered.
    #[track_caller]
    pub(super) fn next(&mut self) -> String {
        loop {
            match self.frame().expect("a frame") {
                (TEXT, text) => return String::from_utf8(text).expect("UTF-8"),
                (PING, payload) => self.send(PONG, &payload).expect("sent"),
                other => panic!("no text: {other:?}"),
            }
        }
    }

    /// Everything until the server closes, which is answered.
    pub(super) fn end(mut self) -> End {
        let mut end = End {
            texts: Vec::new(),
            code: 0,
            reason: String::new(),
        };
        while let Ok((first, payload)) = self.frame() {
            match first {
                TEXT => end.texts.push(String::from_utf8(payload).expect("UTF-8")),
                CLOSE => {
                    if let Some((code, reason)) = payload.split_first_chunk() {
                        end.code = u16::from_be_bytes(*code);
                        end.reason = String::from_utf8(reason.to_vec()).expect("UTF-8");
                    }
                    let _ = self.send(CLOSE, &payload);
                }
                PING => drop(self.send(PONG, &payload)),
                _ => {}
            }
        }
        end
    }
}

impl End {
    /// The status that came last, and the texts before it.
    #[track_caller]
    pub(super) fn status(&self) -> (Value, &[String]) {
        let (last, texts) = self.texts.split_last().expect("a last message");
        let mut last: Value = last.parse().expect("JSON");
        (last["@status"].take(), texts)
    }

    /// Asserts that the call went well, and gives what came.
    #[track_caller]
    pub(super) fn ok(&self) -> &[String] {
        let (status, texts) = self.status();
        assert_eq!(status["code"], 0, "{self:?}");
        assert_eq!((self.code, self.reason.as_str()), (1000, "OK"));
        texts
    }

    /// Asserts that the call ended with this status.
    #[track_caller]
    pub(super) fn failed(&self, code: u16) -> String {
        let (status, _) = self.status();
        assert_eq!(status["code"], code, "{self:?}");
        assert_eq!(self.code, 4000 + code, "{self:?}");
        status["message"].as_str().expect("a text").to_owned()
    }
}

/// The request that opens a socket, with more headers.
pub(super) fn upgrade(target: &str, more: &[(&str, &str)]) -> String {
    let mut request = format!("GET {target} HTTP/1.1\r\n");
    let known = [
        ("Host", "gateway.test"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let is_new = |(name, _): &&(&str, &str)| more.iter().all(|(other, _)| other != name);
    for (name, value) in known.iter().filter(is_new).chain(more) {
        if !value.is_empty() {
            request += &format!("{name}: {value}\r\n");
        }
    }
    request + "\r\n"
}

/// A frame as a client sends it: masked.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | u8::try_from(length).expect("small")),
        length @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).expect("small").to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    let masked = payload.iter().zip(MASK.iter().cycle());
    bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
    bytes
}
