//! Which protocol a request speaks, by its method and its content type. Pure: a head
//! in, a protocol out; whether there is such a method is decided elsewhere.

use http::{HeaderName, HeaderValue, Method, header, request::Parts};
use telemetry::traces::RpcSystem;

pub(super) const CONNECT_VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");

/// A protocol that calls a method by its own path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// gRPC, in any codec.
    Grpc,
    /// gRPC-Web; the answer's form may differ from the request's.
    Web { request: Wrap, answer: Wrap },
    /// Connect: one message each way, by POST.
    Connect(Codec),
    /// Connect: one message each way, by GET.
    ConnectGet,
    /// Connect: messages in envelopes.
    ConnectStream(Codec),
}

impl Spoken {
    /// What traces call the protocol.
    pub(crate) fn system(self) -> RpcSystem {
        match self {
            Spoken::Grpc | Spoken::Web { .. } => RpcSystem::Grpc,
            Spoken::Connect(_) | Spoken::ConnectGet | Spoken::ConnectStream(_) => {
                RpcSystem::Connect
            }
        }
    }
}

/// How gRPC-Web's bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrap {
    Binary,
    Base64,
}

/// How Connect's messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Proto,
    Json,
}

impl Spoken {
    /// The protocol of a request; `None` where it is none of these.
    pub(crate) fn of(head: &Parts) -> Option<Self> {
        match head.method {
            Method::POST => {
                let media_type = head.headers.get(header::CONTENT_TYPE)?.as_bytes();
                Spoken::of_post(head, media_type.strip_prefix(b"application/")?)
            }
            Method::GET => {
                const MARK: &str = "connect=v1";
                let query = head.uri.query()?;
                let marked = query.len() > MARK.len() && query.contains(MARK);
                marked.then_some(Spoken::ConnectGet)
            }
            _ => None,
        }
    }

    fn of_post(head: &Parts, subtype: &[u8]) -> Option<Self> {
        let end = subtype.iter().position(|byte| matches!(byte, b';' | b' '));
        match &subtype[..end.unwrap_or(subtype.len())] {
            b"grpc" => Some(Spoken::Grpc),
            rest if rest.starts_with(b"grpc+") => Some(Spoken::Grpc),
            rest if rest.starts_with(b"grpc-web") => {
                let request = wrap(rest)?;
                let accepted = head.headers.get(header::ACCEPT).map(HeaderValue::as_bytes);
                let accepted = accepted.and_then(|accept| accept.strip_prefix(b"application/"));
                let answer = accepted.and_then(wrap).unwrap_or(request);
                Some(Spoken::Web { request, answer })
            }
            b"connect+proto" => Some(Spoken::ConnectStream(Codec::Proto)),
            b"connect+json" => Some(Spoken::ConnectStream(Codec::Json)),
            b"proto" => Some(Spoken::Connect(Codec::Proto)),
            b"json" if head.headers.contains_key(CONNECT_VERSION) => {
                Some(Spoken::Connect(Codec::Json))
            }
            _ => None,
        }
    }
}

/// The form of `application/grpc-web...`, given what follows the slash.
fn wrap(subtype: &[u8]) -> Option<Wrap> {
    let rest = subtype.strip_prefix(b"grpc-web")?;
    let (wrap, rest) = match rest.strip_prefix(b"-text") {
        Some(rest) => (Wrap::Base64, rest),
        None => (Wrap::Binary, rest),
    };
    let ended = matches!(rest.first(), None | Some(b'+' | b';' | b',' | b' '));
    ended.then_some(wrap)
}

/// `+proto` of a content type that has such a thing.
pub(super) fn suffix(media_type: &HeaderValue) -> &str {
    let text = media_type.to_str().unwrap_or_default();
    let text = text.split([';', ' ']).next().unwrap_or_default();
    text.find('+').map_or("", |at| &text[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(method: &str, target: &str, headers: &[(&str, &str)]) -> Option<Spoken> {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        Spoken::of(&head)
    }

    fn check(media_type: &str, expected: Option<Spoken>) {
        let got = spoken("POST", "/p.S/M", &[("content-type", media_type)]);
        assert_eq!(got, expected, "{media_type}");
    }

    #[test]
    fn content_types() {
        let web = |wrap| {
            Some(Spoken::Web {
                request: wrap,
                answer: wrap,
            })
        };
        check("application/grpc", Some(Spoken::Grpc));
        check("application/grpc+proto", Some(Spoken::Grpc));
        check("application/grpc+thrift; x=y", Some(Spoken::Grpc));
        check("application/grpcx", None);
        check("application/grpc-web", web(Wrap::Binary));
        check("application/grpc-web+proto", web(Wrap::Binary));
        check("application/grpc-web-text", web(Wrap::Base64));
        check("application/grpc-web-text+proto", web(Wrap::Base64));
        check("application/grpc-website", None);
        check(
            "application/connect+json",
            Some(Spoken::ConnectStream(Codec::Json)),
        );
        check(
            "application/connect+proto",
            Some(Spoken::ConnectStream(Codec::Proto)),
        );
        check("application/connect+xml", None);
        check("application/proto", Some(Spoken::Connect(Codec::Proto)));
        check("application/json", None);
        check("text/plain", None);
    }

    #[test]
    fn json_is_connect_when_it_says_so() {
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("connect-protocol-version", "1"),
        ];
        let got = spoken("POST", "/p.S/M", &headers);
        assert_eq!(got, Some(Spoken::Connect(Codec::Json)));
        assert_eq!(spoken("PUT", "/p.S/M", &headers), None);
    }

    #[test]
    fn get() {
        let get = Some(Spoken::ConnectGet);
        assert_eq!(
            spoken("GET", "/p.S/M?connect=v1&encoding=json&message=%7B%7D", &[]),
            get
        );
        assert_eq!(
            spoken("GET", "/p.S/M?encoding=json&message=%7B%7D", &[]),
            None
        );
        assert_eq!(spoken("GET", "/p.S/M", &[]), None);
    }

    #[test]
    fn the_answer_may_have_another_form() {
        let headers = [
            ("content-type", "application/grpc-web+proto"),
            ("accept", "application/grpc-web-text"),
        ];
        let expected = Spoken::Web {
            request: Wrap::Binary,
            answer: Wrap::Base64,
        };
        assert_eq!(spoken("POST", "/p.S/M", &headers), Some(expected));
    }
}
