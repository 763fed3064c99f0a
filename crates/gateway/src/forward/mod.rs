//! The story of a request, told once for gRPC and once for REST: read what was
//! asked, call the service, give its answer back. Each step is somewhere else
//! ([`table`](crate::table), [`upstream`](crate::upstream),
//! [`respond`](crate::respond)); here is only their order.

mod body;
mod current;
mod gather;
mod grpc;
mod many;
mod readiness;
mod rest;
mod rpc;
mod served;
mod socket;
mod stream;
mod upload;

use std::{sync::Arc, time::Duration};

use http::{Response, header, request::Parts};
use http_body::Body as _;
use hyper::body::Incoming;
use server::{RequestId, admin::Readiness};

pub(crate) use current::Current;
pub use grpc::Options as GrpcOptions;
pub use rest::Plan as RestPlan;
pub(crate) use rest::Rest;
pub(crate) use rpc::Spoken;
#[cfg(any(test, feature = "fuzzing"))]
pub use rpc::fuzzing;
pub(crate) use served::Served;

use crate::{
    Cors, Limits, Settings,
    access_log::Entry,
    docs::Docs,
    respond::{Body, Problem, UpstreamFailure},
    routes::{self, Pages},
    server::InFlight,
    services::ErrorStyle,
};

/// How long an upstream may take to say that it is well.
const READINESS_TIMEOUT: Duration = Duration::from_secs(1);

/// What lies behind a gateway.
#[allow(clippy::large_enum_variant)] // One exists for each worker.
pub(crate) enum Chain {
    Grpc(Current<Served>),
    Rest(Current<Rest>),
}

impl Chain {
    /// What a request that begins now is answered with, to its end.
    pub(crate) fn now(&self) -> Now {
        match self {
            Chain::Grpc(grpc) => Now::Grpc(grpc.now()),
            Chain::Rest(rest) => Now::Rest(rest.now()),
        }
    }

    /// `grpc` or `rest`, as the page knows it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Chain::Grpc(_) => "grpc",
            Chain::Rest(_) => "rest",
        }
    }

    /// Whether the services answer.
    pub(crate) async fn readiness(&self) -> Readiness {
        match self {
            Chain::Grpc(grpc) => grpc.now().readiness().await,
            Chain::Rest(rest) => rest.now().readiness().await,
        }
    }
}

/// What lies behind a gateway while one request is answered.
pub(crate) enum Now {
    Grpc(Arc<Served>),
    Rest(Arc<Rest>),
}

impl Now {
    /// The document of what is served, where there is one.
    pub(crate) fn docs(&self) -> Option<&Arc<Docs>> {
        match self {
            Now::Grpc(served) => Some(served.table.docs()),
            Now::Rest(_) => None,
        }
    }

    /// Limits and policies.
    pub(crate) fn settings(&self) -> &Settings {
        match self {
            Now::Grpc(served) => &served.settings,
            Now::Rest(rest) => rest.settings(),
        }
    }

    /// How errors look that belong to no route.
    pub(crate) fn errors(&self) -> ErrorStyle {
        match self {
            Now::Grpc(served) => served.errors(),
            Now::Rest(_) => ErrorStyle::Published,
        }
    }

    /// The protocol of a request that calls a method by its own path.
    pub(crate) fn spoken(&self, head: &Parts) -> Option<Spoken> {
        match self {
            Now::Grpc(served) => served.spoken(head),
            Now::Rest(_) => None,
        }
    }

    /// Which routes the gateway answers itself.
    pub(crate) fn pages(&self) -> Pages {
        match self {
            Now::Grpc(served) => served.pages(),
            Now::Rest(_) => Pages::Laboratory,
        }
    }

    /// The methods of `path`, as the answer to `OPTIONS` lists them; `None` when
    /// that method is a service's, unless a browser asks before a call.
    pub(crate) fn allowed(&self, path: &str, asks: Asks) -> Option<String> {
        match self {
            Now::Grpc(served) => served.allowed(path, asks),
            Now::Rest(_) => Some(routes::ALLOWED.to_owned()),
        }
    }
}

/// Answers a call of a method by its own path. Boxed, so that the requests of routes
/// need no room for it.
pub(crate) async fn call(
    served: &Arc<Served>,
    spoken: Spoken,
    call: Call<'_>,
    body: Incoming,
) -> Result<Response<Body>, Problem> {
    Box::pin(rpc::answer(Arc::clone(served), spoken, call, body)).await
}

/// Who asks `OPTIONS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// A browser, before a call to another origin.
    Preflight,
    Client,
}

/// A request that passed the limits and has a place in flight.
pub(crate) struct Call<'r> {
    pub(crate) head: &'r Parts,
    pub(crate) id: &'r RequestId,
    pub(crate) limits: &'r Limits,
    pub(crate) cors: &'r Cors,
    /// The place. Whatever outlives the request takes it; otherwise the answer keeps it
    /// until its client has it.
    pub(crate) in_flight: &'r mut Option<InFlight>,
    /// Told which route or method it is.
    pub(crate) entry: &'r mut Entry,
}

/// Whether nothing is to be read of `body`: there is none, or its client waits to
/// be asked for it and is not asked.
fn is_unread(head: &Parts, body: &Incoming) -> bool {
    body.is_end_stream() || head.headers.contains_key(header::EXPECT)
}

/// Waits for `answer`, unless the client has `left` before.
async fn while_connected(
    left: impl Future<Output = ()> + Unpin,
    answer: impl Future<Output = Result<Response<Body>, Problem>> + Unpin,
) -> Result<Response<Body>, Problem> {
    tokio::select! {
        biased;
        () = left => Err(Problem::BrokenBody),
        answer = answer => answer,
    }
}

/// Waits for `answer`; a `body` that nothing has use for is read meanwhile.
pub(crate) async fn without_body(
    head: &Parts,
    body: Incoming,
    answer: impl Future<Output = Result<Response<Body>, Problem>>,
) -> Result<Response<Body>, Problem> {
    let answer = Box::pin(answer);
    match is_unread(head, &body) {
        true => answer.await,
        false => while_connected(Box::pin(body::broken_off(body)), answer).await,
    }
}

/// Waits for `call` until `limit` from now.
async fn in_time<T>(
    service: &Arc<str>,
    limit: Duration,
    call: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(limit, call).await {
        Ok(done) => done,
        Err(_) => Err(timed_out(service, limit)),
    }
}

fn timed_out(service: &Arc<str>, limit: Duration) -> Problem {
    let failure = UpstreamFailure::TimedOut {
        millis: limit.as_millis(),
    };
    Problem::upstream(service, failure)
}
