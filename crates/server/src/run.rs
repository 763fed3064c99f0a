//! The life of a port: one acceptor deals connections to one single-threaded
//! runtime a core, each connection to the core that has the fewest. A request
//! therefore never changes threads, and whatever a worker's handler owns
//! (upstream connections, buffers) is used by that core alone. The alternative,
//! `SO_REUSEPORT`, spreads by hash, unevenly for few connections, and lets a
//! second process listen unnoticed.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use socket2::SockRef;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
};
use tokio_util::task::TaskTracker;

use telemetry::{Listener, Telemetry};

use crate::{
    Handler, Stop, connection,
    connection::{Protocol, Spoken},
    runtime::Figures,
};

/// Pause after a failed accept (out of file descriptors, most often), so that
/// it does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long, at a stop, what was ended for lack of time may take to say so.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often it is said that connections cannot be accepted.
const SAID_EVERY: Duration = Duration::from_secs(5);

/// How a port is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is spoken.
    pub protocol: Protocol,
    /// What encrypts it, if anything does.
    pub tls: Option<tls::Acceptor>,
    /// Threads, each with its own runtime and handler.
    pub workers: NonZeroUsize,
    /// Connections open at once; further ones wait in the kernel's backlog.
    pub connections_max: usize,
    /// How long a client may leave sent bytes unread before it is cut off
    /// (`TCP_USER_TIMEOUT`, Linux only).
    pub write_stall_timeout: Duration,
    /// How long requests in flight may take to finish once told to stop.
    pub drain_timeout: Duration,
    /// Who is told of connections and runtimes.
    pub telemetry: Telemetry,
}

/// How a stop went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Connections whose requests had not finished at the deadline, and were ended.
    pub late: usize,
    /// Those of them that did not take an end either, and were cut off.
    pub abandoned: usize,
}

/// Serves `listener` with one handler a worker, made by `make`, until `stop` begins;
/// then refuses new connections, lets requests in flight finish within the drain
/// timeout, ends what is left (`stop` is over then), and returns.
///
/// # Errors
///
/// When a thread or a runtime cannot be started.
pub async fn run<H: Handler>(
    listener: TcpListener,
    options: Options,
    make: impl Fn() -> H + Send + Clone + 'static,
    stop: Stop,
) -> io::Result<Drained> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(options.connections_max));
    let counts = options.telemetry.listener();
    counts.allows(options.connections_max);
    let later = stop.later();
    let workers = (0..options.workers.get())
        .map(|index| Worker::start(index, &options, make.clone(), later.clone()))
        .collect::<io::Result<Vec<_>>>()?;

    tokio::select! {
        () = accept(&listener, &places, &workers, &options) => {}
        () = stop.begun() => {}
    }
    take_what_waits(listener.into_std()?, &places, &workers, &options);
    // Only now: a client that is told to connect anew must find the port closed.
    later.hand_over();

    // All drain at once: first tell every worker, then wait for each.
    let ends: Vec<_> = workers.into_iter().map(Worker::finish).collect();
    let mut drained = Drained::default();
    for end in ends {
        let end = end.await.unwrap_or_default();
        drained.late += end.late;
        drained.abandoned += end.abandoned;
    }
    Ok(drained)
}

/// Deals what the kernel has accepted already, and closes the port: those clients believe
/// that they are connected, and may have sent a request.
fn take_what_waits(
    listener: TcpListener,
    places: &Arc<Semaphore>,
    workers: &[Worker],
    options: &Options,
) {
    let write_stall_timeout = options.write_stall_timeout;
    let counts = options.telemetry.listener();
    while let Ok(place) = Arc::clone(places).try_acquire_owned() {
        let Ok((stream, peer)) = listener.accept() else {
            return;
        };
        let prepared = stream.set_nonblocking(true);
        let prepared =
            prepared.and_then(|()| prepare(&SockRef::from(&stream), write_stall_timeout));
        if prepared.is_ok() {
            deal(workers, stream, peer, place, &counts);
        }
    }
}

/// Gives a connection to the worker that has the fewest.
fn deal(
    workers: &[Worker],
    stream: std::net::TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
    counts: &Arc<Listener>,
) {
    let least_busy = workers.iter().min_by_key(|worker| worker.connections());
    if let Some(worker) = least_busy {
        let held = Held::new(place, &worker.connections, counts);
        worker.deal(Dealt { stream, peer, held });
    }
}

