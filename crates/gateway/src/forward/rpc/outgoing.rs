//! Heads: the one that a service gets, made from a client's, and what is checked of and
//! added to the one that comes back. Everything that is not a protocol's own is
//! metadata and goes on, in both directions.

use std::time::Duration;

use bytes::Bytes;
use contract::grpc_timeout::GRPC_TIMEOUT;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts, response};
use server::RequestId;
use tokio::time::Instant;

use super::{
    connect,
    spoken::{Spoken, Wrap, suffix},
};
use crate::{
    forward::grpc::time_limit,
    respond::{Code, Problem, UpstreamFailure},
    upstream::{
        TRACEPARENT,
        grpc::{Passed, timeout},
        traceparent,
    },
};

const GRPC: &str = "application/grpc";
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// What the head of a call is made from.
pub(super) struct Outgoing<'r> {
    pub(super) head: &'r Parts,
    pub(super) id: &'r RequestId,
    pub(super) deadline: Instant,
    pub(super) media_type: HeaderValue,
    /// How the messages are compressed, where the protocol says so elsewhere.
    pub(super) encoding: Option<HeaderValue>,
    /// How those of the answer may be.
    pub(super) accepted: Option<HeaderValue>,
}

impl<'r> Outgoing<'r> {
    /// For a protocol whose messages go through one by one.
    pub(super) fn of(
        spoken: Spoken,
        head: &'r Parts,
        id: &'r RequestId,
        deadline: Instant,
    ) -> Self {
        let given = head.headers.get(header::CONTENT_TYPE);
        let media_type = match (spoken, given) {
            (Spoken::Grpc, Some(given)) => given.clone(),
            (Spoken::Web { .. }, Some(given)) => {
                HeaderValue::try_from(format!("{GRPC}{}", suffix(given)))
                    .unwrap_or(HeaderValue::from_static(GRPC))
            }
            _ => HeaderValue::from_static(GRPC),
        };
        let binary = spoken == Spoken::ConnectStream(super::Codec::Proto);
        let only = |name| head.headers.get(name).filter(|_| binary).cloned();
        Outgoing {
            head,
            id,
            deadline,
            media_type,
            encoding: only(connect::CONTENT_ENCODING),
            accepted: only(connect::ACCEPT_ENCODING),
        }
    }

