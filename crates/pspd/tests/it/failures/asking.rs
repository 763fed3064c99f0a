//! A client that asks in every form there is, and holds each answer to what its
//! form promises: an answer that is neither whole, nor an error that says so, nor
//! torn where it may be, fails the test.

use std::io::{ErrorKind, Read};

use bytes::Bytes;
use serde_json::Value;
use testkit::{Process, http};

use crate::{
    grpc_peer::{Call, framed, framed_bytes},
    raw_peer::{DATA, END_HEADERS, END_STREAM, HEADERS, fields, frame},
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// The one message of a unary call.
    One,
    /// A stream, gathered into an array.
    Array,
    /// A stream, a line a message.
    Lines,
    /// A stream, an event a message.
    Events,
    /// A stream of `google.api.HttpBody`.
    Bytes,
}

/// What came.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    /// The numbers of the messages, in their order.
    pub(super) numbers: Vec<i64>,
    /// The error, wherever it was told: a whole `google.rpc.Status`.
    pub(super) error: Option<Value>,
    /// Comments in an event stream.
    pub(super) comments: usize,
    torn: bool,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Well.
    Whole,
    /// With an error in its place.
    Refused { status: u16, code: u64 },
    /// With an error in the stream, after it had begun.
    Late { code: u64 },
    /// In the midst of it, with the connection.
    Torn,
}

impl Ask {
    pub(super) const ALL: [Ask; 5] = [Ask::One, Ask::Array, Ask::Lines, Ask::Events, Ask::Bytes];
    pub(super) const STREAMED: [Ask; 3] = [Ask::Lines, Ask::Events, Ask::Bytes];

    /// What a call is for, as far as its service sees that.
    pub(super) fn of(call: &Call) -> Ask {
        match call.request.uri.path() {
            "/books.v1.Library/GetBook" => Ask::One,
            "/books.v1.Library/ReadBook" => Ask::Bytes,
            _ => Ask::Lines,
        }
    }

    fn target(self) -> &'static str {
        match self {
            Ask::One => "/books/1",
            Ask::Array | Ask::Lines | Ask::Events => "/books",
            Ask::Bytes => "/books/1/text",
        }
    }

    fn accept(self) -> &'static str {
        match self {
            Ask::One | Ask::Array => "application/json",
            Ask::Lines => "application/x-ndjson",
            Ask::Events => "text/event-stream",
            Ask::Bytes => "*/*",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Ask::Bytes => "text/plain",
            _ => self.accept(),
        }
    }

    /// Whether each message goes out when it comes.
    pub(super) fn is_streamed(self) -> bool {
        Ask::STREAMED.contains(&self)
    }

    /// How many messages a whole answer has in these tests.
    pub(super) fn messages(self) -> i32 {
        match self {
            Ask::One => 1,
            _ => 3,
        }
    }

    /// The message with that number, from 1, in its frame.
    pub(super) fn message(self, number: i32) -> Bytes {
        match self {
            Ask::Bytes => {
                let data = format!("{number};");
                let length = u8::try_from(data.len()).expect("a small number");
                let fields = [b"\x0a\x0atext/plain\x12", &[length][..], data.as_bytes()];
                framed_bytes(&fields.concat())
            }
            // The first field is an `int32` there as well.
            _ => framed(&contract::pspd::NumberReply { value: number }),
        }
    }

    /// A whole answer as HTTP/2 frames: a head, the messages, an end.
    pub(super) fn frames(self, stream: u32) -> Vec<Vec<u8>> {
        let head = fields(&[(":status", "200"), ("content-type", "application/grpc")]);
        let end = fields(&[("grpc-status", "0")]);
        let messages = (1..=self.messages()).map(|number| self.message(number));
        [frame(HEADERS, END_HEADERS, stream, &head)]
            .into_iter()
            .chain(messages.map(|message| frame(DATA, 0, stream, &message)))
            .chain([frame(HEADERS, END_HEADERS | END_STREAM, stream, &end)])
            .collect()
    }

    /// How an answer must end that failed after `before` messages.
    pub(super) fn failed(self, before: usize, status: u16, code: u64) -> Seen {
        match self {
            _ if before == 0 => Seen::Refused { status, code },
            Ask::One | Ask::Array => Seen::Refused { status, code },
            Ask::Lines | Ask::Events => Seen::Late { code },
            Ask::Bytes => Seen::Torn,
        }
    }

    /// Asks on a connection of its own, which has to be in order after every
    /// answer that is not torn.
    #[track_caller]
    pub(super) fn ask(self, gateway: &Process, headers: &[(&str, &str)]) -> Got {
        let mut connection = self.begin(gateway, headers);
        let got = self.finish(&mut connection);
        if !got.torn {
            let sent = connection.send_request("GET", "/healthz", &[], b"");
            sent.expect("the connection is open");
            let answer = connection.read_response("GET").expect("an answer");
            assert_eq!(answer.text(), "ok");
        }
        got
    }

    /// Asks, and leaves the answer to be read.
    #[track_caller]
    pub(super) fn begin(self, gateway: &Process, headers: &[(&str, &str)]) -> http::Connection {
        let mut connection = http::Connection::open(gateway.address()).expect("connected");
        let mut all = vec![("Accept", self.accept())];
        all.extend(headers);
        let sent = connection.send_request("GET", self.target(), &all, b"");
        sent.expect("sent");
        connection
    }

    /// Reads the answer to its end.
    #[track_caller]
    pub(super) fn finish(self, connection: &mut http::Connection) -> Got {
        let (head, mut body) = connection.read_head("GET").expect("a head");
        let mut bytes = Vec::new();
        let torn = match body.read_to_end(&mut bytes) {
            Ok(_) => false,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => true,
            Err(error) => panic!("{self:?}: the body ended with {error}"),
        };
        let text = String::from_utf8(bytes).expect("text");
        let mut got = Got {
            status: head.status,
            numbers: Vec::new(),
            error: None,
            comments: 0,
            torn,
        };
        if head.status == 200 {
            assert!(!torn || self == Ask::Bytes, "{self:?} torn after {text}");
            self.read(&text, &mut got);
            // Without a first message nobody knows the type.
            let known = self != Ask::Bytes || !got.numbers.is_empty();
            let media_type = head.header("content-type");
            assert!(!known || media_type == Some(self.media_type()), "{head:?}");
        } else {
            assert!(!torn, "{self:?} torn after {text}");
            assert_eq!(head.header("content-type"), Some("application/json"));
            let retry = head.header("retry-after").is_some();
            assert_eq!(retry, head.status == 503, "{head:?}");
            got.error = Some(parse(&text));
        }
        if let Some(error) = &got.error {
            check_error(error, head.header("x-request-id"));
        }
        got
    }

    #[track_caller]
    fn read(self, text: &str, got: &mut Got) {
        match self {
            Ask::One => got.numbers.push(number(&parse(text))),
            Ask::Array => {
                let array = parse(text);
                let array = array.as_array().expect("an array");
                got.numbers.extend(array.iter().map(number));
            }
            Ask::Lines => {
                for line in text.split_inclusive('\n') {
                    assert!(line.ends_with('\n'), "half a line: {line}");
                    assert_eq!(got.error, None, "the error is not the last line");
                    match parse(line) {
                        Value::Object(mut line) if line.contains_key("error") => {
                            got.error = line.remove("error");
                        }
                        book => got.numbers.push(number(&book)),
                    }
                }
            }
            Ask::Events => read_events(text, got),
            Ask::Bytes => {
                let numbers = text.split_terminator(';').map(str::parse::<i64>);
                got.numbers
                    .extend(numbers.map(|number| number.expect("a number")));
            }
        }
    }
}

