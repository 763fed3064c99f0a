//! Services A and B over gRPC, B with the two services that take streams beside it,
//! each with the standard health service and reflection (v1 and v1alpha). Thin: requests go to [`logic`](crate::logic),
//! which decides; this file only carries. Dispatch is by service name, without
//! a router between the connection and the service.

mod counted;
mod farewell;
mod streams;

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc, time::Duration};

use contract::{
    FILE_DESCRIPTOR_SET, SERVICE_A, SERVICE_B, SERVICE_ECHO, SERVICE_STATISTICS, grpc_timeout,
    pspd::{
        HelloReply, HelloRequest, StreamRequest,
        echo_server::EchoServer,
        service_a_server::{ServiceA, ServiceAServer},
        service_b_server::{ServiceB, ServiceBServer},
        statistics_server::StatisticsServer,
    },
};
use http::HeaderMap;
use server::Stop;
use telemetry::Telemetry;
use tokio::time::Instant;
use tonic::{Request, Response, Status, body::Body, server::NamedService};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower_service::Service;

use crate::{
    Limits,
    logic::{Sequence, greeting},
    numbers::Numbers,
};
pub use counted::Counted;
use counted::Inbound;
use farewell::Farewell;
use streams::Streams;

/// What an operator sets for a gRPC service.
#[derive(Debug, Clone)]
pub struct Options {
    /// The most that one request may ask of service B.
    pub limits: Limits,
    /// Bytes of one request message; a larger one is `OUT_OF_RANGE`.
    pub message_bytes_max: usize,
}

type Answer = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;
type Call = Arc<dyn Fn(http::Request<Inbound>) -> Answer + Send + Sync>;

