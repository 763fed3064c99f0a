//! Numbers and bytes from their text, as they lie on the wire. Whole numbers are
//! exact however they are written: `1e3` and `1.0` are whole, and no digit passes
//! through floating point. The work is in proportion to the text, whatever its
//! exponent says.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::{
    schema::Kind,
    wire::{Builder, WireType},
};

/// A value of a kind that has a fixed place on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scalar {
    Varint(u64),
    Fixed32([u8; 4]),
    Fixed64([u8; 8]),
}

impl Scalar {
    pub(crate) fn boolean(value: bool) -> Self {
        Scalar::Varint(u64::from(value))
    }

    /// Negative numbers take all ten bytes, also those of 32 bits.
    pub(crate) fn signed(value: i64) -> Self {
        Scalar::Varint(value.cast_unsigned())
    }

    /// Writes it as a field, or as an element of a packed list.
    #[inline]
    pub(crate) fn put(self, number: Option<u32>, out: &mut Builder) {
        if let Some(number) = number {
            out.tag(
                number,
                match self {
                    Scalar::Varint(_) => WireType::Varint,
                    Scalar::Fixed32(_) => WireType::Fixed32,
                    Scalar::Fixed64(_) => WireType::Fixed64,
                },
            );
        }
        match self {
            Scalar::Varint(value) => out.varint(value),
            Scalar::Fixed32(bytes) => out.raw(&bytes),
            Scalar::Fixed64(bytes) => out.raw(&bytes),
        }
    }
}

/// The number that `text` is, which follows JSON's grammar of numbers; `None` if
/// the kind cannot hold it. Of floating point it is whatever Rust reads as a finite
/// number.
#[inline]
pub(crate) fn number(kind: Kind, text: &str) -> Option<Scalar> {
    match kind {
        Kind::Float => float(text.parse().ok().filter(|value: &f32| value.is_finite())?),
        Kind::Double => double(text.parse().ok().filter(|value: &f64| value.is_finite())?),
        _ => integer(kind, whole(text)?),
    }
}

/// The same for a whole number of few digits.
#[inline]
pub(crate) fn whole_number(kind: Kind, value: i64) -> Option<Scalar> {
    match kind {
        // Below 2^53 in size it is exact; above, and for the nearest 32 bits, it is
        // rounded once, as its text would be.
        Kind::Float => float(value as f32),
        Kind::Double => double(value as f64),
        _ => integer(kind, value.into()),
    }
}

/// The values of floating point that are no JSON numbers.
pub(crate) fn named(kind: Kind, text: &str) -> Option<Scalar> {
    let value = match text {
        "NaN" => f32::NAN,
        "Infinity" => f32::INFINITY,
        "-Infinity" => f32::NEG_INFINITY,
        _ => return None,
    };
    match kind {
        Kind::Float => float(value),
        Kind::Double => double(value.into()),
        _ => None,
    }
}

#[allow(clippy::unnecessary_wraps)]
fn float(value: f32) -> Option<Scalar> {
    Some(Scalar::Fixed32(value.to_le_bytes()))
}

#[allow(clippy::unnecessary_wraps)]
fn double(value: f64) -> Option<Scalar> {
    Some(Scalar::Fixed64(value.to_le_bytes()))
}

/// A whole number, if the kind can hold it.
#[inline]
pub(crate) fn integer(kind: Kind, value: i128) -> Option<Scalar> {
    let scalar = match kind {
        Kind::Int32 | Kind::Enum(_) => Scalar::signed(i32::try_from(value).ok()?.into()),
        Kind::Int64 => Scalar::signed(i64::try_from(value).ok()?),
        Kind::Sint32 => zigzag(i32::try_from(value).ok()?.into()),
        Kind::Sint64 => zigzag(i64::try_from(value).ok()?),
        Kind::Sfixed32 => Scalar::Fixed32(i32::try_from(value).ok()?.to_le_bytes()),
        Kind::Sfixed64 => Scalar::Fixed64(i64::try_from(value).ok()?.to_le_bytes()),
        Kind::Uint32 => Scalar::Varint(u32::try_from(value).ok()?.into()),
        Kind::Uint64 => Scalar::Varint(u64::try_from(value).ok()?),
        Kind::Fixed32 => Scalar::Fixed32(u32::try_from(value).ok()?.to_le_bytes()),
        Kind::Fixed64 => Scalar::Fixed64(u64::try_from(value).ok()?.to_le_bytes()),
        _ => return None,
    };
    Some(scalar)
}

/// The same for 32 bits: what fits in 32 gives what fits in 32.
fn zigzag(value: i64) -> Scalar {
    Scalar::Varint((value << 1 ^ value >> 63).cast_unsigned())
}

/// The whole number that `text` is, which follows JSON's grammar of numbers; `None`
/// if it has a fraction or more than 64 bits.
pub(crate) fn whole(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    // As almost all are written; the rest is left to `scaled`.
    let size = match digits.parse::<u64>() {
        Ok(size) => size,
        Err(_) => scaled(digits)?,
    };
    let size = i128::from(size);
    Some(if negative { -size } else { size })
}

