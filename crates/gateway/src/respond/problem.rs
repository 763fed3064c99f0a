//! Everything that can go wrong with a request, and what the client and the log
//! are told about it: the client what to do next, the log what caused it. Joined
//! by the request id.

mod body;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use server::{RequestId, query::NotUtf8};
use transcode::{BadParameter, ReadError};

use super::{Body, Code, whole};
use crate::{
    compression::{
        coding::{self, Unreadable},
        decode::DecodeError,
        decoded::BodyError,
    },
    guard::TokenProblem,
    services::ErrorStyle,
};

pub(crate) use body::ErrorBody;

/// Why a request is not answered as asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Problem {
    BadParameter(BadParameter),
    NotUtf8(NotUtf8),
    /// A part of the path is not UTF-8 once decoded.
    BadPath {
        variable: String,
    },
    BadHeader {
        name: &'static str,
        value: String,
        expected: &'static str,
    },
    BadBody(Box<ReadError>),
    /// One of the messages that a client sends one after the other.
    BadMessage {
        /// Counted from 1.
        number: usize,
        error: Box<ReadError>,
    },
    BodyTooLarge {
        max: usize,
    },
    MessageTooLarge {
        number: usize,
        max: usize,
    },
    BrokenBody,
    BodyTooSlow {
        limit: Duration,
    },
    MediaType {
        given: String,
    },
    /// The body is compressed in a way that is not read.
    ContentCoding {
        given: String,
    },
    /// The body cannot be decompressed.
    Undecodable(DecodeError),
    Encoding {
        given: String,
    },
    /// gRPC came over HTTP/1.1.
    NeedsHttp2,
    NoMethod {
        path: String,
    },
    NoRoute {
        path: String,
        /// All routes there are, or none when they are too many to list.
        routes: Vec<String>,
    },
    MethodNotAllowed {
        method: Method,
        /// As the `allow` header lists them.
        allowed: String,
    },
    HeadersTooLarge {
        bytes: usize,
        max: usize,
    },
    TooManyHeaders {
        count: usize,
        max: usize,
    },
    TooManyValues {
        max: usize,
        advice: &'static str,
    },
    AnswerTooLarge {
        max: usize,
        advice: &'static str,
    },
    Overloaded {
        in_flight_max: usize,
    },
    /// One client comes more often than it may.
    TooOften {
        wait: Duration,
    },
    /// No token came, or one that is not accepted.
    Unauthenticated(TokenProblem),
    /// What is asked for needs a WebSocket, or another version of one.
    UpgradeRequired {
        why: &'static str,
    },
    /// A page of this origin may not open a WebSocket.
    ForeignOrigin {
        origin: String,
    },
    /// The service has not said yet what it serves.
    NotDescribed {
        service: Arc<str>,
    },
    Upstream {
        service: Arc<str>,
        failure: UpstreamFailure,
        /// Details that the service sent along, as a JSON array; may be empty.
        details: String,
    },
}

/// How an upstream failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpstreamFailure {
    /// No connection could be had.
    Unreachable { cause: String },
    /// Connections are there, and none has room for a call.
    Full { cause: String },
    /// The gateway stops, and could not wait for the answer.
    Stopping,
    /// The connection or the answer broke.
    Broken { cause: String },
    /// The answer did not come, or end, in time.
    TimedOut { millis: u128 },
    /// The service itself said so, over gRPC.
    Status {
        code: Code,
        message: String,
        /// A serialized `google.rpc.Status`, or nothing.
        details: Bytes,
    },
    /// The service itself said so, over HTTP.
    Http { status: StatusCode },
    /// Something answered in HTTP where gRPC was expected, such as a proxy on the way.
    NotGrpc { status: StatusCode },
}

