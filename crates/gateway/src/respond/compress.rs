//! An answer, compressed where its client asks for that: whole answers in one piece,
//! streams chunk by chunk, so that no message waits for the next one to be sent.
//!
//! Only texts are compressed; images and archives are as small as they get. An answer
//! that cannot be compressed goes out as it is, even to a client that refuses that: it
//! helps more than 406. What an answer says of its own bytes (digests) or asks of
//! whoever passes it on (`no-transform`) leaves it as it is, too.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::{Aborted, Body, Chunks};
use crate::{
    Compression,
    compression::{
        Coding,
        coding::{self, Identity},
        encode::{self, Encoder, Exhausted},
    },
};

/// Headers of an answer that hold for its bytes as they are.
const OF_BYTES: [HeaderName; 6] = [
    header::CONTENT_ENCODING,
    header::CONTENT_RANGE,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

/// The answer to a client that sent `headers`.
pub(crate) fn compress(
    mut response: Response<Body>,
    compression: &Compression,
    headers: &HeaderMap,
) -> Response<Body> {
    let length = response.body().length();
    if !may_be_compressed(&response) || length == Some(0) {
        return response;
    }
    let accepted = coding::accepted(headers, &compression.codings);
    let small = length.is_some_and(|length| length < compression.bytes_min);
    if small && accepted.identity == Identity::Accepted {
        return response;
    }
    let encoding = HeaderValue::from_static("accept-encoding");
    response.headers_mut().append(header::VARY, encoding);
    if let Some(coding) = accepted.coding
        && encode(response.body_mut(), coding).is_ok()
    {
        mark(response.headers_mut(), coding);
    }
    response
}

/// Compresses the body, or leaves it as it is.
fn encode(body: &mut Body, coding: Coding) -> Result<(), Exhausted> {
    if let Some(bytes) = body.as_whole() {
        let mut out = Vec::with_capacity(bytes.len() / 4);
        encode::whole(coding, bytes, &mut out)?;
        body.set_whole(out.into());
        return Ok(());
    }
    let encoder = Encoder::new(coding)?;
    body.wrap_chunks(|chunks| {
        Box::new(Compressed {
            chunks,
            encoder,
            ended: false,
        })
    });
    Ok(())
}

/// Says that the answer is compressed. An entity tag stands for the bytes as they were
/// no more, but for what they mean.
fn mark(headers: &mut HeaderMap, coding: Coding) {
    let name = HeaderValue::from_static(coding.name());
    headers.insert(header::CONTENT_ENCODING, name);
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_RANGES);
    if let Some(tag) = headers.get_mut(header::ETAG)
        && tag.as_bytes().starts_with(b"\"")
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
    {
        *tag = weak;
    }
}

fn may_be_compressed(response: &Response<Body>) -> bool {
    let headers = response.headers();
    let media_type = headers.get(header::CONTENT_TYPE);
    let fixed = |value: &HeaderValue| {
        let value = value.as_bytes().to_ascii_lowercase();
        value.windows(12).any(|word| word == b"no-transform")
    };
    response.status() != StatusCode::PARTIAL_CONTENT
        && media_type.is_some_and(is_text)
        && !OF_BYTES.iter().any(|name| headers.contains_key(name))
        && !headers.get_all(header::CACHE_CONTROL).iter().any(fixed)
}

/// Whether bytes of this type become much smaller.
fn is_text(media_type: &HeaderValue) -> bool {
    let text = media_type.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    let Some((class, name)) = essence.split_once('/') else {
        return false;
    };
    // These compress message by message, and have headers of their own for that.
    if name.starts_with("grpc") || name.starts_with("connect+") {
        return false;
    }
    class == "text"
        || name.ends_with("+json")
        || name.ends_with("+xml")
        || (class == "application"
            && matches!(name, "json" | "x-ndjson" | "javascript" | "xml" | "yaml"))
}

/// Chunks, each of which is compressed and flushed.
struct Compressed {
    chunks: Box<dyn Chunks>,
    encoder: Encoder,
    ended: bool,
}

impl Chunks for Compressed {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Aborted>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut out = Vec::new();
        let done = match ready!(self.chunks.poll_chunk(cx)) {
            Some(Ok(chunk)) => self.encoder.piece(&chunk, &mut out),
            Some(Err(aborted)) => return Poll::Ready(Some(Err(aborted))),
            None => {
                self.ended = true;
                self.encoder.finish(&mut out)
            }
        };
        // Without memory, what has begun cannot be ended.
        Poll::Ready(Some(done.map(|()| out.into()).map_err(|_| Aborted)))
    }

    fn cause(&mut self) -> Option<String> {
        self.chunks.cause()
    }

    fn trailers(&mut self) -> Option<HeaderMap> {
        self.chunks.trailers()
    }

    fn grpc_status(&self) -> Option<u32> {
        self.chunks.grpc_status()
    }
}

#[cfg(test)]
mod tests;
