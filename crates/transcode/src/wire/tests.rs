use proptest::prelude::*;
use prost::encoding::{self, DecodeContext};

use super::*;

fn reads(bytes: &[u8]) -> Result<Vec<(u32, WireType)>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut tags = Vec::new();
    while !reader.is_empty() {
        let (number, wire) = reader.tag()?;
        reader.skip(number, wire)?;
        tags.push((number, wire));
    }
    Ok(tags)
}

#[test]
fn what_is_malformed() {
    let check = |bytes: &[u8], expected| assert_eq!(reads(bytes), Err(expected), "{bytes:02x?}");
    check(&[0x80], Malformed::Truncated);
    check(&[0x08], Malformed::Truncated);
    check(&[0x08, 0x80], Malformed::Truncated);
    check(&[0x09, 1, 2, 3, 4, 5, 6, 7], Malformed::Truncated);
    check(&[0x0d, 1, 2, 3], Malformed::Truncated);
    check(&[0x0a, 2, 0], Malformed::Truncated);
    check(
        &[
            0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
        ],
        Malformed::Truncated,
    );
    check(
        &[[0x08].as_slice(), &[0xff; 10]].concat(),
        Malformed::Varint,
    );
    check(
        &[[0x08].as_slice(), &[0xff; 9], &[2]].concat(),
        Malformed::Varint,
    );
    check(&[0x00], Malformed::Tag);
    check(&[0x02], Malformed::Tag);
    check(&[0x0e], Malformed::Tag);
    check(&[0x80, 0x80, 0x80, 0x80, 0x10], Malformed::Tag);
    check(&[0x0b], Malformed::Group);
    check(&[0x0c], Malformed::Group);
    check(&[0x0b, 0x14], Malformed::Group);
    check(&[0x0b; 101], Malformed::Depth);
}

#[test]
fn groups_are_passed_over() {
    assert_eq!(
        reads(&[0x0b, 0x08, 1, 0x13, 0x14, 0x0c]),
        Ok(vec![(1, WireType::GroupStart)])
    );
    let nested = [[0x0b; 100], [0x0c; 100]].concat();
    assert_eq!(reads(&nested), Ok(vec![(1, WireType::GroupStart)]));
}

#[test]
fn a_field_without_a_schema() {
    let wire = [0x0a, 1, b'a', 0x10, 7, 0x0a, 2, b'b', b'c', 0x08, 1];
    assert_eq!(bytes_field(&wire, 1), Ok(&b"bc"[..]));
    assert_eq!(bytes_field(&wire, 2), Ok(&b""[..]));
    assert_eq!(bytes_field(&wire, 3), Ok(&b""[..]));
    assert_eq!(bytes_field(&wire[..6], 1), Err(Malformed::Truncated));
}

#[test]
fn a_builder_can_be_used_again() {
    let mut builder = Builder::new();
    assert!(builder.is_empty());
    builder.tag(1, WireType::Length);
    let nested = builder.begin();
    builder.end(nested);
    assert_eq!(builder.len(), 2);
    builder.clear();
    assert!(builder.is_empty());
    assert_eq!(builder.len(), 0);
    builder.tag(2, WireType::Varint);
    builder.varint(300);
    let mut out = Vec::new();
    builder.write_to(&mut out);
    assert_eq!(out, [0x10, 0xac, 0x02]);
    assert_eq!(builder.len(), 3);
}

#[derive(Debug, Clone)]
enum Written {
    Varint(u64),
    Fixed32([u8; 4]),
    Fixed64([u8; 8]),
    Bytes(Vec<u8>),
    Nested(Vec<(u32, Written)>),
}

fn content() -> impl Strategy<Value = Vec<(u32, Written)>> {
    let number = prop_oneof![1u32..20, Just(NUMBER_MAX)];
    let leaf = prop_oneof![
        any::<u64>().prop_map(Written::Varint),
        any::<[u8; 4]>().prop_map(Written::Fixed32),
        any::<[u8; 8]>().prop_map(Written::Fixed64),
        // Around the lengths at which a length takes another byte.
        prop_oneof![0usize..5, 120usize..135].prop_map(|len| Written::Bytes(vec![b'x'; len])),
    ];
    let value = leaf.prop_recursive(6, 64, 8, {
        let number = number.clone();
        move |inner| prop::collection::vec((number.clone(), inner), 0..8).prop_map(Written::Nested)
    });
    prop::collection::vec((number, value), 0..8)
}

