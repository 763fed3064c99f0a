//! Figures of upstreams, of what is refused, and of the configuration.

use std::fs;

use contract::Role;
use testkit::{Process, http, http::Connection};

use super::{Grpc, PSPD, get, stands};

#[test]
fn an_upstream_that_goes_and_comes_back() {
    let mut grpc = Grpc::start(&["--workers", "2"]);
    let a = [("upstream", "A")];
    stands(&grpc.gateway, "pspd_upstream_up", &a, 1.0);
    stands(&grpc.gateway, "pspd_upstream_endpoints_available", &a, 1.0);
    // Two workers and the administration endpoint, with two connections each.
    stands(&grpc.gateway, "pspd_upstream_connections_open", &a, 6.0);
    stands(&grpc.gateway, "pspd_upstream_connects_total", &a, 6.0);
    grpc.a.kill();
    testkit::until("the upstream to be down", || {
        let metrics = super::Metrics::of(&grpc.gateway);
        let is_down = metrics.sum("pspd_upstream_up", &a) == 0.0;
        let failures = metrics.sum("pspd_upstream_connect_failures_total", &a);
        (is_down && failures > 0.0).then_some(())
    });
    assert_eq!(get(&grpc.gateway, "/a/hello"), 503);
    let failed = [
        ("http_route", "/a/hello"),
        ("http_response_status_code", "503"),
    ];
    stands(
        &grpc.gateway,
        "http_server_request_duration_seconds_count",
        &failed,
        1.0,
    );
    stands(&grpc.gateway, "pspd_upstream_up", &[("upstream", "B")], 1.0);
}

#[test]
fn what_is_shed_is_counted() {
    let grpc = Grpc::start(&["--in-flight-max", "1"]);
    let mut connection = Connection::open(grpc.gateway.address()).expect("connected");
    let slow = "/b/numbers?count=1&delay_ms=60000";
    connection
        .send_request("GET", slow, &[], b"")
        .expect("sent");
    stands(&grpc.gateway, "pspd_calls_in_flight", &[], 1.0);
    for _ in 0..3 {
        assert_eq!(get(&grpc.gateway, "/a/hello"), 503);
    }
    let reason = [("reason", "in_flight_max")];
    stands(&grpc.gateway, "pspd_shed_requests_total", &reason, 3.0);
    stands(&grpc.gateway, "pspd_calls_in_flight_max", &[], 1.0);
    drop(connection);
}

#[test]
fn connections_are_counted() {
    let a = Process::start(PSPD, Role::ARest, &["--connections-max", "7"]);
    let open: Vec<_> = (0..3)
        .map(|_| Connection::open(a.address()).expect("connected"))
        .collect();
    stands(&a, "pspd_connections_open", &[], 3.0);
    stands(&a, "pspd_connections_accepted_total", &[], 3.0);
    stands(&a, "pspd_connections_max", &[], 7.0);
    drop(open);
    testkit::until("none to be open", || {
        let open = super::Metrics::of(&a).sum("pspd_connections_open", &[]);
        (open == 0.0).then_some(())
    });
}

#[test]
fn what_becomes_of_configurations() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pspd.toml");
    let write = |text: &str| fs::write(&path, text).expect("written");
    write("[gateway]\ncors = \"off\"\n");
    let config = path.to_str().expect("a plain path");
    let gateway = Process::start(PSPD, Role::Gateway, &["--config", config]);
    stands(&gateway, "pspd_config_generation", &[], 1.0);
    write("[gateway]\ncors = \"any\"\nvalues-max = 5\n");
    stands(&gateway, "pspd_config_generation", &[], 2.0);
    stands(
        &gateway,
        "pspd_config_reloads_total",
        &[("result", "taken_up")],
        1.0,
    );
    stands(&gateway, "pspd_config_last_reload_successful", &[], 1.0);
    write("[gateway]\ncors = 7\n");
    testkit::until("it to be refused", || {
        let metrics = super::Metrics::of(&gateway);
        let successful = metrics.get("pspd_config_last_reload_successful");
        (successful == Some(0.0)).then_some(())
    });
    stands(&gateway, "pspd_config_generation", &[], 2.0);
    let answer = http::get(gateway.address(), "/healthz").expect("an answer");
    assert_eq!(answer.status(), 200);
}
