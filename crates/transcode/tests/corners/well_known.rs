//! Field masks, wrappers, and the messages that hold any JSON.

use crate::{ALL, check_has_no_json, check_reads, check_rejects, check_writes};

#[test]
fn field_masks() {
    check_reads(
        ALL,
        &[
            (
                r#"{"mask": "foo,barBaz"}"#,
                "mask: {paths: ['foo', 'bar_baz']}",
            ),
            (r#"{"mask": ""}"#, "mask: {}"),
            (
                r#"{"mask": "foo.barBaz.x1"}"#,
                "mask: {paths: 'foo.bar_baz.x1'}",
            ),
            (r#"{"mask": "f\u006fo"}"#, "mask: {paths: 'foo'}"),
        ],
    );
    check_rejects(
        ALL,
        &[
            (r#"{"mask": "foo,bar_bar"}"#, "mask"),
            (r#"{"mask": "_"}"#, "mask"),
            (r#"{"mask": ["foo"]}"#, "mask"),
            (r#"{"mask": {"paths": ["foo"]}}"#, "mask"),
            (r#"{"mask": 1}"#, "mask"),
        ],
    );
    check_writes(
        ALL,
        &[
            ("mask: {}", r#"{"mask":""}"#),
            (
                "mask: {paths: ['foo', 'bar_baz', 'a.b_c']}",
                r#"{"mask":"foo,barBaz,a.bC"}"#,
            ),
        ],
    );
    check_has_no_json(
        ALL,
        &[
            "mask: {paths: 'fooBar'}",
            "mask: {paths: 'foo_3_bar'}",
            "mask: {paths: 'foo__bar'}",
            "mask: {paths: 'foo_'}",
            "mask: {paths: ['foo', 'Bar']}",
        ],
    );
}

#[test]
fn wrappers() {
    check_reads(
        ALL,
        &[
            (r#"{"boolValue": false}"#, "bool_value: {}"),
            (r#"{"int32Value": 0}"#, "int32_value: {}"),
            (r#"{"uint32Value": 0}"#, "uint32_value: {}"),
            (r#"{"int64Value": 0}"#, "int64_value: {}"),
            (r#"{"uint64Value": 0}"#, "uint64_value: {}"),
            (r#"{"floatValue": 0}"#, "float_value: {}"),
            (r#"{"doubleValue": 0}"#, "double_value: {}"),
            (r#"{"stringValue": ""}"#, "string_value: {}"),
            (r#"{"bytesValue": ""}"#, "bytes_value: {}"),
            (r#"{"boolValue": true}"#, "bool_value: {value: true}"),
            (r#"{"int32Value": "1"}"#, "int32_value: {value: 1}"),
            (r#"{"uint32Value": 1e0}"#, "uint32_value: {value: 1}"),
            (r#"{"int64Value": "-1"}"#, "int64_value: {value: -1}"),
            (
                r#"{"uint64Value": "18446744073709551615"}"#,
                "uint64_value: {value: 18446744073709551615}",
            ),
            (r#"{"floatValue": "NaN"}"#, "float_value: {value: nan}"),
            (
                r#"{"doubleValue": "-Infinity"}"#,
                "double_value: {value: -inf}",
            ),
            (r#"{"stringValue": "1"}"#, "string_value: {value: '1'}"),
            (
                r#"{"bytesValue": "AQI="}"#,
                r"bytes_value: {value: '\x01\x02'}",
            ),
            (
                r#"{"int64Values": [0, "1"]}"#,
                "int64_values: {} int64_values: {value: 1}",
            ),
        ],
    );
    check_rejects(
        ALL,
        &[
            (r#"{"boolValue": "true"}"#, "boolValue"),
            (r#"{"boolValue": {"value": true}}"#, "boolValue"),
            (r#"{"int32Value": 2147483648}"#, "int32Value"),
            (r#"{"uint32Value": -1}"#, "uint32Value"),
            (r#"{"stringValue": 1}"#, "stringValue"),
            (r#"{"bytesValue": "A"}"#, "bytesValue"),
            (r#"{"int64Values": [1, {}]}"#, "int64Values[1]"),
        ],
    );
    check_writes(
        ALL,
        &[
            ("bool_value: {}", r#"{"boolValue":false}"#),
            ("int32_value: {}", r#"{"int32Value":0}"#),
            ("int64_value: {}", r#"{"int64Value":"0"}"#),
            ("uint64_value: {value: 5}", r#"{"uint64Value":"5"}"#),
            ("double_value: {}", r#"{"doubleValue":0}"#),
            ("string_value: {}", r#"{"stringValue":""}"#),
            ("bytes_value: {}", r#"{"bytesValue":""}"#),
            (
                "int64_values: {} int64_values: {value: 1}",
                r#"{"int64Values":["0","1"]}"#,
            ),
        ],
    );
}

#[test]
fn values_and_structs() {
    check_reads(
        ALL,
        &[
            (r#"{"value": 1}"#, "value: {number_value: 1}"),
            (r#"{"value": 1.5}"#, "value: {number_value: 1.5}"),
            (r#"{"value": -0.0}"#, "value: {number_value: -0.0}"),
            (r#"{"value": false}"#, "value: {bool_value: false}"),
            (r#"{"value": null}"#, "value: {null_value: NULL_VALUE}"),
            (r#"{"value": "hello"}"#, "value: {string_value: 'hello'}"),
            (r#"{"value": "NaN"}"#, "value: {string_value: 'NaN'}"),
            (r#"{"value": []}"#, "value: {list_value: {}}"),
            (r#"{"value": {}}"#, "value: {struct_value: {}}"),
            (
                r#"{"value": [0, "hello"]}"#,
                "value: {list_value: {values: {number_value: 0} values: {string_value: 'hello'}}}",
            ),
            (
                r#"{"value": {"value": 1}}"#,
                "value: {struct_value: {fields: {key: 'value' value: {number_value: 1}}}}",
            ),
            (
                r#"{"values": [["a"], null]}"#,
                "values: {list_value: {values: {string_value: 'a'}}} values: {null_value: NULL_VALUE}",
            ),
            (
                r#"{"list": [null, [1], {}]}"#,
                "list: {values: {null_value: NULL_VALUE} values: {list_value: {values: {number_value: 1}}} values: {struct_value: {}}}",
            ),
            (
                r#"{"struct": {"a": null, "b": {"c": [true]}}}"#,
                "struct: {fields: {key: 'a' value: {null_value: NULL_VALUE}} fields: {key: 'b' value: {struct_value: {fields: {key: 'c' value: {list_value: {values: {bool_value: true}}}}}}}}",
            ),
            (
                r#"{"struct": {"": ""}}"#,
                "struct: {fields: {key: '' value: {string_value: ''}}}",
            ),
            (
                r#"{"structs": [{}, {"a": 1}]}"#,
                "structs: {} structs: {fields: {key: 'a' value: {number_value: 1}}}",
            ),
        ],
    );
    check_rejects(
        ALL,
        &[
            (r#"{"struct": []}"#, "struct"),
            (r#"{"struct": 1}"#, "struct"),
            (r#"{"list": {}}"#, "list"),
            (r#"{"list": 1}"#, "list"),
            (r#"{"value": 1e400}"#, "value"),
            (r#"{"structs": [null]}"#, "structs[0]"),
            (r#"{"value": [1,]}"#, "*"),
            (r#"{"value": {"a":}}"#, "*"),
        ],
    );
    check_writes(
        ALL,
        &[
            ("value: {number_value: 0}", r#"{"value":0}"#),
            ("value: {number_value: 1e21}", r#"{"value":1e21}"#),
            ("value: {string_value: ''}", r#"{"value":""}"#),
            ("value: {list_value: {}}", r#"{"value":[]}"#),
            ("value: {struct_value: {}}", r#"{"value":{}}"#),
            ("struct: {}", r#"{"struct":{}}"#),
            ("list: {}", r#"{"list":[]}"#),
            (
                "list: {values: {null_value: NULL_VALUE} values: {bool_value: false}}",
                r#"{"list":[null,false]}"#,
            ),
        ],
    );
    check_has_no_json(ALL, &["list: {values: {number_value: -inf}}"]);
}
