//! Where the metrics of a role come together: the names, the counts of each worker, and
//! whoever else has something to tell when somebody asks.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};

use crate::{
    Gathered, Listener, Reloads, Traces, Upstream,
    names::{ClientId, Names, Route, Rpc, RpcId},
    table,
    worker::Worker,
};

/// What an operator decides of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Whether anything is counted at all.
    pub is_on: bool,
    /// Combinations of route, method and status, and gRPC methods, that are told apart.
    pub series_max: usize,
}

/// Something that has figures of its own, asked whenever somebody wants to know.
pub trait Source: Send + Sync {
    /// Tells them.
    fn tell(&self, to: &mut Gathered);
}

/// The metrics of one process.
#[derive(Clone)]
pub struct Telemetry(Arc<Inner>);

struct Inner {
    limits: Limits,
    role: &'static str,
    version: &'static str,
    names: Arc<Names>,
    listener: Arc<Listener>,
    workers: Mutex<Vec<Arc<Worker>>>,
    upstreams: Mutex<BTreeMap<String, Arc<Upstream>>>,
    reloads: Mutex<Option<Arc<Reloads>>>,
    sources: Mutex<Vec<Weak<dyn Source>>>,
    traces: OnceLock<Traces>,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Telemetry {
    /// Those of `role`.
    #[must_use]
    pub fn new(role: &'static str, version: &'static str, limits: Limits) -> Self {
        Telemetry(Arc::new(Inner {
            limits,
            role,
            version,
            names: Arc::new(Names::with_most(limits.series_max)),
            listener: Arc::default(),
            workers: Mutex::default(),
            upstreams: Mutex::default(),
            reloads: Mutex::default(),
            sources: Mutex::default(),
            traces: OnceLock::new(),
        }))
    }

    /// Counts nothing, for whoever has nobody to tell.
    #[must_use]
    pub fn off() -> Self {
        let limits = Limits {
            is_on: false,
            series_max: 0,
        };
        Telemetry::new("", "", limits)
    }

    /// Has workers that are made from now on record `traces`.
    pub fn trace(&self, traces: Traces) {
        if let Some(queue) = traces.queue() {
            self.ask(queue);
        }
        // Only the first holds: a process has one exporter.
        let _ = self.0.traces.set(traces);
    }

    /// Whether anything is counted.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.limits.is_on
    }

    /// The counts of one more worker.
    #[must_use]
    pub fn worker(&self) -> Arc<Worker> {
        let worker = Arc::new(Worker::new(
            Arc::clone(&self.0.names),
            self.is_on(),
            self.0.traces.get().cloned().unwrap_or_default(),
        ));
        if self.is_on() {
            locked(&self.0.workers).push(Arc::clone(&worker));
        }
        worker
    }

    /// The number of a route, by its template.
    #[must_use]
    pub fn route(&self, template: &str) -> Route {
        self.0.names.route(template)
    }

    /// The number of a gRPC method.
    #[must_use]
    pub fn rpc(&self, rpc: Rpc) -> RpcId {
        self.0.names.rpc(rpc)
    }

    /// The number of a service that is called over HTTP.
    #[must_use]
    pub fn client(&self, upstream: &str) -> ClientId {
        self.0.names.client(upstream)
    }

    /// The counts of the role's port.
    #[must_use]
    pub fn listener(&self) -> Arc<Listener> {
        Arc::clone(&self.0.listener)
    }

    /// The counts of an upstream, which all workers share.
    #[must_use]
    pub fn upstream(&self, name: &str) -> Arc<Upstream> {
        let mut upstreams = locked(&self.0.upstreams);
        let new = || Arc::new(Upstream::named(name));
        Arc::clone(upstreams.entry(name.to_owned()).or_insert_with(new))
    }

    /// What became of configurations, where they can be replaced.
    #[must_use]
    pub fn reloads(&self) -> Arc<Reloads> {
        Arc::clone(locked(&self.0.reloads).get_or_insert_default())
    }

    /// Asks `source` as well, for as long as somebody else has it.
    pub fn ask(&self, source: &Arc<impl Source + 'static>) {
        if !self.is_on() {
            return;
        }
        let source: Weak<dyn Source> = Arc::downgrade(source) as _;
        let mut sources = locked(&self.0.sources);
        sources.retain(|known| known.strong_count() > 0);
        sources.push(source);
    }

    /// The sums of this moment.
    #[must_use]
    pub fn gather(&self) -> Gathered {
        let inner = &*self.0;
        let mut gathered = Gathered::default();
        let to = &mut gathered;
        to.count(&table::BUILD_INFO, &[inner.version, inner.role], 1);
        let (told_apart, beyond) = inner.names.counts();
        to.count(&table::SERIES, &[], told_apart as u64);
        to.count(&table::SERIES_MAX, &[], inner.limits.series_max as u64);
        to.count(&table::SERIES_OVERFLOWED, &[], beyond);
        #[cfg(target_os = "linux")]
        let _ = crate::process::tell(to);
        inner.listener.tell(to);
        if let Some(reloads) = &*locked(&inner.reloads) {
            reloads.tell(to);
        }
        for upstream in locked(&inner.upstreams).values() {
            upstream.tell(to);
        }
        // Asked without the lock: one that is dropped here may want it.
        let sources: Vec<_> = locked(&inner.sources)
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        sources.iter().for_each(|source| source.tell(to));
        let names = inner.names.all();
        for worker in &*locked(&inner.workers) {
            worker.tell(&names, to);
        }
        gathered
    }
}
