//! Timestamps and durations as the mapping writes them, in quotes: RFC 3339 in UTC,
//! and seconds with an `s`; fractions with three, six or nine digits, or none. Pure
//! arithmetic on the proleptic Gregorian calendar, without leap seconds, as protobuf
//! defines it.

use std::ops::RangeInclusive;

/// A value for which there is no text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfRange;

/// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
const TIMESTAMP_SECONDS: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// 10,000 years.
const DURATION_SECONDS_MAX: u64 = 315_576_000_000;
const NANOS_MAX: u32 = 999_999_999;
const DAY_SECONDS: i64 = 86_400;

pub(super) fn push_timestamp(
    seconds: i64,
    nanos: i32,
    out: &mut Vec<u8>,
) -> Result<(), OutOfRange> {
    let nanos = u32::try_from(nanos).map_err(|_| OutOfRange)?;
    if !TIMESTAMP_SECONDS.contains(&seconds) || nanos > NANOS_MAX {
        return Err(OutOfRange);
    }
    let (year, month, day) = date(seconds.div_euclid(DAY_SECONDS));
    let second = seconds.rem_euclid(DAY_SECONDS);
    let mut text = *b"\"0000-00-00T00:00:00";
    put(&mut text[1..5], year);
    put(&mut text[6..8], month);
    put(&mut text[9..11], day);
    put(&mut text[12..14], second / 3_600);
    put(&mut text[15..17], second / 60 % 60);
    put(&mut text[18..20], second % 60);
    out.extend_from_slice(&text);
    push_fraction(nanos, out);
    out.extend_from_slice(b"Z\"");
    Ok(())
}

pub(super) fn push_duration(seconds: i64, nanos: i32, out: &mut Vec<u8>) -> Result<(), OutOfRange> {
    let signs_differ = seconds.signum() * i64::from(nanos.signum()) < 0;
    if signs_differ
        || seconds.unsigned_abs() > DURATION_SECONDS_MAX
        || nanos.unsigned_abs() > NANOS_MAX
    {
        return Err(OutOfRange);
    }
    out.push(b'"');
    if seconds < 0 || nanos < 0 {
        out.push(b'-');
    }
    crate::json::push_integer(seconds.unsigned_abs(), out);
    push_fraction(nanos.unsigned_abs(), out);
    out.extend_from_slice(b"s\"");
    Ok(())
}

/// With as few groups of three digits as are needed; below a second.
fn push_fraction(nanos: u32, out: &mut Vec<u8>) {
    let digits = match nanos {
        0 => return,
        _ if nanos.is_multiple_of(1_000_000) => 3,
        _ if nanos.is_multiple_of(1_000) => 6,
        _ => 9,
    };
    let mut text = *b".000000000";
    put(&mut text[1..], nanos.into());
    out.extend_from_slice(&text[..=digits]);
}

/// Digits of a number that is not negative into all of `place`.
fn put(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01. Years are taken to begin in
/// March, so that a leap day is the last of its year, in eras of 400 years, which all
/// have as many days (Hinnant, *chrono-Compatible Low-Level Date Algorithms*).
fn date(days_since_1970: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 146_097;
    /// From 0000-03-01, where an era begins.
    const DAYS_TO_1970: i64 = 719_468;

    let days = days_since_1970 + DAYS_TO_1970;
    let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    // Leap days so far are taken away, then every year has 365 days.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months from March have 30.6 days, as near as whole days allow.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = 400 * era + year;
    match month {
        0..10 => (year, month + 3, day),
        _ => (year + 1, month - 9, day),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timestamp(seconds: i64, nanos: i32) -> Result<String, OutOfRange> {
        let mut out = Vec::new();
        push_timestamp(seconds, nanos, &mut out)?;
        Ok(String::from_utf8(out).expect("ASCII"))
    }

    fn duration(seconds: i64, nanos: i32) -> Result<String, OutOfRange> {
        let mut out = Vec::new();
        push_duration(seconds, nanos, &mut out)?;
        Ok(String::from_utf8(out).expect("ASCII"))
    }

    #[test]
    fn timestamps() {
        let check = |seconds, nanos, expected: &str| {
            assert_eq!(timestamp(seconds, nanos), Ok(format!("\"{expected}\"")));
        };
        check(0, 0, "1970-01-01T00:00:00Z");
        check(1_700_000_000, 0, "2023-11-14T22:13:20Z");
        check(1_700_000_000, 120_000_000, "2023-11-14T22:13:20.120Z");
        check(1_700_000_000, 120_000, "2023-11-14T22:13:20.000120Z");
        check(1_700_000_000, 1, "2023-11-14T22:13:20.000000001Z");
        check(-1, 999_999_999, "1969-12-31T23:59:59.999999999Z");
        check(951_782_400, 0, "2000-02-29T00:00:00Z");
        check(-2_203_891_200, 0, "1900-03-01T00:00:00Z");
        check(-62_135_596_800, 0, "0001-01-01T00:00:00Z");
        check(
            253_402_300_799,
            999_999_999,
            "9999-12-31T23:59:59.999999999Z",
        );
    }

    #[test]
    fn timestamps_out_of_range() {
        for (seconds, nanos) in [
            (-62_135_596_801, 0),
            (253_402_300_800, 0),
            (i64::MIN, 0),
            (i64::MAX, 0),
            (0, -1),
            (0, 1_000_000_000),
        ] {
            assert_eq!(timestamp(seconds, nanos), Err(OutOfRange));
        }
    }

    #[test]
    fn durations() {
        let check = |seconds, nanos, expected: &str| {
            assert_eq!(duration(seconds, nanos), Ok(format!("\"{expected}\"")));
        };
        check(0, 0, "0s");
        check(1, 500_000_000, "1.500s");
        check(1, 1_000, "1.000001s");
        check(0, -1, "-0.000000001s");
        check(-3, 0, "-3s");
        check(-3, -10_000_000, "-3.010s");
        check(315_576_000_000, 999_999_999, "315576000000.999999999s");
    }

    #[test]
    fn durations_out_of_range() {
        for (seconds, nanos) in [
            (1, -1),
            (-1, 1),
            (315_576_000_001, 0),
            (-315_576_000_001, 0),
            (i64::MIN, 0),
            (0, 1_000_000_000),
            (0, i32::MIN),
        ] {
            assert_eq!(duration(seconds, nanos), Err(OutOfRange));
        }
    }

    proptest! {
        #[test]
        fn days_follow_each_other(day in -719_162i64..2_932_896) {
            let (year, month, number) = date(day);
            let next = match date(day + 1) {
                (same, 1..=12, 2..) => (same, month, number + 1),
                (same, 2..=12, 1) => (same, month + 1, 1),
                (next, ..) => (next, 1, 1),
            };
            prop_assert_eq!(date(day + 1), next);
            prop_assert!(next.0 == year || (next.0 == year + 1 && (month, number) == (12, 31)));
        }

        #[test]
        fn timestamps_are_those_of_another_library(
            seconds in TIMESTAMP_SECONDS,
            nanos in prop_oneof![Just(0), 0i32..1_000_000_000],
        ) {
            let known = prost_types::Timestamp { seconds, nanos };
            prop_assert_eq!(timestamp(seconds, nanos), Ok(format!("\"{known}\"")));
        }

        #[test]
        fn any_seconds_and_nanos_are_harmless(seconds: i64, nanos: i32) {
            let _ = (timestamp(seconds, nanos), duration(seconds, nanos));
        }
    }
}
