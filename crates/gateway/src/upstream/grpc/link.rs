//! One place for a connection: open, being opened, or down and why.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::sync::Notify;

#[derive(Clone)]
pub(super) enum State {
    Opening,
    Open(SendRequest<Bytes>),
    Down(Arc<str>),
}

pub(super) struct Link {
    state: Mutex<State>,
    changed: Arc<Notify>,
    calls: AtomicUsize,
}

impl Link {
    pub(super) fn new(changed: Arc<Notify>) -> Self {
        Link {
            state: Mutex::new(State::Opening),
            changed,
            calls: AtomicUsize::new(0),
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes the state and wakes the calls that wait for one.
    pub(super) fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.changed.notify_waiters();
    }

    /// Calls in flight.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

/// Counts one call of a link until dropped.
pub(super) struct Busy(Arc<Link>);

impl Busy {
    pub(super) fn with(link: Arc<Link>) -> Self {
        link.calls.fetch_add(1, Ordering::Relaxed);
        Busy(link)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}
