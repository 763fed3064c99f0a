//! What is said about a text that is refused, and how much a text may ask for.

use super::*;
use crate::wire::DEPTH_MAX;

fn check(json: &str, expected: &str) {
    let message = read(json, Unknown::Reject).map(|read| shown(&read));
    let error = message.map_err(|error| error.to_string());
    assert_eq!(error, Err(expected.to_owned()), "{json}");
}

#[test]
fn messages() {
    check(
        "{\n  \"inner\": {\n    \"children\": [\n      {}, {\"anInt32\": \"é\"}\n]}}",
        "inner.children[1].anInt32 is \"é\" (line 4, column 23); \
         expected a whole number from -2147483648 to 2147483647",
    );
    check(
        r#"{"labels":{"é\n":5}}"#,
        "labels[\"é \"] is 5 (line 1, column 18); expected a string",
    );
    check(
        r#"{"empty":{"x":{"y": [1, 2]}}}"#,
        "empty.x is {\"y\": [1, 2]} (line 1, column 15); \
         expected no member: google.protobuf.Empty has no fields",
    );
    check(
        "[1]",
        "the JSON text has [1] at line 1, column 1; expected an object",
    );
    check(
        "null",
        "the JSON text has null at line 1, column 1; expected an object",
    );
    check(
        "",
        "the JSON text ends at line 1, column 1; expected a value",
    );
    check(
        "{\"inner\":\n",
        "the JSON text ends at line 2, column 1; expected a value",
    );
    check(
        r#"{"inner":{"anInt32":1,}}"#,
        "the JSON text has } at line 1, column 23; expected a member's name in quotes",
    );
    check(
        r#"{"aString":"é","aBool":nul}"#,
        "the JSON text has nul at line 1, column 24; expected null",
    );
    check(
        "{} x",
        "the JSON text has x at line 1, column 4; expected nothing more after the value",
    );
}

#[test]
fn excerpts_are_short() {
    let long = "x".repeat(100_000);
    check(
        &format!(r#"{{"anInt32":"{long}"}}"#),
        &format!(
            "anInt32 is \"{}… (line 1, column 12); \
             expected a whole number from -2147483648 to 2147483647",
            "x".repeat(38)
        ),
    );
    let error = read(&format!(r#"{{"{long}":1}}"#), Unknown::Reject).expect_err("no such field");
    assert_eq!(error.path.chars().count(), 40);
    assert_eq!(
        error.expected.matches(", ").count(),
        9,
        "{}",
        error.expected
    );
    assert!(error.expected.ends_with("more"), "{}", error.expected);
}

#[test]
fn text_that_is_not_utf8() {
    let error = GROUND.with(|ground| {
        let json = b"{\n\"aString\":\"\xc3\xa9\xff\"}";
        ground
            .read("corners.All", json, Unknown::Ignore)
            .expect_err("not UTF-8")
    });
    assert_eq!(
        error.to_string(),
        "the JSON text has the byte 0xff at line 2, column 13; expected text in UTF-8"
    );
}

#[test]
fn nesting_has_a_limit() {
    let nested = |open: &str, close: &str, depth: usize| {
        let json = format!("{}{}", open.repeat(depth), close.repeat(depth));
        (json.clone(), json.replace("{}", "{\"x\":1}"))
    };
    let accepted = |json: &str| read(json, Unknown::Ignore).is_ok();
    // Each level of these is an object, the innermost one more.
    let inner = |depth: usize| format!("{}{{}}{}", r#"{"inner":"#.repeat(depth), "}".repeat(depth));
    assert!(accepted(&inner(DEPTH_MAX - 1)));
    assert!(!accepted(&inner(DEPTH_MAX)));
    refused(
        &inner(DEPTH_MAX),
        vec!["inner"; DEPTH_MAX].join(".").as_str(),
        "at most 100 levels",
    );
    // An unknown member's value counts the same.
    let (lists, _) = nested("[", "]", DEPTH_MAX - 1);
    assert!(accepted(&format!(r#"{{"missing":{lists}}}"#)));
    assert!(!accepted(&format!(r#"{{"missing":[{lists}]}}"#)));
    // An object in a Value is a Value, a Struct and an entry on the wire.
    let objects = |depth: usize| format!("{}0{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert!(accepted(&format!(r#"{{"value":{}}}"#, objects(32))));
    assert!(!accepted(&format!(r#"{{"value":{}}}"#, objects(33))));
    for open in [
        r#"{"inner":"#,
        r#"{"children":["#,
        r#"{"any":{"@type":"x/corners.All","any":"#,
    ] {
        assert!(!accepted(&open.repeat(100_000)));
    }
    for (name, open) in [
        ("value", "["),
        ("value", r#"{"a":"#),
        ("missing", r#"{"a":"#),
        ("any", r#"{"a":"#),
    ] {
        assert!(!accepted(&format!(
            r#"{{"{name}":{}"#,
            open.repeat(100_000)
        )));
    }
}

/// What the deepest texts make is not too deep for those who read it.
#[test]
fn the_deepest_messages_can_be_read() {
    let value = format!(
        r#"{{"value":{}0{}}}"#,
        r#"{"a":"#.repeat(32),
        "}".repeat(32)
    );
    let lists = format!(r#"{{"value":{}{}}}"#, "[".repeat(48), "]".repeat(48));
    let inner = format!("{}{{}}{}", r#"{"inner":"#.repeat(99), "}".repeat(99));
    let flags = format!(
        "{}{{}}{}",
        r#"{"byFlag":{"true":"#.repeat(49),
        "}}".repeat(49)
    );
    for json in [value, lists, inner, flags] {
        assert!(read(&json, Unknown::Reject).is_ok(), "{json}");
    }
}

/// The type of each comes last, so that each has to be looked for.
#[test]
fn nested_anys_are_looked_through_once() {
    let depth = 49;
    let many = vec!["{\"aBool\":true}"; 20_000].join(",");
    let json = format!(
        r#"{}{{"children":[{many}],"@type":"x/corners.All"}}{}"#,
        r#"{"any":"#.repeat(depth),
        r#","@type":"x/corners.All"}"#.repeat(depth - 1) + "}",
    );
    assert!(read(&json, Unknown::Reject).is_ok());
}
