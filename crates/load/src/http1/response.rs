//! One HTTP/1.1 response, recognised as its bytes arrive: in, whatever a read
//! returned; out, how many of those bytes belong to the response and, at its
//! end, the status and whether the connection may be used again. Does no IO
//! and keeps no body: a load generator must read the whole answer, not store it.
//! The head is `httparse`'s work; a general HTTP client was not used because its
//! connection pool and its allocations would cost more than the target does.

use thiserror::Error;

/// How much of an answer is accepted before it counts as malformed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Status line and headers; also what surrounds a chunk, and the trailers.
    pub(crate) head_bytes_max: usize,
    /// The body's content.
    pub(crate) body_bytes_max: u64,
}

/// What is remembered of a complete response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The next request may use the same connection.
    pub(crate) keep_alive: bool,
}

/// The result of looking at some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fed {
    /// Bytes consumed from the front of the input; an incomplete head consumes
    /// nothing and wants to see the same bytes again with more behind them.
    pub(crate) used: usize,
    /// Present once the response is complete.
    pub(crate) answer: Option<Answer>,
}

/// Whether the answer to a request has a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// As its head says.
    AsStated,
    /// Never, whatever its head says: the request's method is HEAD.
    Absent,
}

/// Why the bytes are not an acceptable response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Not a status line, or not a header.
    #[error("the head is not HTTP/1: {0}")]
    Head(httparse::Error),
    /// Larger than the limit, in bytes.
    #[error("the head, or the framing of the chunks, is larger than {0} bytes")]
    HeadTooLarge(usize),
    /// Where the body ends is unknown.
    #[error("Content-Length is missing its number, or given twice with different ones")]
    ContentLength,
    /// Where the body ends is unknown, or said in two ways.
    #[error("Transfer-Encoding is something else than chunked")]
    TransferEncoding,
    /// Not a chunk of a chunked body.
    #[error("a chunk is framed wrongly")]
    Chunk,
    /// Larger than the limit, in bytes.
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(u64),
    /// The peer says more than it was asked.
    #[error("bytes follow the end of the answer")]
    Excess,
}

/// More headers than any answer worth a benchmark has, few enough for the stack.
const HEADERS_MAX: usize = 64;

/// Recognises one response after the other.
#[derive(Debug)]
pub(crate) struct Parser {
    limits: Limits,
    body: Body,
    state: State,
}

#[derive(Debug)]
enum State {
    Head,
    Body(Answer, Framing),
}

#[derive(Debug)]
enum Framing {
    Length { left: u64 },
    Chunked(Chunks),
    UntilClose { seen: u64 },
}

impl Parser {
    pub(crate) fn new(limits: Limits, body: Body) -> Self {
        Parser {
            limits,
            body,
            state: State::Head,
        }
    }

    /// Looks at `input`. After an answer the parser is ready for the next one;
    /// after an error it must be replaced.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Result<Fed, Malformed> {
        let mut used = 0;
        if let State::Head = self.state {
            let Some(head) = self.head(input)? else {
                return Ok(Fed { used, answer: None });
            };
            used = head.bytes;
            self.state = State::Body(head.answer, head.framing);
        }
        let State::Body(answer, framing) = &mut self.state else {
            return Ok(Fed { used, answer: None });
        };
        let answer = *answer;
        let (body, complete) = framing.advance(&input[used..], &self.limits)?;
        used += body;
        if complete {
            self.state = State::Head;
        }
        Ok(Fed {
            used,
            answer: complete.then_some(answer),
        })
    }

    /// The answer when the peer closes now: only a body without a stated length
    /// ends this way; every other state means that the answer was cut short.
    pub(crate) fn closed(&self) -> Option<Answer> {
        match &self.state {
            State::Body(answer, Framing::UntilClose { .. }) => Some(*answer),
            _ => None,
        }
    }

    /// The first final head in `input`; interim ones (1xx) are passed over.
    fn head(&self, input: &[u8]) -> Result<Option<Head>, Malformed> {
        let mut from = 0;
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut response = httparse::Response::new(&mut headers);
            let bytes = match response.parse(&input[from..]) {
                Ok(httparse::Status::Complete(bytes)) => from + bytes,
                Ok(httparse::Status::Partial) if input.len() < self.limits.head_bytes_max => {
                    return Ok(None);
                }
                Ok(httparse::Status::Partial) => {
                    return Err(Malformed::HeadTooLarge(self.limits.head_bytes_max));
                }
                Err(error) => return Err(Malformed::Head(error)),
            };
            if bytes > self.limits.head_bytes_max {
                return Err(Malformed::HeadTooLarge(self.limits.head_bytes_max));
            }
            if matches!(response.code, Some(100 | 102..=199)) {
                from = bytes;
                continue;
            }
            return Head::read(&response, bytes, self.body, &self.limits).map(Some);
        }
    }
}

struct Head {
    bytes: usize,
    answer: Answer,
    framing: Framing,
}

