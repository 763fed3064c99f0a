//! Known answers, one corner of the mapping after the other, with `prost-reflect` as
//! a second opinion: whatever both accept must be the same message.

use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;

use super::*;

mod corners;
mod faults;
mod members;
mod wellknown;

/// What the tests' own `.proto` files describe.
pub(crate) fn pool() -> DescriptorPool {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protos");
    let files = ["corners.proto", "extended.proto"];
    let set = protox::compile(files, [folder]).expect("the files are valid");
    DescriptorPool::from_file_descriptor_set(set).expect("the set is complete")
}

/// A schema and the pool that it is made from.
struct Ground {
    pool: DescriptorPool,
    schema: Schema,
}

thread_local! {
    static GROUND: Ground = {
        let pool = pool();
        let schema = Schema::compile(&pool);
        Ground { pool, schema }
    };
}

impl Ground {
    fn read(&self, message: &str, json: &[u8], unknown: Unknown) -> Result<Vec<u8>, ReadError> {
        let id = self
            .schema
            .message(message)
            .expect("the message is described");
        let mut out = Builder::new();
        self.schema
            .read_json(id, json, ReadOptions { unknown }, &mut out)?;
        let mut wire = Vec::new();
        out.write_to(&mut wire);
        Ok(wire)
    }

    /// The message on the wire.
    fn message(&self, message: &str, wire: &[u8]) -> DynamicMessage {
        let described = self.pool.get_message_by_name(message).expect("described");
        DynamicMessage::decode(described, wire).expect("what is written can be read")
    }

    /// The second opinion.
    fn oracle(&self, message: &str, json: &str) -> Option<DynamicMessage> {
        let described = self.pool.get_message_by_name(message).expect("described");
        let mut text = serde_json::Deserializer::from_str(json);
        let read = DynamicMessage::deserialize(described, &mut text).ok()?;
        text.end().ok().map(|()| read)
    }
}

/// Reads a JSON text as the message `corners.All`.
fn read(json: &str, unknown: Unknown) -> Result<DynamicMessage, ReadError> {
    GROUND.with(|ground| {
        let wire = ground.read("corners.All", json.as_bytes(), unknown)?;
        Ok(ground.message("corners.All", &wire))
    })
}

/// As JSON, in which not-a-number equals itself.
fn shown(message: &DynamicMessage) -> Value {
    serde_json::to_value(message).expect("the message has a JSON form")
}

/// The text must be read, as what `expected` shows; and not otherwise by the second
/// opinion, if it reads it.
fn check(json: &str, expected: &str) {
    let message = read(json, Unknown::Reject).unwrap_or_else(|error| unexpected(json, &error));
    let expected: Value = serde_json::from_str(expected).expect("the expectation is JSON");
    assert_eq!(shown(&message), expected, "{json}");
    GROUND.with(|ground| {
        if let Some(oracle) = ground.oracle("corners.All", json) {
            assert_eq!(shown(&message), shown(&oracle), "{json}");
            // Beyond JSON: which fields are set. The bytes in an Any may differ.
            let normal =
                |read: &DynamicMessage| ground.message("corners.All", &read.encode_to_vec());
            let comparable = !json.contains("NaN") && !json.contains("@type");
            assert!(normal(&message) == normal(&oracle) || !comparable, "{json}");
        }
    });
}

/// The text must be read, as itself.
fn check_same(json: &str) {
    check(json, json);
}

/// The text must be refused, for a value at `path` that should be `expected`.
fn refused(json: &str, path: &str, expected: &str) {
    match read(json, Unknown::Reject) {
        Ok(message) => assert_eq!(shown(&message), Value::Null, "{json} should be refused"),
        Err(error) => {
            assert_eq!(error.path, path, "{json}: {error}");
            assert!(error.expected.contains(expected), "{json}: {error}");
        }
    }
}

/// Fails the test, without being a panic of ours.
fn unexpected(json: &str, error: &ReadError) -> DynamicMessage {
    assert_eq!(error.to_string(), "", "{json} should be read");
    GROUND.with(|ground| ground.message("corners.All", &[]))
}

