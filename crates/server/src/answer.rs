//! Whole answers in memory: text, JSON, or any media type.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;

/// An answer held in memory.
pub type Body = Full<Bytes>;

/// Any error, as bodies report it to the connection.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The policy of the embedded pages: nothing from elsewhere, nothing inline.
pub const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src data:; base-uri 'none'; form-action 'self'",
);

/// A plain text answer.
#[must_use]
pub fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    with_type(status, "text/plain; charset=utf-8", text.into())
}

/// A JSON answer.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // Serializing plain structs and `Value`s into memory cannot fail.
    let body = serde_json::to_vec(value).unwrap_or_default();
    with_type(status, "application/json", body.into())
}

/// An answer of the given media type.
#[must_use]
pub fn with_type(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
