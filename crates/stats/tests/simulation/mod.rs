//! Experiments whose true ratio is known, and how often an interval contains it.
//! Shared by the tests, which assert, and by the example, which prints the table
//! in the crate's documentation.

pub(crate) mod cases;
pub(crate) mod methods;
mod source;

pub(crate) use cases::{CASES, Case};
pub(crate) use methods::Method;
pub(crate) use source::Source;

/// What the other system has of the base's in every simulated experiment.
pub(crate) const TRUE_RATIO: f64 = 1.31;

/// How a method fared over many experiments.
pub(crate) struct Score {
    /// The share of intervals that contain the true ratio.
    pub(crate) coverage: f64,
    /// The median of the intervals' widths, in logarithms.
    width: f64,
}

impl Score {
    /// How many times as wide as the intervals of `than`, typically.
    pub(crate) fn width_relative_to(&self, than: &Score) -> f64 {
        self.width / than.width
    }
}

/// Runs `experiments` of `blocks` pairs. The same arguments give the same
/// experiments for every method.
pub(crate) fn score(case: &Case, blocks: usize, method: Method, experiments: u32) -> Score {
    let mut source = Source::new(case.name, blocks);
    let mut resampling = Source::new("resampling", blocks);
    let (mut covered, mut widths) = (0_u32, Vec::new());
    for _ in 0..experiments {
        let (base, other) = case.experiment(&mut source, blocks);
        let (low, high) = method.interval(&base, &other, &mut resampling);
        covered += u32::from(low <= TRUE_RATIO && TRUE_RATIO <= high);
        widths.push(high.ln() - low.ln());
    }
    widths.sort_by(f64::total_cmp);
    Score {
        coverage: f64::from(covered) / f64::from(experiments),
        width: widths[widths.len() / 2],
    }
}
