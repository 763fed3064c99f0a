//! One system's metric over its repetitions: a typical value and how well it is
//! known. It compares nothing: two intervals that overlap do not mean that two
//! systems are the same; [`crate::Ratio`] answers that.

use crate::{Confidence, Series, Unusable, interval::Interval, logs, logs::Summary};

/// A geometric mean with a t interval on logarithms.
///
/// Geometric, because noise multiplies, because the interval then never reaches
/// below zero, and because the means of two systems then divide to exactly the
/// ratio that [`crate::Ratio`] gives: a reader who checks the table finds the same
/// number (Fleming and Wallace 1986, *Communications of the ACM* 29(3)). At a few
/// percent of noise it is less than a thousandth below the arithmetic mean. It is
/// the wrong mean for adding up: of a total, divide the sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    interval: Interval,
    summary: Summary,
}

impl Mean {
    /// Of one value a repetition, in any unit.
    ///
    /// # Errors
    /// [`Unusable`] for fewer than two values, and for one that is not positive and
    /// finite.
    pub fn of(values: &[f64], confidence: Confidence) -> Result<Self, Unusable> {
        let summary = Summary::of(Series::Values, &logs::logs(Series::Values, values)?)?;
        let n = summary.count as f64;
        Ok(Self {
            interval: Interval::new(summary.mean, summary.spread / n.sqrt(), n - 1.0, confidence),
            summary,
        })
    }

    /// The geometric mean, in the unit of the values.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        self.interval.estimate()
    }

    /// The interval's lower end, in the unit of the values.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.interval.low()
    }

    /// The interval's upper end, in the unit of the values.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.interval.high()
    }

    /// What the interval was made for.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        self.interval.confidence
    }

    /// The standard deviation of the logarithms: 0.03 is about 3% of noise a run.
    #[must_use]
    pub fn spread(&self) -> f64 {
        self.summary.spread
    }

    /// How many values there were.
    #[must_use]
    pub fn repetitions(&self) -> usize {
        self.summary.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ratio;

    const BASE: [f64; 5] = [10.1, 9.7, 10.6, 9.9, 10.2];
    const OTHER: [f64; 5] = [13.3, 12.9, 13.4, 13.2, 13.9];

    #[test]
    fn known_answer() {
        // From SciPy: `stats.t.ppf` on `numpy.log` of the values.
        let mean = Mean::of(&BASE, Confidence::P95).expect("usable");
        close(mean.estimate(), 10.095_477_563_510_897);
        close(mean.low(), 9.685_298_939_735_988);
        close(mean.high(), 10.523_027_515_155_889);
        assert_eq!(mean.repetitions(), 5);
    }

    #[test]
    fn two_means_divide_to_the_ratio() {
        let of = |values: &[f64]| Mean::of(values, Confidence::P95).expect("usable");
        let ratio = Ratio::paired(&BASE, &OTHER, Confidence::P95).expect("usable");
        close(
            of(&OTHER).estimate() / of(&BASE).estimate(),
            ratio.estimate(),
        );
    }

    #[test]
    fn one_repetition_has_no_interval() {
        let few = Unusable::TooFew {
            series: Series::Values,
            values: 1,
        };
        assert_eq!(Mean::of(&[10.0], Confidence::P95), Err(few));
    }

    fn close(actual: f64, expected: f64) {
        let error = (actual / expected - 1.0).abs();
        assert!(error < 1e-9, "{actual} is not {expected}");
    }
}
