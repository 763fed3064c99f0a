//! The web page, embedded in the binary. It asks for nothing from elsewhere,
//! and its policy would not let it.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use server::answer::PAGE_POLICY;

use crate::respond::{Body, whole};

/// The page of one gateway.
pub(crate) struct Page {
    html: Bytes,
}

impl Page {
    /// The page, told which `kind` of gateway it belongs to.
    pub(crate) fn of(kind: &str) -> Self {
        let html = include_str!("../assets/page.html").replace("{{gateway}}", kind);
        Page { html: html.into() }
    }

    pub(crate) fn html(&self) -> Response<Body> {
        asset("text/html; charset=utf-8", self.html.clone())
    }

    pub(crate) fn style() -> Response<Body> {
        let css = include_str!("../assets/page.css");
        asset(
            "text/css; charset=utf-8",
            Bytes::from_static(css.as_bytes()),
        )
    }

    pub(crate) fn script() -> Response<Body> {
        let js = include_str!("../assets/page.js");
        asset(
            "text/javascript; charset=utf-8",
            Bytes::from_static(js.as_bytes()),
        )
    }
}

fn asset(media_type: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = whole(StatusCode::OK, media_type, bytes);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
