//! Everything that can be wrong with a request or behind it, the status it
//! becomes, what the client is told and what the log says. The two texts are
//! apart: the log has addresses and causes, the client what it can act on; the
//! request id joins them.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde::Serialize;
use server::{RequestId, query::NotUtf8};

use super::{Body, Code, whole};
use crate::{routes, transcode::params::BadParameter};

/// Why a request is not answered as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    BadParameter(BadParameter),
    NotUtf8(NotUtf8),
    NoRoute {
        path: String,
    },
    MethodNotAllowed {
        method: Method,
    },
    HeadersTooLarge {
        bytes: usize,
        max: usize,
    },
    TooManyValues {
        max: usize,
        advice: &'static str,
    },
    BrokenBody,
    TooManyHeaders {
        count: usize,
        max: usize,
    },
    Overloaded {
        in_flight_max: usize,
    },
    Upstream {
        service: &'static str,
        failure: UpstreamFailure,
    },
}

/// How an upstream failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpstreamFailure {
    /// No connection could be had.
    Unreachable { cause: String },
    /// The connection or the answer broke.
    Broken { cause: String },
    /// The answer did not come, or end, in time.
    TimedOut { millis: u128 },
    /// The service itself said so, over gRPC.
    Status { code: Code, message: String },
    /// The service itself said so, over HTTP.
    Http { status: StatusCode },
}

/// The body of every error.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody<'p> {
    error: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<Vec<String>>,
    request_id: &'p str,
}

impl Problem {
    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Problem::BadParameter(_) | Problem::NotUtf8(_) | Problem::BrokenBody => {
                StatusCode::BAD_REQUEST
            }
            Problem::NoRoute { .. } => StatusCode::NOT_FOUND,
            Problem::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Problem::HeadersTooLarge { .. } | Problem::TooManyHeaders { .. } => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Problem::TooManyValues { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::Overloaded { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Problem::Upstream { failure, .. } => failure.status(),
        }
    }

    /// What the client is told.
    fn message(&self) -> String {
        match self {
            Problem::BadParameter(BadParameter {
                name,
                value,
                expected,
            }) => {
                format!("parameter {name:?} is {value:?}; expected {expected}")
            }
            Problem::NotUtf8(error) => error.to_string(),
            Problem::NoRoute { path } => {
                let routes: Vec<_> = routes::known().collect();
                format!("no route {path}; the routes are {}", routes.join(", "))
            }
            Problem::MethodNotAllowed { method } => {
                format!(
                    "{method} is not served here; use one of {}",
                    routes::ALLOWED
                )
            }
            Problem::HeadersTooLarge { bytes, max } => format!(
                "the request line and headers have {bytes} bytes, more than the limit of {max}; \
                 send fewer or shorter ones"
            ),
            Problem::BrokenBody => {
                "the request's body broke off or is malformed; no body is needed here".to_owned()
            }
            Problem::TooManyHeaders { count, max } => {
                format!("the request has {count} headers, more than {max}; send fewer")
            }
            Problem::TooManyValues { max, advice } => {
                format!("the answer would have more than {max} values; {advice}")
            }
            Problem::Overloaded { in_flight_max } => {
                format!("{in_flight_max} calls are in flight already; try again in a moment")
            }
            Problem::Upstream { service, failure } => failure.message(service),
        }
    }

    /// What the log says beyond the status; `None` when the status says it all.
    /// Values of parameters stay out of it: they are what users typed.
    pub(crate) fn log_message(&self) -> Option<String> {
        match self {
            Problem::NoRoute { .. } | Problem::MethodNotAllowed { .. } => None,
            Problem::BadParameter(BadParameter { name, expected, .. }) => {
                Some(format!("parameter {name:?}: expected {expected}"))
            }
            Problem::NotUtf8(NotUtf8 { name, .. }) => {
                Some(format!("parameter {name:?} is not UTF-8 text"))
            }
            Problem::Upstream { service, failure } => match failure {
                UpstreamFailure::Unreachable { cause } | UpstreamFailure::Broken { cause } => {
                    Some(format!("service {service}: {cause}"))
                }
                failure => Some(failure.message(service)),
            },
            problem => Some(problem.message()),
        }
    }

