//! Plain bytes in, compressed bytes out: all at once, or piece by piece, so that the
//! reader of each piece has all that was written before it.
//!
//! The levels are those at which more effort bought little on JSON: level 6 of gzip
//! takes 2.6 times as long as level 3 for 4 percent fewer bytes.

use flate2::{Compress, Compression, FlushCompress, Status};
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, zstd_sys::ZSTD_EndDirective as End};

use super::Coding;

const GZIP_LEVEL: u32 = 3;
const GZIP_WINDOW_BITS: u8 = 15;
const ZSTD_LEVEL: i32 = 3;
/// A stream is kept open for as long as its client likes, so that what it needs
/// counts: about 0.3 MiB with these, and up to 4 MiB with those of a whole answer.
const ZSTD_STREAM_LEVEL: i32 = 1;
const ZSTD_STREAM_WINDOW_LOG: u32 = 15;
/// Room for one more piece of output.
const ROOM_BYTES: usize = 512;

/// The library could not compress, which it does only for want of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no memory to compress with")]
pub(crate) struct Exhausted;

/// Appends `bytes` to `out`, compressed.
pub(crate) fn whole(coding: Coding, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Exhausted> {
    match coding {
        Coding::Gzip => gzip(&mut gzip_context(), bytes, FlushCompress::Finish, out),
        Coding::Zstd => {
            let mut context = zstd_context(ZSTD_LEVEL)?;
            // Said before, the size saves both sides memory.
            let size = Some(bytes.len() as u64);
            context.set_pledged_src_size(size).map_err(|_| Exhausted)?;
            zstd(&mut context, bytes, End::ZSTD_e_end, out)
        }
    }
}

/// Compresses a stream piece by piece.
pub(crate) struct Encoder(Context);

enum Context {
    Gzip(Compress),
    Zstd(CCtx<'static>),
}

impl Encoder {
    pub(crate) fn new(coding: Coding) -> Result<Self, Exhausted> {
        Ok(Encoder(match coding {
            Coding::Gzip => Context::Gzip(gzip_context()),
            Coding::Zstd => {
                let mut context = zstd_context(ZSTD_STREAM_LEVEL)?;
                context
                    .set_parameter(CParameter::WindowLog(ZSTD_STREAM_WINDOW_LOG))
                    .map_err(|_| Exhausted)?;
                Context::Zstd(context)
            }
        }))
    }

    /// Appends `piece`, so that its reader can decompress all of it.
    pub(crate) fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Exhausted> {
        match &mut self.0 {
            Context::Gzip(context) => gzip(context, piece, FlushCompress::Sync, out),
            Context::Zstd(context) => zstd(context, piece, End::ZSTD_e_flush, out),
        }
    }

    /// Appends what says that nothing follows.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Exhausted> {
        match &mut self.0 {
            Context::Gzip(context) => gzip(context, &[], FlushCompress::Finish, out),
            Context::Zstd(context) => zstd(context, &[], End::ZSTD_e_end, out),
        }
    }
}

fn gzip_context() -> Compress {
    Compress::new_gzip(Compression::new(GZIP_LEVEL), GZIP_WINDOW_BITS)
}

fn zstd_context(level: i32) -> Result<CCtx<'static>, Exhausted> {
    let mut context = CCtx::try_create().ok_or(Exhausted)?;
    context
        .set_parameter(CParameter::CompressionLevel(level))
        .map_err(|_| Exhausted)?;
    Ok(context)
}

fn gzip(
    context: &mut Compress,
    mut bytes: &[u8],
    flush: FlushCompress,
    out: &mut Vec<u8>,
) -> Result<(), Exhausted> {
    loop {
        out.reserve(ROOM_BYTES + bytes.len() / 4);
        let before = context.total_in();
        let status = context
            .compress_vec(bytes, out, flush)
            .map_err(|_| Exhausted)?;
        bytes = rest(bytes, context.total_in() - before);
        // What does not fill its room has nothing left.
        if status == Status::StreamEnd || (bytes.is_empty() && out.len() < out.capacity()) {
            return Ok(());
        }
    }
}

fn zstd(
    context: &mut CCtx<'static>,
    bytes: &[u8],
    end: End,
    out: &mut Vec<u8>,
) -> Result<(), Exhausted> {
    let mut input = InBuffer::around(bytes);
    loop {
        out.reserve(ROOM_BYTES + (bytes.len() - input.pos()) / 4);
        let filled = out.len();
        let mut output = OutBuffer::around_pos(out, filled);
        let left = context
            .compress_stream2(&mut output, &mut input, end)
            .map_err(|_| Exhausted)?;
        if left == 0 {
            return Ok(());
        }
    }
}

/// `bytes` without the first `taken`.
fn rest(bytes: &[u8], taken: u64) -> &[u8] {
    let taken = usize::try_from(taken).unwrap_or(usize::MAX);
    bytes.get(taken..).unwrap_or_default()
}
