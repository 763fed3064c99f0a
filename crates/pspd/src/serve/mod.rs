//! `pspd serve ROLE`: one role in the foreground until it is told to stop; then
//! it refuses new connections, finishes what is in flight and exits 0.

mod certificates;
#[cfg(target_os = "linux")]
mod handover;
mod hang_up;
mod logging;
mod ready;
mod reload;
mod roles;
mod stop;
mod succession;

use std::{net::TcpListener, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command};
use contract::Role;
use server::{Drained, Stop, listener};
use telemetry::{
    Telemetry,
    traces::{Exporter, Scheme},
};

use certificates::Certificates;
use hang_up::HangUps;
use logging::LogLevel;
use reload::{Read, Source};
use roles::{Followed, Ports};
use succession::Succession;

use crate::{
    config::{self, Common, RoleConfig},
    exit::Usage,
};

/// How long the last spans may take to reach the collector at a stop.
const SPANS_FINISH: Duration = Duration::from_secs(3);

const READY_FILE: &str = "ready-file";
const STOP_WITH_STDIN: &str = "stop-with-stdin";

pub(crate) fn command() -> Command {
    let roles = Role::ALL.into_iter().map(|role| {
        Command::new(role.name())
            .about(about(role))
            .args(config::args(role))
            .arg(
                Arg::new(READY_FILE)
                    .long(READY_FILE)
                    .value_name("FILE")
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("Written, as JSON with the addresses, once the role listens"),
            )
            .arg(
                Arg::new(STOP_WITH_STDIN)
                    .long(STOP_WITH_STDIN)
                    .action(ArgAction::SetTrue)
                    .help("Also stop when standard input ends, as it does with the parent"),
            )
    });
    Command::new("serve")
        .about("Run one role in the foreground")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(roles)
}

fn about(role: Role) -> &'static str {
    match role {
        Role::A => "Service A: a unary greeting over gRPC",
        Role::B => "Service B: streams over gRPC (numbers, statistics, echo)",
        Role::ARest => "Service A-REST: the greeting over HTTP/1.1 JSON",
        Role::BRest => "Service B-REST: the numbers over HTTP/1.1 JSON",
        Role::Gateway => "Gateway P: web page and HTTP to gRPC",
        Role::GatewayRest => "Gateway P-REST: web page and HTTP to REST",
    }
}

pub(crate) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let (role, matches) = matches
        .subcommand()
        .ok_or_else(|| Usage::new("no role given; see `pspd serve --help`"))?;
    let role: Role = role.parse()?;
    let source = Source::of(role, matches);
    let config = config::load(role, matches)?;
    let level = logging::start(&config.common)?;
    if let Some(limit) = server::raise_file_descriptor_limit()
        && limit < config.serving.connections_max as u64
    {
        tracing::warn!(
            limit,
            connections_max = config.serving.connections_max,
            "the limit on open files is below --connections-max; raise it (ulimit -n)"
        );
    }

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ready_file = matches.get_one::<PathBuf>(READY_FILE);
    let stop_with_stdin = matches.get_flag(STOP_WITH_STDIN);
    runtime.block_on(serve(config, source, level, ready_file, stop_with_stdin))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(
    config: RoleConfig,
    source: Source,
    level: LogLevel,
    ready_file: Option<&PathBuf>,
    stop_with_stdin: bool,
) -> anyhow::Result<()> {
    let RoleConfig {
        role,
        common,
        serving,
        work,
        fixed,
        files,
        told: _,
    } = config;
    let (listener, admin, succession) = ports(role, &common)?;
    let address = listener.local_addr()?;
    let admin_address = admin.local_addr()?;

    let telemetry = Telemetry::new(role.name(), env!("CARGO_PKG_VERSION"), common.metrics);
    let exporter = match &common.traces {
        None => None,
        Some(settings) => {
            let version = env!("CARGO_PKG_VERSION");
            let scheme = match serving.tls {
                Some(_) => Scheme::Https,
                None => Scheme::Http,
            };
            let started = Exporter::start(settings, role.name(), version, scheme);
            let (traces, exporter) = started.map_err(|cannot| Usage::new(cannot.to_string()))?;
            telemetry.trace(traces);
            Some(exporter)
        }
    };
    let certificates = Arc::new(Certificates);
    telemetry.ask(&certificates);
    let serving = server::Options {
        telemetry: telemetry.clone(),
        ..serving
    };
    let stop = Stop::new();
    let delay = common.succession.drain_delay;
    stop::on_signal(stop.clone(), delay, stop_with_stdin)?;
    let ready_file = ready_file.cloned();
    let announce = move || {
        tracing::info!(role = role.name(), %address, admin = %admin_address, "listening");
        match ready_file {
            Some(path) => ready::write(&path, role, address, admin_address),
            None => Ok(()),
        }
    };

    let ports = Ports {
        role,
        serving,
        listener,
        admin,
        admin_tls: common.admin_tls,
        stop,
        telemetry: telemetry.clone(),
        succession,
        announce: Box::new(announce),
    };
    let followed = Followed {
        source,
        read: Read {
            fixed,
            files,
            level,
        },
        reloads: telemetry.reloads(),
        hang_ups: HangUps::listen().context("cannot listen for SIGHUP")?,
    };
    let drained = roles::run(work, followed, ports).await?;
    drop(certificates);
    if let Some(exporter) = exporter {
        exporter.finish(SPANS_FINISH);
    }
    let Drained { late, abandoned } = drained;
    match late {
        0 => tracing::info!(role = role.name(), "stopped"),
        late => tracing::warn!(
            role = role.name(),
            late,
            abandoned,
            "stopped; some connections had not finished in time (--drain-timeout)"
        ),
    }
    Ok(())
}

/// The ports, taken over from a process that runs or bound.
fn ports(role: Role, common: &Common) -> anyhow::Result<(TcpListener, TcpListener, Succession)> {
    let succession = Succession::of(role, common)?;
    if let Some((listener, admin)) = succession.received()? {
        return Ok((listener, admin, succession));
    }
    let listener = listener::bind(common.host, common.port)
        .with_context(|| format!("{role} cannot start (--port)"))?;
    let admin = listener::bind(common.admin_host, common.admin_port)
        .with_context(|| format!("{role} cannot start (--admin-port)"))?;
    Ok((listener, admin, succession))
}
