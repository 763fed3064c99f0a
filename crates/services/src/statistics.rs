//! What values that come one after the other have in common. In: values, one at a
//! time; out: at any moment their count, sum, mean, extremes and sample standard
//! deviation. Pure, and the same few numbers whatever the length of the stream.
//!
//! Mean and deviation are kept by Welford's recurrence (B. P. Welford, "Note on a
//! method for calculating corrected sums of squares and products", Technometrics
//! 4(3), 1962): squares of differences from the running mean are added up. The
//! textbook formula, the mean of the squares less the square of the mean, also
//! needs one pass, and loses every digit when the values are large and close to
//! each other. The sum is plain addition in the order of arrival.
//!
//! Nothing here becomes infinite or "not a number": a value that would make it so
//! is refused. For finite values that is when the sum passes the largest double, or
//! when values lie so far apart (some 1e154) that the square of it does.

use std::fmt;

/// Running figures of the values so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Statistics {
    count: u64,
    sum: f64,
    mean: f64,
    min: f64,
    max: f64,
    /// Sum of the squared differences from the mean.
    squares: f64,
}

/// A value that was not taken, with its place in the stream, counting from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Refused {
    /// It is infinite or not a number.
    NotFinite {
        /// Its place.
        index: u64,
        /// The value.
        value: f64,
    },
    /// With it the sum or the spread is more than a double can hold.
    TooLarge {
        /// Its place.
        index: u64,
        /// The value.
        value: f64,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NotFinite { index, value } => write!(
                f,
                "value {index} of the stream (counting from 0) is {value}; send finite numbers"
            ),
            Refused::TooLarge { index, value } => write!(
                f,
                "with value {index} of the stream (counting from 0), {value:e}, the sum or the \
                 spread of the values is larger than a double can hold; send smaller numbers"
            ),
        }
    }
}

impl std::error::Error for Refused {}

impl Statistics {
    /// Takes the next value.
    ///
    /// # Errors
    ///
    /// [`Refused`]; the figures are then those of the values before.
    pub fn add(&mut self, value: f64) -> Result<(), Refused> {
        let index = self.count;
        if !value.is_finite() {
            return Err(Refused::NotFinite { index, value });
        }
        let count = self.count + 1;
        let from_old_mean = value - self.mean;
        // The first value is the mean: dividing by one must not round it.
        let mean = match count {
            1 => value,
            _ => self.mean + from_old_mean / count as f64,
        };
        let next = Statistics {
            count,
            sum: self.sum + value,
            mean,
            min: if count == 1 {
                value
            } else {
                self.min.min(value)
            },
            max: if count == 1 {
                value
            } else {
                self.max.max(value)
            },
            squares: match count {
                1 => 0.0,
                _ => self.squares + from_old_mean * (value - mean),
            },
        };
        if !(next.sum.is_finite() && next.squares.is_finite()) {
            return Err(Refused::TooLarge { index, value });
        }
        *self = next;
        Ok(())
    }

    /// How many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All of them added up; 0 of none.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Their mean; 0 of none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The smallest; 0 of none.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.min
    }

    /// The largest; 0 of none.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.max
    }

    /// The sample standard deviation; 0 of fewer than two.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        match self.count {
            0 | 1 => 0.0,
            count => (self.squares / (count - 1) as f64).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Statistics {
        let mut statistics = Statistics::default();
        for value in values {
            statistics
                .add(*value)
                .expect("a finite value of moderate size");
        }
        statistics
    }

    /// The definition, in two passes over all values.
    fn two_passes(values: &[f64]) -> (f64, f64, f64) {
        let sum: f64 = values.iter().sum();
        let mean = sum / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (sum, mean, (squares / (values.len() - 1) as f64).sqrt())
    }

    #[test]
    fn of_nothing_everything_is_zero() {
        let none = Statistics::default();
        assert_eq!((none.count(), none.sum(), none.mean()), (0, 0.0, 0.0));
        assert_eq!((none.min(), none.max()), (0.0, 0.0));
        assert_eq!(none.standard_deviation(), 0.0);
    }

    #[test]
    fn one_value_is_its_own_mean_and_has_no_deviation() {
        let one = of(&[-0.1]);
        assert_eq!((one.sum(), one.mean()), (-0.1, -0.1));
        assert_eq!((one.min(), one.max()), (-0.1, -0.1));
        assert_eq!(one.standard_deviation(), 0.0);
    }

    #[test]
    fn large_values_close_together_keep_their_deviation() {
        // The textbook formula makes 0 of these, or worse.
        let values = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0];
        let statistics = of(&values);
        assert_eq!(statistics.standard_deviation(), 30f64.sqrt());
        assert_eq!(statistics.mean(), 1e9 + 10.0);
    }

    #[test]
    fn what_is_no_number_is_refused_by_its_place() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut statistics = of(&[1.0, 2.0]);
            let refused = statistics.add(value).expect_err("not finite");
            assert!(matches!(refused, Refused::NotFinite { index: 2, .. }));
            assert!(refused.to_string().starts_with("value 2 of the stream"));
            assert_eq!(statistics, of(&[1.0, 2.0]), "as if it had not been sent");
        }
    }

    #[test]
    fn sums_and_spreads_that_a_double_cannot_hold_are_refused() {
        for (values, next) in [
            (vec![f64::MAX], f64::MAX),
            (vec![f64::MAX], -f64::MAX),
            (vec![1e200], -1e200),
        ] {
            let mut statistics = of(&values);
            let refused = statistics.add(next).expect_err("too large");
            assert!(
                matches!(refused, Refused::TooLarge { index: 1, .. }),
                "{refused}"
            );
            assert_eq!(statistics, of(&values));
        }
        // Large ones are not refused for being large.
        assert_eq!(of(&[f64::MAX / 4.0; 3]).standard_deviation(), 0.0);
    }

    proptest! {
        #[test]
        fn the_figures_are_those_of_the_definition(
            values in prop::collection::vec(-1e6f64..1e6, 2..300),
        ) {
            let statistics = of(&values);
            let (sum, mean, deviation) = two_passes(&values);
            // Relative to the size of the values: a mean near 0 is a difference.
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * 1e6;
            prop_assert_eq!(statistics.count(), values.len() as u64);
            prop_assert_eq!(statistics.sum(), sum);
            prop_assert!(near(statistics.mean(), mean), "{} {}", statistics.mean(), mean);
            prop_assert!(near(statistics.standard_deviation(), deviation));
            let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert_eq!((statistics.min(), statistics.max()), (smallest, largest));
        }

        #[test]
        fn whatever_comes_every_figure_is_finite(values in prop::collection::vec(any::<f64>(), 0..50)) {
            let mut statistics = Statistics::default();
            let mut taken = 0;
            for value in values {
                taken += u64::from(statistics.add(value).is_ok());
            }
            prop_assert_eq!(statistics.count(), taken);
            let all = [statistics.sum(), statistics.mean(), statistics.min(), statistics.max()];
            prop_assert!(all.into_iter().all(f64::is_finite));
            prop_assert!(statistics.standard_deviation() >= 0.0);
        }
    }
}
