//! Which values an axis names, and how a number is written. Pure.

use crate::Language;

/// A range to draw and the values to name in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<f64>,
}

/// What can be on an axis. Beyond, a figure is a mistake, and sums could overflow.
pub(super) fn drawable(value: f64) -> bool {
    (1e-9..=1e15).contains(&value)
}

/// From the least to the greatest value and a little more, named at 1, 2 and 5
/// of each power of ten or fewer.
pub(super) fn logarithmic(values: impl Iterator<Item = f64>) -> Option<Axis> {
    let (low, high) = extent(values)?;
    // At least a factor of six, which holds two ticks wherever it begins.
    let widen = (6.0 / (high / low)).max(1.0).sqrt();
    let (low, high) = (low / widen / 1.25, high * widen * 1.25);
    let sets: [&[f64]; 3] = [&[1.0], &[1.0, 3.0], &[1.0, 2.0, 5.0]];
    let of_set = |multiples: &[f64]| -> Vec<f64> {
        let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
        powers
            .flat_map(|power| multiples.iter().map(move |of| of * 10f64.powi(power)))
            .filter(|tick| (low..=high).contains(tick))
            .collect()
    };
    let mut ticks = Vec::new();
    for set in sets {
        ticks = of_set(set);
        if ticks.len() >= 3 {
            break;
        }
    }
    Some(Axis { low, high, ticks })
}

/// The loads themselves, with a little room on both sides.
pub(super) fn loads(values: impl Iterator<Item = f64>) -> Option<Axis> {
    let mut ticks: Vec<_> = values.collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    let (low, high) = extent(ticks.iter().copied())?;
    let room = (high / low).powf(0.04).max(1.1);
    Some(Axis {
        low: low / room,
        high: high * room,
        ticks,
    })
}

/// From zero to the greatest value, named at round numbers.
pub(super) fn from_zero(values: impl Iterator<Item = f64>) -> Option<Axis> {
    let (_, greatest) = extent(values)?;
    let rough = greatest / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|of| of * power)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let steps = (greatest / step + 1e-9).floor() as u32;
    Some(Axis {
        low: 0.0,
        high: greatest,
        ticks: (0..=steps).map(|n| f64::from(n) * step).collect(),
    })
}

fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |extent, value| {
        let (low, high) = extent.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// A measured figure: three significant digits, or all of those before the
/// decimal point. Nothing below zero is ever written.
pub(crate) fn figure(value: f64, language: Language) -> String {
    let text = three_digits(value);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    written(whole, fraction, language)
}

/// A number that is exact, or that others gave: no zeros at its end.
pub(crate) fn number(value: f64, language: Language) -> String {
    let text = three_digits(value);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    written(whole, fraction.trim_end_matches('0'), language)
}

fn three_digits(value: f64) -> String {
    let places = match value.abs() {
        value if value == 0.0 || value >= 99.95 => 0,
        value => (2.0 - value.log10().floor()).clamp(0.0, 12.0) as usize,
    };
    format!("{value:.places$}")
}

fn written(whole: &str, fraction: &str, language: Language) -> String {
    let (group, point) = language.choose((',', '.'), ('.', ','));
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        // Four digits are read at a glance.
        if index > 0 && whole.len() > 4 && (whole.len() - index).is_multiple_of(3) {
            out.push(group);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push(point);
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_language_does() {
        let check = |value, english: &str, portuguese: &str| {
            assert_eq!(number(value, Language::English), english);
            assert_eq!(number(value, Language::Portuguese), portuguese);
        };
        check(0.0, "0", "0");
        check(0.01, "0.01", "0,01");
        check(0.012_345, "0.0123", "0,0123");
        check(9.999, "10", "10");
        check(12.5, "12.5", "12,5");
        check(999.6, "1000", "1000");
        check(12_345.6, "12,346", "12.346");
        check(1_234_567.0, "1,234,567", "1.234.567");
    }

    #[test]
    fn what_was_measured_keeps_its_digits() {
        assert_eq!(figure(28.0, Language::English), "28.0");
        assert_eq!(figure(0.5, Language::Portuguese), "0,500");
        assert_eq!(figure(150.2, Language::English), "150");
    }

    #[test]
    fn a_logarithmic_axis_names_powers_of_ten_where_it_has_many() {
        let axis = logarithmic([0.2, 9_000.0].into_iter()).expect("values");
        assert_eq!(axis.ticks, [1.0, 10.0, 100.0, 1_000.0, 10_000.0]);
    }

    #[test]
    fn a_single_value_still_gets_two_ticks() {
        for value in [1e-9, 0.7, 1.0, 3.3, 7.0, 1e15] {
            let axis = logarithmic([value].into_iter()).expect("a value");
            assert!(axis.ticks.len() >= 2, "{value}: {axis:?}");
        }
    }

    #[test]
    fn an_axis_from_zero_is_named_at_round_numbers() {
        let axis = from_zero([437.0].into_iter()).expect("a value");
        assert_eq!(axis.ticks, [0.0, 100.0, 200.0, 300.0, 400.0]);
        let axis = from_zero([5.0].into_iter()).expect("a value");
        assert_eq!(axis.ticks, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(from_zero([].into_iter()), None);
    }

    #[test]
    fn loads_are_named_once_and_in_order() {
        let axis = loads([50.0, 25.0, 50.0].into_iter()).expect("values");
        assert_eq!(axis.ticks, [25.0, 50.0]);
        assert!(axis.low < 25.0 && axis.high > 50.0);
    }
}
