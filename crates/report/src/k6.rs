//! A cell in the shape of k6's `--summary-export` (version 1.1), for tools that
//! read that. In: a cell; out: a name for its file, and JSON. What k6 calls
//! `http_req_duration` counts from sending, and so does this; our latency from
//! the intended start stands beside it as `pspd_latency`. Both hold successes
//! only, which in k6 is `http_req_duration{expected_response:true}`.
//!
//! What differs from k6: it counts all that ended during the test, and divides by
//! the test's length. Here `http_reqs` is the successes that ended in the windows,
//! over the windows' length, as in all our tables; `http_req_failed` is about the
//! requests that were due in the windows, waited for until they ended, and so its
//! `passes` and `fails` do not add up to `http_reqs`. `pspd_marks`, beside the
//! metrics, names what must be known before these figures are believed.
//!
//! Left out, because nothing here measures it: `http_req_blocked`, `_connecting`,
//! `_tls_handshaking`, `_sending`, `_waiting`, `_receiving`; of
//! `iteration_duration` all but `avg`; in an open loop `vus`.

use results::{Block, Latency, LoadPoint};
use serde_json::{Map, Value, json};

use crate::{Cell, Digest, Times, component::mean, warnings::mark_names};

/// What k6 has for a group without a name.
const ROOT_GROUP_ID: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// A name such as `grpc-400-users`, and the summary.
pub fn k6_summary(digest: &Digest<'_>, cell: &Cell<'_>) -> (String, Value) {
    let summary = json!({
        "metrics": metrics(digest, cell),
        "root_group": {
            "name": "",
            "path": "",
            "id": ROOT_GROUP_ID,
            "groups": {},
            "checks": {},
        },
        "pspd_marks": mark_names(&cell.blocks),
    });
    (name(cell), summary)
}

fn name(cell: &Cell<'_>) -> String {
    let target = &cell.target.name;
    match cell.load {
        LoadPoint::Users(users) => format!("{target}-{users}-users"),
        LoadPoint::Rate(rate) => format!("{target}-{rate}-per-second"),
        LoadPoint::Search => format!("{target}-search"),
    }
}

fn metrics(digest: &Digest<'_>, cell: &Cell<'_>) -> Map<String, Value> {
    let mut metrics = Map::new();
    let mut add = |name: String, value: Option<Value>| {
        if let Some(value) = value {
            metrics.insert(name, value);
        }
    };
    let sum = |of: fn(&Block) -> u64| -> u64 { cell.blocks.iter().map(|block| of(block)).sum() };
    let seconds: f64 = cell.blocks.iter().map(|block| block.window_seconds).sum();
    let counter = |count: u64| Some(json!({ "count": count, "rate": count as f64 / seconds }));
    add("http_reqs".into(), counter(sum(|block| block.completed)));
    add(
        "http_req_failed".into(),
        Some(json!({
            // As k6 has it: those that passed the test of having failed.
            "passes": cell.failed(),
            "fails": cell.succeeded(),
            "value": cell.failed_share().unwrap_or(0.0),
        })),
    );
    let times = &cell.times;
    add("http_req_duration".into(), sent(times));
    add(
        "http_req_duration{expected_response:true}".into(),
        sent(times),
    );
    for route in &cell.routes {
        let name = format!("http_req_duration{{name:{}}}", route.route);
        add(name, sent(&route.times));
    }
    add("pspd_latency".into(), trend(times.latency, times.min_ms));
    add("iterations".into(), counter(sum(|block| block.iterations)));
    let iteration = cell
        .blocks
        .iter()
        .filter_map(|block| block.iteration_mean_ms);
    add(
        "iteration_duration".into(),
        mean(iteration).map(|avg| json!({ "avg": avg })),
    );
    add(
        "data_sent".into(),
        counter(sum(|block| block.generator_bytes_sent)),
    );
    add(
        "data_received".into(),
        counter(sum(|block| block.generator_bytes_received)),
    );
    let gauge = |value: u32| Some(json!({ "value": value, "min": value, "max": value }));
    match cell.load {
        LoadPoint::Users(users) => {
            add("vus".into(), gauge(users));
            add("vus_max".into(), gauge(users));
        }
        LoadPoint::Rate(_) | LoadPoint::Search => {
            add(
                "vus_max".into(),
                gauge(digest.run.experiment.load.in_flight_max),
            );
            add(
                "dropped_iterations".into(),
                counter(sum(|block| block.not_begun)),
            );
        }
    }
    metrics
}

fn trend(latency: Option<Latency>, min_ms: Option<f64>) -> Option<Value> {
    let latency = latency?;
    Some(json!({
        "avg": latency.mean_ms,
        "min": min_ms,
        "med": latency.p50_ms,
        "max": latency.max_ms,
        "p(90)": latency.p90_ms,
        "p(95)": latency.p95_ms,
    }))
}

/// From sending.
fn sent(times: &Times) -> Option<Value> {
    trend(times.uncorrected, times.uncorrected_min_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_closed_loop_looks_like_one_of_k6() {
        let run = testing::published_run();
        let digest = testing::digest(&run);
        let cell = digest
            .cell("grpc", LoadPoint::Users(400))
            .expect("it has blocks");
        let (name, summary) = k6_summary(&digest, cell);
        assert_eq!(name, "grpc-400-users");
        insta::assert_json_snapshot!(summary);
    }

    #[test]
    fn an_open_loop_counts_from_sending_as_k6_does() {
        let run = testing::open_loop_run();
        let digest = testing::digest(&run);
        let (name, summary) = k6_summary(&digest, &digest.cells[0]);
        assert_eq!(name, "grpc-200-per-second");
        let metrics = &summary["metrics"];
        let median = |name: &str| metrics[name]["med"].as_f64().expect("a trend");
        assert!((median("pspd_latency") / median("http_req_duration") - 4.0).abs() < 0.01);
        let min = |name: &str| metrics[name]["min"].as_f64().expect("a trend");
        assert!((min("pspd_latency") / min("http_req_duration") - 4.0).abs() < 0.01);
        assert_eq!(metrics["vus_max"]["value"], 256);
        assert_eq!(metrics["dropped_iterations"]["count"], 0);
        assert!(metrics.get("vus").is_none());
    }

    #[test]
    fn failures_are_what_k6_calls_passes() {
        let run = testing::eventful_run();
        let digest = testing::digest(&run);
        let (_, summary) = k6_summary(&digest, &digest.cells[0]);
        let failed = &summary["metrics"]["http_req_failed"];
        assert_eq!(
            (&failed["passes"], &failed["fails"]),
            (&json!(12), &json!(16_000))
        );
        assert_eq!(failed["value"].as_f64(), digest.cells[0].failed_share());
        let marks = json!(["failed", "unserved", "stalled", "steal"]);
        assert_eq!(summary["pspd_marks"], marks);
    }

    #[test]
    fn what_ended_after_the_window_is_not_in_the_rate() {
        let mut run = testing::published_run();
        let requests = |run: &results::Run| {
            let digest = testing::digest(run);
            let (_, summary) = k6_summary(&digest, &digest.cells[0]);
            summary["metrics"]["http_reqs"].clone()
        };
        let before = requests(&run);
        run.blocks[0].failures.total = 1_000_000;
        assert_eq!(requests(&run), before);
        let seconds = before["count"].as_f64().zip(before["rate"].as_f64());
        let (count, rate) = seconds.expect("a counter");
        assert!((count / rate - 25.0).abs() < 1e-9);
    }
}
