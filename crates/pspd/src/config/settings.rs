//! The table of settings: key, published environment variable, default, help.
//! Flags, file keys, `--help`, the file's schema and validation are all made from it.

use clap::Arg;
use contract::Role;

/// One setting of a role.
pub(super) struct Setting {
    /// Flag name and file key.
    pub(super) key: &'static str,
    /// Environment variable.
    pub(super) env: String,
    /// What holds when nothing is given.
    pub(super) default: String,
    /// Placeholder in `--help`; it also names the form of the value.
    pub(super) value: &'static str,
    pub(super) help: &'static str,
}

impl Setting {
    /// The flag.
    pub(super) fn arg(&self) -> Arg {
        let Setting {
            env, default, help, ..
        } = self;
        Arg::new(self.key)
            .long(self.key)
            .value_name(self.value)
            .allow_hyphen_values(true)
            .help(format!("{help} [env: {env}] [default: {default}]"))
    }
}

/// The settings of `role`, in the order `--help` shows them.
pub(super) fn of(role: Role) -> Vec<Setting> {
    let port = role.port().to_string();
    let admin_port = role.admin_port().to_string();
    let mut settings = vec![
        published(
            "port",
            "PORT",
            &port,
            "PORT",
            "Port to listen on; 0 takes a free one",
        ),
        own(
            "host",
            "all",
            "IP",
            "Address to listen on; `all` is every IPv6 and IPv4 address",
        ),
        own(
            "admin-port",
            &admin_port,
            "PORT",
            "Port of the administration endpoint (health)",
        ),
        own(
            "admin-host",
            "127.0.0.1",
            "IP",
            "Address of the administration endpoint",
        ),
        own(
            "workers",
            "auto",
            "N",
            "Threads that serve; `auto` is one a core",
        ),
        own(
            "connections-max",
            "10000",
            "N",
            "Connections open at once; more have to wait",
        ),
        own(
            "write-timeout",
            "60s",
            "TIME",
            "How long a client may leave sent bytes unread",
        ),
        own(
            "log",
            "info",
            "LEVEL",
            "Least level logged: error, warn, info, debug, trace",
        ),
        own(
            "log-format",
            "auto",
            "FORMAT",
            "human, json, or auto: human on a terminal",
        ),
    ];
    settings.extend(metrics());
    settings.extend(draining());
    settings.extend(tls());
    settings.extend(traces());
    settings.extend(match role {
        Role::A => grpc_service(),
        Role::B => {
            let count = "Most numbers that one request may ask for, and messages that a stream of \
                         them may have";
            [grpc_service(), sequence(count)]
                .into_iter()
                .flatten()
                .collect()
        }
        Role::ARest => rest_service().collect(),
        Role::BRest => {
            let count = "Most numbers that one request may ask for";
            rest_service().chain(sequence(count)).collect()
        }
        Role::Gateway => [http(), gateway(), guard(), grpc_upstreams()]
            .into_iter()
            .flatten()
            .collect(),
        Role::GatewayRest => [http(), gateway(), guard(), rest_upstreams()]
            .into_iter()
            .flatten()
            .collect(),
    });
    settings
}

fn metrics() -> [Setting; 2] {
    [
        own(
            "metrics",
            "on",
            "SWITCH",
            "Whether what happens is counted and told at /metrics of the administration \
             endpoint: on or off",
        ),
        own(
            "metrics-series-max",
            "2000",
            "N",
            "Most combinations of route, method and status, and gRPC methods, that metrics tell \
             apart; more are counted as _overflow",
        ),
    ]
}

/// How a role ends, and another takes its place.
fn draining() -> [Setting; 3] {
    [
        own(
            "drain-delay",
            "0s",
            "TIME",
            "How long it goes on at a stop, no longer ready, so that load balancers notice",
        ),
        own(
            "drain-timeout",
            "10s",
            "TIME",
            "How long requests in flight may take at a stop; beyond it they are ended",
        ),
        own(
            "handover",
            "",
            "PATH",
            "Unix socket by which a process that starts takes the ports over from one that runs",
        ),
    ]
}

/// What encrypts a role's own ports.
fn tls() -> [Setting; 8] {
    [
        own(
            "tls-cert",
            "",
            "FILE",
            "PEM file with the certificate chain to show; with it the port speaks TLS alone",
        ),
        own(
            "tls-key",
            "",
            "FILE",
            "PEM file with the key of that certificate",
        ),
        own(
            "tls-client-ca",
            "",
            "FILE",
            "PEM file with authorities; clients then need a certificate of one of them",
        ),
        own(
            "tls-client-allow",
            "",
            "NAME,...",
            "Identities that clients may have: DNS names, *.suffix, SPIFFE IDs, \
             spiffe://domain/*; without any, all that those authorities vouch for",
        ),
        own(
            "tls-min-version",
            "1.3",
            "VERSION",
            "Oldest version of TLS: 1.3 or 1.2",
        ),
        own(
            "tls-handshake-timeout",
            "10s",
            "TIME",
            "How long a TLS handshake may take",
        ),
        own(
            "tls-handshakes-max",
            "1000",
            "N",
            "TLS handshakes at once; more have to wait",
        ),
        own(
            "admin-tls",
            "off",
            "on|off",
            "Whether the administration endpoint speaks TLS as well, with the same certificate \
             and rules",
        ),
    ]
}

