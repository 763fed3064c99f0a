//! Known answers, what is refused, and properties. Coverage and power, which take
//! simulations, are in `tests/`.

use proptest::prelude::*;

use super::*;

const P95: Confidence = Confidence::P95;
const BASE: [f64; 5] = [10.1, 9.7, 10.6, 9.9, 10.2];
const FASTER: [f64; 5] = [13.3, 12.9, 13.4, 13.2, 13.9];
const SIMILAR: [f64; 5] = [10.4, 9.6, 10.9, 10.3, 9.9];

fn paired(base: &[f64], other: &[f64]) -> Ratio {
    Ratio::paired(base, other, P95).expect("usable")
}

fn close(actual: f64, expected: f64) {
    let error = (actual / expected - 1.0).abs();
    assert!(error < 1e-9, "{actual} is not {expected}");
}

// Expected figures are SciPy's: `stats.t.ppf`, `stats.ttest_1samp` and
// `stats.ttest_ind(equal_var=False)` on `numpy.log` of the values, and for power
// the noncentral t of `stats.nct`.

#[test]
fn a_paired_difference() {
    let ratio = paired(&BASE, &FASTER);
    close(ratio.estimate(), 1.320_991_759_013_411);
    close(ratio.low(), 1.276_507_775_466_496);
    close(ratio.high(), 1.367_025_928_803_006);
    close(ratio.p_value(), 2.284_769_718_617e-5);
    close(ratio.spread(), 0.027_587_767_870_324);
    assert!(ratio.differs() && !ratio.is_constant());
    assert_eq!(ratio.design(), Design::Paired { pairs: 5 });
    assert_eq!(ratio.degrees_of_freedom(), 4.0);

    let p99 = Confidence::new(0.99).expect("a level");
    let ratio = Ratio::paired(&BASE, &FASTER, p99).expect("usable");
    close(ratio.low(), 1.248_046_079_232_438);
    close(ratio.high(), 1.398_200_961_021_049);
}

#[test]
fn a_difference_within_the_noise() {
    let ratio = paired(&BASE, &SIMILAR);
    close(ratio.low(), 0.974_584_868_035_252);
    close(ratio.high(), 1.049_561_752_380_736);
    close(ratio.p_value(), 0.444_351_076_077_725);
    let detectable = ratio.detectable();
    assert!((detectable - 0.051_481_562).abs() < 1e-8, "{detectable}");
    assert!(!ratio.differs());
}

#[test]
fn runs_of_different_days() {
    let ratio = Ratio::independent(&BASE, &[13.3, 11.0, 15.2], P95).expect("usable");
    close(ratio.estimate(), 1.292_912_408_150_128);
    close(ratio.low(), 0.875_059_005_629_988);
    close(ratio.high(), 1.910_296_887_859_694);
    close(ratio.p_value(), 0.108_021_268_501_795);
    close(ratio.degrees_of_freedom(), 2.102_013_970_246_862);
}

#[test]
fn repetitions_for_smaller_effects() {
    let ratio = paired(&BASE, &SIMILAR);
    for (effect, expected) in [
        (0.5, Some(2)),
        (0.05, Some(6)),
        (0.02, Some(20)),
        (-0.02, Some(20)),
        (0.01, Some(73)),
        (0.000_1, None),
        (0.0, None),
        (-1.0, None),
        (-2.0, None),
        (f64::NAN, None),
        (f64::INFINITY, None),
    ] {
        assert_eq!(ratio.repetitions_needed(effect), expected, "{effect}");
    }
    let independent = Ratio::independent(&BASE, &SIMILAR, P95).expect("usable");
    let needed = independent.repetitions_needed(0.02).expect("in reach");
    let (standard_error, degrees_of_freedom) = independent.with(f64::from(needed));
    let sees = student::detectable(degrees_of_freedom, P95) * standard_error;
    assert!(sees <= 1.02_f64.ln(), "{needed} runs see {sees}");
}

#[test]
fn counted_metrics_do_not_vary() {
    let ratio = paired(&[1_234.0; 5], &[1_851.0; 5]);
    assert!(ratio.is_constant() && ratio.differs());
    assert_eq!(
        (ratio.low(), ratio.high()),
        (ratio.estimate(), ratio.estimate())
    );
    assert_eq!((ratio.p_value(), ratio.detectable()), (0.0, 0.0));
    assert_eq!(ratio.repetitions_needed(0.001), Some(2));

    // Twice in every block, though the blocks differ and the logarithms round.
    let ratio = paired(&[0.1, 0.3, 7.0], &[0.2, 0.6, 14.0]);
    assert!(ratio.is_constant(), "{}", ratio.spread());

    // Of these the means of the logarithms differ in the last place.
    let rounded = Ratio::independent(&[1234.0; 3], &[1234.0; 5], P95).expect("usable");
    assert!(!rounded.differs());
    assert_eq!((rounded.estimate(), rounded.p_value()), (1.0, 1.0));
    let ratio = Ratio::independent(&[8.0; 3], &[8.0; 4], P95).expect("usable");
    assert!(ratio.is_constant() && !ratio.differs());
    assert_eq!((ratio.p_value(), ratio.degrees_of_freedom()), (1.0, 5.0));
}

