//! The texts of Timestamp, Duration and FieldMask: what they hold, or nothing when
//! they are malformed or out of range. Strict where protobuf's own libraries are:
//! capital `T` and `Z`, a colon in the offset, at most nine digits of a second, and
//! no leap second, which the number of seconds has no place for.

use super::scalar::Scalar;
use crate::wire::{Builder, WireType};

pub(crate) const TIMESTAMP: &str = "a time from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z, \
     such as 2024-05-31T12:30:00Z";
pub(crate) const DURATION: &str = "seconds from -315576000000s to 315576000000s, such as 1.5s";
pub(crate) const FIELD_MASK: &str =
    "field paths in lowerCamelCase, separated by commas, such as author.birthYear,title";

const NANOS_DIGITS: usize = 9;
const DURATION_SECONDS_MAX: i64 = 315_576_000_000;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const TIMESTAMP_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
const SECONDS_A_DAY: i64 = 86_400;
/// From 0001-01-01 to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_162;

/// What Timestamp and Duration consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds {
    pub(crate) seconds: i64,
    pub(crate) nanos: i32,
}

impl Seconds {
    /// Writes the content of either message.
    pub(crate) fn put(self, out: &mut Builder) {
        Scalar::signed(self.seconds).put(Some(1), out);
        if self.nanos != 0 {
            Scalar::signed(self.nanos.into()).put(Some(2), out);
        }
    }
}

/// The moment that an RFC 3339 text names.
pub(crate) fn timestamp(text: &str) -> Option<Seconds> {
    let mut rest = Cursor(text.as_bytes());
    let year = rest.digits(4)?;
    rest.byte(b'-')?;
    let month = rest.digits(2)?;
    rest.byte(b'-')?;
    let day = rest.digits(2)?;
    rest.byte(b'T')?;
    let hour = rest.digits(2)?;
    rest.byte(b':')?;
    let minute = rest.digits(2)?;
    rest.byte(b':')?;
    let second = rest.digits(2)?;
    let nanos = rest.fraction()?;
    let offset = rest.offset()?;
    if !rest.0.is_empty() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_since_epoch(year, month, day)?;
    let seconds = days * SECONDS_A_DAY + hour * 3600 + minute * 60 + second - offset;
    let seconds = TIMESTAMP_SECONDS.contains(&seconds).then_some(seconds)?;
    Some(Seconds { seconds, nanos })
}

/// The length of time that a text such as `-1.5s` names.
pub(crate) fn duration(text: &str) -> Option<Seconds> {
    let text = text.strip_suffix('s')?;
    let (negative, size) = match text.strip_prefix('-') {
        Some(size) => (true, size),
        None => (false, text),
    };
    let end = size.find('.').unwrap_or(size.len());
    let (seconds, fraction) = size.split_at(end);
    if !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    if seconds > DURATION_SECONDS_MAX {
        return None;
    }
    let mut rest = Cursor(fraction.as_bytes());
    let nanos = rest.fraction()?;
    if !rest.0.is_empty() {
        return None;
    }
    let sign = if negative { -1 } else { 1 };
    Some(Seconds {
        seconds: seconds * i64::from(sign),
        nanos: nanos * sign,
    })
}

/// How a field mask's paths may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MaskNames {
    /// In `lowerCamelCase` only.
    Json,
    /// Or with underscores, as in the `.proto` file.
    Either,
}

/// Writes the content of a FieldMask. Its paths are separated by commas.
pub(crate) fn field_mask(text: &str, names: MaskNames, out: &mut Builder) -> Option<()> {
    if names == MaskNames::Json && text.contains('_') {
        return None;
    }
    let mut original = String::new();
    for path in text.split(',').filter(|path| !path.is_empty()) {
        original.clear();
        for character in path.chars() {
            if character.is_ascii_uppercase() {
                original.push('_');
            }
            original.push(character.to_ascii_lowercase());
        }
        out.tag(1, WireType::Length);
        out.length_delimited(original.as_bytes());
    }
    Some(())
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; `None` if there is no such day.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = i64::from((year % 4 == 0 && year % 100 != 0) || year % 400 == 0);
    // Days of the year that are over when the month begins, and that it has.
    let (over, days) = match month {
        1 => (0, 31),
        2 => (31, 28 + leap),
        3 => (59 + leap, 31),
        4 => (90 + leap, 30),
        5 => (120 + leap, 31),
        6 => (151 + leap, 30),
        7 => (181 + leap, 31),
        8 => (212 + leap, 31),
        9 => (243 + leap, 30),
        10 => (273 + leap, 31),
        11 => (304 + leap, 30),
        12 => (334 + leap, 31),
        _ => return None,
    };
    if !(1..=days).contains(&day) {
        return None;
    }
    let years = year - 1;
    let leaps = years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    Some(years * 365 + leaps + over + day - 1 - DAYS_TO_EPOCH)
}

/// Takes a text apart from the front; `None` is what does not fit.
struct Cursor<'t>(&'t [u8]);

impl Cursor<'_> {
    fn byte(&mut self, wanted: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[wanted])?;
        Some(())
    }

    /// A number of exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.iter().try_fold(0, |number, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + i64::from(digit - b'0'))
        })
    }

    /// Nanoseconds, if a point follows; otherwise 0.
    fn fraction(&mut self) -> Option<i32> {
        if self.byte(b'.').is_none() {
            return Some(0);
        }
        let length = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if !(1..=NANOS_DIGITS).contains(&length) {
            return None;
        }
        let mut nanos = i32::try_from(self.digits(length)?).ok()?;
        for _ in length..NANOS_DIGITS {
            nanos *= 10;
        }
        Some(nanos)
    }

    /// Seconds by which local time is ahead of UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.byte(b'Z').is_some() {
            return Some(0);
        }
        let sign = if self.byte(b'+').is_some() {
            1
        } else {
            self.byte(b'-')?;
            -1
        };
        let hours = self.digits(2)?;
        self.byte(b':')?;
        let minutes = self.digits(2)?;
        (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests;