/// What encrypts a gateway's connections to services.
fn upstream_tls() -> [Setting; 5] {
    [
        own(
            "upstream-tls-ca",
            "",
            "FILE",
            "PEM file with the authorities of the services' certificates; with it they are \
             called over TLS",
        ),
        own(
            "upstream-tls-cert",
            "",
            "FILE",
            "PEM file with the certificate chain to show to services",
        ),
        own(
            "upstream-tls-key",
            "",
            "FILE",
            "PEM file with the key of that certificate",
        ),
        own(
            "upstream-tls-allow",
            "",
            "NAME,...",
            "Identities that services may have; without any, they must have the name they are \
             called by",
        ),
        own(
            "upstream-tls-server-name",
            "",
            "NAME",
            "Name that services must have in place of the one they are called by",
        ),
    ]
}

/// What is recorded of single requests, and who gets it.
fn traces() -> [Setting; 5] {
    [
        own(
            "traces",
            "off",
            "TRACES",
            "Send traces to an OpenTelemetry collector: off, grpc or http (OTLP)",
        ),
        own(
            "traces-endpoint",
            "auto",
            "ENDPOINT",
            "Where the collector is, such as http://localhost:4317; `auto` is what the variable \
             OTEL_EXPORTER_OTLP_ENDPOINT says, else port 4317 (grpc) or 4318 (http) of this \
             machine",
        ),
        own(
            "traces-sample",
            "1",
            "RATIO",
            "Part of the requests that is recorded where the caller has not decided, from 0 to 1",
        ),
        own(
            "traces-caller",
            "obey",
            "TRUST",
            "What a caller's traceparent decides: obey (its trace goes on, and is recorded if it \
             says so), join (its trace goes on; traces-sample decides) or ignore (another trace \
             begins)",
        ),
        own(
            "traces-spans-max",
            "8192",
            "N",
            "Spans that may wait to be sent; more are dropped and counted",
        ),
    ]
}

fn grpc_service() -> Vec<Setting> {
    let mut settings = vec![own(
        "message-bytes-max",
        "4194304",
        "BYTES",
        "Largest request message",
    )];
    // Gateways keep connections open that they have no use for yet.
    settings.extend(http2("4096", "1day"));
    settings
}

fn http2(concurrent_streams: &str, idle_timeout: &str) -> [Setting; 5] {
    [
        own(
            "concurrent-streams-max",
            concurrent_streams,
            "N",
            "Calls at once on one HTTP/2 connection",
        ),
        own(
            "http2-write-timeout",
            "5m",
            "TIME",
            "How long a client may take nothing of an answer over HTTP/2; beyond it the call \
             is reset",
        ),
        own(
            "http2-idle-timeout",
            idle_timeout,
            "TIME",
            "How long an HTTP/2 connection without a call is kept",
        ),
        connection_age_max(),
        own(
            "connection-age-grace",
            "5m",
            "TIME",
            "How long the calls of an HTTP/2 connection that is too old may go on",
        ),
    ]
}

fn rest_service() -> impl Iterator<Item = Setting> {
    http().into_iter().chain([connection_age_max()])
}

fn connection_age_max() -> Setting {
    own(
        "connection-age-max",
        "off",
        "TIME",
        "How long a connection takes requests, give or take a tenth, before its client is asked \
         to open another; or off",
    )
}

fn sequence(count_help: &'static str) -> Vec<Setting> {
    vec![
        own("count-max", "1000000", "N", count_help),
        own(
            "delay-ms-max",
            "60000",
            "MS",
            "Longest delay between two numbers, in milliseconds",
        ),
    ]
}

fn http() -> Vec<Setting> {
    let help = "How long a client may take to send a request's head, or stay idle";
    let last = "How long an idle HTTP/1.1 connection is listened to at a stop: a request that is on \
                its way is answered as its last";
    vec![
        own("header-timeout", "60s", "TIME", help),
        own("drain-idle-grace", "1s", "TIME", last),
    ]
}

