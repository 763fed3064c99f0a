//! From checked values to the plain structs that each crate takes.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use contract::Role;
use gateway::{
    Compression, Cors, GrpcOptions, Plan, RestPlan, StatusPage, access_log,
    guard::{Guard, Rate, Tokens},
    services::Services,
    upstream,
};
use server::{Http1, Http2, Options, Protocol, listener::Host};
use services::Limits;
use telemetry::{Telemetry, traces};

use super::{LogFormat, Values, encryption, parse};

/// Everything a role needs to run.
pub(crate) struct RoleConfig {
    pub(crate) role: Role,
    pub(crate) common: Common,
    pub(crate) serving: Options,
    pub(crate) work: Work,
    /// The settings that a running role cannot change, as they were given.
    pub(crate) fixed: BTreeMap<&'static str, String>,
    /// Files that settings name, which belong to what was read.
    pub(crate) files: BTreeSet<PathBuf>,
    /// Every setting with where it comes from, for people.
    pub(crate) told: Vec<String>,
}

/// What every role has.
pub(crate) struct Common {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) admin_host: Host,
    pub(crate) admin_port: u16,
    pub(crate) log: tracing::Level,
    pub(crate) log_format: LogFormat,
    pub(crate) metrics: telemetry::Limits,
    /// What encrypts the administration endpoint.
    pub(crate) admin_tls: Option<tls::Acceptor>,
    /// `None` is off.
    pub(crate) traces: Option<traces::Settings>,
    pub(crate) succession: Succession,
}

/// How a role gives way to another process.
pub(crate) struct Succession {
    /// How long it goes on at a stop before it takes nothing new.
    pub(crate) drain_delay: Duration,
    /// Where the ports are handed over.
    pub(crate) handover: Option<PathBuf>,
}

/// What each role does.
pub(crate) enum Work {
    A(services::grpc::Options),
    B(services::grpc::Options),
    ARest,
    BRest(Limits),
    Gateway(Box<Plan>, access_log::Format),
    GatewayRest(Box<RestPlan>, access_log::Format),
}

/// What both gateways have.
struct GatewayConfig {
    settings: gateway::Settings,
    access_log: access_log::Format,
}

/// The largest sizes accepted, in bytes: beyond them a setting is a mistake.
const BYTES_MAX: usize = 1 << 30;
const NUMBER_MAX: usize = 1_000_000;

const ACCESS_LOG: &str = "access-log";
const LOG: &str = "log";

/// Takes every value of `role`; `None` when one is wrong, which `values` knows.
pub(super) fn read(role: Role, values: &mut Values) -> Option<RoleConfig> {
    // Everything is read before anything is given up, so that all problems show.
    let encrypted = encryption::ports(values);
    let (tls, admin_tls) = match encrypted {
        Some(encryption::Ports { main, admin }) => (Some(main), Some(admin)),
        None => (None, None),
    };
    let common = common(admin_tls, values);
    let serving = serving(role, tls, values);
    // What is around the work of a gateway: ports, threads, logs.
    let around = values.taken();
    let work = work(role, values);
    let is_gateway = matches!(role, Role::Gateway | Role::GatewayRest);
    let mut fixed = values.taken();
    fixed.retain(|key, _| {
        *key != LOG && (!is_gateway || around.contains_key(key) || *key == ACCESS_LOG)
    });
    Some(RoleConfig {
        role,
        common: common?,
        serving: serving?,
        work: work?,
        fixed,
        files: std::mem::take(&mut values.files),
        told: Vec::new(),
    })
}

fn common(admin_tls: Option<Option<tls::Acceptor>>, values: &mut Values) -> Option<Common> {
    let host = values.take("host", parse::host);
    let port = values.take("port", parse::port);
    let admin_host = values.take("admin-host", parse::host);
    let admin_port = values.take("admin-port", parse::port);
    let log = values.take(LOG, parse::level);
    let terminal = std::io::stderr().is_terminal();
    let log_format = values.take("log-format", parse::log_format(terminal));
    let metrics = metrics(values);
    let succession = succession(values);
    let traces = traces(values);
    Some(Common {
        host: host?,
        port: port?,
        admin_host: admin_host?,
        admin_port: admin_port?,
        log: log?,
        log_format: log_format?,
        admin_tls: admin_tls?,
        metrics: metrics?,
        succession: succession?,
        traces: traces?,
    })
}

