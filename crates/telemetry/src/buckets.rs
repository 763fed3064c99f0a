//! The bounds of histograms: one set for times, from a tenth of a millisecond, below
//! which a gateway does not answer, to half a minute, after which it gives up; and one
//! for sizes, in steps of four. Those that OpenTelemetry advises for HTTP begin at 5 ms,
//! where most of what is measured here has long ended.

/// Upper bounds of times, in seconds.
pub const SECONDS: [f64; 17] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
];

/// The same in nanoseconds, as they are compared with.
const NANOS: [u64; 17] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
];

/// Upper bounds of sizes, in bytes.
pub const BYTES: [f64; 10] = [
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

/// The bucket of a time; one past the last bound for what is above all.
pub(crate) fn of_nanos(nanos: u64) -> usize {
    NANOS.partition_point(|bound| *bound < nanos)
}

/// The bucket of a size.
pub(crate) fn of_bytes(bytes: u64) -> usize {
    // 64 is four to the third.
    let four_to_the = (64 - bytes.saturating_sub(1).leading_zeros()).div_ceil(2) as usize;
    four_to_the.saturating_sub(3).min(BYTES.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[allow(clippy::cast_precision_loss)]
    fn both_forms_of_the_bounds_agree() {
        for (seconds, nanos) in SECONDS.iter().zip(NANOS) {
            assert!((seconds * 1e9 - nanos as f64).abs() < 0.5, "{seconds}");
        }
    }

    proptest! {
        #[test]
        #[allow(clippy::cast_precision_loss)]
        fn a_value_is_in_the_first_bucket_that_holds_it(value in prop_oneof![0u64..70_000, any::<u64>()]) {
            let seconds = NANOS.iter().position(|bound| value <= *bound);
            prop_assert_eq!(of_nanos(value), seconds.unwrap_or(NANOS.len()));
            let bytes = BYTES.iter().position(|bound| value as f64 <= *bound);
            // Far above all bounds the conversion above is not exact, and need not be.
            prop_assert_eq!(of_bytes(value), bytes.unwrap_or(BYTES.len()));
        }
    }
}
