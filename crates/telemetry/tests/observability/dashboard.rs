//! The dashboard of Grafana: rows of panels, each with its questions.

use serde_json::{Value, json};

/// What is asked, and what the answers are called.
type Ask = (&'static str, &'static str);

struct Panel {
    title: &'static str,
    unit: &'static str,
    asks: &'static [Ask],
}

const fn panel(title: &'static str, unit: &'static str, asks: &'static [Ask]) -> Panel {
    Panel { title, unit, asks }
}

/// Panels of a row stand side by side.
const ROWS: [(&str, &[Panel]); 7] = [
    (
        "Objectives",
        &[
            panel(
                "Requests",
                "reqps",
                &[(
                    "sum by (job) (job:pspd_requests:rate5m{job=~\"$job\"})",
                    "{{job}}",
                )],
            ),
            panel(
                "Failed",
                "percentunit",
                &[(
                    "job:pspd_failed_requests:ratio_rate5m{job=~\"$job\"}",
                    "{{job}}",
                )],
            ),
            panel(
                "Duration",
                "s",
                &[
                    (
                        "job:pspd_request_duration_seconds:p50_rate5m{job=~\"$job\"}",
                        "p50 {{job}}",
                    ),
                    (
                        "job:pspd_request_duration_seconds:p99_rate5m{job=~\"$job\"}",
                        "p99 {{job}}",
                    ),
                ],
            ),
            panel(
                "Error budget, times what is allowed (1h)",
                "none",
                &[
                    (
                        "job:pspd_failed_requests:ratio_rate1h{job=~\"$job\"} / 0.001",
                        "failed {{job}}",
                    ),
                    (
                        "job:pspd_slow_requests:ratio_rate1h{job=~\"$job\"} / 0.01",
                        "slow {{job}}",
                    ),
                ],
            ),
        ],
    ),
    (
        "HTTP",
        &[
            panel(
                "Requests by route",
                "reqps",
                &[(
                    "sum by (http_request_method, http_route) (rate(http_server_request_duration_seconds_count{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                    "{{http_request_method}} {{http_route}}",
                )],
            ),
            panel(
                "Requests by status",
                "reqps",
                &[(
                    "sum by (http_response_status_code) (rate(http_server_request_duration_seconds_count{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                    "{{http_response_status_code}}",
                )],
            ),
            panel(
                "p99 by route",
                "s",
                &[(
                    "histogram_quantile(0.99, sum by (le, http_route) (rate(http_server_request_duration_seconds_bucket{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval])))",
                    "{{http_route}}",
                )],
            ),
            panel(
                "Bodies of answers",
                "Bps",
                &[(
                    "sum by (http_route) (rate(http_server_response_body_size_bytes_sum{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                    "{{http_route}}",
                )],
            ),
            panel(
                "Bodies of requests",
                "Bps",
                &[(
                    "sum by (http_route) (rate(http_server_request_body_size_bytes_sum{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                    "{{http_route}}",
                )],
            ),
        ],
    ),
    (
        "gRPC, gRPC-Web, Connect",
        &[
            panel(
                "Calls by method",
                "reqps",
                &[(
                    "sum by (grpc_service, grpc_method) (rate(grpc_server_handled_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                    "{{grpc_service}}/{{grpc_method}}",
                )],
            ),
            panel(
                "Calls by status",
                "reqps",
                &[(
                    "sum by (grpc_code) (rate(grpc_server_handled_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                    "{{grpc_code}}",
                )],
            ),
            panel(
                "p99 by method",
                "s",
                &[(
                    "histogram_quantile(0.99, sum by (le, grpc_service, grpc_method) (rate(grpc_server_handling_seconds_bucket{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval])))",
                    "{{grpc_service}}/{{grpc_method}}",
                )],
            ),
            panel(
                "Messages",
                "short",
                &[
                    (
                        "sum(rate(grpc_server_msg_received_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "received",
                    ),
                    (
                        "sum(rate(grpc_server_msg_sent_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "sent",
                    ),
                ],
            ),
            panel(
                "Calls under way",
                "short",
                &[(
                    "sum by (grpc_service, grpc_method) (grpc_server_started_total{job=~\"$job\", instance=~\"$instance\"}) - sum by (grpc_service, grpc_method) (grpc_server_handled_total{job=~\"$job\", instance=~\"$instance\"})",
                    "{{grpc_service}}/{{grpc_method}}",
                )],
            ),
        ],
    ),
    (
        "Load",
        &[
            panel(
                "Requests under way",
                "short",
                &[(
                    "sum by (instance) (http_server_active_requests{job=~\"$job\", instance=~\"$instance\"})",
                    "{{instance}}",
                )],
            ),
            panel(
                "Calls in flight, of what may be",
                "percentunit",
                &[(
                    "pspd_calls_in_flight{job=~\"$job\", instance=~\"$instance\"} / (pspd_calls_in_flight_max > 0)",
                    "{{instance}}",
                )],
            ),
            panel(
                "Refused for protection",
                "reqps",
                &[(
                    "sum by (reason) (rate(pspd_shed_requests_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                    "{{reason}}",
                )],
            ),
            panel(
                "Clients that left",
                "reqps",
                &[
                    (
                        "sum(rate(http_server_aborted_requests_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "HTTP",
                    ),
                    (
                        "sum(rate(grpc_server_aborted_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "gRPC",
                    ),
                ],
            ),
            panel(
                "Connections",
                "short",
                &[
                    (
                        "sum by (instance) (pspd_connections_open{job=~\"$job\", instance=~\"$instance\"})",
                        "open {{instance}}",
                    ),
                    (
                        "sum by (instance) (rate(pspd_connections_accepted_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "accepted a second {{instance}}",
                    ),
                ],
            ),
            panel(
                "Connections ended by this side",
                "cps",
                &[(
                    "sum by (reason) (rate(pspd_connections_closed_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                    "{{reason}}",
                )],
            ),
        ],
    ),
    (
        "Upstreams",
        &[
            panel(
                "Up",
                "bool_on_off",
                &[(
                    "min by (upstream) (pspd_upstream_up{job=~\"$job\", instance=~\"$instance\"})",
                    "{{upstream}}",
                )],
            ),
            panel(
                "Endpoints",
                "short",
                &[
                    (
                        "min by (upstream) (pspd_upstream_endpoints_available{job=~\"$job\", instance=~\"$instance\"})",
                        "available {{upstream}}",
                    ),
                    (
                        "max by (upstream) (pspd_upstream_endpoints_ejected{job=~\"$job\", instance=~\"$instance\"})",
                        "put aside {{upstream}}",
                    ),
                ],
            ),
            panel(
                "Calls",
                "reqps",
                &[
                    (
                        "sum by (upstream, grpc_code) (rate(grpc_client_handled_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "{{upstream}} {{grpc_code}}",
                    ),
                    (
                        "sum by (upstream, http_response_status_code, error_type) (rate(http_client_request_duration_seconds_count{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "{{upstream}} {{http_response_status_code}} {{error_type}}",
                    ),
                ],
            ),
            panel(
                "p99",
                "s",
                &[(
                    "max by (upstream) (job_upstream:pspd_call_duration_seconds:p99_rate5m{job=~\"$job\"})",
                    "{{upstream}}",
                )],
            ),
            panel(
                "Calls in flight and waiting",
                "short",
                &[
                    (
                        "sum by (upstream) (pspd_upstream_calls_in_flight{job=~\"$job\", instance=~\"$instance\"})",
                        "in flight {{upstream}}",
                    ),
                    (
                        "sum by (upstream) (pspd_upstream_calls_waiting{job=~\"$job\", instance=~\"$instance\"})",
                        "waiting {{upstream}}",
                    ),
                ],
            ),
            panel(
                "Connections",
                "short",
                &[
                    (
                        "sum by (upstream) (pspd_upstream_connections_open{job=~\"$job\", instance=~\"$instance\"})",
                        "open {{upstream}}",
                    ),
                    (
                        "sum by (upstream) (rate(pspd_upstream_connect_failures_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "failed a second {{upstream}}",
                    ),
                ],
            ),
            panel(
                "Made again",
                "reqps",
                &[
                    (
                        "sum by (upstream) (rate(pspd_upstream_retries_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "retries {{upstream}}",
                    ),
                    (
                        "sum by (upstream) (rate(pspd_upstream_hedges_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "hedges {{upstream}}",
                    ),
                    (
                        "sum by (upstream) (rate(pspd_upstream_retry_budget_exhausted_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "budget exhausted {{upstream}}",
                    ),
                ],
            ),
            panel(
                "Put aside, refused",
                "reqps",
                &[
                    (
                        "sum by (upstream) (rate(pspd_upstream_ejections_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "ejections {{upstream}}",
                    ),
                    (
                        "sum by (upstream) (rate(pspd_upstream_calls_refused_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                        "refused {{upstream}}",
                    ),
                ],
            ),
        ],
    ),
    (
        "Process",
        &[
            panel(
                "Processors",
                "short",
                &[(
                    "rate(process_cpu_seconds_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval])",
                    "{{instance}}",
                )],
            ),
            panel(
                "Memory",
                "bytes",
                &[(
                    "process_resident_memory_bytes{job=~\"$job\", instance=~\"$instance\"}",
                    "{{instance}}",
                )],
            ),
            panel(
                "Workers busy",
                "percentunit",
                &[(
                    "rate(pspd_runtime_busy_seconds_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval])",
                    "{{instance}} {{worker}}",
                )],
            ),
            panel(
                "Tasks",
                "short",
                &[
                    (
                        "sum by (instance) (pspd_runtime_tasks_alive{job=~\"$job\", instance=~\"$instance\"})",
                        "alive {{instance}}",
                    ),
                    (
                        "sum by (instance) (pspd_runtime_queue_depth{job=~\"$job\", instance=~\"$instance\"})",
                        "queued {{instance}}",
                    ),
                ],
            ),
            panel(
                "Files",
                "percentunit",
                &[(
                    "process_open_fds{job=~\"$job\", instance=~\"$instance\"} / process_max_fds",
                    "{{instance}}",
                )],
            ),
            panel(
                "Threads",
                "short",
                &[(
                    "process_threads{job=~\"$job\", instance=~\"$instance\"}",
                    "{{instance}}",
                )],
            ),
        ],
    ),
    (
        "What runs",
        &[
            panel(
                "Versions",
                "short",
                &[(
                    "count by (version, role) (pspd_build_info{job=~\"$job\", instance=~\"$instance\"})",
                    "{{role}} {{version}}",
                )],
            ),
            panel(
                "Up for",
                "s",
                &[(
                    "time() - process_start_time_seconds{job=~\"$job\", instance=~\"$instance\"}",
                    "{{instance}}",
                )],
            ),
            panel(
                "Configuration",
                "short",
                &[
                    (
                        "pspd_config_generation{job=~\"$job\", instance=~\"$instance\"}",
                        "generation {{instance}}",
                    ),
                    (
                        "pspd_config_last_reload_successful{job=~\"$job\", instance=~\"$instance\"}",
                        "last one was taken up {{instance}}",
                    ),
                ],
            ),
            panel(
                "Certificates end in",
                "s",
                &[(
                    "pspd_tls_certificate_not_after_timestamp_seconds{job=~\"$job\", instance=~\"$instance\"} - time()",
                    "{{instance}} {{files}}",
                )],
            ),
            panel(
                "TLS handshakes refused",
                "short",
                &[(
                    "sum by (instance, reason) (rate(pspd_tls_handshakes_refused_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
                    "{{instance}} {{reason}}",
                )],
            ),
            panel(
                "Series, of what may be",
                "percentunit",
                &[(
                    "pspd_metrics_series{job=~\"$job\", instance=~\"$instance\"} / pspd_metrics_series_max",
                    "{{instance}}",
                )],
            ),
            panel(
                "Access log, lines lost",
                "short",
                &[(
                    "rate(pspd_access_log_lines_lost_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval])",
                    "{{instance}}",
                )],
            ),
        ],
    ),
];