fn gateway() -> Vec<Setting> {
    let mut settings = Vec::from(http2("1024", "1h"));
    settings.extend([
        own(
            "access-log",
            "auto",
            "FORMAT",
            "human, json, off, or auto: human on a terminal",
        ),
        own(
            "status",
            "on",
            "SWITCH",
            "Whether the page has a status page beside it, with names and counts for everybody: \
             on or off",
        ),
        own(
            "cors",
            "any",
            "ORIGINS",
            "Origins whose pages may call: any, off, or a comma-separated list",
        ),
        own(
            "header-bytes-max",
            "16384",
            "BYTES",
            "Largest request line and headers; beyond it 431",
        ),
        own(
            "values-max",
            "100000",
            "N",
            "Most values gathered into one answer; beyond it 413",
        ),
        own(
            "answer-bytes-max",
            "4194304",
            "BYTES",
            "Largest message or answer of a service; beyond it 502, or 413 if it was gathered",
        ),
        own(
            "call-timeout",
            "30s",
            "TIME",
            "How long a service may take to answer; beyond it 504",
        ),
        own(
            "in-flight-max",
            "10000",
            "N",
            "Calls in flight at once; beyond it 503",
        ),
        own(
            "compression",
            "off",
            "CODINGS",
            "Compress answers for clients that ask for it: off, or codings with the one liked \
             best first, such as zstd,gzip",
        ),
        own(
            "compress-bytes-min",
            "1024",
            "BYTES",
            "Smallest answer, and message to a service, that is compressed",
        ),
        own(
            "connect-timeout",
            "2s",
            "TIME",
            "How long a connection to a service may take to open, its TLS handshake with it",
        ),
    ]);
    settings.extend(upstream_tls());
    settings
}

/// Who may call a gateway, and how often.
fn guard() -> Vec<Setting> {
    vec![
        own(
            "client-rate",
            "off",
            "RATE",
            "Requests of one client (an IPv4 address or a /64 of IPv6), such as 100/s or 600/m; \
             beyond it 429",
        ),
        own(
            "client-burst",
            "auto",
            "N",
            "Requests of one client that may come at once; `auto` is those of a second",
        ),
        own(
            "clients-max",
            "100000",
            "N",
            "Clients whose rates are remembered; those beyond share one",
        ),
        own(
            "trusted-proxies",
            "",
            "NETWORKS",
            "Networks of proxies whose x-forwarded-for says which client asks, such as 10.0.0.0/8",
        ),
        own(
            "jwt-keys",
            "",
            "FILE",
            "JSON Web Key Set; routes of services then want a bearer token that one of its keys \
             has signed; without it 401",
        ),
        own(
            "jwt-issuer",
            "",
            "TEXT",
            "Issuer (iss) that tokens must have",
        ),
        own(
            "jwt-audience",
            "",
            "TEXT",
            "Audience (aud) that tokens must be for",
        ),
        own(
            "jwt-leeway",
            "30s",
            "TIME",
            "How far clocks may differ when a token's times are checked",
        ),
    ]
}

fn grpc_upstreams() -> Vec<Setting> {
    vec![
        published(
            "a-addr",
            "A_ADDR",
            "localhost:50051",
            "HOST:PORT",
            "Where service A is",
        ),
        published(
            "b-addr",
            "B_ADDR",
            "localhost:50052",
            "HOST:PORT",
            "Where service B is",
        ),
        own(
            "upstream",
            "",
            "HOST:PORT,...",
            "gRPC servers whose services are all served, as their reflection describes them; \
             without any, the published routes to A and B",
        ),
        own(
            "upstream-connections",
            "2",
            "N",
            "HTTP/2 connections of each worker to each service",
        ),
        own(
            "stream-timeout",
            "5m",
            "TIME",
            "How long a streamed answer may take in all",
        ),
        own(
            "keep-alive",
            "15s",
            "TIME",
            "How long a streamed answer may be silent before a comment shows that it goes on",
        ),
        own(
            "body-bytes-max",
            "4194304",
            "BYTES",
            "Largest request body; beyond it 413",
        ),
    ]
}

fn rest_upstreams() -> Vec<Setting> {
    vec![
        published(
            "a-rest",
            "A_REST",
            "http://localhost:50061",
            "URL,...",
            "Where service A-REST is, at one place or at several",
        ),
        published(
            "b-rest",
            "B_REST",
            "http://localhost:50062",
            "URL,...",
            "Where service B-REST is, at one place or at several",
        ),
        own(
            "idle-connections-max",
            "4096",
            "N",
            "Idle connections of each worker to each service",
        ),
        own(
            "idle-timeout",
            "4s",
            "TIME",
            "How long an idle connection to a service is kept",
        ),
    ]
}

/// A setting with an environment variable of this project's own.
fn own(key: &'static str, default: &str, value: &'static str, help: &'static str) -> Setting {
    let env = format!("PSPD_{}", key.replace('-', "_").to_ascii_uppercase());
    Setting {
        key,
        env,
        default: default.to_owned(),
        value,
        help,
    }
}

/// A setting whose environment variable is part of the published contract.
fn published(
    key: &'static str,
    env: &str,
    default: &str,
    value: &'static str,
    help: &'static str,
) -> Setting {
    let env = env.to_owned();
    Setting {
        key,
        env,
        default: default.to_owned(),
        value,
        help,
    }
}