impl Head {
    fn read(
        response: &httparse::Response<'_, '_>,
        bytes: usize,
        body: Body,
        limits: &Limits,
    ) -> Result<Head, Malformed> {
        let status = response.code.unwrap_or(0);
        let mut keep_alive = response.version == Some(1);
        let mut length = None;
        let mut chunked = false;
        for header in &*response.headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                let stated = content_length(header.value)?;
                if length.is_some_and(|earlier| earlier != stated) {
                    return Err(Malformed::ContentLength);
                }
                length = Some(stated);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                if !header.value.trim_ascii().eq_ignore_ascii_case(b"chunked") || chunked {
                    return Err(Malformed::TransferEncoding);
                }
                chunked = true;
            } else if header.name.eq_ignore_ascii_case("connection") {
                for option in header.value.split(|byte| *byte == b',') {
                    if option.trim_ascii().eq_ignore_ascii_case(b"close") {
                        keep_alive = false;
                    } else if option.trim_ascii().eq_ignore_ascii_case(b"keep-alive") {
                        keep_alive |= response.version == Some(0);
                    }
                }
            }
        }
        if body == Body::AsStated && length.is_some_and(|length| length > limits.body_bytes_max) {
            return Err(Malformed::BodyTooLarge(limits.body_bytes_max));
        }
        let framing = match (status, chunked, length) {
            _ if body == Body::Absent => Framing::Length { left: 0 },
            (204 | 304, _, _) => Framing::Length { left: 0 },
            // Both at once is how one answer is smuggled inside another.
            (_, true, Some(_)) => return Err(Malformed::TransferEncoding),
            (_, true, None) => Framing::Chunked(Chunks::default()),
            (_, false, Some(left)) => Framing::Length { left },
            (_, false, None) => Framing::UntilClose { seen: 0 },
        };
        if matches!(framing, Framing::UntilClose { .. }) {
            keep_alive = false;
        }
        Ok(Head {
            bytes,
            answer: Answer { status, keep_alive },
            framing,
        })
    }
}

fn content_length(value: &[u8]) -> Result<u64, Malformed> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed::ContentLength);
    }
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .ok_or(Malformed::ContentLength)
}

impl Framing {
    /// How many bytes of `input` are the body's, and whether they end it.
    fn advance(&mut self, input: &[u8], limits: &Limits) -> Result<(usize, bool), Malformed> {
        match self {
            Framing::Length { left } => {
                let taken = at_most(*left, input.len());
                *left -= taken as u64;
                Ok((taken, *left == 0))
            }
            Framing::UntilClose { seen } => {
                *seen += input.len() as u64;
                if *seen > limits.body_bytes_max {
                    return Err(Malformed::BodyTooLarge(limits.body_bytes_max));
                }
                Ok((input.len(), false))
            }
            Framing::Chunked(chunks) => chunks.advance(input, limits),
        }
    }
}

/// Where in a chunked body the next byte stands.
#[derive(Debug, Default)]
struct Chunks {
    at: At,
    /// Content bytes left in this chunk; while its size is read, the size so far.
    left: u64,
    content_bytes: u64,
    framing_bytes: usize,
}

#[derive(Debug, Default, Clone, Copy)]
enum At {
    /// The size must have at least one digit.
    #[default]
    FirstDigit,
    Size,
    Extension,
    SizeLineFeed,
    Content,
    ContentReturn,
    ContentLineFeed,
    TrailerStart,
    Trailer,
    TrailerLineFeed,
    LastLineFeed,
}

impl Chunks {
    fn advance(&mut self, input: &[u8], limits: &Limits) -> Result<(usize, bool), Malformed> {
        let mut used = 0;
        while used < input.len() {
            if let At::Content = self.at {
                let taken = at_most(self.left, input.len() - used);
                self.left -= taken as u64;
                used += taken;
                if self.left == 0 {
                    self.at = At::ContentReturn;
                }
                continue;
            }
            let byte = input[used];
            used += 1;
            self.framing_bytes += 1;
            // Counted anew for each chunk: many small chunks are legitimate, an
            // endless extension or trailer is not.
            if self.framing_bytes > limits.head_bytes_max {
                return Err(Malformed::HeadTooLarge(limits.head_bytes_max));
            }
            if self.step(byte, limits)? {
                return Ok((used, true));
            }
        }
        Ok((used, false))
    }

    /// Takes one byte of framing; true at the end of the body.
    fn step(&mut self, byte: u8, limits: &Limits) -> Result<bool, Malformed> {
        self.at = match (self.at, byte) {
            (At::FirstDigit | At::Size, digit) if digit.is_ascii_hexdigit() => {
                self.digit(digit, limits)?;
                At::Size
            }
            (At::Size, b'\r') => At::SizeLineFeed,
            (At::Size, b';' | b' ' | b'\t') => At::Extension,
            (At::Extension, b'\r') => At::SizeLineFeed,
            (At::Extension, other) if other != b'\n' => At::Extension,
            (At::SizeLineFeed, b'\n') if self.left == 0 => At::TrailerStart,
            (At::SizeLineFeed, b'\n') => {
                self.content_bytes += self.left;
                if self.content_bytes > limits.body_bytes_max {
                    return Err(Malformed::BodyTooLarge(limits.body_bytes_max));
                }
                At::Content
            }
            (At::ContentReturn, b'\r') => At::ContentLineFeed,
            (At::ContentLineFeed, b'\n') => {
                self.framing_bytes = 0;
                At::FirstDigit
            }
            (At::TrailerStart, b'\r') => At::LastLineFeed,
            (At::TrailerStart | At::Trailer, other) if other != b'\n' && other != b'\r' => {
                At::Trailer
            }
            (At::Trailer, b'\r') => At::TrailerLineFeed,
            (At::TrailerLineFeed, b'\n') => At::TrailerStart,
            (At::LastLineFeed, b'\n') => return Ok(true),
            _ => return Err(Malformed::Chunk),
        };
        Ok(false)
    }

    fn digit(&mut self, digit: u8, limits: &Limits) -> Result<(), Malformed> {
        let value = char::from(digit).to_digit(16).unwrap_or(0);
        self.left = self
            .left
            .checked_mul(16)
            .and_then(|size| size.checked_add(u64::from(value)))
            .filter(|size| *size <= limits.body_bytes_max)
            .ok_or(Malformed::BodyTooLarge(limits.body_bytes_max))?;
        Ok(())
    }
}

fn at_most(left: u64, available: usize) -> usize {
    usize::try_from(left).map_or(available, |left| left.min(available))
}

#[cfg(test)]
mod tests;
