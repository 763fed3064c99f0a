//! Counts that one worker alone adds to and anybody may read. Adding is a load and a
//! store, not one locked instruction: what two threads added at the same moment could be
//! lost, so nothing here may be given to a second worker. Counts of what happens on
//! several threads are atomics of their own (see [`listener`](crate::listener)).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::buckets;

/// One count.
#[derive(Debug, Default)]
pub(crate) struct Cell(AtomicU64);

impl Cell {
    pub(crate) fn add(&self, more: u64) {
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(now.wrapping_add(more), Ordering::Relaxed);
    }

    pub(crate) fn take_one(&self) {
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(now.wrapping_sub(1), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long things took.
#[derive(Debug, Default)]
pub(crate) struct Times {
    counts: [Cell; buckets::SECONDS.len() + 1],
    sum_nanos: Cell,
}

impl Times {
    pub(crate) fn record(&self, nanos: u64) {
        self.counts[buckets::of_nanos(nanos)].add(1);
        self.sum_nanos.add(nanos);
    }

    pub(crate) fn counts(&self) -> Vec<u64> {
        self.counts.iter().map(Cell::get).collect()
    }

    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn sum(&self) -> f64 {
        self.sum_nanos.get() as f64 / 1e9
    }
}

/// How large things were.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    counts: [Cell; buckets::BYTES.len() + 1],
    sum: Cell,
}

impl Sizes {
    pub(crate) fn record(&self, bytes: u64) {
        self.counts[buckets::of_bytes(bytes)].add(1);
        self.sum.add(bytes);
    }

    pub(crate) fn counts(&self) -> Vec<u64> {
        self.counts.iter().map(Cell::get).collect()
    }

    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn sum(&self) -> f64 {
        self.sum.get() as f64
    }
}
