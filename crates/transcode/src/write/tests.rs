//! The write direction as a whole, over a schema with every kind of field: known
//! answers, and properties against another library.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use prost_reflect::DescriptorPool;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::*;

mod merging;
mod oracle;
mod plain;
mod refusals;
mod well_known;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Sources);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    let files = ["everything.proto", "proto2.proto", "wide.proto"];
    compiler.open_files(files).expect("they compile");
    compiler.descriptor_pool()
});

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::compile(&POOL));

struct Sources;

impl FileResolver for Sources {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match name {
            "everything.proto" => File::from_source(name, include_str!("tests/everything.proto")),
            "proto2.proto" => File::from_source(name, include_str!("tests/proto2.proto")),
            "wide.proto" => File::from_source(name, &wide()),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// A message with more fields than one word has bits, some of them in oneofs.
fn wide() -> String {
    let fields = (1..=150).map(|n| format!("int32 f{n} = {n};\n"));
    let oneofs = (0..20).map(|n| {
        let (one, other) = (200 + 2 * n, 201 + 2 * n);
        format!("oneof o{n} {{ int32 f{one} = {one}; string f{other} = {other}; }}\n")
    });
    let members: String = fields.chain(oneofs).collect();
    format!("syntax = \"proto3\"; package t; message Wide {{\n{members}}}\n")
}

fn id(message: &str) -> MessageId {
    SCHEMA.message(message).expect("described")
}

/// Wire bytes, value by value.
#[derive(Debug, Clone, Default)]
struct Wire(Vec<u8>);

fn wire() -> Wire {
    Wire::default()
}

impl Wire {
    fn key(&mut self, number: u32, wire: u64) {
        prost::encoding::encode_varint(u64::from(number) << 3 | wire, &mut self.0);
    }

    fn varint(mut self, number: u32, value: u64) -> Self {
        self.key(number, 0);
        prost::encoding::encode_varint(value, &mut self.0);
        self
    }

    /// An `int32`, an `int64` or an enum, as it is written.
    fn int(self, number: u32, value: i64) -> Self {
        self.varint(number, value.cast_unsigned())
    }

    fn fixed64(mut self, number: u32, value: [u8; 8]) -> Self {
        self.key(number, 1);
        self.0.extend(value);
        self
    }

    fn double(self, number: u32, value: f64) -> Self {
        self.fixed64(number, value.to_le_bytes())
    }

    fn fixed32(mut self, number: u32, value: [u8; 4]) -> Self {
        self.key(number, 5);
        self.0.extend(value);
        self
    }

    fn bytes(mut self, number: u32, content: impl AsRef<[u8]>) -> Self {
        self.key(number, 2);
        prost::encoding::encode_varint(content.as_ref().len() as u64, &mut self.0);
        self.0.extend(content.as_ref());
        self
    }

    fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend(bytes.as_ref());
        self
    }
}

impl AsRef<[u8]> for Wire {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// As a caller would write it.
fn written(options: WriteOptions, message: &str, wire: &[u8]) -> Result<String, WriteError> {
    let mut out = Vec::new();
    SCHEMA.write_json(id(message), wire, &options, &mut out)?;
    Ok(String::from_utf8(out).expect("UTF-8"))
}

/// As it is written when anything is out of order.
fn resolved(options: WriteOptions, message: &str, wire: &[u8]) -> Result<String, WriteError> {
    let mut out = Vec::new();
    let mut writer = Writer {
        schema: &SCHEMA,
        options,
        out: &mut out,
        way: Way::Resolved,
        end_max: usize::MAX,
        unfit: None,
        path: Vec::new(),
    };
    let root = id(message);
    writer
        .message(root, &[wire], 0)
        .map_err(|stop| writer.explain(root, stop))?;
    Ok(String::from_utf8(out).expect("UTF-8"))
}

/// The text that is expected, and as a value also from the other way.
fn check(message: &str, wire: impl AsRef<[u8]>, expected: &str) {
    check_with(WriteOptions::default(), message, wire, expected);
}

fn check_with(options: WriteOptions, message: &str, wire: impl AsRef<[u8]>, expected: &str) {
    let wire = wire.as_ref();
    let text = written(options, message, wire).expect("it can be written");
    assert_eq!(text, expected, "of {message} {wire:02x?}");
    let text = resolved(options, message, wire).expect("it can be written");
    assert_eq!(json(&text), json(expected), "of {message} {wire:02x?}");
}

fn refused(message: &str, wire: impl AsRef<[u8]>, expected: &str) {
    let options = WriteOptions::default();
    let wire = wire.as_ref();
    for result in [
        written(options, message, wire),
        resolved(options, message, wire),
    ] {
        let error = result.expect_err("it cannot be written");
        assert_eq!(error.to_string(), expected, "of {message} {wire:02x?}");
    }
}

/// A JSON text as a value: numbers by their value, no key twice.
#[derive(Debug, Clone, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

fn json(text: &str) -> Json {
    let value = serde_json::from_str(text).map_err(|error| format!("{error}: {text}"));
    value.expect("JSON")
}

impl<'de> serde::Deserialize<'de> for Json {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }

            // All of them have 32 bits, or are a double.
            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Number(value as f64))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Number(value as f64))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Json::Number(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::Text(value.to_owned()))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut all: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = all.next_element()? {
                    list.push(value);
                }
                Ok(Json::List(list))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut all: A) -> Result<Json, A::Error> {
                let mut object = BTreeMap::new();
                while let Some((key, value)) = all.next_entry::<String, Json>()? {
                    if object.insert(key.clone(), value).is_some() {
                        return Err(serde::de::Error::custom(format!("{key:?} twice")));
                    }
                }
                Ok(Json::Object(object))
            }
        }

        from.deserialize_any(Visitor)
    }
}
