//! Whether the services behind the gateway are well: what they have said of it lately,
//! and, over gRPC, how they are asked, by the standard health service; one that does
//! not exist still shows that the server answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, uri::PathAndQuery};
use server::{
    RequestId,
    admin::{Check, Endpoint, Readiness},
};
use tokio::{sync::Mutex, time::Instant};

use super::{READINESS_TIMEOUT, in_time};
use crate::{
    respond::{Code, Problem, UpstreamFailure},
    services::HeaderRules,
    upstream::grpc::{Metadata, Upstream},
};

const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
/// How long what the services said of themselves is taken to hold.
const HOLDS_FOR: Duration = Duration::from_secs(1);

/// What the services have said of themselves, and when.
#[derive(Default)]
pub(super) struct Known(Mutex<Option<(Instant, Readiness)>>);

impl Known {
    /// Asks at most once in [`HOLDS_FOR`], however many want to know.
    pub(super) async fn or(&self, ask: impl Future<Output = Readiness>) -> Readiness {
        let mut known = self.0.lock().await;
        match &*known {
            Some((asked, readiness)) if asked.elapsed() < HOLDS_FOR => readiness.clone(),
            _ => {
                let fresh = ask.await;
                *known = Some((Instant::now(), fresh.clone()));
                fresh
            }
        }
    }
}

/// Asks every upstream; those that have not described themselves are not ready.
pub(super) async fn of(upstreams: &[Arc<Upstream>], undescribed: &[Arc<str>]) -> Readiness {
    let mut asked = tokio::task::JoinSet::new();
    for (index, upstream) in upstreams.iter().enumerate() {
        let upstream = Arc::clone(upstream);
        asked.spawn(async move { (index, check(&upstream).await) });
    }
    let mut checks = asked.join_all().await;
    checks.sort_by_key(|(index, _)| *index);
    let checks = checks.into_iter().map(|(_, mut check)| {
        if check.problem.is_none() && undescribed.iter().any(|name| **name == *check.name) {
            check.problem = Some("has not described its services yet".to_owned());
        }
        check
    });
    Readiness::of(checks.collect())
}

async fn check(upstream: &Upstream) -> Check {
    let deadline = Instant::now() + READINESS_TIMEOUT;
    let asked = in_time(upstream.name(), READINESS_TIMEOUT, async {
        let metadata = Metadata {
            id: &RequestId::random(),
            headers: &HeaderMap::new(),
            rules: &HeaderRules::default(),
            deadline,
            rpc: None,
            trace: None,
        };
        let empty = Bytes::from_static(&[0, 0, 0, 0, 0]);
        let asked = async {
            let method = PathAndQuery::from_static(HEALTH_CHECK);
            let mut messages = upstream.call(&method, &empty, &metadata).await?;
            messages.only().await
        };
        asked
            .await
            .map_err(|failure| Problem::upstream(upstream.name(), failure))
    })
    .await;
    let problem = match asked {
        // HealthCheckResponse { status: SERVING }
        Ok(message) if message[..] == [8, 1] => None,
        Ok(_) => Some("says that it is not serving".to_owned()),
        Err(Problem::Upstream {
            failure:
                UpstreamFailure::Status {
                    code: Code::Unimplemented,
                    ..
                },
            ..
        }) => None,
        Err(problem) => problem.log_message(),
    };
    let endpoints: Vec<_> = upstream
        .endpoints()
        .into_iter()
        .map(|endpoint| Endpoint {
            address: endpoint.address,
            problem: endpoint.problem,
        })
        .collect();
    Check {
        name: upstream.name().to_string(),
        address: Some(upstream.addresses()),
        problem,
        endpoints: match endpoints.len() {
            0 | 1 => Vec::new(),
            _ => endpoints,
        },
    }
}