fn build(builder: &mut Builder, content: &[(u32, Written)]) {
    for (number, value) in content {
        match value {
            Written::Varint(value) => {
                builder.tag(*number, WireType::Varint);
                builder.varint(*value);
            }
            Written::Fixed32(bytes) => {
                builder.tag(*number, WireType::Fixed32);
                builder.raw(bytes);
            }
            Written::Fixed64(bytes) => {
                builder.tag(*number, WireType::Fixed64);
                builder.raw(bytes);
            }
            Written::Bytes(bytes) => {
                builder.tag(*number, WireType::Length);
                builder.length_delimited(bytes);
            }
            Written::Nested(content) => {
                builder.tag(*number, WireType::Length);
                let nested = builder.begin();
                build(builder, content);
                builder.end(nested);
            }
        }
    }
}

/// The same, level by level, by another library.
fn expected(content: &[(u32, Written)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, value) in content {
        match value {
            Written::Varint(value) => encoding::uint64::encode(*number, value, &mut out),
            Written::Fixed32(bytes) => {
                encoding::fixed32::encode(*number, &u32::from_le_bytes(*bytes), &mut out);
            }
            Written::Fixed64(bytes) => {
                encoding::fixed64::encode(*number, &u64::from_le_bytes(*bytes), &mut out);
            }
            Written::Bytes(bytes) => encoding::bytes::encode(*number, bytes, &mut out),
            Written::Nested(content) => {
                encoding::bytes::encode(*number, &expected(content), &mut out);
            }
        }
    }
    out
}

/// Reads `content` back, as deep as it goes.
fn read_back(mut reader: Reader<'_>, content: &[(u32, Written)]) -> Result<(), Malformed> {
    for (number, value) in content {
        let (found, wire) = reader.tag()?;
        assert_eq!(found, *number);
        match (reader.raw(wire)?, value) {
            (Raw::Number(found), Written::Varint(value)) => assert_eq!(found, *value),
            (Raw::Number(found), Written::Fixed32(value)) => {
                assert_eq!(found, u64::from(u32::from_le_bytes(*value)));
            }
            (Raw::Number(found), Written::Fixed64(value)) => {
                assert_eq!(found, u64::from_le_bytes(*value));
            }
            (Raw::Bytes(found), Written::Bytes(value)) => assert_eq!(found, value),
            (Raw::Bytes(found), Written::Nested(content)) => {
                read_back(Reader::new(found), content)?;
            }
            (found, value) => assert_eq!(format!("{found:?}"), format!("{value:?}")),
        }
    }
    assert!(reader.is_empty());
    Ok(())
}

proptest! {
    #[test]
    fn what_is_built_is_what_another_library_builds(content in content()) {
        let mut builder = Builder::new();
        build(&mut builder, &content);
        let mut out = Vec::new();
        builder.write_to(&mut out);
        prop_assert_eq!(builder.len(), out.len());
        prop_assert_eq!(&out, &expected(&content));
        prop_assert_eq!(read_back(Reader::new(&out), &content), Ok(()));
    }

    #[test]
    fn varints_are_read_as_by_another_library(
        mut bytes in prop::collection::vec(any::<u8>(), 0..12),
        long: bool,
    ) {
        if long {
            bytes.iter_mut().rev().skip(1).for_each(|byte| *byte |= 0x80);
        }
        let mut reader = Reader::new(&bytes);
        let mut rest = bytes.as_slice();
        match (reader.varint(), encoding::decode_varint(&mut rest)) {
            (Ok(found), Ok(expected)) => {
                prop_assert_eq!(found, expected);
                prop_assert_eq!(reader.rest, rest);
            }
            (found, expected) => prop_assert_eq!(found.is_ok(), expected.is_ok()),
        }
    }

    #[test]
    fn what_is_malformed_is_so_to_another_library(
        bytes in prop::collection::vec(prop_oneof![0u8..0x20, any::<u8>()], 0..40),
    ) {
        let mut rest = bytes.as_slice();
        let mut expected = Ok(());
        while !rest.is_empty() && expected.is_ok() {
            expected = encoding::decode_key(&mut rest).and_then(|(number, wire)| {
                encoding::skip_field(wire, number, &mut rest, DecodeContext::default())
            });
        }
        prop_assert_eq!(reads(&bytes).is_ok(), expected.is_ok());
    }
}
