//! Random fields.

use fastrand::Rng;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FieldOptions, MessageOptions, OneofDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

use super::{EXTENSIONS, Names, Syntax};

/// Where a field goes.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) syntax: Syntax,
    /// The message's full name, with a dot before it.
    pub(super) path: &'p str,
    /// How many fields the message has by now.
    pub(super) n: usize,
    pub(super) number: i32,
}

const WELL_KNOWN: [&str; 17] = [
    "Any",
    "Timestamp",
    "Duration",
    "FieldMask",
    "Struct",
    "Value",
    "ListValue",
    "Empty",
    "DoubleValue",
    "FloatValue",
    "Int64Value",
    "UInt64Value",
    "Int32Value",
    "UInt32Value",
    "BoolValue",
    "StringValue",
    "BytesValue",
];
const SCALARS: [Type; 15] = [
    Type::Int32,
    Type::Sint32,
    Type::Sfixed32,
    Type::Int64,
    Type::Sint64,
    Type::Sfixed64,
    Type::Uint32,
    Type::Fixed32,
    Type::Uint64,
    Type::Fixed64,
    Type::Bool,
    Type::Float,
    Type::Double,
    Type::String,
    Type::Bytes,
];
/// Names that lowerCamelCase treats differently; `#` becomes a number of its own.
const FIELD_NAMES: [&str; 12] = [
    "f#",
    "field_name_#",
    "_lead_#",
    "trail_#_",
    "dou__ble_#",
    "CamelCase#",
    "UPPER_#",
    "mixed_Case#x",
    "x#_y_z",
    "n#_0",
    "type_#",
    "__#",
];
const JSON_NAMES: [&str; 10] = [
    "json#",
    "with space #",
    "quo\"te\\#",
    "ünï#",
    "\u{1f600}#",
    "a.b#",
    "$#",
    "\n\t#",
    "\u{7f}#",
    "</#>",
];
/// A field of any form: with or without presence, a list, a map, one of a oneof.
pub(super) fn add_field(
    random: &mut Rng,
    names: &Names,
    place: Place<'_>,
    message: &mut DescriptorProto,
) {
    let Place {
        syntax, n, number, ..
    } = place;
    let name = FIELD_NAMES[random.usize(..FIELD_NAMES.len())].replace('#', &n.to_string());
    let mut field = field(random, names, name, number);
    if random.u8(..6) == 0 {
        let odd = JSON_NAMES[random.usize(..JSON_NAMES.len())].replace('#', &n.to_string());
        field.json_name = Some(odd);
    }
    match random.u8(..10) {
        0 | 1 => field.proto3_optional = (syntax == Syntax::Proto3).then_some(true),
        2..=4 => repeat(random, &mut field),
        5 | 6 => field.oneof_index = Some(oneof(random, message)),
        7 | 8 => make_map(random, place, message, &mut field),
        _ if syntax == Syntax::Proto2 && random.bool() => field.set_label(Label::Required),
        _ => {}
    }
    if syntax == Syntax::Proto2 && field.label() == Label::Optional && random.bool() {
        field.default_value = default_value(field.r#type());
    }
    message.field.push(field);
}

/// A singular field of a random type.
fn field(random: &mut Rng, names: &Names, name: String, number: i32) -> FieldDescriptorProto {
    let one_of = |random: &mut Rng, names: &[String]| names[random.usize(..names.len())].clone();
    let (kind, type_name) = match random.u8(..20) {
        0..=11 => (SCALARS[random.usize(..SCALARS.len())], None),
        12 | 13 => (Type::Enum, Some(one_of(random, &names.enums))),
        14..=16 => (Type::Message, Some(one_of(random, &names.messages))),
        17 if random.bool() => (Type::Enum, Some(".google.protobuf.NullValue".to_owned())),
        _ => {
            let known = WELL_KNOWN[random.usize(..WELL_KNOWN.len())];
            (Type::Message, Some(format!(".google.protobuf.{known}")))
        }
    };
    FieldDescriptorProto {
        name: Some(name),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        type_name,
        ..Default::default()
    }
}

fn repeat(random: &mut Rng, field: &mut FieldDescriptorProto) {
    field.set_label(Label::Repeated);
    let packable = !matches!(field.r#type(), Type::String | Type::Bytes | Type::Message);
    if packable && random.bool() {
        field.options = Some(FieldOptions {
            packed: Some(random.bool()),
            ..Default::default()
        });
    }
}

/// One of the first two oneofs, made when it is not there.
fn oneof(random: &mut Rng, message: &mut DescriptorProto) -> i32 {
    let index = random.usize(..=1).min(message.oneof_decl.len());
    if index == message.oneof_decl.len() {
        message.oneof_decl.push(OneofDescriptorProto {
            name: Some(format!("choice_{index}")),
            options: None,
        });
    }
    i32::try_from(index).expect("at most one")
}

/// They come after the real ones.
pub(super) fn add_synthetic_oneofs(message: &mut DescriptorProto) {
    for field in message
        .field
        .iter_mut()
        .filter(|field| field.proto3_optional())
    {
        field.oneof_index = i32::try_from(message.oneof_decl.len()).ok();
        message.oneof_decl.push(OneofDescriptorProto {
            name: Some(format!("_{}", field.name())),
            options: None,
        });
    }
}

/// What the field held becomes the values.
fn make_map(
    random: &mut Rng,
    place: Place<'_>,
    message: &mut DescriptorProto,
    field: &mut FieldDescriptorProto,
) {
    let Place {
        syntax, path, n, ..
    } = place;
    let keys = &SCALARS[..11];
    let key = match random.u8(..3) {
        0 => Type::String,
        _ => keys[random.usize(..keys.len())],
    };
    let member = |name: &str, number, kind: Type, type_name| FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        type_name,
        ..Default::default()
    };
    // A map of a proto2 file needs an enum whose first value is zero, which those
    // of proto3 have.
    let mut value = field.type_name.take();
    if let (Syntax::Proto2, Type::Enum, Some(name)) = (syntax, field.r#type(), &mut value) {
        *name = name.replace("random2", "random3").replace(".E1", ".E0");
    }
    let entry = format!("Entry{n}");
    message.nested_type.push(DescriptorProto {
        name: Some(entry.clone()),
        field: vec![
            member("key", 1, key, None),
            member("value", 2, field.r#type(), value),
        ],
        options: Some(MessageOptions {
            map_entry: Some(true),
            ..Default::default()
        }),
        ..Default::default()
    });
    field.set_type(Type::Message);
    field.set_label(Label::Repeated);
    field.type_name = Some(format!("{path}.{entry}"));
}

fn default_value(kind: Type) -> Option<String> {
    let text = match kind {
        Type::String => "dflt",
        Type::Bool => "true",
        Type::Float | Type::Double => "1.5",
        Type::Bytes | Type::Enum | Type::Message | Type::Group => return None,
        _ => "7",
    };
    Some(text.to_owned())
}

pub(super) fn extensions(
    random: &mut Rng,
    names: &Names,
    messages: usize,
    size: usize,
) -> Vec<FieldDescriptorProto> {
    let mut used = Vec::new();
    (0..random.usize(..=size / 3))
        .filter_map(|n| {
            let number = random.i32(*EXTENSIONS.start()..*EXTENSIONS.end());
            if used.contains(&number) {
                return None;
            }
            used.push(number);
            let mut extension = field(random, names, format!("extension_{n}"), number);
            extension.extendee = Some(format!(".random2.M{}", random.usize(..messages)));
            if random.bool() {
                repeat(random, &mut extension);
            }
            Some(extension)
        })
        .collect()
}
