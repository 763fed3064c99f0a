//! One gRPC service behind the gateway: its endpoints, and over how many connections
//! of the worker's own calls are made to each. The `h2` library is used directly: a
//! general channel costs twice the CPU a call, and its limits on resets, which close a
//! connection that many clients share, cannot be set.

mod address;
mod balance;
mod call;
mod compression;
mod connection;
mod ejection;
mod endpoint;
mod figures;
mod frame;
mod health;
mod link;
mod lost;
mod metadata;
mod pass;
mod policy;
mod pool;
mod queue;
mod repeat;
mod resolve;
mod retry;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use server::Stop;
use tokio::{sync::Notify, time::Instant};

pub use address::{Address, BadAddress};
pub use balance::Balance;
pub(crate) use call::{Answering, Closed, Messages, Metadata, Sending};
pub use compression::Settings as Compressed;
pub use ejection::{BadEjection, Ejection};
pub(crate) use frame::{Decoder, PREFIX_BYTES};
pub(crate) use link::{Busy, For};
pub(crate) use metadata::{AnswerMetadata, decode_binary, forwarded, timeout};
pub(crate) use pass::{Opening, Passed, broken_off};
pub use policy::{Health, Policy, Tls};
pub use retry::{ATTEMPTS_MAX, BudgetLimits, Codes, Hedge, Methods, Retry};

use pool::Pool;

use crate::{counting::Counting, respond::UpstreamFailure};

/// How a service is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// HTTP/2 connections of each worker to each endpoint.
    pub connections: usize,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// Bytes of one message; a larger one breaks the call.
    pub message_bytes_max: usize,
    /// Whether and how messages are compressed.
    pub compression: Option<Compressed>,
    /// What encrypts the connections.
    pub tls: Option<tls::Connector>,
}

/// A service with the worker's connections to it, kept open from now on. Dropping it
/// closes them once their calls have ended.
pub(crate) struct Upstream {
    pool: Arc<Pool>,
    /// What is known of its methods, by their paths.
    methods: Mutex<Arc<HashMap<String, Traits>>>,
    resolver: Option<tokio::task::AbortHandle>,
}

/// What matters of a method when its call is made again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traits {
    /// It says that calling it twice does what calling it once does.
    pub(crate) idempotent: bool,
    /// One message there, one back.
    pub(crate) unary: bool,
}

/// An endpoint, for operators.
#[derive(Debug, Clone)]
pub(crate) struct EndpointState {
    pub(crate) address: String,
    /// Why it gets no calls, if it gets none.
    pub(crate) problem: Option<String>,
}

impl Upstream {
    /// Opens the connections and keeps them open; `described` is told when one
    /// is lost or had again. Once `stop` is over, calls that are still under way fail.
    /// Must be called on the worker's runtime.
    pub(crate) fn connect(
        name: Arc<str>,
        policy: Policy,
        options: Options,
        described: &Arc<Notify>,
        counting: &Counting,
        stop: &Stop,
    ) -> Self {
        let described = Arc::clone(described);
        let stop = stop.clone();
        let pool = Arc::new(Pool::new(
            name,
            policy,
            options,
            described,
            (counting, stop),
        ));
        counting.telemetry.ask(&pool);
        let resolver = pool.policy.looks_up().then(|| {
            let followed = resolve::follow(Arc::clone(&pool));
            tokio::spawn(followed).abort_handle()
        });
        Upstream {
            pool,
            methods: Mutex::default(),
            resolver,
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.pool.common.name
    }

    /// Whether these are its settings.
    pub(crate) fn is(&self, name: &str, policy: &Policy, options: &Options) -> bool {
        **self.name() == *name && self.pool.policy == *policy && self.pool.options == *options
    }

    /// Whether a method may be called again is for its description to say.
    pub(crate) fn know(&self, methods: Arc<HashMap<String, Traits>>) {
        *self.known() = methods;
    }

    fn known(&self) -> MutexGuard<'_, Arc<HashMap<String, Traits>>> {
        self.methods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn traits(&self, path: &str) -> Traits {
        self.known().get(path).copied().unwrap_or_default()
    }

    /// Its addresses as they are configured.
    pub(crate) fn addresses(&self) -> String {
        self.pool.policy.written_addresses()
    }

    /// Its endpoints as they are now.
    pub(crate) fn endpoints(&self) -> Vec<EndpointState> {
        let endpoints = self.pool.endpoints();
        let state = |endpoint: &Arc<endpoint::Endpoint>| EndpointState {
            address: endpoint.target().to_string(),
            problem: endpoint.problem(),
        };
        endpoints.iter().map(state).collect()
    }

    /// Waits until a connection is open.
    pub(crate) async fn opened(&self, deadline: Instant) -> Result<(), UpstreamFailure> {
        self.place(&[], deadline).await.map(drop)
    }

    /// A place for a call. Waits while one may come; fails at once when none can.
    async fn place(
        &self,
        tried: &[Arc<endpoint::Standing>],
        deadline: Instant,
    ) -> Result<pool::Place, UpstreamFailure> {
        if let Some(place) = self.pool.place(tried, deadline) {
            return Ok(place);
        }
        // Boxed, so that a call that need not wait has no room for it.
        Box::pin(self.pool.wait(tried, deadline)).await
    }

    /// Why a call failed: if the gateway ended it, that.
    fn told(&self, failure: UpstreamFailure) -> UpstreamFailure {
        match self.pool.common.stop.is_over() {
            true => UpstreamFailure::Stopping,
            false => failure,
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({})", self.name())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some(resolver) = &self.resolver {
            resolver.abort();
        }
    }
}
