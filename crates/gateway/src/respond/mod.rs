//! What the client sees: statuses, error bodies, media types, CORS headers, and
//! the body that carries them out and knows when it is done.

mod accept;
mod body;
mod compress;
mod cors;
mod form;
mod problem;
mod status;

pub(crate) use accept::{Accepted, accepted, quality};
pub(crate) use body::{Aborted, Body, Chunks};
pub(crate) use compress::compress;
pub(crate) use cors::{allow_origin, check_origin, preflight};
pub(crate) use form::Form;
pub(crate) use problem::{Problem, UpstreamFailure};
pub(crate) use status::Code;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// A whole answer of the given media type.
pub(crate) fn whole(status: StatusCode, media_type: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::whole(bytes));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// A whole JSON answer.
pub(crate) fn json(bytes: Bytes) -> Response<Body> {
    whole(StatusCode::OK, "application/json", bytes)
}

/// Bytes of a type that the service chose.
pub(crate) fn raw(media_type: HeaderValue, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::whole(bytes));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}

/// 304.
pub(crate) fn not_modified() -> Response<Body> {
    let mut response = Response::new(Body::whole(Bytes::new()));
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

/// Answers `HEAD` where the library would send a body that there is (over HTTP/2).
pub(crate) fn leave_out_body(response: &mut Response<Body>) {
    if let Some(length) = response.body().length() {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    *response.body_mut() = Body::whole(Bytes::new());
}

/// 204.
pub(crate) fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::whole(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
