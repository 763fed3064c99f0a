//! The messages with a JSON of their own.

use super::*;

#[test]
fn timestamps_and_durations() {
    let time = wire().int(1, 1_700_000_000).int(2, 120_000_000);
    check(
        "google.protobuf.Timestamp",
        &time,
        r#""2023-11-14T22:13:20.120Z""#,
    );
    check("google.protobuf.Duration", wire(), r#""0s""#);
    check(
        "google.protobuf.Duration",
        wire().int(1, 1).int(2, 500_000_000),
        r#""1.500s""#,
    );
    check(
        "google.protobuf.Duration",
        wire().int(1, -1).int(2, -1),
        r#""-1.000000001s""#,
    );
    check(
        "google.protobuf.Duration",
        wire().int(3, 1).int(2, -1_000),
        r#""-0.000001s""#,
    );
    check(
        "t.WellKnown",
        wire().bytes(20, time).bytes(20, ""),
        r#"{"timestamps":["2023-11-14T22:13:20.120Z","1970-01-01T00:00:00Z"]}"#,
    );
}

#[test]
fn field_masks() {
    let check = |paths: &[&str], expected: &str| {
        let mask = paths.iter().fold(wire(), |mask, path| mask.bytes(1, path));
        check("google.protobuf.FieldMask", mask, expected);
    };
    check(&[], r#""""#);
    check(&["a"], r#""a""#);
    check(&["foo_bar.baz_qux", "x1"], r#""fooBar.bazQux,x1""#);
    check(&["_foo.a_b_c"], r#""Foo.aBC""#);
}

#[test]
fn wrappers() {
    let all = wire()
        .bytes(10, wire().double(1, f64::NAN))
        .bytes(11, wire().fixed32(1, 0.1f32.to_le_bytes()))
        .bytes(12, wire().int(1, -1))
        .bytes(13, wire().varint(1, u64::MAX))
        .bytes(14, "")
        .bytes(15, wire().varint(1, 7))
        .bytes(16, wire().varint(1, 0))
        .bytes(17, wire().bytes(1, "a"))
        .bytes(18, wire().bytes(1, [0]));
    check(
        "t.WellKnown",
        all,
        "{\"wDouble\":\"NaN\",\"wFloat\":0.1,\"wInt64\":\"-1\",\
         \"wUint64\":\"18446744073709551615\",\"wInt32\":0,\"wUint32\":7,\"wBool\":false,\
         \"wString\":\"a\",\"wBytes\":\"AA==\"}",
    );
    check("google.protobuf.StringValue", wire(), r#""""#);
    check(
        "google.protobuf.UInt64Value",
        wire().bytes(2, "?"),
        r#""0""#,
    );
    check(
        "google.protobuf.BoolValue",
        wire().fixed32(1, [1; 4]),
        "false",
    );
}

#[test]
fn structs_and_values() {
    let check = |wire: Wire, expected| check("google.protobuf.Value", wire, expected);
    check(wire(), "null");
    check(wire().int(1, 0), "null");
    check(wire().double(2, 1e100), "1e+100");
    check(wire().double(2, 0.0), "0.0");
    check(wire().bytes(3, ""), r#""""#);
    check(wire().varint(4, 0), "false");
    check(wire().bytes(5, ""), "{}");
    check(wire().bytes(6, ""), "[]");
    check(wire().int(2, 5), "null");
    let member = |key: &str, value: Wire| wire().bytes(1, wire().bytes(1, key).bytes(2, value));
    let list = wire().bytes(1, wire().varint(4, 1)).bytes(1, "");
    check(
        wire().bytes(
            5,
            member("list", wire().bytes(6, list)).raw(member("", wire())),
        ),
        r#"{"list":[true,null],"":null}"#,
    );
}

#[test]
fn an_empty_list_value_is_a_value() {
    check("t.WellKnown", wire().bytes(7, ""), r#"{"list":[]}"#);
    check(
        "t.WellKnown",
        wire().bytes(6, wire().bytes(6, "")),
        r#"{"value":[]}"#,
    );
}

#[test]
fn an_empty_message_is_a_plain_one() {
    check(
        "t.WellKnown",
        wire().bytes(9, wire().int(1, 1)),
        r#"{"empty":{}}"#,
    );
}

#[test]
fn any() {
    let check = |wire: Wire, expected| check("google.protobuf.Any", wire, expected);
    let any = |url: &str, content: Wire| wire().bytes(1, url).bytes(2, content);
    check(wire(), "{}");
    check(wire().bytes(1, "").bytes(2, ""), "{}");
    check(
        any("type.googleapis.com/t.Small", wire().int(1, 1)),
        r#"{"@type":"type.googleapis.com/t.Small","value":1}"#,
    );
    check(any("a/b/t.Small", wire()), r#"{"@type":"a/b/t.Small"}"#);
    check(any("t.Small", wire()), r#"{"@type":"t.Small"}"#);
    check(
        wire().bytes(2, wire().int(1, 1)).bytes(1, "x/t.Small"),
        r#"{"@type":"x/t.Small","value":1}"#,
    );
    check(
        any("x/google.protobuf.Duration", wire().int(1, 1)),
        r#"{"@type":"x/google.protobuf.Duration","value":"1s"}"#,
    );
    check(
        any("x/google.protobuf.Empty", wire()),
        r#"{"@type":"x/google.protobuf.Empty"}"#,
    );
    check(
        any("x/google.protobuf.Any", any("x/t.Small", wire().int(1, 1))),
        r#"{"@type":"x/google.protobuf.Any","value":{"@type":"x/t.Small","value":1}}"#,
    );
    check(
        any("x/t.Choice", wire().int(1, 1).bytes(2, "b").int(5, 3)),
        r#"{"@type":"x/t.Choice","text":"b","other":3}"#,
    );
}

#[test]
fn an_any_of_an_unknown_type() {
    let any = wire().bytes(1, "x/who.Knows").bytes(2, [1, 2]);
    refused(
        "t.WellKnown",
        wire().bytes(1, &any),
        "t.WellKnown.any is an Any of the type \"x/who.Knows\", which no descriptor \
         describes; add its file to the descriptors, or have unknown types written as base64",
    );
    let options = WriteOptions {
        unknown_any: UnknownAny::Base64,
        ..WriteOptions::default()
    };
    check_with(
        options,
        "t.WellKnown",
        wire().bytes(1, any),
        r#"{"any":{"@type":"x/who.Knows","value":"AQI="}}"#,
    );
    // It has a name, but could be written in part only.
    let grouped = wire().bytes(1, "x/t2.Grouped");
    refused(
        "google.protobuf.Any",
        grouped,
        "google.protobuf.Any is an Any of the type \"x/t2.Grouped\", which no descriptor \
         describes; add its file to the descriptors, or have unknown types written as base64",
    );
}
