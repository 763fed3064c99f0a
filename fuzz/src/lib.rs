//! What must hold of any input, however wrong: the properties that the fuzzer tries
//! to break. In: bytes or text as a stranger could send them; out: nothing, or a
//! panic when a property does not hold. That nothing panics, and that nothing takes
//! long or much memory, is the least of them; the fuzzer itself watches over that.
//! The schema and the reference are those of the transcoder's own tests. What nobody
//! outside the gateway can see, the gateway holds to its properties itself.

#[path = "../../crates/transcode/tests/differential/agreed.rs"]
mod agreed;
#[path = "../../crates/transcode/tests/differential/compare.rs"]
#[allow(dead_code)]
mod compare;
mod cuts;
mod paths;

use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions,
};
use transcode::{
    Builder, Defaults, Enums, MessageId, Names, ReadOptions, Schema, Unknown, WriteOptions,
};

use agreed::{agreed, maps_have_lengths};
use compare::{canonical, parse, reference_json};
pub use cuts::split;
pub use gateway::fuzzing::{base64, end, envelopes, head};
pub use paths::route;

/// A message that inputs are read as.
struct Subject {
    id: MessageId,
    described: MessageDescriptor,
}

struct Subjects {
    schema: Schema,
    all: Vec<Subject>,
}

/// Chosen by the input's first byte.
const MESSAGES: [&str; 8] = [
    "corners.All",
    "corners.Names",
    "corners.Inner",
    "corners.Old",
    "google.protobuf.Any",
    "google.protobuf.Value",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
];

static SUBJECTS: LazyLock<Subjects> = LazyLock::new(|| {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crates/transcode/tests/corners"
    );
    let files = protox::compile(["corners.proto", "closed.proto"], [folder]);
    let files = files.expect("the schema of the corners");
    let pool = DescriptorPool::from_file_descriptor_set(files).expect("the same schema");
    let schema = Schema::compile(&pool);
    let subject = |name| Subject {
        id: schema.message(name).expect("a message of the schema"),
        described: pool
            .get_message_by_name(name)
            .expect("a message of the schema"),
    };
    let all = MESSAGES.map(subject).into();
    Subjects { schema, all }
});

/// The message, the options' bits, and what is left of the input.
fn chosen(bytes: &[u8]) -> Option<(&'static Subject, u8, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let subject = &SUBJECTS.all[usize::from(first & 7)];
    Some((subject, first >> 3, rest))
}

fn read(subject: &Subject, json: &[u8], unknown: Unknown) -> Option<Vec<u8>> {
    let mut builder = Builder::new();
    let options = ReadOptions { unknown };
    let read = SUBJECTS
        .schema
        .read_json(subject.id, json, options, &mut builder);
    if let Err(error) = read {
        assert!(error.line > 0 && error.column > 0, "{error:?}");
        assert!(error.value.chars().count() < 100, "{error:?}");
        return None;
    }
    Some(finished(&builder))
}

fn finished(builder: &Builder) -> Vec<u8> {
    let mut wire = Vec::new();
    builder.write_to(&mut wire);
    assert_eq!(wire.len(), builder.len());
    wire
}

fn write(subject: &Subject, wire: &[u8], options: &WriteOptions) -> Option<Vec<u8>> {
    let mut json = Vec::new();
    let written = SUBJECTS
        .schema
        .write_json(subject.id, wire, options, &mut json);
    written.is_ok().then_some(json)
}

fn decoded(subject: &Subject, wire: &[u8]) -> Option<DynamicMessage> {
    DynamicMessage::decode(subject.described.clone(), wire).ok()
}

/// What is accepted is JSON, is a message, is written and read as the same again,
/// and is what the reference reads if it reads anything.
pub fn json(bytes: &[u8]) {
    let Some((subject, bits, text)) = chosen(bytes) else {
        return;
    };
    let unknown = if bits & 1 == 0 {
        Unknown::Reject
    } else {
        Unknown::Ignore
    };
    let Some(wire) = read(subject, text, unknown) else {
        return;
    };
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    assert!(is_json, "accepted, but no JSON");
    let message = decoded(subject, &wire).expect("what was read can be decoded");
    if !agreed(&message) {
        let _ = write(subject, &wire, &WriteOptions::default());
        return;
    }
    let again = write(subject, &wire, &WriteOptions::default()).expect("what was read is written");
    let again = read(subject, &again, Unknown::Reject).expect("what was written is read");
    let again = decoded(subject, &again).expect("what was read can be decoded");
    assert_eq!(
        canonical(&again),
        canonical(&message),
        "by way of our own JSON"
    );

    let mut json = serde_json::Deserializer::from_slice(text);
    let options = DeserializeOptions::new().deny_unknown_fields(unknown == Unknown::Reject);
    let theirs =
        DynamicMessage::deserialize_with_options(subject.described.clone(), &mut json, &options);
    if let Ok(theirs) = theirs {
        assert_eq!(roughly(&message), roughly(&theirs), "by the reference");
    }
}

