//! The story of each route, told once for gRPC and once for REST: read the
//! parameters, call the service, give its answer back. Each step is somewhere
//! else ([`transcode`](crate::transcode), [`upstream`](crate::upstream),
//! [`respond`](crate::respond)); here is only their order.

mod grpc;
mod numbers_stream;
mod rest;

use std::time::Duration;

use http::{HeaderMap, Response};
use server::{RequestId, admin::Readiness, query::Query};
use tokio::time::Instant;

pub(crate) use grpc::Grpc;
pub use grpc::Options as GrpcOptions;
pub(crate) use rest::Rest;

use crate::{
    Limits,
    respond::{Body, Problem, UpstreamFailure},
    server::InFlight,
};

/// How long an upstream may take to say that it is well.
const READINESS_TIMEOUT: Duration = Duration::from_secs(1);

/// What lies behind a gateway.
#[allow(clippy::large_enum_variant)] // One exists for each worker.
pub(crate) enum Chain {
    Grpc(Grpc),
    Rest(Rest),
}

impl Chain {
    /// `grpc` or `rest`, as the page knows it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Chain::Grpc(_) => "grpc",
            Chain::Rest(_) => "rest",
        }
    }

    /// Answers `/a/hello`.
    pub(crate) async fn hello(&self, call: Call<'_>) -> Result<Response<Body>, Problem> {
        match self {
            Chain::Grpc(grpc) => grpc.hello(call).await,
            Chain::Rest(rest) => rest.hello(call).await,
        }
    }

    /// Answers `/b/numbers`.
    pub(crate) async fn numbers(&self, call: Call<'_>) -> Result<Response<Body>, Problem> {
        match self {
            Chain::Grpc(grpc) => grpc.numbers(call).await,
            Chain::Rest(rest) => rest.numbers(call).await,
        }
    }

    /// Whether the services answer.
    pub(crate) async fn readiness(&self) -> Readiness {
        match self {
            Chain::Grpc(grpc) => grpc.readiness().await,
            Chain::Rest(rest) => rest.readiness().await,
        }
    }
}

/// A request that passed the limits and has a place in flight.
pub(crate) struct Call<'r> {
    pub(crate) query: Query<'r>,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) id: &'r RequestId,
    pub(crate) limits: &'r Limits,
    pub(crate) in_flight: InFlight,
}

/// Waits for `call` until `limit` from now, which it is told.
async fn in_time<T>(
    service: &'static str,
    limit: Duration,
    call: impl AsyncFnOnce(Instant) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let deadline = Instant::now() + limit;
    match tokio::time::timeout_at(deadline, call(deadline)).await {
        Ok(done) => done,
        Err(_) => Err(timed_out(service, limit)),
    }
}

fn timed_out(service: &'static str, limit: Duration) -> Problem {
    let failure = UpstreamFailure::TimedOut {
        millis: limit.as_millis(),
    };
    Problem::Upstream { service, failure }
}
