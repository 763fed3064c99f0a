//! The page of all metrics.

use telemetry::{
    BYTES, SECONDS,
    table::{ALL, Kind, Metric, Who},
};

const HEAD: &str = "\
# Metrics

Every role tells what it counts at `/metrics` of its administration endpoint
(`admin-host`, `admin-port`; loopback by default), in Prometheus' text format. Names
follow OpenTelemetry's conventions for HTTP and those of gRPC's libraries for gRPC;
what is pspd's own begins with `pspd_`. `metrics = off` counts nothing.

`deploy/observability` has a dashboard for Grafana, recording and alerting rules with
their tests, and a configuration of Prometheus to begin with.

This page is made from `crates/telemetry/src/table.rs` by `cargo xtask observability`.

## What to know

- **Routes are templates.** `http_route` is the template of a route, never a path:
  `_unmatched` is a request that led to no route or was refused before it was looked up,
  `_preflight` a browser's question before a call. Methods that HTTP does not know are
  `_OTHER`.
- **There is a limit.** A combination of route, method and status has a series of its own
  from its first request on, and a gRPC method from its first call, up to
  `metrics-series-max` of them; all others are counted under the route or method
  `_overflow`, and `pspd_metrics_series_overflowed_total` says so.
- **A request is counted once.** What calls a method by its own path, in gRPC, gRPC-Web
  or Connect, is in `grpc_server_*`; everything else, WebSockets with their status 101
  among it, is in `http_server_*`. `http_server_active_requests` has both.
- **It is counted when it ends**: when the last byte of the answer was handed to the
  connection, or the client left. A client that left is in the aborted requests as well; one
  that left before it had a status has 499, as in the access log, or `Canceled`.
- **Attempts are counted upstream.** `grpc_client_*` counts each attempt at a call; what
  was made again is in `pspd_upstream_retries_total`.
- **Gauges of upstreams** are of all workers, and of the administration endpoint, whose
  readiness check has connections of its own.
- The counts of a worker are its own and are added up when somebody asks.

## Histograms

";

/// The whole page.
pub(crate) fn text() -> String {
    let mut text = HEAD.to_owned();
    let bounds = |bounds: &[f64]| {
        let bounds: Vec<_> = bounds.iter().map(ToString::to_string).collect();
        bounds.join(", ")
    };
    text += &format!("Times, in seconds: {}.\n\n", bounds(&SECONDS));
    text += &format!("Sizes, in bytes: {}.\n\n", bounds(&BYTES));
    text += "## All of them\n\n| metric | kind | labels | roles | what it says |\n|---|---|---|---|---|\n";
    for metric in ALL {
        text += &row(metric);
    }
    text
}

fn row(metric: &Metric) -> String {
    let Metric { name, help, .. } = metric;
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge | Kind::GaugeMost | Kind::GaugeLeast => "gauge",
        Kind::Histogram => "histogram",
    };
    let roles = match metric.who {
        Who::Everybody => "all",
        Who::Grpc => "P, A, B",
        Who::Http => "P, P-REST, A-REST, B-REST",
        Who::Gateways => "P, P-REST",
        Who::GatewayP => "P",
        Who::GatewayRest => "P-REST",
    };
    let labels: Vec<_> = metric
        .labels
        .iter()
        .map(|label| format!("`{label}`"))
        .collect();
    format!(
        "| `{name}` | {kind} | {} | {roles} | {help} |\n",
        labels.join(" ")
    )
}
