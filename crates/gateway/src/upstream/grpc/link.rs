//! One place for a connection: open, being opened, or down and why.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::{sync::Notify, time::Instant};

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
    /// Calls whose time ended without an answer since the last answer.
    timed_out: AtomicUsize,
}

impl Link {
    pub(super) fn new(changed: Arc<Notify>) -> Self {
        Link {
            state: Mutex::new(State::Opening),
            changed,
            calls: AtomicUsize::new(0),
            timed_out: AtomicUsize::new(0),
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

    pub(super) fn is_open(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(*state, State::Open(_))
    }

    pub(super) fn sender(&self) -> Option<SendRequest<Bytes>> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Open(sender) => Some(sender.clone()),
            State::Opening | State::Down(_) => None,
        }
    }

    /// Calls in flight and calls that timed out. A connection on which nothing comes back
    /// would otherwise have the fewest calls, again and again, and take them all.
    pub(super) fn load(&self) -> usize {
        self.calls.load(Ordering::Relaxed) + self.timed_out.load(Ordering::Relaxed)
    }
}

/// Counts one call of a link until dropped.
pub(super) struct Busy {
    link: Arc<Link>,
    /// Until when it may take to be answered; `None` once it is.
    unanswered: Option<Instant>,
}

impl Busy {
    pub(super) fn with(link: Arc<Link>, deadline: Instant) -> Self {
        link.calls.fetch_add(1, Ordering::Relaxed);
        Busy {
            link,
            unanswered: Some(deadline),
        }
    }

    /// The service has begun to answer.
    pub(super) fn answered(&mut self) {
        self.unanswered = None;
        self.link.timed_out.store(0, Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.link.calls.fetch_sub(1, Ordering::Relaxed);
        // One that its client gave up says nothing of the connection.
        if self
            .unanswered
            .is_some_and(|deadline| deadline <= Instant::now())
        {
            self.link.timed_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}
