//! Request bodies: the whole message without what the path gives, or one field of it;
//! of a method that streams its requests a line for each message, or an array of them.

use prost_reflect::MessageDescriptor;
use routing::Body;
use serde_json::{Value, json};

use crate::{
    Operation, fields::is_required, names::Variant, parameters::resolve, schemas::Schemas,
    well_known,
};

const NDJSON: &str = "A message a line, each as JSON.";
pub(crate) const RAW: &str = "google.api.HttpBody";

/// The body of an operation, if it has one.
pub(crate) fn of(schemas: &mut Schemas<'_>, operation: &Operation) -> Option<Value> {
    let variant = Variant::body(&operation.json);
    let input = operation.method.input();
    let (schema, required, raw) = match &operation.rule.body {
        Body::None => return None,
        Body::Whole if input.full_name() == RAW => (json!({}), false, true),
        Body::Whole => {
            let bound = bound(operation, &input);
            let bound: Vec<_> = bound.iter().map(String::as_str).collect();
            let mut fields = input.fields();
            let required =
                fields.any(|field| is_required(&field, variant) && !bound.contains(&field.name()));
            let is_plain = well_known::form(&input, variant).is_none();
            let schema = match bound.is_empty() || !is_plain {
                true => schemas.message(&input, variant),
                false => schemas.object(&input, variant, &bound),
            };
            (schema, required, false)
        }
        Body::Field(name) => {
            let way = resolve(&input, name)?;
            let field = way.last()?;
            let raw = matches!(
                field.kind(),
                prost_reflect::Kind::Message(message) if message.full_name() == RAW
            );
            let schema = well_known::nullable(schemas.field(field, variant));
            (schema, is_required(field, variant), raw && !field.is_list())
        }
    };
    let content = match (raw, operation.method.is_client_streaming()) {
        (true, _) => json!({"*/*": {}}),
        (false, false) => json!({"application/json": {"schema": schema}}),
        (false, true) => json!({
            "application/json": {"schema": {"type": "array", "items": schema}},
            "application/x-ndjson": {
                "schema": {"type": "string", "description": NDJSON},
                "x-itemSchema": schema,
            },
        }),
    };
    let mut body = json!({"content": content});
    if required {
        body["required"] = true.into();
    }
    Some(body)
}

/// The fields of the message itself that the path gives.
fn bound(operation: &Operation, input: &MessageDescriptor) -> Vec<String> {
    let variables = operation.rule.template.variables();
    let own = variables.filter_map(|name| match &resolve(input, name)?[..] {
        [field] => Some(field.name().to_owned()),
        _ => None,
    });
    own.collect()
}