async fn accept(
    listener: &tokio::net::TcpListener,
    places: &Arc<Semaphore>,
    workers: &[Worker],
    options: &Options,
) {
    let write_stall_timeout = options.write_stall_timeout;
    let counts = options.telemetry.listener();
    let mut said: Option<Instant> = None;
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            return;
        };
        let accepted = match listener.accept().await {
            Ok((stream, peer)) => prepare(&SockRef::from(&stream), write_stall_timeout)
                .and_then(|()| stream.into_std())
                .map(|stream| (stream, peer)),
            Err(error) => Err(error),
        };
        match accepted {
            Ok((stream, peer)) => deal(workers, stream, peer, place, &counts),
            Err(error) if about_one_connection(&error) => counts.failed(),
            Err(error) => {
                counts.failed();
                if said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
                    said = Some(Instant::now());
                    tracing::warn!(%error, "cannot accept connections for now");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn prepare(stream: &SockRef<'_>, write_stall_timeout: Duration) -> io::Result<()> {
    stream.set_tcp_nodelay(true)?;
    #[cfg(target_os = "linux")]
    stream.set_tcp_user_timeout(Some(write_stall_timeout))?;
    #[cfg(not(target_os = "linux"))]
    let _ = write_stall_timeout;
    Ok(())
}

/// The client was gone before it was accepted; the listener is fine.
fn about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotConnected
    )
}

/// A connection on its way to a worker; counted there until dropped.
struct Dealt {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    held: Held,
}

/// A connection's place in the three counts.
struct Held {
    _place: OwnedSemaphorePermit,
    connections: Arc<AtomicUsize>,
    counts: Arc<Listener>,
}

impl Held {
    fn new(
        place: OwnedSemaphorePermit,
        connections: &Arc<AtomicUsize>,
        counts: &Arc<Listener>,
    ) -> Self {
        connections.fetch_add(1, Ordering::Relaxed);
        counts.accepted();
        Held {
            _place: place,
            connections: Arc::clone(connections),
            counts: Arc::clone(counts),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
        self.counts.ended();
    }
}

/// One thread with its runtime and the connections dealt to it.
struct Worker {
    // Bounded by the permits that every connection holds.
    dealt: mpsc::UnboundedSender<Dealt>,
    connections: Arc<AtomicUsize>,
    ended: oneshot::Receiver<Drained>,
    /// Told to whoever asks for metrics, for as long as the worker is there.
    _figures: Arc<Figures>,
}

impl Worker {
    fn start<H: Handler>(
        index: usize,
        options: &Options,
        make: impl Fn() -> H + Send + 'static,
        stop: Stop,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (dealt, inbox) = mpsc::unbounded_channel();
        let (report, ended) = oneshot::channel();
        let figures = Arc::new(Figures::of(index, &runtime));
        options.telemetry.ask(&figures);
        let counts = options.telemetry.listener();
        let Options {
            protocol,
            tls,
            drain_timeout,
            ..
        } = options.clone();
        let speaks = Spoken {
            tls: tls.map(|tls| tls.speaking(protocol.told())),
            protocol,
        };
        thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                let work = work(inbox, speaks, drain_timeout, make, (stop, counts));
                // Nobody waits any more when the role was dropped.
                let _ = report.send(runtime.block_on(work));
                runtime.shutdown_background();
            })?;
        Ok(Worker {
            dealt,
            connections: Arc::default(),
            ended,
            _figures: figures,
        })
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    fn deal(&self, connection: Dealt) {
        // A worker that has ended drops the connection, which closes it.
        let _ = self.dealt.send(connection);
    }

    /// Deals nothing more; the worker reports what it had to abandon.
    fn finish(self) -> oneshot::Receiver<Drained> {
        self.ended
    }
}

/// Serves what is dealt until nothing more is; then waits, and says how that went.
async fn work<H: Handler>(
    mut inbox: mpsc::UnboundedReceiver<Dealt>,
    speaks: Spoken,
    drain_timeout: Duration,
    make: impl Fn() -> H,
    (stop, counts): (Stop, Arc<Listener>),
) -> Drained {
    let handler = make();
    let speaks = Arc::new(speaks);
    let connections = TaskTracker::new();
    while let Some(Dealt { stream, peer, held }) = inbox.recv().await {
        let stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%peer, %error, "cannot register a connection");
                continue;
            }
        };
        let (speaks, handler, stop) = (Arc::clone(&speaks), handler.clone(), stop.clone());
        let counts = Arc::clone(&counts);
        connections.spawn(async move {
            connection::serve(stream, peer, &speaks, handler, &stop, &counts).await;
            drop(held);
        });
    }
    connections.close();
    within(drain_timeout, connections.wait()).await;
    let late = connections.len();
    if late > 0 {
        stop.end();
        within(LAST_WORDS, connections.wait()).await;
    }
    Drained {
        late,
        abandoned: connections.len(),
    }
}

async fn within(limit: Duration, finish: impl Future<Output = ()>) {
    // Running out of time is not an error here: the caller counts what is left.
    let _ = tokio::time::timeout(limit, finish).await;
}
