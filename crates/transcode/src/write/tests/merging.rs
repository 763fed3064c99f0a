//! Fields that come back, in every way in which they can.

use super::*;

#[test]
fn of_a_scalar_the_last_counts() {
    check("t.Small", wire().int(1, 1).int(1, 2), r#"{"value":2}"#);
    check("t.Small", wire().int(1, 1).int(1, 0), "{}");
    let apart = wire().bytes(2, "a").int(1, 1).bytes(2, "b");
    check("t.Optional", apart, r#"{"number":1,"text":"b"}"#);
    check("t.Optional", wire().int(1, 1).int(1, 0), r#"{"number":0}"#);
    check(
        "t.Wide",
        wire().int(150, 1).int(3, 1).int(150, 2),
        r#"{"f3":1,"f150":2}"#,
    );
}

#[test]
fn the_order_of_the_fields_does_not_matter() {
    let backwards = wire().int(5, 1).bytes(2, "t");
    check("t.Choice", backwards, r#"{"other":1,"text":"t"}"#);
    check(
        "t.Wide",
        wire().int(150, 1).int(100, 2).int(1, 3),
        r#"{"f150":1,"f100":2,"f1":3}"#,
    );
}

#[test]
fn lists_gather() {
    let apart = wire().int(1, 1).int(2, 2).bytes(1, [2, 3]);
    check("t.Lists", apart, r#"{"fInt32":[1,2,3],"fSint32":[1]}"#);
    check(
        "t.Lists",
        wire().int(1, 1).bytes(2, "").int(1, 2),
        r#"{"fInt32":[1,2]}"#,
    );
    // What does not fit comes between.
    check(
        "t.Lists",
        wire().int(1, 1).fixed32(1, [0; 4]).int(1, 2),
        r#"{"fInt32":[1,2]}"#,
    );
}

#[test]
fn messages_merge() {
    let twice = wire()
        .bytes(2, wire().bytes(1, "first").int(5, 1))
        .bytes(2, wire().bytes(1, "second").int(5, 2));
    check(
        "t.Tree",
        twice,
        r#"{"left":{"name":"second","numbers":[1,2]}}"#,
    );
    let apart = wire()
        .bytes(2, wire().bytes(2, wire().bytes(1, "a")))
        .bytes(1, "root")
        .bytes(2, wire().bytes(2, wire().int(5, 1)).bytes(3, ""));
    check(
        "t.Tree",
        apart,
        r#"{"name":"root","left":{"left":{"name":"a","numbers":[1]},"right":{}}}"#,
    );
    // In a list they do not.
    let list = wire()
        .bytes(4, wire().bytes(1, "a"))
        .bytes(4, wire().int(5, 1));
    check(
        "t.Tree",
        list,
        r#"{"children":[{"name":"a"},{"numbers":[1]}]}"#,
    );
}

#[test]
fn of_a_oneof_the_last_member_counts() {
    check(
        "t.Choice",
        wire().int(1, 1).bytes(2, "a"),
        r#"{"text":"a"}"#,
    );
    check(
        "t.Choice",
        wire().bytes(2, "a").int(1, 0),
        r#"{"number":0}"#,
    );
    check("t.Choice", wire().int(1, 1).int(1, 2), r#"{"number":2}"#);
    check(
        "t.Choice",
        wire().int(8, 1).int(1, 1),
        r#"{"yes":true,"number":1}"#,
    );
    check(
        "t.Choice",
        wire().int(8, 1).int(1, 1).int(9, 1).int(5, 3),
        r#"{"number":1,"other":3,"no":true}"#,
    );
    check(
        "t.Wide",
        wire().int(238, 1).bytes(239, "z"),
        r#"{"f239":"z"}"#,
    );
}

#[test]
fn of_a_message_in_a_oneof_what_comes_after_other_members_counts() {
    let (name, numbers) = (wire().bytes(1, "a"), wire().int(5, 1));
    let merged = wire().bytes(3, &name).int(5, 1).bytes(3, &numbers);
    check(
        "t.Choice",
        merged,
        r#"{"tree":{"name":"a","numbers":[1]},"other":1}"#,
    );
    let parted = wire().bytes(3, &name).int(1, 1).bytes(3, &numbers);
    check("t.Choice", parted, r#"{"tree":{"numbers":[1]}}"#);
    let replaced = wire().bytes(3, &name).bytes(3, &numbers).bytes(2, "t");
    check("t.Choice", replaced, r#"{"text":"t"}"#);
}

#[test]
fn of_a_key_the_last_entry_counts() {
    let entry = |key: &str, name: &str| wire().bytes(1, key).bytes(2, wire().bytes(1, name));
    let twice = wire()
        .bytes(12, entry("a", "1"))
        .bytes(12, entry("b", "2"))
        .bytes(12, entry("a", "3"));
    check(
        "t.Maps",
        twice,
        r#"{"fString":{"a":{"name":"3"},"b":{"name":"2"}}}"#,
    );
    let numbers = wire()
        .bytes(1, wire().varint(1, 1).bytes(2, "a"))
        .bytes(1, wire().varint(1, 1 << 32 | 1).bytes(2, "b"));
    check("t.Maps", numbers, r#"{"fInt32":{"1":"b"}}"#);
    let truth = wire()
        .bytes(11, wire().varint(1, 1))
        .bytes(11, wire().varint(1, 2).bytes(2, wire().int(1, 1)));
    check("t.Maps", truth, r#"{"fBool":{"true":{"value":1}}}"#);
    let apart = wire()
        .bytes(1, wire().int(1, 1).bytes(2, "a"))
        .bytes(3, wire().fixed32(1, [1, 0, 0, 0]))
        .bytes(1, wire().int(1, 2).bytes(2, "b"));
    check(
        "t.Maps",
        apart,
        r#"{"fInt32":{"1":"a","2":"b"},"fSfixed32":{"1":0}}"#,
    );
}

#[test]
fn entries_merge_within() {
    let entry = wire()
        .bytes(1, "old")
        .bytes(2, wire().bytes(1, "a"))
        .bytes(1, "new")
        .bytes(2, wire().int(5, 1));
    check(
        "t.Maps",
        wire().bytes(12, entry),
        r#"{"fString":{"new":{"name":"a","numbers":[1]}}}"#,
    );
    let scalar = wire().int(1, 1).bytes(2, "a").bytes(2, "b");
    check("t.Maps", wire().bytes(1, scalar), r#"{"fInt32":{"1":"b"}}"#);
}

#[test]
fn many_keys() {
    for (count, again) in [(8, 3), (9, 3), (9, 8), (2_000, 0), (2_000, 1_999)] {
        let entry =
            |n: u32, value: &str| wire().bytes(1, wire().varint(1, n.into()).bytes(2, value));
        let all = (0..count).fold(wire(), |all, n| all.raw(entry(n, "a")));
        let in_order = written(WriteOptions::default(), "t.Maps", all.as_ref()).expect("a map");
        assert!(in_order.starts_with(r#"{"fInt32":{"0":"a","1":"a","2":"a""#));
        assert_eq!(in_order.matches(r#":"a""#).count(), count as usize);

        let all = all.raw(entry(again, "b"));
        let text = written(WriteOptions::default(), "t.Maps", all.as_ref()).expect("a map");
        let expected = in_order.replace(&format!(r#""{again}":"a""#), &format!(r#""{again}":"b""#));
        assert_eq!(json(&text), json(&expected));
    }
}

#[test]
fn well_known_types_merge() {
    check(
        "t.WellKnown",
        wire()
            .bytes(2, wire().int(1, 1))
            .bytes(2, wire().int(2, 500_000_000)),
        r#"{"timestamp":"1970-01-01T00:00:01.500Z"}"#,
    );
    check(
        "google.protobuf.Timestamp",
        wire().int(2, 1_000).int(1, 1).int(1, 2).int(2, 0),
        r#""1970-01-01T00:00:02Z""#,
    );
    check(
        "t.WellKnown",
        wire()
            .bytes(14, wire().int(1, 1))
            .bytes(14, wire().int(1, 2)),
        r#"{"wInt32":2}"#,
    );
    check(
        "google.protobuf.Int32Value",
        wire().int(1, 1).int(1, 2),
        "2",
    );
    check(
        "t.WellKnown",
        wire()
            .bytes(1, wire().bytes(1, "x/t.Small"))
            .bytes(1, wire().bytes(2, [8, 1])),
        r#"{"any":{"@type":"x/t.Small","value":1}}"#,
    );
    check(
        "t.WellKnown",
        wire()
            .bytes(4, wire().bytes(1, "a_b"))
            .int(8, 1)
            .bytes(4, wire().bytes(1, "c")),
        r#"{"mask":"aB,c","null":null}"#,
    );
}

/// Each first part has no JSON by itself.
#[test]
fn what_is_wrong_in_part_may_be_right_as_a_whole() {
    let small = wire().int(1, 1);
    check(
        "t.WellKnown",
        wire()
            .bytes(1, wire().bytes(2, &small))
            .bytes(1, wire().bytes(1, "x/t.Small")),
        r#"{"any":{"@type":"x/t.Small","value":1}}"#,
    );
    // A message of another type than it seems at first.
    check(
        "t.WellKnown",
        wire()
            .bytes(1, wire().bytes(1, "x/t.Hello").bytes(2, [0x0a, 1, 0xff]))
            .bytes(1, wire().bytes(1, "x/t.Scalars")),
        r#"{"any":{"@type":"x/t.Scalars"}}"#,
    );
    check(
        "t.WellKnown",
        wire()
            .bytes(3, wire().int(1, 1).int(2, -1))
            .bytes(3, wire().int(2, 1)),
        r#"{"duration":"1.000000001s"}"#,
    );
    check(
        "google.protobuf.Value",
        wire().double(2, f64::NAN).double(2, 1.0),
        "1.0",
    );
    check(
        "t.Choice",
        wire().bytes(6, wire().int(2, -1)).int(1, 1),
        r#"{"number":1}"#,
    );
}

#[test]
fn values_merge() {
    let list = |number: f64| wire().bytes(6, wire().bytes(1, wire().double(2, number)));
    let check = |wire: Wire, expected| check("google.protobuf.Value", wire, expected);
    check(wire().int(1, 0).bytes(3, "a"), r#""a""#);
    check(wire().bytes(3, "a").double(2, 1.5), "1.5");
    check(list(1.0).raw(list(2.0)), "[1.0,2.0]");
    check(list(1.0).varint(4, 1).raw(list(2.0)), "[2.0]");
    let member = |key: &str| wire().bytes(1, wire().bytes(1, key).bytes(2, wire().bytes(3, key)));
    check(
        wire()
            .bytes(5, member("a"))
            .bytes(5, member("b").raw(member("a"))),
        r#"{"a":"a","b":"b"}"#,
    );
}

/// Each level comes twice, so that going back at each would double the work at each:
/// this would not end.
#[test]
fn merging_at_every_level_is_no_more_work() {
    let mut tree = wire();
    for _ in 0..100 {
        tree = wire().bytes(1, "a").bytes(2, &tree).bytes(1, "b");
    }
    let text = written(WriteOptions::default(), "t.Tree", tree.as_ref()).expect("written");
    assert_eq!(text.matches("\"left\"").count(), 100);
    assert_eq!(text.matches("\"name\":\"b\"").count(), 100);
}

#[test]
fn a_message_in_very_many_parts() {
    let parts = (0..100_000).fold(wire(), |all, _| all.bytes(2, [0x28, 1]));
    let text = written(WriteOptions::default(), "t.Tree", parts.as_ref()).expect("written");
    assert_eq!(text.matches('1').count(), 100_000);
}
