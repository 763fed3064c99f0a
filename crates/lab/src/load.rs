//! The load engine: a number of virtual users against one target, in a closed
//! loop, on threads of the generator's own. In: a [`Load`]; out: a [`Sample`].
//! It starts no system and reads no accounts, and it decides nothing about what
//! a figure means: see [`counts`] for what is counted.
//!
//! Each thread has a single-threaded runtime, its users and its counts; nothing
//! is shared between threads while they run. The users of a thread share one
//! lock on the counts, which nobody holds across a wait and which the progress
//! display takes a few times a second, so it is practically never contended.

pub(crate) mod counts;
mod response;
pub(crate) mod scenario;
mod self_check;
mod user;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
};

pub(crate) use self_check::ThreadCheck;
pub(crate) use user::{Client, PAUSE_AFTER_FAILURE};

use counts::{Counts, Finished, Window};
use scenario::Scenario;

/// From the call of [`Load::start`] to the start of the warm-up: time for the
/// threads to come up.
const LEAD: Duration = Duration::from_millis(20);

/// What to do to which target.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) target: SocketAddr,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) users: u32,
    pub(crate) threads: u32,
    /// The users start one after the other over its first half.
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
    /// From the start of a request to the end of its answer.
    pub(crate) request_timeout: Duration,
}

/// What came of a [`Load`].
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) window: Window,
    pub(crate) counts: Counts,
    /// The generator's watch on itself, by thread.
    pub(crate) threads: Vec<ThreadCheck>,
}

/// What the users of a thread share.
#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    scenario: Arc<Scenario>,
    window: Window,
    request_timeout: Duration,
    counts: Mutex<Counts>,
}

impl Shared {
    fn count(&self, finished: Finished) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.record(&self.window, finished);
    }

    fn count_unserved(&self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.record_unserved();
    }
}

impl Load {
    /// Starts the generator's threads.
    pub(crate) fn start(self) -> io::Result<Generator> {
        let begin = Instant::now() + LEAD;
        let start = begin + self.warm_up;
        let window = Window {
            start,
            end: start + self.duration,
        };
        let (stop, stopped) = watch::channel(());
        let mut threads = Vec::new();
        for index in 0..self.threads {
            let shared = Arc::new(Shared {
                target: self.target,
                scenario: Arc::clone(&self.scenario),
                window,
                request_timeout: self.request_timeout,
                counts: Mutex::new(Counts::new(self.scenario.requests.len())),
            });
            let users = self.users_of(index, begin);
            let done = spawn_thread(index, Arc::clone(&shared), users, stopped.clone())?;
            threads.push(Thread { shared, done });
        }
        Ok(Generator {
            window,
            threads,
            _stop: stop,
        })
    }

    /// When each user of this thread starts.
    fn users_of(&self, thread: u32, begin: Instant) -> Vec<Instant> {
        let ramp = self.warm_up / 2;
        (thread..self.users)
            .step_by(self.threads as usize)
            .map(|user| begin + ramp.mul_f64(f64::from(user) / f64::from(self.users)))
            .collect()
    }
}

fn spawn_thread(
    index: u32,
    shared: Arc<Shared>,
    users: Vec<Instant>,
    mut stopped: watch::Receiver<()>,
) -> io::Result<oneshot::Receiver<ThreadCheck>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let (report, done) = oneshot::channel();
    let run = async move {
        let check = tokio::spawn(self_check::watch(shared.window));
        let mut running = JoinSet::new();
        for first in users {
            running.spawn(user::run(Arc::clone(&shared), first));
        }
        running.join_all().await;
        if let Ok(check) = check.await {
            // Nobody waits for it once the run was given up.
            let _ = report.send(check);
        }
    };
    thread::Builder::new()
        .name(format!("load-{index}"))
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = run => {}
                    // Nothing is ever sent: the generator was dropped.
                    _ = stopped.changed() => {}
                }
            });
        })?;
    Ok(done)
}

/// A load under way. Dropping it stops the users at once.
#[derive(Debug)]
pub(crate) struct Generator {
    window: Window,
    threads: Vec<Thread>,
    _stop: watch::Sender<()>,
}

#[derive(Debug)]
struct Thread {
    shared: Arc<Shared>,
    done: oneshot::Receiver<ThreadCheck>,
}

impl Generator {
    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// Completions and failures counted so far.
    pub(crate) fn so_far(&self) -> (u64, u64) {
        self.threads.iter().fold((0, 0), |(done, failed), thread| {
            let counts = thread.shared.counts.lock();
            let counts = counts.unwrap_or_else(PoisonError::into_inner);
            (done + counts.completed, failed + counts.failures.total())
        })
    }

    /// Waits until every user has finished its last request, which takes at
    /// most the request timeout beyond the window. May be dropped and called
    /// again.
    pub(crate) async fn finish(mut self) -> io::Result<Sample> {
        let mut counts: Option<Counts> = None;
        let mut threads = Vec::new();
        for thread in &mut self.threads {
            let check = (&mut thread.done)
                .await
                .map_err(|_| io::Error::other("a thread of the load generator ended early"))?;
            threads.push(check);
            let theirs = thread.shared.counts.lock();
            let theirs = theirs.unwrap_or_else(PoisonError::into_inner);
            match &mut counts {
                Some(counts) => counts.merge(&theirs),
                None => counts = Some(theirs.clone()),
            }
        }
        Ok(Sample {
            window: self.window,
            counts: counts.unwrap_or_else(|| Counts::new(0)),
            threads,
        })
    }
}

#[cfg(test)]
mod tests;