fn metrics(values: &mut Values) -> Option<telemetry::Limits> {
    let is_on = values.take("metrics", parse::switch);
    let series_max = values.take("metrics-series-max", parse::count(NUMBER_MAX));
    Some(telemetry::Limits {
        is_on: is_on?,
        series_max: series_max?,
    })
}

fn succession(values: &mut Values) -> Option<Succession> {
    let drain_delay = values.take("drain-delay", parse::pause);
    let handover = values.take("handover", parse::path);
    Some(Succession {
        drain_delay: drain_delay?,
        handover: handover?,
    })
}

fn traces(values: &mut Values) -> Option<Option<traces::Settings>> {
    let transport = values.take("traces", parse::transport);
    let endpoint = values.take("traces-endpoint", parse::auto_or(parse::shown));
    let ratio = values.take("traces-sample", parse::ratio);
    let follow = values.take("traces-caller", parse::follow);
    let spans_max = values.take("traces-spans-max", parse::count(NUMBER_MAX));
    let (transport, endpoint, spans_max) = (transport?, endpoint?, spans_max?);
    let sampling = traces::Sampling::new(ratio?, follow?);
    Some(transport.map(|transport| traces::Settings {
        transport,
        endpoint,
        sampling,
        spans_max,
    }))
}

fn serving(role: Role, tls: Option<Option<tls::Acceptor>>, values: &mut Values) -> Option<Options> {
    let protocol = match role {
        Role::A | Role::B => http2(values).map(|http2| {
            Protocol::Http2(Http2 {
                // A call that nobody reads is to be held back by this before what its
                // small frames take ends the connection, for all others on it.
                stream_window_bytes: 64 * 1024,
                ..http2
            })
        }),
        Role::ARest | Role::BRest => {
            let age_max = values.take("connection-age-max", parse::duration_or_off);
            let http1 = http1(values).zip(age_max);
            http1.map(|(http1, age_max)| Protocol::Http1(Http1 { age_max, ..http1 }))
        }
        Role::Gateway | Role::GatewayRest => {
            let (http1, http2) = (http1(values), http2(values));
            http1.zip(http2).map(|(http1, http2)| {
                let http1 = Http1 {
                    age_max: http2.age_max,
                    ..http1
                };
                let http2 = Http2 {
                    // What one client may have unread here of each call.
                    stream_window_bytes: 256 * 1024,
                    ..http2
                };
                Protocol::Either(http1, http2)
            })
        }
    };
    let workers: Option<NonZeroUsize> = values.take("workers", parse::workers);
    let connections_max = values.take("connections-max", parse::count(NUMBER_MAX));
    let write_stall_timeout = values.take("write-timeout", parse::duration);
    let drain_timeout = values.take("drain-timeout", parse::duration);
    Some(Options {
        protocol: protocol?,
        tls: tls?,
        workers: workers?,
        connections_max: connections_max?,
        write_stall_timeout: write_stall_timeout?,
        drain_timeout: drain_timeout?,
        telemetry: Telemetry::off(),
    })
}

fn http1(values: &mut Values) -> Option<Http1> {
    let header_read_timeout = values.take("header-timeout", parse::duration);
    let last_request_within = values.take("drain-idle-grace", parse::duration);
    Some(Http1 {
        header_read_timeout: header_read_timeout?,
        last_request_within: last_request_within?,
        ..Http1::default()
    })
}

fn http2(values: &mut Values) -> Option<Http2> {
    let streams = values.take("concurrent-streams-max", parse::count(NUMBER_MAX));
    let unread_timeout = values.take("http2-write-timeout", parse::duration);
    let idle_timeout = values.take("http2-idle-timeout", parse::duration);
    let age_max = values.take("connection-age-max", parse::duration_or_off);
    let age_grace = values.take("connection-age-grace", parse::duration);
    Some(Http2 {
        concurrent_streams_max: u32::try_from(streams?).ok()?,
        unread_timeout: unread_timeout?,
        idle_timeout: idle_timeout?,
        age_max: age_max?,
        age_grace: age_grace?,
        ..Http2::default()
    })
}