/// Events, the last of which says that it is the last.
#[track_caller]
fn read_events(text: &str, got: &mut Got) {
    let mut ended = false;
    for event in text.split_inclusive("\n\n") {
        let event = event.strip_suffix("\n\n").expect("a whole event");
        assert!(!ended, "something follows the end: {event}");
        if event == ":" {
            got.comments += 1;
        } else if let Some(error) = event.strip_prefix("id: end\nevent: error\ndata: ") {
            got.error = Some(parse(error));
            ended = true;
        } else if event == "id: end\nevent: end\ndata: {}" {
            ended = true;
        } else {
            let book = event.strip_prefix("data: ").expect("an event with data");
            got.numbers.push(number(&parse(book)));
        }
    }
    assert!(ended, "an event stream without its end: {text}");
}

impl Got {
    /// How it ended. The messages that came are the first ones in any case.
    #[track_caller]
    pub(super) fn seen(&self) -> Seen {
        for (number, expected) in self.numbers.iter().zip(1..) {
            assert_eq!(*number, expected, "lost or repeated: {self:?}");
        }
        let code = self.error.as_ref().and_then(|error| error["code"].as_u64());
        match (self.status, code, self.torn) {
            (200, None, false) => Seen::Whole,
            (200, None, true) => Seen::Torn,
            (200, Some(code), false) => Seen::Late { code },
            (status, Some(code), false) => Seen::Refused { status, code },
            _ => panic!("neither whole nor an error: {self:?}"),
        }
    }

    /// Asserts that all is well.
    #[track_caller]
    pub(super) fn assert_whole(&self, ask: Ask) {
        assert_eq!(self.seen(), Seen::Whole, "{ask:?}: {self:?}");
        let messages = usize::try_from(ask.messages()).expect("a count");
        assert_eq!(self.numbers.len(), messages, "{ask:?}");
    }
}

/// An error has all that `google.rpc.Status` has, and the request's id.
#[track_caller]
fn check_error(error: &Value, id: Option<&str>) {
    let message = error["message"].as_str().expect("a message");
    assert!(
        !message.contains("127.0.0.1"),
        "for the log alone: {message}"
    );
    let details = error["details"].as_array().expect("details");
    let info = details
        .iter()
        .find(|detail| detail["@type"] == "type.googleapis.com/google.rpc.RequestInfo");
    let known = info.and_then(|info| info["requestId"].as_str());
    assert!(id.is_some() && known == id, "{error}");
}

#[track_caller]
fn parse(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => panic!("no JSON ({error}): {text}"),
    }
}

/// The number of a book; fields with their default are left out.
#[track_caller]
fn number(book: &Value) -> i64 {
    let book = book.as_object().expect("a book");
    book.get("number")
        .map_or(0, |number| number.as_i64().expect("a number"))
}
