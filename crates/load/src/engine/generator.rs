//! A load under way, and its end. In: the threads' ledgers and reports; out: what
//! is shown while it goes on, and a [`Sample`].

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};

use crate::{
    counts::{Counts, Ledger, Recorder, Window},
    latencies::Latencies,
    self_check::ThreadCheck,
    thread::Report,
    traffic::Traffic,
};

/// What came of a [`Load`](crate::Load).
#[derive(Debug, Clone)]
pub struct Sample {
    /// The measured part.
    pub window: Window,
    /// Everything counted.
    pub counts: Counts,
    /// What was sent, received and opened in the window.
    pub traffic: Traffic,
    /// The generator's watch on itself, by thread.
    pub threads: Vec<ThreadCheck>,
}

/// A load under way. Dropping it stops the users at once.
#[derive(Debug)]
pub struct Generator {
    window: Window,
    threads: Vec<Running>,
    /// The second last shown, with its latencies, so that the threads are asked for
    /// each only once.
    latest: Mutex<Option<(u64, Option<LatestInterval>)>>,
    stop: watch::Sender<()>,
}

/// A thread that was told to begin.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) ledger: Ledger,
    /// Sent when its users have finished.
    pub(super) done: oneshot::Receiver<Report>,
    /// Its other side is dropped when the thread ends, all connections closed.
    pub(super) ended: oneshot::Receiver<()>,
}

/// How a load does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Successes in the window.
    pub completed: u64,
    /// Failures of the target since the window's start.
    pub failed: u64,
    /// The latest whole second of the window; none when no success ended in it.
    pub latest: Option<LatestInterval>,
}

/// The latencies of the successes that ended in a second, whenever they began: what
/// a target that has become slow does shows when its answers come. Results go by the
/// intended start instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatestInterval {
    /// Half of the requests took no longer.
    pub p50: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
}

impl Generator {
    /// The threads stop when `stop` is dropped.
    pub(super) fn new(window: Window, threads: Vec<Running>, stop: watch::Sender<()>) -> Self {
        Generator {
            window,
            threads,
            latest: Mutex::default(),
            stop,
        }
    }

    /// The measured part of the load.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// What was counted so far. Takes the threads' time only when a second has ended
    /// since the last call.
    #[must_use]
    pub fn so_far(&self) -> SoFar {
        let ended = self
            .threads
            .iter()
            .map(|thread| thread.ledger.lock().so_far());
        let (completed, failed) = ended.fold((0, 0), |sum, ended| {
            (sum.0 + ended.completed, sum.1 + ended.failed)
        });
        SoFar {
            completed,
            failed,
            latest: self.latest(),
        }
    }

    fn latest(&self) -> Option<LatestInterval> {
        let elapsed = Instant::now().checked_duration_since(self.window.start)?;
        let over = elapsed.min(self.window.length()).as_secs();
        let second = over.checked_sub(1)?;
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        match *latest {
            Some((shown, found)) if shown >= second => found,
            _ => {
                let found = self.latest_second(second);
                *latest = Some((second, found));
                found
            }
        }
    }

    fn latest_second(&self, second: u64) -> Option<LatestInterval> {
        let mut all = Latencies::new();
        for thread in &self.threads {
            let found = thread.ledger.lock().latest_second(second).cloned();
            found.iter().for_each(|latencies| all.merge(latencies));
        }
        let quantiles = all.quantile(0.5).zip(all.quantile(0.99));
        quantiles.map(|(p50, p99)| LatestInterval { p50, p99 })
    }

    /// Waits until every user has finished, which takes at most the request timeout
    /// beyond the window, and until all connections are closed. May be dropped, which
    /// gives the load up.
    ///
    /// # Errors
    ///
    /// When a thread ended early, which is a defect.
    pub async fn finish(self) -> io::Result<Sample> {
        let mut traffic = Traffic::default();
        let mut threads = Vec::new();
        let mut ledgers = Vec::new();
        let mut ends = Vec::new();
        for thread in self.threads {
            let report = thread
                .done
                .await
                .map_err(|_| io::Error::other("a thread of the load generator ended early"))?;
            traffic.add(&report.traffic);
            threads.push(report.check);
            ledgers.push(thread.ledger);
            ends.push(thread.ended);
        }
        drop(self.stop);
        for ended in ends {
            // Nothing is sent: it ends with the thread.
            let _ = ended.await;
        }
        let ledgers: Vec<_> = ledgers.iter().map(Ledger::lock).collect();
        let recorders: Vec<&Recorder> = ledgers.iter().map(|ledger| &**ledger).collect();
        Ok(Sample {
            window: self.window,
            counts: Counts::of(&self.window, &recorders),
            traffic,
            threads,
        })
    }
}

#[cfg(test)]
impl Generator {
    /// The threads, when the generator is to be dropped.
    pub(super) fn take_threads(&mut self) -> Vec<Running> {
        std::mem::take(&mut self.threads)
    }
}