const WIDTH: usize = 24;
const HEIGHT: usize = 8;

/// Every question.
pub(crate) fn expressions() -> Vec<String> {
    let panels = ROWS.iter().flat_map(|(_, panels)| panels.iter());
    let asks = panels.flat_map(|panel| panel.asks.iter());
    asks.map(|(expr, _)| (*expr).to_owned()).collect()
}

fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

fn of_panel(panel: &Panel, id: usize, [x, y, w]: [usize; 3]) -> Value {
    let targets = panel
        .asks
        .iter()
        .zip('A'..)
        .map(|((expr, legend), letter)| {
            json!({
                "datasource": datasource(),
                "expr": expr,
                "legendFormat": legend,
                "refId": letter.to_string(),
            })
        });
    json!({
        "id": id,
        "type": "timeseries",
        "title": panel.title,
        "datasource": datasource(),
        "gridPos": { "h": HEIGHT, "w": w, "x": x, "y": y },
        "fieldConfig": {
            "defaults": { "unit": panel.unit, "min": 0, "custom": { "fillOpacity": 10, "showPoints": "never" } },
            "overrides": [],
        },
        "options": {
            "legend": { "displayMode": "list", "placement": "bottom" },
            "tooltip": { "mode": "multi", "sort": "desc" },
        },
        "targets": targets.collect::<Vec<_>>(),
    })
}

