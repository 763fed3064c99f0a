//! The body of an answer: whole or streamed, with the access log entry that is
//! written when the last byte has been taken, or when the client left, and the call's
//! place in flight, which is given back then.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Version};
use http_body::{Frame, SizeHint};
use server::{PIECE_BYTES, next_piece};
use tokio::sync::oneshot;

use crate::{access_log::Entry, server::InFlight};

/// Produces a streamed answer; errors are part of what it writes.
pub(crate) trait Chunks: Send {
    /// The next bytes, or `None` at the end.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Aborted>>>;

    /// What the log should say of an answer that ended with an error.
    fn cause(&mut self) -> Option<String>;

    /// The number of the gRPC status, once the answer has ended with one.
    fn grpc_status(&self) -> Option<u32> {
        None
    }

    /// What goes out after the last bytes, where the protocol has a place for it.
    fn trailers(&mut self) -> Option<HeaderMap> {
        None
    }
}

/// The answer broke off and has no form in which that could be said, so that the
/// connection has to be closed before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off")]
pub struct Aborted;

/// A body that reports to the access log.
pub struct Body {
    content: Content,
    entry: Option<Entry>,
    grpc_status: Option<u32>,
    place: Option<InFlight>,
}

enum Content {
    Whole(Bytes),
    /// A whole that is taken piece by piece.
    Cut(Bytes),
    Streamed(Box<dyn Chunks>),
    /// Bytes, which may be gone already, and what goes out after them.
    Told(Bytes, Box<HeaderMap>),
    /// Nothing: the connection is handed over, and the entry with it.
    Upgraded(oneshot::Sender<Entry>),
    Done,
}

impl Body {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        let content = match bytes.len() {
            0 => Content::Done,
            _ => Content::Whole(bytes),
        };
        Body::of(content)
    }

    pub(crate) fn streamed(chunks: impl Chunks + 'static) -> Self {
        Body::of(Content::Streamed(Box::new(chunks)))
    }

    /// An answer in gRPC that is there from its bytes to its status.
    pub(crate) fn told(bytes: Bytes, trailers: HeaderMap, grpc_status: u32) -> Self {
        Body::of(Content::Told(bytes, Box::new(trailers))).with_grpc_status(grpc_status)
    }

    /// The end of an answer after which the connection belongs to whoever waits for
    /// the log's entry.
    pub(crate) fn upgraded(hand_over: oneshot::Sender<Entry>) -> Self {
        Body::of(Content::Upgraded(hand_over))
    }

    fn of(content: Content) -> Self {
        Body {
            content,
            entry: None,
            grpc_status: None,
            place: None,
        }
    }

    /// With the number of the gRPC status that the answer tells.
    pub(crate) fn with_grpc_status(mut self, number: u32) -> Self {
        self.grpc_status = Some(number);
        self
    }

    /// The same body, reporting to `entry`.
    pub(crate) fn logged(mut self, mut entry: Entry) -> Self {
        if let Content::Upgraded(hand_over) = self.content {
            // Whoever does not wait any more has lost the connection; the entry says so.
            let _ = hand_over.send(entry);
            return Body::whole(Bytes::new());
        }
        if let Some(number) = self.grpc_status {
            entry.ended_with(number);
        }
        if matches!(self.content, Content::Done) {
            entry.finished();
        }
        self.entry = Some(entry);
        self
    }

    /// Keeps the call's `place` in flight until a client that speaks this `version` has
    /// taken the body, or it is given up. What it is does not change after this.
    pub(crate) fn keep(&mut self, place: Option<InFlight>, version: Version) {
        self.place = place;
        if let Content::Whole(bytes) = &mut self.content
            && bytes.len() > PIECE_BYTES
        {
            let bytes = std::mem::take(bytes);
            self.content = match version {
                // So that the log tells how much of it was taken.
                Version::HTTP_2 => Content::Cut(bytes),
                // HTTP/1.1 is done with a body before the client has it. What is smaller
                // fits into the system's buffers.
                _ => Content::Whole(Bytes::from_owner(Kept {
                    bytes,
                    _place: self.place.take(),
                })),
            };
        }
    }

    /// The length, when the body is whole.
    pub(crate) fn length(&self) -> Option<usize> {
        match &self.content {
            Content::Whole(bytes) | Content::Cut(bytes) => Some(bytes.len()),
            Content::Streamed(_) | Content::Told(..) => None,
            Content::Upgraded(_) | Content::Done => Some(0),
        }
    }

    /// All of it, where it is whole.
    pub(crate) fn as_whole(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes),
            Content::Cut(_)
            | Content::Streamed(_)
            | Content::Told(..)
            | Content::Upgraded(_)
            | Content::Done => None,
        }
    }

    /// Sends `bytes` in the place of what it was.
    pub(crate) fn set_whole(&mut self, bytes: Bytes) {
        self.content = Content::Whole(bytes);
    }

    /// Has the chunks of a streamed answer pass through what `wrap` makes of them.
    pub(crate) fn wrap_chunks(&mut self, wrap: impl FnOnce(Box<dyn Chunks>) -> Box<dyn Chunks>) {
        self.content = match std::mem::replace(&mut self.content, Content::Done) {
            Content::Streamed(chunks) => Content::Streamed(wrap(chunks)),
            other => other,
        };
    }

    /// Tells the log that the answer was taken to its end, or that, as for
    /// `HEAD`, nothing of it will be.
    pub(crate) fn finish(&mut self) {
        if let Some(entry) = &mut self.entry {
            entry.finished();
        }
    }

    fn note_failure(&mut self) {
        if let (Content::Streamed(chunks), Some(entry)) = (&mut self.content, &mut self.entry) {
            if let Some(cause) = chunks.cause() {
                entry.failed(cause);
            }
            if let Some(number) = chunks.grpc_status() {
                entry.ended_with(number);
            }
        }
    }

    fn sent(&mut self, bytes: usize) {
        if let Some(entry) = &mut self.entry {
            entry.sent(bytes);
        }
    }
}

/// Bytes that hold a place in flight for as long as anybody has them.
struct Kept {
    bytes: Bytes,
    _place: Option<InFlight>,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let chunk = match &mut self.content {
            Content::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.content = Content::Done;
                Some(Ok(bytes))
            }
            Content::Cut(rest) => {
                let piece = next_piece(rest);
                if rest.is_empty() {
                    self.content = Content::Done;
                }
                Some(Ok(piece))
            }
            Content::Streamed(chunks) => std::task::ready!(chunks.poll_chunk(cx)),
            Content::Told(bytes, _) => Some(std::mem::take(bytes))
                .filter(|b| !b.is_empty())
                .map(Ok),
            Content::Upgraded(_) | Content::Done => None,
        };
        if let Some(Ok(chunk)) = &chunk {
            self.sent(chunk.len());
        }
        self.note_failure();
        if let Some(Err(aborted)) = chunk {
            return Poll::Ready(Some(Err(aborted)));
        }
        if chunk.is_none() || matches!(self.content, Content::Done) {
            let content = std::mem::replace(&mut self.content, Content::Done);
            self.finish();
            let trailers = match content {
                Content::Streamed(mut chunks) => chunks.trailers(),
                Content::Told(_, trailers) => Some(*trailers),
                _ => None,
            };
            if let Some(trailers) = trailers {
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Done)
    }

    fn size_hint(&self) -> SizeHint {
        match self.length() {
            Some(bytes) => SizeHint::with_exact(bytes as u64),
            None => SizeHint::default(),
        }
    }
}
