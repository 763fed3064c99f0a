//! What is wrong with a request itself, and the headers of every answer.

use contract::Role;
use serde_json::json;
use testkit::http::{self, Connection, Response};

use super::{GATEWAYS, error, gateway, get, whole};

fn ask(role: Role, method: &str, target: &str, headers: &[(&str, &str)]) -> Response {
    http::request(whole().address(role), method, target, headers, b"").expect("an answer")
}

#[test]
fn a_bad_parameter_is_named() {
    let check = |role: Role, target: &str, parameter: &str, said: &str| {
        let body = error(&get(whole().address(role), target), 400);
        assert_eq!(body["parameter"], json!(parameter), "{target}");
        let message = body["error"].as_str().expect("a text");
        assert!(message.contains(said), "{target}: {message}");
        let violation = &body["details"][0]["fieldViolations"][0];
        assert_eq!(violation["field"], json!(parameter), "{body}");
        assert_eq!(body.as_object().map(|fields| fields.len()), Some(3));
    };
    let int32 = "expected a whole number from -2147483648 to 2147483647";
    for (query, parameter, said) in [
        ("count=abc", "count", "parameter \"count\" is \"abc\""),
        ("count=abc", "count", int32),
        ("count=2147483648", "count", int32),
        ("count=-2147483649", "count", int32),
        ("count=1e3", "count", int32),
        (
            "count=3&delay_ms=1.5",
            "delay_ms",
            "\"delay_ms\" is \"1.5\"",
        ),
        ("delay_ms=0x10", "delay_ms", int32),
    ] {
        check(
            Role::Gateway,
            &format!("/b/numbers?{query}"),
            parameter,
            said,
        );
    }
    for role in GATEWAYS {
        check(role, "/a/hello?name=a&name=b", "name", "more than once");
        check(
            role,
            "/b/numbers?count=1&count=1",
            "count",
            "more than once",
        );
        check(role, "/a/hello?name=%ff", "name", "not UTF-8");
        check(role, "/b/numbers?x=%C3", "x", "percent-encode");
    }
}

#[test]
fn head_has_no_body_over_http_2() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for role in GATEWAYS {
        let address = whole().address(role);
        let length = get(address, "/a/hello?name=pspd").body.len();
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await;
            let (sender, connection) = h2::client::handshake(stream.expect("it listens"))
                .await
                .expect("HTTP/2");
            tokio::spawn(connection);
            let request = ::http::Request::head(format!("http://{address}/a/hello?name=pspd"));
            let mut sender = sender.ready().await.expect("room");
            let (answer, _) = sender
                .send_request(request.body(()).expect("a request"), true)
                .expect("sent");
            let answer = answer.await.expect("an answer");
            assert_eq!(answer.status(), 200);
            let told = answer.headers()["content-length"].to_str().expect("text");
            assert_eq!(told, length.to_string());
            assert!(answer.into_body().data().await.is_none());
        });
    }
}

#[test]
fn the_rest_chain_has_no_documentation() {
    for path in ["/docs", "/openapi.json"] {
        error(&get(whole().address(Role::GatewayRest), path), 404);
    }
}

#[test]
fn an_unknown_route_is_answered_with_the_known_ones() {
    for role in GATEWAYS {
        for path in [
            "/a",
            "/a/hello/",
            "/b/numbers/1",
            "//",
            "/index.html",
            "/A/hello",
        ] {
            let body = error(&get(whole().address(role), path), 404);
            let (streams, docs): (&[&str], &[&str]) = match role {
                Role::Gateway => (
                    &["POST /b/statistics", "POST /b/echo"],
                    &[
                        "GET /openapi.json",
                        "GET /docs",
                        "GET /docs.css",
                        "GET /docs.js",
                    ],
                ),
                _ => (&[], &[]),
            };
            let routes = [
                &["GET /a/hello", "GET /b/numbers"],
                streams,
                &["GET /healthz", "GET /readyz", "GET /"],
                &["GET /page.css", "GET /page.js"],
                docs,
            ];
            assert_eq!(body["routes"], json!(routes.concat()), "{role} {path}");
            let message = body["error"].as_str().expect("a text");
            assert!(
                message.starts_with(&format!("no route {path};")),
                "{message}"
            );
        }
    }
}

#[test]
fn other_methods_are_refused_and_the_right_ones_named() {
    for role in GATEWAYS {
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
            for path in ["/a/hello", "/"] {
                let answer = ask(role, method, path, &[]);
                let body = error(&answer, 405);
                assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
                let message = body["error"].as_str().expect("a text");
                assert!(message.starts_with(method), "{message}");
            }
        }
    }
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    for role in GATEWAYS {
        for target in [
            "/a/hello?name=x",
            "/b/numbers?count=3",
            "/healthz",
            "/",
            "/no",
        ] {
            let [get, head] = ["GET", "HEAD"].map(|method| ask(role, method, target, &[]));
            assert_eq!(head.status(), get.status(), "{role} {target}");
            for name in ["content-type", "content-length"] {
                assert_eq!(head.header(name), get.header(name), "{role} {target}");
            }
            assert_eq!(head.body, b"", "{role} {target}");
        }
    }
}

