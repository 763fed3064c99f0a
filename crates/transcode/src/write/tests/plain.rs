//! Messages in the order in which serializers write them.

use super::*;

const WRITE: WriteOptions = WriteOptions {
    defaults: Defaults::Write,
    names: Names::Json,
    enums: Enums::Names,
    unknown_any: UnknownAny::Fail,
    bytes_max: None,
};

#[test]
fn small_messages() {
    check("t.Small", wire(), "{}");
    check("t.Small", wire().int(1, 7), r#"{"value":7}"#);
    check("t.Small", wire().int(1, -1), r#"{"value":-1}"#);
    check("t.Hello", wire().bytes(1, "Olá!"), r#"{"message":"Olá!"}"#);
}

#[test]
fn every_scalar() {
    let minus = u64::MAX;
    let all = wire()
        .int(1, i32::MIN.into())
        .varint(2, 4_294_967_295)
        .fixed32(3, i32::MIN.to_le_bytes())
        .int(4, i64::MIN)
        .varint(5, minus)
        .fixed64(6, i64::MIN.to_le_bytes())
        .varint(7, u32::MAX.into())
        .fixed32(8, u32::MAX.to_le_bytes())
        .varint(9, minus)
        .fixed64(10, u64::MAX.to_le_bytes())
        .varint(11, 1)
        .fixed32(12, 0.1f32.to_le_bytes())
        .double(13, 0.1)
        .bytes(14, "a\"b")
        .bytes(15, [0xfb, 0xff])
        .int(16, 5);
    check(
        "t.Scalars",
        all,
        "{\"fInt32\":-2147483648,\"fSint32\":-2147483648,\"fSfixed32\":-2147483648,\
         \"fInt64\":\"-9223372036854775808\",\"fSint64\":\"-9223372036854775808\",\
         \"fSfixed64\":\"-9223372036854775808\",\"fUint32\":4294967295,\
         \"fFixed32\":4294967295,\"fUint64\":\"18446744073709551615\",\
         \"fFixed64\":\"18446744073709551615\",\"fBool\":true,\"fFloat\":0.1,\
         \"fDouble\":0.1,\"fString\":\"a\\\"b\",\"fBytes\":\"+/8=\",\"fColor\":\"BLUE\"}",
    );
}

#[test]
fn varints_longer_than_their_kind_are_cut() {
    check("t.Scalars", wire().varint(1, 1 << 32), "{}");
    check(
        "t.Scalars",
        wire().varint(1, 1 << 32 | 7),
        r#"{"fInt32":7}"#,
    );
    check(
        "t.Scalars",
        wire().varint(2, 1 << 32 | 1),
        r#"{"fSint32":-1}"#,
    );
    check(
        "t.Scalars",
        wire().varint(7, 1 << 32 | 7),
        r#"{"fUint32":7}"#,
    );
    check("t.Scalars", wire().varint(11, 1 << 32), r#"{"fBool":true}"#);
    check(
        "t.Scalars",
        wire().varint(16, 1 << 32 | 1),
        r#"{"fColor":"GREEN"}"#,
    );
}

#[test]
fn numbers_that_are_none() {
    for (value, text) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ] {
        let expected = format!(r#"{{"fDouble":"{text}"}}"#);
        check("t.Scalars", wire().double(13, value), &expected);
        let float = (value as f32).to_le_bytes();
        let expected = format!(r#"{{"fFloat":"{text}"}}"#);
        check("t.Scalars", wire().fixed32(12, float), &expected);
    }
    check("t.Scalars", wire().double(13, -0.0), r#"{"fDouble":-0.0}"#);
}

#[test]
fn enums() {
    check("t.Scalars", wire().int(16, -1), r#"{"fColor":"DARK"}"#);
    check("t.Scalars", wire().int(16, 3), r#"{"fColor":3}"#);
    check("t.Scalars", wire().int(16, -7), r#"{"fColor":-7}"#);
    check("t.Scalars", wire().int(17, 1), r#"{"fAliased":"FIRST"}"#);
    let options = WriteOptions {
        enums: Enums::Numbers,
        ..WriteOptions::default()
    };
    check_with(options, "t.Scalars", wire().int(16, 5), r#"{"fColor":5}"#);
    check_with(
        options,
        "t.WellKnown",
        wire().int(22, 0),
        r#"{"nulls":[null]}"#,
    );
}

#[test]
fn defaults_that_are_on_the_wire_are_left_out() {
    let zeros = wire()
        .int(1, 0)
        .fixed32(3, [0; 4])
        .int(4, 0)
        .varint(11, 0)
        .double(13, 0.0)
        .bytes(14, "")
        .bytes(15, "")
        .int(16, 0);
    check("t.Scalars", zeros, "{}");
    check("t.WellKnown", wire().int(8, 0), "{}");
    // Presence keeps them.
    check(
        "t.Optional",
        wire().int(1, 0).bytes(2, "").int(3, 0).bytes(4, ""),
        r#"{"number":0,"text":"","color":"RED","small":{}}"#,
    );
    check("t.Choice", wire().int(1, 0), r#"{"number":0}"#);
    check("t.Choice", wire().int(7, 0), r#"{"nothing":null}"#);
}

#[test]
fn absent_fields_are_written_if_asked_for() {
    check_with(WRITE, "t.Small", wire(), r#"{"value":0}"#);
    check_with(WRITE, "t.Small", wire().int(1, 0), r#"{"value":0}"#);
    check_with(WRITE, "t.Small", wire().int(1, 2), r#"{"value":2}"#);
    check_with(WRITE, "t.Optional", wire(), "{}");
    check_with(WRITE, "t.Choice", wire(), r#"{"other":0}"#);
    check_with(
        WRITE,
        "t.Tree",
        wire().bytes(2, ""),
        "{\"left\":{\"name\":\"\",\"children\":[],\"numbers\":[]},\
         \"name\":\"\",\"children\":[],\"numbers\":[]}",
    );
    check_with(
        WRITE,
        "t.Scalars",
        wire(),
        "{\"fInt32\":0,\"fSint32\":0,\"fSfixed32\":0,\"fInt64\":\"0\",\"fSint64\":\"0\",\
         \"fSfixed64\":\"0\",\"fUint32\":0,\"fFixed32\":0,\"fUint64\":\"0\",\
         \"fFixed64\":\"0\",\"fBool\":false,\"fFloat\":0.0,\"fDouble\":0.0,\
         \"fString\":\"\",\"fBytes\":\"\",\"fColor\":\"RED\",\"fAliased\":\"NONE\"}",
    );
    check_with(
        WRITE,
        "t.WellKnown",
        wire().bytes(2, ""),
        "{\"timestamp\":\"1970-01-01T00:00:00Z\",\"null\":null,\"anys\":[],\
         \"timestamps\":[],\"values\":[],\"nulls\":[],\"numbers\":[]}",
    );
    // An empty packed list is there, and empty.
    let text = written(WRITE, "t.Tree", wire().bytes(5, "").as_ref()).expect("it can be");
    assert_eq!(text, r#"{"numbers":[],"name":"","children":[]}"#);
}

#[test]
fn lists_packed_and_one_by_one() {
    let one_by_one = wire().int(1, 1).int(1, -2).int(1, 0);
    check("t.Lists", one_by_one, r#"{"fInt32":[1,-2,0]}"#);
    check(
        "t.Lists",
        wire().bytes(1, [1, 2, 0]),
        r#"{"fInt32":[1,2,0]}"#,
    );
    check("t.Lists", wire().bytes(18, [1, 2]), r#"{"unpacked":[1,2]}"#);
    let mixed = wire().int(18, 1).bytes(18, [2, 3]).bytes(18, "").int(18, 4);
    check("t.Lists", mixed, r#"{"unpacked":[1,2,3,4]}"#);
    check("t.Lists", wire().bytes(1, ""), "{}");
    check(
        "t.Lists",
        wire().bytes(1, "").int(2, 2),
        r#"{"fSint32":[1]}"#,
    );
    let doubles: Vec<u8> = [1.5f64, -2.0]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    check(
        "t.Lists",
        wire().bytes(13, doubles),
        r#"{"fDouble":[1.5,-2.0]}"#,
    );
    let floats: Vec<u8> = [1.5f32, 0.0].iter().flat_map(|n| n.to_le_bytes()).collect();
    check(
        "t.Lists",
        wire().bytes(12, floats),
        r#"{"fFloat":[1.5,0.0]}"#,
    );
    check(
        "t.Lists",
        wire().bytes(11, [0, 1, 2]),
        r#"{"fBool":[false,true,true]}"#,
    );
    check(
        "t.Lists",
        wire().bytes(16, [1, 4]),
        r#"{"fColor":["GREEN",4]}"#,
    );
}

#[test]
fn lists_of_what_has_a_length() {
    let texts = wire()
        .bytes(14, "a")
        .bytes(14, "")
        .bytes(15, [1])
        .bytes(15, "");
    check(
        "t.Lists",
        texts,
        r#"{"fString":["a",""],"fBytes":["AQ==",""]}"#,
    );
    let messages = wire().bytes(17, wire().int(1, 1)).bytes(17, "");
    check("t.Lists", messages, r#"{"fSmall":[{"value":1},{}]}"#);
}

#[test]
fn maps() {
    let entry = |key: &str, value: &str| wire().bytes(1, key).bytes(2, value);
    check("t.Maps", wire(), "{}");
    check(
        "t.Maps",
        wire()
            .bytes(1, wire().int(1, -1).bytes(2, "a"))
            .bytes(1, wire().bytes(2, "no key"))
            .bytes(1, wire().int(1, 7)),
        r#"{"fInt32":{"-1":"a","0":"no key","7":""}}"#,
    );
    check(
        "t.Maps",
        wire().bytes(4, wire().int(1, i64::MIN).int(2, 1)),
        r#"{"fInt64":{"-9223372036854775808":"1"}}"#,
    );
    check(
        "t.Maps",
        wire()
            .bytes(11, wire().varint(1, 1).bytes(2, wire().int(1, 3)))
            .bytes(11, ""),
        r#"{"fBool":{"true":{"value":3},"false":{}}}"#,
    );
    check(
        "t.Maps",
        wire().bytes(12, entry("say \"hi\"", "")).bytes(12, ""),
        r#"{"fString":{"say \"hi\"":{},"":{}}}"#,
    );
    // The value before the key, and fields that an entry does not have.
    check(
        "t.Maps",
        wire().bytes(
            8,
            wire().varint(2, 1).int(3, 9).fixed32(1, 7u32.to_le_bytes()),
        ),
        r#"{"fFixed32":{"7":true}}"#,
    );
    check(
        "t.Maps",
        wire()
            .bytes(7, wire().int(1, 1))
            .bytes(13, entry("a", ""))
            .bytes(14, entry("b", "")),
        r#"{"fUint32":{"1":"RED"},"times":{"a":"1970-01-01T00:00:00Z"},"values":{"b":null}}"#,
    );
}

#[test]
fn names() {
    let all = wire()
        .int(1, 1)
        .int(2, 2)
        .int(64, 3)
        .int(65, 4)
        .int(536_870_911, 5);
    check(
        "t.Named",
        all.clone(),
        r#"{"snakeCase":1,"say \"hi\"":2,"inTableLast":3,"searched":4,"last":5}"#,
    );
    let options = WriteOptions {
        names: Names::Original,
        ..WriteOptions::default()
    };
    check_with(
        options,
        "t.Named",
        all,
        r#"{"snake_case":1,"renamed":2,"in_table_last":3,"searched":4,"last":5}"#,
    );
}

#[test]
fn what_is_not_known_is_passed_over() {
    let unknown = wire()
        .int(2, 1)
        .int(1, 1)
        .bytes(3, "x")
        .fixed32(4, [1; 4])
        .fixed64(1000, [1; 8])
        // A group with a group in it.
        .raw([0x53, 0x08, 0x01, 0x5b, 0x5c, 0x54]);
    check("t.Small", unknown, r#"{"value":1}"#);
}

#[test]
fn what_does_not_fit_is_passed_over() {
    check("t.Small", wire().bytes(1, [1]), "{}");
    check("t.Small", wire().fixed32(1, [1; 4]), "{}");
    check("t.Small", wire().int(1, 3).bytes(1, [1]), r#"{"value":3}"#);
    check("t.Small", wire().raw([0x0b, 0x0c]), "{}");
    check("t.Hello", wire().int(1, 1), "{}");
    check("t.Lists", wire().fixed64(1, [1; 8]), "{}");
    check("t.Lists", wire().int(17, 1), "{}");
    check("t.Maps", wire().int(1, 1), "{}");
    check(
        "t.Maps",
        wire().bytes(1, wire().bytes(1, "7").int(2, 5)),
        r#"{"fInt32":{"0":""}}"#,
    );
}

#[test]
fn proto2() {
    let all = wire()
        .int(1, 5)
        .bytes(2, "")
        .int(3, 1)
        .bytes(4, wire().bytes(1, "a"))
        .int(5, 2)
        .bytes(100, "n")
        .bytes(101, [1, 2])
        .bytes(102, wire().int(1, 0));
    check(
        "t2.Old",
        all,
        "{\"number\":5,\"name\":\"\",\"numbers\":[1],\"levels\":{\"a\":\"HIGH\"},\
         \"level\":2,\"[t2.note]\":\"n\",\"[t2.codes]\":[1,2],\"[t2.inner]\":{\"number\":0}}",
    );
    check_with(WRITE, "t2.Old", wire(), r#"{"numbers":[],"levels":{}}"#);
    check("t2.Old", wire().bytes(101, ""), "{}");
}

#[test]
fn a_message_with_many_fields() {
    let all = wire()
        .int(1, 1)
        .int(64, 2)
        .int(65, 3)
        .int(150, 4)
        .int(200, 5)
        .bytes(239, "z");
    check(
        "t.Wide",
        all,
        r#"{"f1":1,"f64":2,"f65":3,"f150":4,"f200":5,"f239":"z"}"#,
    );
    let text = written(WRITE, "t.Wide", wire().int(100, 1).as_ref()).expect("it can be");
    let Json::Object(members) = json(&text) else {
        return assert_eq!(text, "an object");
    };
    assert_eq!(members.len(), 150);
    assert_eq!(members["f100"], Json::Number(1.0));
    assert_eq!(members["f150"], Json::Number(0.0));
}

#[test]
fn what_was_in_the_buffer_stays() {
    let mut out = b"data: ".to_vec();
    let wire = wire().int(1, 1).int(1, 2);
    SCHEMA
        .write_json(
            id("t.Small"),
            wire.as_ref(),
            &WriteOptions::default(),
            &mut out,
        )
        .expect("it can be written");
    assert_eq!(out, br#"data: {"value":2}"#);
}

#[test]
fn members_without_braces() {
    let check = |message: &str, wire: Wire, expected: &str| {
        let mut out = br#"{"from":"A","#.to_vec();
        SCHEMA
            .write_members(
                id(message),
                wire.as_ref(),
                &WriteOptions::default(),
                &mut out,
            )
            .expect("it can be written");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text, format!(r#"{{"from":"A",{expected}"#));
    };
    check("t.Small", wire(), "");
    check("t.Small", wire().int(1, 1), r#""value":1"#);
    check("t.Small", wire().int(1, 1).int(1, 2), r#""value":2"#);
    check(
        "t.Choice",
        wire().int(1, 1).int(5, 2),
        r#""number":1,"other":2"#,
    );
    check(
        "google.protobuf.Timestamp",
        wire(),
        r#""value":"1970-01-01T00:00:00Z""#,
    );
    check(
        "google.protobuf.Value",
        wire().varint(4, 1),
        r#""value":true"#,
    );
    check("google.protobuf.Struct", wire(), "");
    check(
        "google.protobuf.Struct",
        wire().bytes(1, wire().bytes(1, "a")),
        r#""a":null"#,
    );
    check(
        "google.protobuf.Any",
        wire().bytes(1, "x/t.Small").bytes(2, wire().int(1, 1)),
        r#""@type":"x/t.Small","value":1"#,
    );
}

#[test]
fn one_field_alone() {
    let check = |message: &str, path: &str, wire: Wire, expected: &str| {
        let path = SCHEMA.field_path(id(message), path).expect("a field");
        let mut out = b"before ".to_vec();
        SCHEMA
            .write_field(&path, wire.as_ref(), &WriteOptions::default(), &mut out)
            .expect("it can be written");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text, format!("before {expected}"));
    };
    check("t.Small", "value", wire().int(1, 7), "7");
    check("t.Small", "value", wire(), "0");
    check("t.Scalars", "f_int64", wire(), r#""0""#);
    check("t.Scalars", "fColor", wire(), r#""RED""#);
    check("t.Lists", "f_int32", wire(), "[]");
    check(
        "t.Lists",
        "f_int32",
        wire().int(1, 1).int(18, 4).bytes(1, [2]),
        "[1,2]",
    );
    check("t.Maps", "f_string", wire(), "{}");
    check(
        "t.Maps",
        "f_string",
        wire()
            .bytes(12, wire().bytes(1, "a"))
            .bytes(12, wire().bytes(1, "a")),
        r#"{"a":{}}"#,
    );
    check("t.Optional", "small", wire(), "null");
    check("t.Optional", "number", wire(), "null");
    check("t.Optional", "small.value", wire(), "0");
    check("t.Tree", "left.right.name", wire().bytes(2, ""), r#""""#);
    // Merged on the way.
    let twice = wire()
        .bytes(2, wire().bytes(3, wire().bytes(1, "a")).bytes(1, "left"))
        .bytes(2, wire().bytes(3, wire().bytes(5, [1])));
    check(
        "t.Tree",
        "left.right",
        twice.clone(),
        r#"{"name":"a","numbers":[1]}"#,
    );
    check("t.Tree", "left.name", twice, r#""left""#);
    // Another member of the oneof came later, or in between.
    check("t.Choice", "text", wire().bytes(2, "a").int(1, 1), "null");
    let again = wire()
        .bytes(3, wire().bytes(1, "lost"))
        .int(1, 1)
        .bytes(3, wire().bytes(5, [1]));
    check("t.Choice", "tree.numbers", again.clone(), "[1]");
    check("t.Choice", "tree.name", again, r#""""#);
    check(
        "t.WellKnown",
        "timestamp",
        wire().bytes(2, ""),
        r#""1970-01-01T00:00:00Z""#,
    );
}