impl Problem {
    /// A failure of `service` that came without details.
    pub(crate) fn upstream(service: &Arc<str>, failure: UpstreamFailure) -> Self {
        Problem::Upstream {
            service: Arc::clone(service),
            failure,
            details: String::new(),
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Problem::BadParameter(_)
            | Problem::NotUtf8(_)
            | Problem::BadPath { .. }
            | Problem::BadHeader { .. }
            | Problem::BadBody(_)
            | Problem::Undecodable(_)
            | Problem::BadMessage { .. }
            | Problem::BrokenBody => StatusCode::BAD_REQUEST,
            Problem::ForeignOrigin { .. } => StatusCode::FORBIDDEN,
            Problem::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Problem::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Problem::UpgradeRequired { .. } => StatusCode::UPGRADE_REQUIRED,
            Problem::BodyTooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Problem::MediaType { .. }
            | Problem::ContentCoding { .. }
            | Problem::Encoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::NeedsHttp2 => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Problem::NoRoute { .. } | Problem::NoMethod { .. } => StatusCode::NOT_FOUND,
            Problem::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Problem::HeadersTooLarge { .. } | Problem::TooManyHeaders { .. } => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Problem::BodyTooLarge { .. }
            | Problem::MessageTooLarge { .. }
            | Problem::TooManyValues { .. }
            | Problem::AnswerTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::Overloaded { .. } | Problem::NotDescribed { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Problem::Upstream { failure, .. } => failure.status(),
        }
    }

    /// Whether the gateway itself turned the call away, and another attempt in a moment
    /// may go well.
    pub(crate) fn is_for_a_moment(&self) -> bool {
        match self {
            Problem::Overloaded { .. } | Problem::NotDescribed { .. } => true,
            Problem::Upstream { failure, .. } => matches!(
                failure,
                UpstreamFailure::Unreachable { .. }
                    | UpstreamFailure::Full { .. }
                    | UpstreamFailure::Stopping
            ),
            _ => false,
        }
    }

    /// The gRPC code.
    pub(crate) fn code(&self) -> Code {
        match self {
            Problem::BadParameter(_)
            | Problem::NotUtf8(_)
            | Problem::BadPath { .. }
            | Problem::BadHeader { .. }
            | Problem::BadBody(_)
            | Problem::BadMessage { .. }
            | Problem::MediaType { .. }
            | Problem::ContentCoding { .. }
            | Problem::Undecodable(_)
            | Problem::BrokenBody => Code::InvalidArgument,
            Problem::ForeignOrigin { .. } => Code::PermissionDenied,
            Problem::Unauthenticated(_) => Code::Unauthenticated,
            Problem::BodyTooSlow { .. } => Code::DeadlineExceeded,
            Problem::NoRoute { .. } => Code::NotFound,
            Problem::MethodNotAllowed { .. }
            | Problem::UpgradeRequired { .. }
            | Problem::NeedsHttp2
            | Problem::Encoding { .. }
            | Problem::NoMethod { .. } => Code::Unimplemented,
            Problem::HeadersTooLarge { .. }
            | Problem::TooManyHeaders { .. }
            | Problem::BodyTooLarge { .. }
            | Problem::MessageTooLarge { .. }
            | Problem::TooManyValues { .. }
            | Problem::AnswerTooLarge { .. }
            | Problem::TooOften { .. } => Code::ResourceExhausted,
            Problem::Overloaded { .. } | Problem::NotDescribed { .. } => Code::Unavailable,
            Problem::Upstream { failure, .. } => failure.code(),
        }
    }

    /// What the client is told.
    pub(crate) fn message(&self) -> String {
        match self {
            Problem::BadParameter(BadParameter {
                name,
                value,
                expected,
            }) => {
                format!("parameter {name:?} is {value:?}; expected {expected}")
            }
            Problem::NotUtf8(error) => error.to_string(),
            Problem::BadPath { variable } => format!(
                "the part of the path that is {variable:?} is not UTF-8 text; percent-encode its \
                 UTF-8 bytes"
            ),
            Problem::BadHeader {
                name,
                value,
                expected,
            } => format!("header {name:?} is {value:?}; expected {expected}"),
            Problem::BadBody(error) => format!("the request's body: {error}"),
            Problem::BadMessage { number, error } => format!("message {number}: {error}"),
            Problem::MessageTooLarge { number, max } => {
                format!("message {number} has more than {max} bytes; send smaller ones")
            }
            Problem::UpgradeRequired { why } => (*why).to_owned(),
            Problem::ForeignOrigin { origin } => format!(
                "pages of {origin:?} may not open a WebSocket here; the operator allows origins \
                 with --cors"
            ),
            Problem::BodyTooLarge { max } => {
                format!("the request's body has more than {max} bytes; send less")
            }
            Problem::BrokenBody => {
                "the request's body broke off or is malformed; send all of it, or none where none \
                 is needed"
                    .to_owned()
            }
            Problem::BodyTooSlow { limit } => {
                format!("the request's body did not come within {limit:?}; send it faster, or less")
            }
            Problem::MediaType { given } => format!(
                "the request's body is {given:?}; send JSON with `content-type: application/json`"
            ),
            Problem::ContentCoding { given } => format!(
                "the request's body has the content-encoding {given:?}; send it as it is, or \
                 compressed once: {}",
                coding::READ
            ),
            Problem::Undecodable(error) => format!("the request's body {error}"),
            Problem::Encoding { given } => {
                format!(
                    "the request is compressed as {given:?}; send it as it is, or with one of {}",
                    coding::READ
                )
            }
            Problem::NeedsHttp2 => {
                "gRPC needs HTTP/2; connect with prior knowledge, or use gRPC-Web or Connect"
                    .to_owned()
            }
            Problem::NoMethod { path } => format!("no service has a method {path}"),
            Problem::NoRoute { path, routes } if routes.is_empty() => format!("no route {path}"),
            Problem::NoRoute { path, routes } => {
                format!("no route {path}; the routes are {}", routes.join(", "))
            }
            Problem::MethodNotAllowed { method, allowed } => {
                format!("{method} is not served here; use one of {allowed}")
            }
            Problem::HeadersTooLarge { bytes, max } => format!(
                "the request line and headers have {bytes} bytes, more than the limit of {max}; \
                 send fewer or shorter ones"
            ),
            Problem::TooManyHeaders { count, max } => {
                format!("the request has {count} headers, more than {max}; send fewer")
            }
            Problem::TooManyValues { max, advice } => {
                format!("the answer would have more than {max} values; {advice}")
            }
            Problem::AnswerTooLarge { max, advice } => {
                format!("the answer would have more than {max} bytes; {advice}")
            }
            Problem::Overloaded { in_flight_max } => {
                format!("{in_flight_max} calls are in flight already; try again in a moment")
            }
            Problem::TooOften { wait } => format!(
                "this client asks more often than it may; try again in {} s",
                seconds_up(*wait)
            ),
            Problem::Unauthenticated(problem) => problem.to_string(),
            Problem::NotDescribed { service } => {
                format!("service {service} has not said yet what it serves; try again in a moment")
            }
            Problem::Upstream {
                service, failure, ..
            } => failure.message(service),
        }
    }

    /// Code and message, on one line.
    pub(crate) fn reason(&self) -> String {
        let said = match self {
            Problem::Upstream {
                failure: UpstreamFailure::Status { message, .. },
                ..
            } => message.clone(),
            _ => self.message(),
        };
        format!("{}: {said}", self.code().name())
    }

    /// What the log says beyond the status; `None` when the status says it all.
    /// Values of parameters, and of bodies, stay out of it: they are what users
    /// typed.
    pub(crate) fn log_message(&self) -> Option<String> {
        match self {
            Problem::NoRoute { .. }
            | Problem::NoMethod { .. }
            | Problem::MethodNotAllowed { .. } => None,
            Problem::BadParameter(BadParameter { name, expected, .. }) => {
                Some(format!("parameter {name:?}: expected {expected}"))
            }
            Problem::NotUtf8(NotUtf8 { name, .. }) => {
                Some(format!("parameter {name:?} is not UTF-8 text"))
            }
            Problem::BadHeader { name, expected, .. } => {
                Some(format!("header {name:?}: expected {expected}"))
            }
            Problem::BadBody(error) => Some(format!(
                "the body, line {}, column {}: expected {}",
                error.line, error.column, error.expected
            )),
            Problem::BadMessage { number, error } => Some(format!(
                "message {number}, line {}, column {}: expected {}",
                error.line, error.column, error.expected
            )),
            Problem::Upstream {
                service, failure, ..
            } => Some(failure.explained(service)),
            problem => Some(problem.message()),
        }
    }

    /// The error as JSON fields, also used when an answer has already begun.
    pub(crate) fn body<'p>(&'p self, style: ErrorStyle, id: &'p RequestId) -> ErrorBody<'p> {
        ErrorBody::of(self, style, id)
    }

    /// After how many seconds it is worth trying again, where that is known.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Problem::TooOften { wait } => Some(seconds_up(*wait)),
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some(1),
            _ => None,
        }
    }

    /// The whole error answer.
    pub(crate) fn response(&self, style: ErrorStyle, id: &RequestId) -> Response<Body> {
        // Serializing a plain struct into memory cannot fail.
        let json = serde_json::to_vec(&self.body(style, id)).unwrap_or_default();
        let mut response = whole(self.status(), "application/json", Bytes::from(json));
        let headers = response.headers_mut();
        if let Problem::MethodNotAllowed { allowed, .. } = self
            && let Ok(allowed) = HeaderValue::try_from(allowed)
        {
            headers.insert(header::ALLOW, allowed);
        }
        if let Problem::ContentCoding { .. } = self {
            let read = HeaderValue::from_static(coding::READ);
            headers.insert(header::ACCEPT_ENCODING, read);
        }
        if let Problem::UpgradeRequired { .. } = self {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(
                header::SEC_WEBSOCKET_VERSION,
                HeaderValue::from_static("13"),
            );
        }
        if let Some(wait) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, wait.into());
        }
        if let Problem::Unauthenticated(problem) = self
            && let Ok(challenge) = HeaderValue::try_from(problem.challenge())
        {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// Whole seconds, and no less than one.
fn seconds_up(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000).max(1) as u64
}

