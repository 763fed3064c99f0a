//! Random schemas: a proto3 file and a proto2 file that refers to it, with every
//! kind of field that there is but groups. They come as descriptors, not as
//! source, so that they can hold what a compiler would not let through, such as a
//! `json_name` with quotes in it.

use std::{collections::HashMap, ops::RangeInclusive};

use fastrand::Rng;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, EnumValueDescriptorProto,
    FieldDescriptorProto, FieldOptions, FileDescriptorProto, MessageOptions, OneofDescriptorProto,
    descriptor_proto::ExtensionRange,
    field_descriptor_proto::{Label, Type},
};

/// A pool, and the messages of it to make values of.
pub(crate) struct Schemas {
    pub(crate) pool: DescriptorPool,
    pub(crate) roots: Vec<MessageDescriptor>,
    /// Of each enum's value the name of its number that was declared first.
    pub(crate) first_names: HashMap<String, String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Proto2,
    Proto3,
}

/// Full names, with a dot before them, that a field may refer to.
#[derive(Clone, Default)]
struct Names {
    messages: Vec<String>,
    enums: Vec<String>,
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
const NUMBERS: [RangeInclusive<i32>; 4] = [1..=15, 16..=70, 71..=18_000, 20_000..=536_870_911];
/// Kept free of fields, for extensions.
const EXTENSIONS: RangeInclusive<i32> = 100_000..=200_000;

impl Schemas {
    /// The greater `size`, the more messages and fields.
    pub(crate) fn random(random: &mut Rng, size: usize) -> Schemas {
        let (proto3, open) = file(random, Syntax::Proto3, &Names::default(), size);
        let (proto2, _) = file(random, Syntax::Proto2, &open, size);
        let first_names = [&proto3, &proto2]
            .into_iter()
            .flat_map(first_names)
            .collect();
        let mut pool = DescriptorPool::global();
        pool.add_file_descriptor_protos([proto3, proto2])
            .expect("a schema without contradictions");
        let roots = pool
            .all_messages()
            .filter(|message| {
                !message.is_map_entry() && message.package_name().starts_with("random")
            })
            .collect();
        Schemas {
            pool,
            roots,
            first_names,
        }
    }