#[test]
fn a_connection_is_kept_after_errors() {
    for role in GATEWAYS {
        let mut connection = Connection::open(whole().address(role)).expect("connected");
        for (method, target, status) in [
            ("GET", "/no", 404),
            ("POST", "/a/hello", 405),
            ("GET", "/a/hello?name=%ff", 400),
            ("HEAD", "/b/numbers", 200),
            ("GET", "/a/hello", 200),
        ] {
            connection
                .send_request(method, target, &[], b"")
                .expect("sent");
            let answer = connection.read_response(method).expect("an answer");
            assert_eq!(answer.status(), status, "{role} {method} {target}");
        }
    }
}

const ORIGIN: &str = "https://page.example";

fn cors_headers(answer: &Response) -> Vec<(String, &str)> {
    let of_cors = |name: &str| name.starts_with("access-control-") || name == "vary";
    let headers = answer.head.headers.iter();
    let mut found: Vec<_> = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
        .filter(|(name, _)| of_cors(name))
        .collect();
    found.sort();
    found
}

#[track_caller]
fn check_cors(answer: &Response, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect();
    assert_eq!(cors_headers(answer), expected);
}

#[test]
fn every_page_may_call_unless_told_otherwise() {
    let open = [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "x-request-id"),
    ];
    for role in GATEWAYS {
        // Errors as well: a page that may not read them cannot show them.
        for target in ["/a/hello", "/no", "/b/numbers?count=1&count=1"] {
            check_cors(&ask(role, "GET", target, &[("Origin", ORIGIN)]), &open);
            check_cors(&ask(role, "GET", target, &[]), &open);
        }
        let preflight = [
            ("Origin", ORIGIN),
            ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Headers", "x-request-id, x-own"),
        ];
        let answer = ask(role, "OPTIONS", "/a/hello", &preflight);
        assert_eq!((answer.status(), answer.text().as_str()), (204, ""));
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
        check_cors(
            &answer,
            &[
                ("access-control-allow-headers", "x-request-id, x-own"),
                ("access-control-allow-methods", "GET, HEAD, OPTIONS"),
                ("access-control-allow-origin", "*"),
                ("access-control-expose-headers", "x-request-id"),
                ("access-control-max-age", "600"),
            ],
        );
        let answer = ask(role, "OPTIONS", "*", &[]);
        assert_eq!(answer.status(), 204);
        check_cors(&answer, &open);
    }
}

#[test]
fn other_pages_may_be_kept_out() {
    let off = gateway(Role::Gateway, &["--cors", "off"]);
    for method in ["GET", "OPTIONS"] {
        let headers = [("Origin", ORIGIN)];
        let answer = http::request(off.address(), method, "/a/hello", &headers, b"");
        check_cors(&answer.expect("an answer"), &[]);
    }

    let list = format!("https://other.example, {ORIGIN}");
    let some = gateway(Role::GatewayRest, &["--cors", &list]);
    let ask = |origin: &[(&str, &str)]| {
        http::request(some.address(), "GET", "/a/hello", origin, b"").expect("an answer")
    };
    let listed = [
        ("access-control-allow-origin", ORIGIN),
        ("access-control-expose-headers", "x-request-id"),
        ("vary", "origin"),
    ];
    check_cors(&ask(&[("Origin", ORIGIN)]), &listed);
    for origin in ["https://page.example:8443", "http://page.example", "null"] {
        check_cors(&ask(&[("Origin", origin)]), &[("vary", "origin")]);
    }
    check_cors(&ask(&[]), &[("vary", "origin")]);
}

#[test]
fn a_usable_request_id_comes_back_and_others_are_replaced() {
    for role in GATEWAYS {
        for target in ["/a/hello", "/no"] {
            let sent = "client-7:1/2";
            let answer = ask(role, "GET", target, &[("X-Request-Id", sent)]);
            assert_eq!(answer.header("x-request-id"), Some(sent), "{role} {target}");
            if answer.status() == 404 {
                assert_eq!(answer.json()["request_id"], json!(sent));
            }
            let long = "x".repeat(129);
            for unusable in ["", "two words", "caf\u{e9}", &long] {
                let answer = ask(role, "GET", target, &[("X-Request-Id", unusable)]);
                let id = answer.header("x-request-id").expect("an id");
                assert!(
                    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                    "{unusable:?} became {id:?}"
                );
            }
        }
    }
}

/// Asserts that a browser is told what a page may not do.
#[track_caller]
fn protected(answer: &Response) {
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
}

#[test]
fn the_services_pages_are_protected_too() {
    for role in [Role::ARest, Role::BRest] {
        protected(&get(whole().address(role), "/docs"));
    }
    protected(&get(whole().address(Role::Gateway), "/docs"));
}

#[test]
fn the_page_is_served_without_permission_to_load_anything_else() {
    for role in GATEWAYS {
        for (path, media_type) in [
            ("/", "text/html; charset=utf-8"),
            ("/page.css", "text/css; charset=utf-8"),
            ("/page.js", "text/javascript; charset=utf-8"),
        ] {
            let answer = get(whole().address(role), path);
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.header("content-type"), Some(media_type));
            protected(&answer);
        }
    }
}
