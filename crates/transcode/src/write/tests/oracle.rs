//! Against `prost-reflect`, which makes a message in memory first: whatever order,
//! repetition and packing the wire has, the JSON must be the same.

use proptest::prelude::*;
use prost_reflect::{
    DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions,
};

use super::*;

const MESSAGES: [&str; 13] = [
    "t.Small",
    "t.Scalars",
    "t.Lists",
    "t.Maps",
    "t.Tree",
    "t.Choice",
    "t.Optional",
    "t.WellKnown",
    "t.Named",
    "t.Mixed",
    "t.Wide",
    "t2.Old",
    "google.protobuf.Struct",
];

/// Numbers drawn from a seed, so that a failure shrinks to a seed and a size.
struct Random(u64);

impl Random {
    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("it fits")
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// What a field is, whether its message's own or an extension.
struct Described {
    number: u32,
    kind: Kind,
    is_list: bool,
    is_map: bool,
}

impl Described {
    fn own(field: &FieldDescriptor) -> Self {
        Described {
            number: field.number(),
            kind: field.kind(),
            is_list: field.is_list(),
            is_map: field.is_map(),
        }
    }

    fn extension(field: &ExtensionDescriptor) -> Self {
        Described {
            number: field.number(),
            kind: field.kind(),
            is_list: field.is_list(),
            is_map: false,
        }
    }
}

/// A message of any order: up to `size` values, fewer inside.
fn message(random: &mut Random, described: &MessageDescriptor, size: usize) -> Wire {
    if let Some(content) = well_known(random, described.full_name(), size) {
        return content;
    }
    let own = described.fields().map(|field| Described::own(&field));
    let extensions = described
        .extensions()
        .map(|field| Described::extension(&field));
    let fields: Vec<_> = own.chain(extensions).collect();
    let mut content = wire();
    if fields.is_empty() {
        return content;
    }
    // Often in the usual order, so that both ways are taken.
    let mut chosen: Vec<_> = (0..random.below(size + 1))
        .map(|_| random.below(fields.len()))
        .collect();
    if random.one_in(2) {
        chosen.sort_unstable();
    }
    for index in chosen {
        if random.one_in(15) {
            content = unknown(random, content);
        }
        content = occurrence(random, content, &fields[index], size / 2);
    }
    content
}

fn occurrence(random: &mut Random, content: Wire, field: &Described, size: usize) -> Wire {
    match &field.kind {
        Kind::Message(entry) if field.is_map => {
            content.bytes(field.number, map_entry(random, entry, size))
        }
        Kind::Message(inner) if inner.full_name() == "google.protobuf.Any" && !field.is_list => {
            // Also in halves, each of which alone would be another message.
            let (one, other) = type_and_content(random, size);
            match random.below(2) {
                0 => content.bytes(field.number, one.raw(other)),
                _ => content.bytes(field.number, one).bytes(field.number, other),
            }
        }
        Kind::Message(inner) => content.bytes(field.number, message(random, inner, size)),
        Kind::String | Kind::Bytes => scalar(random, content, field.number, &field.kind),
        kind if field.is_list && random.one_in(2) => {
            let mut packed = Vec::new();
            for _ in 0..random.below(4) {
                let one = scalar(random, wire(), 1, kind);
                // Without the key, which is one byte.
                packed.extend_from_slice(&one.as_ref()[1..]);
            }
            content.bytes(field.number, packed)
        }
        kind => scalar(random, content, field.number, kind),
    }
}

fn map_entry(random: &mut Random, entry: &MessageDescriptor, size: usize) -> Wire {
    let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
    let (key, value) = (Described::own(&key), Described::own(&value));
    let mut content = wire();
    for _ in 0..random.below(4) {
        let field = if random.one_in(2) { &key } else { &value };
        content = occurrence(random, content, field, size);
    }
    content
}

const TEXTS: [&str; 8] = [
    "",
    "a",
    "b",
    "key",
    "say \"hi\"",
    "ol\u{e1}",
    "\n\u{1}",
    "0",
];

fn scalar(random: &mut Random, content: Wire, number: u32, kind: &Kind) -> Wire {
    // Small ones often, so that keys come back and defaults are met.
    let bits = if random.one_in(2) {
        random.next() % 3
    } else {
        random.next() >> random.below(64)
    };
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Uint32 | Kind::Int64 | Kind::Sint64 | Kind::Uint64 => {
            content.varint(number, bits)
        }
        Kind::Bool => content.varint(number, bits % 3),
        Kind::Sfixed32 | Kind::Fixed32 => content.fixed32(number, low(bits).to_le_bytes()),
        Kind::Sfixed64 | Kind::Fixed64 => content.fixed64(number, bits.to_le_bytes()),
        Kind::Float => {
            let value = f32::from_bits(low(bits));
            content.fixed32(number, (value + 0.0).to_le_bytes())
        }
        Kind::Double => content.double(number, f64::from_bits(bits) + 0.0),
        Kind::Enum(known) => {
            let values: Vec<_> = known.values().map(|value| value.number()).collect();
            // Aliases aside: of these the other library takes any.
            let value = values[random.below(values.len())];
            if random.one_in(4) {
                content.int(number, 77)
            } else if known.name() == "Aliased" && value == 1 {
                content.int(number, 0)
            } else {
                content.int(number, value.into())
            }
        }
        Kind::Bytes => content.bytes(number, &bits.to_le_bytes()[..random.below(9)]),
        Kind::String | Kind::Message(_) => content.bytes(number, random.pick(&TEXTS)),
    }
}

