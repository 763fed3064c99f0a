use std::sync::Arc;

use super::*;
use crate::{Gathered, Limits, Rpc, RpcType, Telemetry, Value};

fn telemetry(series_max: usize) -> Telemetry {
    let limits = Limits {
        is_on: true,
        series_max,
    };
    Telemetry::new("gateway", "1", limits)
}

fn ended(route: Route, status: u16) -> Ended {
    Ended {
        method: HttpMethod::GET,
        route,
        status,
        nanos: 2_000_000,
        request_bytes: Some(0),
        response_bytes: 30,
        aborted: false,
    }
}

/// Requests by route and status.
fn requests(gathered: &Gathered) -> Vec<(String, String, u64)> {
    let series = gathered.series(&table::HTTP_SERVER_DURATION);
    let counted = series.map(|(labels, value)| match value {
        Value::Spread { counts, .. } => (labels[1].clone(), labels[2].clone(), counts.iter().sum()),
        Value::Number(_) => (String::new(), String::new(), 0),
    });
    counted.collect()
}

fn row(route: &str, status: &str, count: u64) -> (String, String, u64) {
    (route.to_owned(), status.to_owned(), count)
}

#[test]
fn what_workers_count_is_added_up() {
    let telemetry = telemetry(100);
    let (hello, numbers) = (telemetry.route("/a/hello"), telemetry.route("/b/numbers"));
    assert_eq!(telemetry.route("/a/hello"), hello);
    let workers = [telemetry.worker(), telemetry.worker()];
    for (worker, times) in workers.iter().zip([3, 4]) {
        for _ in 0..times {
            worker.begin(HttpMethod::GET);
            worker.ended(&ended(hello, 200));
        }
        worker.ended(&ended(numbers, 499));
        worker.leave(HttpMethod::GET);
    }
    let gathered = telemetry.gather();
    assert_eq!(
        requests(&gathered),
        [row("/a/hello", "200", 7), row("/b/numbers", "499", 2)]
    );
    let active: Vec<_> = gathered.series(&table::HTTP_SERVER_ACTIVE).collect();
    assert_eq!(active, [(&["GET".to_owned()][..], &Value::Number(5.0))]);
}

#[test]
fn beyond_the_limit_there_is_one_series_for_each_status() {
    let telemetry = telemetry(2);
    let workers = [telemetry.worker(), telemetry.worker()];
    for number in 0..500 {
        let route = telemetry.route(&format!("/{number}"));
        for worker in &workers {
            worker.ended(&ended(route, 200));
            worker.ended(&ended(route, 404));
        }
    }
    let gathered = telemetry.gather();
    assert_eq!(
        requests(&gathered),
        [
            row("/0", "200", 2),
            row("/0", "404", 2),
            row("_overflow", "200", 998),
            row("_overflow", "404", 998),
        ]
    );
}

#[test]
fn any_number_of_statuses_of_one_route() {
    let telemetry = telemetry(1000);
    let worker = telemetry.worker();
    let route = telemetry.route("/");
    for status in 200..230 {
        for _ in 200..=status {
            worker.ended(&ended(route, status));
        }
    }
    let counted = requests(&telemetry.gather());
    let expected = (200..230).map(|status| row("/", &status.to_string(), status - 199));
    assert_eq!(counted, expected.collect::<Vec<_>>());
}

fn rpc(telemetry: &Telemetry, method: &str) -> RpcId {
    telemetry.rpc(Rpc {
        rpc_type: RpcType::Unary,
        service: "shop.Shop".to_owned(),
        method: method.to_owned(),
        upstream: "shop".to_owned(),
    })
}

#[test]
fn calls_of_both_sides() {
    let telemetry = telemetry(3);
    let worker = telemetry.worker();
    let buy = rpc(&telemetry, "Buy");
    worker.call_started(Side::Server, buy);
    worker.received(Side::Server, buy, 1);
    worker.call_ended(Side::Server, buy, 14, 1000);
    worker.call_started(Side::Client, buy);
    for method in ["Sell", "Look", "Ask"] {
        worker.call_started(Side::Client, rpc(&telemetry, method));
    }
    let text = telemetry.gather().text();
    let of =
        |method| format!("grpc_type=\"unary\",grpc_service=\"shop.Shop\",grpc_method=\"{method}\"");
    let (buy, sell) = (of("Buy"), of("Sell"));
    for line in [
        format!("grpc_server_started_total{{{buy}}} 1"),
        format!("grpc_server_handled_total{{{buy},grpc_code=\"Unavailable\"}} 1"),
        format!("grpc_server_handled_total{{{buy},grpc_code=\"OK\"}} 0"),
        format!("grpc_server_msg_received_total{{{buy}}} 1"),
        format!("grpc_client_started_total{{upstream=\"shop\",{buy}}} 1"),
        format!("grpc_client_started_total{{upstream=\"shop\",{sell}}} 1"),
        "grpc_client_started_total{upstream=\"\",grpc_type=\"unknown\",\
         grpc_service=\"_overflow\",grpc_method=\"_overflow\"} 2"
            .to_owned(),
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
}

#[test]
fn nothing_is_counted_when_it_is_off() {
    let telemetry = Telemetry::off();
    let worker: Arc<_> = telemetry.worker();
    worker.ended(&ended(Route::UNMATCHED, 200));
    assert_eq!(requests(&telemetry.gather()), []);
}
