//! `table.csv`: one line a row, every figure in a column of its own with its
//! unit in the name, those of a route or a role after its name; a figure that is
//! not known is empty. Nothing needs quoting:
//! the only texts are names, which the plan restricts to letters, digits, `-`
//! and `_`.

use std::collections::BTreeSet;

use crate::{
    results::Run,
    summary::{LatencyMs, Row},
};

const FIXED: [&str; 19] = [
    "users",
    "chain",
    "window_start",
    "window_seconds",
    "requests_per_second",
    "ceiling_requests_per_second",
    "completed_in_window",
    "failed",
    "failed_connect",
    "failed_closed",
    "failed_timeout",
    "failed_status",
    "failed_malformed",
    "generator_failed_local_port",
    "users_stalled",
    "users_unserved",
    "generator_bound",
    "published_requests_per_second",
    "published_mean_ms",
];

/// Of all requests, and again of each route.
const LATENCY: [&str; 6] = [
    "requests", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms",
];

/// The whole file.
pub(crate) fn csv(run: &Run) -> String {
    let routes = routes(run);
    let roles: BTreeSet<&str> = run
        .rows
        .iter()
        .flat_map(|row| &row.costs)
        .map(|cost| cost.role.as_str())
        .collect();
    let mut header: Vec<String> = FIXED.iter().map(|name| (*name).to_owned()).collect();
    header.extend(LATENCY.map(str::to_owned));
    for route in &routes {
        header.extend(LATENCY.map(|name| format!("{route}_{name}")));
    }
    for role in &roles {
        header.push(format!("{role}_cpu_seconds"));
        header.push(format!("{role}_peak_bytes"));
    }
    let mut lines = vec![header.join(",")];
    lines.extend(
        run.rows
            .iter()
            .map(|row| line(row, &routes, &roles).join(",")),
    );
    lines.join("\n") + "\n"
}

/// The routes of all rows, in their order.
fn routes(run: &Run) -> Vec<&str> {
    let mut routes = Vec::new();
    for route in run.rows.iter().flat_map(|row| &row.routes) {
        if !routes.contains(&route.route.as_str()) {
            routes.push(&route.route);
        }
    }
    routes
}

fn line(row: &Row, routes: &[&str], roles: &BTreeSet<&str>) -> Vec<String> {
    let failures = row.failures;
    let mut cells = vec![
        row.users.to_string(),
        row.chain.clone(),
        row.window_start.clone(),
        row.window_seconds.to_string(),
        row.requests_per_second.to_string(),
        row.ceiling_requests_per_second.to_string(),
        row.completed_in_window.to_string(),
        failures.total.to_string(),
        failures.connect.to_string(),
        failures.closed.to_string(),
        failures.timeout.to_string(),
        failures.status.to_string(),
        failures.malformed.to_string(),
        failures.local_port.to_string(),
        row.users_stalled.to_string(),
        row.users_unserved.to_string(),
        row.generator_bound.is_some().to_string(),
        known(row.published.map(|published| published.requests_per_second)),
        known(row.published.map(|published| published.mean_ms)),
    ];
    cells.extend(latency(Some(row.requests), row.latency_ms));
    for name in routes {
        let route = row.routes.iter().find(|route| route.route == *name);
        cells.extend(latency(
            route.map(|route| route.requests),
            route.and_then(|route| route.latency_ms),
        ));
    }
    for role in roles {
        let cost = row.costs.iter().find(|cost| cost.role == *role);
        cells.push(known(cost.and_then(|cost| cost.cpu_seconds)));
        cells.push(known(cost.and_then(|cost| cost.peak_bytes)));
    }
    cells
}

/// The cells of [`LATENCY`].
fn latency(requests: Option<u64>, latency: Option<LatencyMs>) -> [String; LATENCY.len()] {
    let ms = |read: fn(LatencyMs) -> f64| known(latency.map(read));
    [
        known(requests),
        ms(|latency| latency.mean),
        ms(|latency| latency.p50),
        ms(|latency| latency.p95),
        ms(|latency| latency.p99),
        ms(|latency| latency.max),
    ]
}

fn known(figure: Option<impl ToString>) -> String {
    figure.map_or(String::new(), |figure| figure.to_string())
}
