//! How often an interval is to hold what it estimates. In: a level such as 0.95;
//! out: a [`Confidence`] that the other modules need not check again.

use crate::Unusable;

/// The share of intervals that contain the true value, over many experiments
/// (Neyman 1937). The default is 95%.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confidence(f64);

impl Confidence {
    /// 95%: what readers of intervals expect unless told otherwise.
    pub const P95: Confidence = Confidence(0.95);

    /// A level between 0.5 and 0.999, as a share and not in percent. Beyond 0.999
    /// the intervals of a handful of repetitions rest on the far tail of a
    /// distribution that so few values cannot vouch for.
    ///
    /// # Errors
    /// [`Unusable::Confidence`] for any other number.
    pub fn new(level: f64) -> Result<Self, Unusable> {
        if (0.5..=0.999).contains(&level) {
            Ok(Self(level))
        } else {
            Err(Unusable::Confidence { level })
        }
    }

    /// As a share: 0.95 for 95%.
    #[must_use]
    pub fn level(self) -> f64 {
        self.0
    }

    /// The share of intervals that miss: 0.05 for 95%.
    pub(crate) fn miss(self) -> f64 {
        1.0 - self.0
    }
}

impl Default for Confidence {
    fn default() -> Self {
        Self::P95
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_and_certainty_are_refused() {
        for level in [95.0, 1.0, 0.9991, 0.49, 0.0, -0.95, f64::NAN, f64::INFINITY] {
            let refused = Confidence::new(level);
            assert!(
                matches!(refused, Err(Unusable::Confidence { .. })),
                "{level}"
            );
        }
        assert_eq!(Confidence::new(0.95), Ok(Confidence::default()));
    }
}
