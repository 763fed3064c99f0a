//! The web pages, embedded in the binary. They ask for nothing from elsewhere,
//! and their policy would not let them.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use server::answer::protect_page;

use crate::{
    StatusPage,
    respond::{Body, whole},
    routes::Pages,
};

/// The page of one gateway.
pub(crate) struct Page {
    html: String,
    status: Bytes,
}

impl Page {
    /// The page, told which `kind` of gateway it belongs to.
    pub(crate) fn of(kind: &str) -> Self {
        let of_kind = |html: &str| html.replace("{{gateway}}", kind);
        Page {
            html: of_kind(include_str!("../assets/page.html")),
            status: of_kind(include_str!("../assets/status.html")).into(),
        }
    }

    /// The page, where these others are there beside it.
    pub(crate) fn html(&self, pages: Pages, status: StatusPage) -> Response<Body> {
        let docs = if pages.has_docs() { "serve" } else { "refuse" };
        let status = match status {
            StatusPage::Serve => "serve",
            StatusPage::Refuse => "refuse",
        };
        let html = self.html.replace("{{docs}}", docs);
        asset(HTML, html.replace("{{status}}", status).into())
    }

    /// The page that shows how it goes.
    pub(crate) fn status(&self) -> Response<Body> {
        asset(HTML, self.status.clone())
    }

    pub(crate) fn status_style() -> Response<Body> {
        text(CSS, include_str!("../assets/status.css"))
    }

    pub(crate) fn status_script() -> Response<Body> {
        text(JAVASCRIPT, include_str!("../assets/status.js"))
    }

    /// What that page asks for.
    pub(crate) fn status_json(json: Bytes) -> Response<Body> {
        asset("application/json", json)
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
