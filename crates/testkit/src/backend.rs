//! A gRPC server for tests that answers every method of a descriptor pool, over
//! plain HTTP/2 on a thread of its own. In: a pool, and what is answered to which
//! method; out: what it received, message by message with its metadata. A method of
//! which nothing is said is answered with the fields of the request that the answer
//! has too. It describes itself by reflection, and its pool can be exchanged.
//!
//! It speaks through the `h2` library and not through a gRPC one, so that a test can
//! have it do what a decent server never does: send half a message, fall silent,
//! reset a stream, close the connection.

mod call;
mod pool;
mod reflection;
mod reply;

use std::{
    collections::HashMap,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use ::http::HeaderMap;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    sync::{Notify, watch},
};

use crate::background::Background;

pub use pool::{compile, compile_in, json_of, message};
pub use reply::{End, Gate, Reply, Status, Step};

/// The server, running. Dropping it closes every connection at once.
pub struct Backend {
    shared: Arc<Shared>,
    server: Background,
}

/// One call that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// `package.Service.Method`.
    pub method: String,
    /// Everything in the head of the call.
    pub metadata: HeaderMap,
    /// The request.
    pub message: DynamicMessage,
}

type Answer = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

/// What all connections share.
struct Shared {
    pool: Mutex<DescriptorPool>,
    answers: Mutex<HashMap<String, Answer>>,
    received: Mutex<Vec<Received>>,
    cancelled: Mutex<Vec<String>>,
    messages_sent: AtomicUsize,
    unread: AtomicUsize,
    connections: AtomicUsize,
    /// Counts up when the connections of before are to go.
    generation: watch::Sender<u64>,
}

impl Backend {
    /// Starts it on a free port of loopback.
    #[track_caller]
    pub fn start(pool: DescriptorPool) -> Backend {
        Backend::start_at((Ipv4Addr::LOCALHOST, 0).into(), pool)
    }

    /// Starts it at this address, which another one may have had before.
    #[track_caller]
    pub fn start_at(address: SocketAddr, pool: DescriptorPool) -> Backend {
        let shared = Arc::new(Shared {
            pool: Mutex::new(pool),
            answers: Mutex::default(),
            received: Mutex::default(),
            cancelled: Mutex::default(),
            messages_sent: AtomicUsize::new(0),
            unread: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            generation: watch::Sender::new(0),
        });
        let serving = Arc::clone(&shared);
        let server = Background::start("backend", address, move |stream| {
            converse(stream, Arc::clone(&serving))
        });
        Backend { shared, server }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// From now on `method`, `package.Service.Method`, is answered so.
    pub fn answer(
        &self,
        method: &str,
        with: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> &Backend {
        lock(&self.shared.answers).insert(method.to_owned(), Arc::new(with));
        self
    }

    /// A message of its pool by full name, from the JSON of its fields.
    #[track_caller]
    pub fn message(&self, full_name: &str, fields: Value) -> DynamicMessage {
        message(&self.pool(), full_name, fields)
    }

    /// What it serves and describes now.
    pub fn pool(&self) -> DescriptorPool {
        lock(&self.shared.pool).clone()
    }

    /// Serves `pool` from now on, as a server that is replaced without a gap does:
    /// connections of before end once their calls have (GOAWAY), and new ones see
    /// the new services.
    pub fn replace(&self, pool: DescriptorPool) {
        *lock(&self.shared.pool) = pool;
        self.shared
            .generation
            .send_modify(|generation| *generation += 1);
    }

    /// Every call so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// The calls since this was last asked.
    pub fn take_received(&self) -> Vec<Received> {
        std::mem::take(&mut lock(&self.shared.received))
    }

    /// The methods of calls that the client gave up before they were answered.
    pub fn cancelled(&self) -> Vec<String> {
        lock(&self.shared.cancelled).clone()
    }

    /// How many messages it has handed to its connections.
    pub fn messages_sent(&self) -> usize {
        self.shared.messages_sent.load(Ordering::Relaxed)
    }

    /// How many calls it refused because their message was compressed, which it cannot
    /// read.
    pub fn unread(&self) -> usize {
        self.shared.unread.load(Ordering::Relaxed)
    }

    /// How many connections are open now.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backend({})", self.address())
    }
}

impl Received {
    /// The request as JSON: original names, and only the fields that are set.
    pub fn json(&self) -> Value {
        json_of(&self.message)
    }

    /// A metadata value as text.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.metadata
            .get(name)
            .and_then(|value| value.to_str().ok())
    }
}

impl Shared {
    fn answer_for(&self, received: &Received) -> Option<Reply> {
        let answer = lock(&self.answers).get(&received.method).cloned();
        answer.map(|answer| answer(received))
    }
}

/// Serves one connection. The client may go away at any moment, so that no step
/// has to succeed.
async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let pool = lock(&shared.pool).clone();
    let mut generation = shared.generation.subscribe();
    let mut builder = h2::server::Builder::new();
    // Half of it bounds the small messages of all streams that are unread, and one more
    // closes the connection; servers made with tonic have this much.
    builder.initial_connection_window_size(1024 * 1024);
    let Ok(mut connection) = builder.handshake(stream).await else {
        return;
    };
    let _open = Open::of(&shared);
    let hang_up = Arc::new(Notify::new());
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, respond))) = accepted else { return };
                let call = call::Call {
                    shared: Arc::clone(&shared),
                    pool: pool.clone(),
                    hang_up: Arc::clone(&hang_up),
                };
                tokio::spawn(call.serve(request, respond));
            }
            Ok(()) = generation.changed() => connection.graceful_shutdown(),
            () = hang_up.notified() => return,
        }
    }
}

/// Counts a connection for as long as it lives.
struct Open(Arc<Shared>);

impl Open {
    fn of(shared: &Arc<Shared>) -> Open {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A test that failed while it held the lock has been reported already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
