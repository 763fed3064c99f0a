//! From descriptors to tables, once.

use std::collections::HashMap;

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, ExtensionDescriptor, FieldDescriptor,
    Kind as Described, MessageDescriptor,
};

use super::{
    Enum, EnumId, Field, Form, Kind, Message, MessageId, NONE, NUMBERS_BY_INDEX, Schema, Shape,
};

/// The numbers that messages and enums get.
struct Numbering {
    messages: HashMap<String, MessageId>,
    enums: HashMap<String, EnumId>,
}

pub(super) fn schema(pool: &DescriptorPool) -> Schema {
    let messages: Vec<_> = pool.all_messages().collect();
    let enums: Vec<_> = pool.all_enums().collect();
    let numbering = Numbering {
        messages: numbered(messages.iter().map(MessageDescriptor::full_name), MessageId),
        enums: numbered(enums.iter().map(EnumDescriptor::full_name), EnumId),
    };
    Schema {
        messages: messages
            .iter()
            .map(|described| message(described, &numbering))
            .collect(),
        enums: enums.iter().map(enumeration).collect(),
        by_name: numbering
            .messages
            .into_iter()
            .map(|(name, id)| (name.into(), id))
            .collect(),
    }
}

fn numbered<'n, T>(
    names: impl Iterator<Item = &'n str>,
    id: impl Fn(u32) -> T,
) -> HashMap<String, T> {
    (0..)
        .zip(names)
        .map(|(n, name)| (name.to_owned(), id(n)))
        .collect()
}

fn message(described: &MessageDescriptor, numbering: &Numbering) -> Message {
    let mut refused = None;
    // Synthetic oneofs, of `optional` fields, are no oneofs in JSON.
    let oneofs = described.oneofs().filter(|oneof| !oneof.is_synthetic());
    let oneofs: HashMap<_, u16> = oneofs
        .map(|oneof| oneof.name().to_owned())
        .zip(0..)
        .collect();
    let mut fields = Vec::new();
    for known in described.fields() {
        if known.is_group() {
            refused = Some(format!("its field {} is a group", known.name()));
            continue;
        }
        let oneof = known.containing_oneof();
        let oneof = oneof.and_then(|oneof| oneofs.get(oneof.name()).copied());
        fields.push(field(&known, oneof, numbering));
    }
    for known in described.extensions() {
        if known.is_group() {
            refused = Some(format!("its extension {} is a group", known.full_name()));
            continue;
        }
        fields.push(extension(&known, numbering));
    }
    if fields.len() >= usize::from(NONE) {
        refused = Some(format!("it has {} fields", fields.len()));
        fields.clear();
    }
    fields.sort_by_key(|field| field.number);
    let form = form(described.full_name(), &fields).unwrap_or_else(|| {
        refused = Some("it is not described as the well-known type of that name".to_owned());
        Form::Plain
    });
    Message {
        full_name: described.full_name().into(),
        form,
        numbers: by_number(&fields),
        names: by_name(&fields),
        fields,
        // Bounded by the number of fields.
        oneofs: u16::try_from(oneofs.len()).unwrap_or(NONE),
        refused: refused.map(String::into_boxed_str),
    }
}

fn by_number(fields: &[Field]) -> Vec<u16> {
    let small = fields
        .iter()
        .map(|field| field.number)
        .filter(|number| *number <= NUMBERS_BY_INDEX);
    let mut numbers = vec![NONE; small.max().map_or(0, |largest| largest as usize + 1)];
    for (index, field) in (0..).zip(fields) {
        if let Some(place) = numbers.get_mut(field.number as usize) {
            *place = index;
        }
    }
    numbers
}

/// A JSON name wins over another field's original name that is the same text.
fn by_name(fields: &[Field]) -> HashMap<Box<str>, u16> {
    let originals = (0..)
        .zip(fields)
        .map(|(index, field)| (field.name.clone(), index));
    let mut names: HashMap<_, u16> = originals.collect();
    names.extend(
        (0..)
            .zip(fields)
            .map(|(index, field)| (field.json_name.clone(), index)),
    );
    names
}

fn field(known: &FieldDescriptor, oneof: Option<u16>, numbering: &Numbering) -> Field {
    let described = known.kind();
    let shape = match (known.cardinality(), &described) {
        (Cardinality::Repeated, Described::Message(entry)) => {
            map(entry, numbering).unwrap_or(Shape::List { packed: false })
        }
        (Cardinality::Repeated, _) => Shape::List {
            packed: known.is_packed(),
        },
        _ => Shape::Singular,
    };
    Field {
        number: known.number(),
        name: known.name().into(),
        json_name: known.json_name().into(),
        json_key: key(known.json_name()),
        name_key: key(known.name()),
        kind: kind(&described, numbering),
        shape,
        presence: known.supports_presence(),
        oneof,
    }
}

/// The map of which this is an entry, if it is one as a compiler makes them.
fn map(entry: &MessageDescriptor, numbering: &Numbering) -> Option<Shape> {
    if !entry.is_map_entry() {
        return None;
    }
    let key = kind(&entry.get_field(1)?.kind(), numbering);
    let value = entry.get_field(2)?;
    let possible = !matches!(
        key,
        Kind::Float | Kind::Double | Kind::Bytes | Kind::Enum(_) | Kind::Message(_)
    );
    (possible && !value.is_group()).then(|| Shape::Map {
        key,
        value: kind(&value.kind(), numbering),
    })
}

