//! The search for the highest rate that meets an objective: which rate to try
//! next. In: whether a rate held; out: the next rate, or the end. Pure.
//!
//! The rate doubles until it does not hold (or halves until it does), then the
//! gap between the highest that held and the lowest that did not is halved, on a
//! logarithmic scale, until it is as narrow as asked for. One disturbance must
//! not end a search far below the truth, so a rate counts as too high only when
//! it did not hold twice in a row. One lucky measurement must not end it above
//! the truth either, and its figures would be those of the luck: the rate found
//! is measured once more, which is what the result is, and lowered while that
//! does not hold.

/// A rate below this is not searched.
const RATE_MIN: f64 = 0.1;

/// A search under way.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    start: f64,
    max: f64,
    precision: f64,
    /// The highest rate that held.
    held: Option<f64>,
    /// The lowest rate that did not.
    missed: Option<f64>,
    /// A rate that did not hold once.
    doubted: Option<f64>,
    confirmed: bool,
}

impl Search {
    pub(crate) fn new(start: f64, max: f64, precision: f64) -> Search {
        Search {
            start: start.min(max),
            max,
            precision,
            held: None,
            missed: None,
            doubted: None,
            confirmed: false,
        }
    }

    /// The rate to try now; none when the search has come to its end.
    pub(crate) fn next(&self) -> Option<f64> {
        if let Some(rate) = self.doubted {
            return Some(rate);
        }
        match (self.held, self.missed) {
            (None, None) => Some(self.start),
            (None, Some(missed)) => Some(missed / 2.0).filter(|rate| *rate >= RATE_MIN),
            (Some(held), _) if self.is_confirming() => Some(held).filter(|_| !self.confirmed),
            (Some(held), None) => Some((2.0 * held).min(self.max)),
            (Some(held), Some(missed)) => Some((held * missed).sqrt()),
        }
    }

    /// Whether the gap is closed, and the next measurement is the result if it
    /// holds.
    pub(crate) fn is_confirming(&self) -> bool {
        match (self.held, self.missed) {
            (Some(held), None) => held >= self.max,
            (Some(held), Some(missed)) => missed / held <= 1.0 + self.precision,
            (None, _) => false,
        }
    }

    /// What came of the rate that [`next`](Search::next) gave.
    pub(crate) fn record(&mut self, rate: f64, held: bool) {
        let again = self.doubted.take().is_some();
        if self.is_confirming() {
            self.confirmed = held;
            if !held {
                self.missed = Some(rate);
                self.held = Some(rate / (1.0 + self.precision)).filter(|rate| *rate >= RATE_MIN);
            }
        } else if held {
            self.held = Some(rate);
        } else if again {
            self.missed = Some(rate);
        } else {
            self.doubted = Some(rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Searches on a target that holds up to `capacity`; the result and the probes.
    fn search(start: f64, capacity: f64) -> (Option<f64>, usize) {
        let mut search = Search::new(start, 100_000.0, 0.05);
        let mut probes = 0;
        while let Some(rate) = search.next() {
            search.record(rate, rate <= capacity);
            probes += 1;
            assert!(probes < 200, "a search ends");
        }
        (search.held, probes)
    }

    #[test]
    fn one_miss_is_tried_again() {
        let mut search = Search::new(100.0, 1000.0, 0.05);
        search.record(100.0, false);
        assert_eq!(search.next(), Some(100.0));
        search.record(100.0, true);
        assert_eq!(search.next(), Some(200.0));
    }

    #[test]
    fn what_held_by_luck_is_not_the_result() {
        let mut search = Search::new(100.0, 100.0, 0.05);
        search.record(100.0, true);
        assert!(search.is_confirming());
        search.record(100.0, false);
        let lower = search.next().expect("a lower rate");
        assert!((94.0..96.0).contains(&lower), "{lower}");
        search.record(lower, true);
        assert_eq!(search.next(), None);
    }

    #[test]
    fn a_target_that_holds_everything_ends_at_the_maximum() {
        assert_eq!(search(100.0, f64::INFINITY).0, Some(100_000.0));
    }

    #[test]
    fn a_target_that_holds_nothing_has_no_rate() {
        assert_eq!(search(100.0, 0.0).0, None);
    }

    proptest! {
        #[test]
        fn what_is_found_is_within_the_precision_below_the_truth(
            start in 1.0f64..10_000.0, capacity in 1.0f64..90_000.0,
        ) {
            let (found, probes) = search(start, capacity);
            let found = found.expect("it holds something");
            prop_assert!(found <= capacity && capacity <= found * 1.05 + 1e-9);
            prop_assert!(probes < 60, "{probes} probes");
        }
    }
}
