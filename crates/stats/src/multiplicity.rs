//! Many comparisons in one report. In: the p-values of all of them; out: the same
//! adjusted, in the same order. Of a hundred comparisons of equal systems about
//! five intervals at 95% exclude 1; a reader who looks for the one that does finds
//! it. Holm's step-down needs no assumption about how the metrics depend on each
//! other, which they do, coming from the same blocks; the methods that make more of
//! the data (Hochberg's, Benjamini and Hochberg's) do need one.

/// Adjusted p-values: one at or below 0.05 is a difference that stands, with a
/// chance of 5% at most that any of those that stand is false.
///
/// Holm 1979, *A Simple Sequentially Rejective Multiple Test Procedure*,
/// Scandinavian Journal of Statistics 6(2). The i-th smallest of m is multiplied
/// by m - i + 1 and is at least as large as the one before it, and at most 1. NaN
/// counts as 1.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    // Before they are ordered: a NaN with a sign would come first.
    let known = |p: &f64| if p.is_nan() { 1.0 } else { *p };
    let p_values: Vec<f64> = p_values.iter().map(known).collect();
    let mut ascending: Vec<usize> = (0..p_values.len()).collect();
    ascending.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &index) in ascending.iter().enumerate() {
        let remaining = (p_values.len() - rank) as f64;
        largest = largest.max((p_values[index] * remaining).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn worked_by_hand() {
        // 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04 * 1 raised to the one before.
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (adjusted, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((adjusted - expected).abs() < 1e-15, "{adjusted}");
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
        assert_eq!(holm(&[0.7, f64::NAN, 0.9]), [1.0, 1.0, 1.0]);
        // Wherever the NaN would be in the order.
        for nan in [f64::NAN, -f64::NAN] {
            assert_eq!(holm(&[0.01, nan]), [0.02, 1.0]);
        }
    }

    proptest! {
        /// Never kinder than no correction, never harsher than Bonferroni's, and
        /// the order of the evidence is kept.
        #[test]
        fn between_nothing_and_bonferroni(p_values in prop::collection::vec(0.0..=1.0f64, 1..30)) {
            let adjusted = holm(&p_values);
            let bonferroni = p_values.len() as f64;
            for (p, a) in p_values.iter().zip(&adjusted) {
                prop_assert!(a >= p && *a <= (p * bonferroni).min(1.0) + 1e-12);
                for (q, b) in p_values.iter().zip(&adjusted) {
                    prop_assert!(p > q || a <= b);
                }
            }
        }
    }
}
