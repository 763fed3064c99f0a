//! By what factor one system differs from another. In: a metric's values in
//! repeated runs of both; out: the ratio, its interval, and what the design could
//! have seen. It compares one metric of two systems at one load; which metrics
//! and loads, and in what words, is the caller's.
//!
//! The interval is Student's on paired log-ratios. The alternatives were simulated,
//! and the table is in the crate's documentation: the percentile bootstrap covers far
//! too little at few pairs; bootstrap-t covers more only where one side's noise is
//! skewed and the other's is not, is a third to a half wider at five pairs in every
//! case, and fails at three; Johnson's correction for skew changes nothing that can be
//! seen. A rank test cannot reach 95% with five pairs at all: its smallest two-sided
//! p-value is 2/32.

use crate::{Confidence, Series, Unusable, interval::Interval, logs, logs::Summary, student};

/// Beyond so many, [`Ratio::repetitions_needed`] gives up: at a minute each they
/// would take a week.
pub const REPETITIONS_MAX: u32 = 10_000;

/// `other / base` of one metric, with its confidence interval.
///
/// The ratio is one of geometric means: the typical factor between two runs, not
/// between two totals. What spoils a run now and then on one side only is part of
/// that side's mean, and few repetitions may not have met it.
///
/// If all log-ratios are the same, as with counted bytes, the interval is the
/// ratio itself ([`Ratio::is_constant`]). It then says that repetition varied
/// nothing. It says nothing of what the figure's own resolution hides: values
/// read from a histogram of 0.1% precision can agree exactly and be 0.1% off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    interval: Interval,
    spread: f64,
    design: Design,
}

/// How the runs were made, and so how they may be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Design {
    /// Both systems once in each block, in drawn order.
    Paired {
        /// Blocks.
        pairs: usize,
    },
    /// Runs of the two systems at different times.
    Independent {
        /// Runs of the base.
        base: usize,
        /// Runs of the other.
        other: usize,
        /// Spread of the logarithms of the base's values.
        base_spread: f64,
        /// Spread of the logarithms of the other's values.
        other_spread: f64,
    },
}

impl Ratio {
    /// From one value of each system a block: `base[i]` and `other[i]` are of the
    /// same block, measured in drawn order. Whatever the two share, such as a
    /// machine that is slow for a while, cancels.
    ///
    /// A t interval on d = ln(other / base): exp(mean d ± t s / √n), t with n - 1
    /// degrees of freedom, s the standard deviation of d (Student 1908, *The
    /// Probable Error of a Mean*, Biometrika 6(1); on ratios of benchmarks, Fleming
    /// and Wallace 1986, *Communications of the ACM* 29(3)). It is exact if d is
    /// normal.
    ///
    /// # Errors
    /// [`Unusable`] for slices of unequal length, for fewer than two pairs, and for
    /// a value that is not positive and finite.
    pub fn paired(base: &[f64], other: &[f64], confidence: Confidence) -> Result<Self, Unusable> {
        if base.len() != other.len() {
            return Err(Unusable::Unequal {
                base: base.len(),
                other: other.len(),
            });
        }
        let base = logs::logs(Series::Base, base)?;
        let other = logs::logs(Series::Other, other)?;
        let log_ratios: Vec<f64> = other.iter().zip(&base).map(|(o, b)| o - b).collect();
        let Summary {
            count,
            mean,
            spread,
        } = Summary::of(Series::Pairs, &log_ratios)?;
        let n = count as f64;
        Ok(Self {
            interval: Interval::new(mean, spread / n.sqrt(), n - 1.0, confidence),
            spread,
            design: Design::Paired { pairs: count },
        })
    }

    /// From runs that were not interleaved, such as those of another day. What the
    /// days differ in is then part of the ratio: prefer [`Ratio::paired`].
    ///
    /// Welch's t interval on logarithms (Welch 1947, Biometrika 34), with
    /// Satterthwaite's degrees of freedom (1946, Biometrics Bulletin 2(6)). The
    /// spreads and the numbers of runs may differ.
    ///
    /// # Errors
    /// [`Unusable`] for fewer than two values on either side, and for one that is
    /// not positive and finite.
    pub fn independent(
        base: &[f64],
        other: &[f64],
        confidence: Confidence,
    ) -> Result<Self, Unusable> {
        let base = Summary::of(Series::Base, &logs::logs(Series::Base, base)?)?;
        let other = Summary::of(Series::Other, &logs::logs(Series::Other, other)?)?;
        let (standard_error, degrees_of_freedom) = welch(
            (base.spread, base.count as f64),
            (other.spread, other.count as f64),
        );
        let difference = other.mean - base.mean;
        // Means of equal values differ by rounding where there are not equally many.
        let difference = if standard_error == 0.0 && difference.abs() <= logs::ROUNDING {
            0.0
        } else {
            difference
        };
        Ok(Self {
            interval: Interval::new(difference, standard_error, degrees_of_freedom, confidence),
            spread: base.spread.hypot(other.spread),
            design: Design::Independent {
                base: base.count,
                other: other.count,
                base_spread: base.spread,
                other_spread: other.spread,
            },
        })
    }