impl UpstreamFailure {
    /// The gRPC code.
    pub(crate) fn code(&self) -> Code {
        match self {
            UpstreamFailure::Unreachable { .. }
            | UpstreamFailure::Full { .. }
            | UpstreamFailure::Stopping => Code::Unavailable,
            UpstreamFailure::Broken { .. } => Code::Internal,
            UpstreamFailure::TimedOut { .. } => Code::DeadlineExceeded,
            UpstreamFailure::Status { code, .. } => *code,
            UpstreamFailure::Http { .. } => Code::Unknown,
            UpstreamFailure::NotGrpc { status } => Code::of_http(*status),
        }
    }

    /// All there is to say, for the operator.
    pub(crate) fn explained(&self, service: &str) -> String {
        match self {
            UpstreamFailure::Unreachable { cause }
            | UpstreamFailure::Full { cause }
            | UpstreamFailure::Broken { cause } => {
                format!("service {service}: {cause}")
            }
            failure => failure.message(service),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            UpstreamFailure::Unreachable { .. }
            | UpstreamFailure::Full { .. }
            | UpstreamFailure::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            // What a client can do something about; the rest is between the gateway and
            // what is behind it.
            UpstreamFailure::NotGrpc { .. } => match self.code() {
                code @ (Code::Unavailable | Code::Unauthenticated | Code::PermissionDenied) => {
                    code.http()
                }
                _ => StatusCode::BAD_GATEWAY,
            },
            UpstreamFailure::Broken { .. } => StatusCode::BAD_GATEWAY,
            UpstreamFailure::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
            UpstreamFailure::Status { code, .. } => code.http(),
            UpstreamFailure::Http { status } => match *status {
                StatusCode::SERVICE_UNAVAILABLE => StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::GATEWAY_TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::BAD_GATEWAY,
            },
        }
    }

