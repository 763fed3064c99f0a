//! A distribution of durations: an HDR histogram in nanoseconds, and beside it
//! the figures that need no rounding. In: durations; out: quantiles within 0.1%,
//! the exact mean and maximum. Merging loses nothing, because all histograms here
//! have the same buckets, whatever their range.
//!
//! Three significant digits are kept (a value is off by less than one part in a
//! thousand), from a nanosecond to an hour; longer ones are recorded as an hour.
//! A histogram grows to the largest value it has seen: 16 KiB up to 2 us, then 8
//! KiB for each doubling, 144 KiB up to 134 ms and 264 KiB at the most.

use std::{io, time::Duration};

use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer, V2Serializer},
};

/// Significant decimal digits that a histogram keeps.
pub const SIGNIFICANT_DIGITS: u8 = 3;

/// One hour in nanoseconds: longer durations are recorded as this.
const NANOSECONDS_MAX: u64 = 3_600_000_000_000;

/// A distribution of durations.
#[derive(Debug, Clone)]
pub struct Latencies {
    histogram: Histogram<u64>,
    total: Duration,
    max: Duration,
}

impl Default for Latencies {
    fn default() -> Self {
        Latencies::new()
    }
}

impl Latencies {
    /// An empty distribution.
    #[must_use]
    pub fn new() -> Self {
        Latencies {
            histogram: Histogram::new(SIGNIFICANT_DIGITS).expect("the constant digits are valid"),
            total: Duration::ZERO,
            max: Duration::ZERO,
        }
    }

    /// An empty distribution with room for what `other` has seen.
    pub(crate) fn like(other: &Latencies) -> Self {
        Latencies {
            histogram: Histogram::new_from(&other.histogram),
            total: Duration::ZERO,
            max: Duration::ZERO,
        }
    }

    /// Adds one duration.
    pub fn record(&mut self, duration: Duration) {
        // Below the maximum, so it always finds or makes its bucket.
        let _ = self.histogram.record(nanoseconds(duration));
        self.total += duration;
        self.max = self.max.max(duration);
    }

    /// Forgets all, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.histogram.reset();
        self.total = Duration::ZERO;
        self.max = Duration::ZERO;
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Latencies) {
        // Same digits, and the range grows: adding cannot fail.
        let _ = self.histogram.add(&other.histogram);
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The exact sum.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.total
    }

    /// The exact mean; none when empty.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let count = self.count();
        (count > 0).then(|| self.total.div_f64(count as f64))
    }

    /// The exact maximum; none when empty.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (self.count() > 0).then_some(self.max)
    }

    /// The duration that `quantile` (0 to 1) of all do not exceed, within the
    /// histogram's precision and never above the maximum; none when empty.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        (self.count() > 0)
            .then(|| Duration::from_nanos(self.histogram.value_at_quantile(quantile)).min(self.max))
    }

    /// How many durations are longer than `limit`, within the histogram's precision.
    #[must_use]
    pub fn count_above(&self, limit: Duration) -> u64 {
        let within = self.histogram.count_between(0, nanoseconds(limit));
        self.count().saturating_sub(within)
    }

    /// The raw histogram, in nanoseconds.
    #[must_use]
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }

    /// Its memory.
    pub(crate) fn bytes(&self) -> usize {
        self.histogram.distinct_values() * size_of::<u64>()
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).map_or(NANOSECONDS_MAX, |ns| ns.min(NANOSECONDS_MAX))
}

/// The same in a hundredth of the memory or less, to be kept and written to
/// files: runs of empty buckets take a byte or two.
#[derive(Debug, Clone)]
pub struct PackedLatencies {
    /// The histogram in the encoding `V2` of HdrHistogram, uncompressed.
    hdr_v2: Vec<u8>,
    count: u64,
    total: Duration,
    max: Duration,
}

