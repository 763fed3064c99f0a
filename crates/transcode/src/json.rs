//! The primitives of JSON text, appended to a buffer: strings, numbers, base64. What
//! protobuf's mapping makes of them is decided elsewhere.

use base64::{Engine, engine::general_purpose::STANDARD};

/// A string in quotes, escaped as far as JSON demands it and no further.
pub(crate) fn push_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    if has_escapes(text.as_bytes()) {
        push_escaped(text.as_bytes(), out);
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
}

/// A whole number.
pub(crate) fn push_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A whole number in quotes, as numbers of 64 bits are written: what reads JSON
/// often has no exact number that large.
pub(crate) fn push_quoted_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.push(b'"');
    push_integer(value, out);
    out.push(b'"');
}

/// The shortest number that reads back as the same `float`; what JSON has no number
/// for in quotes.
pub(crate) fn push_float(value: f32, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        push_not_finite(value.into(), out);
    }
}

/// The shortest number that reads back as the same `double`; what JSON has no number
/// for in quotes.
pub(crate) fn push_double(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        push_not_finite(value, out);
    }
}

fn push_not_finite(value: f64, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(not_finite(value).as_bytes());
    out.push(b'"');
}

/// The name of a number that is none or infinite.
pub(crate) fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// Bytes as base64 in quotes, in the standard alphabet, padded.
pub(crate) fn push_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    // Four characters for three bytes; there is no slice so long that this overflows.
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    // Cannot fail: there is room for exactly this.
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
    out.push(b'"');
}

const WORD: usize = size_of::<u64>();

/// Whether anything in `text` must be escaped; eight bytes at a time, because nearly
/// always nothing must, and texts are most of what is written.
fn has_escapes(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<WORD>();
    if words.iter().any(|word| word_has_escapes(*word)) {
        return true;
    }
    // The rest as a word: the last eight bytes, some of them looked at already, or
    // filled up with something harmless.
    match text.last_chunk::<WORD>() {
        Some(last) => !rest.is_empty() && word_has_escapes(*last),
        None => {
            let mut word = [b' '; WORD];
            word[..rest.len()].copy_from_slice(rest);
            word_has_escapes(word)
        }
    }
}

/// Whether one of eight bytes is a quote, a backslash or below 0x20. Each test sets
/// the high bit of a byte for which it holds; a borrow can set it for a byte above
/// such a one, never without one.
#[inline]
fn word_has_escapes(word: [u8; WORD]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;

    let word = u64::from_ne_bytes(word);
    let below = |bytes: u64, bound: u8| bytes.wrapping_sub(ONES * u64::from(bound)) & !bytes;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & HIGH != 0
}

fn push_escaped(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";

    let mut copied = 0;
    for (at, &byte) in text.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&text[copied..at]);
        copied = at + 1;
        if short == 0 {
            let [high, low] = [byte >> 4, byte & 0xf].map(|digit| HEX[usize::from(digit)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&text[copied..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(push: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = b"before".to_vec();
        push(&mut out);
        let text = String::from_utf8(out).expect("UTF-8");
        text.strip_prefix("before").expect("appended").to_owned()
    }

    #[test]
    fn strings() {
        let check = |text: &str, expected: &str| {
            assert_eq!(written(|out| push_string(text, out)), expected, "{text:?}");
        };
        check("", r#""""#);
        check("plain", r#""plain""#);
        check("say \"hi\"", r#""say \"hi\"""#);
        check(r"C:\new", r#""C:\\new""#);
        check("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#);
        check("\0\u{1}\u{1f} \u{7f}", "\"\\u0000\\u0001\\u001f \u{7f}\"");
        check("olá \u{2028} 😀 ¢", "\"olá \u{2028} 😀 ¢\"");
    }

    #[test]
    fn integers() {
        let mut out = Vec::new();
        push_integer(i32::MIN, &mut out);
        push_quoted_integer(u64::MAX, &mut out);
        push_quoted_integer(i64::MIN, &mut out);
        assert_eq!(
            out,
            br#"-2147483648"18446744073709551615""-9223372036854775808""#
        );
    }

    #[test]
    fn numbers_that_json_has_none_for() {
        for (value, expected) in [
            (f64::NAN, r#""NaN""#),
            (f64::INFINITY, r#""Infinity""#),
            (f64::NEG_INFINITY, r#""-Infinity""#),
        ] {
            assert_eq!(written(|out| push_double(value, out)), expected);
            let float = value as f32;
            assert_eq!(written(|out| push_float(float, out)), expected);
        }
    }

    #[test]
    fn a_float_is_no_longer_than_it_needs_to_be() {
        assert_eq!(written(|out| push_float(0.1, out)), "0.1");
        assert_eq!(written(|out| push_double(0.1, out)), "0.1");
        assert_eq!(written(|out| push_float(f32::MAX, out)), "3.4028235e+38");
        assert_eq!(written(|out| push_double(-0.0, out)), "-0.0");
    }

    #[test]
    fn base64() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(written(|out| push_base64(bytes, out)), expected);
        };
        check(b"", r#""""#);
        check(b"f", r#""Zg==""#);
        check(b"fo", r#""Zm8=""#);
        check(b"foo", r#""Zm9v""#);
        check(&[0xfb, 0xff], r#""+/8=""#);
    }

    proptest! {
        #[test]
        fn any_string_reads_back(text in ".*|[\\x00-\\x7f]{0,40}|[a-z\"]{0,40}") {
            let read: String = serde_json::from_str(&written(|out| push_string(&text, out)))
                .expect("JSON");
            prop_assert_eq!(read, text);
        }

        #[test]
        fn escapes_are_found_wherever_they_are(
            mut text in proptest::collection::vec(0x20u8.., 0..40),
            at in 0usize..40,
            byte in prop_oneof![0u8..0x20, Just(b'"'), Just(b'\\')],
        ) {
            text.retain(|byte| !matches!(byte, b'"' | b'\\'));
            prop_assert!(!has_escapes(&text));
            text.insert(at.min(text.len()), byte);
            prop_assert!(has_escapes(&text));
        }

        #[test]
        fn any_float_reads_back(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = written(|out| push_float(value, out));
            prop_assert_eq!(text.parse::<f32>().expect("a number").to_bits(), bits);
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
        }

        #[test]
        fn any_double_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = written(|out| push_double(value, out));
            prop_assert_eq!(text.parse::<f64>().expect("a number").to_bits(), bits);
            serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
        }
    }
}
