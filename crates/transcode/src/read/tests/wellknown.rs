//! Messages whose JSON is not an object with a member for each field.

use super::*;

#[test]
fn times() {
    check_same(r#"{"time":"1970-01-01T00:00:00Z"}"#);
    check_same(r#"{"time":"0001-01-01T00:00:00Z"}"#);
    check_same(r#"{"time":"9999-12-31T23:59:59.999999999Z"}"#);
    check(
        r#"{"time":"1970-01-01T01:00:00.5+01:00"}"#,
        r#"{"time":"1970-01-01T00:00:00.500Z"}"#,
    );
    check_same(r#"{"times":["1969-12-31T23:59:59.500Z"]}"#);
    refused(r#"{"time":"1970-01-01"}"#, "time", "a time from");
    refused(r#"{"time":0}"#, "time", "a time from");
    refused(r#"{"time":{"seconds":1}}"#, "time", "a time from");
    check_same(r#"{"length":"-1.500s"}"#);
    check_same(r#"{"length":"315576000000s"}"#);
    refused(r#"{"length":"1"}"#, "length", "seconds from");
    refused(r#"{"length":1}"#, "length", "seconds from");
}

#[test]
fn masks() {
    check_same(r#"{"mask":"a,bC.dE1,f"}"#);
    check(r#"{"mask":",a,,b"}"#, r#"{"mask":"a,b"}"#);
    check_same(r#"{"mask":""}"#);
    refused(r#"{"mask":"a_b"}"#, "mask", "lowerCamelCase");
    refused(r#"{"mask":["a"]}"#, "mask", "lowerCamelCase");
}

#[test]
fn wrappers() {
    check_same(
        r#"{"wrappedDouble":0.5,"wrappedFloat":0.25,"wrappedInt64":"1","wrappedUint64":"2"}"#,
    );
    check_same(
        r#"{"wrappedInt32":0,"wrappedUint32":0,"wrappedBool":false,"wrappedString":"","wrappedBytes":""}"#,
    );
    check(
        r#"{"wrappedInt64":5,"wrappedInt32":"6"}"#,
        r#"{"wrappedInt64":"5","wrappedInt32":6}"#,
    );
    refused(
        r#"{"wrappedInt32":{"value":1}}"#,
        "wrappedInt32",
        "a whole number",
    );
    refused(
        r#"{"wrappedUint32":-1}"#,
        "wrappedUint32",
        "a whole number from 0",
    );
}

#[test]
fn values() {
    check_same(r#"{"value":{"a":[1.5,"b",true,null,{"c":{}}],"d":"NaN"}}"#);
    check_same(r#"{"value":[]}"#);
    check_same(r#"{"object":{},"list":[]}"#);
    check_same(r#"{"object":{"a":null},"list":[null,[[]]]}"#);
    check_same(r#"{"values":[null,"a",[null]],"valuesByName":{"a":null}}"#);
    check(r#"{"value":1}"#, r#"{"value":1.0}"#);
    check_same(r#"{"nulls":[null,null]}"#);
    check(r#"{"nulls":["NULL_VALUE",0]}"#, r#"{"nulls":[null,null]}"#);
    refused(r#"{"value":1e400}"#, "value", "a number");
    refused(r#"{"object":[]}"#, "object", "an object");
    refused(r#"{"list":{}}"#, "list", "a list");
    refused(
        r#"{"object":{"a":{"b":1,"b":2}}}"#,
        r#"object["a"]["b"]"#,
        "given more than once",
    );
    refused(r#"{"null":"null"}"#, "null", "NULL_VALUE");
    refused(r#"{"values":[[1e400]]}"#, "values[0][0]", "a number");
}

#[test]
fn anys() {
    let url = "type.googleapis.com/corners.Small";
    check_same(&format!(r#"{{"any":{{"@type":"{url}","size":3}}}}"#));
    check_same(
        r#"{"any":{"@type":"x/corners.All","anInt32":1,"inner":{"any":{"@type":"y/corners.Small"}}}}"#,
    );
    check_same(r#"{"any":{"@type":"x/google.protobuf.Duration","value":"1s"}}"#);
    check_same(r#"{"any":{"@type":"x/google.protobuf.Value","value":null}}"#);
    check_same(
        r#"{"any":{"@type":"x/google.protobuf.Struct","value":{"@type":1.5,"value":null}}}"#,
    );
    check_same(r#"{"any":{"@type":"x/google.protobuf.Int32Value","value":5}}"#);
    check_same(
        r#"{"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/corners.Small","size":1}}}"#,
    );
    let empty = r#"{"any":{"@type":"x/google.protobuf.Empty","value":{}}}"#;
    check_same(empty);
    check(r#"{"any":{"@type":"x/google.protobuf.Empty"}}"#, empty);
    assert!(read(r#"{"any":{}}"#, Unknown::Reject).is_ok());
}

#[test]
fn the_type_of_an_any_may_come_late() {
    let check = |json: &str| {
        let early = r#"{"anys":[{"@type":"x/corners.All","aBool":true,
            "any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/corners.Small","size":1}}}]}"#;
        let early = read(early, Unknown::Reject).map(|read| shown(&read));
        assert_eq!(
            read(json, Unknown::Reject).map(|read| shown(&read)),
            early,
            "{json}"
        );
    };
    check(
        r#"{"anys":[{"aBool":true,"any":{"value":{"size":1,"@type":"x/corners.Small"},
            "@type":"x/google.protobuf.Any"},"@type":"x/corners.All"}]}"#,
    );
    check(
        r#"{"anys":[{"@type":"x/corners.All","any":{"value":{"size":1,"\u0040type":"x/corners.Small"},
            "@type":"x/google.protobuf.Any"},"aBool":true}]}"#,
    );
    // Side by side, each for itself.
    check_same(
        r#"{"anys":[{"@type":"x/corners.Small","size":1},{"@type":"x/corners.Small","size":2}]}"#,
    );
    super::check(
        r#"{"anys":[{"size":1,"@type":"x/corners.Small"},{"size":2,"@type":"x/corners.Small"}]}"#,
        r#"{"anys":[{"@type":"x/corners.Small","size":1},{"@type":"x/corners.Small","size":2}]}"#,
    );
}

#[test]
fn no_anys() {
    refused(
        r#"{"any":{"size":1}}"#,
        "any",
        "an object with a member \"@type\"",
    );
    refused(r#"{"any":"x"}"#, "any", "an object");
    refused(r#"{"any":{"@type":1}}"#, "any.@type", "the URL of a type");
    refused(r#"{"any":{"@type":""}}"#, "any.@type", "the URL of a type");
    refused(
        r#"{"any":{"@type":"corners.Small"}}"#,
        "any.@type",
        "the URL of a type",
    );
    refused(
        r#"{"any":{"@type":"x/corners.None"}}"#,
        "any.@type",
        "corners.None is not",
    );
    refused(
        r#"{"any":{"@type":"x/"}}"#,
        "any.@type",
        "a type that is known here",
    );
    refused(
        r#"{"any":{"@type":"x/corners.Small","sise":1}}"#,
        "any.sise",
        "a field of corners.Small",
    );
    refused(
        r#"{"any":{"@type":"x/corners.Small","size":"x"}}"#,
        "any.size",
        "a whole number",
    );
    let twice = "given more than once";
    refused(
        r#"{"any":{"@type":"x/corners.Small","@type":"x/corners.Small"}}"#,
        "any.@type",
        twice,
    );
    refused(
        r#"{"any":{"@type":"x/google.protobuf.Duration"}}"#,
        "any",
        "a member \"value\"",
    );
    let duration = r#""@type":"x/google.protobuf.Duration","value":"1s""#;
    refused(
        &format!(r#"{{"any":{{{duration},"value":"2s"}}}}"#),
        "any.value",
        twice,
    );
    refused(
        &format!(r#"{{"any":{{{duration},"a":1}}}}"#),
        "any.a",
        "no member but",
    );
    refused(
        r#"{"any":{"@type":"x/google.protobuf.Duration","value":null}}"#,
        "any.value",
        "seconds",
    );
    refused(
        r#"{"any":{"@type":"x/google.protobuf.Int32Value","value":null}}"#,
        "any.value",
        "whole",
    );
}

/// A message that is a value by itself, as the whole text.
#[test]
fn the_whole_text() {
    let check = |message: &str, json: &str| {
        GROUND.with(|ground| {
            let wire = ground.read(message, json.as_bytes(), Unknown::Reject);
            let wire = wire.map_err(|error| error.to_string());
            let read = wire.map(|wire| ground.message(message, &wire));
            let oracle = ground.oracle(message, json).ok_or_else(String::new);
            assert_eq!(read, oracle, "{message} {json}");
        });
    };
    check("google.protobuf.Timestamp", r#""2024-05-31T12:30:00Z""#);
    check("google.protobuf.Int64Value", r#" "5" "#);
    check("google.protobuf.Value", "null");
    check("google.protobuf.Value", "[1,{\"a\":[]}]");
    check("google.protobuf.Struct", "{\"a\":1}");
    check("google.protobuf.ListValue", "[1]");
    check("google.protobuf.Empty", "{}");
    check(
        "google.protobuf.Any",
        r#"{"@type":"x/corners.Small","size":1}"#,
    );
}

/// What `prost-reflect` accepts and we do not, and the other way round.
#[test]
fn deliberate_differences() {
    let accepted = |json: &str| {
        let ours = read(json, Unknown::Reject).is_ok();
        let theirs = GROUND.with(|ground| ground.oracle("corners.All", json).is_some());
        (ours, theirs)
    };
    for json in [
        // A number in quotes follows JSON's grammar.
        r#"{"anInt32":"+1"}"#,
        r#"{"anInt32":"01"}"#,
        r#"{"aDouble":"inf"}"#,
        r#"{"aDouble":"1e400"}"#,
        // No rounding into range.
        r#"{"anInt64":9.223372036854775808e18}"#,
        // A seconds count has no place for it.
        r#"{"time":"1972-06-30T23:59:60Z"}"#,
        // Nothing is given twice.
        r#"{"anInt32":1,"an_int32":2}"#,
        r#"{"labels":{"a":"b","a":"c"}}"#,
        r#"{"object":{"a":1,"a":2}}"#,
    ] {
        assert_eq!(accepted(json), (false, true), "{json}");
    }
    for json in [
        r#"{"anInt32":"1e3"}"#,
        r#"{"moodsById":{"1e1":1}}"#,
        r#"{"mood":1.0}"#,
        r#"{"null":0}"#,
        // An Any may be empty, and Empty is a message like any other.
        r#"{"any":{}}"#,
        r#"{"any":{"@type":"x/google.protobuf.Empty"}}"#,
    ] {
        assert_eq!(accepted(json), (true, false), "{json}");
    }
}
