//! Objects, lists, maps and nulls; blanks, commas and all that makes a JSON text;
//! members that are not known.

use transcode::Unknown;

use crate::{
    ALL, check_reads, check_reads_or_rejects, check_reads_with, check_rejects, check_writes, read,
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
fn lists() {
    check_reads(
        ALL,
        &[
            (r#"{"int32s": [1, 2, 3, 4]}"#, "int32s: [1, 2, 3, 4]"),
            (r#"{"int32s": []}"#, ""),
            (r#"{"unpacked": [1, 2]}"#, "unpacked: [1, 2]"),
            (
                r#"{"fixed32s": [1, 4294967295]}"#,
                "fixed32s: [1, 4294967295]",
            ),
            (
                r#"{"inners": [{"a": 1234}, {}, {"a": 5678}]}"#,
                "inners: {a: 1234} inners: {} inners: {a: 5678}",
            ),
            (
                r#"{"lists": [["a"], []]}"#,
                "lists: {values: {string_value: 'a'}} lists: {}",
            ),
            (
                r#"{"nulls": [null, "NULL_VALUE"]}"#,
                "nulls: [NULL_VALUE, NULL_VALUE]",
            ),
        ],
    );
    check_rejects(
        ALL,
        &[
            (r#"{"int32s": 1}"#, "int32s"),
            (r#"{"int32s": {}}"#, "int32s"),
            (r#"{"int32s": "1"}"#, "int32s"),
            (r#"{"inners": {"a": 1}}"#, "inners"),
            (r#"{"int32s": [1, false, 3, 4]}"#, "int32s[1]"),
            (r#"{"int32s": [1, 2, "name", 4]}"#, "int32s[2]"),
            (r#"{"int32s": [1, 2, 3, {"a": 4}]}"#, "int32s[3]"),
            (r#"{"int32s": [[1]]}"#, "int32s[0]"),
            (r#"{"int32s": [1, null, 2]}"#, "int32s[1]"),
            (r#"{"strings": ["1", 2, "3"]}"#, "strings[1]"),
            (r#"{"strings": ["1", "2", false]}"#, "strings[2]"),
            (r#"{"strings": ["1", {"a": 4}]}"#, "strings[1]"),
            (r#"{"strings": [null]}"#, "strings[0]"),
            (r#"{"inners": [{"a": 1}, 2]}"#, "inners[1]"),
            (r#"{"inners": [{"a": 1}, false]}"#, "inners[1]"),
            (r#"{"inners": [{"a": 1}, "2"]}"#, "inners[1]"),
            (r#"{"inners": [{"a": 1}, null, {"a": 2}]}"#, "inners[1]"),
            (
                r#"{"inners": [{}, {"inner": {"a": []}}]}"#,
                "inners[1].inner.a",
            ),
            (r#"{"colors": [null]}"#, "colors[0]"),
            (r#"{"timestamps": [null]}"#, "timestamps[0]"),
            (r#"{"int64Values": [null]}"#, "int64Values[0]"),
        ],
    );
    check_writes(
        ALL,
        &[
            ("int32s: [1, 0, -1]", r#"{"int32s":[1,0,-1]}"#),
            ("unpacked: [1, 2]", r#"{"unpacked":[1,2]}"#),
            ("inners: {} inners: {a: 1}", r#"{"inners":[{},{"a":1}]}"#),
            (
                "nulls: [NULL_VALUE, NULL_VALUE]",
                r#"{"nulls":[null,null]}"#,
            ),
            (
                "lists: {} lists: {values: {bool_value: true}}",
                r#"{"lists":[[],[true]]}"#,
            ),
        ],
    );
}

#[test]
fn maps() {
    check_reads(
        ALL,
        &[
            (
                r#"{"byInt32": {"1": 2, "-3": 4}}"#,
                "by_int32: {key: 1 value: 2} by_int32: {key: -3 value: 4}",
            ),
            (
                r#"{"byUint32": {"1": 2, "3": 4}}"#,
                "by_uint32: {key: 1 value: 2} by_uint32: {key: 3 value: 4}",
            ),
            (
                r#"{"byInt64": {"1": 2, "3": "4"}}"#,
                "by_int64: {key: 1 value: 2} by_int64: {key: 3 value: 4}",
            ),
            (
                r#"{"byUint64": {"18446744073709551615": 1}}"#,
                "by_uint64: {key: 18446744073709551615 value: 1}",
            ),
            (
                r#"{"byBool": {"true": true, "false": false}}"#,
                "by_bool: {key: true value: true} by_bool: {key: false value: false}",
            ),
            (
                r#"{"bySint32": {"-1": "AQI="}}"#,
                r"by_sint32: {key: -1 value: '\x01\x02'}",
            ),
            (
                r#"{"byString": {"": "", "a b": "c"}}"#,
                "by_string: {key: '' value: ''} by_string: {key: 'a b' value: 'c'}",
            ),
            (
                r#"{"innersByString": {"hello": {"a": 1}, "world": {}}}"#,
                "inners_by_string: {key: 'hello' value: {a: 1}} inners_by_string: {key: 'world' value: {}}",
            ),
            (
                r#"{"byInt32": {"\u0031": 2}}"#,
                "by_int32: {key: 1 value: 2}",
            ),
            (
                r#"{"byInt64": {"\u0031": 2}}"#,
                "by_int64: {key: 1 value: 2}",
            ),
            (
                r#"{"byBool": {"tr\u0075e": true}}"#,
                "by_bool: {key: true value: true}",
            ),
            (r#"{"byInt32": {}}"#, ""),
            (r#"{"byInt32": {"0": 0}}"#, "by_int32: {key: 0 value: 0}"),
            (
                r#"{"valuesByString": {"a": null, "b": [1]}}"#,
                "values_by_string: {key: 'a' value: {null_value: NULL_VALUE}} values_by_string: {key: 'b' value: {list_value: {values: {number_value: 1}}}}",
            ),
        ],
    );
    check_rejects(
        ALL,
        &[
            (r#"{"byInt32": []}"#, "byInt32"),
            (r#"{"byInt32": 1}"#, "byInt32"),
            (r#"{"byInt32": [{"key": 1, "value": 2}]}"#, "byInt32"),
            (r#"{"byInt32": {1: 2}}"#, "*"),
            (r#"{"byUint32": {1: 2, 3: 4}}"#, "*"),
            (r#"{"byBool": {true: true}}"#, "*"),
            (r#"{"byInt32": {null: 1}}"#, "*"),
            (r#"{"byString": {"a": null}}"#, "*"),
            (r#"{"byInt32": {"0": null}}"#, "*"),
            (r#"{"innersByString": {"a": null}}"#, "*"),
            (r#"{"byInt32": {"": 1}}"#, "*"),
            (r#"{"byInt32": {"a": 1}}"#, "*"),
            (r#"{"byInt32": {" 1": 1}}"#, "*"),
            (r#"{"byInt32": {"1.5": 1}}"#, "*"),
            (r#"{"byInt32": {"2147483648": 1}}"#, "*"),
            (r#"{"byUint32": {"-1": 1}}"#, "*"),
            (r#"{"byBool": {"True": true}}"#, "*"),
            (r#"{"byBool": {"1": true}}"#, "*"),
            (r#"{"byBool": {"": true}}"#, "*"),
            (r#"{"byInt32": {"1": "x"}}"#, "*"),
            (r#"{"innersByString": {"a": {"b": 1}}}"#, "*"),
            (r#"{"colorsByString": {"a": "BLUE"}}"#, "*"),
        ],
    );
    check_writes(
        ALL,
        &[
            ("by_int32: {key: -1 value: 2}", r#"{"byInt32":{"-1":2}}"#),
            (
                "by_uint64: {key: 18446744073709551615 value: 0}",
                r#"{"byUint64":{"18446744073709551615":"0"}}"#,
            ),
            (
                "by_bool: {key: true value: false}",
                r#"{"byBool":{"true":false}}"#,
            ),
            (
                "by_bool: {key: false value: true}",
                r#"{"byBool":{"false":true}}"#,
            ),
            (
                r#"by_string: {key: "\"\n" value: ''}"#,
                r#"{"byString":{"\"\n":""}}"#,
            ),
            (
                "inners_by_string: {key: 'a' value: {}}",
                r#"{"innersByString":{"a":{}}}"#,
            ),
            ("by_int32: {}", r#"{"byInt32":{"0":0}}"#),
            ("by_string: {}", r#"{"byString":{"":""}}"#),
            ("inners_by_string: {}", r#"{"innersByString":{"":{}}}"#),
            (
                "colors_by_string: {}",
                r#"{"colorsByString":{"":"COLORLESS"}}"#,
            ),
            ("by_bool: {}", r#"{"byBool":{"false":false}}"#),
        ],
    );
}

#[test]
fn null_is_no_value() {
    let fields = [
        "anInt32",
        "anInt64",
        "aUint32",
        "aUint64",
        "aSint32",
        "aSint64",
        "aFixed32",
        "aFixed64",
        "aSfixed32",
        "aSfixed64",
        "aFloat",
        "aDouble",
        "aBool",
        "aString",
        "someBytes",
        "aColor",
        "aNull",
        "anInner",
        "recursive",
        "maybeInt32",
        "maybeString",
        "maybeBool",
        "maybeColor",
        "maybeBytes",
        "maybeDouble",
        "int32s",
        "int64s",
        "doubles",
        "bools",
        "strings",
        "byteStrings",
        "colors",
        "inners",
        "unpacked",
        "values",
        "anys",
        "byString",
        "byInt32",
        "byBool",
        "innersByString",
        "valuesByString",
        "oneUint32",
        "oneString",
        "oneInner",
        "any",
        "timestamp",
        "duration",
        "mask",
        "struct",
        "list",
        "empty",
        "boolValue",
        "int32Value",
        "int64Value",
        "uint32Value",
        "uint64Value",
        "floatValue",
        "doubleValue",
        "stringValue",
        "bytesValue",
        "nulls",
    ];
    for field in fields {
        check_reads(ALL, &[(&format!("{{\"{field}\": null}}"), "")]);
    }
    check_reads(
        ALL,
        &[
            (r#"{"maybeNull": null}"#, "maybe_null: NULL_VALUE"),
            (r#"{"value": null}"#, "value: {null_value: NULL_VALUE}"),
            (r#"{"values": [null]}"#, "values: {null_value: NULL_VALUE}"),
            (r#"{"anInner": {"a": null}}"#, "an_inner: {}"),
        ],
    );
    check_writes(
        ALL,
        &[
            ("value: {null_value: NULL_VALUE}", r#"{"value":null}"#),
            ("maybe_null: NULL_VALUE", r#"{"maybeNull":null}"#),
            ("a_null: NULL_VALUE", "{}"),
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
