//! The messages of `google.protobuf` whose JSON is not an object of their fields, as
//! JSON Schema. They are written out wherever they are used: each is one line, and
//! what stands there says what to write.

use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Value, json};

use crate::{names::Variant, scalar};

/// Capital letters, at most nine digits of a second.
const TIMESTAMP: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\\.[0-9]{1,9})?\
                         (?:Z|[+-][0-9]{2}:[0-9]{2})$";
const DURATION: &str = "^-?[0-9]{1,12}(?:\\.[0-9]{1,9})?s$";

/// How such a message is given.
pub(crate) enum Form {
    /// As a value that a parameter has room for.
    Text(Value),
    /// As any JSON; in a parameter, as JSON text.
    Json(Value),
    /// As an object that no parameter has room for.
    Any(Value),
}

impl Form {
    pub(crate) fn schema(self) -> Value {
        match self {
            Form::Text(schema) | Form::Json(schema) | Form::Any(schema) => schema,
        }
    }
}

/// What the message looks like, if it is one of these.
pub(crate) fn form(message: &MessageDescriptor, variant: Variant) -> Option<Form> {
    let name = message.full_name().strip_prefix("google.protobuf.")?;
    Some(match name {
        "Timestamp" => Form::Text(json!({
            "type": "string", "format": "date-time", "pattern": TIMESTAMP,
        })),
        "Duration" => Form::Text(json!({
            "type": "string", "format": "google-duration", "pattern": DURATION,
            "description": "Seconds, such as `1.5s`; at most 315576000000 of them.",
        })),
        "FieldMask" => Form::Text(field_mask(variant)),
        "Struct" => Form::Json(json!({"type": "object", "description": "Any object."})),
        "ListValue" => Form::Json(json!({
            "type": "array", "items": {}, "description": "Any array.",
        })),
        "Value" => Form::Json(json!({"description": "Any JSON."})),
        "Any" => Form::Any(json!({
            "type": "object",
            "properties": {
                "@type": {
                    "type": "string",
                    "description": "The type of the message, such as \
                                    `type.googleapis.com/google.rpc.ErrorInfo`.",
                },
            },
            "anyOf": [{"required": ["@type"]}, {"maxProperties": 0}],
            "description": "A message of any type: `@type` and the message's own members, or \
                            `value` where its JSON is no object of fields.",
        })),
        "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value"
        | "UInt32Value" | "BoolValue" | "StringValue" | "BytesValue" => {
            let inner = message.get_field(1)?;
            match (inner.kind(), variant) {
                (Kind::Message(_) | Kind::Enum(_), _) => return None,
                (kind, Variant::Text) => Form::Text(scalar::schema(&kind, variant)?),
                (kind, _) => Form::Text(nullable(scalar::schema(&kind, variant)?)),
            }
        }
        _ => return None,
    })
}

fn field_mask(variant: Variant) -> Value {
    let mut schema = json!({
        "type": "string", "format": "google-fieldmask",
        "description": "Paths of fields in lowerCamelCase with commas between them, such as \
                        `author.birthYear,title`.",
    });
    if !matches!(variant, Variant::Text) {
        schema["pattern"] = "^[^_]*$".into();
    }
    schema
}

/// The same, or null.
pub(crate) fn nullable(mut schema: Value) -> Value {
    if schema.get("$ref").is_some() || schema.get("anyOf").is_some() {
        return json!({"anyOf": [schema, {"type": "null"}]});
    }
    match schema.get_mut("type") {
        Some(Value::Array(types)) if !types.contains(&"null".into()) => types.push("null".into()),
        Some(Value::String(one)) if one != "null" => {
            let one = std::mem::take(one);
            schema["type"] = json!([one, "null"]);
        }
        _ => {}
    }
    schema
}
