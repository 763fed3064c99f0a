//! The rules: what is recorded of each job, two objectives with alerts on how fast their
//! budgets burn, and alerts on what an operator can do something about.

use serde_json::{Value, json};

/// The objectives: the share of requests that do not fail, and of those that are fast.
const AVAILABLE: f64 = 0.999;
const FAST: f64 = 0.99;
/// What fast is, in seconds; a bound of the histograms.
const FAST_SECONDS: &str = "0.25";

/// Windows of a burn rate, how fast the budget of 30 days burns in them, and who is told.
const BURNS: [(&str, &str, f64, &str); 4] = [
    ("1h", "5m", 14.4, "page"),
    ("6h", "30m", 6.0, "page"),
    ("1d", "2h", 3.0, "ticket"),
    ("3d", "6h", 1.0, "ticket"),
];
const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// Codes of gRPC for which the service is at fault.
const FAULTS: &str = "Unknown|DeadlineExceeded|Internal|Unavailable|DataLoss";
/// What somebody asks to see how it goes is no request.
const NOT_OWN: &str = "http_route!~\"/healthz|/readyz|/status.*\"";

fn all(window: &str) -> String {
    format!(
        "sum by (job) (rate(http_server_request_duration_seconds_count{{{NOT_OWN}}}[{window}]) \
         or rate(grpc_server_handled_total[{window}]))"
    )
}

fn failed(window: &str) -> String {
    format!(
        "sum by (job) (rate(http_server_request_duration_seconds_count{{{NOT_OWN}, \
         http_response_status_code=~\"5..\"}}[{window}]) or \
         rate(grpc_server_handled_total{{grpc_code=~\"{FAULTS}\"}}[{window}]))"
    )
}

/// Streams and sockets last as long as they are meant to.
fn timed(part: &str, le: &str, window: &str) -> String {
    let le = |first: &str| match le {
        "" => first.to_owned(),
        le => format!("{first}, le=\"{le}\""),
    };
    let http = le(&format!("{NOT_OWN}, http_response_status_code!=\"101\""));
    let grpc = le("grpc_type=\"unary\"");
    format!(
        "sum by (job) (rate(http_server_request_duration_seconds_{part}{{{http}}}[{window}]) or \
         rate(grpc_server_handling_seconds_{part}{{{grpc}}}[{window}]))"
    )
}

fn record(name: &str, expr: String) -> Value {
    json!({ "record": name, "expr": expr })
}

fn recording() -> Vec<Value> {
    let mut rules = vec![record("job:pspd_requests:rate5m", all("5m"))];
    for window in WINDOWS {
        let (all, failed) = (all(window), failed(window));
        rules.push(record(
            &format!("job:pspd_failed_requests:ratio_rate{window}"),
            format!("({failed} or 0 * {all}) / ({all} > 0)"),
        ));
        let (fast, timed) = (
            timed("bucket", FAST_SECONDS, window),
            timed("count", "", window),
        );
        rules.push(record(
            &format!("job:pspd_slow_requests:ratio_rate{window}"),
            format!("1 - {fast} / ({timed} > 0)"),
        ));
    }
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
        let buckets = timed("bucket", "", "5m").replace("by (job)", "by (job, le)");
        rules.push(record(
            &format!("job:pspd_request_duration_seconds:{name}_rate5m"),
            format!("histogram_quantile({quantile}, {buckets})"),
        ));
        let buckets = "sum by (job, upstream, le) (rate(grpc_client_handling_seconds_bucket\
                       {grpc_type=\"unary\"}[5m]) or rate(http_client_request_duration_seconds_bucket[5m]))";
        rules.push(record(
            &format!("job_upstream:pspd_call_duration_seconds:{name}_rate5m"),
            format!("histogram_quantile({quantile}, {buckets})"),
        ));
    }
    rules
}

fn alert(name: &str, expr: &str, wait: &str, severity: &str, says: &str) -> Value {
    json!({
        "alert": name,
        "expr": expr,
        "for": wait,
        "labels": { "severity": severity },
        "annotations": { "summary": says },
    })
}

fn burning() -> Vec<Value> {
    let mut rules = Vec::new();
    for (name, ratio, objective, what) in [
        (
            "PspdErrorBudgetBurns",
            "pspd_failed_requests",
            AVAILABLE,
            "fail",
        ),
        (
            "PspdLatencyBudgetBurns",
            "pspd_slow_requests",
            FAST,
            "take longer than 250 ms",
        ),
    ] {
        for (long, short, rate, severity) in BURNS {
            // Written with as many digits as it has, and not with those of its error.
            let limit = format!("{:.6}", rate * (1.0 - objective));
            let limit = limit.trim_end_matches('0');
            let expr = format!(
                "job:{ratio}:ratio_rate{long} > {limit} and job:{ratio}:ratio_rate{short} > {limit}"
            );
            let says = format!(
                "{{{{ $value | humanizePercentage }}}} of the requests of {{{{ $labels.job }}}} \
                 {what}; at this rate ({rate} times what is allowed) the budget of 30 days does \
                 not last"
            );
            let mut rule = alert(name, &expr, "2m", severity, &says);
            rule["labels"]["window"] = long.into();
            rules.push(rule);
        }
    }
    rules
}

