//! What happens to an upstream beside its calls: rare, and so counted by all workers in
//! the same atomics, which go on when a configuration is replaced.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::{Gathered, Source, table};

/// The counts of one upstream.
#[derive(Debug, Default)]
pub struct Upstream {
    name: String,
    retries: AtomicU64,
    hedges: AtomicU64,
    budget_exhausted: AtomicU64,
    ejections: AtomicU64,
    connected: AtomicU64,
    not_connected: AtomicU64,
    refused: AtomicU64,
    /// Whether the last request got no answer; where connections do not tell.
    is_silent: AtomicBool,
}

impl Upstream {
    pub(crate) fn named(name: &str) -> Self {
        Upstream {
            name: name.to_owned(),
            ..Upstream::default()
        }
    }

    /// A request got an answer, or none.
    pub fn answers(&self, answers: bool) {
        // Written when it changes alone: all workers read it.
        if self.is_silent.load(Ordering::Relaxed) == answers {
            self.is_silent.store(!answers, Ordering::Relaxed);
        }
    }

    /// Whether the last request of any worker got an answer, if there was one.
    #[must_use]
    pub fn answered(&self) -> bool {
        !self.is_silent.load(Ordering::Relaxed)
    }

    /// A call that failed is made again.
    pub fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// A call is made a second time before it has been answered.
    pub fn hedged(&self) {
        self.hedges.fetch_add(1, Ordering::Relaxed);
    }

    /// A call was not made again because too many were.
    pub fn budget_exhausted(&self) {
        self.budget_exhausted.fetch_add(1, Ordering::Relaxed);
    }

    /// An endpoint gets no calls for a while.
    pub fn ejected(&self) {
        self.ejections.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was opened.
    pub fn connected(&self) {
        self.connected.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection could not be opened.
    pub fn not_connected(&self) {
        self.not_connected.fetch_add(1, Ordering::Relaxed);
    }

    /// A call found no room, and no room to wait.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

impl Source for Upstream {
    fn tell(&self, to: &mut Gathered) {
        for (metric, count) in [
            (&table::UPSTREAM_RETRIES, &self.retries),
            (&table::UPSTREAM_HEDGES, &self.hedges),
            (&table::UPSTREAM_BUDGET_EXHAUSTED, &self.budget_exhausted),
            (&table::UPSTREAM_EJECTIONS, &self.ejections),
            (&table::UPSTREAM_CONNECTED, &self.connected),
            (&table::UPSTREAM_NOT_CONNECTED, &self.not_connected),
            (&table::UPSTREAM_REFUSED, &self.refused),
        ] {
            to.count(metric, &[&self.name], count.load(Ordering::Relaxed));
        }
    }
}
