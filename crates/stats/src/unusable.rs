//! Why there is no estimate. The message names the value and the remedy.

use std::fmt;

/// What keeps a comparison from being made.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Unusable {
    /// A spread needs two values at the least.
    #[error(
        "{series}: {values} repetition(s), and an interval needs two at the least; \
         raise the repetitions"
    )]
    TooFew {
        /// Which series is short.
        series: Series,
        /// How many values it has.
        values: usize,
    },
    /// Paired values must come from the same blocks.
    #[error(
        "{base} values of the base and {other} of the other are not pairs; \
         keep only the blocks in which both were measured"
    )]
    Unequal {
        /// Values of the base.
        base: usize,
        /// Values of the other.
        other: usize,
    },
    /// A ratio exists only between positive numbers.
    #[error(
        "{series}: value {value} at index {index} is not a positive number; \
         leave the block out of both series, or do not compare this metric"
    )]
    NotPositive {
        /// Where it was found.
        series: Series,
        /// Its place, from zero.
        index: usize,
        /// What was found: zero, negative, infinite or NaN.
        value: f64,
    },
    /// Not a level of confidence.
    #[error("confidence {level}: give a share from 0.5 to 0.999, such as 0.95")]
    Confidence {
        /// As given.
        level: f64,
    },
}

/// Which of the given slices an [`Unusable`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// What is compared against: the ratio's denominator.
    Base,
    /// What is compared: the ratio's numerator.
    Other,
    /// Both, which are of the same length.
    Pairs,
    /// The only one.
    Values,
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Series::Base => "base",
            Series::Other => "other",
            Series::Pairs => "pairs",
            Series::Values => "values",
        })
    }
}
