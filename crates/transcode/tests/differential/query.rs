//! The fields of a message as query parameters, as far as there is a text for them.

use base64::{Engine, engine::general_purpose::STANDARD};
use fastrand::Rng;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, ReflectMessage, SerializeOptions, Value,
};

use crate::{
    compare::{Json, parse, reference_json},
    forms::{key_text, special},
};

/// Parameters, and the message that they make: `message` without what a query
/// cannot say.
pub(crate) fn pairs(
    random: &mut Rng,
    message: &DynamicMessage,
) -> (Vec<(String, String)>, DynamicMessage) {
    let mut pairs = Vec::new();
    let kept = fields(random, message, "", &mut pairs);
    (pairs, kept)
}

fn fields(
    random: &mut Rng,
    message: &DynamicMessage,
    before: &str,
    pairs: &mut Vec<(String, String)>,
) -> DynamicMessage {
    let mut kept = DynamicMessage::new(message.descriptor());
    for (field, value) in message.fields() {
        let path = format!("{before}{}", name(random, &field));
        match value {
            Value::List(values) => {
                let texts: Option<Vec<_>> = values
                    .iter()
                    .map(|value| text(random, value, &field.kind()))
                    .collect();
                let Some(texts) = texts else { continue };
                pairs.extend(texts.into_iter().map(|text| (path.clone(), text)));
                kept.set_field(&field, value.clone());
            }
            Value::Message(inner) if inner.descriptor().package_name() != "google.protobuf" => {
                let inner = fields(random, inner, &format!("{path}."), pairs);
                if inner.fields().next().is_some() {
                    kept.set_field(&field, Value::Message(inner));
                }
            }
            Value::Map(entries) => {
                let Kind::Message(entry) = field.kind() else {
                    continue;
                };
                let kind = entry.map_entry_value_field().kind();
                let texts = entries.iter().map(|(key, value)| {
                    Some((
                        format!("{path}[{}]", key_text(key)),
                        text(random, value, &kind)?,
                    ))
                });
                let Some(texts) = texts.collect::<Option<Vec<_>>>() else {
                    continue;
                };
                pairs.extend(texts);
                kept.set_field(&field, value.clone());
            }
            value => {
                if let Some(text) = text(random, value, &field.kind()) {
                    pairs.push((path, text));
                    kept.set_field(&field, value.clone());
                }
            }
        }
    }
    kept
}

/// Either name, but none that a path would take apart.
fn name(random: &mut Rng, field: &FieldDescriptor) -> String {
    let json = field.json_name();
    match random.bool() && !json.contains(['.', '[']) {
        true => json.to_owned(),
        false => field.name().to_owned(),
    }
}

fn text(random: &mut Rng, value: &Value, kind: &Kind) -> Option<String> {
    Some(match value {
        Value::Bool(value) => value.to_string(),
        Value::I32(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        Value::F32(value) if value.is_finite() => format!("{value:?}"),
        Value::F64(value) if value.is_finite() => format!("{value:?}"),
        Value::F32(value) => special(f64::from(*value)).to_owned(),
        Value::F64(value) => special(*value).to_owned(),
        Value::String(value) => value.clone(),
        Value::Bytes(value) => STANDARD.encode(value),
        Value::EnumNumber(number) => {
            let known = kind.as_enum()?;
            if known.full_name() == "google.protobuf.NullValue" {
                return None;
            }
            let named = known.get_value(*number).filter(|_| random.bool());
            named.map_or_else(|| number.to_string(), |value| value.name().to_owned())
        }
        Value::Message(message) => return message_text(message),
        Value::List(_) | Value::Map(_) => return None,
    })
}

/// The JSON of a well-known message, without the quotes if it is a text.
fn message_text(message: &DynamicMessage) -> Option<String> {
    let name = message
        .descriptor()
        .full_name()
        .strip_prefix("google.protobuf.")?
        .to_owned();
    if matches!(name.as_str(), "Any" | "Empty")
        || message.descriptor().package_name() != "google.protobuf"
    {
        return None;
    }
    let json = reference_json(message, &SerializeOptions::new()).expect("agreed");
    match parse(&json) {
        // A Value is given as JSON, so that a text can be told from a number.
        Json::String(text) if name != "Value" => Some(text),
        _ => String::from_utf8(json).ok(),
    }
}
