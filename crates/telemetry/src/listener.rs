//! The connections of a port: counted by the thread that accepts them and the workers
//! that have them, and so in atomics that all may add to. A connection is rare beside its
//! requests.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use crate::{Gathered, Source, table};

/// Why a connection, or a stream of one, was closed by this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Nothing, or no whole head, came in time.
    SlowBeginning,
    /// It had no stream for too long.
    Idle,
    /// It was open for too long.
    Aged,
    /// An answer was not read; its stream was reset.
    Unread,
    /// The role stops.
    Stopping,
}

const CLOSED: [(Closed, &str); 5] = [
    (Closed::SlowBeginning, "slow_beginning"),
    (Closed::Idle, "idle"),
    (Closed::Aged, "aged"),
    (Closed::Unread, "unread"),
    (Closed::Stopping, "stopping"),
];

/// What is counted of a port.
#[derive(Debug, Default)]
pub struct Listener {
    accepted: AtomicU64,
    open: AtomicI64,
    failed: AtomicU64,
    closed: [AtomicU64; CLOSED.len()],
    most: AtomicU64,
    /// Handshakes that came to nothing, by reason; there are as many as names in the source.
    handshakes_refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl Listener {
    /// So many connections may be open at once.
    pub fn allows(&self, connections_max: usize) {
        self.most.store(connections_max as u64, Ordering::Relaxed);
    }

    /// One more is open.
    pub fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// One has ended, however.
    pub fn ended(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// One could not be accepted.
    pub fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// A TLS handshake came to nothing, for this reason.
    pub fn handshake_refused(&self, reason: &'static str) {
        let refused = &self.handshakes_refused;
        let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry(reason).or_default() += 1;
    }

    /// This side ended one, or one of its streams.
    pub fn closed(&self, why: Closed) {
        let place = CLOSED.iter().position(|(known, _)| *known == why);
        if let Some(closed) = place.and_then(|place| self.closed.get(place)) {
            closed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Source for Listener {
    #[allow(clippy::cast_precision_loss)]
    fn tell(&self, to: &mut Gathered) {
        let open = self.open.load(Ordering::Relaxed);
        to.add(&table::CONNECTIONS_OPEN, &[], open as f64);
        let most = self.most.load(Ordering::Relaxed);
        to.count(&table::CONNECTIONS_MAX, &[], most);
        let accepted = self.accepted.load(Ordering::Relaxed);
        to.count(&table::CONNECTIONS_ACCEPTED, &[], accepted);
        let failed = self.failed.load(Ordering::Relaxed);
        to.count(&table::CONNECTIONS_FAILED, &[], failed);
        for ((_, why), count) in CLOSED.iter().zip(&self.closed) {
            to.count(
                &table::CONNECTIONS_CLOSED,
                &[why],
                count.load(Ordering::Relaxed),
            );
        }
        let refused = &self.handshakes_refused;
        let refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
        for (reason, count) in refused.iter() {
            to.count(&table::TLS_HANDSHAKES_REFUSED, &[reason], *count);
        }
    }
}