fn low(bits: u64) -> u32 {
    u32::try_from(bits & u64::from(u32::MAX)).expect("masked")
}

fn unknown(random: &mut Random, content: Wire) -> Wire {
    let bits = random.next();
    match random.below(5) {
        0 => content.varint(15_000, bits),
        1 => content.fixed64(15_001, bits.to_le_bytes()),
        2 => content.fixed32(15_002, [1; 4]),
        3 => content.bytes(15_003, [0xff; 3]),
        _ => {
            let mut group = content;
            group.key(15_004, 3);
            let mut group = group.varint(1, bits);
            group.key(15_004, 4);
            group
        }
    }
}

/// What is valid of those that are not valid with any value.
fn well_known(random: &mut Random, full_name: &str, size: usize) -> Option<Wire> {
    let some = 1 + random.below(3);
    let content = match full_name.strip_prefix("google.protobuf.")? {
        "Timestamp" => (0..some).fold(wire(), |content, _| {
            let seconds = random.next() % 300_000_000_000;
            let seconds = i64::try_from(seconds).expect("small") - 60_000_000_000;
            both(random, content, seconds)
        }),
        "Duration" => (0..some).fold(wire(), |content, _| {
            let seconds = i64::try_from(random.next() % 315_576_000_001).expect("small");
            both(random, content, seconds)
        }),
        "FieldMask" => (0..some).fold(wire(), |content, _| {
            content.bytes(1, random.pick(&["a", "foo_bar", "a.b_c", "x1.y"]))
        }),
        "Any" => {
            let (one, other) = type_and_content(random, size);
            one.raw(other)
        }
        "Value" => (0..some).fold(wire(), |content, _| {
            let of = |name| POOL.get_message_by_name(name).expect("described");
            // A list or an object in it takes from the size, so that there is an end.
            match random.below(if size == 0 { 4 } else { 6 }) {
                0 => content.int(1, 0),
                1 => content.double(2, f64::from(low(random.next())) / 7.0),
                2 => content.bytes(3, random.pick(&TEXTS)),
                3 => content.varint(4, random.next() % 2),
                4 => content.bytes(5, message(random, &of("google.protobuf.Struct"), size / 2)),
                _ => content.bytes(
                    6,
                    message(random, &of("google.protobuf.ListValue"), size / 2),
                ),
            }
        }),
        // NaN, which the other library takes for null here.
        "DoubleValue" => wire().double(1, f64::from(low(random.next())) / 7.0),
        "FloatValue" => wire().fixed32(1, 0.7f32.to_le_bytes()),
        _ => return None,
    };
    Some(content)
}

/// Its type and its content, always both: merged with another `Any`, they must not be
/// mixed.
fn type_and_content(random: &mut Random, size: usize) -> (Wire, Wire) {
    let inner = random.pick(&[
        "t.Small",
        "t.Tree",
        "t.Choice",
        "google.protobuf.Duration",
        "google.protobuf.Value",
        "google.protobuf.Any",
    ]);
    let described = POOL.get_message_by_name(inner).expect("described");
    let url = wire().bytes(1, format!("type.googleapis.com/{inner}"));
    let content = wire().bytes(2, message(random, &described, size / 2));
    match random.below(3) {
        0 => (url, content),
        1 => (content, url),
        _ => (wire().bytes(1, "x/t.Small").raw(content), url),
    }
}

fn both(random: &mut Random, content: Wire, seconds: i64) -> Wire {
    let nanos = [0, 1, 1_000, 120_000_000, 999_999_999][random.below(5)];
    match random.below(3) {
        0 => content.int(1, seconds),
        1 => content.int(2, nanos),
        _ => content.int(2, nanos).int(1, seconds),
    }
}

