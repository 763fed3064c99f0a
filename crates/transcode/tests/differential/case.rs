//! A random schema, both sides of the comparison, and what a failure says.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use fastrand::Rng;
use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage, SerializeOptions};
use transcode::{
    Builder, MessageId, ReadError, ReadOptions, Schema, Unknown, WriteError, WriteOptions,
};

use crate::{
    compare::{Json, canonical, canonical_wire, hex, parse, reference_json},
    forms::{Forms, Strangers},
    messages::Messages,
    schemas::Schemas,
};

/// Schemas a test, unless `TRANSCODE_CASES` says another number.
const CASES: usize = 300;
/// Messages a schema.
pub(crate) const MESSAGES: usize = 6;
/// The largest schemas have about so many fields a message.
const SIZE_MAX: usize = 24;

/// One random schema, and the source of everything else.
pub(crate) struct Case {
    pub(crate) random: Rng,
    pub(crate) schemas: Schemas,
    pub(crate) schema: Schema,
}

/// Runs `check` for one schema after the other.
pub(crate) fn for_each_case(name: &str, check: impl Fn(&mut Case)) {
    if let Ok(seed) = env::var("TRANSCODE_SEED") {
        let (seed, size) = seed.split_once(':').expect("TRANSCODE_SEED is SEED:SIZE");
        let size = size.parse().expect("a size");
        return check(&mut Case::new(seed.parse().expect("a seed"), size));
    }
    let cases = env::var("TRANSCODE_CASES").map_or(CASES, |cases| cases.parse().expect("a number"));
    // Every test has seeds of its own.
    let first = name
        .bytes()
        .fold(0, |seed: u64, byte| seed.rotate_left(9) ^ u64::from(byte))
        << 24;
    for (seed, index) in (first..).zip(0..cases) {
        let size = 1 + SIZE_MAX * index / cases;
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&mut Case::new(seed, size))));
        if let Err(failure) = outcome {
            eprintln!(
                "again with TRANSCODE_SEED={seed}:{size} cargo test -p transcode --test differential {name}"
            );
            resume_unwind(failure);
        }
    }
}

impl Case {
    fn new(seed: u64, size: usize) -> Case {
        let mut random = Rng::with_seed(seed);
        let schemas = Schemas::random(&mut random, size);
        let schema = Schema::compile(&schemas.pool);
        Case {
            random,
            schemas,
            schema,
        }
    }

    /// Of any of the messages.
    pub(crate) fn message(&mut self) -> DynamicMessage {
        let root = self.schemas.root(&mut self.random).clone();
        self.message_of(&root)
    }

    pub(crate) fn message_of(&mut self, described: &MessageDescriptor) -> DynamicMessage {
        Messages {
            random: &mut self.random,
            schemas: &self.schemas,
        }
        .message(described)
    }

    pub(crate) fn form(&mut self, message: &DynamicMessage, strangers: Strangers) -> String {
        Forms {
            random: &mut self.random,
            strangers,
        }
        .write(message)
    }

    pub(crate) fn id(&self, described: &MessageDescriptor) -> MessageId {
        let id = self
            .schema
            .message(described.full_name())
            .expect("a message of the pool");
        self.schema.check(id).expect("nothing that is refused");
        id
    }

    pub(crate) fn write(
        &self,
        described: &MessageDescriptor,
        wire: &[u8],
        options: &WriteOptions,
    ) -> Result<Vec<u8>, WriteError> {
        let mut json = Vec::new();
        self.schema
            .write_json(self.id(described), wire, options, &mut json)?;
        Ok(json)
    }

    pub(crate) fn read(
        &self,
        described: &MessageDescriptor,
        json: &[u8],
        unknown: Unknown,
    ) -> Result<Vec<u8>, ReadError> {
        let mut builder = Builder::new();
        self.schema.read_json(
            self.id(described),
            json,
            ReadOptions { unknown },
            &mut builder,
        )?;
        Ok(finished(&builder))
    }

    /// Of an enum's aliases the reference takes any, where it should be the first.
    pub(crate) fn check_same(&self, ours: &Json, reference: &[u8], context: impl Fn() -> String) {
        let expected =
            parse(reference).map_texts(&|text| self.schemas.first_names.get(text).cloned());
        if let Some(difference) = ours.difference(&expected) {
            unreachable!("{difference}\n{}", context());
        }
    }

    /// Our JSON of these bytes, which must be the reference's of its message.
    pub(crate) fn check_written(&self, message: &DynamicMessage, wire: &[u8]) -> Json {
        let described = message.descriptor();
        let ours = self.write(&described, wire, &WriteOptions::default());
        let ours = ours.unwrap_or_else(|error| unreachable!("{error}\n{}", shown(message, wire)));
        let reference = reference_json(message, &SerializeOptions::new()).expect("agreed");
        let ours = parse(&ours);
        self.check_same(&ours, &reference, || shown(message, wire));
        ours
    }

    /// The message read from this JSON must be `message`.
    pub(crate) fn check_read(&self, message: &DynamicMessage, json: &[u8], unknown: Unknown) {
        let described = message.descriptor();
        let text = String::from_utf8_lossy(json);
        let wire = self.read(&described, json, unknown);
        let wire = wire.unwrap_or_else(|error| {
            unreachable!("{error:?}\nin {text}\nof {}", outline(&described));
        });
        let read = canonical_wire(&described, &wire);
        assert_eq!(
            read,
            canonical(message),
            "from {text}\nof {}",
            outline(&described)
        );
    }
}

pub(crate) fn finished(builder: &Builder) -> Vec<u8> {
    let mut wire = Vec::new();
    builder.write_to(&mut wire);
    assert_eq!(wire.len(), builder.len(), "the length that was announced");
    wire
}

/// For the report of a failure.
pub(crate) fn shown(message: &DynamicMessage, wire: &[u8]) -> String {
    let described = message.descriptor();
    format!(
        "wire {}\nmessage {}\nof {}",
        hex(wire),
        canonical(message),
        outline(&described)
    )
}

pub(crate) fn outline(described: &MessageDescriptor) -> String {
    let fields = described.fields().map(|field| {
        let (number, kind, json) = (field.number(), field.kind(), field.json_name().to_owned());
        let shape = (
            field.cardinality(),
            field.is_packed(),
            field.supports_presence(),
        );
        format!(
            "  {} = {number}: {kind:?} {shape:?} {json:?}\n",
            field.name()
        )
    });
    format!("{}\n{}", described.full_name(), fields.collect::<String>())
}