impl PackedLatencies {
    /// How many durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The histogram in nanoseconds, in the encoding `V2` of HdrHistogram,
    /// uncompressed, which its libraries in all languages read.
    #[must_use]
    pub fn hdr_v2(&self) -> &[u8] {
        &self.hdr_v2
    }

    /// What was packed.
    #[must_use]
    pub fn unpack(&self) -> Latencies {
        let mut unpacked = Latencies::new();
        let histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut io::Cursor::new(&self.hdr_v2))
            .expect("we wrote it");
        let _ = unpacked.histogram.add(histogram);
        unpacked.total = self.total;
        unpacked.max = self.max;
        unpacked
    }
}

impl From<&Latencies> for PackedLatencies {
    fn from(latencies: &Latencies) -> Self {
        let mut hdr_v2 = Vec::new();
        V2Serializer::new()
            .serialize(&latencies.histogram, &mut hdr_v2)
            .expect("a vector takes all bytes");
        hdr_v2.shrink_to_fit();
        PackedLatencies {
            hdr_v2,
            count: latencies.count(),
            total: latencies.total,
            max: latencies.max,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(nanoseconds: &[u64]) -> Latencies {
        let mut latencies = Latencies::new();
        for nanoseconds in nanoseconds {
            latencies.record(Duration::from_nanos(*nanoseconds));
        }
        latencies
    }

    /// Every bucket that holds something.
    fn buckets(latencies: &Latencies) -> Vec<(u64, u64)> {
        let recorded = latencies.histogram().iter_recorded();
        recorded
            .map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
            .collect()
    }

    #[test]
    fn quantiles_keep_three_digits() {
        let mut latencies = Latencies::new();
        for microseconds in 1..=10_000 {
            latencies.record(Duration::from_micros(microseconds));
        }
        for (quantile, expected) in [(0.5, 5e-3), (0.95, 9.5e-3), (0.99, 9.9e-3), (1.0, 10e-3)] {
            let found = latencies
                .quantile(quantile)
                .expect("not empty")
                .as_secs_f64();
            assert!((found / expected - 1.0).abs() < 1e-3, "{quantile}: {found}");
        }
        let above = latencies.count_above(Duration::from_millis(9));
        assert!((990..=1000).contains(&above), "{above}");
    }

    #[test]
    fn nothing_recorded_has_no_figures() {
        let latencies = Latencies::new();
        assert_eq!(latencies.mean(), None);
        assert_eq!(latencies.max(), None);
        assert_eq!(latencies.quantile(0.5), None);
    }

    #[test]
    fn beyond_an_hour_it_is_kept_as_an_hour_and_the_maximum_is_exact() {
        let mut latencies = Latencies::new();
        latencies.record(Duration::from_secs(7200));
        assert_eq!(latencies.count(), 1);
        assert_eq!(latencies.max(), Some(Duration::from_secs(7200)));
        let kept = latencies.histogram().max() as f64 / 3.6e12;
        assert!((kept - 1.0).abs() < 1e-3, "{kept}");
    }

    #[test]
    fn memory_is_bounded_as_documented() {
        let kib = |nanoseconds| of(&[nanoseconds]).bytes() / 1024;
        assert_eq!(kib(2_000), 16);
        assert_eq!(kib(134_000_000), 144);
        assert_eq!(kib(u64::MAX), 264);
    }

    proptest! {
        #[test]
        fn merging_and_packing_lose_nothing(
            one in prop::collection::vec(0u64..20_000_000_000, 0..50),
            two in prop::collection::vec(0u64..2_000_000, 0..50),
        ) {
            let all = of(&[one.clone(), two.clone()].concat());
            let mut merged = of(&two);
            merged.merge(&of(&one));
            for found in [merged, PackedLatencies::from(&all).unpack()] {
                prop_assert_eq!(buckets(&found), buckets(&all));
                prop_assert_eq!(found.count(), all.count());
                prop_assert_eq!(found.total(), all.total());
                prop_assert_eq!(found.max(), all.max());
            }
        }
    }
}
