//! Bytes as senders compress them.

use flate2::{Compress, Compression, FlushCompress};

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = Compress::new_gzip(Compression::new(6), 15);
    let mut out = Vec::with_capacity(bytes.len() + 100);
    gzip.compress_vec(bytes, &mut out, FlushCompress::Finish)
        .expect("compressed");
    out
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(zstd_safe::compress_bound(bytes.len()));
    zstd_safe::compress(&mut out, bytes, 3).expect("compressed");
    out
}
