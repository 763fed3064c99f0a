//! Starts a load: a number of threads with virtual users against one target. In: a
//! [`Load`]; out: a [`Generator`], and of that a [`Sample`]. It starts no system and
//! reads no accounts, and it decides nothing about what a figure means: see
//! [`counts`](crate::counts) for what is counted.

mod generator;

use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{LocalOptions, LocalRuntime},
    sync::{oneshot, watch},
};

use crate::{
    counts::{Ledger, Recorder, Window},
    dialer::Tls,
    pacer::Pacer,
    scenario::{Protocol, Scenario},
    schedule::Share,
    shape::{ConnectionCount, Connections, Shape},
    thread::{Report, Times},
};

use generator::Running;
pub use generator::{Generator, LatestInterval, Sample, SoFar};

/// From when all threads are up to the start of the warm-up: time for them to set
/// up their users.
const LEAD: Duration = Duration::from_millis(20);

/// What to do to which target.
#[derive(Debug, Clone)]
pub struct Load {
    /// The target.
    pub address: SocketAddr,
    /// What encrypts the connections to it.
    pub tls: Option<Tls>,
    /// What each iteration requests.
    pub scenario: Arc<Scenario>,
    /// Who begins iterations, and when.
    pub shape: Shape,
    /// Over which connections.
    pub connections: Connections,
    /// Threads of the generator, of which no more are used than there are users.
    pub threads: u32,
    /// Thread `i` runs on processor `cpus[i % cpus.len()]` alone; where they want if
    /// this is empty.
    pub cpus: Vec<usize>,
    /// Not measured. The users of a closed loop start one after the other over its
    /// first half, those of a paced one over one period. Where there are due times,
    /// connections are opened in the first half; the arrivals of an open loop begin
    /// with the second.
    pub warm_up: Duration,
    /// The length of the window.
    pub duration: Duration,
    /// From a request's intended start to the end of its answer.
    pub request_timeout: Duration,
    /// Of arrivals and of random values in requests.
    pub seed: u64,
}

/// Why a load cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The scenario is empty.
    #[error("the scenario has no request; add at least one")]
    NoRequest,
    /// The requests cannot share connections.
    #[error(
        "the request {name} is {protocol} and the first one is not; \
         put them into scenarios of their own"
    )]
    MixedProtocols {
        /// The first request of another protocol.
        name: String,
        /// Its protocol.
        protocol: Protocol,
    },
    /// A number that must be above zero.
    #[error("{0} is 0; it must be more")]
    Zero(&'static str),
    /// Not a rate.
    #[error("{0} iterations per second is not a rate; it must be a number above 0")]
    Rate(f64),
    /// A thread would have none.
    #[error(
        "{connections} connections cannot be shared out to {threads} threads; \
         use as many connections as threads, or fewer threads"
    )]
    FewerConnectionsThanThreads {
        /// In all.
        connections: u32,
        /// Threads with users.
        threads: u32,
    },
    /// Some threads would have fewer, and their users longer waits.
    #[error(
        "{connections} connections cannot be shared out evenly to {threads} threads; \
         use a multiple of {threads} connections, or another number of threads"
    )]
    UnevenConnections {
        /// In all.
        connections: u32,
        /// Threads with users.
        threads: u32,
    },
    /// The machine did not give what a thread needs.
    #[error("a thread of the load generator cannot start: {0}")]
    Thread(#[from] io::Error),
}