    /// The best single number: 1.31 means that the other has 1.31 times the base's.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        self.interval.estimate()
    }

    /// The interval's lower end.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.interval.low()
    }

    /// The interval's upper end; infinite if it is beyond what `f64` holds.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.interval.high()
    }

    /// What the interval was made for.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        self.interval.confidence
    }

    /// How the runs were made.
    #[must_use]
    pub fn design(&self) -> Design {
        self.design
    }

    /// Of the t distribution used: pairs less one, or Satterthwaite's.
    #[must_use]
    pub fn degrees_of_freedom(&self) -> f64 {
        self.interval.degrees_of_freedom
    }

    /// The standard deviation of the logarithm of the ratio of one run to one run:
    /// 0.03 is about 3% of noise a block.
    #[must_use]
    pub fn spread(&self) -> f64 {
        self.spread
    }

    /// Whether no repetition differed from another in the ratio, but for rounding.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.spread == 0.0
    }

    /// Whether the interval excludes 1.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.low() > 1.0 || self.high() < 1.0
    }

    /// Two-sided, for the true ratio being 1; below `1 - confidence` exactly when
    /// the interval excludes 1. With several comparisons, pass all of theirs to
    /// [`crate::holm`]. For a constant ratio it is 0, or 1 if that ratio is 1.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        self.interval.p_value()
    }

    /// The smallest relative increase that this many repetitions with this spread
    /// would have detected in 80% of experiments: 0.04 is 4%. A decrease is as
    /// detectable when it is by the same factor: 1/1.04.
    ///
    /// exp(δ * standard error) - 1, where δ is the noncentrality at which the
    /// two-sided t test has a power of 80%. It depends on the spread seen and not on
    /// the difference seen, and so is not the "observed power" that Hoenig and
    /// Heisey warn of (2001, *The American Statistician* 55(1)). The spread is
    /// itself an estimate: with five pairs the true one is between 0.6 and 2.9 times
    /// as large in 95% of experiments, and so is this figure. Zero for a constant
    /// ratio.
    ///
    /// Exact for pairs with normal noise. For independent runs the degrees of freedom
    /// are an estimate too, and the power is less than said with few runs: in
    /// simulations 70% with three of each system, 77% with five, 79% with ten.
    #[must_use]
    pub fn detectable(&self) -> f64 {
        let Interval {
            standard_error,
            degrees_of_freedom,
            confidence,
            ..
        } = self.interval;
        if standard_error == 0.0 {
            return 0.0;
        }
        (student::detectable(degrees_of_freedom, confidence) * standard_error).exp_m1()
    }

    /// How many repetitions would detect a relative difference of `effect` with 80%
    /// power, if the spread is as seen: pairs, or runs of each system if they are
    /// independent. 0.02 is an increase of 2%, -0.02 a decrease. As rough as the
    /// spread is ([`Ratio::detectable`]).
    ///
    /// `None` beyond [`REPETITIONS_MAX`], and for what is no difference: zero, a
    /// decrease by everything or more, NaN.
    #[must_use]
    pub fn repetitions_needed(&self, effect: f64) -> Option<u32> {
        let log_effect = effect.ln_1p().abs();
        if !log_effect.is_finite() || log_effect == 0.0 {
            return None;
        }
        let enough = |repetitions: u32| {
            let (standard_error, degrees_of_freedom) = self.with(f64::from(repetitions));
            // Infinitely many for a constant ratio.
            let errors = log_effect / standard_error;
            student::is_detected(errors, degrees_of_freedom, self.interval.confidence)
        };
        if !enough(REPETITIONS_MAX) {
            return None;
        }
        // More repetitions never detect less: the first that is enough.
        let (mut low, mut high) = (1, REPETITIONS_MAX);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if enough(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(high)
    }

    /// Standard error and degrees of freedom with another number of repetitions.
    fn with(&self, repetitions: f64) -> (f64, f64) {
        match self.design {
            Design::Paired { .. } => (self.spread / repetitions.sqrt(), repetitions - 1.0),
            Design::Independent {
                base_spread,
                other_spread,
                ..
            } => welch((base_spread, repetitions), (other_spread, repetitions)),
        }
    }
}

/// Standard error of the difference of two means, and its degrees of freedom, from
/// each side's standard deviation and count.
fn welch((s1, n1): (f64, f64), (s2, n2): (f64, f64)) -> (f64, f64) {
    let (v1, v2) = (s1 * s1 / n1, s2 * s2 / n2);
    let variance = v1 + v2;
    if variance == 0.0 {
        return (0.0, n1 + n2 - 2.0);
    }
    // Of shares and not of variances, so that nothing underflows.
    let (share1, share2) = (v1 / variance, v2 / variance);
    let degrees = 1.0 / (share1 * share1 / (n1 - 1.0) + share2 * share2 / (n2 - 1.0));
    (variance.sqrt(), degrees)
}

#[cfg(test)]
mod tests;