    fn message(&self, service: &str) -> String {
        match self {
            UpstreamFailure::Unreachable { .. } => {
                format!("service {service} cannot be reached; try again in a moment")
            }
            UpstreamFailure::Full { .. } => {
                format!("service {service} has no room for more calls; try again in a moment")
            }
            UpstreamFailure::Stopping => "the gateway stops; make the call again".to_owned(),
            UpstreamFailure::NotGrpc { status } => {
                format!("service {service} answered HTTP {status} in place of gRPC")
            }
            UpstreamFailure::Broken { .. } => {
                format!("service {service} broke off or answered something unreadable")
            }
            UpstreamFailure::TimedOut { millis } => {
                format!("service {service} did not finish within {millis} ms; ask for less")
            }
            UpstreamFailure::Status { code, message, .. } if message.is_empty() => {
                format!("service {service} answered {}", code.name())
            }
            UpstreamFailure::Status { code, message, .. } => {
                format!("service {service} answered {}: {message}", code.name())
            }
            UpstreamFailure::Http { status } => {
                format!("service {service} answered {status}")
            }
        }
    }
}

impl From<BadParameter> for Problem {
    fn from(bad: BadParameter) -> Self {
        Problem::BadParameter(bad)
    }
}

impl From<NotUtf8> for Problem {
    fn from(error: NotUtf8) -> Self {
        Problem::NotUtf8(error)
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        Problem::BadBody(Box::new(error))
    }
}

impl From<Unreadable> for Problem {
    fn from(Unreadable(given): Unreadable) -> Self {
        Problem::ContentCoding { given }
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLarge { max } => Problem::BodyTooLarge { max },
            error => Problem::Undecodable(error),
        }
    }
}

impl<E> From<BodyError<E>> for Problem {
    fn from(error: BodyError<E>) -> Self {
        match error {
            BodyError::Broken(_) => Problem::BrokenBody,
            BodyError::Undecodable(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests;
