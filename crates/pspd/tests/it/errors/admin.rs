//! The administration endpoint of every role, and the gateways' own word on
//! whether they are ready.

use std::net::SocketAddr;

use contract::Role;
use serde_json::json;
use testkit::{
    Process,
    http::{self, Response},
    until,
};

use super::{GATEWAYS, NOBODY, PSPD, gateway_before, get, whole};

/// The first answer that says so: whoever is asked has a second to answer, and a busy
/// machine may take longer.
#[track_caller]
fn until_ready(address: SocketAddr) -> Response {
    until("all to be ready", || {
        Some(get(address, "/readyz")).filter(|answer| answer.status() == 200)
    })
}

#[test]
fn every_role_lives_is_ready_and_has_a_version() {
    for role in Role::ALL {
        let admin = whole().role(role).admin_address();
        let answer = get(admin, "/livez");
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
        let answer = get(admin, "/version");
        let expected = json!({ "role": role.name(), "version": env!("CARGO_PKG_VERSION") });
        assert_eq!((answer.status(), answer.json()), (200, expected));

        let answer = until_ready(admin);
        let checks = match role {
            Role::Gateway => [("A", Role::A), ("B", Role::B)].to_vec(),
            Role::GatewayRest => [("A-REST", Role::ARest), ("B-REST", Role::BRest)].to_vec(),
            _ => Vec::new(),
        };
        let checks: Vec<_> = checks
            .into_iter()
            .map(|(name, of)| {
                let address = whole().address(of);
                let scheme = if role == Role::GatewayRest {
                    "http://"
                } else {
                    ""
                };
                json!({ "name": name, "address": format!("{scheme}{address}") })
            })
            .collect();
        assert_eq!(answer.json(), json!({ "ready": true, "checks": checks }));
    }
}

#[test]
fn other_routes_and_methods_are_refused() {
    for role in Role::ALL {
        let admin = whole().role(role).admin_address();
        let answer = get(admin, "/metrics-of-another-time");
        assert_eq!(answer.status(), 404);
        let error = answer.json()["error"].as_str().map(str::to_owned);
        let error = error.expect("an error");
        assert!(error.contains("/livez, /readyz, /version"), "{error}");
        let answer = http::request(admin, "POST", "/livez", &[], b"").expect("an answer");
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
}

#[test]
fn a_gateway_names_the_service_that_is_missing_and_sees_it_come() {
    for role in GATEWAYS {
        let (there, names) = match role {
            Role::GatewayRest => (Role::ARest, ["A-REST", "B-REST"]),
            _ => (Role::A, ["A", "B"]),
        };
        let gateway = gateway_before(role, whole().address(there), NOBODY, &[]);
        for (address, name) in [
            (gateway.address(), "main"),
            (gateway.admin_address(), "admin"),
        ] {
            let body = until("the one that is there to be well", || {
                let answer = get(address, "/readyz");
                let body = answer.json();
                assert_eq!(answer.status(), 503, "{name}: {body}");
                body["checks"][0].get("problem").is_none().then_some(body)
            });
            assert_eq!(body["ready"], json!(false));
            assert_eq!(body["checks"][0]["name"], json!(names[0]));
            assert_eq!(body["checks"][1]["name"], json!(names[1]));
            let problem = body["checks"][1]["problem"].as_str().expect("a problem");
            let address = body["checks"][1]["address"].as_str();
            if name == "admin" {
                assert!(problem.starts_with("service B"), "{problem}");
                assert!(
                    address.is_some_and(|to| to.ends_with("127.0.0.1:1")),
                    "{body}"
                );
            } else {
                // Where the services are is not for everybody.
                assert_eq!((problem, address), ("does not answer", None));
            }
        }
        // It lives all the same.
        assert_eq!(get(gateway.address(), "/healthz").status(), 200);
        assert_eq!(get(gateway.admin_address(), "/livez").status(), 200);
    }
}

#[test]
fn readiness_follows_the_services() {
    let mut a = Process::start(PSPD, Role::A, &[]);
    let b = whole().address(Role::B);
    let gateway = gateway_before(Role::Gateway, a.address(), b, &[]);
    until_ready(gateway.address());
    a.kill();
    for address in [gateway.address(), gateway.admin_address()] {
        until("it is noticed that the service is gone", || {
            (get(address, "/readyz").status() == 503).then_some(())
        });
    }
}