    /// The error as JSON fields, also used when an answer has already begun.
    pub(crate) fn body<'p>(&'p self, id: &'p RequestId) -> ErrorBody<'p> {
        ErrorBody {
            error: self.message(),
            status: self.status().as_u16(),
            grpc_status: match self {
                Problem::Upstream {
                    failure: UpstreamFailure::Status { code, .. },
                    ..
                } => Some(code.name()),
                _ => None,
            },
            parameter: match self {
                Problem::BadParameter(bad) => Some(&bad.name),
                Problem::NotUtf8(bad) => Some(&bad.name),
                _ => None,
            },
            routes: match self {
                Problem::NoRoute { .. } => Some(routes::known().collect()),
                _ => None,
            },
            request_id: id.as_str(),
        }
    }

    /// The whole error answer.
    pub(crate) fn response(&self, id: &RequestId) -> Response<Body> {
        // Serializing a plain struct into memory cannot fail.
        let json = serde_json::to_vec(&self.body(id)).unwrap_or_default();
        let mut response = whole(self.status(), "application/json", Bytes::from(json));
        let headers = response.headers_mut();
        if matches!(self, Problem::MethodNotAllowed { .. }) {
            headers.insert(header::ALLOW, HeaderValue::from_static(routes::ALLOWED));
        }
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl UpstreamFailure {
    fn status(&self) -> StatusCode {
        match self {
            UpstreamFailure::Unreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
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
            UpstreamFailure::Broken { .. } => {
                format!("service {service} broke off or answered something unreadable")
            }
            UpstreamFailure::TimedOut { millis } => {
                format!("service {service} did not finish within {millis} ms; ask for less")
            }
            UpstreamFailure::Status { code, message } if message.is_empty() => {
                format!("service {service} answered {}", code.name())
            }
            UpstreamFailure::Status { code, message } => {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: &Problem, expected: serde_json::Value) {
        let id = RequestId::random();
        let mut body = serde_json::json!(problem.body(&id));
        let fields = body.as_object_mut().expect("an object");
        assert_eq!(fields.remove("request_id"), Some(id.as_str().into()));
        assert_eq!(body, expected);
    }

    #[test]
    fn error_bodies() {
        check(
            &Problem::BadParameter(BadParameter {
                name: "count".to_owned(),
                value: "abc".to_owned(),
                expected: "a whole number".to_owned(),
            }),
            serde_json::json!({
                "error": "parameter \"count\" is \"abc\"; expected a whole number",
                "status": 400,
                "parameter": "count",
            }),
        );
        check(
            &Problem::TooManyValues {
                max: 10,
                advice: "stream them",
            },
            serde_json::json!({
                "error": "the answer would have more than 10 values; stream them",
                "status": 413,
            }),
        );
        check(
            &Problem::Upstream {
                service: "B",
                failure: UpstreamFailure::Status {
                    code: Code::InvalidArgument,
                    message: "too many".to_owned(),
                },
            },
            serde_json::json!({
                "error": "service B answered INVALID_ARGUMENT: too many",
                "status": 400,
                "grpc_status": "INVALID_ARGUMENT",
            }),
        );
    }

    #[test]
    fn causes_are_for_the_log_alone() {
        let problem = Problem::Upstream {
            service: "A",
            failure: UpstreamFailure::Unreachable {
                cause: "10.0.0.1:1: refused".to_owned(),
            },
        };
        assert!(!problem.message().contains("10.0.0.1"));
        assert_eq!(
            problem.log_message().as_deref(),
            Some("service A: 10.0.0.1:1: refused")
        );
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
