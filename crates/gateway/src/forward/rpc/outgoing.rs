//! Heads: the one that a service gets, made from a client's, and what is checked of and
//! added to the one that comes back. Everything that is not a protocol's own is
//! metadata and goes on, in both directions.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts, response,
};
use server::RequestId;
use telemetry::traces::Context;
use tokio::time::Instant;

use super::{
    connect,
    spoken::{Spoken, Wrap, suffix},
};
use crate::{
    forward::grpc::time_limit,
    respond::{Code, Problem, UpstreamFailure},
    upstream::{
        GRPC_TIMEOUT,
        grpc::{Passed, timeout},
        is_traceparent,
    },
};

const GRPC: &str = "application/grpc";
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Headers that the gateway adds to a call, at most.
const ADDED: usize = 6;

/// What the head of a call is made from.
pub(super) struct Outgoing<'r> {
    pub(super) head: &'r Parts,
    pub(super) id: &'r RequestId,
    pub(super) deadline: Instant,
    /// What the call is made under; `None` with traces off.
    pub(super) trace: Option<Context>,
    pub(super) media_type: MediaType,
    /// How the messages are compressed, where the protocol says so elsewhere.
    pub(super) encoding: Option<HeaderValue>,
    /// How those of the answer may be.
    pub(super) accepted: Option<HeaderValue>,
}

/// What a service is told that it gets.
pub(super) enum MediaType {
    /// What the client says, who speaks gRPC over HTTP/2.
    AsGiven,
    /// What another protocol's request becomes.
    Grpc(HeaderValue),
}

impl<'r> Outgoing<'r> {
    /// For a protocol whose messages go through one by one.
    pub(super) fn of(
        spoken: Spoken,
        head: &'r Parts,
        id: &'r RequestId,
        deadline: Instant,
    ) -> Self {
        let grpc = HeaderValue::from_static(GRPC);
        let media_type = match (spoken, head.headers.get(header::CONTENT_TYPE)) {
            (Spoken::Grpc, _) => MediaType::AsGiven,
            (Spoken::Web { .. }, Some(given)) => {
                let named = HeaderValue::try_from(format!("{GRPC}{}", suffix(given)));
                MediaType::Grpc(named.unwrap_or(grpc))
            }
            _ => MediaType::Grpc(grpc),
        };
        let binary = spoken == Spoken::ConnectStream(super::Codec::Proto);
        let only = |name| match binary {
            true => head.headers.get(name).cloned(),
            false => None,
        };
        Outgoing {
            head,
            id,
            deadline,
            trace: None,
            media_type,
            encoding: only(connect::CONTENT_ENCODING),
            accepted: only(connect::ACCEPT_ENCODING),
        }
    }

    /// The headers of one attempt.
    pub(super) fn headers(&self) -> HeaderMap {
        let given = &self.head.headers;
        let mut headers = HeaderMap::with_capacity(given.len() + ADDED);
        match &self.media_type {
            MediaType::AsGiven => {
                let theirs = given
                    .iter()
                    .filter(|(name, _)| !is_of_one_hop(name.as_str()));
                append(theirs, &mut headers);
            }
            MediaType::Grpc(media_type) => {
                let listed = connection_options(given);
                let speaks_grpc = speaks_grpc(self.head);
                let theirs = given.iter().filter(|(name, _)| {
                    let name = name.as_str();
                    goes_on(name)
                        && !listed.iter().any(|listed| listed == name)
                        // To a client of Connect these mean nothing, to a service much.
                        && (speaks_grpc || !name.starts_with("grpc-"))
                });
                append(theirs, &mut headers);
                headers.insert(header::CONTENT_TYPE, media_type.clone());
            }
        }
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        if let Some(timeout) = timeout(self.deadline) {
            headers.insert(GRPC_TIMEOUT, timeout);
        }
        headers.insert(RequestId::HEADER, self.id.header_value());
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
}

/// Adds what a client gave, but for what is made anew and for a trace context that is
/// none.
fn append<'g>(
    theirs: impl Iterator<Item = (&'g HeaderName, &'g HeaderValue)>,
    headers: &mut HeaderMap,
) {
    for (name, value) in theirs {
        let goes_on = match name.as_str() {
            "te" | "grpc-timeout" | "x-request-id" => false,
            "traceparent" => is_traceparent(value),
            _ => true,
        };
        if goes_on {
            headers.append(name, value.clone());
        }
    }
}

/// What HTTP/2 itself does not refuse of the headers that belong to one connection.
fn is_of_one_hop(name: &str) -> bool {
    matches!(name, "host" | "expect" | "trailer")
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

/// Whether the client speaks gRPC or gRPC-Web. The content type of a `GET` says nothing.
fn speaks_grpc(head: &Parts) -> bool {
    let media_type = head.headers.get(header::CONTENT_TYPE);
    head.method == Method::POST
        && media_type.is_some_and(|value| value.as_bytes().starts_with(GRPC.as_bytes()))
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
