//! Expected figures are SciPy's: `stats.t.ppf`, `stats.t.sf`, and the roots and
//! values of the power, integrated adaptively over the chi distribution.

use proptest::prelude::*;

use super::*;

fn close(actual: f64, expected: f64, tolerance: f64) {
    let error = (actual / expected - 1.0).abs();
    assert!(error < tolerance, "{actual} is not {expected}");
}

fn confidence(level: f64) -> Confidence {
    Confidence::new(level).expect("a level within range")
}

#[test]
fn quantiles() {
    const LEVELS: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];
    #[rustfmt::skip]
    let expected = [
        (1.0, [1.0, 6.313_751_514_675, 12.706_204_736_175, 63.656_741_162_872, 636.619_248_768_790]),
        (1.37, [0.895_142_354_789, 4.077_475_413_108, 6.885_073_156_642, 22.493_152_532_840, 120.886_008_723_820]),
        (2.0, [0.816_496_580_928, 2.919_985_580_354, 4.302_652_729_749, 9.924_843_200_918, 31.599_054_576_445]),
        (4.0, [0.740_697_084_113, 2.131_846_786_327, 2.776_445_105_198, 4.604_094_871_350, 8.610_301_581_380]),
        (5.5, [0.721_686_556_370, 1.975_279_704_039, 2.501_858_617_589, 3.849_911_466_001, 6.350_817_500_084]),
        (9.0, [0.702_722_146_751, 1.833_112_932_656, 2.262_157_162_798, 3.249_835_541_592, 4.780_912_585_931]),
        (29.0, [0.683_043_860_822, 1.699_127_026_533, 2.045_229_642_133, 2.756_385_903_671, 3.659_405_019_466]),
        (9_999.0, [0.674_514_286_937, 1.645_006_033_311, 1.960_201_263_621, 2.576_321_095_857, 3.291_500_063_301]),
    ];
    for (degrees_of_freedom, quantiles) in expected {
        for (level, expected) in LEVELS.into_iter().zip(quantiles) {
            let actual = quantile(degrees_of_freedom, confidence(level));
            close(actual, expected, 1e-9);
        }
    }
}

#[test]
fn two_sided_probabilities() {
    for (t, degrees_of_freedom, expected) in [
        (2.5, 4.0, 0.066_766_544_811_988),
        (-2.5, 4.0, 0.066_766_544_811_988),
        (40.0, 4.0, 2.334_016_322_601e-6),
        (12.706, 1.0, 0.050_000_802_358_133),
        (6.0, 9_999.0, 2.041_625_418_649e-9),
        (3.0, 2.5, 0.072_576_095_549_032),
    ] {
        close(two_sided(t, degrees_of_freedom), expected, 1e-9);
    }
    assert_eq!(two_sided(0.0, 4.0), 1.0);
    assert_eq!(two_sided(f64::INFINITY, 4.0), 0.0);
}

#[test]
fn the_power_of_the_test() {
    for (errors, degrees_of_freedom, expected) in [
        (0.0, 4.0, 0.05),
        (1.0, 4.0, 0.122_249_152_073_313),
        (3.0, 4.0, 0.619_261_459_402_331),
        (2.0, 9.0, 0.431_326_314_719_832),
        (5.0, 1.0, 0.305_160_102_735_156),
    ] {
        let threshold = quantile(degrees_of_freedom, Confidence::P95);
        close(power(errors, degrees_of_freedom, threshold), expected, 1e-7);
    }
}

#[test]
fn what_is_detected_with_80_percent_power() {
    for (degrees_of_freedom, at_95, at_99) in [
        (1.0, 16.334_008_869_921, 81.589_461_784_168),
        (1.37, 8.935_908_156_222, 28.880_646_776_680),
        (2.0, 5.653_489_266_197, 12.678_425_375_736),
        (4.0, 3.761_059_553_825, 5.878_564_042_018),
        (5.5, 3.432_064_539_913, 4.942_183_335_420),
        (7.0, 3.269_759_840_388, 4.513_875_004_475),
        (9.0, 3.149_632_886_451, 4.212_255_381_315),
        (99.0, 2.829_126_327_814, 3.475_879_364_913),
    ] {
        for (level, expected) in [(0.95, at_95), (0.99, at_99)] {
            close(
                detectable(degrees_of_freedom, confidence(level)),
                expected,
                1e-7,
            );
        }
    }
}

#[test]
fn the_corners_have_an_answer() {
    for degrees_of_freedom in [1.0, 3.3, 9_999.0] {
        for level in [0.5, 0.999] {
            let errors = detectable(degrees_of_freedom, confidence(level));
            assert!(errors.is_finite() && errors > 0.0, "{errors}");
        }
    }
}

proptest! {
    /// The quantile is found by iteration, here for degrees of freedom that are not
    /// in the table above.
    #[test]
    fn a_quantile_is_where_its_probability_is(log in 0.0..9.2f64, level in 0.5..0.999f64) {
        let degrees_of_freedom = log.exp();
        let confidence = confidence(level);
        let beyond = two_sided(quantile(degrees_of_freedom, confidence), degrees_of_freedom);
        prop_assert!((beyond / confidence.miss() - 1.0).abs() < 1e-6, "{beyond}");
    }
}
