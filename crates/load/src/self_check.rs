//! The generator's watch on itself, one a thread: how much processor the thread
//! used, and how late it was woken. A generator that is short of either measures
//! itself, and its lateness is in every latency it reports. In: ticks of its own
//! and the real arrivals; out: a [`ThreadCheck`], and what the thread sent and
//! received in the window. It judges nothing: what is too late depends on the
//! latencies measured.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{latencies::Latencies, thread::Thread, traffic::Traffic};

/// The ticker's period. A late tick does not move the later ones, so a stall of
/// one second counts as 200 late ticks and not as one.
const TICK: Duration = Duration::from_millis(5);

/// From here on a wake-up counts as late: what a timer of the runtime would allow
/// itself.
pub const LATE: Duration = Duration::from_millis(1);

/// What one thread saw of itself during the window.
#[derive(Debug, Clone)]
pub struct ThreadCheck {
    /// Processor time over wall time, 0 to 1; absent where it is not known.
    pub busy: Option<f64>,
    /// How late the thread was woken: ticks, and due iterations for which a user or
    /// worker was waiting.
    pub lag: Latencies,
    /// How late a short wait ends while the thread has nothing else to do, measured
    /// before the load.
    pub timer_resolution: Duration,
    /// Iterations that were due and for which a user or worker was waiting: none in
    /// a closed loop without a pace.
    pub awaited: u64,
    /// Those of them that were begun more than [`LATE`] late. That is the
    /// generator's fault.
    pub late: u64,
    /// Iterations that were due while all who could make them were busy, whether they
    /// were begun later or never. That is the target's fault, or that of too few
    /// workers.
    pub queued: u64,
}

/// How punctual due iterations were.
#[derive(Debug, Default)]
pub(crate) struct Lateness {
    lag: Latencies,
    awaited: u64,
    late: u64,
    queued: u64,
}

/// What the watch saw between the edges of the window.
#[derive(Debug)]
pub(crate) struct Watched {
    busy: Option<f64>,
    pub(crate) traffic: Traffic,
}

impl Lateness {
    /// Someone who was waiting for a due iteration was woken so much after.
    pub(crate) fn woken(&mut self, lag: Duration) {
        self.awaited += 1;
        self.late += u64::from(lag > LATE);
        self.lag.record(lag);
    }

    /// Nobody was waiting for a due iteration.
    pub(crate) fn queued(&mut self) {
        self.queued += 1;
    }
}

impl ThreadCheck {
    pub(crate) fn new(lateness: &Lateness, watched: &Watched, timer_resolution: Duration) -> Self {
        ThreadCheck {
            busy: watched.busy,
            lag: lateness.lag.clone(),
            timer_resolution,
            awaited: lateness.awaited,
            late: lateness.late,
            queued: lateness.queued,
        }
    }
}

/// Watches through the window.
pub(crate) async fn watch(thread: Rc<Thread>) -> Watched {
    let window = thread.window;
    thread.pacer.wait(window.start).await;
    let (from, cpu_before) = (Instant::now(), accounts::own_thread_cpu());
    let before = thread.dialer.meter.read();
    let mut due = window.start + TICK;
    while due < window.end {
        let woke = thread.pacer.wait(due).await;
        thread.lateness.borrow_mut().lag.record(woke - due);
        due += TICK;
    }
    thread.pacer.wait(window.end).await;
    let traffic = thread.dialer.meter.read().since(&before);
    let cpu = cpu_before.zip(accounts::own_thread_cpu());
    let busy = cpu.map(|(before, after)| {
        let used = after.saturating_sub(before);
        used.div_duration_f64(from.elapsed())
    });
    Watched { busy, traffic }
}
