//! What a comparison comes to, before anybody words it.

use crate::{Ratio, Unusable};

/// Three answers, and "they are the same" is none of them: a difference that was
/// not detected may be there, up to what the design could see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// The interval of the ratio excludes 1.
    Differs {
        /// By how much.
        ratio: Ratio,
    },
    /// The interval includes 1.
    NotDetected {
        /// With its interval: what it leaves possible.
        ratio: Ratio,
        /// The relative difference that would have been seen, as
        /// [`Ratio::detectable`] says.
        detectable: f64,
    },
    /// There is no interval.
    Unusable(Unusable),
}

impl From<Result<Ratio, Unusable>> for Verdict {
    fn from(comparison: Result<Ratio, Unusable>) -> Self {
        match comparison {
            Ok(ratio) if ratio.differs() => Verdict::Differs { ratio },
            Ok(ratio) => Verdict::NotDetected {
                ratio,
                detectable: ratio.detectable(),
            },
            Err(unusable) => Verdict::Unusable(unusable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Confidence;

    fn verdict(base: &[f64], other: &[f64]) -> Verdict {
        Verdict::from(Ratio::paired(base, other, Confidence::P95))
    }

    #[test]
    fn a_difference_beyond_the_noise_differs() {
        let verdict = verdict(&[100.0, 101.0, 99.0], &[131.0, 130.0, 132.0]);
        assert!(matches!(verdict, Verdict::Differs { .. }), "{verdict:?}");
    }

    #[test]
    fn a_difference_within_the_noise_was_not_detected() {
        match verdict(&[100.0, 101.0, 99.0], &[101.0, 99.0, 101.0]) {
            Verdict::NotDetected { ratio, detectable } => {
                assert!(ratio.low() < 1.0 && ratio.high() > 1.0);
                assert!(detectable > ratio.estimate() - 1.0, "{detectable}");
            }
            unexpected => assert!(matches!(unexpected, Verdict::NotDetected { .. })),
        }
    }

    #[test]
    fn exactly_equal_is_not_detected_and_hides_nothing() {
        match verdict(&[512.0; 5], &[512.0; 5]) {
            Verdict::NotDetected { ratio, detectable } => {
                assert!(ratio.is_constant());
                assert_eq!((ratio.estimate(), detectable), (1.0, 0.0));
            }
            unexpected => assert!(matches!(unexpected, Verdict::NotDetected { .. })),
        }
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let verdict = verdict(&[100.0, 0.0], &[101.0, 99.0]);
        assert!(matches!(
            verdict,
            Verdict::Unusable(Unusable::NotPositive { index: 1, .. })
        ));
    }
}
