use proptest::prelude::*;
use serde_json::{Value, value::RawValue};

use super::*;

/// Everything that comes out: texts with their places, and how it ends.
type Split = (Vec<(String, usize, usize)>, Result<(), SplitError>);

fn split<'p>(
    separated: Separated,
    max: usize,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Split {
    let mut splitter = Splitter::new(separated, max);
    let mut texts = Vec::new();
    let mut take = |splitter: &mut Splitter| {
        while let Some(Text { json, place }) = splitter.next_value()? {
            let text = String::from_utf8_lossy(json).into_owned();
            texts.push((text, place.line, place.column));
        }
        Ok(())
    };
    let split = || {
        for piece in pieces {
            splitter.push(piece);
            take(&mut splitter)?;
        }
        splitter.end();
        take(&mut splitter)
    };
    let ended = split();
    (texts, ended)
}

/// Cuts at every place, and in single bytes, which must make no difference.
#[track_caller]
fn every_cut(separated: Separated, max: usize, text: &[u8]) -> Split {
    let whole = split(separated, max, [text]);
    for cut in 0..=text.len() {
        let cut = split(separated, max, [&text[..cut], &text[cut..]]);
        assert_eq!(cut, whole, "{:?}", String::from_utf8_lossy(text));
    }
    assert_eq!(split(separated, max, text.chunks(1)), whole);
    whole
}

#[track_caller]
fn check(separated: Separated, text: &str, expected: &[(&str, usize, usize)]) {
    let (texts, ended) = every_cut(separated, 100, text.as_bytes());
    let texts: Vec<_> = texts
        .iter()
        .map(|(text, line, column)| (text.as_str(), *line, *column))
        .collect();
    assert_eq!((texts.as_slice(), ended), (expected, Ok(())), "{text}");
}

#[track_caller]
fn refused(text: &str, values: usize, expected: &str) {
    let (texts, ended) = every_cut(Separated::Elements, 100, text.as_bytes());
    let error = ended.expect_err("refused").to_string();
    assert_eq!((texts.len(), error.as_str()), (values, expected), "{text}");
}

#[test]
fn lines() {
    let check = |text, expected| check(Separated::Lines, text, expected);
    check("", &[]);
    check("\n \r\n\n", &[]);
    check("{}\n", &[("{}", 1, 1)]);
    check("{}\n[1]", &[("{}", 1, 1), ("[1]", 2, 1)]);
    check("\n1\r\n\n 2 \n", &[("1\r", 2, 1), (" 2 ", 4, 1)]);
    check("not json", &[("not json", 1, 1)]);
}

#[test]
fn elements() {
    let check = |text, expected| check(Separated::Elements, text, expected);
    check("", &[]);
    check(" \n", &[]);
    check("[]", &[]);
    check(" [ ] \n", &[]);
    check("[1]", &[("1", 1, 2)]);
    check(
        "[1, true ,\"a,]\"]",
        &[("1", 1, 2), ("true", 1, 5), ("\"a,]\"", 1, 11)],
    );
    check(
        "[\n  {\"a\": [1, {\"b\": \"}\\\"]\"}]},\n  \"ü\", 3\n]",
        &[
            ("{\"a\": [1, {\"b\": \"}\\\"]\"}]}", 2, 3),
            ("\"ü\"", 3, 3),
            ("3", 3, 8),
        ],
    );
    // What is wrong inside is for whoever reads it.
    check("[[1}, nul]", &[("[1}", 1, 2), ("nul", 1, 7)]);
}

#[test]
fn what_is_between_the_elements() {
    refused(
        "{}",
        0,
        "the JSON text has { at line 1, column 1; expected a list of messages; one a line goes \
         with `content-type: application/x-ndjson`",
    );
    refused(
        "[1,]",
        1,
        "the JSON text has ] at line 1, column 4; expected an element of the list",
    );
    refused(
        "[,1]",
        0,
        "the JSON text has , at line 1, column 2; expected an element of the list",
    );
    refused(
        "[{}\n{}]",
        1,
        "the JSON text has { at line 2, column 1; expected a comma or ] after an element",
    );
    refused(
        "[1] \u{fc}",
        1,
        "the JSON text has the byte 0xc3 at line 1, column 5; expected nothing more after the \
         list",
    );
    for text in ["[", "[1", "[1,", "[1 ", "[{\"a\": \"]}"] {
        let (texts, ended) = every_cut(Separated::Elements, 100, text.as_bytes());
        let error = ended.expect_err("cut off").to_string();
        let place = format!(
            "the JSON text ends at line 1, column {}; expected the rest of the list",
            text.len() + 1
        );
        assert_eq!(error, place);
        assert!(texts.len() <= 1);
    }
}

