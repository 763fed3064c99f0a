//! Integers in query strings, as the published REST services read them: an
//! optional sign and decimal digits, blanks around them ignored.

/// The integer in `text`; one beyond 64 bits becomes the nearest that fits, so
/// that it is refused for its size and not for its form. `None` when `text` is
/// not an integer.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let beyond = if negative { i64::MIN } else { i64::MAX };
    let value = digits
        .parse()
        .map_or(beyond, |value: i64| if negative { -value } else { value });
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            (" 12 ", Some(12)),
            ("+3", Some(3)),
            ("-3", Some(-3)),
            ("99999999999999999999", Some(i64::MAX)),
            ("-99999999999999999999", Some(i64::MIN)),
            ("", None),
            ("-", None),
            ("1.5", None),
            ("1e3", None),
            ("0x10", None),
            ("abc", None),
            ("1 2", None),
            ("--1", None),
            ("١", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_integer_reads_back(value: i64) {
            // The magnitude of the smallest is beyond 64 bits and saturates to it.
            prop_assert_eq!(parse(&value.to_string()), Some(value));
        }

        #[test]
        fn anything_is_read_or_refused(text in ".*") {
            let _ = parse(&text);
        }
    }
}
