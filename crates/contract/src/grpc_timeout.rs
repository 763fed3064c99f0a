//! The `grpc-timeout` header: how long a caller waits, as at most eight digits
//! and a unit (gRPC over HTTP/2, "Timeout"). Reading and writing, nothing else.

use std::time::Duration;

/// The header's name.
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

/// The largest number the format can carry.
const VALUE_MAX: u64 = 99_999_999;

/// The duration behind a header value; `None` when it is malformed.
#[must_use]
pub fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// The header value for `timeout`, in the finest unit that holds it, rounded up
/// so that the callee never gives up before the caller.
#[must_use]
pub fn format(timeout: Duration) -> String {
    let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    let units = [
        (1, 'n'),
        (1_000, 'u'),
        (1_000_000, 'm'),
        (1_000_000_000, 'S'),
        (60_000_000_000, 'M'),
    ];
    for (nanos_per_unit, unit) in units {
        let value = nanos.div_ceil(nanos_per_unit);
        if value <= VALUE_MAX {
            return written(value, unit);
        }
    }
    let hours = timeout.as_secs().div_ceil(3600);
    written(hours.min(VALUE_MAX), 'H')
}

fn written(value: u64, unit: char) -> String {
    let mut text = String::with_capacity(9);
    text.push_str(itoa::Buffer::new().format(value));
    text.push(unit);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units() {
        assert_eq!(parse("1H"), Some(Duration::from_secs(3600)));
        assert_eq!(parse("2M"), Some(Duration::from_secs(120)));
        assert_eq!(parse("3S"), Some(Duration::from_secs(3)));
        assert_eq!(parse("99999999m"), Some(Duration::from_millis(99_999_999)));
        assert_eq!(parse("5u"), Some(Duration::from_micros(5)));
        assert_eq!(parse("6n"), Some(Duration::from_nanos(6)));
    }

    #[test]
    fn malformed() {
        for value in [
            "",
            "1",
            "S",
            "1s",
            "-1S",
            "1.5S",
            "123456789m",
            " 1S",
            "1é",
            "+1S",
        ] {
            assert_eq!(parse(value), None, "{value:?}");
        }
    }

    #[test]
    fn the_finest_unit_that_fits() {
        assert_eq!(format(Duration::from_secs(30)), "30000000u");
        assert_eq!(format(Duration::from_millis(1)), "1000000n");
        assert_eq!(format(Duration::MAX), "99999999H");
    }

    proptest! {
        #[test]
        fn never_shorter_and_close(millis in 0u64..100_000_000) {
            let timeout = Duration::from_millis(millis);
            let read = parse(&format(timeout)).expect("what was written is well formed");
            prop_assert!(read >= timeout);
            prop_assert!(read <= timeout.mul_f64(1.001));
        }

        #[test]
        fn anything_is_read_or_refused(value in ".*") {
            let _ = parse(&value);
        }
    }
}
