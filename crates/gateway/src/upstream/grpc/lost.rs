//! Connections that were lost, for whoever looks names up, since they may lead elsewhere by
//! now; and whether that has been done since. A service of one instance that is replaced is
//! at another address when its last connection ends, and a call that finds nothing open in
//! that moment has only to wait for the lookup.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// How long a lookup is waited for at the most: a service that is really gone is soon said
/// to be.
const WAITED_FOR: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Lost {
    /// Whether there are names to look up.
    looks_up: bool,
    told: Notify,
    /// The last time, if no lookup has begun since.
    last: Mutex<Option<Instant>>,
}

impl Lost {
    pub(super) fn new(looks_up: bool) -> Self {
        Lost {
            looks_up,
            told: Notify::new(),
            last: Mutex::new(None),
        }
    }

    /// A connection was lost, or could not be had.
    pub(super) fn tell(&self) {
        *self.locked() = self.looks_up.then(Instant::now);
        self.told.notify_one();
    }

    /// Waits until one is.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }

    /// What was looked up from `begun` on is known.
    pub(super) fn looked_up(&self, begun: Instant) {
        let mut last = self.locked();
        if last.is_some_and(|last| last <= begun) {
            *last = None;
        }
    }

    /// Until when to wait for what a lookup finds; `None` when there is none to wait for.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = (*self.locked())? + WAITED_FOR;
        (due > Instant::now()).then_some(due)
    }

    fn locked(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lookup_is_waited_for_once_and_not_for_long() {
        let lost = Lost::new(true);
        assert_eq!(lost.due(), None);
        let before = Instant::now();
        tokio::time::advance(Duration::from_millis(1)).await;
        lost.tell();
        lost.told().await;
        assert!(lost.due().is_some());
        // One that had begun before may not know yet.
        lost.looked_up(before);
        assert!(lost.due().is_some());
        lost.looked_up(Instant::now());
        assert_eq!(lost.due(), None);
        lost.tell();
        tokio::time::advance(WAITED_FOR).await;
        assert_eq!(lost.due(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_is_no_name_nothing_is_waited_for() {
        let lost = Lost::new(false);
        lost.tell();
        assert_eq!(lost.due(), None);
    }
}
