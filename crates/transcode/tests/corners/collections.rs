//! Lists, maps, and null where a value could be.

use crate::{ALL, check_reads, check_rejects, check_writes};

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