fn work(role: Role, values: &mut Values) -> Option<Work> {
    match role {
        Role::A => grpc_service(Limits::default(), values).map(Work::A),
        Role::B => {
            let limits = sequence(values);
            let service = grpc_service(Limits::default(), values);
            Some(Work::B(services::grpc::Options {
                limits: limits?,
                ..service?
            }))
        }
        Role::ARest => Some(Work::ARest),
        Role::BRest => sequence(values).map(Work::BRest),
        Role::Gateway => {
            let gateway = gateway(values);
            let options = grpc_options(values);
            let services = grpc_services(values);
            let (gateway, mut options, mut services) = (gateway?, options?, services?);
            services.answer_bytes_max = options.connection.message_bytes_max;
            options.compress_bytes_min = gateway.settings.compression.bytes_min;
            let GatewayConfig {
                settings,
                access_log,
            } = gateway;
            let plan = Plan {
                services,
                options,
                settings,
            };
            Some(Work::Gateway(Box::new(plan), access_log))
        }
        Role::GatewayRest => {
            let gateway = gateway(values);
            let upstreams = rest_upstreams(values);
            let (gateway, [a, b]) = (gateway?, upstreams?);
            let settings = gateway.settings;
            let plan = RestPlan { a, b, settings };
            Some(Work::GatewayRest(Box::new(plan), gateway.access_log))
        }
    }
}

fn grpc_service(limits: Limits, values: &mut Values) -> Option<services::grpc::Options> {
    let message_bytes_max = values.take("message-bytes-max", parse::count(BYTES_MAX))?;
    Some(services::grpc::Options {
        limits,
        message_bytes_max,
    })
}

fn sequence(values: &mut Values) -> Option<Limits> {
    let count_max = values.take("count-max", parse::int32(1));
    let delay_ms_max = values.take("delay-ms-max", parse::int32(0));
    Some(Limits {
        count_max: count_max?,
        delay_ms_max: delay_ms_max?,
    })
}

fn gateway(values: &mut Values) -> Option<GatewayConfig> {
    // The parser below has its own, larger limit and would answer first; and a
    // parameter, percent-encoded again for a REST service, may grow threefold
    // and must still fit into a URI (64 KiB).
    let head_max = 20_000;
    let header_bytes_max = values.take("header-bytes-max", parse::count(head_max));
    let values_max = values.take("values-max", parse::count(100 * NUMBER_MAX));
    let call_timeout = values.take("call-timeout", parse::duration);
    let in_flight_max = values.take("in-flight-max", parse::count(NUMBER_MAX));
    let cors: Option<Cors> = values.take("cors", parse::cors);
    let codings = values.take("compression", parse::codings);
    let compress_bytes_min = values.take("compress-bytes-min", parse::between(0, BYTES_MAX));
    let terminal = std::io::stdout().is_terminal();
    let access_log = values.take(ACCESS_LOG, parse::access_log(terminal));
    let guard = guard(values);
    let status = values.take("status", parse::switch);
    let limits = gateway::Limits {
        header_bytes_max: header_bytes_max?,
        values_max: values_max?,
        call_timeout: call_timeout?,
        in_flight_max: in_flight_max?,
    };
    let settings = gateway::Settings {
        limits,
        cors: cors?,
        compression: Compression {
            codings: codings?,
            bytes_min: compress_bytes_min?,
        },
        guard: guard?,
        status: match status? {
            true => StatusPage::Serve,
            false => StatusPage::Refuse,
        },
    };
    Some(GatewayConfig {
        settings,
        access_log: access_log?,
    })
}

fn guard(values: &mut Values) -> Option<Guard> {
    let clients_max = values.take("clients-max", parse::count(NUMBER_MAX));
    let rate = values.take("client-rate", parse::rate);
    let burst = values.take("client-burst", parse::auto_or(parse::count(NUMBER_MAX)));
    let trusted_proxies = values.take("trusted-proxies", parse::shown);
    let issuer = values.take("jwt-issuer", parse::text);
    let audience = values.take("jwt-audience", parse::text);
    let leeway = values.take("jwt-leeway", parse::up_to_seconds(600));
    let keys = values.take_file("jwt-keys", |text| {
        // What is wrong with these was noted already.
        let (issuer, audience) = (issuer.clone().flatten(), audience.clone().flatten());
        let leeway = leeway.unwrap_or_default();
        Tokens::of(&text, issuer, audience, leeway).map_err(|wrong| wrong.to_string())
    });
    let (rate, burst, clients_max) = (rate?, burst?, clients_max?);
    let rate = rate.map(|rate| Rate {
        burst: burst.map_or(rate.burst, |burst| u32::try_from(burst).unwrap_or(u32::MAX)),
        clients_max,
        ..rate
    });
    Some(Guard {
        tokens: keys?.map(Arc::new),
        rate,
        trusted_proxies: trusted_proxies?,
    })
}

