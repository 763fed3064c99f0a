//! Values on the command line, read with a message that says what is allowed.

use std::ops::RangeInclusive;

/// A whole number within a range.
pub(crate) fn whole(name: &str, text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (low, high) = (range.start(), range.end());
        format!("{name} {text:?} is not {low} to {high}; give a whole number in that range")
    })
}

/// Whole seconds within a range, with or without their unit.
pub(crate) fn seconds(name: &str, text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    whole(name, text.strip_suffix('s').unwrap_or(text), range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_limits() {
        assert_eq!(whole("--rounds", "3", 1..=100), Ok(3));
        let error = whole("--rounds", "0", 1..=100).expect_err("too few");
        assert!(error.contains("--rounds \"0\" is not 1 to 100"), "{error}");
        assert!(whole("--rounds", "many", 1..=100).is_err());
    }

    #[test]
    fn seconds_may_have_their_unit() {
        assert_eq!(seconds("--duration", "7s", 1..=600), Ok(7));
        assert_eq!(seconds("--duration", "7", 1..=600), Ok(7));
        assert!(seconds("--duration", "5m", 1..=600).is_err());
    }
}
