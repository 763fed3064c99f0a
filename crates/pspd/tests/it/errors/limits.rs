//! What a gateway does not take: too much in one request, or too many at once.

use contract::Role;
use serde_json::json;
use testkit::{
    http::{self, Connection},
    until,
};

use super::{GATEWAYS, error, gateway, get, in_flight, whole};

const NDJSON: [(&str, &str); 1] = [("Accept", "application/x-ndjson")];
/// Longer than any test waits.
const ENDLESS: &str = "/b/numbers?count=2&delay_ms=60000";

#[test]
fn values_are_gathered_up_to_the_limit() {
    for role in GATEWAYS {
        let gateway = gateway(role, &["--values-max", "10"]);
        let answer = get(gateway.address(), "/b/numbers?count=10");
        assert_eq!(answer.json()["values"].as_array().map(Vec::len), Some(10));
        for count in ["11", "1000000"] {
            let answer = get(gateway.address(), &format!("/b/numbers?count={count}"));
            let body = error(&answer, 413);
            let message = body["error"].as_str().expect("a text");
            assert!(message.contains("more than 10 values"), "{message}");
            assert!(message.contains("stream"), "{message}");
        }
        let answer = http::request(
            gateway.address(),
            "GET",
            "/b/numbers?count=11",
            &NDJSON,
            b"",
        )
        .expect("an answer");
        if role == Role::Gateway {
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.text().lines().count(), 11);
        } else {
            error(&answer, 413);
        }
    }
}

#[test]
fn a_default_that_is_beyond_the_limit_is_refused_too() {
    for role in GATEWAYS {
        // A count that is missing means five.
        let gateway = gateway(role, &["--values-max", "4"]);
        for target in ["/b/numbers", "/b/numbers?count="] {
            error(&get(gateway.address(), target), 413);
        }
    }
}

#[test]
fn a_head_beyond_the_limit_is_refused_in_words() {
    for role in GATEWAYS {
        let check = |address, headers: &[(&str, &str)], target: &str, max: &str| {
            let answer = http::request(address, "GET", target, headers, b"");
            let body = error(&answer.expect("an answer"), 431);
            let message = body["error"].as_str().expect("a text");
            assert!(
                message.contains(&format!("the limit of {max};")),
                "{message}"
            );
        };
        let large = "x".repeat(16 * 1024);
        let shared = whole().address(role);
        check(shared, &[("X-Large", &large)], "/healthz", "16384");
        check(shared, &[], &format!("/a/hello?name={large}"), "16384");

        let own = gateway(role, &["--header-bytes-max", "500"]);
        let fits = "x".repeat(300);
        assert_eq!(
            get(own.address(), &format!("/a/hello?name={fits}")).status(),
            200
        );
        let beyond = "x".repeat(500);
        check(own.address(), &[("X-Large", &beyond)], "/healthz", "500");
        check(own.address(), &[], &format!("/{beyond}"), "500");
    }
}

#[test]
fn more_headers_than_a_request_may_have_are_refused_in_words() {
    for role in GATEWAYS {
        for (count, expected) in [(90, 200), (97, 431), (100, 431)] {
            let names: Vec<_> = (0..count - 2).map(|n| format!("x-{n}")).collect();
            let headers: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
            let to = whole().address(role);
            let answer = http::request(to, "GET", "/healthz", &headers, b"");
            let answer = answer.expect("an answer");
            assert_eq!(answer.status(), expected, "{role}: {count} headers");
            if expected == 431 {
                assert!(answer.text().contains("more than 96"), "{}", answer.text());
            }
        }
    }
}

#[test]
fn a_head_beyond_what_is_parsed_is_refused_without_a_word() {
    for role in GATEWAYS {
        let mut connection = Connection::open(whole().address(role)).expect("connected");
        let head = format!(
            "GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}",
            "x".repeat(70_000)
        );
        connection.send(head.as_bytes()).expect("sent");
        let answer = connection.read_response("GET").expect("an answer");
        assert_eq!((answer.status(), answer.text().as_str()), (431, ""));
    }
}

#[test]
fn calls_beyond_the_limit_are_refused_until_there_is_a_place_again() {
    for role in GATEWAYS {
        let gateway = gateway(role, &["--in-flight-max", "1", "--workers", "1"]);
        let first = in_flight(gateway.address(), ENDLESS);
        let refused = get(gateway.address(), "/a/hello");
        assert_eq!(refused.header("retry-after"), Some("1"));
        let message = "1 calls are in flight already; try again in a moment";
        let retry = json!([{
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": "1s",
        }]);
        let expected = json!({ "error": message, "details": retry });
        assert_eq!(error(&refused, 503), expected);
        // What is no call needs no place.
        assert_eq!(get(gateway.address(), "/healthz").status(), 200);
        until("the gateway to be ready", || {
            (get(gateway.address(), "/readyz").status() == 200).then_some(())
        });

        drop(first);
        until("the place is free again", || {
            let answer = get(gateway.address(), "/a/hello");
            (answer.status() == 200).then_some(())
        });
    }
}

#[test]
fn a_stream_keeps_its_place_until_its_end() {
    let gateway = gateway(Role::Gateway, &["--in-flight-max", "1"]);
    let mut first = Connection::open(gateway.address()).expect("connected");
    first
        .send_request("GET", ENDLESS, &NDJSON, b"")
        .expect("sent");
    let (_, mut body) = first.read_head("GET").expect("a head");
    assert!(body.next_piece().expect("a piece").is_some());
    error(&get(gateway.address(), "/a/hello"), 503);
    drop(first);
    until("the place is free again", || {
        let answer = get(gateway.address(), "/a/hello");
        (answer.status() == 200).then_some(())
    });
}