/// A gRPC server: the services it has, by full name.
#[derive(Clone)]
pub struct Grpc {
    services: Arc<[(&'static str, Call)]>,
    health: Health,
    stop: Stop,
}

/// The health that callers see; kept to say that the process stops.
#[derive(Clone)]
pub struct Health {
    services: Vec<&'static str>,
    reporter: HealthReporter,
}

impl Grpc {
    /// The server of service A.
    ///
    /// # Errors
    ///
    /// When the compiled-in descriptors cannot be read.
    pub async fn service_a(
        options: &Options,
        stop: Stop,
    ) -> Result<Self, tonic_reflection::server::Error> {
        let service = ServiceAServer::new(A).max_decoding_message_size(options.message_bytes_max);
        Self::with(vec![(SERVICE_A, call(service))], stop).await
    }

    /// The server of service B, and of `Statistics` and `Echo` beside it.
    ///
    /// # Errors
    ///
    /// When the compiled-in descriptors cannot be read.
    pub async fn service_b(
        options: &Options,
        stop: Stop,
    ) -> Result<Self, tonic_reflection::server::Error> {
        let service = ServiceBServer::new(B {
            limits: options.limits,
        })
        .max_decoding_message_size(options.message_bytes_max);
        let streams = Arc::new(Streams {
            messages_max: options.limits.count_max,
        });
        let statistics = StatisticsServer::from_arc(Arc::clone(&streams))
            .max_decoding_message_size(options.message_bytes_max);
        let echo =
            EchoServer::from_arc(streams).max_decoding_message_size(options.message_bytes_max);
        let services = vec![
            (SERVICE_B, call(service)),
            (SERVICE_STATISTICS, call(statistics)),
            (SERVICE_ECHO, call(echo)),
        ];
        Self::with(services, stop).await
    }

    async fn with(
        mut services: Vec<(&'static str, Call)>,
        stop: Stop,
    ) -> Result<Self, tonic_reflection::server::Error> {
        let names: Vec<_> = services.iter().map(|(name, _)| *name).collect();
        let (reporter, health) = tonic_health::server::health_reporter();
        for name in &names {
            reporter
                .set_service_status(name, ServingStatus::Serving)
                .await;
        }
        let reflection = || {
            let builder = tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .with_service_name("grpc.health.v1.Health");
            names
                .iter()
                .copied()
                .fold(builder, |builder, name| builder.with_service_name(name))
        };
        services.extend([
            named(health),
            named(reflection().build_v1()?),
            named(reflection().build_v1alpha()?),
        ]);
        Ok(Grpc {
            services: services.into(),
            health: Health {
                services: names,
                reporter,
            },
            stop,
        })
    }

    /// The same, for one worker, whose calls `telemetry` tells.
    #[must_use]
    pub fn counted(&self, telemetry: &Telemetry) -> Counted {
        Counted::of(self.clone(), telemetry)
    }

    /// The handle that says to health watchers that the process stops.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }
}

impl Health {
    /// Tells watchers, when the role leaves, that nothing is served any more, and ends
    /// their streams when it stops: they would keep it waiting.
    pub async fn follow(mut self, stop: Stop) {
        self.services.push("");
        tokio::select! {
            biased;
            () = stop.leaving() => {
                for service in &self.services {
                    self.reporter
                        .set_service_status(service, ServingStatus::NotServing)
                        .await;
                }
                stop.begun().await;
            }
            () = stop.begun() => {}
        }
        for service in &self.services {
            self.reporter.clear_service_status(service).await;
        }
    }
}

impl Grpc {
    async fn answer(&self, request: http::Request<Inbound>) -> http::Response<Farewell> {
        if timeout(request.headers()).is_err() {
            let status = Status::invalid_argument(
                "grpc-timeout cannot be read; send at most 8 digits and one of H, M, S, m, u, n",
            );
            return Farewell::of(status.into_http(), &self.stop);
        }
        let path = request.uri().path();
        let service = path
            .strip_prefix('/')
            .and_then(|path| path.split('/').next());
        match self
            .services
            .iter()
            .find(|(name, _)| Some(*name) == service)
        {
            Some((_, call)) => farewell::answered(call(request), &self.stop).await,
            None => {
                let known: Vec<_> = self.services.iter().map(|(name, _)| *name).collect();
                let known = known.join(", ");
                let message = format!("no service serves {path}; this process has {known}");
                Farewell::of(Status::unimplemented(message).into_http(), &self.stop)
            }
        }
    }
}

fn named<S>(service: S) -> (&'static str, Call)
where
    S: NamedService + GeneratedService,
{
    (S::NAME, call(service))
}

fn call(service: impl GeneratedService) -> Call {
    Arc::new(move |request| service.clone().call(request))
}

/// What the generated servers have in common.
trait GeneratedService:
    Service<
        http::Request<Inbound>,
        Response = http::Response<Body>,
        Error = Infallible,
        Future = Answer,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> GeneratedService for S where
    S: Service<
            http::Request<Inbound>,
            Response = http::Response<Body>,
            Error = Infallible,
            Future = Answer,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

struct A;

#[tonic::async_trait]
impl ServiceA for A {
    async fn say_hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloReply>, Status> {
        let message = greeting(&request.get_ref().name);
        Ok(Response::new(HelloReply { message }))
    }
}

struct B {
    limits: Limits,
}

#[tonic::async_trait]
impl ServiceB for B {
    type StreamNumbersStream = Numbers;

    async fn stream_numbers(
        &self,
        request: Request<StreamRequest>,
    ) -> Result<Response<Numbers>, Status> {
        let deadline = deadline(&request);
        let StreamRequest { count, delay_ms } = *request.get_ref();
        let sequence = Sequence::requested(count, delay_ms, &self.limits)
            .map_err(|beyond| Status::invalid_argument(beyond.to_string()))?;
        Ok(Response::new(Numbers::new(sequence, deadline)))
    }
}

/// When the caller gives up, if it says so.
fn deadline<T>(request: &Request<T>) -> Option<Instant> {
    let timeout = timeout(request.metadata().as_ref()).unwrap_or_default();
    // Beyond what the clock can express there is no deadline.
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// How long the caller waits, if it says so; an error when that cannot be read.
fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, ()> {
    let Some(value) = headers.get(grpc_timeout::GRPC_TIMEOUT) else {
        return Ok(None);
    };
    let timeout = value.to_str().ok().and_then(grpc_timeout::parse);
    timeout.map(Some).ok_or(())
}
