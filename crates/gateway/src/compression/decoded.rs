//! A body that is decompressed as it arrives: each poll gives at most one piece of
//! 16 KiB, so that what it stands for is in memory only as far as its reader has asked
//! for it, and a reader that stops stops the sender. A body that is not compressed goes
//! through as it is.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};

use super::{
    Coding,
    decode::{DecodeError, Decoder, Needs, sent_max},
};

/// Bytes of one piece.
const PIECE_BYTES: usize = 16 * 1024;
/// What a body without an end may grow to for each byte sent. Messages of which each is
/// like the one before shrink to a hundredth; a bomb, to a thousandth and less.
const RATIO_MAX: u64 = 200;
/// What it may grow to before that counts, so that few bytes are not judged.
const RATIO_FREE_BYTES: u64 = 1024 * 1024;

/// What a body without an end may have grown to when so many bytes of it were received.
pub(crate) fn unpacked_max(received: u64) -> u64 {
    RATIO_FREE_BYTES.max(RATIO_MAX.saturating_mul(received))
}

/// How much may become of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// At most so many bytes, decompressed; and not many more before that.
    Bytes(usize),
    /// Any number, but not many times what was sent.
    Ratio,
}

/// Why a body is not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError<E> {
    /// It did not arrive.
    #[error("the body broke off")]
    Broken(E),
    /// It cannot be decompressed, or is too large once it is.
    #[error("the body {0}")]
    Undecodable(DecodeError),
}

/// A body, decompressed.
pub(crate) struct Decoded<B> {
    body: B,
    /// Nothing where the body is not compressed.
    decoding: Option<Box<Decoding>>,
}

struct Decoding {
    decoder: Decoder,
    limit: Limit,
    /// What has arrived and was not decompressed yet.
    input: Bytes,
    needs: Needs,
    received: u64,
    produced: u64,
    /// What follows the body.
    trailers: Option<http::HeaderMap>,
}

impl<B> Decoded<B> {
    /// `body`, of which a `coding` is undone.
    pub(crate) fn new(body: B, coding: Option<Coding>, limit: Limit) -> Result<Self, DecodeError> {
        let decoding = match coding {
            None => None,
            Some(coding) => Some(Box::new(Decoding {
                decoder: Decoder::new(coding)?,
                limit,
                input: Bytes::new(),
                needs: Needs::Input,
                received: 0,
                produced: 0,
                trailers: None,
            })),
        };
        Ok(Decoded { body, decoding })
    }
}

impl Decoding {
    fn take(&mut self, data: Bytes) -> Result<(), DecodeError> {
        self.received += data.len() as u64;
        self.input = data;
        match self.limit {
            // Much can be sent that becomes nothing, such as empty members.
            Limit::Bytes(max) if self.received > sent_max(max) as u64 => {
                Err(DecodeError::TooLarge { max })
            }
            _ => Ok(()),
        }
    }

    /// The next piece of what has arrived; nothing when all of it was used.
    fn piece(&mut self) -> Result<Option<Bytes>, DecodeError> {
        if self.input.is_empty() && self.needs == Needs::Input {
            return Ok(None);
        }
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let mut input = &self.input[..];
        self.needs = self.decoder.decode(&mut input, &mut piece)?;
        let used = self.input.len() - input.len();
        self.input.advance(used);
        self.produced += piece.len() as u64;
        self.check()?;
        Ok((!piece.is_empty()).then(|| piece.into()))
    }

    fn check(&self) -> Result<(), DecodeError> {
        match self.limit {
            Limit::Bytes(max) if self.produced > max as u64 => Err(DecodeError::TooLarge { max }),
            Limit::Ratio if self.produced > unpacked_max(self.received) => {
                Err(DecodeError::Ratio { max: RATIO_MAX })
            }
            _ => Ok(()),
        }
    }

    /// Whether the body may end here. One of no bytes at all is none.
    fn end(&self) -> Result<(), DecodeError> {
        match self.received {
            0 => Ok(()),
            _ => self.decoder.end(),
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Decoded<B> {
    type Data = Bytes;
    type Error = BodyError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Decoded { body, decoding } = self.get_mut();
        let Some(decoding) = decoding else {
            let frame = ready!(Pin::new(body).poll_frame(cx));
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Broken)));
        };
        loop {
            if let Some(piece) = decoding.piece().map_err(BodyError::Undecodable)? {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if let Some(trailers) = decoding.trailers.take() {
                decoding.end().map_err(BodyError::Undecodable)?;
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Broken(error)))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => decoding.take(data).map_err(BodyError::Undecodable)?,
                    Err(frame) => decoding.trailers = frame.into_trailers().ok(),
                },
                None => {
                    let ended = decoding.end().map_err(BodyError::Undecodable);
                    return Poll::Ready(ended.err().map(Err));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.decoding {
            None => self.body.is_end_stream(),
            // Only the end of what was sent tells whether it is whole.
            Some(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.decoding {
            None => self.body.size_hint(),
            Some(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests;
