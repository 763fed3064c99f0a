//! Watches the health service of one endpoint (`grpc.health.v1.Health/Watch`) and says
//! so to its standing. A server without one is taken to be well; one that breaks the
//! watch off is not, until it has answered again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::uri::PathAndQuery;
use tokio::time::{Instant, sleep};

use super::{call, endpoint::Standing, link::Link};
use crate::respond::{Code, UpstreamFailure};

const WATCH: &str = "/grpc.health.v1.Health/Watch";
/// A `HealthCheckRequest` about the server as a whole, framed.
const REQUEST: Bytes = Bytes::from_static(&[0, 0, 0, 0, 0]);
/// A `HealthCheckResponse` that says `SERVING`.
const SERVING: &[u8] = &[8, 1];
/// Bytes of an answer, which is a number.
const ANSWER_BYTES_MAX: usize = 64;
/// How soon it is asked again, doubled while that fails.
const AGAIN_MIN: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(30);
/// A watch has no end of its own; this one is further away than any process.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How a watch ended.
enum Ended {
    /// There is no health service.
    Unimplemented,
    /// After the first answer.
    After,
    /// Without one.
    Before,
}

/// Watches for as long as it is polled.
pub(super) async fn watch(links: Vec<Arc<Link>>, standing: Arc<Standing>) {
    let mut again = AGAIN_MIN;
    loop {
        let link = opened(&links, &standing).await;
        // A server that says goodbye ends with its last call, which must not be this one.
        let ended = tokio::select! {
            ended = follow(&link, &standing) => ended,
            () = closed(&link, &standing) => Ended::After,
        };
        match ended {
            Ended::Unimplemented => {
                standing.set_well(true);
                // Asked again when the connection is another: so may be the server.
                closed(&link, &standing).await;
            }
            Ended::After => again = AGAIN_MIN,
            Ended::Before => {}
        }
        sleep(again).await;
        again = (again * 2).min(AGAIN_MAX);
    }
}

/// One watch from its beginning to its end.
async fn follow(link: &Arc<Link>, standing: &Arc<Standing>) -> Ended {
    let mut ended = Ended::Before;
    let method = PathAndQuery::from_static(WATCH);
    let Some(place) = link.take(Instant::now() + FOREVER) else {
        // Calls have taken all the room; that says nothing of its health.
        return ended;
    };
    let watched = async {
        let request = call::bare_request(standing, &method);
        let (_sending, answering) =
            call::send(place, request, Some(&REQUEST), ANSWER_BYTES_MAX).await?;
        let mut messages = answering.messages().await?;
        while let Some(message) = messages.next().await? {
            ended = Ended::After;
            standing.set_well(message == SERVING);
        }
        Ok::<_, UpstreamFailure>(())
    };
    match watched.await {
        Err(UpstreamFailure::Status {
            code: Code::Unimplemented,
            ..
        }) => return Ended::Unimplemented,
        Ok(()) | Err(_) => standing.set_well(false),
    }
    ended
}

/// Waits for an open connection.
async fn opened(links: &[Arc<Link>], standing: &Standing) -> Arc<Link> {
    loop {
        let changed = standing.common.changed.notified();
        let mut changed = std::pin::pin!(changed);
        changed.as_mut().enable();
        if let Some(link) = links.iter().find(|link| link.has_room()) {
            return Arc::clone(link);
        }
        changed.await;
    }
}

/// Waits until a connection is lost.
async fn closed(link: &Link, standing: &Standing) {
    loop {
        let changed = standing.common.changed.notified();
        let mut changed = std::pin::pin!(changed);
        changed.as_mut().enable();
        if !link.is_open() {
            return;
        }
        changed.await;
    }
}