/// The same for a number without sign that has a fraction, an exponent or many zeros.
fn scaled(text: &str) -> Option<u64> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    // What follows the point is left without zeros at its end, and if nothing is
    // left of it, so is what comes before the point.
    let after = after.trim_end_matches('0');
    let significant = match after {
        "" => before.trim_end_matches('0'),
        _ => before,
    };
    let zeros = i64::try_from(before.len() - significant.len()).ok()?;
    if significant.is_empty() && after.is_empty() {
        return Some(0);
    }
    let exponent = match exponent.parse::<i32>() {
        Ok(exponent) => i64::from(exponent),
        // Beyond what could still be made up for by a text that fits in memory.
        Err(_) => return None,
    };
    // The last digit is not zero: a negative power leaves a fraction.
    let power = exponent + zeros - i64::try_from(after.len()).ok()?;
    let factor = 10_u64.checked_pow(u32::try_from(power).ok()?)?;
    let mut digits = significant.bytes().chain(after.bytes());
    let size = digits.try_fold(0_u64, |size, digit| {
        size.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })?;
    size.checked_mul(factor)
}

/// What a value of this kind must be, in words.
pub(crate) fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Enum(_) => {
            "a whole number from -2147483648 to 2147483647"
        }
        Kind::Uint32 | Kind::Fixed32 => "a whole number from 0 to 4294967295",
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            "a whole number from -9223372036854775808 to 9223372036854775807"
        }
        Kind::Uint64 | Kind::Fixed64 => "a whole number from 0 to 18446744073709551615",
        Kind::Float => "a number up to 3.4028235e38, \"NaN\", \"Infinity\" or \"-Infinity\"",
        Kind::Double => {
            "a number up to 1.7976931348623157e308, \"NaN\", \"Infinity\" or \"-Infinity\""
        }
        Kind::Bool => "true or false",
        Kind::String => "a string",
        Kind::Bytes => "bytes in base64",
        Kind::Message(_) => "an object",
    }
}

/// Appends the bytes that a text in either base64 alphabet stands for, padded or not.
pub(crate) fn base64(text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
    let engine = if text.bytes().any(|byte| matches!(byte, b'-' | b'_')) {
        URL_SAFE
    } else {
        STANDARD
    };
    engine.decode_vec(text, bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Option<i128>) {
        assert_eq!(whole(text), expected, "{text}");
    }

    #[test]
    fn whole_numbers() {
        check("0", Some(0));
        check("-0", Some(0));
        check("0.000", Some(0));
        check("0e9999999999999", Some(0));
        check("1.0", Some(1));
        check("1e3", Some(1000));
        check("1E+3", Some(1000));
        check("1000e-3", Some(1));
        check("1.5e1", Some(15));
        check("0.0001e4", Some(1));
        check("120.50e1", Some(1205));
        check("-9223372036854775808", Some(i64::MIN.into()));
        check("9223372036854775807.000", Some(i64::MAX.into()));
        check("9007199254740993", Some(9_007_199_254_740_993));
        check("9007199254740993e0", Some(9_007_199_254_740_993));
        check("18446744073709551615", Some(u64::MAX.into()));
        check("1844674407370955161.5e1", Some(u64::MAX.into()));
        check("1.8446744073709551615e19", Some(u64::MAX.into()));
    }

    #[test]
    fn no_whole_numbers() {
        for text in [
            "18446744073709551616",
            "0.5",
            "1e-1",
            "15e-1",
            "1e20",
            "1e400",
            "1e1000000000",
            "1e-1000000000",
            "1e99999999999999999999",
            "1e-99999999999999999999",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn long_numbers() {
        let zeros = "0".repeat(100_000);
        check(&format!("1{zeros}"), None);
        check(&format!("1{zeros}e-100000"), Some(1));
        check(&format!("0.{zeros}1e100001"), Some(1));
        check(&format!("1.{zeros}"), Some(1));
        check(&format!("1.{zeros}1"), None);
    }

    proptest! {
        /// The same number with its point moved is the same number.
        #[test]
        fn notations_agree(number: u64, shift in 0_usize..40) {
            let digits = format!("{number:040}");
            let (before, after) = digits.split_at(40 - shift);
            let before = before.trim_start_matches('0');
            let before = if before.is_empty() { "0" } else { before };
            let after = if after.is_empty() { "0" } else { after };
            let exponent = shift;
            prop_assert_eq!(whole(&format!("{before}.{after}e{exponent}")), Some(number.into()));
            prop_assert_eq!(whole(&format!("-{number}{}e-{shift}", "0".repeat(shift))), Some(-i128::from(number)));
        }

        #[test]
        fn bytes_in_every_alphabet(bytes: Vec<u8>) {
            use base64::engine::general_purpose as ours;
            for engine in [ours::STANDARD, ours::STANDARD_NO_PAD, ours::URL_SAFE, ours::URL_SAFE_NO_PAD] {
                let mut read = Vec::new();
                prop_assert_eq!(base64(&engine.encode(&bytes), &mut read), Some(()));
                prop_assert_eq!(&read, &bytes);
            }
        }
    }
}
