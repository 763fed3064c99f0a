//! Where the kernel has no timer that can be waited for with the sockets: the
//! runtime's own, whose millisecond shows in the measured resolution.

use std::{cell::Cell, io, time::Duration};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// One timer.
#[derive(Debug)]
pub(super) struct Timer {
    due: Cell<Option<Instant>>,
    changed: Notify,
}

impl Timer {
    pub(super) fn new() -> io::Result<Timer> {
        Ok(Timer {
            due: Cell::new(None),
            changed: Notify::new(),
        })
    }

    /// Fires once, after `delay`; an earlier setting is forgotten.
    pub(super) fn set(&self, delay: Duration) {
        self.due.set(Some(Instant::now() + delay));
        self.changed.notify_one();
    }

    /// Waits until it has fired since the last call.
    pub(super) async fn fired(&self) {
        loop {
            let Some(due) = self.due.get() else {
                self.changed.notified().await;
                continue;
            };
            tokio::select! {
                () = sleep_until(due) => {
                    self.due.set(None);
                    return;
                }
                () = self.changed.notified() => {}
            }
        }
    }
}
