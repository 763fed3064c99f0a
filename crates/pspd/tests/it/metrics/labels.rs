//! What a stranger sends is never a label, there is a limit to series, and all of it can
//! be switched off.

use contract::Role;
use testkit::{
    Process,
    http::{self, Connection},
};

use super::{Grpc, Metrics, PSPD, Rest, scrape, stands};

/// Far more than there are routes.
const PATHS: usize = 10_000;

#[test]
fn ten_thousand_paths_are_one_series() {
    let grpc = Grpc::start(&[]);
    let rest = Rest::start(&[]);
    for gateway in [&grpc.gateway, &rest.gateway, &rest.a] {
        let mut connection = Connection::open(gateway.address()).expect("connected");
        let mut ask = |target: &str, media_type: &str| {
            let headers = [("Content-Type", media_type)];
            let sent = connection.send_request("GET", target, &headers, b"");
            sent.expect("sent");
            connection.read_response("GET").expect("an answer").status()
        };
        assert_eq!(ask("/first", "text/plain"), 404);
        stands(
            gateway,
            "http_server_request_duration_seconds_count",
            &[],
            1.0,
        );
        let before = Metrics::of(gateway).0.len();
        for number in 0..PATHS {
            assert_eq!(
                ask(&format!("/path-{number}?q={number}"), "text/plain"),
                404
            );
        }
        let all = PATHS as f64 + 1.0;
        let name = "http_server_request_duration_seconds_count";
        stands(gateway, name, &[("http_route", "_unmatched")], all);
        assert_eq!(Metrics::of(gateway).0.len(), before);
        assert!(!scrape(gateway.admin_address()).contains("path-"));
    }
}

#[test]
fn methods_that_are_not_there_are_one_series() {
    let grpc = Grpc::start(&[]);
    for process in [&grpc.gateway, &grpc.a] {
        let caller = crate::rpc::call::Caller::connect(process.address());
        for number in 0..50 {
            let path = format!("/nobody.Service{number}/Method{number}");
            assert_eq!(caller.answer(caller.ask(&path, &[])).status(), "12");
        }
        let unmatched = [
            ("grpc_method", "_unmatched"),
            ("grpc_code", "Unimplemented"),
        ];
        stands(process, "grpc_server_handled_total", &unmatched, 50.0);
        assert!(!scrape(process.admin_address()).contains("nobody"));
    }
}

#[test]
fn beyond_the_limit_series_are_one() {
    let grpc = Grpc::start(&["--metrics-series-max", "2"]);
    let gateway = &grpc.gateway;
    for (target, times) in [
        ("/healthz", 2),
        ("/readyz", 2),
        ("/docs", 3),
        ("/openapi.json", 4),
    ] {
        for _ in 0..times {
            assert_eq!(super::get(gateway, target), 200);
        }
    }
    let name = "http_server_request_duration_seconds_count";
    stands(gateway, name, &[("http_route", "_overflow")], 7.0);
    stands(gateway, name, &[], 11.0);
    let metrics = Metrics::of(gateway);
    assert_eq!(metrics.get("pspd_metrics_series"), Some(2.0));
    assert_eq!(metrics.get("pspd_metrics_series_max"), Some(2.0));
    assert!(metrics.sum("pspd_metrics_series_overflowed_total", &[]) >= 2.0);
}

#[test]
fn it_can_be_switched_off() {
    let off = Process::start(PSPD, Role::ARest, &["--metrics", "off"]);
    assert_eq!(super::get(&off, "/a/hello"), 200);
    let answer = http::get(off.admin_address(), "/metrics").expect("an answer");
    assert_eq!(answer.status(), 404);
    let page = http::get(off.admin_address(), "/").expect("an answer");
    assert!(!page.text().contains("/metrics"), "{}", page.text());
}

#[test]
fn the_page_of_the_administration_endpoint_lists_what_it_has() {
    let on = Process::start(PSPD, Role::ARest, &[]);
    let page = http::get(on.admin_address(), "/").expect("an answer");
    for path in ["/livez", "/readyz", "/version", "/metrics"] {
        assert!(page.text().contains(&format!("href=\"{path}\"")), "{path}");
        let answer = http::get(on.admin_address(), path).expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}
