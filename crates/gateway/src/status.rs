//! What the status page shows, of the same counts that metrics tell: each upstream and
//! the routes that are asked most, with totals and the buckets of their times. A browser
//! makes rates and percentiles of two answers. Nothing in it is an operator's secret:
//! names and counts, and no addresses or causes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde::Serialize;
use telemetry::{Gathered, SECONDS, Telemetry, Value, table};

/// An answer is given to all who ask within this time, so that many of them cost what one
/// does.
const FRESH: Duration = Duration::from_secs(1);
/// Routes that are told, those with most requests.
const ROUTES_MAX: usize = 20;
/// Codes of gRPC that say that the service is at fault, as OpenTelemetry divides them, but
/// for `Unimplemented`, which anybody has who asks for what is not there.
const FAULTS: [&str; 5] = [
    "Unknown",
    "DeadlineExceeded",
    "Internal",
    "Unavailable",
    "DataLoss",
];

/// What a gateway tells of itself.
#[derive(Clone)]
pub struct Status {
    telemetry: Telemetry,
    last: Arc<Mutex<Option<(Instant, Bytes)>>>,
}

#[derive(Serialize)]
struct Told {
    bounds: &'static [f64],
    active: f64,
    connections: f64,
    shed: f64,
    upstreams: BTreeMap<String, Upstream>,
    routes: Vec<Route>,
}

#[derive(Default, Serialize)]
struct Upstream {
    up: bool,
    endpoints: Option<f64>,
    available: Option<f64>,
    connections: Option<f64>,
    in_flight: f64,
    waiting: f64,
    retries: f64,
    #[serde(flatten)]
    answers: Answers,
}

#[derive(Default, Serialize)]
struct Route {
    name: String,
    #[serde(flatten)]
    answers: Answers,
}

/// What came back.
#[derive(Default, Serialize)]
struct Answers {
    total: u64,
    failed: u64,
    buckets: Vec<u64>,
}

impl Answers {
    fn add(&mut self, value: &Value, failed: bool) {
        let Value::Spread { counts, .. } = value else {
            return;
        };
        self.buckets.resize(counts.len(), 0);
        for (known, more) in self.buckets.iter_mut().zip(counts) {
            *known += more;
        }
        let all: u64 = counts.iter().sum();
        self.total += all;
        self.failed += if failed { all } else { 0 };
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn fail(&mut self, code: &str, value: &Value) {
        if let Value::Number(count) = value
            && FAULTS.contains(&code)
        {
            self.failed += *count as u64;
        }
    }
}

impl Status {
    /// Of what `telemetry` counts.
    #[must_use]
    pub fn of(telemetry: &Telemetry) -> Self {
        Status {
            telemetry: telemetry.clone(),
            last: Arc::default(),
        }
    }

    /// Whether there is anything to tell.
    pub(crate) fn is_on(&self) -> bool {
        self.telemetry.is_on()
    }

    /// Everything as JSON, at most a second old.
    #[must_use]
    pub fn json(&self) -> Bytes {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, json)) if at.elapsed() < FRESH => json.clone(),
            _ => {
                let told = told(&self.telemetry.gather());
                // Plain structs can always be written.
                let json: Bytes = serde_json::to_vec(&told).unwrap_or_default().into();
                *last = Some((Instant::now(), json.clone()));
                json
            }
        }
    }
}

fn told(gathered: &Gathered) -> Told {
    let sum = |metric| {
        let numbers = gathered.series(metric).map(|(_, value)| number(value));
        numbers.sum::<f64>()
    };
    Told {
        bounds: &SECONDS,
        active: sum(&table::HTTP_SERVER_ACTIVE),
        connections: sum(&table::CONNECTIONS_OPEN),
        shed: sum(&table::SHED),
        upstreams: upstreams(gathered),
        routes: routes(gathered),
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => *number,
        Value::Spread { .. } => 0.0,
    }
}