fn options() -> impl Strategy<Value = WriteOptions> {
    let of = |defaults, names, enums| WriteOptions {
        defaults,
        names,
        enums,
        unknown_any: UnknownAny::Fail,
        bytes_max: None,
    };
    (
        prop_oneof![Just(Defaults::Omit), Just(Defaults::Write)],
        prop_oneof![Just(Names::Json), Just(Names::Original)],
        prop_oneof![Just(Enums::Names), Just(Enums::Numbers)],
    )
        .prop_map(move |(defaults, names, enums)| of(defaults, names, enums))
}

fn oracle(options: WriteOptions, described: &MessageDescriptor, wire: &[u8]) -> Json {
    let message = DynamicMessage::decode(described.clone(), wire).expect("it decodes");
    let options = SerializeOptions::new()
        .skip_default_fields(options.defaults == Defaults::Omit)
        .use_proto_field_name(options.names == Names::Original)
        .use_enum_numbers(options.enums == Enums::Numbers);
    let mut text = Vec::new();
    message
        .serialize_with_options(&mut serde_json::Serializer::new(&mut text), &options)
        .expect("it has JSON");
    json(&String::from_utf8(text).expect("UTF-8"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn both_ways_are_those_of_another_library(
        name in prop::sample::select(&MESSAGES[..]),
        seed: u64,
        size in 0usize..20,
        options in options(),
    ) {
        let described = POOL.get_message_by_name(name).expect("described");
        let wire = message(&mut Random(seed), &described, size);
        let expected = oracle(options, &described, wire.as_ref());
        let text = written(options, name, wire.as_ref()).expect("it can be written");
        prop_assert_eq!(json(&text), expected.clone(), "{} of {:02x?}", text, wire.0);
        let text = resolved(options, name, wire.as_ref()).expect("it can be written");
        prop_assert_eq!(json(&text), expected, "{} of {:02x?}", text, wire.0);
    }

    #[test]
    fn a_field_alone_is_as_in_the_whole(
        name in prop::sample::select(&MESSAGES[..]),
        seed: u64,
        size in 0usize..20,
        options in options(),
    ) {
        let described = POOL.get_message_by_name(name).expect("described");
        let wire = message(&mut Random(seed), &described, size);
        let text = written(options, name, wire.as_ref()).expect("it can be written");
        let Json::Object(members) = json(&text) else {
            return Err(TestCaseError::fail("an object"));
        };
        if name == "google.protobuf.Struct" {
            return Ok(());
        }
        for field in described.fields() {
            let path = SCHEMA.field_path(id(name), field.name()).expect("a field");
            let mut out = Vec::new();
            SCHEMA.write_field(&path, wire.as_ref(), &options, &mut out).expect("it can be");
            let alone = json(&String::from_utf8(out).expect("UTF-8"));
            let key = match options.names {
                Names::Json => field.json_name(),
                Names::Original => field.name(),
            };
            match members.get(key) {
                Some(member) => prop_assert_eq!(&alone, member),
                None if field.supports_presence() => prop_assert_eq!(alone, Json::Null),
                // A `NullValue`, whose default is null.
                None if field.name() == "null" => prop_assert_eq!(alone, Json::Null),
                None => prop_assert_ne!(alone, Json::Null),
            }
        }
    }

    #[test]
    fn garbage_is_harmless(
        name in prop::sample::select(&MESSAGES[..]),
        garbage in prop::collection::vec(any::<u8>(), 0..200),
        options in options(),
    ) {
        harmless(options, name, &garbage)?;
    }

    #[test]
    fn damage_is_harmless(
        name in prop::sample::select(&MESSAGES[..]),
        seed: u64,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut: prop::sample::Index,
        options in options(),
    ) {
        let described = POOL.get_message_by_name(name).expect("described");
        let mut wire = message(&mut Random(seed), &described, 20).0;
        if wire.is_empty() {
            return Ok(());
        }
        harmless(options, name, &wire[..cut.index(wire.len())])?;
        for (at, byte) in damage {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        harmless(options, name, &wire)?;
    }
}

/// Whatever is written is JSON, and the same both ways.
fn harmless(options: WriteOptions, name: &str, wire: &[u8]) -> Result<(), TestCaseError> {
    let options = WriteOptions {
        unknown_any: UnknownAny::Base64,
        ..options
    };
    let sorted = resolved(options, name, wire);
    if let Ok(text) = written(options, name, wire) {
        prop_assert_eq!(
            json(&text),
            json(&sorted.expect("if one way, then the other"))
        );
    }
    Ok(())
}
