//! Reads the answer to one call: head, messages, status. In: the library's
//! future of the answer; out: success or the failure's kind, with the messages
//! noted as they arrive. Messages are counted and not kept, so that flow control
//! is given back at once and an answer of any length takes no memory.

use std::time::Instant;

use h2::{RecvStream, client::ResponseFuture};
use http::{HeaderMap, HeaderName, StatusCode, header, response};
use percent_encoding::percent_decode;

use super::{MESSAGE_BYTES_MAX, broken};
use crate::exchange::{Observed, RequestError};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// How many messages an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Exactly one, when the status is OK.
    Unary,
    /// Any number.
    Stream,
}

/// Reads the whole answer.
pub(super) async fn read(
    answer: ResponseFuture,
    shape: Shape,
    observed: &mut Observed,
) -> Result<(), RequestError> {
    let (head, mut body) = answer.await.map_err(broken)?.into_parts();
    check_head(&head)?;
    // An answer without messages may carry its status in the head.
    let early = head.headers.contains_key(GRPC_STATUS);
    if early {
        check_status(&head.headers)?;
    }
    let mut frames = Frames::default();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.map_err(broken)?;
        let complete = frames.push(&chunk)?;
        release(&mut body, chunk.len());
        note(complete, shape, observed);
        if shape == Shape::Unary && observed.messages > 1 {
            return Err(malformed("a unary method answers with several messages"));
        }
        if early && !chunk.is_empty() {
            return Err(malformed("data comes after the status"));
        }
    }
    let trailers = body.trailers().await.map_err(broken)?;
    if !early {
        check_status(&trailers.unwrap_or_default())?;
    }
    frames.end()?;
    if shape == Shape::Unary && observed.messages == 0 {
        return Err(malformed("a unary method answers OK without a message"));
    }
    Ok(())
}

/// Lets the target send as many bytes again.
fn release(body: &mut RecvStream, bytes: usize) {
    // Fails only for a stream that is gone, which the next read tells.
    let _ = body.flow_control().release_capacity(bytes);
}

/// Notes messages that arrived together, with one reading of the clock.
fn note(complete: u64, shape: Shape, observed: &mut Observed) {
    match shape {
        Shape::Unary => observed.messages += complete,
        Shape::Stream if complete > 0 => {
            let at = Instant::now();
            for _ in 0..complete {
                observed.message(at);
            }
        }
        Shape::Stream => {}
    }
}

fn check_head(head: &response::Parts) -> Result<(), RequestError> {
    if head.status != StatusCode::OK {
        return Err(RequestError::Status(head.status.as_u16()));
    }
    let media_type = head.headers.get(header::CONTENT_TYPE);
    let rest = media_type.and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"));
    match rest.map(<[u8]>::first) {
        Some(None | Some(b'+' | b';')) => Ok(()),
        _ => Err(RequestError::MalformedGrpc(format!(
            "its content type is {media_type:?}, not application/grpc"
        ))),
    }
}

/// Fails unless the headers say that the call ended well.
fn check_status(headers: &HeaderMap) -> Result<(), RequestError> {
    let Some(status) = headers.get(GRPC_STATUS) else {
        return Err(malformed("it ends without a grpc-status"));
    };
    match status.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(0) => Ok(()),
        Some(code) => {
            let message = headers.get(GRPC_MESSAGE);
            let message = percent_decode(message.map_or(b"", |value| value.as_bytes()));
            Err(RequestError::GrpcStatus {
                code,
                message: message.decode_utf8_lossy().into_owned(),
            })
        }
        None => Err(RequestError::MalformedGrpc(format!(
            "its grpc-status is {status:?}, not a number"
        ))),
    }
}

fn malformed(what: &str) -> RequestError {
    RequestError::MalformedGrpc(what.to_owned())
}

/// Flag byte and length.
const PREFIX: usize = 5;

/// Finds the ends of messages in the bytes of an answer.
#[derive(Debug, Default)]
struct Frames {
    prefix: [u8; PREFIX],
    /// Bytes of the prefix that are there; all of them while in a message.
    prefixed: usize,
    /// Bytes of the message that are still to come.
    missing: usize,
}

