//! The web pages, embedded in the binary. They ask for nothing from elsewhere,
//! and their policy would not let them.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use server::answer::protect_page;

use crate::{
    respond::{Body, whole},
    routes::Pages,
};

/// The page of one gateway.
pub(crate) struct Page {
    html: Bytes,
    /// The same where routes are not documented.
    without_docs: Bytes,
}

impl Page {
    /// The page, told which `kind` of gateway it belongs to.
    pub(crate) fn of(kind: &str) -> Self {
        let html = include_str!("../assets/page.html").replace("{{gateway}}", kind);
        Page {
            html: html.replace("{{docs}}", "serve").into(),
            without_docs: html.replace("{{docs}}", "refuse").into(),
        }
    }

    /// The page, where these others are there beside it.
    pub(crate) fn html(&self, pages: Pages) -> Response<Body> {
        let html = match pages.has_docs() {
            true => &self.html,
            false => &self.without_docs,
        };
        asset(HTML, html.clone())
    }

    pub(crate) fn style() -> Response<Body> {
        text(CSS, include_str!("../assets/page.css"))
    }

    pub(crate) fn script() -> Response<Body> {
        text(JAVASCRIPT, include_str!("../assets/page.js"))
    }

    /// The page that shows the document of the routes, whatever it says.
    pub(crate) fn docs() -> Response<Body> {
        text(HTML, include_str!("../assets/docs.html"))
    }

    pub(crate) fn docs_style() -> Response<Body> {
        text(CSS, include_str!("../assets/docs.css"))
    }

    pub(crate) fn docs_script() -> Response<Body> {
        text(JAVASCRIPT, include_str!("../assets/docs.js"))
    }
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

fn text(media_type: &'static str, text: &'static str) -> Response<Body> {
    asset(media_type, Bytes::from_static(text.as_bytes()))
}

fn asset(media_type: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = whole(StatusCode::OK, media_type, bytes);
    let headers = response.headers_mut();
    protect_page(headers);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
