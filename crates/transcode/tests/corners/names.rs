//! The names of members, and what the options change of them.

use prost::Message;
use transcode::{Defaults, Enums, Names, WriteOptions};

use crate::{
    ALL, CORNERS, check_json, check_reads, check_reads_or_rejects, check_rejects, check_writes,
    check_writes_with, id, parsed, run,
};

const NAMES: &str = "corners.Names";
const INNER: &str = "corners.Inner";

#[test]
fn both_names_are_read() {
    check_reads(
        NAMES,
        &[
            (r#"{"plain": 1}"#, "plain: 1"),
            (r#"{"snakeCase": 1}"#, "snake_case: 1"),
            (r#"{"snake_case": 1}"#, "snake_case: 1"),
            (r#"{"Leading": 1}"#, "_leading: 1"),
            (r#"{"_leading": 1}"#, "_leading: 1"),
            (r#"{"doubleUnderscore": 1}"#, "double__underscore_: 1"),
            (r#"{"double__underscore_": 1}"#, "double__underscore_: 1"),
            (r#"{"digit0inside": 1}"#, "digit0inside: 1"),
            (r#"{"digit0Alone": 1}"#, "digit_0_alone: 1"),
            (r#"{"digit_0_alone": 1}"#, "digit_0_alone: 1"),
            (r#"{"camelCase": 1}"#, "camelCase: 1"),
            (r#"{"PascalCase": 1}"#, "PascalCase: 1"),
            (r#"{"snakeUpper": 1}"#, "snake_Upper: 1"),
            (r#"{"PascalUpper": 1}"#, "Pascal_Upper: 1"),
            (r#"{"ALLUPPER": 1}"#, "ALL_UPPER: 1"),
            (r#"{"HALFUpper": 1}"#, "HALF_upper: 1"),
            (r#"{"TwoLeading": 1}"#, "__two_leading: 1"),
            (r#"{"twoTrailing": 1}"#, "two_trailing__: 1"),
            (r#"{"otherwise": 1}"#, "given: 1"),
            (r#"{"given": 1}"#, "given: 1"),
            (r#"{"a \"b\"\\ é": 1}"#, "odd: 1"),
            (r#"{"a \u0022b\"\u005c \u00e9": 1}"#, "odd: 1"),
            (r#"{"pl\u0061in": 1}"#, "plain: 1"),
            (r#"{"largeNumber": 1}"#, "large_number: 1"),
        ],
    );
    check_rejects(
        NAMES,
        &[
            (r#"{"Plain": 1}"#, "Plain"),
            (r#"{"plain ": 1}"#, "plain "),
            (r#"{"": 1}"#, ""),
            (r#"{"snake-case": 1}"#, "snake-case"),
            (r#"{"1": 1}"#, "1"),
            (r#"{plain: 1}"#, "*"),
        ],
    );
}

#[test]
fn the_json_name_is_written() {
    let rows = [
        ("plain: 1", r#"{"plain":1}"#),
        ("snake_case: 1", r#"{"snakeCase":1}"#),
        ("_leading: 1", r#"{"Leading":1}"#),
        ("double__underscore_: 1", r#"{"doubleUnderscore":1}"#),
        ("digit_0_alone: 1", r#"{"digit0Alone":1}"#),
        ("PascalCase: 1", r#"{"PascalCase":1}"#),
        ("ALL_UPPER: 1", r#"{"ALLUPPER":1}"#),
        ("given: 1", r#"{"otherwise":1}"#),
        ("odd: 1", r#"{"a \"b\"\\ é":1}"#),
        ("large_number: 1", r#"{"largeNumber":1}"#),
    ];
    check_writes(NAMES, &rows);
    let original = WriteOptions {
        names: Names::Original,
        ..WriteOptions::default()
    };
    check_writes_with(
        NAMES,
        &original,
        &[
            (
                "snake_case: 1 given: 2 odd: 3",
                r#"{"snake_case":1,"given":2,"odd":3}"#,
            ),
            (
                "_leading: 1 ALL_UPPER: 2",
                r#"{"_leading":1,"ALL_UPPER":2}"#,
            ),
        ],
    );
    check_writes_with(
        ALL,
        &original,
        &[
            (
                "an_inner: {inner: {a: 1}}",
                r#"{"an_inner":{"inner":{"a":1}}}"#,
            ),
            // These are names of no field.
            (
                "struct: {fields: {key: 'a_b' value: {bool_value: true}}}",
                r#"{"struct":{"a_b":true}}"#,
            ),
            (
                "by_string: {key: 'a_b' value: 'c_d'}",
                r#"{"by_string":{"a_b":"c_d"}}"#,
            ),
            ("mask: {paths: 'a_b'}", r#"{"mask":"aB"}"#),
        ],
    );
}

/// The mapping leaves it open whether that is an error or the last one counts; an
/// error hides nothing.
#[test]
fn a_member_twice_is_refused() {
    check_rejects(
        ALL,
        &[
            (r#"{"anInt32": 1, "anInt32": 2}"#, "anInt32"),
            (r#"{"anInt32": 1, "an_int32": 2}"#, "anInt32"),
            (r#"{"anInt32": 1, "anInt\u00332": 2}"#, "anInt32"),
            (r#"{"anInner": {"a": 1}, "anInner": {}}"#, "anInner"),
            (r#"{"an_inner": {"a": 1}, "anInner": {}}"#, "anInner"),
            (r#"{"anInner": {"a": 1, "a": 1}}"#, "anInner.a"),
            (r#"{"int32s": [1], "int32s": [2]}"#, "int32s"),
            (r#"{"int32s": [], "int32s": []}"#, "int32s"),
            (r#"{"byInt32": {}, "byInt32": {}}"#, "byInt32"),
            (r#"{"byInt32": {"1": 1, "1": 2}}"#, r#"byInt32["1"]"#),
            (r#"{"byInt32": {"1": 1, "1e0": 2}}"#, r#"byInt32["1e0"]"#),
            (
                r#"{"byString": {"a": "1", "\u0061": "2"}}"#,
                r#"byString["a"]"#,
            ),
            (
                r#"{"byBool": {"true": true, "true": true}}"#,
                r#"byBool["true"]"#,
            ),
            (r#"{"struct": {"a": 1, "a": 2}}"#, r#"struct["a"]"#),
            (r#"{"value": 1, "value": 2}"#, "value"),
            (
                r#"{"value": {"a": {"b": 1, "b": 2}}}"#,
                r#"value["a"]["b"]"#,
            ),
            (r#"{"mask": "a", "mask": "b"}"#, "mask"),
            (
                r#"{"any": {"@type": "a/corners.Inner", "@type": "a/corners.Inner"}}"#,
                "any.@type",
            ),
            (
                r#"{"any": {"a": 1, "@type": "a/corners.Inner", "a": 1}}"#,
                "any.a",
            ),
            (r#"{"oneUint32": 1, "oneString": "test"}"#, "oneString"),
            (r#"{"oneString": "test", "oneUint32": 1}"#, "oneUint32"),
            (r#"{"oneUint32": 1, "oneUint32": 2}"#, "oneUint32"),
        ],
    );
    // Null counts as given here, though not within a oneof.
    check_reads_or_rejects(ALL, &[(r#"{"maybeInt32": 1, "maybeInt32": null}"#, "")]);
}

#[test]
fn one_of_a_oneof() {
    check_reads(
        ALL,
        &[
            (
                r#"{"oneUint32": null, "oneString": "test"}"#,
                "one_string: 'test'",
            ),
            (
                r#"{"oneString": "test", "oneUint32": null}"#,
                "one_string: 'test'",
            ),
            (r#"{"oneString": null, "oneUint32": null}"#, ""),
            (r#"{"oneUint32": 0}"#, "one_uint32: 0"),
            (r#"{"oneInner": {}}"#, "one_inner: {}"),
            (r#"{"oneString": ""}"#, "one_string: ''"),
            (r#"{"oneBytes": ""}"#, "one_bytes: ''"),
            (r#"{"oneBool": false}"#, "one_bool: false"),
            (r#"{"oneDouble": 0.0}"#, "one_double: 0"),
            (r#"{"oneColor": "COLORLESS"}"#, "one_color: COLORLESS"),
            (r#"{"oneNull": null}"#, "one_null: NULL_VALUE"),
            (r#"{"oneNull": "NULL_VALUE"}"#, "one_null: NULL_VALUE"),
        ],
    );
    check_writes(
        ALL,
        &[
            ("one_uint32: 0", r#"{"oneUint32":0}"#),
            ("one_string: ''", r#"{"oneString":""}"#),
            ("one_bytes: ''", r#"{"oneBytes":""}"#),
            ("one_bool: false", r#"{"oneBool":false}"#),
            ("one_inner: {}", r#"{"oneInner":{}}"#),
            ("one_color: COLORLESS", r#"{"oneColor":"COLORLESS"}"#),
            ("one_null: NULL_VALUE", r#"{"oneNull":null}"#),
        ],
    );
}

#[test]
fn defaults_are_written_on_demand() {
    let options = WriteOptions {
        defaults: Defaults::Write,
        ..WriteOptions::default()
    };
    check_writes_with(
        INNER,
        &options,
        &[
            ("", r#"{"a":0,"text":""}"#),
            ("a: 1", r#"{"a":1,"text":""}"#),
            (
                "inner: {}",
                r#"{"a":0,"inner":{"a":0,"text":""},"text":""}"#,
            ),
        ],
    );
    // Fields with presence are not among them, well-known messages have no members.
    check_writes_with(
        ALL,
        &options,
        &[(
            "",
            concat!(
                r#"{"anInt32":0,"anInt64":"0","aUint32":0,"aUint64":"0","aSint32":0,"aSint64":"0","#,
                r#""aFixed32":0,"aFixed64":"0","aSfixed32":0,"aSfixed64":"0","aFloat":0,"aDouble":0,"#,
                r#""aBool":false,"aString":"","someBytes":"","aColor":"COLORLESS","anAlias":"NOTHING","#,
                r#""aNull":null,"int32s":[],"int64s":[],"doubles":[],"bools":[],"strings":[],"#,
                r#""byteStrings":[],"colors":[],"inners":[],"unpacked":[],"fixed32s":[],"nulls":[],"#,
                r#""byString":{},"byInt32":{},"byInt64":{},"byUint32":{},"byUint64":{},"byBool":{},"#,
                r#""colorsByString":{},"innersByString":{},"bySint32":{},"valuesByString":{},"#,
                r#""doublesByString":{},"anys":[],"timestamps":[],"durations":[],"values":[],"#,
                r#""lists":[],"structs":[],"int64Values":[]}"#,
            ),
        )],
    );
    check_writes_with("google.protobuf.Struct", &options, &[("", "{}")]);
    check_writes_with("google.protobuf.Int64Value", &options, &[("", r#""0""#)]);
    check_writes_with("google.protobuf.Empty", &options, &[("", "{}")]);
    check_writes_with(
        "google.protobuf.Any",
        &options,
        &[
            ("", "{}"),
            (
                "[type.googleapis.com/corners.Inner] {}",
                r#"{"@type":"type.googleapis.com/corners.Inner","a":0,"text":""}"#,
            ),
        ],
    );
}

#[test]
fn enums_are_numbers_on_demand() {
    let options = WriteOptions {
        enums: Enums::Numbers,
        ..WriteOptions::default()
    };
    check_writes_with(
        ALL,
        &options,
        &[
            ("a_color: RED", r#"{"aColor":1}"#),
            ("a_color: INFRARED", r#"{"aColor":-1}"#),
            ("colors: [RED, COLORLESS]", r#"{"colors":[1,0]}"#),
            (
                "colors_by_string: {key: 'a' value: GREEN}",
                r#"{"colorsByString":{"a":2}}"#,
            ),
            ("one_color: COLORLESS", r#"{"oneColor":0}"#),
            // Null is no number.
            ("one_null: NULL_VALUE", r#"{"oneNull":null}"#),
            (
                "any: {[a/corners.All] {a_color: RED}}",
                r#"{"any":{"@type":"a/corners.All","aColor":1}}"#,
            ),
        ],
    );
}

/// A field alone: message, path, JSON.
#[test]
fn a_field_alone() {
    let inner =
        "an_inner: {a: 1 inner: {text: 'b'}} int32s: [1, 2] an_int64: 5 timestamp: {seconds: 1}";
    let rows = [
        (inner, "an_inner", r#"{"a":1,"inner":{"text":"b"}}"#),
        (inner, "an_inner.a", "1"),
        (inner, "anInner.inner.text", r#""b""#),
        (inner, "int32s", "[1,2]"),
        (inner, "an_int64", r#""5""#),
        (inner, "timestamp", r#""1970-01-01T00:00:01Z""#),
        // What is not there.
        (inner, "an_inner.inner.a", "0"),
        (inner, "an_inner.inner.inner", "null"),
        ("", "an_inner.inner.text", r#""""#),
        ("", "an_int32", "0"),
        ("", "an_int64", r#""0""#),
        ("", "a_double", "0"),
        ("", "a_bool", "false"),
        ("", "a_string", r#""""#),
        ("", "some_bytes", r#""""#),
        ("", "a_color", r#""COLORLESS""#),
        ("", "int32s", "[]"),
        ("", "inners", "[]"),
        ("", "by_string", "{}"),
        ("", "an_inner", "null"),
        ("", "timestamp", "null"),
        ("an_inner: {}", "an_inner", "{}"),
        ("struct: {}", "struct", "{}"),
        ("by_int32: {key: 1 value: 2}", "by_int32", r#"{"1":2}"#),
        ("inners: {a: 1} inners: {}", "inners", r#"[{"a":1},{}]"#),
    ];
    run(&rows, |(text, path, json)| {
        let wire = parsed(ALL, text).encode_to_vec();
        let field = CORNERS.schema.field_path(id(ALL), path).expect("a path");
        let mut out = Vec::new();
        let written = CORNERS
            .schema
            .write_field(&field, &wire, &WriteOptions::default(), &mut out);
        let written = written.map(|()| String::from_utf8(out).expect("JSON is UTF-8"));
        check_json(&format!("{path} of {text:?}"), written, json)
    });
}

/// Members without braces: message, its text, JSON.
#[test]
fn members_alone() {
    let rows = [
        (ALL, "", ""),
        (ALL, "an_int32: 1", r#""anInt32":1"#),
        (INNER, "a: 1 text: 'b'", r#""a":1,"text":"b""#),
        (
            "google.protobuf.Timestamp",
            "",
            r#""value":"1970-01-01T00:00:00Z""#,
        ),
        ("google.protobuf.Int64Value", "value: 5", r#""value":"5""#),
        ("google.protobuf.ListValue", "", r#""value":[]"#),
        ("google.protobuf.Empty", "", ""),
    ];
    run(&rows, |(message, text, json)| {
        let wire = parsed(message, text).encode_to_vec();
        let mut out = b"{".to_vec();
        let written =
            CORNERS
                .schema
                .write_members(id(message), &wire, &WriteOptions::default(), &mut out);
        out.push(b'}');
        let written = written.map(|()| String::from_utf8(out).expect("JSON is UTF-8"));
        check_json(
            &format!("the members of {text:?}"),
            written,
            &format!("{{{json}}}"),
        )
    });
}
