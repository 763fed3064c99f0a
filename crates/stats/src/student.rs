//! Student's t distribution: quantile, p-value, and the power of the t test. In
//! and out: plain numbers; degrees of freedom are at least one and need not be
//! whole. `statrs` has the central distribution; the noncentral one, which power
//! needs, is integrated here, because no approximation of it is good at the four
//! degrees of freedom of five pairs.

use statrs::{
    distribution::{ContinuousCDF, StudentsT},
    function::{erf::erfc, gamma::ln_gamma},
};

use crate::Confidence;

/// The share of experiments that is to detect an effect that is there: 80%, the
/// convention since Cohen (1988, *Statistical Power Analysis*, section 2.4).
pub(crate) const POWER: f64 = 0.8;

/// The t with `confidence` of the distribution between -t and t.
pub(crate) fn quantile(degrees_of_freedom: f64, confidence: Confidence) -> f64 {
    central(degrees_of_freedom).inverse_cdf(1.0 - confidence.miss() / 2.0)
}

/// The share of the distribution beyond ±t.
pub(crate) fn two_sided(t: f64, degrees_of_freedom: f64) -> f64 {
    2.0 * central(degrees_of_freedom).sf(t.abs())
}

fn central(degrees_of_freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees_of_freedom).expect("the degrees of freedom are positive")
}

/// How many standard errors an effect must have for the two-sided t test to
/// detect it with [`POWER`].
pub(crate) fn detectable(degrees_of_freedom: f64, confidence: Confidence) -> f64 {
    let threshold = quantile(degrees_of_freedom, confidence);
    let detects = |errors: f64| power(errors, degrees_of_freedom, threshold) >= POWER;
    let (mut low, mut high) = (0.0, threshold.max(1.0));
    while !detects(high) {
        (low, high) = (high, 2.0 * high);
    }
    while high - low > 1e-9 * high {
        let middle = 0.5 * (low + high);
        if detects(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// Whether the test at `confidence` detects an effect of so many standard errors
/// with [`POWER`].
pub(crate) fn is_detected(errors: f64, degrees_of_freedom: f64, confidence: Confidence) -> bool {
    let threshold = quantile(degrees_of_freedom, confidence);
    // Certain without integrating, which takes the longer the larger the effect: the
    // s of `power` is below 2 in 95% of cases or more, and then Z need only exceed -2.
    errors > 2.0 * threshold + 2.0 || power(errors, degrees_of_freedom, threshold) >= POWER
}

/// P(|T| > threshold) of the noncentral t distribution with noncentrality
/// `errors` (Johnson, Kotz and Balakrishnan 1995, *Continuous Univariate
/// Distributions* 2, chapter 31).
///
/// T = (Z + errors) / s, with Z normal and s² chi-square over its degrees of
/// freedom v. Given s, T is beyond ±threshold with
/// Φ(errors - threshold s) + Φ(-errors - threshold s); the mean of that over s is
/// the power. With y = ln s the density of y is smooth and falls to zero on both
/// sides, so that the trapezoidal rule converges faster than any power of the
/// step (Trefethen and Weideman 2014, *SIAM Review* 56(3)).
fn power(errors: f64, degrees_of_freedom: f64, threshold: f64) -> f64 {
    let v = degrees_of_freedom;
    let log_scale = 2.0_f64.ln() + v / 2.0 * (v / 2.0).ln() - ln_gamma(v / 2.0) - v / 2.0;
    // Relative to the density's peak, which is at y = 0.
    let log_density = |y: f64| v * (y + 0.5 - (2.0 * y).exp() / 2.0);
    let rejected = |y: f64| {
        let edge = threshold * y.exp();
        normal_cdf(errors - edge) + normal_cdf(-errors - edge)
    };
    // The narrowest feature: the density, or the step of `rejected`.
    let step = 0.3 / v.sqrt().max(threshold).max(errors);
    // What is left out weighs less than exp(-20), two in a thousand million.
    let side = |direction: f64| -> f64 {
        (1..)
            .map(|i| direction * step * f64::from(i))
            .take_while(|&y| log_density(y) > -20.0)
            .map(|y| (log_scale + log_density(y)).exp() * rejected(y))
            .sum()
    };
    step * (side(-1.0) + log_scale.exp() * rejected(0.0) + side(1.0))
}

fn normal_cdf(x: f64) -> f64 {
    0.5 * erfc(-x / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests;
