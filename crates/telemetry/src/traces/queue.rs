//! Where spans wait for the exporter: a queue with a limit. One that finds no room is
//! dropped and counted; nobody waits.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::mpsc;

use crate::{Gathered, Source, table};

/// The queue, and the counts of what became of spans.
pub(crate) struct Queue {
    sender: mpsc::Sender<SpanData>,
    dropped: AtomicU64,
    pub(super) exported: AtomicU64,
    pub(super) failed: AtomicU64,
}

impl Queue {
    pub(crate) fn with_room_for(spans_max: usize) -> (Self, mpsc::Receiver<SpanData>) {
        let (sender, receiver) = mpsc::channel(spans_max);
        let queue = Queue {
            sender,
            dropped: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        };
        (queue, receiver)
    }

    pub(super) fn push(&self, span: SpanData) {
        if self.sender.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Spans that no collector has got.
    pub(super) fn lost(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed)
    }
}

impl Source for Queue {
    fn tell(&self, to: &mut Gathered) {
        for (outcome, count) in [
            ("exported", &self.exported),
            ("failed", &self.failed),
            ("dropped", &self.dropped),
        ] {
            to.count(&table::SPANS, &[outcome], count.load(Ordering::Relaxed));
        }
        let waiting = self.sender.max_capacity() - self.sender.capacity();
        to.count(&table::SPANS_WAITING, &[], waiting as u64);
    }
}
