//! From measured values to what the intervals are made of: logarithms, their
//! mean and their standard deviation. Logarithms, because noise in run times and
//! rates is a matter of percent: it multiplies. Here values are checked, once.

use crate::{Series, Unusable};

/// Logarithms closer than this are the same measurement computed twice. It is
/// some thousand times the rounding error of what is done to them, and a
/// thousand million times finer than any instrument that counts requests.
pub(crate) const ROUNDING: f64 = 1e-12;

/// Natural logarithms of positive, finite values.
pub(crate) fn logs(series: Series, values: &[f64]) -> Result<Vec<f64>, Unusable> {
    let log = |(index, &value): (usize, &f64)| {
        if value.is_finite() && value > 0.0 {
            Ok(value.ln())
        } else {
            Err(Unusable::NotPositive {
                series,
                index,
                value,
            })
        }
    };
    values.iter().enumerate().map(log).collect()
}

/// Count, mean and spread of logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: usize,
    pub(crate) mean: f64,
    /// The standard deviation, by n - 1. Zero if all values are the same but
    /// for rounding, which would otherwise pass for a very precise measurement.
    pub(crate) spread: f64,
}

impl Summary {
    pub(crate) fn of(series: Series, logs: &[f64]) -> Result<Self, Unusable> {
        let count = logs.len();
        if count < 2 {
            return Err(Unusable::TooFew {
                series,
                values: count,
            });
        }
        let mean = logs.iter().sum::<f64>() / count as f64;
        let farthest = logs
            .iter()
            .map(|log| (log - mean).abs())
            .fold(0.0, f64::max);
        if farthest <= ROUNDING {
            let mean = if mean.abs() <= ROUNDING { 0.0 } else { mean };
            return Ok(Self {
                count,
                mean,
                spread: 0.0,
            });
        }
        let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
        Ok(Self {
            count,
            mean,
            spread: (squares / (count - 1) as f64).sqrt(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_without_a_logarithm_is_named() {
        for value in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY] {
            match logs(Series::Other, &[1.0, 2.0, value]) {
                Err(Unusable::NotPositive {
                    series: Series::Other,
                    index: 2,
                    value: named,
                }) => assert_eq!(named.to_bits(), value.to_bits()),
                unexpected => assert!(unexpected.is_err(), "{value} was taken"),
            }
        }
    }

    #[test]
    fn the_standard_deviation_is_the_samples() {
        let summary = Summary::of(Series::Values, &[2.0, 4.0, 9.0]).expect("three values");
        assert_eq!(summary.mean, 5.0);
        // (9 + 1 + 16) / 2
        assert_eq!(summary.spread, 13.0_f64.sqrt());
    }

    #[test]
    fn rounding_is_not_a_spread() {
        let third = 0.1 + 0.2;
        let logs = logs(Series::Values, &[third / 0.3, 1.0, third / 0.3]).expect("positive");
        assert!(logs.iter().any(|log| *log != 0.0), "rounding is in it");
        let summary = Summary::of(Series::Values, &logs).expect("three values");
        assert_eq!((summary.mean, summary.spread), (0.0, 0.0));
    }
}
