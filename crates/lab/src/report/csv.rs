//! `table.csv`: one line a row, every figure in a column of its own with its
//! unit in the name; a figure that is not known is empty. Nothing needs quoting:
//! the only texts are names, which the plan restricts to letters, digits, `-`
//! and `_`.

use std::collections::BTreeSet;

use crate::{results::Run, summary::Row};

const FIXED: [&str; 22] = [
    "users",
    "chain",
    "window_start",
    "window_seconds",
    "requests_per_second",
    "ceiling_requests_per_second",
    "completed_in_window",
    "requests",
    "mean_ms",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "max_ms",
    "failed",
    "failed_connect",
    "failed_closed",
    "failed_timeout",
    "failed_status",
    "failed_malformed",
    "generator_bound",
    "published_requests_per_second",
    "published_mean_ms",
];

/// The whole file.
pub(crate) fn csv(run: &Run) -> String {
    let roles: BTreeSet<&str> = run
        .rows
        .iter()
        .flat_map(|row| &row.costs)
        .map(|cost| cost.role.as_str())
        .collect();
    let mut header: Vec<String> = FIXED.iter().map(|name| (*name).to_owned()).collect();
    for role in &roles {
        header.push(format!("{role}_cpu_seconds"));
        header.push(format!("{role}_peak_bytes"));
    }
    let mut lines = vec![header.join(",")];
    lines.extend(run.rows.iter().map(|row| line(row, &roles).join(",")));
    lines.join("\n") + "\n"
}

fn line(row: &Row, roles: &BTreeSet<&str>) -> Vec<String> {
    let latency = row.latency_ms;
    let failures = row.failures;
    let mut cells = vec![
        row.users.to_string(),
        row.chain.clone(),
        row.window_start.clone(),
        row.window_seconds.to_string(),
        row.requests_per_second.to_string(),
        row.ceiling_requests_per_second.to_string(),
        row.completed_in_window.to_string(),
        row.requests.to_string(),
        known(latency.map(|latency| latency.mean)),
        known(latency.map(|latency| latency.p50)),
        known(latency.map(|latency| latency.p95)),
        known(latency.map(|latency| latency.p99)),
        known(latency.map(|latency| latency.max)),
        failures.total.to_string(),
        failures.connect.to_string(),
        failures.closed.to_string(),
        failures.timeout.to_string(),
        failures.status.to_string(),
        failures.malformed.to_string(),
        row.generator_bound.is_some().to_string(),
        known(row.published.map(|published| published.requests_per_second)),
        known(row.published.map(|published| published.mean_ms)),
    ];
    for role in roles {
        let cost = row.costs.iter().find(|cost| cost.role == *role);
        cells.push(known(cost.and_then(|cost| cost.cpu_seconds)));
        cells.push(known(cost.and_then(|cost| cost.peak_bytes)));
    }
    cells
}

fn known(figure: Option<impl ToString>) -> String {
    figure.map_or(String::new(), |figure| figure.to_string())
}
