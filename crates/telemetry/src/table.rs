//! Every metric there is: name, kind, labels, who has it, and what it says. Names follow
//! OpenTelemetry's conventions for HTTP and those of gRPC's libraries for gRPC; what is
//! the project's own begins with `pspd_`. `docs/metrics.md` is made from this table, and
//! the dashboard and the rules in `deploy/observability` are held against it.

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down; what workers tell is added up.
    Gauge,
    /// The same, of which the largest holds.
    GaugeMost,
    /// The same, of which the smallest holds.
    GaugeLeast,
    /// Counts in buckets, and their sum.
    Histogram,
}

/// Which roles have a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// All six.
    Everybody,
    /// Gateway P, services A and B.
    Grpc,
    /// Both gateways, A-REST and B-REST.
    Http,
    /// Both gateways.
    Gateways,
    /// Gateway P.
    GatewayP,
    /// Gateway P-REST.
    GatewayRest,
}

/// One metric.
#[derive(Debug, PartialEq)]
pub struct Metric {
    /// As it is exposed.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Names of its labels, in the order in which their values are given.
    pub labels: &'static [&'static str],
    /// Who has it.
    pub who: Who,
    /// What it says.
    pub help: &'static str,
}

impl Metric {
    /// What is merged with a first `value` of a gauge, or added to one of a counter.
    pub(crate) fn beginning(&self, value: f64) -> f64 {
        match self.kind {
            Kind::GaugeMost | Kind::GaugeLeast => value,
            Kind::Counter | Kind::Gauge | Kind::Histogram => 0.0,
        }
    }
}

/// The metrics of one side of gRPC.
pub(crate) struct Grpc {
    pub(crate) started: &'static Metric,
    pub(crate) handled: &'static Metric,
    pub(crate) aborted: &'static Metric,
    pub(crate) received: &'static Metric,
    pub(crate) sent: &'static Metric,
    pub(crate) handling: &'static Metric,
}

pub(crate) static GRPC_SERVER: Grpc = Grpc {
    started: &GRPC_SERVER_STARTED,
    handled: &GRPC_SERVER_HANDLED,
    aborted: &GRPC_SERVER_ABORTED,
    received: &GRPC_SERVER_RECEIVED,
    sent: &GRPC_SERVER_SENT,
    handling: &GRPC_SERVER_HANDLING,
};

pub(crate) static GRPC_CLIENT: Grpc = Grpc {
    started: &GRPC_CLIENT_STARTED,
    handled: &GRPC_CLIENT_HANDLED,
    aborted: &GRPC_CLIENT_ABORTED,
    received: &GRPC_CLIENT_RECEIVED,
    sent: &GRPC_CLIENT_SENT,
    handling: &GRPC_CLIENT_HANDLING,
};

macro_rules! metrics {
    ($($id:ident $kind:ident $who:ident $name:literal [$($label:literal)*] $help:literal)*) => {
        $(
            #[doc = $help]
            pub static $id: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                labels: &[$($label),*],
                who: Who::$who,
                help: $help,
            };
        )*

        /// All of them, as they are documented.
        pub static ALL: &[&Metric] = &[$(&$id),*];
    };
}

