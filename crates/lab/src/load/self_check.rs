//! The generator's watch on itself, one ticker a thread: how much processor the
//! thread used, and how late it was woken. A generator that is short of either
//! measures itself, and its lateness is in every latency it reports.

use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::counts::{Latencies, Window};
use crate::account;

/// The ticker's period. A late tick does not move the later ones, so a stall of
/// one second counts as 200 late ticks and not as one.
const TICK: Duration = Duration::from_millis(5);

/// What one thread saw of itself during the window.
#[derive(Debug, Clone)]
pub(crate) struct ThreadCheck {
    /// Processor time over wall time, 0 to 1; absent where it is not known.
    pub(crate) busy: Option<f64>,
    /// From a tick's due time to when it ran. The runtime's timers count whole
    /// milliseconds, so up to one of them is no lateness.
    pub(crate) lag: Latencies,
}

/// Ticks through the window.
pub(super) async fn watch(window: Window) -> ThreadCheck {
    sleep_until(window.start.into()).await;
    let (from, cpu_before) = (Instant::now(), account::own_thread_cpu());
    let mut lag = Latencies::new();
    let mut due = window.start + TICK;
    while due < window.end {
        sleep_until(due.into()).await;
        lag.record(due.elapsed());
        due += TICK;
    }
    sleep_until(window.end.into()).await;
    let cpu_after = account::own_thread_cpu();
    let busy = cpu_before.zip(cpu_after).map(|(before, after)| {
        after
            .saturating_sub(before)
            .div_duration_f64(from.elapsed())
    });
    ThreadCheck { busy, lag }
}