#[test]
fn what_cannot_be_compared() {
    assert_eq!(
        Ratio::paired(&[1.0, 2.0], &[1.0, 2.0, 3.0], P95),
        Err(Unusable::Unequal { base: 2, other: 3 })
    );
    for base in [vec![], vec![1.0]] {
        assert_eq!(
            Ratio::paired(&base, &base, P95),
            Err(Unusable::TooFew {
                series: Series::Pairs,
                values: base.len()
            })
        );
    }
    assert_eq!(
        Ratio::independent(&[1.0, 2.0], &[1.0], P95),
        Err(Unusable::TooFew {
            series: Series::Other,
            values: 1
        })
    );
    let error = Ratio::paired(&[1.0, 2.0], &[1.0, 0.0], P95).expect_err("zero has no ratio");
    assert_eq!(
        error.to_string(),
        "other: value 0 at index 1 is not a positive number; \
         leave the block out of both series, or do not compare this metric"
    );
}

/// Two to eleven pairs, of any magnitude, with noise from none to a factor of e.
fn pairs() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let value = (-20.0..20.0f64, -1.0..1.0f64).prop_map(|(log, noise)| (log.exp(), noise.exp()));
    prop::collection::vec((value, 0.5..2.0f64), 2..12).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|((b, noise), r)| (b, b * noise * r))
            .unzip()
    })
}

proptest! {
    #[test]
    fn the_interval_is_around_the_estimate((base, other) in pairs()) {
        for ratio in [paired(&base, &other), Ratio::independent(&base, &other, P95).expect("usable")] {
            prop_assert!(ratio.low() <= ratio.estimate() && ratio.estimate() <= ratio.high());
            prop_assert!((0.0..=1.0).contains(&ratio.p_value()));
            // Not at the edge, where rounding decides.
            if (ratio.p_value() - 0.05).abs() > 1e-9 {
                prop_assert_eq!(ratio.differs(), ratio.p_value() < 0.05);
            }
        }
    }

    #[test]
    fn units_do_not_matter((base, other) in pairs(), unit in 1e-6..1e6f64) {
        let scaled = |values: &[f64]| values.iter().map(|v| v * unit).collect::<Vec<_>>();
        let ratio = paired(&base, &other);
        let rescaled = paired(&scaled(&base), &scaled(&other));
        prop_assert!((rescaled.low() / ratio.low() - 1.0).abs() < 1e-6);
        prop_assert!((rescaled.high() / ratio.high() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_factor_on_one_side_is_a_factor_on_the_ratio((base, other) in pairs(), factor in 0.01..100.0f64) {
        let more: Vec<f64> = other.iter().map(|v| v * factor).collect();
        let (ratio, multiplied) = (paired(&base, &other), paired(&base, &more));
        prop_assert!((multiplied.low() / ratio.low() / factor - 1.0).abs() < 1e-6);
        prop_assert!((multiplied.high() / ratio.high() / factor - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_other_way_round_is_the_inverse((base, other) in pairs()) {
        for (there, back) in [
            (paired(&base, &other), paired(&other, &base)),
            (
                Ratio::independent(&base, &other, P95).expect("usable"),
                Ratio::independent(&other, &base, P95).expect("usable"),
            ),
        ] {
            prop_assert!((there.estimate() * back.estimate() - 1.0).abs() < 1e-9);
            prop_assert!((there.low() * back.high() - 1.0).abs() < 1e-9);
            prop_assert!((there.p_value() - back.p_value()).abs() < 1e-9);
            prop_assert_eq!(there.differs(), back.differs());
        }
    }

    #[test]
    fn more_confidence_is_wider((base, other) in pairs(), less in 0.5..0.99f64) {
        let at = |level| {
            let confidence = Confidence::new(level).expect("a level");
            Ratio::paired(&base, &other, confidence).expect("usable")
        };
        let (narrow, wide) = (at(less), at(less + 0.005));
        prop_assert!(wide.low() <= narrow.low() && narrow.high() <= wide.high());
        prop_assert!(narrow.is_constant() || wide.low() < narrow.low());
    }

    #[test]
    fn what_is_needed_is_the_fewest_that_see_it((base, other) in pairs(), effect in 0.01..1.0f64) {
        let ratio = paired(&base, &other);
        prop_assume!(!ratio.is_constant());
        // The two ways of computing it agree to about 1e-8.
        let sees = |repetitions: u32, slack: f64| {
            let (standard_error, degrees_of_freedom) = ratio.with(f64::from(repetitions));
            student::detectable(degrees_of_freedom, P95) * standard_error
                <= effect.ln_1p() * (1.0 + slack)
        };
        match ratio.repetitions_needed(effect) {
            Some(needed) => {
                prop_assert!(sees(needed, 1e-6));
                prop_assert!(needed == 2 || !sees(needed - 1, -1e-6));
            }
            None => prop_assert!(!sees(REPETITIONS_MAX, -1e-6)),
        }
    }
}
