//! What the roles count, as they tell it at `/metrics`: held against the requests that
//! were made, in every protocol; and by a real Prometheus.

mod counts;
mod labels;
mod prometheus;
mod upstreams;

use std::{collections::BTreeMap, net::SocketAddr};

use contract::Role;
use testkit::{Process, http, until};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// The text of a role's metrics.
#[track_caller]
fn scrape(admin: SocketAddr) -> String {
    let answer = http::get(admin, "/metrics").expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    answer.text()
}

/// Every series with its value, by name and labels as they are written.
pub(crate) struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    #[track_caller]
    pub(crate) fn of(process: &Process) -> Metrics {
        Metrics::read(&scrape(process.admin_address()))
    }

    #[track_caller]
    pub(crate) fn read(text: &str) -> Metrics {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            (name.to_owned(), value.parse().expect("a number"))
        });
        Metrics(series.collect())
    }

    pub(crate) fn get(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    /// Every series of this name that has labels, with its value.
    pub(crate) fn labelled(&self, name: &str) -> Vec<(&str, f64)> {
        let beginning = format!("{name}{{");
        let series = self.0.iter();
        let series = series.filter(|(series, _)| series.starts_with(&beginning));
        series
            .map(|(series, value)| (series.as_str(), *value))
            .collect()
    }

    /// The sum of all series of this name whose labels have all of these.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let series = self.0.iter().filter(|(series, _)| {
            let rest = series.strip_prefix(name);
            let of_name = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('{'));
            let has =
                |(name, value): &(&str, &str)| series.contains(&format!("{name}=\"{value}\""));
            of_name && labels.iter().all(has)
        });
        series.map(|(_, value)| value).sum()
    }
}

/// Waits until the series stand so; they are written when an answer has ended, which its
/// client may know before.
#[track_caller]
fn stands(process: &Process, name: &str, labels: &[(&str, &str)], value: f64) {
    let mut last = f64::NAN;
    let reached = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        until(name, || {
            last = Metrics::of(process).sum(name, labels);
            (last >= value).then_some(())
        });
    }));
    assert!(
        reached.is_ok() && (last - value).abs() < 1e-9,
        "{name} {labels:?} is {last} and not {value}\n{}",
        scrape(process.admin_address())
    );
}

/// Services A and B and gateway P before them, whose routes are the published ones.
struct Grpc {
    a: Process,
    b: Process,
    gateway: Process,
}

impl Grpc {
    #[track_caller]
    fn start(args: &[&str]) -> Grpc {
        let a = Process::start(PSPD, Role::A, &[]);
        let b = Process::start(PSPD, Role::B, &[]);
        let [at_a, at_b] = [&a, &b].map(|service| service.address().to_string());
        let mut all = vec!["--a-addr", &at_a, "--b-addr", &at_b, "--access-log", "off"];
        all.extend(args);
        let gateway = Process::start(PSPD, Role::Gateway, &all);
        Grpc { a, b, gateway }
    }
}

/// A-REST and B-REST and gateway P-REST before them.
struct Rest {
    a: Process,
    b: Process,
    gateway: Process,
}

impl Rest {
    #[track_caller]
    fn start(args: &[&str]) -> Rest {
        let a = Process::start(PSPD, Role::ARest, &[]);
        let b = Process::start(PSPD, Role::BRest, &[]);
        let [at_a, at_b] = [&a, &b].map(|service| format!("http://{}", service.address()));
        let mut all = vec!["--a-rest", &at_a, "--b-rest", &at_b, "--access-log", "off"];
        all.extend(args);
        let gateway = Process::start(PSPD, Role::GatewayRest, &all);
        Rest { a, b, gateway }
    }
}

#[track_caller]
fn get(process: &Process, target: &str) -> u16 {
    let answer = http::get(process.address(), target);
    answer.expect("an answer").status()
}
