//! Numbers with a fraction, with NaN and infinity.

use crate::{ALL, check_has_no_json, check_reads, check_rejects, check_writes};

#[test]
fn fractions_are_read() {
    check_reads(
        ALL,
        &[
            (r#"{"aFloat": 1.175494e-38}"#, "a_float: 1.175494e-38"),
            (r#"{"aFloat": -1.175494e-38}"#, "a_float: -1.175494e-38"),
            (r#"{"aFloat": 3.402823e+38}"#, "a_float: 3.402823e+38"),
            // The shortest form of the largest number, which is above it as a double.
            (r#"{"aFloat": 3.4028235e38}"#, "a_float: 3.4028235e38"),
            (r#"{"aFloat": -3.4028235e38}"#, "a_float: -3.4028235e38"),
            (r#"{"aFloat": "3.4028235e38"}"#, "a_float: 3.4028235e38"),
            (
                r#"{"aFloat": 340282346638528859811704183484516925440}"#,
                "a_float: 3.4028235e38",
            ),
            (r#"{"aFloat": 1e-45}"#, "a_float: 1e-45"),
            (r#"{"aFloat": "1"}"#, "a_float: 1"),
            (r#"{"aFloat": 1}"#, "a_float: 1"),
            (r#"{"aFloat": "1.175494e-38"}"#, "a_float: 1.175494e-38"),
            (r#"{"aFloat": "NaN"}"#, "a_float: nan"),
            (r#"{"aFloat": "Infinity"}"#, "a_float: inf"),
            (r#"{"aFloat": "-Infinity"}"#, "a_float: -inf"),
            (r#"{"aFloat": "Na\u004e"}"#, "a_float: nan"),
            (r#"{"aDouble": 2.22507e-308}"#, "a_double: 2.22507e-308"),
            (r#"{"aDouble": -2.22507e-308}"#, "a_double: -2.22507e-308"),
            (r#"{"aDouble": 1.79769e+308}"#, "a_double: 1.79769e+308"),
            (r#"{"aDouble": -1.79769e+308}"#, "a_double: -1.79769e+308"),
            (
                r#"{"aDouble": 1.7976931348623157e308}"#,
                "a_double: 1.7976931348623157e308",
            ),
            (r#"{"aDouble": 5e-324}"#, "a_double: 5e-324"),
            (
                r#"{"aDouble": 9007199254740993}"#,
                "a_double: 9007199254740992",
            ),
            (r#"{"aDouble": 0.1}"#, "a_double: 0.1"),
            (
                r#"{"aDouble": 0.30000000000000004}"#,
                "a_double: 0.30000000000000004",
            ),
            (r#"{"aDouble": "1"}"#, "a_double: 1"),
            (r#"{"aDouble": "2.22507e-308"}"#, "a_double: 2.22507e-308"),
            (r#"{"aDouble": "NaN"}"#, "a_double: nan"),
            (r#"{"aDouble": "Infinity"}"#, "a_double: inf"),
            (r#"{"aDouble": "-Infinity"}"#, "a_double: -inf"),
            (r#"{"maybeDouble": -0.0}"#, "maybe_double: -0.0"),
            (r#"{"maybeDouble": 0}"#, "maybe_double: 0"),
            (
                r#"{"doubles": [1, "2", 3e0, "NaN"]}"#,
                "doubles: [1, 2, 3, nan]",
            ),
            (r#"{"aDouble": 1e-400}"#, ""),
            (r#"{"aFloat": 1e-60}"#, ""),
        ],
    );
}

#[test]
fn what_is_no_fraction_in_range_is_refused() {
    check_rejects(
        ALL,
        &[
            (r#"{"aFloat": 3.502823e+38}"#, "aFloat"),
            (r#"{"aFloat": -3.502823e+38}"#, "aFloat"),
            (r#"{"aFloat": 3.4028236e38}"#, "aFloat"),
            (r#"{"aFloat": 1e39}"#, "aFloat"),
            (r#"{"aFloat": 1e400}"#, "aFloat"),
            (r#"{"aFloat": "1e39"}"#, "aFloat"),
            (r#"{"aDouble": 1.89769e+308}"#, "aDouble"),
            (r#"{"aDouble": -1.89769e+308}"#, "aDouble"),
            (r#"{"aDouble": 1e309}"#, "aDouble"),
            (r#"{"aDouble": "1e309"}"#, "aDouble"),
            (r#"{"aFloat": ""}"#, "aFloat"),
            (r#"{"aDouble": ""}"#, "aDouble"),
            (r#"{"aFloat": "12abc"}"#, "aFloat"),
            (r#"{"aFloat": "abc"}"#, "aFloat"),
            (r#"{"aFloat": "12 34"}"#, "aFloat"),
            (r#"{"aFloat": "12,34"}"#, "aFloat"),
            (r#"{"aFloat": "12谷歌34"}"#, "aFloat"),
            (r#"{"aDouble": " 1"}"#, "aDouble"),
            (r#"{"aDouble": "1 "}"#, "aDouble"),
            (r#"{"aDouble": "+1"}"#, "aDouble"),
            (r#"{"aDouble": "01"}"#, "aDouble"),
            (r#"{"aDouble": "1."}"#, "aDouble"),
            (r#"{"aDouble": ".5"}"#, "aDouble"),
            (r#"{"aDouble": "inf"}"#, "aDouble"),
            (r#"{"aDouble": "-inf"}"#, "aDouble"),
            (r#"{"aDouble": "nan"}"#, "aDouble"),
            (r#"{"aDouble": "infinity"}"#, "aDouble"),
            (r#"{"aDouble": "INFINITY"}"#, "aDouble"),
            (r#"{"aDouble": "+Infinity"}"#, "aDouble"),
            (r#"{"aDouble": "-NaN"}"#, "aDouble"),
            (r#"{"aFloat": true}"#, "aFloat"),
            (r#"{"aFloat": false}"#, "aFloat"),
            (r#"{"aDouble": []}"#, "aDouble"),
            (r#"{"aFloat": NaN}"#, "*"),
            (r#"{"aFloat": Infinity}"#, "*"),
            (r#"{"aFloat": -Infinity}"#, "*"),
            (r#"{"aDouble": NaN}"#, "*"),
        ],
    );
}

#[test]
fn fractions_are_written() {
    check_writes(
        ALL,
        &[
            ("a_float: 0.1", r#"{"aFloat":0.1}"#),
            ("a_float: 3.4028235e38", r#"{"aFloat":3.4028235e38}"#),
            ("a_float: 16777216", r#"{"aFloat":16777216}"#),
            ("a_float: 1e-45", r#"{"aFloat":1e-45}"#),
            ("a_float: nan", r#"{"aFloat":"NaN"}"#),
            ("a_float: inf", r#"{"aFloat":"Infinity"}"#),
            ("a_float: -inf", r#"{"aFloat":"-Infinity"}"#),
            ("a_double: 0.1", r#"{"aDouble":0.1}"#),
            ("a_double: 1e300", r#"{"aDouble":1e300}"#),
            ("a_double: 5e-324", r#"{"aDouble":5e-324}"#),
            ("a_double: -1.5", r#"{"aDouble":-1.5}"#),
            ("a_double: nan", r#"{"aDouble":"NaN"}"#),
            ("a_double: inf", r#"{"aDouble":"Infinity"}"#),
            ("a_double: -inf", r#"{"aDouble":"-Infinity"}"#),
            ("maybe_double: 0", r#"{"maybeDouble":0}"#),
            ("maybe_double: -0.0", r#"{"maybeDouble":-0.0}"#),
            ("double_value: {value: nan}", r#"{"doubleValue":"NaN"}"#),
            (
                "float_value: {value: -inf}",
                r#"{"floatValue":"-Infinity"}"#,
            ),
            ("doubles: [nan, 1]", r#"{"doubles":["NaN",1]}"#),
            (
                "doubles_by_string: {key: 'a' value: inf}",
                r#"{"doublesByString":{"a":"Infinity"}}"#,
            ),
        ],
    );
    check_has_no_json(
        ALL,
        &["value: {number_value: nan}", "value: {number_value: inf}"],
    );
}
