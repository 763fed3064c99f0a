//! A t interval around a mean of logarithms, given back on the scale of the
//! values. What [`crate::Ratio`] and [`crate::Mean`] have in common.

use crate::{Confidence, student};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    /// Mean of logarithms.
    pub(crate) centre: f64,
    pub(crate) standard_error: f64,
    pub(crate) degrees_of_freedom: f64,
    pub(crate) confidence: Confidence,
    /// Half the interval's width, in logarithms.
    margin: f64,
}

impl Interval {
    /// centre ± t * standard error (Student 1908).
    pub(crate) fn new(
        centre: f64,
        standard_error: f64,
        degrees_of_freedom: f64,
        confidence: Confidence,
    ) -> Self {
        Self {
            centre,
            standard_error,
            degrees_of_freedom,
            confidence,
            margin: student::quantile(degrees_of_freedom, confidence) * standard_error,
        }
    }

    pub(crate) fn estimate(&self) -> f64 {
        self.centre.exp()
    }

    pub(crate) fn low(&self) -> f64 {
        (self.centre - self.margin).exp()
    }

    pub(crate) fn high(&self) -> f64 {
        (self.centre + self.margin).exp()
    }

    /// Two-sided, of the centre being zero.
    pub(crate) fn p_value(&self) -> f64 {
        if self.standard_error > 0.0 {
            student::two_sided(self.centre / self.standard_error, self.degrees_of_freedom)
        } else if self.centre == 0.0 {
            1.0
        } else {
            0.0
        }
    }
}
