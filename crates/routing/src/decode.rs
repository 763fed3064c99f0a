//! Percent-encoding in paths. Segments are compared with what templates say after
//! decoding, since RFC 3986 holds `%41` and `A` for the same; values of variables
//! are decoded wholly or in part, as `google/api/http.proto` has it. What is no
//! escape (`%`, `%4`, `%zz`) stands for itself.

use std::{borrow::Cow, cmp::Ordering};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

/// What of the value of a variable with several segments is percent-decoded. A
/// variable of one segment is always decoded wholly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decoding {
    /// Everything but `%2F`, so that an encoded slash does not look like the end
    /// of a segment: what `google.api.HttpRule` says.
    #[default]
    ExceptSlash,
    /// Everything but the characters that RFC 6570 reserves, among them `/`, `:`
    /// and `@`: what other gateways do unless told otherwise.
    ExceptReserved,
    /// Everything that `**` matches; `%2F` stays where it is in a segment that
    /// `*` or a literal matches: `fully_decode_reserved_expansion` of a service
    /// configuration.
    Everything,
}

/// What a literal would lose its meaning by, in a template or in a URL.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'*')
    .add(b'/')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// `literal` as it is written in a template.
pub(crate) fn encode(literal: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(literal, ESCAPED)
}

/// How `literal` compares with `raw`, decoded.
pub(crate) fn compare(literal: &str, raw: &str) -> Ordering {
    if raw.contains('%') {
        literal.bytes().cmp(percent_decode(raw.as_bytes()))
    } else {
        literal.cmp(raw)
    }
}

/// All of `raw` decoded, unless that is not UTF-8.
pub(crate) fn wholly(raw: &str) -> Option<Cow<'_, str>> {
    percent_decode(raw.as_bytes()).decode_utf8().ok()
}

/// `raw` with everything decoded but the bytes that `kept` says.
fn except(raw: &str, kept: fn(u8) -> bool) -> Option<Cow<'_, str>> {
    if !raw.contains('%') {
        return Some(Cow::Borrowed(raw));
    }
    let mut rest = raw.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some(at) = rest
        .windows(3)
        .position(|escape| escaped(escape).is_some_and(kept))
    {
        decoded.extend(percent_decode(&rest[..at]));
        decoded.extend_from_slice(&rest[at..at + 3]);
        rest = &rest[at + 3..];
    }
    decoded.extend(percent_decode(rest));
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// The value of a variable with several segments. `open` is where in it the part
/// begins that `**` matched; its length when there is none.
pub(crate) fn segments(raw: &str, open: usize, decoding: Decoding) -> Option<Cow<'_, str>> {
    match decoding {
        Decoding::ExceptSlash => except(raw, |byte| byte == b'/'),
        Decoding::ExceptReserved => except(raw, is_reserved),
        Decoding::Everything if !raw.contains('%') => Some(Cow::Borrowed(raw)),
        Decoding::Everything => {
            let (closed, open) = raw.split_at(open);
            let mut decoded = except(closed, |byte| byte == b'/')?.into_owned();
            decoded += &wholly(open)?;
            Some(Cow::Owned(decoded))
        }
    }
}

/// The byte that `escape` stands for, if it is `%` and two hexadecimal digits.
fn escaped(escape: &[u8]) -> Option<u8> {
    match *escape {
        [b'%', high, low] => {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()
        }
        _ => None,
    }
}

/// RFC 6570's reserved characters: gen-delims and sub-delims.
fn is_reserved(byte: u8) -> bool {
    b":/?#[]@!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(decoding: Decoding, raw: &str, open: usize, expected: Option<&str>) {
        assert_eq!(segments(raw, open, decoding).as_deref(), expected, "{raw}");
    }

    #[test]
    fn what_stays_encoded() {
        use Decoding::{Everything, ExceptReserved, ExceptSlash};
        let raw = "a%20b/%2f%2F%3a%41%c3%a9";
        check(ExceptSlash, raw, 0, Some("a b/%2f%2F:Aé"));
        check(ExceptReserved, raw, 0, Some("a b/%2f%2F%3aAé"));
        check(Everything, raw, 0, Some("a b///:Aé"));
        check(Everything, raw, raw.len(), Some("a b/%2f%2F:Aé"));
        check(Everything, "a%2Fb/c%2Fd", 6, Some("a%2Fb/c/d"));
        for decoding in [ExceptSlash, ExceptReserved, Everything] {
            check(decoding, "", 0, Some(""));
            check(decoding, "a+b", 0, Some("a+b"));
            check(decoding, "%", 0, Some("%"));
            check(decoding, "%4/%zz/%%41", 0, Some("%4/%zz/%A"));
            check(decoding, "a/%ff", 0, None);
            check(decoding, "%e2%2F%a9", 0, None);
        }
    }

    #[test]
    fn a_whole_value() {
        assert_eq!(wholly("a%2Fb%2520").as_deref(), Some("a/b%20"));
        assert!(matches!(wholly("plain"), Some(Cow::Borrowed("plain"))));
        assert_eq!(wholly("%ff"), None);
    }

    proptest! {
        #[test]
        fn comparing_is_decoding(literal in "[a-c%]{0,3}", raw in "([a-c%]|%6[123]|%25){0,4}") {
            let decoded: Vec<u8> = percent_decode(raw.as_bytes()).collect();
            prop_assert_eq!(compare(&literal, &raw), literal.as_bytes().cmp(&decoded));
        }

        #[test]
        fn what_is_encoded_decodes_to_itself(text in any::<String>()) {
            let encoded = utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(wholly(&encoded), Some(Cow::Owned::<str>(text.clone())));
            let all = segments(&encoded, 0, Decoding::Everything);
            prop_assert_eq!(all.as_deref(), Some(&text[..]));
            let but = segments(&encoded, 0, Decoding::ExceptSlash);
            let expected = text.replace('/', "%2F");
            prop_assert_eq!(but.as_deref(), Some(&expected[..]));
        }

        #[test]
        fn any_text_is_decoded_or_refused(raw in ".{0,20}") {
            for decoding in [Decoding::ExceptSlash, Decoding::ExceptReserved, Decoding::Everything] {
                let _ = segments(&raw, 0, decoding);
            }
        }
    }
}