fn operating() -> Vec<Value> {
    vec![
        alert(
            "PspdDown",
            "up{job=~\"pspd.*\"} == 0",
            "1m",
            "page",
            "{{ $labels.instance }} of {{ $labels.job }} does not answer",
        ),
        alert(
            "PspdUpstreamDown",
            "min by (job, instance, upstream) (pspd_upstream_up) == 0",
            "1m",
            "page",
            "{{ $labels.instance }} reaches no endpoint of {{ $labels.upstream }}",
        ),
        alert(
            "PspdUpstreamDegraded",
            "pspd_upstream_endpoints_available < pspd_upstream_endpoints and \
             pspd_upstream_endpoints_available > 0",
            "10m",
            "ticket",
            "{{ $labels.instance }} does not use every endpoint of {{ $labels.upstream }}; \
             /readyz of its administration endpoint says why",
        ),
        alert(
            "PspdSheds",
            "sum by (job, instance, reason) (rate(pspd_shed_requests_total[5m])) > 0",
            "5m",
            "page",
            "{{ $labels.instance }} refuses requests ({{ $labels.reason }})",
        ),
        alert(
            "PspdNearlyFull",
            "pspd_calls_in_flight / (pspd_calls_in_flight_max > 0) > 0.8 or \
             pspd_connections_open / pspd_connections_max > 0.8",
            "5m",
            "ticket",
            "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its calls in \
             flight or connections",
        ),
        alert(
            "PspdRetryBudgetExhausted",
            "sum by (job, instance, upstream) (rate(pspd_upstream_retry_budget_exhausted_total[5m])) > 0",
            "5m",
            "ticket",
            "{{ $labels.instance }} makes no failed calls of {{ $labels.upstream }} again, \
             because too many fail",
        ),
        alert(
            "PspdConfigurationRefused",
            "pspd_config_last_reload_successful == 0",
            "5m",
            "ticket",
            "{{ $labels.instance }} goes on with an old configuration; its log says what is \
             wrong with the new one",
        ),
        alert(
            "PspdCertificateEnds",
            "pspd_tls_certificate_not_after_timestamp_seconds - time() < 0.1 * \
             (pspd_tls_certificate_not_after_timestamp_seconds - \
             pspd_tls_certificate_not_before_timestamp_seconds)",
            "5m",
            "page",
            "{{ $labels.instance }} shows a certificate ({{ $labels.files }}) with less than a \
             tenth of its time left",
        ),
        alert(
            "PspdCertificateRefused",
            "pspd_tls_certificate_stale == 1",
            "5m",
            "ticket",
            "{{ $labels.instance }} goes on with an old certificate; its log says what is wrong \
             with the new {{ $labels.files }}",
        ),
        alert(
            "PspdAccessLogLost",
            "rate(pspd_access_log_lines_lost_total[5m]) > 0",
            "5m",
            "ticket",
            "{{ $labels.instance }} drops lines of its access log; whoever reads it is too slow",
        ),
        alert(
            "PspdFilesRunOut",
            "process_open_fds{job=~\"pspd.*\"} / process_max_fds > 0.8",
            "5m",
            "ticket",
            "{{ $labels.instance }} has {{ $value | humanizePercentage }} of the files open that \
             it may have",
        ),
        alert(
            "PspdWorkersBusy",
            "avg by (job, instance) (rate(pspd_runtime_busy_seconds_total[5m])) > 0.9",
            "10m",
            "ticket",
            "the workers of {{ $labels.instance }} are busy {{ $value | humanizePercentage }} of \
             the time; give it more cores or start another",
        ),
        alert(
            "PspdSeriesOverflow",
            "increase(pspd_metrics_series_overflowed_total[1h]) > 0",
            "5m",
            "ticket",
            "{{ $labels.instance }} has more routes, methods and statuses than it tells apart; \
             raise metrics-series-max",
        ),
    ]
}

fn groups() -> [(&'static str, Vec<Value>); 3] {
    [
        ("pspd-records", recording()),
        ("pspd-objectives", burning()),
        ("pspd-operation", operating()),
    ]
}

/// The file.
pub(crate) fn text() -> String {
    written(&spec())
}

/// The same for Prometheus' operator.
pub(crate) fn for_the_operator() -> String {
    written(&json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": { "name": "pspd" },
        "spec": spec(),
    }))
}

fn spec() -> Value {
    let groups = groups();
    let groups: Vec<_> = groups
        .iter()
        .map(|(name, rules)| json!({ "name": name, "rules": rules }))
        .collect();
    json!({ "groups": groups })
}

fn written(value: &Value) -> String {
    let yaml = yaml_serde::to_string(value).expect("plain values");
    format!("# Made by `cargo xtask observability`; see docs/metrics.md.\n{yaml}")
}

fn each(key: &str) -> Vec<String> {
    let rules = groups().into_iter().flat_map(|(_, rules)| rules);
    rules
        .filter_map(|rule| rule[key].as_str().map(ToOwned::to_owned))
        .collect()
}

/// What is recorded.
pub(crate) fn recorded() -> Vec<String> {
    each("record")
}

/// What is asked.
pub(crate) fn expressions() -> Vec<String> {
    each("expr")
}

/// What is told.
pub(crate) fn alerts() -> Vec<String> {
    each("alert")
}
