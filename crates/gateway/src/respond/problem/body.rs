//! The JSON of an error, in the two styles: `google.rpc.Status` alone, or
//! `{"error": ...}` as the published routes have it with the rest beside it.

use serde::Serialize;
use serde_json::{json, value::RawValue};
use server::{RequestId, query::NotUtf8};
use transcode::BadParameter;

use super::{Problem, UpstreamFailure};
use crate::services::ErrorStyle;

/// The body of an error.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody<'p> {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    published: Option<Published<'p>>,
    /// The number of the gRPC status.
    code: u32,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Box<RawValue>>,
}

#[derive(Debug, Serialize)]
struct Published<'p> {
    error: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'p str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    routes: &'p [String],
    request_id: &'p str,
}

impl<'p> ErrorBody<'p> {
    pub(super) fn of(problem: &'p Problem, style: ErrorStyle, id: &'p RequestId) -> Self {
        let said = match problem {
            Problem::Upstream {
                failure: UpstreamFailure::Status { message, .. },
                ..
            } => message.clone(),
            _ => problem.message(),
        };
        let mut details = match problem {
            // What cannot be read as an array of JSON is left out.
            Problem::Upstream { details, .. } if !problem.is_for_a_moment() => {
                serde_json::from_str(details).unwrap_or_default()
            }
            _ => own_details(problem),
        };
        let published = match style {
            ErrorStyle::Published => Some(published(problem, id)),
            ErrorStyle::Status => {
                details.extend(raw(&json!({
                    "@type": "type.googleapis.com/google.rpc.RequestInfo",
                    "requestId": id.as_str(),
                })));
                None
            }
        };
        ErrorBody {
            published,
            code: problem.code().number(),
            message: said,
            details,
        }
    }
}

fn published<'p>(problem: &'p Problem, id: &'p RequestId) -> Published<'p> {
    Published {
        error: problem.message(),
        status: problem.status().as_u16(),
        grpc_status: match problem {
            Problem::Upstream {
                failure: UpstreamFailure::Status { code, .. },
                ..
            } => Some(code.name()),
            _ => None,
        },
        parameter: parameter(problem).map(|(name, _)| name),
        routes: match problem {
            Problem::NoRoute { routes, .. } => routes,
            _ => &[],
        },
        request_id: id.as_str(),
    }
}

/// What `google.rpc` has a type for.
fn own_details(problem: &Problem) -> Vec<Box<RawValue>> {
    let (field, description) = match (parameter(problem), problem) {
        (Some((name, expected)), _) => (name, expected),
        (None, Problem::BadBody(error) | Problem::BadMessage { error, .. }) => {
            (error.path.as_str(), format!("expected {}", error.expected))
        }
        (None, problem) if problem.is_for_a_moment() => {
            return raw(&json!({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": "1s",
            }));
        }
        _ => return Vec::new(),
    };
    raw(&json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{ "field": field, "description": description }],
    }))
}

/// The parameter that is wrong, and what would be right.
fn parameter(problem: &Problem) -> Option<(&str, String)> {
    match problem {
        Problem::BadParameter(BadParameter { name, expected, .. }) => {
            Some((name, format!("expected {expected}")))
        }
        Problem::NotUtf8(NotUtf8 { name, .. }) => Some((name, "expected UTF-8 text".to_owned())),
        Problem::BadPath { variable } => Some((variable, "expected UTF-8 text".to_owned())),
        _ => None,
    }
}

fn raw(value: &serde_json::Value) -> Vec<Box<RawValue>> {
    serde_json::value::to_raw_value(value).into_iter().collect()
}