fn extension(known: &ExtensionDescriptor, numbering: &Numbering) -> Field {
    let name = format!("[{}]", known.full_name());
    let shape = match known.cardinality() {
        Cardinality::Repeated => Shape::List {
            packed: known.is_packed(),
        },
        _ => Shape::Singular,
    };
    Field {
        number: known.number(),
        json_key: key(&name),
        name_key: key(&name),
        json_name: name.clone().into(),
        name: name.into(),
        kind: kind(&known.kind(), numbering),
        shape,
        // An absent extension is never written, not even as an empty list.
        presence: true,
        oneof: None,
    }
}

/// The text of a member's name, with comma, quotes and colon. A `json_name` may hold
/// anything, so it is escaped like any text.
fn key(name: &str) -> Box<[u8]> {
    let mut key = Vec::with_capacity(name.len() + 4);
    key.push(b',');
    crate::json::push_string(name, &mut key);
    key.push(b':');
    key.into()
}

fn kind(described: &Described, numbering: &Numbering) -> Kind {
    match described {
        Described::Int32 => Kind::Int32,
        Described::Sint32 => Kind::Sint32,
        Described::Sfixed32 => Kind::Sfixed32,
        Described::Int64 => Kind::Int64,
        Described::Sint64 => Kind::Sint64,
        Described::Sfixed64 => Kind::Sfixed64,
        Described::Uint32 => Kind::Uint32,
        Described::Fixed32 => Kind::Fixed32,
        Described::Uint64 => Kind::Uint64,
        Described::Fixed64 => Kind::Fixed64,
        Described::Bool => Kind::Bool,
        Described::Float => Kind::Float,
        Described::Double => Kind::Double,
        Described::String => Kind::String,
        Described::Bytes => Kind::Bytes,
        // The pool holds whatever its own fields refer to.
        Described::Enum(known) => Kind::Enum(numbering.enums[known.full_name()]),
        Described::Message(known) => Kind::Message(numbering.messages[known.full_name()]),
    }
}

/// What JSON makes of the message; nothing if it has a well-known name but other
/// fields. Descriptors may come from any server, and the well-known types are
/// written and read in the knowledge of their fields.
fn form(full_name: &str, fields: &[Field]) -> Option<Form> {
    use Shape::{List, Map, Singular};

    let Some(name) = full_name.strip_prefix("google.protobuf.") else {
        return Some(Form::Plain);
    };
    let layout: Vec<_> = fields
        .iter()
        .map(|field| (field.number, field.shape, field.kind))
        .collect();
    let form = match (name, layout.as_slice()) {
        ("Any", [(1, Singular, Kind::String), (2, Singular, Kind::Bytes)]) => Form::Any,
        ("Timestamp", [(1, Singular, Kind::Int64), (2, Singular, Kind::Int32)]) => Form::Timestamp,
        ("Duration", [(1, Singular, Kind::Int64), (2, Singular, Kind::Int32)]) => Form::Duration,
        ("FieldMask", [(1, List { .. }, Kind::String)]) => Form::FieldMask,
        (
            "Struct",
            [
                (
                    1,
                    Map {
                        key: Kind::String,
                        value: Kind::Message(_),
                    },
                    _,
                ),
            ],
        ) => Form::Struct,
        (
            "Value",
            [
                (1, Singular, Kind::Enum(_)),
                (2, Singular, Kind::Double),
                (3, Singular, Kind::String),
                (4, Singular, Kind::Bool),
                (5, Singular, Kind::Message(_)),
                (6, Singular, Kind::Message(_)),
            ],
        ) => Form::Value,
        ("ListValue", [(1, List { .. }, Kind::Message(_))]) => Form::ListValue,
        ("DoubleValue", [(1, Singular, Kind::Double)])
        | ("FloatValue", [(1, Singular, Kind::Float)])
        | ("Int64Value", [(1, Singular, Kind::Int64)])
        | ("UInt64Value", [(1, Singular, Kind::Uint64)])
        | ("Int32Value", [(1, Singular, Kind::Int32)])
        | ("UInt32Value", [(1, Singular, Kind::Uint32)])
        | ("BoolValue", [(1, Singular, Kind::Bool)])
        | ("StringValue", [(1, Singular, Kind::String)])
        | ("BytesValue", [(1, Singular, Kind::Bytes)]) => Form::Wrapper,
        (
            "Any" | "Timestamp" | "Duration" | "FieldMask" | "Struct" | "Value" | "ListValue"
            | "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value"
            | "UInt32Value" | "BoolValue" | "StringValue" | "BytesValue",
            _,
        ) => return None,
        _ => Form::Plain,
    };
    Some(form)
}

fn enumeration(described: &EnumDescriptor) -> Enum {
    // As declared; the descriptor's own list is sorted.
    let values = &described.enum_descriptor_proto().value;
    let mut by_number: Vec<(i32, Box<[u8]>)> = values
        .iter()
        .map(|value| {
            // A descriptor that came from a server may hold any text as a name.
            let mut quoted = Vec::new();
            crate::json::push_string(value.name(), &mut quoted);
            (value.number(), quoted.into())
        })
        .collect();
    // Stable, so that of aliases the first declared is kept.
    by_number.sort_by_key(|(number, _)| *number);
    by_number.dedup_by_key(|(number, _)| *number);
    Enum {
        is_null: described.full_name() == "google.protobuf.NullValue",
        default: values.first().map_or(0, |value| value.number()),
        by_number,
        by_name: values
            .iter()
            .map(|value| (value.name().into(), value.number()))
            .collect(),
    }
}
