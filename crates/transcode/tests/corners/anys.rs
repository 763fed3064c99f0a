//! `google.protobuf.Any`: a message beside its type.

use prost::Message;
use transcode::{UnknownAny, WriteOptions};

use crate::{
    ALL, check_has_no_json, check_json, check_reads, check_reads_or_rejects, check_rejects,
    check_writes, parsed, run, write,
};

#[test]
fn anys_are_read() {
    check_reads(
        ALL,
        &[
            (
                r#"{"any": {"@type": "type.googleapis.com/corners.Inner", "a": 12345}}"#,
                "any: {[type.googleapis.com/corners.Inner] {a: 12345}}",
            ),
            (
                r#"{"any": {"a": 12345, "@type": "type.googleapis.com/corners.Inner"}}"#,
                "any: {[type.googleapis.com/corners.Inner] {a: 12345}}",
            ),
            (
                r#"{"any": {"inner": {"a": 1}, "@type": "a/corners.Inner", "text": "b"}}"#,
                "any: {[a/corners.Inner] {inner: {a: 1} text: 'b'}}",
            ),
            (
                r#"{"any": {"@type": "example.org/types/corners.Inner"}}"#,
                "any: {type_url: 'example.org/types/corners.Inner'}",
            ),
            (
                r#"{"any": {"\u0040type": "a\/corners.Inner"}}"#,
                "any: {type_url: 'a/corners.Inner'}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Any", "value": {"@type": "b/corners.Inner", "a": 1}}}"#,
                "any: {[a/google.protobuf.Any] {[b/corners.Inner] {a: 1}}}",
            ),
            (
                r#"{"any": {"value": {"a": 1, "@type": "b/corners.Inner"}, "@type": "a/google.protobuf.Any"}}"#,
                "any: {[a/google.protobuf.Any] {[b/corners.Inner] {a: 1}}}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Int32Value", "value": 12345}}"#,
                "any: {[a/google.protobuf.Int32Value] {value: 12345}}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Duration", "value": "1.5s"}}"#,
                "any: {[a/google.protobuf.Duration] {seconds: 1 nanos: 500000000}}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Timestamp", "value": "1970-01-01T00:00:00Z"}}"#,
                "any: {type_url: 'a/google.protobuf.Timestamp'}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.FieldMask", "value": "foo,barBaz"}}"#,
                "any: {[a/google.protobuf.FieldMask] {paths: ['foo', 'bar_baz']}}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Struct", "value": {"foo": 1}}}"#,
                "any: {[a/google.protobuf.Struct] {fields: {key: 'foo' value: {number_value: 1}}}}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Value", "value": {"foo": 1}}}"#,
                "any: {[a/google.protobuf.Value] {struct_value: {fields: {key: 'foo' value: {number_value: 1}}}}}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Value", "value": 1}}"#,
                "any: {[a/google.protobuf.Value] {number_value: 1}}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Value", "value": null}}"#,
                "any: {[a/google.protobuf.Value] {null_value: NULL_VALUE}}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.ListValue", "value": []}}"#,
                "any: {type_url: 'a/google.protobuf.ListValue'}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Empty"}}"#,
                "any: {type_url: 'a/google.protobuf.Empty'}",
            ),
            (r#"{"any": {}}"#, "any: {}"),
            (
                r#"{"anys": [{}, {"@type": "a/corners.Inner", "a": 1}]}"#,
                "anys: {} anys: {[a/corners.Inner] {a: 1}}",
            ),
        ],
    );
    check_reads_or_rejects(
        ALL,
        &[
            (
                r#"{"any": {"@type": "a/google.protobuf.Empty", "value": {}}}"#,
                "any: {type_url: 'a/google.protobuf.Empty'}",
            ),
            (
                r#"{"any": {"@type": "a/corners.Inner", "@type": "a/corners.Inner"}}"#,
                "any: {type_url: 'a/corners.Inner'}",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Duration", "value": null}}"#,
                "any: {type_url: 'a/google.protobuf.Duration'}",
            ),
            (
                r#"{"any": {"@type": "/corners.Inner"}}"#,
                "any: {type_url: '/corners.Inner'}",
            ),
        ],
    );
    check_rejects(
        ALL,
        &[
            (r#"{"any": {"@type": "", "value": ""}}"#, "*"),
            (r#"{"any": {"@type": "not_a_url", "value": ""}}"#, "*"),
            (r#"{"any": {"@type": "corners.Inner"}}"#, "*"),
            (r#"{"any": {"@type": "a/"}}"#, "*"),
            (r#"{"any": {"@type": "a/corners.NoSuchMessage"}}"#, "*"),
            (r#"{"any": {"@type": "a/corners.Color"}}"#, "*"),
            (r#"{"any": {"@type": 1}}"#, "*"),
            (r#"{"any": {"@type": null}}"#, "*"),
            (r#"{"any": {"a": 1}}"#, "*"),
            (r#"{"any": {"value": 1}}"#, "*"),
            (r#"{"any": {"@type": "a/corners.Inner", "b": 1}}"#, "any.b"),
            (r#"{"any": {"b": 1, "@type": "a/corners.Inner"}}"#, "any.b"),
            (
                r#"{"any": {"@type": "a/corners.Inner", "a": "x"}}"#,
                "any.a",
            ),
            (
                r#"{"any": {"a": "x", "@type": "a/corners.Inner"}}"#,
                "any.a",
            ),
            (
                r#"{"any": {"@type": "a/corners.Inner", "value": {}}}"#,
                "any.value",
            ),
            (
                r#"{"any": {"@type": "a/google.protobuf.Duration", "value": "x"}}"#,
                "any.value",
            ),
            (r#"{"any": {"@type": "a/google.protobuf.Duration"}}"#, "*"),
            (
                r#"{"any": {"@type": "a/google.protobuf.Duration", "value": "1s", "x": 1}}"#,
                "*",
            ),
            (r#"{"any": []}"#, "any"),
            (r#"{"any": "a/corners.Inner"}"#, "any"),
            (r#"{"any": {"@type": "a/corners.Inner",}}"#, "*"),
            (r#"{"any": {"a": 1,, "@type": "a/corners.Inner"}}"#, "*"),
        ],
    );
}

#[test]
fn anys_are_written() {
    check_writes(
        ALL,
        &[
            ("any: {}", r#"{"any":{}}"#),
            (
                "any: {[a/corners.Inner] {a: 1}}",
                r#"{"any":{"@type":"a/corners.Inner","a":1}}"#,
            ),
            (
                "any: {type_url: 'a/corners.Inner'}",
                r#"{"any":{"@type":"a/corners.Inner"}}"#,
            ),
            (
                "any: {type_url: 'a/google.protobuf.Empty'}",
                r#"{"any":{"@type":"a/google.protobuf.Empty"}}"#,
            ),
            (
                "any: {[a/google.protobuf.Duration] {seconds: 1}}",
                r#"{"any":{"@type":"a/google.protobuf.Duration","value":"1s"}}"#,
            ),
            (
                "any: {[a/google.protobuf.Int64Value] {value: 1}}",
                r#"{"any":{"@type":"a/google.protobuf.Int64Value","value":"1"}}"#,
            ),
            (
                "any: {[a/google.protobuf.Any] {[b/corners.Inner] {a: 1}}}",
                r#"{"any":{"@type":"a/google.protobuf.Any","value":{"@type":"b/corners.Inner","a":1}}}"#,
            ),
            (
                "any: {[a/google.protobuf.Any] {}}",
                r#"{"any":{"@type":"a/google.protobuf.Any","value":{}}}"#,
            ),
            (
                "any: {[a/corners.All] {an_int64: 1}}",
                r#"{"any":{"@type":"a/corners.All","anInt64":"1"}}"#,
            ),
        ],
    );
    check_has_no_json(
        ALL,
        &[
            "any: {type_url: 'a/corners.NoSuchMessage'}",
            "any: {type_url: 'not_a_url' value: 'x'}",
            r"any: {type_url: 'a/corners.Inner' value: '\x08'}",
            r"any: {type_url: 'a/corners.Inner' value: '\x1a\x01\xff'}",
            "any: {value: 'x'}",
        ],
    );
}

/// Where the type is not known, the bytes, if that is asked for.
#[test]
fn an_any_of_unknown_type() {
    let options = WriteOptions {
        unknown_any: UnknownAny::Base64,
        ..WriteOptions::default()
    };
    let rows = [
        (
            r"any: {type_url: 'a/b.C' value: '\x08\x01'}",
            r#"{"any":{"@type":"a/b.C","value":"CAE="}}"#,
        ),
        (
            "any: {type_url: 'a/b.C'}",
            r#"{"any":{"@type":"a/b.C","value":""}}"#,
        ),
        (
            "any: {[a/corners.Inner] {a: 1}}",
            r#"{"any":{"@type":"a/corners.Inner","a":1}}"#,
        ),
    ];
    run(&rows, |(text, json)| {
        let wire = parsed(ALL, text).encode_to_vec();
        check_json(text, write(ALL, &wire, &options), json)
    });
}