/// Without the last digits of each `float`: the reference rounds a text to a double
/// first.
fn roughly(message: &DynamicMessage) -> String {
    let canonical = canonical(message);
    let mut rough = String::with_capacity(canonical.len());
    for (index, part) in canonical.split("F32(").enumerate() {
        if index == 0 {
            rough.push_str(part);
            continue;
        }
        let (number, rest) = part.split_once(')').unwrap_or((part, ""));
        let number: f32 = number.parse().unwrap_or_default();
        rough.push_str(&format!("F32({number:.4e}){rest}"));
    }
    rough
}

/// What is written is JSON without a member twice, the reference's if that has one,
/// and is read as the same message again.
pub fn wire(bytes: &[u8]) {
    let Some((subject, bits, wire)) = chosen(bytes) else {
        return;
    };
    let options = WriteOptions {
        defaults: if bits & 1 == 0 {
            Defaults::Omit
        } else {
            Defaults::Write
        },
        names: if bits & 2 == 0 {
            Names::Json
        } else {
            Names::Original
        },
        enums: if bits & 4 == 0 {
            Enums::Names
        } else {
            Enums::Numbers
        },
        ..WriteOptions::default()
    };
    let Some(json) = write(subject, wire, &options) else {
        return;
    };
    let tree = parse(&json);
    let Some(message) = decoded(subject, wire).filter(agreed) else {
        return;
    };
    if !maps_have_lengths(&subject.described, wire) {
        return;
    }
    let theirs = SerializeOptions::new()
        .skip_default_fields(options.defaults == Defaults::Omit)
        .use_proto_field_name(options.names == Names::Original)
        .use_enum_numbers(options.enums == Enums::Numbers);
    let theirs = reference_json(&message, &theirs).expect("agreed");
    // Of aliases the reference takes any; there is one enum with aliases.
    let first = |text: &str| {
        ["first_again", "First3"]
            .contains(&text)
            .then(|| "FIRST".to_owned())
    };
    let (tree, theirs) = (tree.map_texts(&first), parse(&theirs).map_texts(&first));
    // Negative zero has no presence for the reference.
    if let Some(difference) = tree.difference(&theirs)
        && !difference.contains("9223372036854775808")
    {
        unreachable!("{difference}");
    }
    let again = read(subject, &json, Unknown::Reject).expect("what was written is read");
    let again = decoded(subject, &again).expect("what was read can be decoded");
    assert_eq!(canonical(&again), canonical(&message), "by way of JSON");
}

/// Each line is a parameter. What is accepted is a message that can be written, and
/// so is each of its parameters alone.
pub fn query(text: &str) {
    let subject = &SUBJECTS.all[0];
    let pairs = text
        .split('\n')
        .map(|line| line.split_once('=').unwrap_or((line, "")));
    let pairs: Vec<_> = pairs.collect();
    let read = |pairs: &[(&str, &str)], unknown| {
        let (mut builder, pairs) = (Builder::new(), pairs.iter().copied());
        let read = SUBJECTS
            .schema
            .read_query(subject.id, pairs, &[], unknown, &mut builder);
        read.map(|()| finished(&builder))
    };
    let Ok(wire) = read(&pairs, Unknown::Reject) else {
        let _ = read(&pairs, Unknown::Ignore);
        return;
    };
    let message = decoded(subject, &wire).expect("what was read can be decoded");
    let ignoring = read(&pairs, Unknown::Ignore).expect("no more is refused");
    assert_eq!(ignoring, wire, "nothing was there to be ignored");
    // Not with negative zero, which the reference forgets.
    if agreed(&message) && !text.contains("-0") {
        let json =
            write(subject, &wire, &WriteOptions::default()).expect("what was read is written");
        let again = self::read(subject, &json, Unknown::Reject).expect("what was written is read");
        let again = decoded(subject, &again).expect("what was read can be decoded");
        assert_eq!(canonical(&again), canonical(&message), "by way of JSON");
    }
    for (name, value) in pairs {
        read(&[(name, value)], Unknown::Reject).expect("alone as well");
        let Ok(path) = SUBJECTS.schema.field_path(subject.id, name) else {
            continue;
        };
        let mut builder = Builder::new();
        SUBJECTS
            .schema
            .read_text(&path, value, &mut builder)
            .expect("in a path as well");
    }
}
