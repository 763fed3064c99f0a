//! What each role does on its two ports: its own work, and the administration
//! endpoint beside it.

use std::{io, net::TcpListener, num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use contract::Role;
use gateway::{
    Catalog, Common, Gateway,
    access_log::{self, AccessLog},
};
use server::{
    Drained, Handler, Http1, Http2, Options, Protocol, Stop,
    admin::{Admin, Probe, Readiness},
};
use services::{grpc::Grpc, rest::Rest};
use telemetry::{Reloads, Telemetry};
use tokio::sync::watch;

use super::{
    hang_up::HangUps,
    reload::{Read, Running, Source},
    succession::Succession,
};
use crate::{config::Work, exit::Usage};

/// How long the last access log lines may take to be written at a stop.
const LOG_FINISH: Duration = Duration::from_secs(1);

/// The two ports of a role, bound, and how they are served.
pub(super) struct Ports {
    pub(super) role: Role,
    pub(super) serving: Options,
    pub(super) listener: TcpListener,
    pub(super) admin: TcpListener,
    /// What encrypts the administration endpoint.
    pub(super) admin_tls: Option<tls::Acceptor>,
    pub(super) telemetry: Telemetry,
    pub(super) stop: Stop,
    /// Whose ports they were, and whose they will be.
    pub(super) succession: Succession,
    /// Says that the role listens, once it can do its work.
    pub(super) announce: Box<dyn FnOnce() -> Result<()>>,
}

/// The configuration, which is read anew when it changes or SIGHUP comes.
pub(super) struct Followed {
    pub(super) source: Source,
    pub(super) read: Read,
    pub(super) hang_ups: HangUps,
    /// Where it is counted what became of it.
    pub(super) reloads: Arc<Reloads>,
}

impl Followed {
    fn by(self, running: Running) {
        let Followed {
            mut source,
            read,
            hang_ups,
            reloads,
        } = self;
        source.look_at(read.files.iter().map(PathBuf::as_path));
        tokio::spawn(source.follow(read, running, hang_ups, reloads));
    }
}

/// Does the role's work until it is told to stop and its requests have finished. What
/// is `followed` is taken up when it changes, but for the settings that are fixed.
pub(super) async fn run(work: Work, mut followed: Followed, ports: Ports) -> Result<Drained> {
    match work {
        Work::A(options) => {
            let service = Grpc::service_a(&options, ports.stop.clone()).await?;
            tokio::spawn(service.health().follow(ports.stop.clone()));
            followed.by(Running::Service);
            let telemetry = ports.telemetry.clone();
            let make = move || service.counted(&telemetry);
            ports.serve(make, always_ready()).await
        }
        Work::B(options) => {
            let service = Grpc::service_b(&options, ports.stop.clone()).await?;
            tokio::spawn(service.health().follow(ports.stop.clone()));
            followed.by(Running::Service);
            let telemetry = ports.telemetry.clone();
            let make = move || service.counted(&telemetry);
            ports.serve(make, always_ready()).await
        }
        Work::ARest => {
            let service = Rest::service_a(ports.stop.clone());
            followed.by(Running::Service);
            let telemetry = ports.telemetry.clone();
            let make = move || service.counted(&telemetry);
            ports.serve(make, always_ready()).await
        }
        Work::BRest(limits) => {
            let service = Rest::service_b(limits, ports.stop.clone());
            followed.by(Running::Service);
            let telemetry = ports.telemetry.clone();
            let make = move || service.counted(&telemetry);
            ports.serve(make, always_ready()).await
        }
        Work::Gateway(plan, log) => {
            followed.source.look_at(plan.services.files());
            let catalog = Catalog::open(*plan, ports.telemetry.clone()).await;
            let catalog = catalog.map_err(|problems| Usage::new(problems.to_string()))?;
            followed.by(Running::Gateway(catalog.clone()));
            let make = move |common| Gateway::grpc(&catalog, common);
            serve_gateway(log, make, ports).await
        }
        Work::GatewayRest(plan, log) => {
            let (sender, plans) = watch::channel(Arc::from(plan));
            followed.by(Running::GatewayRest(sender));
            let make = move |common| Gateway::rest(plans.clone(), common);
            serve_gateway(log, make, ports).await
        }
    }
}

async fn serve_gateway(
    log: access_log::Format,
    make: impl Fn(Common) -> Gateway + Send + Clone + 'static,
    ports: Ports,
) -> Result<Drained> {
    let (log, writer) =
        AccessLog::start(log, io::stdout()).context("cannot start the access log")?;
    let common = Common::new(log, ports.telemetry.clone(), ports.stop.clone());
    // The administration endpoint asks over connections of its own.
    let own = make(common.clone());
    let probe: Probe = Arc::new(move || {
        let own = own.clone();
        Box::pin(async move { own.readiness().await })
    });
    let drained = ports.serve(move || make(common.clone()), probe).await;
    writer.finish(LOG_FINISH);
    drained
}

impl Ports {
    /// Serves both ports. The administration endpoint goes on until the last
    /// request of the other one has finished, and says that the role is stopping.
    async fn serve<H: Handler>(
        self,
        make: impl Fn() -> H + Send + Clone + 'static,
        probe: Probe,
    ) -> Result<Drained> {
        let Ports {
            role,
            serving,
            listener,
            admin,
            admin_tls,
            stop,
            telemetry,
            succession,
            announce,
        } = self;
        let sockets = [&listener, &admin];
        succession.happen(sockets, &probe, &stop).await?;
        announce()?;
        let endpoint = Admin::new(
            role.name(),
            env!("CARGO_PKG_VERSION"),
            probe,
            telemetry,
            stop.clone(),
        );
        let options = Options {
            protocol: Protocol::Either(Http1::default(), probes()),
            tls: admin_tls,
            workers: NonZeroUsize::MIN,
            connections_max: 64,
            write_stall_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(1),
            // What asks is not counted with what is asked about.
            telemetry: Telemetry::off(),
        };
        let finished = Stop::new();
        let beside = server::run(admin, options, move || endpoint.clone(), finished.clone());
        let handed_over = async {
            stop.begun().await;
            if !stop.is_leaving() {
                // Who asks now is the successor's to answer.
                finished.begin();
            }
            Ok(())
        };
        let main = async {
            let drained = server::run(listener, serving, make, stop.clone()).await;
            finished.begin();
            drained
        };
        let (drained, _, ()) =
            tokio::try_join!(main, beside, handed_over).context("cannot serve")?;
        Ok(drained)
    }
}

/// HTTP/2 as those use it who ask for health over gRPC.
fn probes() -> Http2 {
    Http2 {
        concurrent_streams_max: 16,
        connection_window_bytes: 64 * 1024,
        stream_window_bytes: 64 * 1024,
        ..Http2::default()
    }
}

/// A service that depends on nothing is ready when it answers.
fn always_ready() -> Probe {
    Arc::new(|| Box::pin(async { Readiness::of(Vec::new()) }))
}
