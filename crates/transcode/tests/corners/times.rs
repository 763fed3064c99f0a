//! Timestamps and durations.

use crate::{
    ALL, check_has_no_json, check_reads, check_reads_or_rejects, check_rejects, check_writes, run,
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
