//! Texts with their escapes, and bytes with their base64.

use transcode::{Unknown, WriteOptions};

use crate::{
    ALL, check_reads, check_reads_or_rejects, check_rejects, check_writes, parsed, read, write,
};

#[test]
fn texts_are_read() {
    check_reads(
        ALL,
        &[
            (r#"{"aString": "Hello world!"}"#, "a_string: 'Hello world!'"),
            (r#"{"aString": ""}"#, ""),
            (r#"{"maybeString": ""}"#, "maybe_string: ''"),
            (
                r#"{"aString": "谷歌"}"#,
                r"a_string: '\xE8\xB0\xB7\xE6\xAD\x8C'",
            ),
            (
                r#"{"aString": "\"\\\/\b\f\n\r\t"}"#,
                r#"a_string: "\"\\/\b\f\n\r\t""#,
            ),
            (
                r#"{"aString": "\u8C37\u6b4C"}"#,
                r"a_string: '\xE8\xB0\xB7\xE6\xAD\x8C'",
            ),
            (
                r#"{"aString": "\uD83D\uDE01"}"#,
                r"a_string: '\xF0\x9F\x98\x81'",
            ),
            (
                r#"{"aString": "Hello\u0000world!"}"#,
                r"a_string: 'Hello\000world!'",
            ),
            (r#"{"aString": "\u007f"}"#, "a_string: '\u{7f}'"),
            (r#"{"aString": "a\u0041b\nc"}"#, r"a_string: 'aAb\nc'"),
            (
                r#"{"aString": "\uFFFF\u2028"}"#,
                "a_string: '\u{ffff}\u{2028}'",
            ),
            (
                r#"{"strings": ["", "a", "\u0022"]}"#,
                r#"strings: ["", "a", "\""]"#,
            ),
            (
                r#"{"aString": "{\"a\": [1, null]}"}"#,
                r#"a_string: "{\"a\": [1, null]}""#,
            ),
        ],
    );
}

#[test]
fn what_is_no_text_is_refused() {
    check_rejects(
        ALL,
        &[
            (r#"{"aString": 12345}"#, "aString"),
            (r#"{"aString": true}"#, "aString"),
            (r#"{"aString": []}"#, "aString"),
            (r#"{"aString": {}}"#, "aString"),
            (r#"{"aString": ["a"]}"#, "aString"),
            (r#"{"aString": "\U8C37\U6b4C"}"#, "*"),
            (r#"{"aString": "\uXXXX\u6B4C"}"#, "*"),
            (r#"{"aString": "\u8C3"}"#, "*"),
            (r#"{"aString": "\u+123"}"#, "*"),
            (r#"{"aString": "\uD800"}"#, "*"),
            (r#"{"aString": "\uDC00"}"#, "*"),
            (r#"{"aString": "\uDE01\uD83D"}"#, "*"),
            (r#"{"aString": "\uD83D\u0041"}"#, "*"),
            (r#"{"aString": "\uD83Dx"}"#, "*"),
            (r#"{"aString": "\uD83D\uD83D\uDE01"}"#, "*"),
            (r#"{"aString": "\x41"}"#, "*"),
            (r#"{"aString": "\'"}"#, "*"),
            (r#"{"aString": "\a"}"#, "*"),
            (r#"{"aString": "\"#, "*"),
            (r#"{"aString": "abc\"#, "*"),
            (r#"{"aString": "abc"#, "*"),
            (r#"{"aString": 'Hello world!'}"#, "*"),
            (r#"{'aString': "Hello world!"}"#, "*"),
            (r#"{'aString': 'Hello world!'}"#, "*"),
            ("{\"aString\": \"a\nb\"}", "*"),
            ("{\"aString\": \"a\tb\"}", "*"),
            ("{\"aString\": \"a\0b\"}", "*"),
            ("{\"aString\": \"a\u{1f}b\"}", "*"),
        ],
    );
}

#[test]
fn json_that_is_not_utf8_is_refused() {
    let texts: [&[u8]; 9] = [
        b"{\"aString\": \"\xff\"}",
        b"{\"aString\": \"\xc3\"}",
        b"{\"aString\": \"\xc0\x80\"}",
        b"{\"aString\": \"\xed\xa0\x80\"}",
        b"{\"aString\": \"\xf4\x90\x80\x80\"}",
        b"{\"aString\": \"a\\n\xff\"}",
        b"{\"a\xff\": 1}",
        b"{\"strings\": [\"\xe8\xb0\"]}",
        b"\xff{}",
    ];
    for text in texts {
        for unknown in [Unknown::Reject, Unknown::Ignore] {
            let read = read(ALL, text, unknown);
            assert!(read.is_err(), "{} is read as {read:?}", text.escape_ascii());
        }
    }
}

#[test]
fn texts_are_written() {
    check_writes(
        ALL,
        &[
            ("a_string: 'Hello'", r#"{"aString":"Hello"}"#),
            (
                r#"a_string: "\"\\/\b\f\n\r\t""#,
                r#"{"aString":"\"\\/\b\f\n\r\t"}"#,
            ),
            (
                r"a_string: '\000\001\037\177'",
                r#"{"aString":"\u0000\u0001\u001f\u007f"}"#,
            ),
            (r"a_string: '\xE8\xB0\xB7'", r#"{"aString":"谷"}"#),
            (r"a_string: '\xF0\x9F\x98\x81'", r#"{"aString":"😁"}"#),
            (
                "a_string: '\u{2028}\u{2029}<>&'",
                "{\"aString\":\"\u{2028}\u{2029}<>&\"}",
            ),
            ("maybe_string: ''", r#"{"maybeString":""}"#),
            ("strings: ['', 'a']", r#"{"strings":["","a"]}"#),
        ],
    );
}

#[test]
fn bytes_are_read() {
    check_reads(
        ALL,
        &[
            (r#"{"someBytes": "AQI="}"#, r"some_bytes: '\x01\x02'"),
            (r#"{"someBytes": "AQI"}"#, r"some_bytes: '\x01\x02'"),
            (r#"{"someBytes": "AA=="}"#, r"some_bytes: '\x00'"),
            (r#"{"someBytes": "AA"}"#, r"some_bytes: '\x00'"),
            (r#"{"someBytes": "AAEC"}"#, r"some_bytes: '\x00\x01\x02'"),
            (r#"{"someBytes": "+/8="}"#, r"some_bytes: '\xfb\xff'"),
            (r#"{"someBytes": "-_8="}"#, r"some_bytes: '\xfb\xff'"),
            (r#"{"someBytes": "-_8"}"#, r"some_bytes: '\xfb\xff'"),
            (r#"{"someBytes": "+\/8="}"#, r"some_bytes: '\xfb\xff'"),
            (r#"{"someBytes": "\u0041QI="}"#, r"some_bytes: '\x01\x02'"),
            // The last six bits hold more than the byte that they end.
            (r#"{"someBytes": "-_"}"#, r"some_bytes: '\xfb'"),
            (r#"{"someBytes": ""}"#, ""),
            (r#"{"maybeBytes": ""}"#, "maybe_bytes: ''"),
            (
                r#"{"byteStrings": ["", "AQI="]}"#,
                r"byte_strings: ['', '\x01\x02']",
            ),
        ],
    );
    check_reads_or_rejects(
        ALL,
        &[
            (r#"{"someBytes": "+_8="}"#, r"some_bytes: '\xfb\xff'"),
            (r#"{"someBytes": "AR=="}"#, r"some_bytes: '\x01'"),
            (r#"{"someBytes": "AQI=="}"#, r"some_bytes: '\x01\x02'"),
        ],
    );
    check_rejects(
        ALL,
        &[
            (r#"{"someBytes": "A"}"#, "someBytes"),
            (r#"{"someBytes": "AAECA"}"#, "someBytes"),
            (r#"{"someBytes": "AQI=AQI="}"#, "someBytes"),
            (r#"{"someBytes": "===="}"#, "someBytes"),
            (r#"{"someBytes": "=AQI"}"#, "someBytes"),
            (r#"{"someBytes": "A QI="}"#, "someBytes"),
            (r#"{"someBytes": "AQI=\n"}"#, "someBytes"),
            (r#"{"someBytes": "AQ!="}"#, "someBytes"),
            (r#"{"someBytes": "é"}"#, "someBytes"),
            (r#"{"someBytes": 1}"#, "someBytes"),
            (r#"{"someBytes": [1, 2]}"#, "someBytes"),
            (r#"{"byteStrings": ["AQI=", "A"]}"#, "byteStrings[1]"),
        ],
    );
}

#[test]
fn bytes_are_written() {
    check_writes(
        ALL,
        &[
            (r"some_bytes: '\x01\x02'", r#"{"someBytes":"AQI="}"#),
            (r"some_bytes: '\xfb\xff'", r#"{"someBytes":"+/8="}"#),
            (r"some_bytes: '\xfb'", r#"{"someBytes":"+w=="}"#),
            ("maybe_bytes: ''", r#"{"maybeBytes":""}"#),
        ],
    );
}

/// What is written is as short as JSON can be.
#[test]
fn no_blanks_and_no_needless_escapes() {
    use prost::Message;

    let wire = parsed(
        ALL,
        "an_int32: 1 strings: ['/', 'é'] by_string: {key: 'a' value: 'b'}",
    );
    let json = write(ALL, &wire.encode_to_vec(), &WriteOptions::default());
    let expected = r#"{"anInt32":1,"strings":["/","é"],"byString":{"a":"b"}}"#;
    assert_eq!(json.expect("valid"), expected);
}
