//! `grpc.health.v1` on the administration endpoint, for probes that speak gRPC where the
//! role's own port asks for a certificate or serves none of it. In: a service's name; out:
//! whether the role lives (`liveness`) or can do its work (`readiness`, or no name). Of
//! anything else it knows nothing, and says so.

use std::time::Duration;

use tokio::sync::mpsc::{self, error::SendError};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_server::Health,
};

use super::Admin;

/// Where the service is.
pub(super) const PATH: &str = "/grpc.health.v1.Health/";
/// Bytes of a question.
pub(super) const QUESTION_BYTES_MAX: usize = 4096;
/// How often a client that watches is told when something has changed.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// What can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Liveness,
    Readiness,
}

impl Asked {
    fn about(service: &str) -> Option<Asked> {
        match service {
            "" | "readiness" => Some(Asked::Readiness),
            "liveness" => Some(Asked::Liveness),
            _ => None,
        }
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

impl Admin {
    async fn serving(&self, asked: Option<Asked>) -> ServingStatus {
        match asked {
            None => ServingStatus::ServiceUnknown,
            Some(Asked::Liveness) => ServingStatus::Serving,
            Some(Asked::Readiness) => match self.readiness().await.ready {
                true => ServingStatus::Serving,
                false => ServingStatus::NotServing,
            },
        }
    }

    /// Tells each change, the first status at once, until nobody listens or the role stops.
    async fn tell_changes(
        self,
        asked: Option<Asked>,
        told: mpsc::Sender<Result<HealthCheckResponse, Status>>,
    ) -> Result<(), SendError<Result<HealthCheckResponse, Status>>> {
        let mut last = None;
        while !self.stop.has_begun() {
            let status = self.serving(asked).await;
            if last.replace(status) != Some(status) {
                told.send(Ok(answer(status))).await?;
            }
            tokio::select! {
                () = tokio::time::sleep(WATCH_EVERY) => {}
                () = self.stop.leaving(), if !self.stop.is_leaving() => {}
                () = self.stop.begun() => {}
                () = told.closed() => break,
            }
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl Health for Admin {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        match self.serving(Asked::about(&service)).await {
            ServingStatus::ServiceUnknown => Err(Status::not_found(format!(
                "nothing is known of {service:?}; ask for \"liveness\", \"readiness\", or \"\", \
                 which is the same"
            ))),
            status => Ok(Response::new(answer(status))),
        }
    }

    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let asked = Asked::about(&request.into_inner().service);
        let (told, changes) = mpsc::channel(1);
        let watched = self.clone();
        // It ends with the client, which it looks for at each change and each second.
        tokio::spawn(watched.tell_changes(asked, told));
        Ok(Response::new(ReceiverStream::new(changes)))
    }
}
