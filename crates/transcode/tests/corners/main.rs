//! The corners of the JSON mapping, one a line: what is read, what is refused and
//! where, what is written, what cannot be written. The topics are those of
//! protobuf's own conformance tests and of the mapping's page; the messages are in
//! protobuf's text format, which the reference library parses and the code under
//! test does not know. A table is run to its end, and names every line that fails.

mod anys;
mod collections;
#[path = "../differential/compare.rs"]
#[allow(dead_code)]
mod compare;
mod fractions;
mod names;
mod numbers;
mod old;
mod parameters;
mod structure;
mod texts;
mod times;
mod well_known;
mod wire;

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use transcode::{
    Builder, MessageId, ReadError, ReadOptions, Schema, Unknown, WriteError, WriteOptions,
};

use compare::{canonical, canonical_wire};

const ALL: &str = "corners.All";

struct Corners {
    pool: DescriptorPool,
    schema: Schema,
}

static CORNERS: LazyLock<Corners> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corners");
    let files = protox::compile(["corners.proto", "closed.proto"], [folder]);
    let files = files.expect("the schema of the corners");
    let pool = DescriptorPool::from_file_descriptor_set(files).expect("the same schema");
    let schema = Schema::compile(&pool);
    Corners { pool, schema }
});

fn described(message: &str) -> MessageDescriptor {
    CORNERS
        .pool
        .get_message_by_name(message)
        .expect("a message of the schema")
}

fn id(message: &str) -> MessageId {
    CORNERS
        .schema
        .message(message)
        .expect("a message of the schema")
}

/// A message in text format.
fn parsed(message: &str, text: &str) -> DynamicMessage {
    DynamicMessage::parse_text_format(described(message), text)
        .unwrap_or_else(|error| unreachable!("{error}: {text}"))
}

fn read(message: &str, json: &[u8], unknown: Unknown) -> Result<Vec<u8>, ReadError> {
    let mut builder = Builder::new();
    CORNERS
        .schema
        .read_json(id(message), json, ReadOptions { unknown }, &mut builder)?;
    let mut wire = Vec::new();
    builder.write_to(&mut wire);
    Ok(wire)
}

fn write(message: &str, wire: &[u8], options: &WriteOptions) -> Result<String, WriteError> {
    let mut json = Vec::new();
    CORNERS
        .schema
        .write_json(id(message), wire, options, &mut json)?;
    Ok(String::from_utf8(json).expect("JSON is UTF-8"))
}

/// Runs every line, and fails with all that failed.
fn run<R>(rows: &[R], check: impl Fn(&R) -> Result<(), String>) {
    let failures: Vec<_> = rows.iter().filter_map(|row| check(row).err()).collect();
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "{count} of {} lines:\n{}",
        rows.len(),
        failures.join("\n")
    );
}

fn same(what: &str, ours: &str, expected: &str) -> Result<(), String> {
    match ours == expected {
        true => Ok(()),
        false => Err(format!(
            "{what}\n    gives    {ours}\n    expected {expected}"
        )),
    }
}

/// JSON, and the message that it is.
fn check_reads(message: &str, rows: &[(&str, &str)]) {
    check_reads_with(message, Unknown::Reject, rows);
}

fn check_reads_with(message: &str, unknown: Unknown, rows: &[(&str, &str)]) {
    run(rows, |(json, text)| {
        let expected = canonical(&parsed(message, text));
        let wire = read(message, json.as_bytes(), unknown);
        let wire = wire.map_err(|error| format!("{json}\n    is refused: {error:?}"))?;
        same(json, &canonical_wire(&described(message), &wire), &expected)?;
        // And what is written of it is read as the same.
        let again = write(message, &wire, &WriteOptions::default());
        let again =
            again.map_err(|error| format!("{json}\n    is read but not written: {error:?}"))?;
        let wire = read(message, again.as_bytes(), Unknown::Reject);
        let wire =
            wire.map_err(|error| format!("{again}, written of {json}\n    is refused: {error:?}"))?;
        same(
            &again,
            &canonical_wire(&described(message), &wire),
            &expected,
        )
    });
}

/// JSON that may be refused, or else is this message and no other.
fn check_reads_or_rejects(message: &str, rows: &[(&str, &str)]) {
    run(rows, |(json, text)| {
        match read(message, json.as_bytes(), Unknown::Reject) {
            Ok(wire) => same(
                json,
                &canonical_wire(&described(message), &wire),
                &canonical(&parsed(message, text)),
            ),
            Err(_) => Ok(()),
        }
    });
}

/// JSON that is refused, and the path that the error names: by either form of the
/// names. `*` where nothing can be said of it, in a text that is no JSON.
fn check_rejects(message: &str, rows: &[(&str, &str)]) {
    let plain = |path: &str| path.replace('_', "").to_lowercase();
    run(rows, |(json, path)| {
        match read(message, json.as_bytes(), Unknown::Reject) {
            Ok(wire) => Err(format!(
                "{json}\n    is read as {}",
                canonical_wire(&described(message), &wire)
            )),
            Err(error) if *path != "*" && plain(path) != plain(&error.path) => Err(format!(
                "{json}\n    names {:?}\n    expected {path:?}",
                error.path
            )),
            Err(error) if error.line == 0 || error.column == 0 => Err(format!(
                "{json}\n    is at line {} column {}",
                error.line, error.column
            )),
            Err(_) => Ok(()),
        }
    });
}

/// A message, and its JSON.
fn check_writes(message: &str, rows: &[(&str, &str)]) {
    check_writes_with(message, &WriteOptions::default(), rows);
}

fn check_writes_with(message: &str, options: &WriteOptions, rows: &[(&str, &str)]) {
    run(rows, |(text, json)| {
        let wire = parsed(message, text).encode_to_vec();
        check_json(text, write(message, &wire, options), json)
    });
}

/// A message that has no JSON.
fn check_has_no_json(message: &str, rows: &[&str]) {
    run(rows, |text| {
        let wire = parsed(message, text).encode_to_vec();
        match write(message, &wire, &WriteOptions::default()) {
            Ok(json) => Err(format!("{text}\n    is written as {json}")),
            Err(_) => Ok(()),
        }
    });
}

fn check_json(what: &str, ours: Result<String, WriteError>, json: &str) -> Result<(), String> {
    let ours = ours.map_err(|error| format!("{what}\n    fails: {error:?}"))?;
    let tree = serde_json::from_str::<compare::Json>(&ours);
    let tree = tree.map_err(|error| format!("{what}\n    gives {ours}, of which {error}"))?;
    let expected = compare::parse(json.as_bytes());
    match tree == expected {
        true => Ok(()),
        false => Err(format!("{what}\n    gives    {ours}\n    expected {json}")),
    }
}
