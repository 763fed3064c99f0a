//! The summary that `k6.js` writes, read. Pure. A `k6 --summary-export` has
//! another shape, which k6 advises against.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

/// The figures of one run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Summary {
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) failed: u64,
}

#[derive(Deserialize)]
struct Raw {
    metrics: BTreeMap<String, Metric>,
}

#[derive(Deserialize)]
struct Metric {
    #[serde(default)]
    values: BTreeMap<String, Option<f64>>,
}

/// Reads what k6 hands to `handleSummary`.
pub(super) fn parse(text: &str) -> anyhow::Result<Summary> {
    let raw: Raw = serde_json::from_str(text).context("k6's summary is not as expected")?;
    let value = |metric: &str, name: &str| {
        let values = raw.metrics.get(metric).map(|metric| &metric.values);
        let value = values.and_then(|values| values.get(name).copied().flatten());
        value.with_context(|| format!("k6's summary has no {name} of {metric}"))
    };
    let requests = value("http_reqs", "count")?;
    Ok(Summary {
        requests: requests as u64,
        requests_per_second: value("http_reqs", "rate")?,
        p50_ms: value("http_req_duration", "p(50)")?,
        p99_ms: value("http_req_duration", "p(99)")?,
        failed: (value("http_req_failed", "rate")? * requests).round() as u64,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SUMMARY: &str = r#"{
        "root_group": {"name": "", "checks": []},
        "state": {"testRunDurationMs": 1003.6},
        "metrics": {
            "http_req_duration": {
                "type": "trend", "contains": "time",
                "values": {"count": 28592, "p(50)": 0.0653, "p(99)": 1.2458}
            },
            "http_req_failed": {
                "type": "rate", "contains": "default",
                "values": {"rate": 0.25, "passes": 7148, "fails": 21444}
            },
            "http_reqs": {
                "type": "counter", "contains": "default",
                "values": {"count": 28592, "rate": 28486.7}
            }
        }
    }"#;

    #[test]
    fn a_summary_is_read() {
        let expected = Summary {
            requests: 28_592,
            requests_per_second: 28_486.7,
            p50_ms: 0.0653,
            p99_ms: 1.2458,
            failed: 7148,
        };
        assert_eq!(parse(SUMMARY).expect("k6's own"), expected);
    }

    #[test]
    fn what_is_missing_is_named() {
        let text = SUMMARY.replace("p(99)", "p(98)");
        let error = parse(&text).expect_err("no p99").to_string();
        assert!(error.contains("p(99) of http_req_duration"), "{error}");
        assert!(parse("").is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}
