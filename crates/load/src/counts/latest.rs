//! The latest second, for whoever watches a load. In: each success with the second
//! of the window in which it *ended*; out: the latencies of the latest whole second.
//! By end and not by intended start as in results: what started in the latest
//! second is for the most part still under way when a target is slow, and the quick
//! rest would be shown. Two histograms, whose memory is used again.

use std::time::Duration;

use crate::latencies::Latencies;

/// The second under way and the one before it.
#[derive(Debug, Default)]
pub(super) struct Latest {
    second: u64,
    current: Latencies,
    before: Latencies,
}

impl Latest {
    /// Seconds are given in order.
    pub(super) fn record(&mut self, second: u64, latency: Duration) {
        if second > self.second {
            std::mem::swap(&mut self.current, &mut self.before);
            if second > self.second + 1 {
                self.before.clear();
            }
            self.current.clear();
            self.second = second;
        }
        self.current.record(latency);
    }

    /// The latencies of a second; none when nothing ended in it, or when it is too
    /// long ago.
    pub(super) fn of(&self, second: u64) -> Option<&Latencies> {
        let found = match self.second.checked_sub(second)? {
            0 => &self.current,
            1 => &self.before,
            _ => return None,
        };
        (found.count() > 0).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_under_way_and_the_one_before_are_kept() {
        let mut latest = Latest::default();
        let max = |latest: &Latest, second| latest.of(second).and_then(Latencies::max);
        let ms = Duration::from_millis;
        latest.record(0, ms(5));
        assert_eq!(max(&latest, 0), Some(ms(5)));
        assert_eq!(max(&latest, 1), None, "nothing yet");
        latest.record(1, ms(3));
        latest.record(1, ms(4));
        assert_eq!(
            (max(&latest, 0), max(&latest, 1)),
            (Some(ms(5)), Some(ms(4)))
        );
        latest.record(2, ms(1));
        assert_eq!(
            (max(&latest, 1), max(&latest, 2)),
            (Some(ms(4)), Some(ms(1)))
        );
        assert_eq!(max(&latest, 0), None, "too long ago");
        // Nothing ended for some seconds.
        latest.record(7, ms(2));
        assert_eq!((max(&latest, 6), max(&latest, 7)), (None, Some(ms(2))));
    }
}
