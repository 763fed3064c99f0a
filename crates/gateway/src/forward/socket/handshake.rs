//! The handshake of a WebSocket (RFC 6455, section 4.2). In: a request's head; out:
//! the answer that opens the socket, or what is wrong with the request. Where it
//! leads, and whether the page may open it, is decided elsewhere.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header, request::Parts,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::respond::{Body, Problem};

/// The name of what is spoken, for clients that ask for it by name.
const PROTOCOL: &str = "pspd.json";
const KEY_BYTES: usize = 16;

/// A handshake without fault.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Handshake {
    accept: String,
    protocol: Option<&'static str>,
}

/// Whether the client wants a WebSocket.
pub(crate) fn is_asked_for(head: &Parts) -> bool {
    has_token(&head.headers, &header::UPGRADE, "websocket")
}

impl Handshake {
    pub(super) fn read(head: &Parts) -> Result<Self, Problem> {
        let Parts {
            method, headers, ..
        } = head;
        if method != Method::GET {
            return Err(Problem::MethodNotAllowed {
                method: method.clone(),
                allowed: "GET".to_owned(),
            });
        }
        if !has_token(headers, &header::CONNECTION, "upgrade") {
            return Err(bad(headers, &header::CONNECTION, "upgrade"));
        }
        match text(headers, &header::SEC_WEBSOCKET_VERSION) {
            Some("13") => {}
            _ => return Err(Problem::UpgradeRequired { why: VERSION }),
        }
        let key = text(headers, &header::SEC_WEBSOCKET_KEY).map(str::trim);
        let is_key = |key: &&str| STANDARD.decode(key).is_ok_and(|key| key.len() == KEY_BYTES);
        let Some(key) = key.filter(is_key) else {
            return Err(bad(
                headers,
                &header::SEC_WEBSOCKET_KEY,
                "16 bytes in base64",
            ));
        };
        let asked = has_token(headers, &header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
        Ok(Handshake {
            accept: derive_accept_key(key.as_bytes()),
            protocol: asked.then_some(PROTOCOL),
        })
    }

    /// The answer that opens the socket.
    pub(super) fn response(self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        if let Ok(accept) = HeaderValue::try_from(self.accept) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(protocol) = self.protocol {
            let protocol = HeaderValue::from_static(protocol);
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        response
    }
}

const VERSION: &str = "this version of WebSocket is not spoken here; use version 13 (RFC 6455)";

/// The value of a header that may be there once.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()
}

/// Whether a header that is a list has this word in it.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(token))
}

fn bad(headers: &HeaderMap, name: &HeaderName, expected: &'static str) -> Problem {
    let value = headers.get(name);
    Problem::BadHeader {
        name: match *name {
            header::CONNECTION => "connection",
            _ => "sec-websocket-key",
        },
        value: value
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// The example of the RFC, with some headers replaced or, where empty, removed.
    fn head(changes: &[(&'static str, &'static str)]) -> Parts {
        let (mut head, ()) = Request::new(()).into_parts();
        for (name, value) in [
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            head.headers.insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in changes {
            match value.is_empty() {
                true => drop(head.headers.remove(*name)),
                false => drop(head.headers.insert(*name, HeaderValue::from_static(value))),
            }
        }
        head
    }

    #[test]
    fn the_example_of_the_specification() {
        let handshake = Handshake::read(&head(&[])).expect("a handshake");
        assert_eq!(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(handshake.protocol, None);
    }

    #[test]
    fn protocols() {
        let check = |asked, expected| {
            let head = head(&[("sec-websocket-protocol", asked)]);
            let handshake = Handshake::read(&head).expect("a handshake");
            assert_eq!(handshake.protocol, expected, "{asked}");
        };
        check("pspd.json", Some(PROTOCOL));
        check("chat, pspd.json", Some(PROTOCOL));
        check("chat", None);
    }

    #[test]
    fn what_is_wrong() {
        let check = |name, value, status: u16| {
            let problem = Handshake::read(&head(&[(name, value)])).expect_err("refused");
            assert_eq!(problem.status().as_u16(), status, "{name}: {value}");
        };
        check("connection", "", 400);
        check("connection", "close", 400);
        check("sec-websocket-version", "", 426);
        check("sec-websocket-version", "8", 426);
        check("sec-websocket-key", "", 400);
        check("sec-websocket-key", "AAAA", 400);
        check("sec-websocket-key", "no base64", 400);
        let mut post = head(&[]);
        post.method = Method::POST;
        assert_eq!(
            Handshake::read(&post).expect_err("refused").status(),
            StatusCode::METHOD_NOT_ALLOWED
        );
    }

    #[test]
    fn who_asks() {
        assert!(is_asked_for(&head(&[])));
        assert!(is_asked_for(&head(&[("upgrade", "h2c, WebSocket")])));
        assert!(!is_asked_for(&head(&[("upgrade", "h2c")])));
        assert!(!is_asked_for(&head(&[("upgrade", "")])));
    }
}
