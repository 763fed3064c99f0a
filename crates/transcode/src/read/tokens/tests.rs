use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// The value that the tokens make up.
fn value(tokens: &mut Tokens<'_>) -> Read<Value> {
    Ok(match tokens.peek()? {
        Token::Object => {
            let mut members = serde_json::Map::new();
            let mut inside = tokens.open_object()?;
            while let Some(key) = tokens.next_key(&mut inside)? {
                members.insert(key.into_owned(), value(tokens)?);
            }
            Value::Object(members)
        }
        Token::Array => {
            let mut elements = Vec::new();
            let mut inside = tokens.open_array()?;
            while tokens.next_element(&mut inside)? {
                elements.push(value(tokens)?);
            }
            Value::Array(elements)
        }
        Token::String => Value::String(tokens.string()?.into_owned()),
        Token::Number => {
            let number = serde_json::from_str(tokens.number()?);
            Value::Number(number.expect("what we take for a number is one"))
        }
        Token::True => tokens.literal("true").map(|()| Value::Bool(true))?,
        Token::False => tokens.literal("false").map(|()| Value::Bool(false))?,
        Token::Null => tokens.literal("null").map(|()| Value::Null)?,
    })
}

fn read(text: &str) -> Option<Value> {
    let mut tokens = Tokens::new(text);
    let value = value(&mut tokens).ok()?;
    tokens.finish().ok()?;
    Some(value)
}

/// Whether passing over the value accepts the text, which must not differ.
fn is_passed_over(text: &str) -> bool {
    let mut tokens = Tokens::new(text);
    tokens.skip().and_then(|()| tokens.finish()).is_ok()
}

fn check(text: &str) {
    let expected = serde_json::from_str::<Value>(text).ok();
    assert_eq!(is_passed_over(text), expected.is_some(), "{text}");
    assert_eq!(read(text), expected, "{text}");
}

#[test]
fn the_grammar_at_its_edges() {
    for text in [
        "",
        " ",
        "null",
        "nul",
        "nulll",
        "true",
        "True",
        "false ",
        "0",
        "-0",
        "-",
        "00",
        "01",
        "1.",
        ".5",
        "1.5",
        "1e5",
        "1E+05",
        "1e-5",
        "1e",
        "1e+",
        "1.e5",
        "+1",
        "0x10",
        "NaN",
        "Infinity",
        "1 2",
        "\u{feff}1",
        "\"\"",
        "\"a",
        "\"",
        "'a'",
        "\"\\\"\"",
        "\"\\",
        "\"\\u00e9\"",
        "\"\\u00E9\"",
        "\"\\u00g0\"",
        "\"\\u00\"",
        "\"\\u+0e9\"",
        "\"\\U00e9\"",
        "\"\\x41\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ud83d\\u0041\"",
        "\"\\ud83dx\"",
        "\"\\ude00\"",
        "\"\\ud83d\\ud83d\"",
        "\"\\ud83d\\ue000\"",
        "\"\\udbff\\udfff\\ud800\\udc00\"",
        "\"\\ud7ff\\ue000\"",
        "\"\\u0000\"",
        "\"\u{1f}\"",
        "\"\n\"",
        "\"\u{7f}é😀\"",
        "\"\\/\\b\\f\\n\\r\\t\"",
        "[]",
        "[ ]",
        "[1]",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "[",
        "]",
        "[1",
        "[1,",
        "[[],[]]",
        "[1}",
        "{}",
        "{ }",
        "{\"a\":1}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\" : 1 , \"b\" : [ ] }",
        "{a:1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{\"a\":1]",
        "{\"a\":1",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "{\"a\":1}}",
        "// c\n1",
        "1 /* c */",
        "\u{a0}1",
        "\u{c}1",
        "\t\r\n 1\t\r\n ",
    ] {
        check(text);
    }
}

/// Bytes are looked at several at a time, but each must be seen.
#[test]
fn every_byte_of_a_string_is_looked_at() {
    for length in 0..20 {
        for at in 0..=length {
            for special in [
                "\u{1f}", "\u{20}", "\0", "\"", "\\", "\\n", "!", "é", "\u{7f}", "😀",
            ] {
                let (before, after) = ("a".repeat(at), "z".repeat(length - at));
                check(&format!("\"{before}{special}{after}\""));
                check(&format!("\"{before}{special}{special}{after}\""));
            }
        }
    }
}

#[test]
fn a_string_without_escapes_is_not_copied() {
    let borrowed = |text: &str| {
        let string = Tokens::new(text).string().expect("a string");
        matches!(string, Cow::Borrowed(_))
    };
    assert!(borrowed(r#""plain é""#));
    assert!(!borrowed(r#""with \n""#));
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(is_passed_over(&nested(DEPTH_MAX)));
    assert!(!is_passed_over(&nested(DEPTH_MAX + 1)));
    assert!(!is_passed_over(&"[".repeat(1_000_000)));
    assert!(!is_passed_over(&"{\"a\":".repeat(1_000_000)));
    // What is side by side is not nested.
    assert!(is_passed_over(&format!("[{}[]]", "[],".repeat(1000))));
}

/// Values a few levels deep, with every sort of text in them.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A valid text with a piece of it replaced.
fn mutated() -> impl Strategy<Value = String> {
    let piece = "[-+.eEu0-9\\\\\"{}\\[\\],:a-z \\n]{0,3}";
    (values(), any::<prop::sample::Index>(), 0..4_usize, piece).prop_map(
        |(value, at, length, piece)| {
            let mut characters: Vec<char> = value.to_string().chars().collect();
            let start = at.index(characters.len());
            let end = characters.len().min(start + length);
            characters.splice(start..end, piece.chars());
            characters.into_iter().collect()
        },
    )
}

proptest! {
    #[test]
    fn valid_texts_are_read(value in values()) {
        prop_assert_eq!(read(&value.to_string()), Some(value.clone()));
        let spaced = serde_json::to_string_pretty(&value).expect("any value can be written");
        prop_assert_eq!(read(&spaced), Some(value));
    }

    /// Also what serde_json refuses is refused. It alone refuses numbers that are
    /// too large for floating point.
    #[test]
    fn what_is_valid_is_agreed_on(text in mutated()) {
        match serde_json::from_str::<Value>(&text) {
            Err(error) if error.to_string().starts_with("number out of range") => {}
            expected => prop_assert_eq!(is_passed_over(&text), expected.is_ok(), "{}", text),
        }
    }

    #[test]
    fn anything_is_read_or_refused(text: String) {
        prop_assert_eq!(is_passed_over(&text), serde_json::from_str::<Value>(&text).is_ok());
    }

    #[test]
    fn numbers_follow_the_grammar(text in "[-+]?[0-9.eE+-]{0,8}") {
        match serde_json::from_str::<Value>(&text) {
            // Said before the rest is looked at.
            Err(error) if error.to_string().starts_with("number out of range") => {}
            expected => prop_assert_eq!(is_number(&text), expected.is_ok(), "{}", text),
        }
    }
}