/// Members with values that fit, some that both sides must refuse, and some that
/// only need not crash.
fn members() -> impl Strategy<Value = (&'static str, &'static str)> {
    let names = prop::sample::select(vec![
        "anInt32",
        "an_int32",
        "aSint32",
        "anSfixed32",
        "aUint32",
        "aFixed32",
        "anInt64",
        "aSint64",
        "anSfixed64",
        "aUint64",
        "aFixed64",
        "aFloat",
        "aDouble",
        "aBool",
        "aString",
        "someBytes",
        "mood",
        "maybe",
        "other name",
        "renamed",
        "numbers",
        "looseNumbers",
        "texts",
        "moods",
        "doubles",
        "children",
        "labels",
        "moodsById",
        "byFlag",
        "weights",
        "valuesByName",
        "sizes",
        "inner",
        "chosenText",
        "chosenNumber",
        "chosenMessage",
        "chosenNull",
        "chosenValue",
        "any",
        "time",
        "length",
        "mask",
        "object",
        "value",
        "list",
        "empty",
        "null",
        "anys",
        "nulls",
        "times",
        "wrappedNumbers",
        "wrappedDouble",
        "wrappedInt64",
        "wrappedBool",
        "wrappedString",
        "wrappedBytes",
        "missing",
    ]);
    let values = prop::sample::select(vec![
        "null",
        "true",
        "0",
        "-1",
        "5",
        "1.0",
        "1e2",
        "-0.0",
        "0.5",
        "2147483648",
        "1e300",
        "18446744073709551615",
        "\"\"",
        "\"5\"",
        "\"-7\"",
        "\"NaN\"",
        "\"-Infinity\"",
        "\"abcd\"",
        "\"a\\u00e9\"",
        "\"GLAD\"",
        "\"MERRY\"",
        "\"2024-05-31T12:30:00.5+02:00\"",
        "\"-1.25s\"",
        "\"aB,c.dE\"",
        "[]",
        "[1,2]",
        "[\"a\",\"b\"]",
        "[null]",
        "[[1],{\"a\":null}]",
        "[\"SAD\",1]",
        "[{\"maybe\":0}]",
        "[\"0001-01-01T00:00:00Z\"]",
        "{}",
        "{\"a\":\"b\"}",
        "{\"1\":\"GLAD\"}",
        "{\"true\":{}}",
        "{\"3\":0.5}",
        "{\"a\":null,\"b\":[1,{}]}",
        "{\"anInt32\":3}",
        "{\"@type\":\"x/corners.Small\",\"size\":4}",
        "{\"size\":4,\"@type\":\"x/corners.Small\"}",
        "{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"3s\"}",
        "[{\"@type\":\"x/corners.All\",\"any\":{\"@type\":\"y/corners.Small\"}}]",
    ]);
    (names, values)
}

fn objects() -> impl Strategy<Value = String> {
    prop::collection::vec(members(), 1..5).prop_map(|members| {
        let members: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What both accept is the same message.
    #[test]
    fn the_second_opinion_agrees(json in objects()) {
        // It takes null for a list's value if it is one for the elements.
        prop_assume!(!json.contains("values\":null") && !json.contains("nulls\":null"));
        if let Ok(message) = read(&json, Unknown::Reject) {
            let oracle = GROUND.with(|ground| ground.oracle("corners.All", &json));
            if let Some(oracle) = oracle {
                prop_assert_eq!(shown(&message), shown(&oracle), "{}", json);
            }
        }
    }

    /// No text whatever makes it panic, and no error is without its place.
    #[test]
    fn anything_is_read_or_refused(
        json in objects(),
        at: prop::sample::Index,
        piece in "[-+.eEu0-9\\\\\"{}\\[\\],:a-z@_é\\n]{0,3}",
        unknown in prop::sample::select(vec![Unknown::Reject, Unknown::Ignore]),
    ) {
        let mut bytes = json.into_bytes();
        let at = at.index(bytes.len());
        bytes.splice(at..at + 1, piece.bytes());
        let read = GROUND.with(|ground| ground.read("corners.All", &bytes, unknown));
        if let Err(error) = read {
            prop_assert!(error.line >= 1 && error.column >= 1);
            prop_assert!(!error.expected.is_empty());
            prop_assert!(error.value.chars().count() <= 40);
        }
    }

    #[test]
    fn bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = GROUND.with(|ground| ground.read("corners.All", &bytes, Unknown::Ignore));
    }

    /// However many digits a number has, it is read as Rust reads it.
    #[test]
    fn numbers_are_exact(text in "-?(0|[1-9][0-9]{0,24})") {
        let number = |json: String, place: &str| {
            let read = read(&json, Unknown::Reject).ok()?;
            shown(&read).pointer(place).map(ToString::to_string)
        };
        let int64 = text.parse().ok().filter(|number: &i64| *number != 0);
        prop_assert_eq!(
            number(format!(r#"{{"anInt64":{text}}}"#), "/anInt64"),
            int64.map(|number| format!("\"{number}\""))
        );
        let double: f64 = text.parse().expect("a number");
        prop_assert_eq!(
            number(format!(r#"{{"doubles":[{text}]}}"#), "/doubles/0"),
            Some(serde_json::json!(double).to_string())
        );
        let float: f32 = text.parse().expect("a number");
        prop_assert_eq!(
            number(format!(r#"{{"floats":[{text}]}}"#), "/floats/0"),
            Some(serde_json::json!(f64::from(float)).to_string())
        );
    }
}
