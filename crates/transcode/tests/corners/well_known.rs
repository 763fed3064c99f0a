//! The messages of protobuf itself that have a JSON of their own.

use prost::Message;
use transcode::{UnknownAny, WriteOptions};

use crate::{
    ALL, check_has_no_json, check_json, check_reads, check_reads_or_rejects, check_rejects,
    check_writes, parsed, run, write,
};

#[test]
fn timestamps_are_read() {
    check_reads(
        ALL,
        &[
            (
                r#"{"timestamp": "0001-01-01T00:00:00Z"}"#,
                "timestamp: {seconds: -62135596800}",
            ),
            (
                r#"{"timestamp": "9999-12-31T23:59:59.999999999Z"}"#,
                "timestamp: {seconds: 253402300799 nanos: 999999999}",
            ),
            (r#"{"timestamp": "1970-01-01T00:00:00Z"}"#, "timestamp: {}"),
            (
                r#"{"timestamp": "1970-01-01T00:00:00.000Z"}"#,
                "timestamp: {}",
            ),
            (
                r#"{"timestamp": "1970-01-01T00:00:00.000000001Z"}"#,
                "timestamp: {nanos: 1}",
            ),
            (
                r#"{"timestamp": "1970-01-01T00:00:00.1Z"}"#,
                "timestamp: {nanos: 100000000}",
            ),
            (
                r#"{"timestamp": "1970-01-01T00:00:00.12345Z"}"#,
                "timestamp: {nanos: 123450000}",
            ),
            (
                r#"{"timestamp": "1969-12-31T23:59:59.999999999Z"}"#,
                "timestamp: {seconds: -1 nanos: 999999999}",
            ),
            (
                r#"{"timestamp": "1969-12-31T23:59:49.500Z"}"#,
                "timestamp: {seconds: -11 nanos: 500000000}",
            ),
            (
                r#"{"timestamp": "1993-02-10T00:00:00.000Z"}"#,
                "timestamp: {seconds: 729302400}",
            ),
            (
                r#"{"timestamp": "2000-02-29T00:00:00Z"}"#,
                "timestamp: {seconds: 951782400}",
            ),
            (
                r#"{"timestamp": "1970-01-01T08:00:01+08:00"}"#,
                "timestamp: {seconds: 1}",
            ),
            (
                r#"{"timestamp": "1969-12-31T16:00:01-08:00"}"#,
                "timestamp: {seconds: 1}",
            ),
            (
                r#"{"timestamp": "1970-01-02T01:00:00+02:00"}"#,
                "timestamp: {seconds: 82800}",
            ),
            (
                r#"{"timestamp": "1970-01-01T00:00:00-11:30"}"#,
                "timestamp: {seconds: 41400}",
            ),
            (
                r#"{"timestamp": "1970-01-01T00:00:00.5+00:00"}"#,
                "timestamp: {nanos: 500000000}",
            ),
            (
                r#"{"timestamp": "0001-01-01T00:00:00-00:01"}"#,
                "timestamp: {seconds: -62135596740}",
            ),
            (
                r#"{"timestamp": "9999-12-31T23:59:59+00:01"}"#,
                "timestamp: {seconds: 253402300739}",
            ),
            (
                r#"{"timestamp": "1970-01-01T23:59:59-23:59"}"#,
                "timestamp: {seconds: 172739}",
            ),
            (
                r#"{"timestamp": "1970-01-01T00:00:00\u005a"}"#,
                "timestamp: {}",
            ),
            (
                r#"{"timestamps": ["0001-01-01T00:00:00Z", "1970-01-01T00:00:01Z"]}"#,
                "timestamps: {seconds: -62135596800} timestamps: {seconds: 1}",
            ),
        ],
    );
    run(
        &[
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "0001-01-01T00:00:00",
            "0001-01-01 00:00:00Z",
            "0001-01-01T00:00:00z",
            "0001-01-01t00:00:00Z",
            "1970-01-01T08:00:01+0800",
            "1970-01-01T08:00:01+08",
            "1970-01-01T08:00:01 +08:00",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-01-32T00:00:00Z",
            "1970-01-00T00:00:00Z",
            "1970-04-31T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T25:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:60Z",
            "2016-12-31T23:59:60Z",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+00:60",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "1970-01-01T00:00:00.1234567890Z",
            "1970-01-01T00:00:00.123aZ",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00,5Z",
            "999-01-01T00:00:00Z",
            "00001-01-01T00:00:00Z",
            "+1970-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "1970-1-01T00:00:00Z",
            "1970-01-1T00:00:00Z",
            "1970-01-01T0:00:00Z",
            "2001-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "1970-01-01T00:00Z",
            "1970-01-01",
            "",
            " 1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z ",
            "1970-01-01T00:00:00ZZ",
            "1970/01/01T00:00:00Z",
            "now",
            "１970-01-01T00:00:00Z",
            "1970-01-01T00:00:00é",
        ],
        |text| {
            check_rejects(
                ALL,
                &[(&format!("{{\"timestamp\": \"{text}\"}}"), "timestamp")],
            );
            Ok(())
        },
    );
    check_rejects(
        ALL,
        &[
            (r#"{"timestamp": 0}"#, "timestamp"),
            (r#"{"timestamp": {}}"#, "timestamp"),
            (r#"{"timestamp": {"seconds": 1}}"#, "timestamp"),
            (r#"{"timestamp": true}"#, "timestamp"),
        ],
    );
}

#[test]
fn timestamps_are_written() {
    check_writes(
        ALL,
        &[
            ("timestamp: {}", r#"{"timestamp":"1970-01-01T00:00:00Z"}"#),
            (
                "timestamp: {nanos: 10000000}",
                r#"{"timestamp":"1970-01-01T00:00:00.010Z"}"#,
            ),
            (
                "timestamp: {nanos: 10000}",
                r#"{"timestamp":"1970-01-01T00:00:00.000010Z"}"#,
            ),
            (
                "timestamp: {nanos: 10}",
                r#"{"timestamp":"1970-01-01T00:00:00.000000010Z"}"#,
            ),
            (
                "timestamp: {seconds: -1 nanos: 999999999}",
                r#"{"timestamp":"1969-12-31T23:59:59.999999999Z"}"#,
            ),
            (
                "timestamp: {seconds: -62135596800}",
                r#"{"timestamp":"0001-01-01T00:00:00Z"}"#,
            ),
            (
                "timestamp: {seconds: 253402300799 nanos: 999999999}",
                r#"{"timestamp":"9999-12-31T23:59:59.999999999Z"}"#,
            ),
            (
                "timestamp: {seconds: 951782400}",
                r#"{"timestamp":"2000-02-29T00:00:00Z"}"#,
            ),
            (
                "timestamp: {seconds: -2203891200}",
                r#"{"timestamp":"1900-03-01T00:00:00Z"}"#,
            ),
        ],
    );
    check_has_no_json(
        ALL,
        &[
            "timestamp: {seconds: -62135596801}",
            "timestamp: {seconds: 253402300800}",
            "timestamp: {seconds: 9223372036854775807}",
            "timestamp: {seconds: -9223372036854775808}",
            "timestamp: {seconds: 5000 nanos: -1}",
            "timestamp: {seconds: 5000 nanos: 1000000000}",
            "timestamps: {seconds: 253402300800}",
        ],
    );
}

#[test]
fn durations_are_read() {
    check_reads(
        ALL,
        &[
            (
                r#"{"duration": "-315576000000.999999999s"}"#,
                "duration: {seconds: -315576000000 nanos: -999999999}",
            ),
            (
                r#"{"duration": "315576000000.999999999s"}"#,
                "duration: {seconds: 315576000000 nanos: 999999999}",
            ),
            (r#"{"duration": "0s"}"#, "duration: {}"),
            (r#"{"duration": "-0s"}"#, "duration: {}"),
            (r#"{"duration": "-5s"}"#, "duration: {seconds: -5}"),
            (r#"{"duration": "-0.5s"}"#, "duration: {nanos: -500000000}"),
            (r#"{"duration": "0.000000001s"}"#, "duration: {nanos: 1}"),
            (
                r#"{"duration": "1.000340012s"}"#,
                "duration: {seconds: 1 nanos: 340012}",
            ),
            (r#"{"duration": "\u0031s"}"#, "duration: {seconds: 1}"),
            (
                r#"{"durations": ["1.5s", "-1.5s"]}"#,
                "durations: {seconds: 1 nanos: 500000000} durations: {seconds: -1 nanos: -500000000}",
            ),
        ],
    );
    check_rejects(
        ALL,
        &[
            (r#"{"duration": "1"}"#, "duration"),
            (r#"{"duration": "-315576000001.000000000s"}"#, "duration"),
            (r#"{"duration": "315576000001.000000000s"}"#, "duration"),
            (r#"{"duration": "99999999999999999999s"}"#, "duration"),
            (r#"{"duration": "1.1234567890s"}"#, "duration"),
            (r#"{"duration": "1S"}"#, "duration"),
            (r#"{"duration": "1 s"}"#, "duration"),
            (r#"{"duration": " 1s"}"#, "duration"),
            (r#"{"duration": "1s "}"#, "duration"),
            (r#"{"duration": "1e3s"}"#, "duration"),
            (r#"{"duration": "s"}"#, "duration"),
            (r#"{"duration": "-s"}"#, "duration"),
            (r#"{"duration": "--1s"}"#, "duration"),
            (r#"{"duration": "1.-5s"}"#, "duration"),
            (r#"{"duration": ""}"#, "duration"),
            (r#"{"duration": "1m"}"#, "duration"),
            (r#"{"duration": "Infinitys"}"#, "duration"),
            (r#"{"duration": "１s"}"#, "duration"),
            (r#"{"duration": 1}"#, "duration"),
            (r#"{"duration": {"seconds": 1}}"#, "duration"),
        ],
    );
    check_reads_or_rejects(
        ALL,
        &[
            (r#"{"duration": "1.s"}"#, "duration: {seconds: 1}"),
            (r#"{"duration": ".5s"}"#, "duration: {nanos: 500000000}"),
            (r#"{"duration": "01s"}"#, "duration: {seconds: 1}"),
            (r#"{"duration": "+1s"}"#, "duration: {seconds: 1}"),
        ],
    );
}

#[test]
fn durations_are_written() {
    check_writes(
        ALL,
        &[
            ("duration: {}", r#"{"duration":"0s"}"#),
            ("duration: {seconds: 1}", r#"{"duration":"1s"}"#),
            (
                "duration: {seconds: 1 nanos: 10000000}",
                r#"{"duration":"1.010s"}"#,
            ),
            (
                "duration: {seconds: 1 nanos: 10000}",
                r#"{"duration":"1.000010s"}"#,
            ),
            (
                "duration: {seconds: 1 nanos: 10}",
                r#"{"duration":"1.000000010s"}"#,
            ),
            (
                "duration: {seconds: -1 nanos: -500000000}",
                r#"{"duration":"-1.500s"}"#,
            ),
            ("duration: {nanos: -500000000}", r#"{"duration":"-0.500s"}"#),
            (
                "duration: {seconds: -315576000000}",
                r#"{"duration":"-315576000000s"}"#,
            ),
        ],
    );
    check_has_no_json(
        ALL,
        &[
            "duration: {seconds: -315576000001}",
            "duration: {seconds: 315576000001}",
            "duration: {seconds: -9223372036854775808}",
            "duration: {seconds: 1 nanos: -1}",
            "duration: {seconds: -1 nanos: 1}",
            "duration: {seconds: -1 nanos: -1000000000}",
            "duration: {seconds: 1 nanos: 1000000000}",
            "duration: {nanos: -2147483648}",
        ],
    );
}

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