#[test]
fn limits() {
    let too_large = Err(SplitError::TooLarge { max: 4 });
    for (separated, text, values, ended) in [
        (Separated::Lines, "1234\n1234", 2, Ok(())),
        (Separated::Lines, "1234\n12345", 1, too_large.clone()),
        (Separated::Lines, "     \n", 0, too_large.clone()),
        (Separated::Elements, "[1234,\"12\" , [12]]", 3, Ok(())),
        (Separated::Elements, "[1234,12345]", 1, too_large.clone()),
        (Separated::Elements, "[\"123\"]", 0, too_large),
        (Separated::Elements, "[           1]", 1, Ok(())),
    ] {
        let got = every_cut(separated, 4, text.as_bytes());
        assert_eq!((got.0.len(), got.1), (values, ended), "{text}");
    }
}

#[test]
fn little_is_kept() {
    let mut splitter = Splitter::new(Separated::Elements, 1000);
    splitter.push(b"[");
    for _ in 0..100_000 {
        splitter.push(b" {\"some\": \"text\"} ,");
        assert!(splitter.next_value().expect("well formed").is_some());
        assert!(splitter.next_value().expect("well formed").is_none());
    }
    assert!(splitter.received.capacity() < 1000);
}

#[test]
fn places_of_errors() {
    let place = Place { line: 3, column: 5 };
    let at = |line, column| ReadError {
        path: String::new(),
        value: String::new(),
        expected: String::new(),
        line,
        column,
    };
    assert_eq!(place.of(at(1, 1)), at(3, 5));
    assert_eq!(place.of(at(1, 4)), at(3, 8));
    assert_eq!(place.of(at(2, 4)), at(4, 4));
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~\u{fc}\n]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c\"]{1,2}", inner), 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn values_come_out_as_they_went_in(
        values in prop::collection::vec(json(), 0..6),
        space in "[ \n\r\t]{0,3}",
        pretty in any::<bool>(),
    ) {
        let written: Vec<_> = values.iter().map(|value| match pretty {
            true => serde_json::to_string_pretty(value).expect("JSON"),
            false => value.to_string(),
        }).collect();
        let list = format!("{space}[{space}{}{space}]{space}", written.join(&format!("{space},{space}")));
        let (texts, ended) = every_cut(Separated::Elements, 10_000, list.as_bytes());
        prop_assert_eq!(ended, Ok(()));
        let texts: Vec<_> = texts.into_iter().map(|(text, _, _)| text).collect();
        prop_assert_eq!(&texts, &written);

        let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
        let (texts, ended) = every_cut(Separated::Lines, 10_000, lines.as_bytes());
        prop_assert_eq!(ended, Ok(()));
        let texts: Vec<_> = texts.iter().map(|(text, _, _)| text.parse::<Value>().expect("JSON")).collect();
        prop_assert_eq!(texts, values);
    }

    /// Of any text: it is a list of values when, and only when, every piece is a value.
    #[test]
    fn it_agrees_with_a_whole_parser(text in r#"\[?([\[\]{},:" \n\\]|a|1|"a"|\{\}|true|\{"a":1\}|\[1\]){0,12}\]?"#) {
        let (texts, ended) = every_cut(Separated::Elements, 10_000, text.as_bytes());
        let pieces = texts.iter().map(|(text, _, _)| text.parse::<Value>());
        let split = ended.is_ok() && pieces.clone().all(|piece| piece.is_ok());
        let whole = serde_json::from_str::<Vec<Box<RawValue>>>(&text);
        prop_assert_eq!(split && !text.trim().is_empty(), whole.is_ok());
        if let Ok(whole) = whole {
            let whole: Vec<_> = whole.iter().map(|value| value.get().to_owned()).collect();
            let texts: Vec<_> = texts.into_iter().map(|(text, _, _)| text).collect();
            prop_assert_eq!(texts, whole);
        }
        let _ = every_cut(Separated::Lines, 10_000, text.as_bytes());
    }

    #[test]
    fn places_are_true(text in "[\\[\\]{}, \"\n\u{fc}1a]{0,30}") {
        let (texts, _) = every_cut(Separated::Elements, 10_000, text.as_bytes());
        for (piece, line, column) in texts {
            let line = text.split('\n').nth(line - 1).expect("such a line");
            let rest: String = line.chars().skip(column - 1).collect();
            let first = piece.split('\n').next().expect("a line");
            prop_assert!(rest.starts_with(first), "{:?} in {:?}", first, rest);
        }
    }

    #[test]
    fn bytes_of_any_kind(bytes in prop::collection::vec(any::<u8>(), 0..40), max in 0usize..20) {
        let _ = every_cut(Separated::Elements, max, &bytes);
        let _ = every_cut(Separated::Lines, max, &bytes);
    }
}
