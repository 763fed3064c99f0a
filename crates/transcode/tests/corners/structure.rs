//! Blanks, commas and all that makes a JSON text; objects, and members that are not
//! known; depth and length.

use prost_reflect::DynamicMessage;
use transcode::{Unknown, WriteOptions};

use crate::{
    ALL, check_reads, check_reads_or_rejects, check_reads_with, check_rejects, check_writes,
    described, read, write,
};

#[test]
fn blanks_do_not_matter() {
    let both = "an_int32: 1 an_int64: 2";
    check_reads(
        ALL,
        &[
            ("{}", ""),
            (" \t\r\n{ } \n", ""),
            (r#"{"anInt32":1,"anInt64":2}"#, both),
            (r#"{ "anInt32" : 1 , "anInt64" : 2 }"#, both),
            ("{\n\"anInt32\"\n:\n1\n,\n\"anInt64\"\n:\n2\n}", both),
            ("{\r\n\t\"anInt32\"  :  1\r\n\t,\"anInt64\":2}\r\n", both),
            ("{\"int32s\":[ 1\t,\n2 ] }", "int32s: [1, 2]"),
            ("{\"int32s\":[\n]}", ""),
        ],
    );
}

#[test]
fn what_is_no_json_is_refused() {
    check_rejects(
        ALL,
        &[
            ("", "*"),
            (" \n", "*"),
            ("{", "*"),
            ("}", "*"),
            ("{}}", "*"),
            ("{}{}", "*"),
            ("{} x", "*"),
            ("{},", "*"),
            ("[", "*"),
            (r#"{"anInt32"}"#, "*"),
            (r#"{"anInt32":}"#, "*"),
            (r#"{"anInt32" 1}"#, "*"),
            (r#"{"anInt32"=1}"#, "*"),
            (r#"{"anInt32"::1}"#, "*"),
            (r#"{"anInt32":1"#, "*"),
            (r#"{"anInt32":1,}"#, "*"),
            (r#"{"anInt32":1 ,}"#, "*"),
            (r#"{"anInt32":1 , }"#, "*"),
            ("{\"anInt32\":1,\n}", "*"),
            (r#"{,"anInt32":1}"#, "*"),
            (r#"{"anInt32":1,,"anInt64":2}"#, "*"),
            (r#"{"anInt32": 1 "anInt64": 2}"#, "*"),
            ("{\n  \"anInt32\": 1\n  \"anInt64\": 2\n}", "*"),
            ("{ // a comment\n\"anInt32\": 1}", "*"),
            (r#"{"anInt32": 1 /* a comment */}"#, "*"),
            (r#"{"int32s":[1,2,]}"#, "*"),
            (r#"{"int32s":[1 , ]}"#, "*"),
            (r#"{"int32s":[,1]}"#, "*"),
            (r#"{"int32s":[1,,2]}"#, "*"),
            (r#"{"int32s":[1 2]}"#, "*"),
            (r#"{"int32s":[1}"#, "*"),
            (r#"{"int32s":[1"#, "*"),
            (r#"{"anInt32":nul}"#, "*"),
            (r#"{"anInt32":nullx}"#, "*"),
            (r#"{"anInt32":undefined}"#, "*"),
            ("{\"anInt32\":\u{a0}1}", "*"),
            ("{\"anInt32\":\u{c}1}", "*"),
            ("\u{feff}{}", "*"),
            ("{}\0", "*"),
        ],
    );
}

#[test]
fn a_message_is_an_object() {
    check_reads(
        ALL,
        &[
            (r#"{"anInner": {"a": 1234}}"#, "an_inner: {a: 1234}"),
            (r#"{"anInner": {}}"#, "an_inner: {}"),
            (
                r#"{"anInner": {"inner": {"inner": {"a": 1}}}}"#,
                "an_inner: {inner: {inner: {a: 1}}}",
            ),
            (
                r#"{"recursive": {"recursive": {"anInt32": 1}, "aBool": true}}"#,
                "recursive: {recursive: {an_int32: 1} a_bool: true}",
            ),
            (r#"{"empty": {}}"#, "empty: {}"),
        ],
    );
    check_rejects(
        ALL,
        &[
            ("null", ""),
            ("1", ""),
            (r#""a""#, ""),
            ("[]", ""),
            ("[{}]", ""),
            ("true", ""),
            (r#"{"anInner": 1}"#, "anInner"),
            (r#"{"anInner": "a"}"#, "anInner"),
            (r#"{"anInner": []}"#, "anInner"),
            (r#"{"anInner": [{}]}"#, "anInner"),
            (r#"{"anInner": {"a": "x"}}"#, "anInner.a"),
            (r#"{"anInner": {"inner": {"a": "x"}}}"#, "anInner.inner.a"),
            (r#"{"anInner": {"b": 1}}"#, "anInner.b"),
            (r#"{"empty": {"a": 1}}"#, "empty.a"),
            (r#"{"empty": []}"#, "empty"),
            (r#"{"unknown": 1}"#, "unknown"),
        ],
    );
    check_writes(
        ALL,
        &[
            ("", "{}"),
            ("an_inner: {}", r#"{"anInner":{}}"#),
            (
                "an_inner: {a: 1 inner: {text: 'b'}}",
                r#"{"anInner":{"a":1,"inner":{"text":"b"}}}"#,
            ),
            ("empty: {}", r#"{"empty":{}}"#),
        ],
    );
}

#[test]
fn members_that_are_not_known_are_ignored_on_demand() {
    check_reads_with(
        ALL,
        Unknown::Ignore,
        &[
            (r#"{"unknown": 1}"#, ""),
            (r#"{"unknown": "a\u0041"}"#, ""),
            (r#"{"unknown": true}"#, ""),
            (r#"{"unknown": false}"#, ""),
            (r#"{"unknown": null}"#, ""),
            (
                r#"{"unknown": {"a": [1, {"b": -1.5e-9}]}, "anInt32": 1}"#,
                "an_int32: 1",
            ),
            (r#"{"unknown": [], "unknown": {}}"#, ""),
            (r#"{"": 1}"#, ""),
            (r#"{"anInner": {"b": 1, "a": 2}}"#, "an_inner: {a: 2}"),
            (r#"{"inners": [{"b": 1}]}"#, "inners: {}"),
            (r#"{"empty": {"a": 1}}"#, "empty: {}"),
            (r#"{"aColor": "BLUE"}"#, ""),
            (r#"{"maybeColor": "BLUE"}"#, ""),
            (r#"{"colors": ["BLUE"]}"#, ""),
            (
                r#"{"colors": ["RED", "BLUE", "RED"]}"#,
                "colors: [RED, RED]",
            ),
            (r#"{"colorsByString": {"a": "BLUE"}}"#, ""),
            (
                r#"{"colorsByString": {"a": "RED", "b": "BLUE"}}"#,
                "colors_by_string: {key: 'a' value: RED}",
            ),
            (
                r#"{"any": {"@type": "a/corners.Inner", "b": 1, "a": 2}}"#,
                "any: {[a/corners.Inner] {a: 2}}",
            ),
        ],
    );
    // Known or not, it has to be JSON, and known fields keep their types.
    let refused = [
        r#"{"unknown": }"#,
        r#"{"unknown": [1,]}"#,
        r#"{"unknown": {"a"}}"#,
        r#"{"unknown": "\x"}"#,
        r#"{"unknown": "\uD800"}"#,
        r#"{"unknown": 01}"#,
        r#"{"unknown": nope}"#,
        r#"{"unknown": 1"#,
        "{\"unknown\": \"a\nb\"}",
        r#"{"anInt32": "x"}"#,
        r#"{"aColor": true}"#,
    ];
    for json in refused {
        assert!(
            read(ALL, json.as_bytes(), Unknown::Ignore).is_err(),
            "{json}"
        );
    }
}

#[test]
fn depth_is_limited() {
    let deep = |open: &str, levels: usize, inside: &str, close: &str| {
        format!("{}{inside}{}", open.repeat(levels), close.repeat(levels))
    };
    let recursive = |levels| deep(r#"{"recursive":"#, levels, "{}", "}");
    let list = |levels| format!(r#"{{"value": {}}}"#, deep("[", levels, "1", "]"));
    let structure = |levels| format!(r#"{{"struct": {}}}"#, deep(r#"{"n":"#, levels, "{}", "}"));
    let unknown = |levels| format!(r#"{{"unknown": {}}}"#, deep("[", levels, "1", "]"));
    let any = |levels| {
        let open = r#"{"@type":"a/google.protobuf.Any","value":"#;
        format!(r#"{{"any": {}}}"#, deep(open, levels, "{}", "}"))
    };
    let late = |levels| {
        let inside = deep(
            r#"{"value":"#,
            levels,
            "{}",
            r#","@type":"a/google.protobuf.Any"}"#,
        );
        format!(r#"{{"any": {inside}}}"#)
    };
    for json in [
        recursive(25),
        recursive(90),
        list(25),
        structure(25),
        unknown(25),
        any(10),
        late(10),
    ] {
        assert!(
            read(ALL, json.as_bytes(), Unknown::Ignore).is_ok(),
            "{json}"
        );
    }
    for levels in [200, 100_000] {
        for json in [
            recursive(levels),
            list(levels),
            structure(levels),
            any(levels),
            late(levels),
        ] {
            let start = &json[..60];
            assert!(
                read(ALL, json.as_bytes(), Unknown::Ignore).is_err(),
                "{start}"
            );
        }
        // Refused or passed over, but the stack holds.
        let _ = read(ALL, unknown(levels).as_bytes(), Unknown::Ignore);
        let _ = read(ALL, "[".repeat(levels).as_bytes(), Unknown::Ignore);
        let _ = read(
            ALL,
            r#"{"unknown":"#.repeat(levels).as_bytes(),
            Unknown::Ignore,
        );
    }
}

/// Text that is doubled takes about twice as long, not four times: this would not
/// end if it were otherwise.
#[test]
fn long_texts_take_no_time() {
    let many = 200_000;
    let long = [
        format!(r#"{{"anInt32": {}}}"#, "1".repeat(many)),
        format!(r#"{{"aDouble": {}}}"#, "1".repeat(many)),
        format!(r#"{{"aDouble": 0.{}}}"#, "1".repeat(many)),
        format!(r#"{{"anInt32": 1e{}}}"#, "1".repeat(many)),
        format!(r#"{{"aString": "{}"}}"#, r"\n".repeat(many)),
        format!(r#"{{"unknown": "{}"}}"#, r"\u0041".repeat(many)),
        format!(r#"{{"someBytes": "{}"}}"#, "A".repeat(many)),
        format!(r#"{{"int32s": [{}1]}}"#, "1,".repeat(many)),
        format!(r#"{{"inners": [{}{{}}]}}"#, "{},".repeat(many)),
        format!(r#"{{{}"anInt32": 1}}"#, r#""unknown":1,"#.repeat(many)),
        format!(
            r#"{{"byInt32": {{{}"1":1}}}}"#,
            (0..many).map(|n| format!("\"{n}\":1,")).collect::<String>()
        ),
        format!(
            r#"{{"any": {{{}"@type": "a/corners.Inner"}}}}"#,
            r#""b":1,"#.repeat(many)
        ),
        format!("{}{{}}", " ".repeat(many)),
    ];
    for json in &long {
        let _ = read(ALL, json.as_bytes(), Unknown::Ignore);
        let _ = read(ALL, json.as_bytes(), Unknown::Reject);
    }
    check_reads_or_rejects(ALL, &[("{\"aDouble\": 1e-5}", "a_double: 1e-5")]);
}

/// A list in a list is two messages on the wire, an object in an object three: what is
/// read must not be deeper than a reader of the wire allows.
#[test]
fn what_is_read_can_be_decoded() {
    let deep = |open: &str, levels: usize, close: &str| {
        format!("{}{}", open.repeat(levels), close.repeat(levels))
    };
    for levels in 1..110 {
        for json in [
            format!(r#"{{"value": {}}}"#, deep("[", levels, "]")),
            format!(
                r#"{{"struct": {}}}"#,
                deep(r#"{"n":"#, levels, "}").replace(":}", ":1}")
            ),
            format!(
                r#"{{"any": {}}}"#,
                deep(r#"{"@type":"a/google.protobuf.Any","value":"#, levels, "}")
                    .replace(":}", ":{}}")
            ),
        ] {
            if let Ok(wire) = read(ALL, json.as_bytes(), Unknown::Reject) {
                let decoded = DynamicMessage::decode(described(ALL), wire.as_slice());
                assert!(decoded.is_ok(), "{levels} levels: {json}");
                let written = write(ALL, &wire, &WriteOptions::default());
                assert!(written.is_ok(), "{levels} levels: {json}");
            }
        }
    }
}