metrics! {
    HTTP_SERVER_DURATION Histogram Http "http_server_request_duration_seconds"
        ["http_request_method" "http_route" "http_response_status_code"]
        "From a request's head to the end of its answer, or to when the client left (status 499 when there was none yet). Calls of a method by its own path are in grpc_server_handling_seconds instead."
    HTTP_SERVER_ACTIVE Gauge Everybody "http_server_active_requests"
        ["http_request_method"]
        "Requests of every protocol, gRPC calls among them, whose answers have not ended: what to scale by."
    HTTP_SERVER_REQUEST_SIZE Histogram Http "http_server_request_body_size_bytes"
        ["http_request_method" "http_route"]
        "Bodies of requests that told their length, as they came."
    HTTP_SERVER_RESPONSE_SIZE Histogram Http "http_server_response_body_size_bytes"
        ["http_request_method" "http_route"]
        "Bodies of answers as far as they were sent."
    HTTP_SERVER_ABORTED Counter Http "http_server_aborted_requests_total"
        ["http_route"]
        "Requests whose client left, or was cut off, before the end of the answer. They are in the duration as well."

    GRPC_SERVER_STARTED Counter Grpc "grpc_server_started_total"
        ["grpc_type" "grpc_service" "grpc_method"]
        "Calls that have begun: over gRPC, and on gateway P also over gRPC-Web and Connect."
    GRPC_SERVER_HANDLED Counter Grpc "grpc_server_handled_total"
        ["grpc_type" "grpc_service" "grpc_method" "grpc_code"]
        "Calls that have ended, by their status; Canceled when the client left before there was one."
    GRPC_SERVER_ABORTED Counter Grpc "grpc_server_aborted_total"
        ["grpc_type" "grpc_service" "grpc_method"]
        "Calls whose client left, or was cut off, before the end of the answer. They are among those handled."
    GRPC_SERVER_RECEIVED Counter Grpc "grpc_server_msg_received_total"
        ["grpc_type" "grpc_service" "grpc_method"]
        "Messages received of clients."
    GRPC_SERVER_SENT Counter Grpc "grpc_server_msg_sent_total"
        ["grpc_type" "grpc_service" "grpc_method"]
        "Messages sent to clients."
    GRPC_SERVER_HANDLING Histogram Grpc "grpc_server_handling_seconds"
        ["grpc_type" "grpc_service" "grpc_method"]
        "From a call's head to the end of its answer."

    GRPC_CLIENT_STARTED Counter GatewayP "grpc_client_started_total"
        ["upstream" "grpc_type" "grpc_service" "grpc_method"]
        "Attempts at calls of upstreams: each that is made again, or beside another, is one more."
    GRPC_CLIENT_HANDLED Counter GatewayP "grpc_client_handled_total"
        ["upstream" "grpc_type" "grpc_service" "grpc_method" "grpc_code"]
        "Attempts that have ended, by their status; Canceled when nobody waited for it any longer."
    GRPC_CLIENT_ABORTED Counter GatewayP "grpc_client_aborted_total"
        ["upstream" "grpc_type" "grpc_service" "grpc_method"]
        "Attempts that this side gave up. They are among those handled."
    GRPC_CLIENT_RECEIVED Counter GatewayP "grpc_client_msg_received_total"
        ["upstream" "grpc_type" "grpc_service" "grpc_method"]
        "Messages received of upstreams."
    GRPC_CLIENT_SENT Counter GatewayP "grpc_client_msg_sent_total"
        ["upstream" "grpc_type" "grpc_service" "grpc_method"]
        "Messages sent to upstreams."
    GRPC_CLIENT_HANDLING Histogram GatewayP "grpc_client_handling_seconds"
        ["upstream" "grpc_type" "grpc_service" "grpc_method"]
        "From when a call had its place on a connection to the end of its answer."
    HTTP_CLIENT_DURATION Histogram GatewayRest "http_client_request_duration_seconds"
        ["upstream" "http_request_method" "http_response_status_code" "error_type"]
        "Requests to upstreams, from their beginning to the end of their answers; error_type is unreachable, broken, given_up, or status for 5xx."

    UPSTREAM_UP GaugeLeast Gateways "pspd_upstream_up"
        ["upstream"]
        "Whether every worker knows an endpoint that takes calls (P), or the last request got an answer (P-REST)."
    UPSTREAM_ENDPOINTS GaugeMost GatewayP "pspd_upstream_endpoints"
        ["upstream"]
        "Endpoints that its addresses lead to."
    UPSTREAM_AVAILABLE GaugeLeast GatewayP "pspd_upstream_endpoints_available"
        ["upstream"]
        "Endpoints that are connected, well and not put aside, as the worker sees it that sees fewest."
    UPSTREAM_PUT_ASIDE GaugeMost GatewayP "pspd_upstream_endpoints_ejected"
        ["upstream"]
        "Endpoints that get no calls because theirs failed."
    UPSTREAM_CONNECTIONS Gauge GatewayP "pspd_upstream_connections_open"
        ["upstream"]
        "Connections that take calls, of all workers, and of the administration endpoint, which has its own."
    UPSTREAM_IN_FLIGHT Gauge Gateways "pspd_upstream_calls_in_flight"
        ["upstream"]
        "Calls whose answers have not ended."
    UPSTREAM_WAITING Gauge GatewayP "pspd_upstream_calls_waiting"
        ["upstream"]
        "Calls that wait for a place on a connection."
    UPSTREAM_REFUSED Counter GatewayP "pspd_upstream_calls_refused_total"
        ["upstream"]
        "Calls that found no place, and too many that waited already."
    UPSTREAM_RETRIES Counter Gateways "pspd_upstream_retries_total"
        ["upstream"]
        "Attempts that were made because one before had failed."
    UPSTREAM_HEDGES Counter GatewayP "pspd_upstream_hedges_total"
        ["upstream"]
        "Attempts that were made because one before was slow."
    UPSTREAM_BUDGET_EXHAUSTED Counter GatewayP "pspd_upstream_retry_budget_exhausted_total"
        ["upstream"]
        "Attempts that were not made because too many calls fail."
    UPSTREAM_EJECTIONS Counter GatewayP "pspd_upstream_ejections_total"
        ["upstream"]
        "Times that an endpoint was put aside because its calls failed; each worker decides for itself."
    UPSTREAM_CONNECTED Counter GatewayP "pspd_upstream_connects_total"
        ["upstream"]
        "Connections that were opened."
    UPSTREAM_NOT_CONNECTED Counter GatewayP "pspd_upstream_connect_failures_total"
        ["upstream"]
        "Connections that could not be opened, or ended at once."

    CALLS_IN_FLIGHT GaugeMost Gateways "pspd_calls_in_flight"
        []
        "Calls of services that count towards in-flight-max."
    CALLS_IN_FLIGHT_MAX GaugeMost Gateways "pspd_calls_in_flight_max"
        []
        "How many there may be."
    SHED Counter Gateways "pspd_shed_requests_total"
        ["reason"]
        "Requests that were refused to protect the gateway or a service: in_flight_max, upstream_full, client_rate."
    LOG_LINES_LOST Counter Gateways "pspd_access_log_lines_lost_total"
        []
        "Lines of the access log that were dropped because their reader was too slow."

    SPANS Counter Everybody "pspd_traces_spans_total"
        ["outcome"]
        "Spans of traces by what became of them: exported, failed (the collector did not take them), dropped (there was no room to wait)."
    SPANS_WAITING Gauge Everybody "pspd_traces_spans_waiting"
        []
        "Spans that wait to be sent to the collector."

    CONNECTIONS_OPEN Gauge Everybody "pspd_connections_open"
        []
        "Connections of clients."
    CONNECTIONS_MAX Gauge Everybody "pspd_connections_max"
        []
        "How many there may be; more wait in the kernel."
    CONNECTIONS_ACCEPTED Counter Everybody "pspd_connections_accepted_total"
        []
        "Connections that were accepted."
    CONNECTIONS_FAILED Counter Everybody "pspd_connections_accept_failures_total"
        []
        "Connections that could not be accepted, as when files have run out."
    CONNECTIONS_CLOSED Counter Everybody "pspd_connections_closed_total"
        ["reason"]
        "Connections that this side ended: slow_beginning (no head in time over HTTP/2, or its preface), idle, aged (connection-age-max), stopping; and streams that were reset because their answer was unread."

    TLS_HANDSHAKES_REFUSED Counter Everybody "pspd_tls_handshakes_refused_total"
        ["reason"]
        "TLS handshakes of the role's port that came to nothing: no_certificate, expired, not_yet_valid, unknown_authority, wrong_identity, bad_certificate, plain_http, not_tls, nothing_in_common, timed_out, refused_by_peer, gone (closed before the end) or other. Absent until there is one."
    TLS_CERTIFICATE_NOT_AFTER GaugeLeast Everybody "pspd_tls_certificate_not_after_timestamp_seconds"
        ["files"]
        "When a certificate that this process shows ends, in seconds since 1970."
    TLS_CERTIFICATE_NOT_BEFORE GaugeLeast Everybody "pspd_tls_certificate_not_before_timestamp_seconds"
        ["files"]
        "When it began to be valid: with its end, how long it is made for."
    TLS_CERTIFICATE_STALE GaugeMost Everybody "pspd_tls_certificate_stale"
        ["files"]
        "1 when the files have changed and what they say now cannot be used: the certificate before is in use."

    CONFIG_GENERATION Gauge Everybody "pspd_config_generation"
        []
        "Configurations that have been in force, the first one among them."
    CONFIG_RELOADS Counter Everybody "pspd_config_reloads_total"
        ["result"]
        "Configurations that were read after the start: taken_up or refused."
    CONFIG_LAST_SUCCESSFUL Gauge Everybody "pspd_config_last_reload_successful"
        []
        "1 unless the last one was refused."
    CONFIG_LAST_SUCCESS Gauge Everybody "pspd_config_last_reload_success_timestamp_seconds"
        []
        "When the configuration in force was taken up."

    RUNTIME_BUSY Counter Everybody "pspd_runtime_busy_seconds_total"
        ["worker"]
        "Time that a worker's thread was not waiting for something to do."
    RUNTIME_PARKS Counter Everybody "pspd_runtime_parks_total"
        ["worker"]
        "Times that a worker's thread waited for something to do."
    RUNTIME_TASKS Gauge Everybody "pspd_runtime_tasks_alive"
        ["worker"]
        "Tasks that have not ended."
    RUNTIME_QUEUE Gauge Everybody "pspd_runtime_queue_depth"
        ["worker"]
        "Tasks that wait to be run, as far as they were woken from other threads."

    SERIES Gauge Everybody "pspd_metrics_series"
        []
        "Combinations of route, method and status, and gRPC methods, that are told apart."
    SERIES_MAX Gauge Everybody "pspd_metrics_series_max"
        []
        "How many may be; the others are counted under the route or method _overflow."
    SERIES_OVERFLOWED Counter Everybody "pspd_metrics_series_overflowed_total"
        []
        "Times that a worker met a new combination for which there was no room."
    BUILD_INFO GaugeMost Everybody "pspd_build_info"
        ["version" "role"]
        "1, with what this is."

    PROCESS_CPU Counter Everybody "process_cpu_seconds_total"
        []
        "Time on processors, in user and system mode."
    PROCESS_RESIDENT Gauge Everybody "process_resident_memory_bytes"
        []
        "Memory that is held in RAM."
    PROCESS_VIRTUAL Gauge Everybody "process_virtual_memory_bytes"
        []
        "Addresses that are in use."
    PROCESS_THREADS Gauge Everybody "process_threads"
        []
        "Threads."
    PROCESS_FDS Gauge Everybody "process_open_fds"
        []
        "Open files, sockets among them."
    PROCESS_FDS_MAX Gauge Everybody "process_max_fds"
        []
        "How many there may be."
    PROCESS_START Gauge Everybody "process_start_time_seconds"
        []
        "When the process began."
}