    pub(crate) fn root(&self, random: &mut Rng) -> &MessageDescriptor {
        &self.roots[random.usize(..self.roots.len())]
    }
}

fn first_names(file: &FileDescriptorProto) -> Vec<(String, String)> {
    let of_enum = |known: &EnumDescriptorProto| {
        let first = |number| known.value.iter().find(|value| value.number == number);
        let pairs = known.value.iter().filter_map(|value| {
            Some((
                value.name().to_owned(),
                first(value.number)?.name().to_owned(),
            ))
        });
        pairs.collect::<Vec<_>>()
    };
    file.enum_type.iter().flat_map(of_enum).collect()
}

/// A file, and its names together with those of `others`.
fn file(
    random: &mut Rng,
    syntax: Syntax,
    others: &Names,
    size: usize,
) -> (FileDescriptorProto, Names) {
    let package = match syntax {
        Syntax::Proto2 => "random2",
        Syntax::Proto3 => "random3",
    };
    let messages = 1 + random.usize(..=size / 4);
    let enums = 1 + random.usize(..=1);
    let mut names = others.clone();
    names
        .messages
        .extend((0..messages).map(|n| format!(".{package}.M{n}")));
    names.messages.push(format!(".{package}.M0.Nested"));
    names
        .enums
        .extend((0..enums).map(|n| format!(".{package}.E{n}")));

    let mut message_type: Vec<_> = (0..messages)
        .map(|n| message(random, syntax, &names, format!("M{n}"), size))
        .collect();
    let nested = message(random, syntax, &names, "Nested".to_owned(), size / 2);
    rename_entries(&mut message_type[0], package, "M0");
    for (n, known) in message_type.iter_mut().enumerate().skip(1) {
        rename_entries(known, package, &format!("M{n}"));
    }
    let mut nested = nested;
    rename_entries(&mut nested, package, "M0.Nested");
    message_type[0].nested_type.push(nested);

    let extension = match syntax {
        Syntax::Proto2 => extensions(random, &names, messages, size),
        Syntax::Proto3 => Vec::new(),
    };
    let file = FileDescriptorProto {
        name: Some(format!("{package}.proto")),
        package: Some(package.to_owned()),
        dependency: dependencies(syntax),
        message_type,
        enum_type: (0..enums).map(|n| enumeration(random, syntax, n)).collect(),
        extension,
        syntax: (syntax == Syntax::Proto3).then(|| "proto3".to_owned()),
        ..Default::default()
    };
    (file, names)
}

fn dependencies(syntax: Syntax) -> Vec<String> {
    let well_known = [
        "any",
        "duration",
        "empty",
        "field_mask",
        "struct",
        "timestamp",
        "wrappers",
    ];
    let well_known = well_known.map(|name| format!("google/protobuf/{name}.proto"));
    let ours = (syntax == Syntax::Proto2).then(|| "random3.proto".to_owned());
    well_known.into_iter().chain(ours).collect()
}

fn enumeration(random: &mut Rng, syntax: Syntax, n: usize) -> EnumDescriptorProto {
    let (prefix, first) = match syntax {
        Syntax::Proto3 => ("three_", 0),
        Syntax::Proto2 => ("two_", random.i32(-3..3)),
    };
    let numbers = [
        first,
        first + 1,
        -1,
        -2_147_483_648,
        2_147_483_647,
        100 + first,
    ];
    let mut value: Vec<EnumValueDescriptorProto> = Vec::new();
    for (index, number) in numbers
        .iter()
        .take(1 + random.usize(..numbers.len()))
        .enumerate()
    {
        if value.iter().all(|known| known.number != Some(*number)) {
            value.push(enum_value(format!("{prefix}E{n}_VALUE_{index}"), *number));
        }
        if random.u8(..4) == 0 {
            value.push(enum_value(format!("{prefix}e{n}_alias_{index}"), *number));
        }
    }
    EnumDescriptorProto {
        name: Some(format!("E{n}")),
        value,
        options: Some(EnumOptions {
            allow_alias: Some(true),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn enum_value(name: String, number: i32) -> EnumValueDescriptorProto {
    EnumValueDescriptorProto {
        name: Some(name),
        number: Some(number),
        options: None,
    }
}

fn message(
    random: &mut Rng,
    syntax: Syntax,
    names: &Names,
    name: String,
    size: usize,
) -> DescriptorProto {
    let mut message = DescriptorProto {
        name: Some(name),
        ..Default::default()
    };
    let mut numbers = Vec::new();
    for n in 0..1 + random.usize(..=size) {
        let number = unused_number(random, &mut numbers);
        add_field(random, syntax, names, n, number, &mut message);
    }
    add_synthetic_oneofs(&mut message);
    if syntax == Syntax::Proto2 {
        message.extension_range.push(ExtensionRange {
            start: Some(*EXTENSIONS.start()),
            end: Some(*EXTENSIONS.end()),
            options: None,
        });
    }
    message
}

fn unused_number(random: &mut Rng, used: &mut Vec<i32>) -> i32 {
    loop {
        let range = NUMBERS[random.usize(..NUMBERS.len())].clone();
        let number = random.i32(range);
        if !used.contains(&number) && !EXTENSIONS.contains(&number) {
            used.push(number);
            return number;
        }
    }
}

/// A field of any form: with or without presence, a list, a map, one of a oneof.
fn add_field(
    random: &mut Rng,
    syntax: Syntax,
    names: &Names,
    n: usize,
    number: i32,
    message: &mut DescriptorProto,
) {
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
        7 | 8 => make_map(random, syntax, n, message, &mut field),
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
fn add_synthetic_oneofs(message: &mut DescriptorProto) {
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
    syntax: Syntax,
    n: usize,
    message: &mut DescriptorProto,
    field: &mut FieldDescriptorProto,
) {
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
    field.type_name = Some(entry);
}

/// Fields refer to the entries of their maps by a short name until the message's own
/// full name is known.
fn rename_entries(message: &mut DescriptorProto, package: &str, path: &str) {
    for field in &mut message.field {
        if let Some(name) = &mut field.type_name
            && !name.starts_with('.')
        {
            *name = format!(".{package}.{path}.{name}");
        }
    }
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

fn extensions(
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
