//! Figures as they stand in tables. There are too few rounds for an interval of
//! confidence, so what is written is a median with the lowest and the highest.
//! Pure.

/// Not a number where there is none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, &values[..]) {
        (_, []) => f64::NAN,
        (1, values) => values[middle],
        (_, values) => (values[middle - 1] + values[middle]) / 2.0,
    }
}

/// The lowest and the highest.
pub(crate) fn range(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (low, high)
}

pub(crate) fn unknown() -> String {
    "unknown".to_owned()
}

/// With a comma for thousands.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    match digits.len() {
        4..=6 if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let (front, back) = digits.split_at(digits.len() - 3);
            format!("{front},{back}")
        }
        _ => digits,
    }
}

pub(crate) fn milliseconds(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2} ms"),
        value => format!("{value:.1} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }

    #[test]
    fn a_range_has_both_ends() {
        assert_eq!(range(&[2.0, 1.5, 4.0]), (1.5, 4.0));
    }

    #[test]
    fn figures_are_as_long_as_they_can_be_read() {
        assert_eq!(
            [999.0, 1000.4, 123_456.0].map(whole),
            ["999", "1,000", "123,456"]
        );
        assert_eq!([0.25, 52.04].map(milliseconds), ["0.25 ms", "52.0 ms"]);
    }
}
