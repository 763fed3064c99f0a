//! What a generator thread sent, received and opened. In: every write, read and
//! connection; out: the sums, at any moment. Only the thread itself adds, or one
//! task after the other, so that adding is a load and a store; others may look.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes and connections, as sums or as the difference of two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes written to the connections: all of HTTP, without the headers of TCP.
    pub bytes_sent: u64,
    /// Bytes read from them.
    pub bytes_received: u64,
    /// Connections that were opened.
    pub connections_opened: u64,
}

impl Traffic {
    /// What came after `earlier`.
    #[must_use]
    pub(crate) fn since(&self, earlier: &Traffic) -> Traffic {
        Traffic {
            bytes_sent: self.bytes_sent.saturating_sub(earlier.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(earlier.bytes_received),
            connections_opened: self
                .connections_opened
                .saturating_sub(earlier.connections_opened),
        }
    }

    pub(crate) fn add(&mut self, other: &Traffic) {
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.connections_opened += other.connections_opened;
    }
}

/// The sums of one thread.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    sent: AtomicU64,
    received: AtomicU64,
    opened: AtomicU64,
}

impl Meter {
    pub(crate) fn sent(&self, bytes: usize) {
        add(&self.sent, bytes as u64);
    }

    pub(crate) fn received(&self, bytes: usize) {
        add(&self.received, bytes as u64);
    }

    pub(crate) fn opened(&self) {
        add(&self.opened, 1);
    }

    pub(crate) fn read(&self) -> Traffic {
        Traffic {
            bytes_sent: self.sent.load(Ordering::Relaxed),
            bytes_received: self.received.load(Ordering::Relaxed),
            connections_opened: self.opened.load(Ordering::Relaxed),
        }
    }
}

/// For a single writer.
fn add(sum: &AtomicU64, more: u64) {
    sum.store(sum.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}