impl Load {
    /// Starts the generator's threads.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the load makes no sense, or the machine has no room.
    pub fn start(self) -> Result<Generator, StartError> {
        self.check()?;
        let load = Arc::new(self);
        let threads = load.threads_used();
        let (stop, stopped) = watch::channel(());
        let (ready, readies) = mpsc::channel();
        let mut starting = Vec::new();
        for thread in 0..threads {
            let share = Share { thread, threads };
            let (go, gone) = oneshot::channel();
            let (report, done) = oneshot::channel();
            let (ending, ended) = oneshot::channel();
            let (load, ready, stopped) = (Arc::clone(&load), ready.clone(), stopped.clone());
            thread::Builder::new()
                .name(format!("load-{thread}"))
                .spawn(move || {
                    run(&load, share, &ready, gone, report, stopped);
                    // With the runtime its connections are closed.
                    drop::<oneshot::Sender<()>>(ending);
                })?;
            starting.push((go, done, ended));
        }
        drop(ready);
        for _ in 0..threads {
            let outcome = readies.recv().map_err(io::Error::other)?;
            outcome?;
        }

        let begin = Instant::now() + LEAD;
        let start = begin + load.warm_up;
        let end = start + load.duration;
        let window = Window { start, end };
        let threads = starting.into_iter().map(|(go, done, ended)| {
            let routes = load.scenario.requests.len();
            let ledger = Ledger::new(Recorder::new(window, routes, load.request_timeout));
            // Fails when the thread is gone, which its report will show.
            let _ = go.send((Times { begin, window }, ledger.clone()));
            Running {
                ledger,
                done,
                ended,
            }
        });
        Ok(Generator::new(window, threads.collect(), stop))
    }

    fn check(&self) -> Result<(), StartError> {
        let first = self.scenario.protocol();
        let mut requests = self.scenario.requests.iter();
        if let Some(other) = requests.find(|request| request.protocol() != first) {
            return Err(StartError::MixedProtocols {
                name: other.name().to_owned(),
                protocol: other.protocol(),
            });
        }
        if self.scenario.requests.is_empty() {
            return Err(StartError::NoRequest);
        }
        let pace = match self.shape {
            Shape::Closed { pace, .. } => pace,
            Shape::Open {
                iterations_per_second: rate,
                ..
            } => {
                if !(rate.is_finite() && rate > 0.0) {
                    return Err(StartError::Rate(rate));
                }
                None
            }
        };
        let zero = [
            ("the number of users or workers", self.shape.users() == 0),
            ("the number of threads", self.threads == 0),
            (
                "the number of requests on a connection",
                self.connections.streams_max == 0,
            ),
            ("the duration", self.duration.is_zero()),
            ("the pace", pace.is_some_and(|pace| pace.is_zero())),
        ];
        if let Some((what, _)) = zero.into_iter().find(|(_, zero)| *zero) {
            return Err(StartError::Zero(what));
        }
        let threads = self.threads_used();
        match self.connections.count {
            ConnectionCount::Shared(connections) if connections < threads => {
                Err(StartError::FewerConnectionsThanThreads {
                    connections,
                    threads,
                })
            }
            ConnectionCount::Shared(connections) if connections % threads != 0 => {
                Err(StartError::UnevenConnections {
                    connections,
                    threads,
                })
            }
            _ => Ok(()),
        }
    }

    /// Threads that have a user.
    fn threads_used(&self) -> u32 {
        self.threads.min(self.shape.users())
    }
}

/// A thread, from its setting up to its report.
fn run(
    load: &Load,
    share: Share,
    ready: &mpsc::Sender<io::Result<()>>,
    go: oneshot::Receiver<(Times, Ledger)>,
    report: oneshot::Sender<Report>,
    mut stopped: watch::Receiver<()>,
) {
    let runtime = match set_up(load, share) {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let work = async {
        let pacer = match Pacer::new() {
            Ok(pacer) => Rc::new(pacer),
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let running = Rc::clone(&pacer);
        tokio::task::spawn_local(async move { running.run().await });
        let resolution = pacer.resolution().await;
        let _ = ready.send(Ok(()));
        // Otherwise the load was given up before it began.
        if let Ok((times, ledger)) = go.await {
            let run = crate::thread::run(load, share, times, pacer, resolution, ledger);
            let (done, _clients) = run.await;
            // Nobody waits for it once the run was given up.
            let _ = report.send(done);
            // The connections stay open until the generator is done with, so that
            // whoever looks at sockets at the window's end still finds them.
            std::future::pending::<()>().await;
        }
    };
    runtime.block_on(async {
        tokio::select! {
            () = work => {}
            // Nothing is ever sent: the generator was dropped.
            _ = stopped.changed() => {}
        }
    });
}

fn set_up(load: &Load, share: Share) -> io::Result<LocalRuntime> {
    if !load.cpus.is_empty() {
        let cpu = load.cpus[share.thread as usize % load.cpus.len()];
        accounts::affinity::pin_current_thread(&[cpu])?;
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build_local(LocalOptions::default())
}

#[cfg(test)]
mod tests;
