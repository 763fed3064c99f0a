//! The routes of everything that the upstreams describe, as one immutable table.
//! Built at start, and again when a description changes; requests that are under
//! way keep the table that they began with.

mod build;
mod endpoint;

use std::sync::Arc;

use http::Method;
use routing::{Found, NotFound, Router};

pub(crate) use build::{Described, build};
pub(crate) use endpoint::{Answer, BodyPlan, Endpoint, Kind, Received};

/// Every route, ready to be looked up.
pub(crate) struct Table {
    router: Router<Arc<Endpoint>>,
    /// As error messages and `pspd gateway check` list them.
    routes: Vec<Arc<Listed>>,
    /// Upstreams that have not described themselves yet.
    undescribed: Vec<Arc<str>>,
    /// Methods that have no route, and why.
    left_out: Vec<String>,
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
    /// Whether it answers with one message or with a stream.
    pub streaming: bool,
    /// Name of the upstream that serves it.
    pub upstream: Arc<str>,
    /// Where the rule is written.
    pub origin: String,
}

impl Table {
    pub(crate) fn find<'p>(
        &self,
        method: &Method,
        path: &'p str,
    ) -> Result<Found<'_, 'p, Arc<Endpoint>>, NotFound> {
        self.router.find(method, path)
    }

    pub(crate) fn routes(&self) -> &[Arc<Listed>] {
        &self.routes
    }

    pub(crate) fn undescribed(&self) -> &[Arc<str>] {
        &self.undescribed
    }

    pub(crate) fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

#[cfg(test)]
mod tests;
