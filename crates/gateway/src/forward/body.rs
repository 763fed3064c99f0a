//! Request bodies: read whole, within a limit, where a route has use for one, or piece
//! by piece; and decompressed, where they are compressed, within the same limit.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Version, header, request::Parts};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::{
    compression::{
        coding,
        decode::sent_max,
        decoded::{Decoded, Limit},
    },
    respond::Problem,
};

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Json,
    /// Bytes of any type.
    Anything,
}

/// All of `body`, or nothing.
pub(super) async fn read(
    headers: &HeaderMap,
    takes: Takes,
    body: Incoming,
    bytes_max: usize,
) -> Result<Bytes, Problem> {
    let coding = coding::of_body(headers)?;
    let sent_max = coding.map_or(bytes_max, |_| sent_max(bytes_max));
    if body.size_hint().lower() > sent_max as u64 {
        return Err(Problem::BodyTooLarge { max: bytes_max });
    }
    let read = match coding {
        None => whole(body, bytes_max, |_| Problem::BrokenBody).await?,
        Some(coding) => {
            let limit = Limit::Bytes(bytes_max);
            let decoded = Decoded::new(body, Some(coding), limit)?;
            Box::pin(whole(decoded, bytes_max, Problem::from)).await?
        }
    };
    match takes == Takes::Anything || media_type_is_json(headers) || read.is_empty() {
        true => Ok(read),
        false => Err(not_json(headers)),
    }
}

/// All of `body` in one piece, whatever it is.
pub(super) async fn whole<B: Body<Data = Bytes> + Unpin>(
    mut body: B,
    bytes_max: usize,
    failed: impl Fn(B::Error) -> Problem,
) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(&failed)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + rest.len() + data.len() > bytes_max {
            return Err(Problem::BodyTooLarge { max: bytes_max });
        }
        // Most bodies come in one piece, which is not copied then.
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if !rest.is_empty() {
        let mut whole = BytesMut::with_capacity(first.len() + rest.len());
        whole.extend_from_slice(&first);
        whole.unsplit(rest);
        first = whole.freeze();
    }
    Ok(first)
}

/// A body that is read piece by piece. It may be of any length, but not many times what
/// was sent.
pub(super) struct Pieces(Decoded<Incoming>);

impl Pieces {
    pub(super) fn of(headers: &HeaderMap, body: Incoming) -> Result<Self, Problem> {
        let coding = coding::of_body(headers)?;
        Ok(Pieces(Decoded::new(body, coding, Limit::Ratio)?))
    }

    /// The next bytes.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        while let Some(frame) = self.0.frame().await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// The type that a body has by its headers; empty when they do not say.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

pub(super) fn not_json(headers: &HeaderMap) -> Problem {
    let given = headers.get(header::CONTENT_TYPE);
    Problem::MediaType {
        given: given
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default(),
    }
}

/// Whether the body may be JSON. One without a type is taken for JSON, as is what
/// `curl -d` sends unasked: its type says nothing about what the user meant.
pub(super) fn media_type_is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let value = value.to_str().unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    let is = |known: &str| essence.eq_ignore_ascii_case(known);
    is("application/json")
        || is("application/x-www-form-urlencoded")
        || essence.to_ascii_lowercase().ends_with("+json")
}

/// Reads a body that is refused, within limits: a connection of HTTP/1.1 with something
/// unread on it is closed, which a client that uses it again may notice too late.
pub(super) async fn pass_over(head: &Parts, mut body: Incoming, bytes_max: usize) {
    const PATIENCE: Duration = Duration::from_millis(500);
    if head.version == Version::HTTP_2 || head.headers.contains_key(header::EXPECT) {
        return;
    }
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > bytes_max {
                return;
            }
        }
    };
    // What comes later is not waited for.
    let _ = timeout(PATIENCE, read).await;
}

/// Reads a body that no route has use for; ready only when it is malformed or
/// the client leaves before it has sent all of it, which the connection notices
/// in no other way.
pub(super) async fn broken_off(mut body: Incoming) {
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return;
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(media_type: Option<&'static str>, expected: bool) {
        let mut headers = HeaderMap::new();
        if let Some(media_type) = media_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        assert_eq!(media_type_is_json(&headers), expected, "{media_type:?}");
    }

    #[test]
    fn media_types() {
        check(None, true);
        check(Some("application/json"), true);
        check(Some("Application/JSON; charset=utf-8"), true);
        check(Some("application/merge-patch+json"), true);
        check(Some("application/x-www-form-urlencoded"), true);
        check(Some("text/plain"), false);
        check(Some("application/xml"), false);
        check(Some("application/jsonlines"), false);
    }
}
