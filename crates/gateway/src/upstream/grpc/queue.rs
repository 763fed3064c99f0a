//! How long a call may wait for room at a service that is full. In: when calls began to
//! wait without a pause; out: how patient the next one may be. Pure.
//!
//! A queue that empties now and then takes up bursts, and its calls may wait long. One that
//! does not is no burst: more comes than goes, and each call that is let in makes those
//! behind it late, also when the rush is over. From then on a call that found no room in a
//! short while is turned away. That keeps the queue to what the service does in that
//! while, so that it is never without work, and empties it as soon as less comes. The rule
//! is that of "controlled delay" in Maurer, "Fail at Scale" (ACM Queue 13(8), 2015), after
//! Nichols and Jacobson, "Controlling Queue Delay" (ACM Queue 10(5), 2012). Calls are
//! taken in turn, and not the last first, as that article goes on to do: with so short a
//! queue it makes no difference that anybody notices.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// The calls that wait for a place.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: AtomicUsize,
    /// Since when there have been any, without a pause.
    since: Mutex<Option<Instant>>,
}

/// Too many wait already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// How patient a call may be that begins to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Others have just begun to wait, or none.
    Long,
    /// There have been others for a while.
    Short,
}

/// One call that waits, until dropped.
#[derive(Debug)]
pub(super) struct Waiting<'q>(&'q Queue);

impl Queue {
    /// Joins at `now`, if fewer than `max` wait. The queue stands when it has not been
    /// empty for `standing`.
    pub(super) fn join(
        &self,
        max: usize,
        now: Instant,
        standing: Duration,
    ) -> Result<(Waiting<'_>, Patience), TooMany> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        if before >= max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(TooMany);
        }
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match *since {
            Some(since) if before > 0 => since,
            _ => *since.insert(now),
        };
        let patience = match now.saturating_duration_since(since) > standing {
            true => Patience::Short,
            false => Patience::Long,
        };
        Ok((Waiting(self), patience))
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting() == 0
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDING: Duration = Duration::from_millis(100);

    #[test]
    fn no_more_than_so_many() {
        let queue = Queue::default();
        let now = Instant::now();
        let join = || queue.join(2, now, STANDING);
        let (first, second) = (join(), join());
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(join().err(), Some(TooMany));
        drop(first);
        assert!(join().is_ok());
    }

    #[test]
    fn a_queue_that_stands_makes_impatient_until_it_is_empty() {
        let queue = Queue::default();
        let begin = Instant::now();
        let join = |after_ms| {
            let now = begin + Duration::from_millis(after_ms);
            queue.join(100, now, STANDING).expect("room")
        };
        let (first, patience) = join(0);
        assert_eq!(patience, Patience::Long);
        let (second, patience) = join(100);
        assert_eq!(patience, Patience::Long);
        let (third, patience) = join(101);
        assert_eq!(patience, Patience::Short);
        // Who came first does not matter, only that somebody has always been there.
        drop((first, second));
        let (fourth, patience) = join(10_000);
        assert_eq!(patience, Patience::Short);
        drop((third, fourth));
        assert!(queue.is_empty());
        assert_eq!(join(10_001).1, Patience::Long);
    }
}
