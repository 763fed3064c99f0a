//! The routes of everything that the upstreams describe, as one immutable table.
//! Built at start, and again when a description changes; requests that are under
//! way keep the table that they began with.

mod build;
mod endpoint;
mod method;

use std::{collections::HashMap, sync::Arc};

use prost_reflect::DescriptorPool;
use routing::{Found, NotFound, Router};

use crate::docs::Docs;

pub(crate) use build::{Described, build};
pub(crate) use endpoint::{Answer, BodyPlan, Content, Endpoint, Received};
pub use method::Kind;
pub(crate) use method::{Method, SideEffects};

use crate::upstream::grpc::Traits;

/// Every route, ready to be looked up.
pub(crate) struct Table {
    router: Router<Arc<Endpoint>>,
    /// Every method that is served, by `/package.Service/Method`, whether it has a
    /// route or not.
    methods: HashMap<String, Arc<Method>>,
    /// What the upstreams describe, for tools.
    pools: Vec<DescriptorPool>,
    /// As error messages and `pspd gateway check` list them.
    routes: Vec<Arc<Listed>>,
    /// Upstreams that have not described themselves yet.
    undescribed: Vec<Arc<str>>,
    /// Methods that have no route, and why.
    left_out: Vec<String>,
    docs: Arc<Docs>,
}

/// One route, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// `GET`, or `*` for any.
    pub verb: String,
    /// The path's template.
    pub path: String,
    /// `package.Service.Method`.
    pub rpc: String,
    /// How many messages go each way.
    pub kind: Kind,
    /// Name of the upstream that serves it.
    pub upstream: Arc<str>,
    /// Where the rule is written.
    pub origin: String,
}

impl Table {
    pub(crate) fn find<'p>(
        &self,
        method: &http::Method,
        path: &'p str,
    ) -> Result<Found<'_, 'p, Arc<Endpoint>>, NotFound> {
        self.router.find(method, path)
    }

    /// The route of a path whatever its verb, for a WebSocket, whose handshake is
    /// always `GET`. Of several one whose method takes a stream, then the one for
    /// `GET`, then for `POST`; but one for the verb `WEBSOCKET` before all others.
    pub(crate) fn find_for_socket<'p>(
        &self,
        path: &'p str,
    ) -> Result<Found<'_, 'p, Arc<Endpoint>>, NotFound> {
        let own = http::Method::from_bytes(b"WEBSOCKET").unwrap_or_default();
        let (any, others) = match self.find(&own, path) {
            Ok(found) if found.value.listed.verb == "*" => (Some(found), Vec::new()),
            Err(NotFound::Method { allowed }) => (None, allowed),
            found => return found,
        };
        let known = [http::Method::GET, http::Method::POST];
        let methods = known.iter().chain(&others);
        let mut found: Vec<_> = methods
            .filter_map(|method| self.find(method, path).ok())
            .chain(any)
            .collect();
        let best = found
            .iter()
            .position(|found| found.value.method.kind.takes_many());
        match found.is_empty() {
            true => Err(NotFound::Path),
            false => Ok(found.swap_remove(best.unwrap_or_default())),
        }
    }

    /// The method at `path`, which is `/package.Service/Method`.
    pub(crate) fn method(&self, path: &str) -> Option<&Arc<Method>> {
        self.methods.get(path)
    }

    /// What matters of the methods of one upstream when their calls are made again.
    pub(crate) fn traits(&self, upstream: usize) -> HashMap<String, Traits> {
        let methods = self.methods.iter();
        let own = methods.filter(|(_, method)| method.upstream == upstream);
        own.map(|(path, method)| {
            let traits = Traits {
                idempotent: method.idempotent,
                unary: method.kind == Kind::Unary,
            };
            (path.clone(), traits)
        })
        .collect()
    }

    /// Full names of the services that are served, some more than once.
    pub(crate) fn services(&self) -> impl Iterator<Item = &str> {
        let paths = self.methods.keys();
        paths.filter_map(|path| Some(path.strip_prefix('/')?.split_once('/')?.0))
    }

    /// Index of the upstream that serves a service of this full name.
    pub(crate) fn upstream_of(&self, service: &str) -> Option<usize> {
        let mut methods = self.methods.iter();
        methods.find_map(|(path, method)| {
            let rest = path.strip_prefix('/')?.strip_prefix(service)?;
            rest.starts_with('/').then_some(method.upstream)
        })
    }

    pub(crate) fn pools(&self) -> &[DescriptorPool] {
        &self.pools
    }

    pub(crate) fn routes(&self) -> &[Arc<Listed>] {
        &self.routes
    }

    pub(crate) fn undescribed(&self) -> &[Arc<str>] {
        &self.undescribed
    }

    /// The document of its routes.
    pub(crate) fn docs(&self) -> &Arc<Docs> {
        &self.docs
    }

    pub(crate) fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

#[cfg(test)]
mod tests;
