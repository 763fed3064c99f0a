//! Answers: a message, one field of it, raw bytes, or a stream in one of its forms.
//! OpenAPI 3.1 has no word for the items of a stream; `x-itemSchema` is what a later
//! version calls `itemSchema`.

use prost_reflect::{FieldDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

use crate::{
    Gather, Operation, body::RAW, errors, names::Variant, parameters::resolve, schemas::Schemas,
    well_known::nullable,
};

const NDJSON: &str = "A message a line, each sent at once. An error in mid-stream is the last \
                      line, an object with the member `error`.";
const EVENTS: &str = "An event a message, each sent at once; the last event is `end`, or `error` \
                      with the error as its data.";

/// The answers of an operation.
pub(crate) fn of(schemas: &mut Schemas<'_>, operation: &Operation) -> Value {
    let method = &operation.method;
    let item = item(schemas, operation);
    let is_raw = operation.rule.response_body.is_none() && method.output().full_name() == RAW;
    let content = match (method.is_server_streaming(), is_raw) {
        (_, true) => json!({"*/*": {}}),
        (false, false) => json!({"application/json": {"schema": item}}),
        (true, false) => {
            let gathered = match &operation.gather {
                Some(gather) => gathered(schemas, operation, gather),
                None => json!({"type": "array", "items": item}),
            };
            json!({
                "application/json": {"schema": gathered},
                "application/x-ndjson": {
                    "schema": {"type": "string", "description": NDJSON},
                    "x-itemSchema": item,
                },
                "text/event-stream": {
                    "schema": {"type": "string", "description": EVENTS},
                    "x-itemSchema": item,
                },
            })
        }
    };
    let mut answers = errors::of(operation);
    answers["200"] = json!({
        "description": description(method, is_raw),
        "headers": errors::headers(),
        "content": content,
    });
    if method.is_server_streaming() && !is_raw {
        answers["204"] = json!({
            "description": "There is nothing more: the client says by `last-event-id: end` that \
                            it has seen the end of the events.",
            "headers": errors::headers(),
        });
    }
    answers
}

fn description(method: &MethodDescriptor, is_raw: bool) -> &'static str {
    match (method.is_server_streaming(), is_raw) {
        (false, false) => "The answer.",
        (false, true) => "Bytes of the type that the service says.",
        (true, true) => "Bytes, as they come, of the type that the service says.",
        (true, false) => {
            "A stream of messages: an array once it has ended, or by `accept` a line or an event \
             for each as it comes."
        }
    }
}

/// What one message looks like.
fn item(schemas: &mut Schemas<'_>, operation: &Operation) -> Value {
    let variant = Variant::answer(&operation.json);
    let output = operation.method.output();
    let Some(name) = &operation.rule.response_body else {
        let message = schemas.message(&output, variant);
        return with_constants(message, operation);
    };
    let way = resolve(&output, name);
    match way.as_deref().and_then(<[_]>::last) {
        Some(field) => alone(schemas, field, variant),
        None => json!({}),
    }
}

/// A field by itself; what is not there is null.
fn alone(schemas: &mut Schemas<'_>, field: &FieldDescriptor, variant: Variant) -> Value {
    let schema = schemas.field(field, variant);
    match field.supports_presence() {
        true => nullable(schema),
        false => schema,
    }
}

/// An object with the array that a stream becomes.
fn gathered(schemas: &mut Schemas<'_>, operation: &Operation, gather: &Gather) -> Value {
    let way = resolve(&operation.method.output(), &gather.field);
    let field = way.as_deref().and_then(<[_]>::last);
    let items = field.map(|field| alone(schemas, field, Variant::answer(&operation.json)));
    let array = json!({"type": "array", "items": items.unwrap_or_else(|| json!({}))});
    let mut properties = constants(operation);
    properties.insert(gather.name.clone(), array);
    object(properties)
}

fn with_constants(message: Value, operation: &Operation) -> Value {
    match operation.constants.is_empty() {
        true => message,
        false => json!({"allOf": [object(constants(operation)), message]}),
    }
}

fn constants(operation: &Operation) -> Map<String, Value> {
    let constants = operation.constants.iter();
    constants
        .map(|(name, value)| (name.clone(), json!({"const": value})))
        .collect()
}

/// An object that has all of these.
fn object(properties: Map<String, Value>) -> Value {
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({"type": "object", "properties": properties, "required": required})
}