fn upstreams(gathered: &Gathered) -> BTreeMap<String, Upstream> {
    let mut upstreams: BTreeMap<String, Upstream> = BTreeMap::new();
    // One that the configuration has no more is up nowhere, and left out.
    for (labels, value) in gathered.series(&table::UPSTREAM_UP) {
        let upstream = upstreams.entry(labels[0].clone()).or_default();
        upstream.up = number(value) > 0.0;
    }
    for (name, upstream) in &mut upstreams {
        let of = |metric| {
            let mut series = gathered.series(metric);
            let found = series.find(|(labels, _)| labels[0] == *name);
            found.map(|(_, value)| number(value))
        };
        upstream.endpoints = of(&table::UPSTREAM_ENDPOINTS);
        upstream.available = of(&table::UPSTREAM_AVAILABLE);
        upstream.connections = of(&table::UPSTREAM_CONNECTIONS);
        upstream.in_flight = of(&table::UPSTREAM_IN_FLIGHT).unwrap_or_default();
        upstream.waiting = of(&table::UPSTREAM_WAITING).unwrap_or_default();
        upstream.retries = of(&table::UPSTREAM_RETRIES).unwrap_or_default();
    }
    for (labels, value) in gathered.series(&table::GRPC_CLIENT_HANDLING) {
        if let Some(upstream) = upstreams.get_mut(&labels[0]) {
            upstream.answers.add(value, false);
        }
    }
    for (labels, value) in gathered.series(&table::GRPC_CLIENT_HANDLED) {
        if let Some(upstream) = upstreams.get_mut(&labels[0]) {
            upstream.answers.fail(&labels[4], value);
        }
    }
    for (labels, value) in gathered.series(&table::HTTP_CLIENT_DURATION) {
        if let Some(upstream) = upstreams.get_mut(&labels[0]) {
            upstream.answers.add(value, !labels[3].is_empty());
        }
    }
    upstreams
}

/// Those that are asked most, of either kind.
fn routes(gathered: &Gathered) -> Vec<Route> {
    let mut routes: BTreeMap<String, Answers> = BTreeMap::new();
    for (labels, value) in gathered.series(&table::HTTP_SERVER_DURATION) {
        // What polls this is not what is asked about.
        if !OWN.iter().any(|own| labels[1].starts_with(own)) {
            let answers = routes.entry(format!("{} {}", labels[0], labels[1]));
            answers.or_default().add(value, labels[2].starts_with('5'));
        }
    }
    let rpc = |labels: &[String]| format!("gRPC {}/{}", labels[1], labels[2]);
    for (labels, value) in gathered.series(&table::GRPC_SERVER_HANDLING) {
        routes.entry(rpc(labels)).or_default().add(value, false);
    }
    for (labels, value) in gathered.series(&table::GRPC_SERVER_HANDLED) {
        let answers = routes.entry(rpc(labels)).or_default();
        answers.fail(&labels[3], value);
    }
    let routes = routes.into_iter();
    let mut routes: Vec<_> = routes
        .map(|(name, answers)| Route { name, answers })
        .collect();
    routes.sort_by_key(|route| std::cmp::Reverse(route.answers.total));
    routes.truncate(ROUTES_MAX);
    routes
}

/// How the paths of pages begin.
const OWN: [&str; 2] = ["/status", "/page."];

#[cfg(test)]
mod tests {
    use telemetry::{Ended, HttpMethod, Limits, Rpc, RpcType, Side};

    use super::*;

    #[test]
    fn totals_and_failures_of_routes_and_calls() {
        let limits = Limits {
            is_on: true,
            series_max: 100,
        };
        let telemetry = Telemetry::new("gateway", "1", limits);
        let worker = telemetry.worker();
        let rpc = telemetry.rpc(Rpc {
            rpc_type: RpcType::Unary,
            service: "shop.Shop".to_owned(),
            method: "Buy".to_owned(),
            upstream: "shop".to_owned(),
        });
        for (route, status) in [("/a", 200), ("/a", 503), ("/a", 404), ("/status.json", 200)] {
            worker.ended(&Ended {
                method: HttpMethod::GET,
                route: telemetry.route(route),
                status,
                nanos: 1,
                request_bytes: None,
                response_bytes: 0,
                aborted: false,
            });
        }
        for code in [0, 14, 5] {
            worker.call_ended(Side::Server, rpc, code, 1);
            worker.call_ended(Side::Client, rpc, code, 1);
        }
        let json = Status::of(&telemetry).json();
        let told: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        let routes = told["routes"].as_array().expect("a list");
        let seen: Vec<_> = routes
            .iter()
            .map(|route| (&route["name"], &route["total"], &route["failed"]))
            .map(|(name, total, failed)| format!("{name} {total} {failed}"))
            .collect();
        assert_eq!(seen, ["\"GET /a\" 3 1", "\"gRPC shop.Shop/Buy\" 3 1"]);
        assert_eq!(routes[0]["buckets"][0], 3);
    }
}
