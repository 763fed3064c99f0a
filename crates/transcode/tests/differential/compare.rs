//! What "the same" means. JSON texts are the same when they parse to the same tree,
//! whatever the order of members; a member that occurs twice is an error, which
//! `serde_json` alone would hide. Messages are the same when their set fields are;
//! bytes of an `Any` count as the message that they hold, since an encoder may choose
//! the order of a map.

use std::{collections::BTreeMap, fmt};

use prost_reflect::{DynamicMessage, MapKey, SerializeOptions, Value};
use prost_types::Any;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// A JSON text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// The bits of the number as a `double`, so that -0 is not 0.
    Number(u64),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

pub(crate) fn parse(text: &[u8]) -> Json {
    serde_json::from_slice(text).unwrap_or_else(|error| {
        unreachable!("{error} in the JSON {:?}", String::from_utf8_lossy(text))
    })
}

impl Json {
    /// The first place where two texts are not the same.
    pub(crate) fn difference(&self, other: &Json) -> Option<String> {
        let inside = |place: String, ours: Option<&Json>, other: Option<&Json>| match (ours, other)
        {
            (Some(ours), Some(other)) => Some(place + &ours.difference(other)?),
            (None, None) => None,
            _ => Some(format!("{place}: {ours:?} is not {other:?}")),
        };
        match (self, other) {
            (Json::Array(ours), Json::Array(other)) => (0..ours.len().max(other.len()))
                .find_map(|n| inside(format!("[{n}]"), ours.get(n), other.get(n))),
            (Json::Object(ours), Json::Object(other)) => ours
                .keys()
                .chain(other.keys())
                .find_map(|name| inside(format!(".{name}"), ours.get(name), other.get(name))),
            _ if self == other => None,
            _ => Some(format!(": {self:?} is not {other:?}")),
        }
    }

    /// The same with other texts, where `other` gives one.
    pub(crate) fn map_texts(self, other: &impl Fn(&str) -> Option<String>) -> Json {
        match self {
            Json::String(text) => Json::String(other(&text).unwrap_or(text)),
            Json::Array(values) => Json::Array(
                values
                    .into_iter()
                    .map(|value| value.map_texts(other))
                    .collect(),
            ),
            Json::Object(members) => {
                let members = members.into_iter();
                Json::Object(
                    members
                        .map(|(name, value)| (name, value.map_texts(other)))
                        .collect(),
                )
            }
            other => other,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number((value as f64).to_bits()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number((value as f64).to_bits()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value.to_bits()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(value) = values.next_element()? {
            array.push(value);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((name, value)) = members.next_entry::<String, Json>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!(
                    "the member {name:?} is there twice"
                )));
            }
            object.insert(name, value);
        }
        Ok(Json::Object(object))
    }
}

/// The JSON of a message by the reference; an error for what has none.
pub(crate) fn reference_json(
    message: &DynamicMessage,
    options: &SerializeOptions,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut json = serde_json::Serializer::new(Vec::new());
    message.serialize_with_options(&mut json, options)?;
    Ok(json.into_inner())
}

/// The set fields of a message as text; equal texts are equal messages.
pub(crate) fn canonical(message: &DynamicMessage) -> String {
    let fields = message
        .fields()
        .map(|(field, value)| (field.number(), value));
    let extensions = message
        .extensions()
        .map(|(field, value)| (field.number(), value));
    let mut lines: Vec<_> = fields
        .chain(extensions)
        .map(|(number, value)| (number, canonical_value(value)))
        .collect();
    lines.sort();
    if let Some(held) = held(message) {
        lines.retain(|(number, _)| *number != 2);
        lines.push((2, canonical(&held)));
    }
    let lines: Vec<_> = lines
        .iter()
        .map(|(number, value)| format!("{number}: {value}"))
        .collect();
    format!("{{{}}}", lines.join(", "))
}

fn canonical_value(value: &Value) -> String {
    match value {
        Value::Message(message) => canonical(message),
        Value::List(values) => {
            let values: Vec<_> = values.iter().map(canonical_value).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Map(entries) => {
            let entry =
                |(key, value): (&MapKey, &Value)| format!("{key:?} => {}", canonical_value(value));
            let mut entries: Vec<_> = entries.iter().map(entry).collect();
            entries.sort();
            format!("({})", entries.join(", "))
        }
        // All NaNs are one.
        Value::F32(number) if number.is_nan() => "NaN".to_owned(),
        Value::F64(number) if number.is_nan() => "NaN".to_owned(),
        value => format!("{value:?}"),
    }
}

/// The message in an `Any` whose type the pool knows.
pub(crate) fn held(message: &DynamicMessage) -> Option<DynamicMessage> {
    use prost_reflect::ReflectMessage;

    if message.descriptor().full_name() != "google.protobuf.Any" {
        return None;
    }
    let any: Any = message.transcode_to().ok()?;
    let name = any.type_url.rsplit('/').next()?;
    let described = message
        .descriptor()
        .parent_pool()
        .get_message_by_name(name)?;
    DynamicMessage::decode(described, any.value.as_slice()).ok()
}

/// Bytes in a form that can be copied into a test.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As in [`canonical`], of an encoded message.
pub(crate) fn canonical_wire(described: &prost_reflect::MessageDescriptor, wire: &[u8]) -> String {
    match DynamicMessage::decode(described.clone(), wire) {
        Ok(message) => canonical(&message),
        Err(error) => format!("{error}: {}", hex(wire)),
    }
}