impl Frames {
    /// Takes the next bytes and says how many messages they complete.
    fn push(&mut self, mut bytes: &[u8]) -> Result<u64, RequestError> {
        let mut complete = 0;
        while !bytes.is_empty() {
            if self.prefixed < PREFIX {
                let take = bytes.len().min(PREFIX - self.prefixed);
                self.prefix[self.prefixed..][..take].copy_from_slice(&bytes[..take]);
                self.prefixed += take;
                bytes = &bytes[take..];
                if self.prefixed < PREFIX {
                    break;
                }
                self.missing = length(self.prefix)?;
            }
            let take = bytes.len().min(self.missing);
            self.missing -= take;
            bytes = &bytes[take..];
            if self.missing == 0 {
                self.prefixed = 0;
                complete += 1;
            }
        }
        Ok(complete)
    }

    /// Fails when the answer may not end here.
    fn end(&self) -> Result<(), RequestError> {
        match self.prefixed {
            0 => Ok(()),
            _ => Err(malformed("it ends inside a message")),
        }
    }
}

/// The length that a prefix announces.
fn length([flag, length @ ..]: [u8; PREFIX]) -> Result<usize, RequestError> {
    let bytes = u32::from_be_bytes(length) as usize;
    match flag {
        0 if bytes <= MESSAGE_BYTES_MAX => Ok(bytes),
        0 => Err(RequestError::MalformedGrpc(format!(
            "a message of {bytes} bytes, more than the limit of {MESSAGE_BYTES_MAX}"
        ))),
        _ => Err(RequestError::MalformedGrpc(format!(
            "a compressed message, though no compression was offered (flag {flag})"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(lengths: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &length in lengths {
            bytes.push(0);
            bytes.extend(u32::try_from(length).expect("small").to_be_bytes());
            bytes.resize(bytes.len() + length, 0xff);
        }
        bytes
    }

    #[test]
    fn only_grpc_is_read() {
        for (media_type, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;charset=utf-8", true),
            ("application/grpc-web", false),
            ("text/html", false),
        ] {
            let head = response::Builder::new().header("content-type", media_type);
            let (head, ()) = head.body(()).expect("a right head").into_parts();
            assert_eq!(check_head(&head).is_ok(), expected, "{media_type}");
        }
    }

    #[test]
    fn a_limit_is_kept_before_the_message_is_there() {
        let error = Frames::default()
            .push(&[0, 4, 0, 0, 1])
            .expect_err("one byte more than 64 MiB");
        assert_eq!(
            error.to_string(),
            "the answer is malformed: a message of 67108865 bytes, more than the limit of 67108864"
        );
    }

    proptest! {
        #[test]
        fn messages_are_counted_whatever_the_chunks(
            lengths in prop::collection::vec(0usize..40, 0..20),
            cuts in prop::collection::vec(1usize..30, 1..60),
        ) {
            let bytes = framed(&lengths);
            let mut frames = Frames::default();
            let (mut complete, mut at) = (0, 0);
            let mut cuts = cuts.iter().cycle();
            while at < bytes.len() {
                let cut = cuts.next().copied().unwrap_or(1).min(bytes.len() - at);
                complete += frames.push(&bytes[at..at + cut]).expect("well formed");
                at += cut;
            }
            prop_assert_eq!(complete, lengths.len() as u64);
            prop_assert!(frames.end().is_ok());
        }

        #[test]
        fn an_end_inside_a_message_is_noticed(length in 0usize..40, cut in 1usize..45) {
            let bytes = framed(&[length]);
            let mut frames = Frames::default();
            let cut = cut.min(bytes.len() - 1);
            prop_assert_eq!(frames.push(&bytes[..cut]).expect("well formed"), 0);
            prop_assert!(frames.end().is_err());
        }

        #[test]
        fn garbage_is_counted_or_refused(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..10)) {
            let mut frames = Frames::default();
            for chunk in chunks {
                if frames.push(&chunk).is_err() {
                    break;
                }
            }
        }
    }
}
