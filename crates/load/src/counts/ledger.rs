//! The counts of one thread, for it to write and for others to look at. The users of
//! a thread share its lock, which nobody holds across a wait and which the display
//! takes a few times a second, so it is practically never contended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Recorder;

/// A recorder with its lock.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(Arc<Mutex<Recorder>>);

impl Ledger {
    pub(crate) fn new(recorder: Recorder) -> Self {
        Ledger(Arc::new(Mutex::new(recorder)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Recorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
