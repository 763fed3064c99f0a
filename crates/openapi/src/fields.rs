//! Plain messages as objects: a property for each field, what has to be there, and
//! which fields exclude each other.

use prost_reflect::{Cardinality, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use crate::{
    behavior,
    names::{Openness, Presence, Spelling, Variant},
    schemas::{Schemas, deprecate, describe},
    well_known::nullable,
};

/// A field or an extension, as far as both are alike.
pub(crate) struct Member {
    pub(crate) kind: Kind,
    pub(crate) is_list: bool,
    pub(crate) is_map: bool,
}

impl Member {
    pub(crate) fn of_field(field: &FieldDescriptor) -> Self {
        Member {
            kind: field.kind(),
            is_list: field.is_list(),
            is_map: field.is_map(),
        }
    }

    fn of_extension(extension: &ExtensionDescriptor) -> Self {
        Member {
            kind: extension.kind(),
            is_list: extension.is_list(),
            is_map: extension.is_map(),
        }
    }
}

/// The name of the field's member.
pub(crate) fn name(field: &FieldDescriptor, variant: Variant) -> String {
    match variant.spelling() {
        Spelling::Json => field.json_name().to_owned(),
        Spelling::Original => field.name().to_owned(),
    }
}

/// A message as an object, without the fields named in `except`.
pub(crate) fn object(
    schemas: &mut Schemas<'_>,
    message: &MessageDescriptor,
    variant: Variant,
    except: &[&str],
) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let fields = || {
        message
            .fields()
            .filter(|field| !except.contains(&field.name()))
    };
    for field in fields() {
        let name = name(&field, variant);
        let mut schema = schemas.bare(&Member::of_field(&field), variant);
        if is_body(variant) {
            schema = nullable(schema);
        }
        schemas.annotate(&field, &mut schema);
        if is_required(&field, variant) {
            required.push(name.clone());
        }
        properties.insert(name, schema);
    }
    for extension in message.extensions() {
        let mut schema = schemas.bare(&Member::of_extension(&extension), variant);
        if is_body(variant) {
            schema = nullable(schema);
        }
        properties.insert(format!("[{}]", extension.full_name()), schema);
    }
    let mut schema = json!({"type": "object"});
    if !properties.is_empty() {
        schema["properties"] = properties.into();
    }
    if !required.is_empty() {
        required.sort_unstable();
        schema["required"] = required.into();
    }
    if let Variant::Body { unknown, .. } = variant
        && unknown == Openness::Closed
    {
        schema["additionalProperties"] = false.into();
    }
    let exclusive = exclusive(fields(), variant);
    if !exclusive.is_empty() {
        schema["allOf"] = exclusive.into();
    }
    schema
}

/// Adds what is said about a field besides its type.
pub(crate) fn annotate(field: &FieldDescriptor, comment: Option<String>, schema: &mut Value) {
    describe(schema, comment);
    let options = field.field_descriptor_proto().options.as_ref();
    deprecate(schema, options.is_some_and(|options| options.deprecated()));
    let behavior = behavior::of(field);
    let marks = [
        ("readOnly", behavior.output_only),
        ("writeOnly", behavior.input_only),
        ("x-immutable", behavior.immutable),
    ];
    for (mark, _) in marks.iter().filter(|(_, is_set)| *is_set) {
        schema[*mark] = true.into();
    }
    if let Some(default) = default(field) {
        schema["default"] = default;
    }
}

/// Whether the service refuses a request without it, or every answer has it.
pub(crate) fn is_required(field: &FieldDescriptor, variant: Variant) -> bool {
    match variant {
        Variant::Answer { defaults, .. } => {
            defaults == Presence::Full && !field.supports_presence() || field.is_required()
        }
        _ => field.cardinality() == Cardinality::Required || behavior::of(field).required,
    }
}

fn is_body(variant: Variant) -> bool {
    matches!(variant, Variant::Body { .. })
}

/// Of each oneof at most one member, which is said of bodies alone: answers keep to it.
fn exclusive(fields: impl Iterator<Item = FieldDescriptor>, variant: Variant) -> Vec<Value> {
    if !is_body(variant) {
        return Vec::new();
    }
    let mut oneofs: Vec<(String, Vec<Value>)> = Vec::new();
    for field in fields {
        let oneof = field.containing_oneof();
        let Some(oneof) = oneof.filter(|oneof| !oneof.is_synthetic()) else {
            continue;
        };
        let has = json!({"required": [name(&field, variant)]});
        match oneofs.iter_mut().find(|(known, _)| known == oneof.name()) {
            Some((_, members)) => members.push(has),
            None => oneofs.push((oneof.name().to_owned(), vec![has])),
        }
    }
    let several = oneofs.into_iter().filter(|(_, members)| members.len() > 1);
    several
        .map(|(name, mut members)| {
            members.push(json!({"not": {"anyOf": members.clone()}}));
            json!({"title": name, "oneOf": members})
        })
        .collect()
}

/// The default that proto2 lets a field declare.
fn default(field: &FieldDescriptor) -> Option<Value> {
    field.field_descriptor_proto().default_value.as_ref()?;
    let value = field.default_value();
    Some(match (field.kind(), value) {
        (Kind::Enum(known), prost_reflect::Value::EnumNumber(number)) => {
            known.get_value(number)?.name().into()
        }
        (_, prost_reflect::Value::Bool(value)) => value.into(),
        (_, prost_reflect::Value::I32(value)) => value.into(),
        (_, prost_reflect::Value::U32(value)) => value.into(),
        (_, prost_reflect::Value::I64(value)) => value.to_string().into(),
        (_, prost_reflect::Value::U64(value)) => value.to_string().into(),
        (_, prost_reflect::Value::F32(value)) if value.is_finite() => f64::from(value).into(),
        (_, prost_reflect::Value::F64(value)) if value.is_finite() => value.into(),
        (_, prost_reflect::Value::String(value)) => value.into(),
        _ => return None,
    })
}
