//! `deploy/observability` and `docs/metrics.md` are made from the table of metrics and
//! from what is here: the dashboard of Grafana and the rules of Prometheus. The tests fail
//! when a file is not what would be made now, or names a metric or a label that does not
//! exist. `UPDATE=1`, as `cargo xtask observability` sets it, writes the files.

mod dashboard;
mod docs;
mod names;
mod rules;

use std::{env, fs, path::PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Holds the file against what it should be, or writes it.
#[track_caller]
fn check(path: &str, wanted: &str) {
    let file = root().join(path);
    if env::var_os("UPDATE").is_some() {
        fs::write(&file, wanted).expect("it can be written");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "{path} is not what is made from the table now; run `cargo xtask observability`"
    );
}

#[test]
fn the_documentation_is_that_of_the_table() {
    check("docs/metrics.md", &docs::text());
}

#[test]
fn the_rules_are_up_to_date() {
    check("deploy/observability/rules.yaml", &rules::text());
}

#[test]
fn the_rules_for_the_operator_are_up_to_date() {
    check(
        "deploy/observability/prometheus-rule.yaml",
        &rules::for_the_operator(),
    );
}

#[test]
fn the_dashboard_is_up_to_date() {
    check("deploy/observability/dashboard.json", &dashboard::text());
}

#[test]
fn every_name_in_rules_and_dashboard_exists() {
    let recorded = rules::recorded();
    let expressions = rules::expressions().into_iter();
    for expression in expressions.chain(dashboard::expressions()) {
        let unknown = names::unknown(&expression, &recorded);
        assert!(unknown.is_empty(), "{expression}: there is no {unknown:?}");
    }
}

#[test]
fn a_name_that_does_not_exist_is_found() {
    for (expression, expected) in [
        ("sum(rate(http_requests_total[5m]))", "http_requests_total"),
        ("pspd_upstream_up{server=\"a\"}", "server"),
        ("sum by (path) (pspd_upstream_up)", "path"),
        (
            "pspd_connections_open_bucket",
            "pspd_connections_open_bucket",
        ),
        ("job:nothing:rate5m > 1", "job:nothing:rate5m"),
    ] {
        assert_eq!(names::unknown(expression, &[]), [expected], "{expression}");
    }
    for expression in [
        "histogram_quantile(0.99, sum by (le, job) (rate(grpc_client_handling_seconds_bucket{job=~\"$job\", le!=\"\"}[$__rate_interval])))",
        "(up == 0) or on (instance) time() - process_start_time_seconds < 5",
    ] {
        assert_eq!(names::unknown(expression, &[]), Vec::<String>::new());
    }
}

#[test]
fn names_in_the_tests_of_rules_exist() {
    let text = fs::read_to_string(root().join("deploy/observability/rules.test.yaml"));
    let text = text.expect("the tests of the rules");
    let recorded = rules::recorded();
    let series = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once("series: '")?;
        rest.strip_suffix('\'')
    });
    let mut count = 0;
    for series in series {
        count += 1;
        let unknown = names::unknown(series, &recorded);
        assert!(unknown.is_empty(), "{series}: there is no {unknown:?}");
    }
    assert!(count > 5, "too few series: {count}");
    for alert in rules::alerts() {
        assert!(text.contains(&alert), "{alert} has no test");
    }
}