    /// The headers of one attempt.
    pub(super) fn headers(&self) -> HeaderMap {
        let given = &self.head.headers;
        let mut headers = match self.head.version {
            // HTTP/2 has refused what belongs to one connection, but for these.
            http::Version::HTTP_2 if self.is_grpc() => {
                let mut headers = given.clone();
                for name in [header::HOST, header::EXPECT, header::TRAILER] {
                    headers.remove(name);
                }
                headers
            }
            _ => {
                let mut headers = HeaderMap::with_capacity(given.len() + 4);
                let listed = connection_options(given);
                let speaks_grpc = speaks_grpc(given);
                let theirs = given.iter().filter(|(name, _)| {
                    let name = name.as_str();
                    goes_on(name)
                        && !listed.iter().any(|listed| listed == name)
                        // To a client of Connect these mean nothing, to a service much.
                        && (speaks_grpc || !name.starts_with("grpc-"))
                });
                for (name, value) in theirs {
                    headers.append(name, value.clone());
                }
                headers
            }
        };
        headers.insert(header::CONTENT_TYPE, self.media_type.clone());
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        if let Some(timeout) = timeout(self.deadline) {
            headers.insert(GRPC_TIMEOUT, timeout);
        }
        headers.insert(RequestId::HEADER, self.id.header_value());
        if traceparent(given).is_none() {
            headers.remove(TRACEPARENT);
        }
        let encodings = [
            (GRPC_ENCODING, &self.encoding),
            (GRPC_ACCEPT_ENCODING, &self.accepted),
        ];
        for (name, value) in encodings {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
        headers
    }

    fn is_grpc(&self) -> bool {
        let given = self.head.headers.get(header::CONTENT_TYPE);
        given == Some(&self.media_type)
    }
}

/// The headers that a client says are for the next hop alone (RFC 9110, section 7.6.1).
fn connection_options(given: &HeaderMap) -> Vec<String> {
    let values = given.get_all(header::CONNECTION).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let options = texts.flat_map(|text| text.split(','));
    options
        .map(|option| option.trim().to_ascii_lowercase())
        .collect()
}

/// Whether the client speaks gRPC or gRPC-Web.
fn speaks_grpc(given: &HeaderMap) -> bool {
    let media_type = given.get(header::CONTENT_TYPE);
    media_type.is_some_and(|value| value.as_bytes().starts_with(GRPC.as_bytes()))
}

/// Whether a header of another protocol's request is metadata.
fn goes_on(name: &str) -> bool {
    !matches!(
        name,
        "accept"
            | "accept-encoding"
            | "connection"
            | "content-encoding"
            | "content-length"
            | "content-type"
            | "expect"
            | "host"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "x-grpc-web"
            | "connect-protocol-version"
            | "connect-timeout-ms"
            | "connect-content-encoding"
            | "connect-accept-encoding"
    )
}

/// How long a call may take: what the client says, at most `most`.
pub(super) fn limit(
    spoken: Spoken,
    headers: &HeaderMap,
    most: Duration,
) -> Result<(Duration, Instant), Problem> {
    match spoken {
        Spoken::Grpc | Spoken::Web { .. } => time_limit(headers, most),
        _ => time_limit_of_connect(headers, most),
    }
}

/// The same by Connect's header.
pub(super) fn time_limit_of_connect(
    headers: &HeaderMap,
    most: Duration,
) -> Result<(Duration, Instant), Problem> {
    let limit = match headers.get(connect::TIMEOUT) {
        None => most,
        Some(value) => {
            let text = value.to_str().unwrap_or_default();
            let formed = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            match text.parse() {
                Ok(millis) if formed => Duration::from_millis(millis).min(most),
                _ => {
                    return Err(Problem::BadHeader {
                        name: "connect-timeout-ms",
                        value: text.to_owned(),
                        expected: "at most ten digits, the milliseconds",
                    });
                }
            }
        }
    };
    Ok((limit, Instant::now() + limit))
}

/// Fails unless it is a gRPC service that answers.
pub(super) fn check(passed: &Passed) -> Result<(), UpstreamFailure> {
    let checked = check_head(&passed.head);
    if let Err(failure) = &checked {
        passed.busy.judge(Some(failure.code()));
    }
    checked
}

fn check_head(head: &response::Parts) -> Result<(), UpstreamFailure> {
    if head.status != StatusCode::OK {
        return Err(UpstreamFailure::NotGrpc {
            status: head.status,
        });
    }
    let media_type = head.headers.get(header::CONTENT_TYPE);
    if !media_type.is_some_and(|value| value.as_bytes().starts_with(GRPC.as_bytes())) {
        return Err(UpstreamFailure::Status {
            code: Code::Unknown,
            message: format!("content type {media_type:?} instead of application/grpc"),
            details: Bytes::new(),
        });
    }
    Ok(())
}

/// The media type of an answer in gRPC-Web's form.
pub(super) fn web_media_type(answer: Wrap, given: Option<&HeaderValue>) -> HeaderValue {
    let form = match answer {
        Wrap::Binary => "application/grpc-web",
        Wrap::Base64 => "application/grpc-web-text",
    };
    // Clients ask for `+proto` where nothing is said.
    let suffix = given.map(suffix).filter(|suffix| !suffix.is_empty());
    HeaderValue::try_from(format!("{form}{}", suffix.unwrap_or("+proto")))
        .unwrap_or(HeaderValue::from_static("application/grpc-web+proto"))
}

/// Lets pages of other origins read every header that is in `headers`.
pub(super) fn expose(headers: &mut HeaderMap) {
    let mut names = String::from("grpc-status, grpc-message, grpc-status-details-bin");
    for name in headers.keys() {
        let known = name.as_str().starts_with("grpc-status") || name == "grpc-message";
        if !known && name != header::CONTENT_TYPE {
            names.push_str(", ");
            names.push_str(name.as_str());
        }
    }
    if let Ok(names) = HeaderValue::try_from(names) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, names);
    }
}
