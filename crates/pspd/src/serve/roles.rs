//! What each role does on its two ports: its own work, and the administration
//! endpoint beside it.

use std::{
    future::Future,
    io,
    net::TcpListener,
    num::NonZeroUsize,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use anyhow::{Context, Result};
use contract::Role;
use gateway::{Common, Gateway, access_log::AccessLog};
use server::{
    CancellationToken, Drained, Http1, Options, Protocol,
    admin::{Admin, Probe, Readiness},
};
use services::{grpc::Grpc, rest::Rest};

use crate::config::{GatewayConfig, Work};

/// How long the last access log lines may take to be written at a stop.
const LOG_FINISH: Duration = Duration::from_secs(1);

/// Runs `role` until `stop` is cancelled and its requests have finished.
pub(super) async fn run(
    role: Role,
    work: Work,
    serving: Options,
    listener: TcpListener,
    admin: TcpListener,
    stop: CancellationToken,
) -> Result<Drained> {
    let admin = |probe| serve_admin(role, admin, probe, stop.clone());
    let drained = match work {
        Work::A(options) => {
            let service = Grpc::service_a(&options).await?;
            end_health_with(&service, &stop);
            let served = server::run(listener, serving, move || service.clone(), stop.clone());
            beside(served, admin(always_ready())).await
        }
        Work::B(options) => {
            let service = Grpc::service_b(&options).await?;
            end_health_with(&service, &stop);
            let served = server::run(listener, serving, move || service.clone(), stop.clone());
            beside(served, admin(always_ready())).await
        }
        Work::ARest => {
            let service = Rest::service_a();
            let served = server::run(listener, serving, move || service.clone(), stop.clone());
            beside(served, admin(always_ready())).await
        }
        Work::BRest(limits) => {
            let service = Rest::service_b(limits);
            let served = server::run(listener, serving, move || service.clone(), stop.clone());
            beside(served, admin(always_ready())).await
        }
        Work::Gateway(config, [a, b]) => {
            let make = move |common| Gateway::grpc(a.clone(), b.clone(), common);
            serve_gateway(config, make, serving, listener, admin, &stop).await?
        }
        Work::GatewayRest(config, [a, b]) => {
            let make = move |common| Gateway::rest(a.clone(), b.clone(), common);
            serve_gateway(config, make, serving, listener, admin, &stop).await?
        }
    };
    drained.context("cannot serve")
}

async fn serve_gateway<A: Future<Output = io::Result<Drained>>>(
    config: GatewayConfig,
    make: impl Fn(Common) -> Gateway + Send + Clone + 'static,
    serving: Options,
    listener: TcpListener,
    admin: impl FnOnce(Probe) -> A,
    stop: &CancellationToken,
) -> Result<io::Result<Drained>> {
    let (log, writer) =
        AccessLog::start(config.access_log, io::stdout()).context("cannot start the access log")?;
    let common = Common {
        settings: config.settings,
        log,
        in_flight: Arc::new(AtomicUsize::new(0)),
    };
    // The administration endpoint asks over connections of its own.
    let own = make(common.clone());
    let probe: Probe = Arc::new(move || {
        let own = own.clone();
        Box::pin(async move { own.readiness().await })
    });
    let make = move || make(common.clone());
    let served = server::run(listener, serving, make, stop.clone());
    let drained = beside(served, admin(probe)).await;
    writer.finish(LOG_FINISH);
    Ok(drained)
}

fn serve_admin(
    role: Role,
    listener: TcpListener,
    probe: Probe,
    stop: CancellationToken,
) -> impl Future<Output = io::Result<Drained>> {
    let admin = Admin::new(role.name(), env!("CARGO_PKG_VERSION"), probe, stop.clone());
    let options = Options {
        protocol: Protocol::Http1(Http1::default()),
        workers: NonZeroUsize::MIN,
        connections_max: 64,
        write_stall_timeout: Duration::from_secs(10),
        drain_timeout: Duration::from_secs(1),
    };
    server::run(listener, options, move || admin.clone(), stop)
}

/// Runs both ports; the main one decides how the stop went.
async fn beside(
    main: impl Future<Output = io::Result<Drained>>,
    admin: impl Future<Output = io::Result<Drained>>,
) -> io::Result<Drained> {
    let (drained, _) = tokio::try_join!(main, admin)?;
    Ok(drained)
}

/// A service that depends on nothing is ready when it answers.
fn always_ready() -> Probe {
    Arc::new(|| Box::pin(async { Readiness::of(Vec::new()) }))
}

/// Ends health watches when the role stops.
fn end_health_with(service: &Grpc, stop: &CancellationToken) {
    let (health, stop) = (service.health(), stop.clone());
    tokio::spawn(async move {
        stop.cancelled().await;
        health.stop().await;
    });
}