fn grpc_options(values: &mut Values) -> Option<GrpcOptions> {
    let connections = values.take("upstream-connections", parse::count(64));
    let stream_timeout = values.take("stream-timeout", parse::duration);
    let keep_alive = values.take("keep-alive", parse::duration);
    let body_bytes_max = values.take("body-bytes-max", parse::count(BYTES_MAX));
    let connect_timeout = values.take("connect-timeout", parse::duration);
    let message_bytes_max = values.take("answer-bytes-max", parse::count(BYTES_MAX));
    let tls = encryption::upstreams(values);
    Some(GrpcOptions {
        connection: upstream::grpc::Options {
            connections: connections?,
            connect_timeout: connect_timeout?,
            message_bytes_max: message_bytes_max?,
            compression: None,
            tls: tls?,
        },
        stream_timeout: stream_timeout?,
        keep_alive: keep_alive?,
        body_bytes_max: body_bytes_max?,
        compress_bytes_min: 0,
    })
}

/// What is served: what the flag names, else what the file says, else the
/// published routes.
fn grpc_services(values: &mut Values) -> Option<Services> {
    let a = values.take("a-addr", parse::shown);
    let b = values.take("b-addr", parse::shown);
    let addresses = values.take("upstream", parse::addresses)?;
    let services = match (addresses.is_empty(), values.services.take()) {
        (false, _) => Ok(Services::reflected(addresses)),
        (true, Some((raw, path))) => {
            let folder = path.parent().map(ToOwned::to_owned).unwrap_or_default();
            let lines = &values.lines;
            Services::of_file(raw, &folder).map_err(|problems| {
                let placed = problems.into_iter();
                placed
                    .map(|problem| with_line(problem, &path, lines))
                    .collect()
            })
        }
        (true, None) => Services::built_in(a?, b?),
    };
    match services {
        Ok(services) => Some(services),
        Err(problems) => {
            values.problems.extend(problems);
            None
        }
    }
}

/// A problem that begins with a place of the file, with the place's line before it.
fn with_line(problem: String, path: &Path, lines: &BTreeMap<String, usize>) -> String {
    let place = problem.split([':', ' ']).next().unwrap_or_default();
    match lines.get(place) {
        Some(line) => format!("{}:{line}: {problem}", path.display()),
        None => format!("{}: {problem}", path.display()),
    }
}

fn rest_upstreams(values: &mut Values) -> Option<[upstream::rest::Options; 2]> {
    let a = values.take("a-rest", parse::base_urls);
    let b = values.take("b-rest", parse::base_urls);
    let idle_connections_max = values.take("idle-connections-max", parse::count(NUMBER_MAX));
    let idle_timeout = values.take("idle-timeout", parse::duration);
    let connect_timeout = values.take("connect-timeout", parse::duration);
    let answer_bytes_max = values.take("answer-bytes-max", parse::count(BYTES_MAX));
    let tls = encryption::upstreams(values)?;
    let (a, b) = (a?, b?);
    rest_tls(tls.is_some(), &a, &b, values)?;
    let options = upstream::rest::Options {
        bases: a,
        idle_connections_max: idle_connections_max?,
        idle_timeout: idle_timeout?,
        connect_timeout: connect_timeout?,
        answer_bytes_max: answer_bytes_max?,
        tls,
    };
    let b = upstream::rest::Options {
        bases: b,
        ..options.clone()
    };
    Some([options, b])
}

/// Whether URLs and settings agree on what is encrypted.
fn rest_tls(
    has_authority: bool,
    a: &[upstream::rest::BaseUrl],
    b: &[upstream::rest::BaseUrl],
    values: &mut Values,
) -> Option<()> {
    let problem = match (
        has_authority,
        a.iter().chain(b).any(upstream::rest::BaseUrl::is_https),
    ) {
        (true, true) | (false, false) => return Some(()),
        (false, true) => {
            "a-rest or b-rest begins with https://, which needs upstream-tls-ca, the authority that \
             signs the services' certificates; give it"
        }
        (true, false) => {
            "upstream-tls-ca is given, and neither a-rest nor b-rest begins with https://; write \
             https:// where TLS is spoken"
        }
    };
    values.problems.push(problem.to_owned());
    None
}
