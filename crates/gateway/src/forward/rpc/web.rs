//! What gRPC-Web has instead of trailers: one more frame, whose flag says that its
//! text is headers.

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderMap;

/// The flag of the frame.
const TRAILERS: u8 = 0x80;

/// The frame with `trailers`.
pub(super) fn trailers(trailers: &HeaderMap) -> Bytes {
    let text: usize = trailers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let mut frame = BytesMut::with_capacity(5 + text);
    frame.put_u8(TRAILERS);
    // Trailers are limited far below 4 GiB.
    frame.put_u32(u32::try_from(text).unwrap_or(u32::MAX));
    for (name, value) in trailers {
        frame.put_slice(name.as_str().as_bytes());
        frame.put_slice(b": ");
        frame.put_slice(value.as_bytes());
        frame.put_slice(b"\r\n");
    }
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_frame() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_static("0"));
        headers.insert("cost", HeaderValue::from_static("3"));
        let expected = b"\x80\0\0\0\x19grpc-status: 0\r\ncost: 3\r\n";
        assert_eq!(trailers(&headers)[..], expected[..]);
    }
}
