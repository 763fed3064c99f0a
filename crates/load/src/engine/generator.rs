//! A load under way, and its end. In: the threads' ledgers and reports; out: what
//! is shown while it goes on, and a [`Sample`].

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};

use crate::{
    counts::{Counts, Recorder, Window},
    latencies::Latencies,
    self_check::ThreadCheck,
    thread::{Ledger, Report},
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
    /// The interval last shown, with its latencies, so that the threads are asked
    /// for each only once.
    latest: Mutex<Option<(usize, LatestInterval)>>,
    _stop: watch::Sender<()>,
}

/// A thread that was told to begin.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) ledger: Ledger,
    /// Sent at its end.
    pub(super) done: oneshot::Receiver<Report>,
}

/// How a load does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Successes in the window.
    pub completed: u64,
    /// Failures of the target since the window's start.
    pub failed: u64,
    /// The latest whole interval of the window, which is a second in windows of up
    /// to ten minutes.
    pub latest: Option<LatestInterval>,
}

/// The latencies of an interval as far as its requests had ended when it did.
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
            _stop: stop,
        }
    }

    /// The measured part of the load.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// What was counted so far. Takes the threads' time only when an interval has
    /// ended since the last call.
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
        let over = (elapsed.as_secs() / self.window.interval().as_secs()) as usize;
        let index = over.min(self.window.intervals()).checked_sub(1)?;
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.is_none_or(|(shown, _)| shown < index) {
            let mut all = Latencies::new();
            for thread in &self.threads {
                let ledger = thread.ledger.lock();
                let routes = 0..ledger.routes();
                let routes: Vec<_> = routes.map(|route| ledger.latencies(index, route)).collect();
                drop(ledger);
                routes.iter().for_each(|route| all.merge(route));
            }
            let quantiles = all.quantile(0.5).zip(all.quantile(0.99));
            *latest = quantiles.map(|(p50, p99)| (index, LatestInterval { p50, p99 }));
        }
        latest.map(|(_, latest)| latest)
    }

    /// Waits until every user has finished, which takes at most the request timeout
    /// beyond the window. May be dropped, which gives the load up.
    ///
    /// # Errors
    ///
    /// When a thread ended early, which is a defect.
    pub async fn finish(mut self) -> io::Result<Sample> {
        let mut traffic = Traffic::default();
        let mut threads = Vec::new();
        for thread in &mut self.threads {
            let report = (&mut thread.done)
                .await
                .map_err(|_| io::Error::other("a thread of the load generator ended early"))?;
            traffic.add(&report.traffic);
            threads.push(report.check);
        }
        let ledgers: Vec<_> = self
            .threads
            .iter()
            .map(|thread| thread.ledger.lock())
            .collect();
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
