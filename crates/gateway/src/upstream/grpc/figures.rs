//! What an upstream's endpoints and connections are like at the moment, as one worker
//! sees it, for whoever asks for metrics.

use std::sync::atomic::Ordering;

use telemetry::{Gathered, Source, table};

use super::pool::Pool;

impl Source for Pool {
    fn tell(&self, to: &mut Gathered) {
        let endpoints = self.endpoints();
        let available = endpoints.iter().filter(|endpoint| endpoint.is_available());
        let available = available.count() as u64;
        let links = || endpoints.iter().flat_map(|endpoint| &endpoint.links);
        let open = links().filter(|link| link.is_open()).count() as u64;
        let calls: usize = links().map(|link| link.calls()).sum();
        let common = &self.common;
        let name = &[&*common.name];
        to.count(&table::UPSTREAM_UP, name, u64::from(available > 0));
        to.count(&table::UPSTREAM_ENDPOINTS, name, endpoints.len() as u64);
        to.count(&table::UPSTREAM_AVAILABLE, name, available);
        let ejected = common.ejected.load(Ordering::Relaxed) as u64;
        to.count(&table::UPSTREAM_PUT_ASIDE, name, ejected);
        to.count(&table::UPSTREAM_CONNECTIONS, name, open);
        to.count(&table::UPSTREAM_IN_FLIGHT, name, calls as u64);
        let waiting = common.queue.waiting() as u64;
        to.count(&table::UPSTREAM_WAITING, name, waiting);
    }
}
