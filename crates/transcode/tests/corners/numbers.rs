//! Whole numbers, truth values and enums.

use crate::{ALL, check_reads, check_reads_or_rejects, check_rejects, check_writes};

#[test]
fn whole_numbers_are_read() {
    check_reads(
        ALL,
        &[
            (r#"{"anInt32": 2147483647}"#, "an_int32: 2147483647"),
            (r#"{"anInt32": -2147483648}"#, "an_int32: -2147483648"),
            (r#"{"aSint32": -2147483648}"#, "a_sint32: -2147483648"),
            (r#"{"aSfixed32": -1}"#, "a_sfixed32: -1"),
            (r#"{"aUint32": 4294967295}"#, "a_uint32: 4294967295"),
            (r#"{"aFixed32": 4294967295}"#, "a_fixed32: 4294967295"),
            (
                r#"{"anInt64": "9223372036854775807"}"#,
                "an_int64: 9223372036854775807",
            ),
            (
                r#"{"anInt64": "-9223372036854775808"}"#,
                "an_int64: -9223372036854775808",
            ),
            (
                r#"{"aSint64": "-9223372036854775808"}"#,
                "a_sint64: -9223372036854775808",
            ),
            (
                r#"{"aSfixed64": "-9223372036854775808"}"#,
                "a_sfixed64: -9223372036854775808",
            ),
            (
                r#"{"aUint64": "18446744073709551615"}"#,
                "a_uint64: 18446744073709551615",
            ),
            (
                r#"{"aFixed64": "18446744073709551615"}"#,
                "a_fixed64: 18446744073709551615",
            ),
            (
                r#"{"anInt64": 9223372036854774784}"#,
                "an_int64: 9223372036854774784",
            ),
            (
                r#"{"anInt64": -9223372036854775808}"#,
                "an_int64: -9223372036854775808",
            ),
            (
                r#"{"aUint64": 18446744073709549568}"#,
                "a_uint64: 18446744073709549568",
            ),
            // More than a double can hold, yet plain digits.
            (
                r#"{"anInt64": 9223372036854775807}"#,
                "an_int64: 9223372036854775807",
            ),
            (
                r#"{"aUint64": 18446744073709551615}"#,
                "a_uint64: 18446744073709551615",
            ),
            (
                r#"{"anInt64": 9007199254740993}"#,
                "an_int64: 9007199254740993",
            ),
            (r#"{"anInt32": "2147483647"}"#, "an_int32: 2147483647"),
            (r#"{"anInt32": "-5"}"#, "an_int32: -5"),
            (r#"{"anInt32": "2\u003147483647"}"#, "an_int32: 2147483647"),
            (r#"{"anInt32": "0"}"#, ""),
            (r#"{"anInt32": 0}"#, ""),
            (r#"{"maybeInt32": 0}"#, "maybe_int32: 0"),
            (r#"{"anInt32": -0}"#, ""),
            (r#"{"anInt32": 0.0}"#, ""),
            (r#"{"anInt32": 0e7}"#, ""),
            (r#"{"anInt32": 1e5}"#, "an_int32: 100000"),
            (r#"{"anInt32": 1E5}"#, "an_int32: 100000"),
            (r#"{"anInt32": 1e+5}"#, "an_int32: 100000"),
            (r#"{"anInt32": "1e5"}"#, "an_int32: 100000"),
            (r#"{"anInt32": 100000.000}"#, "an_int32: 100000"),
            (r#"{"anInt32": 2.147483647e9}"#, "an_int32: 2147483647"),
            (r#"{"anInt32": -2.147483648e9}"#, "an_int32: -2147483648"),
            (r#"{"aUint32": 4.294967295e9}"#, "a_uint32: 4294967295"),
            (r#"{"anInt32": 1500e-2}"#, "an_int32: 15"),
            (r#"{"anInt32": 10e-1}"#, "an_int32: 1"),
            (r#"{"anInt64": 1e18}"#, "an_int64: 1000000000000000000"),
            (r#"{"aUint64": 1e19}"#, "a_uint64: 10000000000000000000"),
        ],
    );
    check_reads_or_rejects(
        ALL,
        &[
            (
                r#"{"anInt64": 9.223372036854775807e18}"#,
                "an_int64: 9223372036854775807",
            ),
            (
                r#"{"anInt64": 9007199254740993.0}"#,
                "an_int64: 9007199254740993",
            ),
            (
                r#"{"aUint64": "18446744073709551615.0"}"#,
                "a_uint64: 18446744073709551615",
            ),
            (r#"{"aUint32": -0}"#, ""),
            (r#"{"aUint32": "-0"}"#, ""),
            (r#"{"anInt32": 0e999999999999999999999}"#, ""),
            (r#"{"anInt32": 0e-999999999999999999999}"#, ""),
            (r#"{"anInt32": 1000000000000000000000e-21}"#, "an_int32: 1"),
        ],
    );
}

#[test]
fn what_is_no_whole_number_in_range_is_refused() {
    check_rejects(
        ALL,
        &[
            (r#"{"anInt32": 2147483648}"#, "anInt32"),
            (r#"{"anInt32": -2147483649}"#, "anInt32"),
            (r#"{"aSint32": 2147483648}"#, "aSint32"),
            (r#"{"aSfixed32": 2147483648}"#, "aSfixed32"),
            (r#"{"aUint32": 4294967296}"#, "aUint32"),
            (r#"{"aUint32": -1}"#, "aUint32"),
            (r#"{"aFixed32": -1}"#, "aFixed32"),
            (r#"{"aUint64": -1}"#, "aUint64"),
            (r#"{"aUint64": "-1"}"#, "aUint64"),
            (r#"{"anInt64": "9223372036854775808"}"#, "anInt64"),
            (r#"{"anInt64": 9223372036854775808}"#, "anInt64"),
            (r#"{"anInt64": "-9223372036854775809"}"#, "anInt64"),
            (r#"{"aUint64": "18446744073709551616"}"#, "aUint64"),
            (r#"{"aFixed64": 18446744073709551616}"#, "aFixed64"),
            (r#"{"anInt64": 1e19}"#, "anInt64"),
            (r#"{"aUint32": 1e10}"#, "aUint32"),
            (r#"{"anInt32": 1e400}"#, "anInt32"),
            (r#"{"aUint64": "1e536870000"}"#, "aUint64"),
            (r#"{"aUint64": 1e99999999999999999999}"#, "aUint64"),
            (r#"{"anInt32": 0.5}"#, "anInt32"),
            (r#"{"aUint32": 0.5}"#, "aUint32"),
            (r#"{"anInt64": "0.5"}"#, "anInt64"),
            (r#"{"aUint64": "0.5"}"#, "aUint64"),
            (r#"{"anInt32": 1e-1}"#, "anInt32"),
            (r#"{"anInt32": 1e-99999999999999999999}"#, "anInt32"),
            (r#"{"anInt32": 1.0000000000000000000001}"#, "anInt32"),
            (r#"{"anInt64": 9223372036854775807.5}"#, "anInt64"),
            (r#"{"anInt32": true}"#, "anInt32"),
            (r#"{"anInt32": false}"#, "anInt32"),
            (r#"{"anInt32": []}"#, "anInt32"),
            (r#"{"anInt32": [1]}"#, "anInt32"),
            (r#"{"anInt32": {}}"#, "anInt32"),
            (r#"{"anInt32": ""}"#, "anInt32"),
            (r#"{"aUint32": ""}"#, "aUint32"),
            (r#"{"anInt64": ""}"#, "anInt64"),
            (r#"{"aUint64": ""}"#, "aUint64"),
            (r#"{"anInt32": "-"}"#, "anInt32"),
            (r#"{"anInt32": "e5"}"#, "anInt32"),
            (r#"{"anInt32": "1e"}"#, "anInt32"),
            (r#"{"anInt32": "1."}"#, "anInt32"),
            (r#"{"anInt32": "12abc"}"#, "anInt32"),
            (r#"{"anInt32": "12 34"}"#, "anInt32"),
            (r#"{"anInt32": "12,34"}"#, "anInt32"),
            (r#"{"anInt32": "1_000"}"#, "anInt32"),
            (r#"{"anInt32": "12谷歌34"}"#, "anInt32"),
            (r#"{"anInt32": "abc"}"#, "anInt32"),
            (r#"{"anInt32": "3x3"}"#, "anInt32"),
            (r#"{"anInt32": "0x10"}"#, "anInt32"),
            (r#"{"anInt32": "١٢٣"}"#, "anInt32"),
            (r#"{"anInt64": "１２３"}"#, "anInt64"),
            (r#"{"anInt32": "NaN"}"#, "anInt32"),
            (r#"{"anInt32": "Infinity"}"#, "anInt32"),
            (r#"{"anInt32": " 1"}"#, "anInt32"),
            (r#"{"anInt32": "1 "}"#, "anInt32"),
            (r#"{"anInt32": "1\n"}"#, "anInt32"),
            // A text follows the same rules as a number.
            (r#"{"anInt32": "+1"}"#, "anInt32"),
            (r#"{"anInt32": "01"}"#, "anInt32"),
            (r#"{"anInt32": +1}"#, "*"),
            (r#"{"anInt32": 01}"#, "*"),
            (r#"{"anInt32": -01}"#, "*"),
            (r#"{"anInt32": 1.}"#, "*"),
            (r#"{"anInt32": .5}"#, "*"),
            (r#"{"anInt32": -}"#, "*"),
            (r#"{"anInt32": 1e}"#, "*"),
            (r#"{"anInt32": 1e+}"#, "*"),
            (r#"{"anInt32": 0x10}"#, "*"),
            (r#"{"anInt32": --1}"#, "*"),
            (r#"{"anInt32": 1 2}"#, "*"),
            (r#"{"anInt32": }"#, "*"),
        ],
    );
}

#[test]
fn whole_numbers_are_written() {
    check_writes(
        ALL,
        &[
            ("an_int32: -2147483648", r#"{"anInt32":-2147483648}"#),
            ("a_uint32: 4294967295", r#"{"aUint32":4294967295}"#),
            ("a_fixed32: 4294967295", r#"{"aFixed32":4294967295}"#),
            ("a_sint32: -1", r#"{"aSint32":-1}"#),
            ("a_sfixed32: -1", r#"{"aSfixed32":-1}"#),
            ("an_int64: 1", r#"{"anInt64":"1"}"#),
            (
                "a_uint64: 18446744073709551615",
                r#"{"aUint64":"18446744073709551615"}"#,
            ),
            (
                "a_sint64: -9223372036854775808",
                r#"{"aSint64":"-9223372036854775808"}"#,
            ),
            ("a_fixed64: 1", r#"{"aFixed64":"1"}"#),
            ("a_sfixed64: -1", r#"{"aSfixed64":"-1"}"#),
            ("maybe_int32: 0", r#"{"maybeInt32":0}"#),
            ("int64s: [1, -1]", r#"{"int64s":["1","-1"]}"#),
            (
                "by_int64: {key: -1 value: -2}",
                r#"{"byInt64":{"-1":"-2"}}"#,
            ),
        ],
    );
}

#[test]
fn truth_values() {
    check_reads(
        ALL,
        &[
            (r#"{"aBool":true}"#, "a_bool: true"),
            (r#"{"aBool":false}"#, ""),
            (r#"{"maybeBool":false}"#, "maybe_bool: false"),
            (r#"{"bools":[true,false]}"#, "bools: [true, false]"),
        ],
    );
    check_rejects(
        ALL,
        &[
            (r#"{"aBool":0}"#, "aBool"),
            (r#"{"aBool":1}"#, "aBool"),
            (r#"{"aBool":"true"}"#, "aBool"),
            (r#"{"aBool":"false"}"#, "aBool"),
            (r#"{"aBool":{}}"#, "aBool"),
            (r#"{"aBool":True}"#, "*"),
            (r#"{"aBool":False}"#, "*"),
            (r#"{"aBool":TRUE}"#, "*"),
            (r#"{"aBool":FALSE}"#, "*"),
            (r#"{"aBool":tru}"#, "*"),
            (r#"{"aBool":truex}"#, "*"),
            (r#"{"aBool":true true}"#, "*"),
        ],
    );
    check_writes(
        ALL,
        &[
            ("a_bool: true", r#"{"aBool":true}"#),
            ("maybe_bool: false", r#"{"maybeBool":false}"#),
        ],
    );
}

#[test]
fn enums() {
    check_reads(
        ALL,
        &[
            (r#"{"aColor":"RED"}"#, "a_color: RED"),
            (r#"{"aColor":"R\u0045D"}"#, "a_color: RED"),
            (r#"{"aColor":"COLORLESS"}"#, ""),
            (r#"{"maybeColor":"COLORLESS"}"#, "maybe_color: COLORLESS"),
            (r#"{"aColor":"INFRARED"}"#, "a_color: INFRARED"),
            (r#"{"aColor":0}"#, ""),
            (r#"{"aColor":1}"#, "a_color: RED"),
            (r#"{"aColor":-1}"#, "a_color: INFRARED"),
            (r#"{"aColor":123}"#, "a_color: 123"),
            (r#"{"aColor":-2147483648}"#, "a_color: -2147483648"),
            (r#"{"anAlias":"FIRST"}"#, "an_alias: FIRST"),
            (r#"{"anAlias":"first_again"}"#, "an_alias: FIRST"),
            (r#"{"anAlias":"First3"}"#, "an_alias: FIRST"),
            (
                r#"{"colors":["RED",2,"COLORLESS"]}"#,
                "colors: [RED, GREEN, COLORLESS]",
            ),
            (
                r#"{"colorsByString":{"a":"RED","b":2}}"#,
                "colors_by_string: {key: 'a' value: RED} colors_by_string: {key: 'b' value: GREEN}",
            ),
        ],
    );
    check_reads_or_rejects(
        ALL,
        &[
            (r#"{"aColor":1.0}"#, "a_color: RED"),
            (r#"{"aColor":"1"}"#, "a_color: RED"),
        ],
    );
    check_rejects(
        ALL,
        &[
            (r#"{"aColor":"BLUE"}"#, "aColor"),
            (r#"{"aColor":"red"}"#, "aColor"),
            (r#"{"aColor":""}"#, "aColor"),
            (r#"{"aColor":"RED "}"#, "aColor"),
            (r#"{"aColor":["RED"]}"#, "aColor"),
            (r#"{"aColor":[2]}"#, "aColor"),
            (r#"{"aColor":true}"#, "aColor"),
            (r#"{"aColor":false}"#, "aColor"),
            (r#"{"aColor":1.5}"#, "aColor"),
            (r#"{"aColor":2147483648}"#, "aColor"),
            (r#"{"colors":["RED","BLUE"]}"#, "colors[1]"),
            (r#"{"aColor":RED}"#, "*"),
        ],
    );
    check_writes(
        ALL,
        &[
            ("a_color: RED", r#"{"aColor":"RED"}"#),
            ("a_color: INFRARED", r#"{"aColor":"INFRARED"}"#),
            ("a_color: 123", r#"{"aColor":123}"#),
            ("a_color: -7", r#"{"aColor":-7}"#),
            ("an_alias: First3", r#"{"anAlias":"FIRST"}"#),
            ("maybe_color: COLORLESS", r#"{"maybeColor":"COLORLESS"}"#),
            ("colors: [COLORLESS, 99]", r#"{"colors":["COLORLESS",99]}"#),
        ],
    );
}
