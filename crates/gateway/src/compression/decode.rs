//! Compressed bytes in, plain bytes out, as far as there is room for them: a few bytes
//! can stand for gigabytes, and whoever makes room decides how many of them there will
//! ever be. Several members or frames after one another are one sequence of bytes, as
//! both formats have it.

use flate2::{Decompress, FlushDecompress, Status};
use zstd_safe::{
    DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, is_error_kind, zstd_sys::ZSTD_ErrorCode,
};

use super::Coding;

/// The largest window, in bytes and as a power of two: what RFC 9659 allows a sender.
/// A frame's head could ask for more memory than there is.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
const GZIP_WINDOW_BITS: u8 = 15;
/// Room that a whole answer or message begins with.
const ROOM_BYTES: usize = 1024;

/// The most that `bytes_max` bytes become when they are compressed: both formats add a
/// little to what does not shrink. More than that holds more, or nothing.
pub(crate) const fn sent_max(bytes_max: usize) -> usize {
    bytes_max
        .saturating_add(bytes_max / 128)
        .saturating_add(128)
}

/// Why bytes cannot be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("is malformed {}", .0.name())]
    Malformed(Coding),
    #[error("ends within its {}", .0.name())]
    Truncated(Coding),
    #[error("asks for a window of more than 8 MiB; compress it with a smaller one")]
    Window,
    #[error("has more than {max} bytes once decompressed")]
    TooLarge { max: usize },
    #[error(
        "has more than {max} bytes once decompressed for each byte sent; compress it less, or \
         not at all"
    )]
    Ratio { max: u64 },
    #[error("needs more memory to decompress than there is")]
    Exhausted,
}

/// What a decoder needs to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// More input, or the end of it.
    Input,
    /// Room for output; there is no need of input.
    Room,
}

/// Decompresses a sequence of bytes piece by piece.
pub(crate) struct Decoder {
    coding: Coding,
    context: Context,
    /// Nothing is missing of what was begun.
    whole: bool,
    /// Output may be there already.
    full: bool,
}

enum Context {
    Gzip(Decompress),
    Zstd(DCtx<'static>),
}

impl Decoder {
    pub(crate) fn new(coding: Coding) -> Result<Self, DecodeError> {
        let context = match coding {
            Coding::Gzip => Context::Gzip(Decompress::new_gzip(GZIP_WINDOW_BITS)),
            Coding::Zstd => {
                let mut context = DCtx::try_create().ok_or(DecodeError::Exhausted)?;
                context
                    .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
                    .map_err(|_| DecodeError::Exhausted)?;
                Context::Zstd(context)
            }
        };
        Ok(Decoder {
            coding,
            context,
            whole: false,
            full: false,
        })
    }

    /// Begins anew, with other bytes.
    pub(crate) fn reset(&mut self) -> Result<(), DecodeError> {
        match &mut self.context {
            Context::Gzip(context) => context.reset(true),
            Context::Zstd(context) => context
                .reset(ResetDirective::SessionOnly)
                .map(drop)
                .map_err(|_| DecodeError::Exhausted)?,
        }
        self.whole = false;
        self.full = false;
        Ok(())
    }

    /// Decompresses from the beginning of `input`, which it shortens, into the room
    /// that `out` has beyond its length.
    pub(crate) fn decode(
        &mut self,
        input: &mut &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Needs, DecodeError> {
        loop {
            if input.is_empty() && (self.whole || !self.full) {
                self.full = false;
                return Ok(Needs::Input);
            }
            let before = (input.len(), out.len());
            match &mut self.context {
                Context::Gzip(context) => {
                    self.whole = gzip(context, self.whole, input, out)?;
                }
                Context::Zstd(context) => self.whole = zstd(context, input, out)?,
            }
            self.full = out.len() == out.capacity();
            if self.full {
                return Ok(Needs::Room);
            }
            if !input.is_empty() && before == (input.len(), out.len()) {
                return Err(DecodeError::Malformed(self.coding));
            }
        }
    }

    /// Whether the bytes may end here.
    pub(crate) fn end(&self) -> Result<(), DecodeError> {
        match self.whole {
            true => Ok(()),
            false => Err(DecodeError::Truncated(self.coding)),
        }
    }

    /// Appends all of `input` to `out`, at most `bytes_max` of it.
    pub(crate) fn whole(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        bytes_max: usize,
    ) -> Result<(), DecodeError> {
        let begin = out.len();
        // One more tells whether there would be more.
        let most = bytes_max.saturating_add(1);
        out.reserve_exact(input.len().saturating_mul(4).max(ROOM_BYTES).min(most));
        while self.decode(&mut input, out)? == Needs::Room {
            let got = out.len() - begin;
            if got > bytes_max {
                break;
            }
            out.reserve_exact(got.max(ROOM_BYTES).min(most - got));
        }
        if out.len() - begin > bytes_max {
            return Err(DecodeError::TooLarge { max: bytes_max });
        }
        self.end()
    }
}

/// One step; whether a member has ended with it, of which none had if `ended` is false.
fn gzip(
    context: &mut Decompress,
    ended: bool,
    input: &mut &[u8],
    out: &mut Vec<u8>,
) -> Result<bool, DecodeError> {
    if ended {
        context.reset(true);
    }
    let before = context.total_in();
    let status = context
        .decompress_vec(input, out, FlushDecompress::None)
        .map_err(|_| DecodeError::Malformed(Coding::Gzip))?;
    let taken = usize::try_from(context.total_in() - before).unwrap_or(usize::MAX);
    *input = input.get(taken..).unwrap_or_default();
    Ok(status == Status::StreamEnd)
}

/// One step; whether a frame has ended with it.
fn zstd(
    context: &mut DCtx<'static>,
    input: &mut &[u8],
    out: &mut Vec<u8>,
) -> Result<bool, DecodeError> {
    let filled = out.len();
    let mut source = InBuffer::around(input);
    let mut output = OutBuffer::around_pos(out, filled);
    let missing = context
        .decompress_stream(&mut output, &mut source)
        .map_err(|code| {
            let is = |kind| is_error_kind(code, kind);
            if is(ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) {
                DecodeError::Window
            } else if is(ZSTD_ErrorCode::ZSTD_error_memory_allocation) {
                DecodeError::Exhausted
            } else {
                DecodeError::Malformed(Coding::Zstd)
            }
        })?;
    let taken = source.pos();
    *input = input.get(taken..).unwrap_or_default();
    Ok(missing == 0)
}

#[cfg(test)]
mod tests;
