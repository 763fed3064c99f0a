//! Bytes that no serializer writes and yet mean something, and bytes that do not.

use transcode::WriteOptions;

use crate::{ALL, check_json, run, write};

/// Bytes in hexadecimal, with blanks, and their JSON.
fn check_bytes(rows: &[(&str, &str)]) {
    run(rows, |(hex, json)| {
        check_json(hex, write(ALL, &bytes(hex), &WriteOptions::default()), json)
    });
}

fn check_malformed(rows: &[&str]) {
    run(rows, |hex| {
        match write(ALL, &bytes(hex), &WriteOptions::default()) {
            Ok(json) => Err(format!("{hex}\n    is written as {json}")),
            Err(_) => Ok(()),
        }
    });
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.split_whitespace().collect::<String>();
    let pairs = pairs.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(|pair| byte(pair).expect("two digits")).collect()
}

#[test]
fn numbers_of_other_widths() {
    check_bytes(&[
        ("", "{}"),
        ("08 01", r#"{"anInt32":1}"#),
        // Zero on the wire is still no presence.
        ("08 00", "{}"),
        ("72 00", "{}"),
        ("a8 01 00", r#"{"maybeInt32":0}"#),
        // Longer than needed.
        ("08 81 80 80 00", r#"{"anInt32":1}"#),
        ("88 80 80 80 00 01", r#"{"anInt32":1}"#),
        // Negative in ten bytes, as it should be, and in five.
        ("08 ff ff ff ff ff ff ff ff ff 01", r#"{"anInt32":-1}"#),
        ("08 ff ff ff ff 0f", r#"{"anInt32":-1}"#),
        // Wider than the type: the low bits count.
        ("08 81 80 80 80 10", r#"{"anInt32":1}"#),
        ("18 81 80 80 80 10", r#"{"aUint32":1}"#),
        (
            "18 ff ff ff ff ff ff ff ff ff 01",
            r#"{"aUint32":4294967295}"#,
        ),
        ("28 81 80 80 80 10", r#"{"aSint32":-1}"#),
        ("80 01 81 80 80 80 10", r#"{"aColor":"RED"}"#),
        ("68 02", r#"{"aBool":true}"#),
        ("68 80 80 80 80 80 80 80 80 80 01", r#"{"aBool":true}"#),
        ("68 80 00", "{}"),
        (
            "80 01 ff ff ff ff ff ff ff ff ff 01",
            r#"{"aColor":"INFRARED"}"#,
        ),
        // Negative zero is a value of its own.
        ("61 00 00 00 00 00 00 00 80", r#"{"aDouble":-0.0}"#),
        ("5d 00 00 00 80", r#"{"aFloat":-0.0}"#),
        // Every NaN is one.
        ("5d 45 23 a1 7f", r#"{"aFloat":"NaN"}"#),
        ("5d 21 43 b5 ff", r#"{"aFloat":"NaN"}"#),
        ("61 01 00 00 00 00 00 f0 ff", r#"{"aDouble":"NaN"}"#),
    ]);
}

#[test]
fn fields_that_come_again() {
    check_bytes(&[
        // The last counts, also when it is zero.
        ("08 01 08 02", r#"{"anInt32":2}"#),
        ("08 01 08 00", "{}"),
        ("72 01 61 72 00", "{}"),
        ("08 01 10 05 08 02", r#"{"anInt32":2,"anInt64":"5"}"#),
        // Messages merge.
        (
            "9a 01 02 08 01 9a 01 03 1a 01 62",
            r#"{"anInner":{"a":1,"text":"b"}}"#,
        ),
        (
            "9a 01 02 08 01 08 07 9a 01 02 08 02",
            r#"{"anInt32":7,"anInner":{"a":2}}"#,
        ),
        (
            "9a 01 04 12 02 08 01 9a 01 05 12 03 1a 01 62",
            r#"{"anInner":{"inner":{"a":1,"text":"b"}}}"#,
        ),
        ("9a 01 00 9a 01 00", r#"{"anInner":{}}"#),
        // Lists go on.
        ("f8 01 01 08 07 f8 01 02", r#"{"anInt32":7,"int32s":[1,2]}"#),
        (
            "b2 02 02 08 01 08 07 b2 02 00",
            r#"{"anInt32":7,"inners":[{"a":1},{}]}"#,
        ),
        // Of a oneof the last counts.
        ("b8 04 01 c2 04 01 61", r#"{"oneString":"a"}"#),
        ("c2 04 01 61 b8 04 00", r#"{"oneUint32":0}"#),
        (
            "ca 04 02 08 01 ca 04 03 1a 01 62",
            r#"{"oneInner":{"a":1,"text":"b"}}"#,
        ),
        // What comes between forgets what was.
        (
            "ca 04 02 08 01 b8 04 05 ca 04 03 1a 01 62",
            r#"{"oneInner":{"text":"b"}}"#,
        ),
        ("ca 04 02 08 01 b8 04 05", r#"{"oneUint32":5}"#),
        // Well-known messages merge as well.
        (
            "b2 06 02 08 01 b2 06 02 10 01",
            r#"{"timestamp":"1970-01-01T00:00:01.000000001Z"}"#,
        ),
        ("8a 07 02 08 01 8a 07 02 08 02", r#"{"int64Value":"2"}"#),
        ("8a 07 02 08 01 8a 07 00", r#"{"int64Value":"1"}"#),
        ("c2 06 03 0a 01 61 c2 06 03 0a 01 62", r#"{"mask":"a,b"}"#),
        (
            "da 06 04 0a 02 20 01 da 06 04 0a 02 20 00",
            r#"{"list":[true,false]}"#,
        ),
        // Value: the last kind counts.
        ("d2 06 02 20 01 d2 06 03 1a 01 61", r#"{"value":"a"}"#),
        ("d2 06 05 20 01 1a 01 61", r#"{"value":"a"}"#),
    ]);
}

#[test]
fn lists_in_either_form() {
    check_bytes(&[
        ("fa 01 03 01 02 03", r#"{"int32s":[1,2,3]}"#),
        ("f8 01 01 f8 01 02", r#"{"int32s":[1,2]}"#),
        (
            "f8 01 01 fa 01 02 02 03 f8 01 04",
            r#"{"int32s":[1,2,3,4]}"#,
        ),
        ("fa 01 00", "{}"),
        ("fa 01 02 01 02 fa 01 01 03", r#"{"int32s":[1,2,3]}"#),
        ("ba 02 02 01 02", r#"{"unpacked":[1,2]}"#),
        (
            "c2 02 08 01 00 00 00 ff ff ff ff",
            r#"{"fixed32s":[1,4294967295]}"#,
        ),
        ("c5 02 01 00 00 00", r#"{"fixed32s":[1]}"#),
        ("92 02 02 01 00", r#"{"bools":[true,false]}"#),
        ("aa 02 02 01 05", r#"{"colors":["RED",5]}"#),
    ]);
}

#[test]
fn maps_in_any_form() {
    check_bytes(&[
        ("a2 03 04 08 01 10 02", r#"{"byInt32":{"1":2}}"#),
        ("a2 03 04 10 02 08 01", r#"{"byInt32":{"1":2}}"#),
        ("a2 03 02 08 01", r#"{"byInt32":{"1":0}}"#),
        ("a2 03 02 10 02", r#"{"byInt32":{"0":2}}"#),
        ("a2 03 00", r#"{"byInt32":{"0":0}}"#),
        ("a2 03 06 08 01 08 03 10 02", r#"{"byInt32":{"3":2}}"#),
        ("a2 03 06 08 01 18 09 10 02", r#"{"byInt32":{"1":2}}"#),
        // A key that comes again.
        (
            "a2 03 04 08 01 10 02 a2 03 04 08 01 10 03",
            r#"{"byInt32":{"1":3}}"#,
        ),
        (
            "a2 03 04 08 01 10 02 a2 03 02 08 01",
            r#"{"byInt32":{"1":0}}"#,
        ),
        (
            "a2 03 04 08 01 10 02 08 07 a2 03 04 08 04 10 05",
            r#"{"anInt32":7,"byInt32":{"1":2,"4":5}}"#,
        ),
        // In one entry messages merge, in two they do not.
        (
            "d2 03 0c 0a 01 6b 12 02 08 01 12 03 1a 01 62",
            r#"{"innersByString":{"k":{"a":1,"text":"b"}}}"#,
        ),
        (
            "d2 03 07 0a 01 6b 12 02 08 01 d2 03 08 0a 01 6b 12 03 1a 01 62",
            r#"{"innersByString":{"k":{"text":"b"}}}"#,
        ),
        ("d2 03 03 0a 01 6b", r#"{"innersByString":{"k":{}}}"#),
        (
            "ca 03 03 0a 01 6b",
            r#"{"colorsByString":{"k":"COLORLESS"}}"#,
        ),
        ("c2 03 04 08 02 10 03", r#"{"byBool":{"true":true}}"#),
        // Struct is a map too.
        (
            "ca 06 0b 0a 09 0a 01 6b 12 04 1a 02 61 62",
            r#"{"struct":{"k":"ab"}}"#,
        ),
        (
            "ca 06 09 0a 07 0a 01 6b 12 02 20 01 ca 06 09 0a 07 0a 01 6b 12 02 20 00",
            r#"{"struct":{"k":false}}"#,
        ),
    ]);
}

#[test]
fn fields_that_are_not_known() {
    check_bytes(&[
        // Number 500, of each wire type.
        ("a0 1f 01 08 01", r#"{"anInt32":1}"#),
        ("a1 1f 00 00 00 00 00 00 00 00 08 01", r#"{"anInt32":1}"#),
        ("a2 1f 03 ff ff ff 08 01", r#"{"anInt32":1}"#),
        ("a5 1f 00 00 00 00 08 01", r#"{"anInt32":1}"#),
        ("a3 1f a4 1f 08 01", r#"{"anInt32":1}"#),
        (
            "a3 1f 08 05 12 01 61 0b 08 01 0c a4 1f 08 01",
            r#"{"anInt32":1}"#,
        ),
        // The largest number that there is.
        ("f8 ff ff ff 0f 01 08 01", r#"{"anInt32":1}"#),
        // In a nested message.
        ("9a 01 05 a0 1f 01 08 01", r#"{"anInner":{"a":1}}"#),
    ]);
}

#[test]
fn bytes_that_are_no_message() {
    check_malformed(&[
        // Cut off.
        "08",
        "08 80",
        "80",
        "61 00 00 00",
        "5d 00 00",
        "72",
        "72 05 61",
        "72 ff ff ff ff 0f",
        "72 ff ff ff ff ff ff ff ff ff 01",
        "9a 01 02 08",
        "9a 01 05 08 01",
        "fa 01 01 80",
        "c2 02 03 00 00 00",
        "a2 03 05 08 01 10 02",
        // Varints that are too long.
        "08 80 80 80 80 80 80 80 80 80 80 01",
        "08 ff ff ff ff ff ff ff ff ff ff",
        "ff ff ff ff ff ff ff ff ff ff 01",
        // Tags that are none.
        "00",
        "00 01",
        "02 00",
        "07 00",
        "0e 00",
        "0f 00",
        "80 80 80 80 80 01 00",
        // Groups.
        "0c",
        "a4 1f",
        "a3 1f",
        "a3 1f 08",
        "a3 1f 08 01",
        "a3 1f ac 1f",
        "a3 1f 0b a4 1f 0c",
        // Text that is not UTF-8.
        "72 01 ff",
        "72 02 c0 80",
        "72 03 ed a0 80",
        "9a 02 01 ff",
        "9a 03 03 0a 01 ff",
        "9a 03 03 12 01 ff",
        "c2 04 01 ff",
        "b2 07 03 0a 01 ff",
        "ca 06 05 0a 03 0a 01 ff",
    ]);
}

#[test]
fn depth_is_limited() {
    let nested = |levels: usize| {
        let mut wire = Vec::new();
        for _ in 0..levels {
            let mut outer = vec![0xa2, 0x01];
            prost::encoding::encode_varint(wire.len() as u64, &mut outer);
            outer.append(&mut wire);
            wire = outer;
        }
        wire
    };
    let options = WriteOptions::default();
    assert!(write(ALL, &nested(90), &options).is_ok(), "90 levels");
    assert!(write(ALL, &nested(200), &options).is_err(), "200 levels");
    assert!(
        write(ALL, &nested(20_000), &options).is_err(),
        "20,000 levels"
    );
    let groups = b"\xa3\x1f".repeat(100_000);
    assert!(write(ALL, &groups, &options).is_err(), "100,000 groups");
}

/// Each of these would not end if it took the square of its length.
#[test]
fn long_messages_take_no_time() {
    let many = 100_000;
    let inner = |number: u32| format!("9a0104 12 02 08 {:02x}", number % 128).replace(' ', "");
    let long = [
        // The same field again and again, with another between.
        "0801100208021003".repeat(many),
        // A message in many pieces.
        (0..100_000).map(inner).collect::<String>(),
        // A list, interleaved.
        "f801010801".repeat(many),
        // Oneofs that change.
        "b80401c2040161".repeat(many),
        // The same key of a map.
        "a2030408011002".repeat(many),
        // Other keys.
        (0..100_000)
            .map(|n: u32| {
                format!(
                    "a2030608{:02x}{:02x}{:02x}1002",
                    0x80 | n & 0x7f,
                    0x80 | n >> 7 & 0x7f,
                    n >> 14
                )
            })
            .collect(),
        "a0 1f 01".replace(' ', "").repeat(many),
    ];
    for hex in &long {
        let _ = write(ALL, &bytes(hex), &WriteOptions::default());
    }
}
