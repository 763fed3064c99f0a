//! Answers over HTTP/2, handed over piece by piece. In: a handler's body; out: the same
//! body, no data frame of it longer than [`PIECE_BYTES`], and a note for
//! [`streams`](crate::streams) of who is waited for: the body's source, or its reader.
//!
//! The library takes a whole frame of a body as soon as its reader has room for one
//! byte, and is done with the body when that frame was the last. What the reader does not
//! take stays in the library then, where nothing ends it. Cut into pieces, an answer is
//! in the hands of its stream's task until the last piece, and a piece is all that can be
//! left behind: the largest payload that a peer takes in one frame unless it says
//! otherwise, so that cutting makes no frame that would not have been.

use std::{
    cell::Cell,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Bytes of a piece.
pub const PIECE_BYTES: usize = 16 * 1024;

/// Takes the next piece off an answer that is longer than one. The last is a copy: what
/// is left of an answer in the library must not keep the memory of all of it.
pub fn next_piece(rest: &mut Bytes) -> Bytes {
    if rest.len() > PIECE_BYTES {
        return rest.split_to(PIECE_BYTES);
    }
    Bytes::copy_from_slice(&mem::take(rest))
}

/// What a body had to say while its stream was polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// It was not asked.
    NotAsked,
    /// It gave something, or is about to: its reader is waited for.
    Given,
    /// It has nothing to give yet.
    NothingYet,
}

thread_local! {
    // A stream is polled by one thread, and nothing polls a stream inside of another, so
    // that no allocation or lock is needed to tell a task of what happens within.
    static NOTE: Cell<Note> = const { Cell::new(Note::NotAsked) };
}

impl Note {
    pub(crate) fn leave(self) {
        NOTE.set(self);
    }

    /// What was noted last.
    pub(crate) fn take() -> Note {
        NOTE.replace(Note::NotAsked)
    }
}

/// A body in pieces.
pub(crate) struct Pieces<B> {
    body: B,
    /// What is left of a frame that is being cut.
    rest: Bytes,
}

impl<B> Pieces<B> {
    /// The body of an answer whose handler is done.
    pub(crate) fn of(body: B) -> Self {
        Note::Given.leave();
        Pieces {
            body,
            rest: Bytes::new(),
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Pieces<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) if is_long(&frame) => {
                    self.rest = frame.into_data().unwrap_or_default();
                }
                Poll::Ready(given) => {
                    Note::Given.leave();
                    return Poll::Ready(given);
                }
                Poll::Pending => {
                    Note::NothingYet.leave();
                    return Poll::Pending;
                }
            }
        }
        Note::Given.leave();
        Poll::Ready(Some(Ok(Frame::data(next_piece(&mut self.rest)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(body.lower().saturating_add(rest));
        hint
    }
}

fn is_long(frame: &Frame<Bytes>) -> bool {
    frame
        .data_ref()
        .is_some_and(|data| data.len() > PIECE_BYTES)
}

#[cfg(test)]
mod tests;
