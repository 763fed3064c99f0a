//! Errors: their JSON in either style, and which statuses to expect. The statuses are
//! those that the gateway and most services use; whatever else comes looks the same.

use routing::Body;
use serde_json::{Map, Value, json};

use crate::{Errors, Operation};

/// No message is called so: names of protobuf have no dash.
const SCHEMA: &str = "gateway-error";
const RESPONSE: &str = "error";
const REQUEST_ID: &str = "request-id";

/// Statuses, what they mean, and whether it takes a body to have them.
const STATUSES: [(&str, &str, bool); 8] = [
    (
        "400",
        "A part of the request cannot be used, or the service refuses it.",
        false,
    ),
    ("404", "What was asked for is not there.", false),
    ("408", "The body did not arrive in time.", true),
    ("413", "The body is too large.", true),
    ("415", "The body is of another type.", true),
    ("500", "The service failed.", false),
    (
        "503",
        "The service cannot be reached, or takes no more calls for now.",
        false,
    ),
    ("504", "The service took too long.", false),
];

/// The answers of an operation that went wrong.
pub(crate) fn of(operation: &Operation) -> Value {
    let has_body = operation.rule.body != Body::None;
    let mut answers = Map::new();
    for (status, _, takes_body) in STATUSES {
        if has_body || !takes_body {
            let reference = format!("#/components/responses/{status}");
            answers.insert(status.to_owned(), json!({"$ref": reference}));
        }
    }
    let reference = format!("#/components/responses/{RESPONSE}");
    answers.insert("default".to_owned(), json!({"$ref": reference}));
    answers.into()
}

/// The headers of every answer.
pub(crate) fn headers() -> Value {
    json!({"x-request-id": {"$ref": format!("#/components/headers/{REQUEST_ID}")}})
}

/// What every operation takes besides its own.
pub(crate) fn shared_parameters() -> Value {
    json!([{"$ref": format!("#/components/parameters/{REQUEST_ID}")}])
}

/// What answers and operations refer to: kinds of components, each by name.
pub(crate) fn components(errors: Errors) -> Value {
    let mut components = json!({"schemas": {SCHEMA: schema(errors)}});
    let response = |description: &str| {
        json!({
            "description": description,
            "headers": headers(),
            "content": {
                "application/json": {
                    "schema": {"$ref": format!("#/components/schemas/{SCHEMA}")},
                },
            },
        })
    };
    for (status, description, _) in STATUSES {
        components["responses"][status] = response(description);
    }
    components["responses"][RESPONSE] = response("Something went wrong.");
    components["headers"][REQUEST_ID] = json!({
        "description": "The request's own id, or one made for it; it is in the log as well.",
        "schema": {"type": "string"},
    });
    components["parameters"][REQUEST_ID] = json!({
        "name": "x-request-id", "in": "header",
        "description": "What the request is called in the log and in metadata.",
        "schema": {"type": "string"},
    });
    components
}

fn schema(errors: Errors) -> Value {
    let mut properties = json!({
        "code": {
            "type": "integer", "format": "int32",
            "description": "The number of the gRPC status.",
        },
        "message": {"type": "string", "description": "What went wrong, in English."},
        "details": {
            "type": "array",
            "description": "Messages of `google.rpc`, such as `BadRequest` with the field that \
                            is wrong, or of the service's own.",
            "items": {
                "type": "object",
                "properties": {"@type": {"type": "string"}},
                "required": ["@type"],
            },
        },
    });
    let mut required = vec!["code", "message"];
    if errors == Errors::Published {
        properties["error"] = json!({"type": "string", "description": "What went wrong."});
        properties["status"] = json!({
            "type": "integer", "description": "The HTTP status.",
        });
        properties["grpc_status"] = json!({
            "type": "string", "description": "The name of the service's gRPC status.",
        });
        properties["parameter"] = json!({
            "type": "string", "description": "The parameter that cannot be used.",
        });
        properties["routes"] = json!({
            "type": "array", "items": {"type": "string"},
            "description": "What there is, where there is no such path.",
        });
        properties["request_id"] = json!({"type": "string"});
        required.extend(["error", "request_id", "status"]);
    }
    required.sort_unstable();
    json!({
        "type": "object",
        "description": "`google.rpc.Status` as JSON.",
        "properties": properties,
        "required": required,
    })
}
