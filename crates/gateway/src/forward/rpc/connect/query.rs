//! The query of a Connect call by GET. In: the query as it was sent; out: the message's
//! bytes and how they are written. Nothing is known of the method here.

use std::borrow::Cow;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use percent_encoding::percent_decode_str;

use super::super::spoken::Codec;

/// The alphabet of URLs; padding may be left out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What a query asks.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Asked<'q> {
    pub(in super::super) codec: Codec,
    pub(in super::super) message: Cow<'q, [u8]>,
    /// The compression of the message, unless it is none.
    pub(in super::super) compression: Option<String>,
}

/// Why a query asks nothing; the name of the parameter and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Wrong {
    pub(in super::super) name: &'static str,
    pub(in super::super) value: String,
    pub(in super::super) expected: &'static str,
}

pub(in super::super) fn parse(query: &str) -> Result<Asked<'_>, Wrong> {
    let wrong = |name, value: Option<&[u8]>, expected| Wrong {
        name,
        value: String::from_utf8_lossy(value.unwrap_or_default()).into_owned(),
        expected,
    };
    let find = |name: &str| {
        let mut pairs = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let (_, value) = pairs.find(|(known, _)| *known == name)?;
        Some(decoded(value))
    };
    let codec = match find("encoding").as_deref() {
        Some(b"json") => Codec::Json,
        Some(b"proto") => Codec::Proto,
        other => return Err(wrong("encoding", other, "json or proto")),
    };
    let Some(message) = find("message") else {
        return Err(wrong("message", None, "a message"));
    };
    let message = match find("base64").as_deref() {
        None | Some(b"0") => message,
        Some(b"1") => match BASE64.decode(&message) {
            Ok(bytes) => bytes.into(),
            Err(_) => return Err(wrong("message", Some(&message), "base64 for URLs")),
        },
        other => return Err(wrong("base64", other, "0 or 1")),
    };
    let compression = match find("compression") {
        None => None,
        Some(name) if matches!(&*name, b"" | b"identity") => None,
        Some(name) => Some(String::from_utf8_lossy(&name).into_owned()),
    };
    Ok(Asked {
        codec,
        message,
        compression,
    })
}

/// The bytes of a value: `+` is a space, as in forms.
fn decoded(value: &str) -> Cow<'_, [u8]> {
    match value.contains('+') {
        false => percent_decode_str(value).into(),
        true => {
            let spaced = value.replace('+', " ");
            percent_decode_str(&spaced).collect::<Vec<_>>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
    use proptest::prelude::*;

    use super::*;

    fn check(query: &str, codec: Codec, message: &[u8]) {
        let expected = Asked {
            codec,
            message: message.into(),
            compression: None,
        };
        assert_eq!(parse(query), Ok(expected), "{query}");
    }

    #[test]
    fn queries() {
        check(
            "connect=v1&encoding=json&message=%7B%7D",
            Codec::Json,
            b"{}",
        );
        check(
            "message={%22a%22:+1}&encoding=json",
            Codec::Json,
            br#"{"a": 1}"#,
        );
        check("encoding=proto&base64=1&message=CAE", Codec::Proto, &[8, 1]);
        check(
            "encoding=proto&base64=1&message=CAE%3D",
            Codec::Proto,
            &[8, 1],
        );
        check("encoding=proto&message=%08%01", Codec::Proto, &[8, 1]);
        check(
            "encoding=proto&message=&compression=identity",
            Codec::Proto,
            b"",
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, name) in [
            ("", "encoding"),
            ("encoding=xml&message=", "encoding"),
            ("encoding=json", "message"),
            ("encoding=json&message=!&base64=1", "message"),
            ("encoding=json&message=&base64=x", "base64"),
        ] {
            assert_eq!(
                parse(query).map_err(|wrong| wrong.name),
                Err(name),
                "{query}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_message(message in prop::collection::vec(any::<u8>(), 0..40), is_base64: bool) {
            let query = match is_base64 {
                true => format!("encoding=proto&base64=1&message={}", BASE64.encode(&message)),
                false => format!("encoding=proto&message={}", percent_encode(&message, NON_ALPHANUMERIC)),
            };
            let asked = parse(&query).expect("well formed");
            prop_assert_eq!(&*asked.message, &message[..]);
        }

        #[test]
        fn garbage_is_refused_or_read(query in ".*") {
            let _ = parse(&query);
        }
    }
}
