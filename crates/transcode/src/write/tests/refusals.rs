//! What has no JSON, and what is said about it.

use super::*;

#[test]
fn bytes_that_are_no_message() {
    let check = |message: &str, wire: Wire, reason: &str| {
        let expected =
            format!("{reason}; check that the server was built from the same descriptors");
        let options = WriteOptions::default();
        let error = written(options, message, wire.as_ref()).expect_err("no message");
        assert_eq!(error.to_string(), expected);
        // Sorting looks at a message as a whole before it looks at a field.
        assert!(resolved(options, message, wire.as_ref()).is_err());
    };
    check(
        "t.Small",
        wire().raw([0x08]),
        "t.Small.value is malformed: a value that is cut off",
    );
    check(
        "t.Small",
        wire().raw([0x10]),
        "t.Small is malformed: a value that is cut off",
    );
    check(
        "t.Small",
        wire().raw([0x08]).raw([0xff; 11]),
        "t.Small.value is malformed: a varint that is too long",
    );
    check(
        "t.Small",
        wire().raw([0x0c]),
        "t.Small is malformed: a group without its other end",
    );
    check(
        "t.Small",
        wire().raw([0x07]),
        "t.Small is malformed: a field number or wire type that does not exist",
    );
    check(
        "t.Tree",
        wire().bytes(4, wire().bytes(2, wire().bytes(1, [0xff]))),
        "t.Tree.children.left.name is malformed: text that is not UTF-8",
    );
    check(
        "t.Maps",
        wire().bytes(12, wire().bytes(1, [0xff])),
        "t.Maps.f_string is malformed: text that is not UTF-8",
    );
    check(
        "t.Lists",
        wire().bytes(13, [0; 9]),
        "t.Lists.f_double is malformed: a value that is cut off",
    );
    check(
        "t.Tree",
        wire().raw([0x12, 0x05, 0x0a]),
        "t.Tree.left is malformed: a value that is cut off",
    );
}

#[test]
fn depth() {
    let nested = |levels: usize| (0..levels).fold(wire(), |inner, _| wire().bytes(2, inner));
    let options = WriteOptions::default();
    assert!(written(options, "t.Tree", nested(100).as_ref()).is_ok());
    assert!(resolved(options, "t.Tree", nested(100).as_ref()).is_ok());
    let at = |levels| vec!["left"; levels].join(".");
    refused(
        "t.Tree",
        nested(101),
        &format!(
            "t.Tree.{} is malformed: messages nested too deeply; \
             check that the server was built from the same descriptors",
            at(101)
        ),
    );
    refused(
        "t.Tree",
        nested(5_000),
        &format!(
            "t.Tree.{} is malformed: messages nested too deeply; \
         check that the server was built from the same descriptors",
            at(101)
        ),
    );
}

#[test]
fn any_in_any_has_a_depth_as_well() {
    let any = |levels: usize| {
        (0..levels).fold(wire(), |inner, _| {
            wire().bytes(1, "x/google.protobuf.Any").bytes(2, inner)
        })
    };
    let options = WriteOptions::default();
    assert!(written(options, "google.protobuf.Any", any(100).as_ref()).is_ok());
    assert!(written(options, "google.protobuf.Any", any(101).as_ref()).is_err());
    // The same with a plain message at the limit.
    let tree = |levels: usize| {
        (0..levels).fold(wire().bytes(1, "x/t.Small"), |inner, _| {
            wire().bytes(1, "x/google.protobuf.Any").bytes(2, inner)
        })
    };
    assert!(written(options, "google.protobuf.Any", tree(99).as_ref()).is_ok());
    assert!(written(options, "google.protobuf.Any", tree(100).as_ref()).is_err());
}

#[test]
fn values_without_json() {
    refused(
        "t.WellKnown",
        wire().bytes(2, wire().int(1, i64::MAX)),
        "t.WellKnown.timestamp is a timestamp out of range: 9223372036854775807 s and 0 ns \
         after 1970; the years 1 to 9999 and 0 to 999999999 ns can be written",
    );
    refused(
        "t.WellKnown",
        wire().bytes(3, wire().int(1, 1).int(2, -1)),
        "t.WellKnown.duration is a duration out of range: 1 s and -1 ns; \
         up to 315576000000 s and 999999999 ns of the same sign can be written",
    );
    refused(
        "google.protobuf.Value",
        wire().double(2, f64::NEG_INFINITY),
        "google.protobuf.Value is -Infinity, which google.protobuf.Value cannot hold in JSON",
    );
    refused(
        "t.WellKnown",
        wire().bytes(21, wire().double(2, f64::NAN)),
        "t.WellKnown.values is NaN, which google.protobuf.Value cannot hold in JSON",
    );
}

/// Not what a part of it would be by itself.
#[test]
fn what_is_wrong_is_what_has_been_merged() {
    refused(
        "t.WellKnown",
        wire()
            .bytes(3, wire().int(1, 1).int(2, -1))
            .bytes(3, wire().int(1, -2).int(2, 3)),
        "t.WellKnown.duration is a duration out of range: -2 s and 3 ns; \
         up to 315576000000 s and 999999999 ns of the same sign can be written",
    );
}

#[test]
fn field_masks_that_cannot_be_turned_back() {
    for path in [
        "fooBar", "foo_3", "foo__bar", "foo_", "_", "", "a,b", "foo._",
    ] {
        refused(
            "t.WellKnown",
            wire().bytes(4, wire().bytes(1, "ok").bytes(1, path)),
            &format!(
                "t.WellKnown.mask is a field mask with the path {path:?}, which has no \
                 lowerCamelCase form; paths are made of snake_case names"
            ),
        );
    }
}

#[test]
fn a_field_alone_says_where() {
    let root = id("t.Tree");
    let path = SCHEMA.field_path(root, "left.right").expect("a field");
    let wire = wire().bytes(2, wire().bytes(3, wire().bytes(4, wire().bytes(1, [0xff]))));
    let error = SCHEMA
        .write_field(
            &path,
            wire.as_ref(),
            &WriteOptions::default(),
            &mut Vec::new(),
        )
        .expect_err("no text");
    assert_eq!(
        error,
        WriteError::Malformed {
            at: "t.Tree.left.right.children.name".to_owned(),
            reason: Malformed::Utf8,
        }
    );
}

#[test]
fn few_bytes_that_make_much_json() {
    let options = |bytes_max| WriteOptions {
        defaults: Defaults::Write,
        bytes_max,
        ..WriteOptions::default()
    };
    // Each child is two bytes here, and all its defaults in JSON.
    let children = (0..100).fold(wire(), |tree, _| tree.bytes(4, wire()));
    let whole = written(options(None), "t.Tree", children.as_ref()).expect("no limit");
    let all = whole.len();
    assert!(written(options(Some(all)), "t.Tree", children.as_ref()).is_ok());
    let error = written(options(Some(all / 2)), "t.Tree", children.as_ref()).expect_err("a limit");
    assert!(
        matches!(error, WriteError::TooLarge { bytes_max, .. } if bytes_max == all / 2),
        "{error}"
    );
}
