//! The crate's interval and those it was chosen over.

use stats::{Confidence, Ratio};

use super::Source;

/// Of a bootstrap; one short of a thousand, so that 2.5% and 97.5% are whole ranks.
const RESAMPLES: usize = 999;

/// How an interval is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Method {
    /// [`Ratio::paired`].
    Paired,
    /// [`Ratio::independent`].
    Independent,
    /// t shifted for skew (Johnson 1978, JASA 73).
    Johnson,
    /// Quantiles of resampled means (Efron 1979, Annals of Statistics 7(1)).
    Percentile,
    /// Quantiles of resampled t statistics (Efron and Tibshirani 1993, section 12.5).
    BootstrapT,
}

impl Method {
    /// Lower and upper end at 95%.
    pub(crate) fn interval(self, base: &[f64], other: &[f64], source: &mut Source) -> (f64, f64) {
        match self {
            Method::Paired => ends(Ratio::paired(base, other, Confidence::P95)),
            Method::Independent => ends(Ratio::independent(base, other, Confidence::P95)),
            Method::Johnson => {
                let (low, high) = ends(Ratio::paired(base, other, Confidence::P95));
                let shift = skew_shift(&log_ratios(base, other)).exp();
                (low * shift, high * shift)
            }
            Method::Percentile => {
                let d = log_ratios(base, other);
                let (low, high) = percentiles(resampled(&d, source, |m, _| Some(m)));
                (low.exp(), high.exp())
            }
            Method::BootstrapT => {
                let d = log_ratios(base, other);
                let (mean, error) = mean_and_error(&d);
                // A resample of one value again and again has no t.
                let t = |m: f64, e: f64| (e > 1e-9 * error).then(|| (m - mean) / e);
                let (low, high) = percentiles(resampled(&d, source, t));
                ((mean - high * error).exp(), (mean - low * error).exp())
            }
        }
    }
}

fn ends(ratio: Result<Ratio, stats::Unusable>) -> (f64, f64) {
    let ratio = ratio.expect("simulated values are usable");
    (ratio.low(), ratio.high())
}

fn log_ratios(base: &[f64], other: &[f64]) -> Vec<f64> {
    base.iter().zip(other).map(|(b, o)| (o / b).ln()).collect()
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

/// μ₃ / (6 s² n), with the unbiased third moment.
fn skew_shift(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let (mean, error) = mean_and_error(values);
    let cubes: f64 = values.iter().map(|v| (v - mean).powi(3)).sum();
    let third = cubes * n / ((n - 1.0) * (n - 2.0));
    third / (6.0 * error * error * n * n)
}

/// Of each resample its mean and standard error, made into one number.
fn resampled(
    values: &[f64],
    source: &mut Source,
    statistic: impl Fn(f64, f64) -> Option<f64>,
) -> Vec<f64> {
    let mut resample = vec![0.0; values.len()];
    (0..RESAMPLES)
        .filter_map(|_| {
            resample.fill_with(|| values[source.index(values.len())]);
            let (mean, error) = mean_and_error(&resample);
            statistic(mean, error)
        })
        .collect()
}

/// At 2.5% and 97.5%.
fn percentiles(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let rank = |share: f64| (share * (values.len() + 1) as f64).round() as usize;
    let at = |rank: usize| values[rank.clamp(1, values.len()) - 1];
    (at(rank(0.025)), at(rank(0.975)))
}
