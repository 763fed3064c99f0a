//! When an endpoint whose calls fail gets none for a while. In: how calls ended; out:
//! whether it is put aside, and for how long. Pure: time comes in, and nothing is
//! counted that a stranger's request decides alone, such as a deadline that was too
//! short.

use std::time::Duration;

use tokio::time::Instant;

/// When and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ejection {
    consecutive: u32,
    first: Duration,
    most: Duration,
    share_max_percent: usize,
}

/// What is wrong with settings of ejection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEjection {
    /// Nothing would be left after no failure at all.
    #[error("consecutive = 0: give the failures in a row that it takes, from 1")]
    Consecutive,
    /// The times do not fit each other.
    #[error("for = {first:?}, for-max = {most:?}: give times above zero, the second no shorter")]
    Times {
        /// The first time.
        first: Duration,
        /// The longest one.
        most: Duration,
    },
    /// No share.
    #[error("share-max = {0}: give a percentage from 0 to 100")]
    Share(u32),
}

impl Ejection {
    /// After `consecutive` failures in a row, for `first`; each time doubled, up to
    /// `most`; never more than `share_max_percent` of all endpoints.
    ///
    /// # Errors
    ///
    /// What makes no sense.
    pub fn try_new(
        consecutive: u32,
        first: Duration,
        most: Duration,
        share_max_percent: u32,
    ) -> Result<Self, BadEjection> {
        if consecutive == 0 {
            return Err(BadEjection::Consecutive);
        }
        if first.is_zero() || most < first {
            return Err(BadEjection::Times { first, most });
        }
        let share = usize::try_from(share_max_percent).ok();
        match share.filter(|share| *share <= 100) {
            Some(share_max_percent) => Ok(Ejection {
                consecutive,
                first,
                most,
                share_max_percent,
            }),
            None => Err(BadEjection::Share(share_max_percent)),
        }
    }

    /// Whether one more of `all` may be put aside when `ejected` are.
    pub(super) fn allows(&self, ejected: usize, all: usize) -> bool {
        (ejected + 1) * 100 <= self.share_max_percent * all
    }

    fn time(&self, times: u32) -> Duration {
        let doubled = 1u32.checked_shl(times).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.most)
    }
}

impl Default for Ejection {
    fn default() -> Self {
        Ejection {
            consecutive: 5,
            first: Duration::from_secs(10),
            most: Duration::from_secs(300),
            share_max_percent: 50,
        }
    }
}

/// What is known of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Record {
    failures: u32,
    /// How often it was put aside and has not made up for since.
    times: u32,
    /// When it last came back, or was forgiven.
    since: Option<Instant>,
}

impl Record {
    /// Whether there is nothing on it.
    pub(super) fn is_clean(&self) -> bool {
        self.failures == 0 && self.times == 0
    }

    /// A call failed; returns whether that was one too many.
    pub(super) fn failed(&mut self, policy: &Ejection) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures >= policy.consecutive
    }

    /// It is put aside; returns for how long.
    pub(super) fn eject(&mut self, policy: &Ejection) -> Duration {
        let time = policy.time(self.times);
        self.failures = 0;
        self.times = self.times.saturating_add(1);
        self.since = None;
        time
    }

    pub(super) fn returned(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// A call went well. One ejection is forgotten for each time of its length that has
    /// gone by since.
    pub(super) fn succeeded(&mut self, policy: &Ejection, now: Instant) {
        self.failures = 0;
        let Some(since) = self.since.filter(|_| self.times > 0) else {
            return;
        };
        if now.saturating_duration_since(since) >= policy.time(self.times - 1) {
            self.times -= 1;
            self.since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(consecutive: u32, share: u32) -> Ejection {
        let (first, most) = (Duration::from_secs(10), Duration::from_secs(60));
        Ejection::try_new(consecutive, first, most, share).expect("it makes sense")
    }

    #[test]
    fn what_makes_no_sense() {
        let second = Duration::from_secs(1);
        for (consecutive, first, most, share) in [
            (0, second, second, 10),
            (1, Duration::ZERO, second, 10),
            (1, 2 * second, second, 10),
            (1, second, second, 101),
        ] {
            let made = Ejection::try_new(consecutive, first, most, share);
            made.expect_err("it makes no sense");
        }
    }

    #[test]
    fn the_time_doubles_and_is_forgotten_again() {
        let (policy, mut record, mut now) = (policy(1, 100), Record::default(), Instant::now());
        for seconds in [10, 20, 40, 60, 60] {
            assert!(record.failed(&policy));
            assert_eq!(record.eject(&policy), Duration::from_secs(seconds));
            record.returned(now);
            record.succeeded(&policy, now);
        }
        for _ in 0..5 {
            assert!(!record.is_clean());
            now += Duration::from_secs(60);
            record.succeeded(&policy, now);
        }
        assert!(record.is_clean());
    }

    proptest! {
        #[test]
        fn only_failures_in_a_row_count(
            consecutive in 1u32..6,
            ends in prop::collection::vec(any::<bool>(), 0..60),
        ) {
            let (policy, mut record) = (policy(consecutive, 100), Record::default());
            let mut row = 0;
            for well in ends {
                if well {
                    row = 0;
                    record.succeeded(&policy, Instant::now());
                } else {
                    row += 1;
                    prop_assert_eq!(record.failed(&policy), row >= consecutive);
                }
            }
        }

        #[test]
        fn the_share_is_kept(share in 0u32..=100, all in 0usize..200) {
            let policy = policy(1, share);
            let mut ejected = 0;
            while policy.allows(ejected, all) && ejected <= all {
                ejected += 1;
            }
            prop_assert!(ejected * 100 <= all * usize::try_from(share).expect("small"));
            prop_assert!(ejected <= all);
        }
    }
}