fn panels() -> Vec<Value> {
    let (mut made, mut y) = (Vec::new(), 0);
    for (title, panels) in ROWS {
        made.push(json!({
            "id": made.len() + 1,
            "type": "row",
            "title": title,
            "collapsed": false,
            "gridPos": { "h": 1, "w": WIDTH, "x": 0, "y": y },
            "panels": [],
        }));
        y += 1;
        // At most four stand side by side, as wide as there is room.
        for line in panels.chunks(if panels.len() % 4 == 1 { 3 } else { 4 }) {
            let w = WIDTH / line.len();
            for (at, panel) in line.iter().enumerate() {
                made.push(of_panel(panel, made.len() + 1, [at * w, y, w]));
            }
            y += HEIGHT;
        }
    }
    made
}

fn variable(name: &str, query: &str) -> Value {
    json!({
        "name": name,
        "type": "query",
        "datasource": datasource(),
        "query": { "query": query, "refId": name },
        "definition": query,
        "refresh": 2,
        "includeAll": true,
        "multi": true,
        "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
        "sort": 1,
    })
}

/// The file.
pub(crate) fn text() -> String {
    let dashboard = json!({
        "uid": "pspd",
        "title": "pspd",
        "description": "Made by `cargo xtask observability`; see docs/metrics.md.",
        "tags": ["pspd"],
        "schemaVersion": 38,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": { "from": "now-1h", "to": "now" },
        "timezone": "browser",
        "annotations": { "list": [] },
        "links": [],
        "templating": { "list": [
            { "name": "datasource", "type": "datasource", "query": "prometheus", "current": {} },
            variable("job", "label_values(pspd_build_info, job)"),
            variable("instance", "label_values(pspd_build_info{job=~\"$job\"}, instance)"),
        ] },
        "panels": panels(),
    });
    let mut text = serde_json::to_string_pretty(&dashboard).expect("plain values");
    text.push('\n');
    text
}
