//! Random schemas: a proto3 file and a proto2 file that refers to it, with every
//! kind of field that there is but groups. They come as descriptors, not as
//! source, so that they can hold what a compiler would not let through, such as a
//! `json_name` with quotes in it.

mod fields;

use std::{collections::HashMap, ops::RangeInclusive};

use fastrand::Rng;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, EnumValueDescriptorProto,
    FileDescriptorProto, descriptor_proto::ExtensionRange,
};

use fields::{Place, add_field, add_synthetic_oneofs, extensions};

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

    let path = |n| format!(".{package}.M{n}");
    let mut message_type: Vec<_> = (0..messages)
        .map(|n| message(random, syntax, &names, &path(n), size))
        .collect();
    let nested = message(
        random,
        syntax,
        &names,
        &format!("{}.Nested", path(0)),
        size / 2,
    );
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
        // A compiler lets no such name through; a peer's description may hold it.
        let odd = ["", "", "", " \"\\\n\u{e9}"][random.usize(..4)];
        if value.iter().all(|known| known.number != Some(*number)) {
            let name = format!("{prefix}E{n}_VALUE_{index}{odd}");
            value.push(enum_value(name, *number));
        }
        if random.u8(..4) == 0 {
            let name = format!("{prefix}e{n}_alias_{index}{odd}");
            value.push(enum_value(name, *number));
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

/// `path` is its full name, with a dot before it.
fn message(
    random: &mut Rng,
    syntax: Syntax,
    names: &Names,
    path: &str,
    size: usize,
) -> DescriptorProto {
    let name = path.rsplit('.').next().unwrap_or_default().to_owned();
    let mut message = DescriptorProto {
        name: Some(name),
        ..Default::default()
    };
    let mut numbers = Vec::new();
    for n in 0..1 + random.usize(..=size) {
        let number = unused_number(random, &mut numbers);
        let place = Place {
            syntax,
            path,
            n,
            number,
        };
        add_field(random, names, place, &mut message);
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
