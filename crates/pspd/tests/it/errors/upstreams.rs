//! What is wrong behind a gateway: a service that is down, slow, or answers
//! something else than it should.

use std::{
    io::{Read, Write},
    net::SocketAddr,
};

use contract::Role;
use serde_json::json;
use testkit::{
    Process,
    http::{self, Response},
};

use super::{GATEWAYS, NOBODY, PSPD, error, gateway, gateway_before, get, whole};
use crate::tcp_peer::{answering, fake};

/// Both routes of a gateway whose services are both at `address`.
fn both_routes(role: Role, address: SocketAddr, args: &[&str]) -> [Response; 2] {
    let gateway = gateway_before(role, address, address, args);
    let answers = ["/a/hello", "/b/numbers"].map(|target| get(gateway.address(), target));
    assert_eq!(get(gateway.address(), "/healthz").text(), "ok");
    assert_eq!(gateway.ended(), None, "the gateway outlives its services");
    answers
}

#[test]
fn a_service_that_is_down_is_503_and_may_be_tried_again() {
    for (role, services) in [
        (Role::Gateway, ["A", "B"]),
        (Role::GatewayRest, ["A-REST", "B-REST"]),
    ] {
        let answers = both_routes(role, NOBODY, &[]);
        for (answer, service) in answers.iter().zip(services) {
            assert_eq!(answer.header("retry-after"), Some("1"));
            let message = format!("service {service} cannot be reached; try again in a moment");
            let retry = json!([{
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": "1s",
            }]);
            let expected = json!({ "error": message, "details": retry });
            assert_eq!(error(answer, 503), expected);
        }
    }
}

#[test]
fn a_service_that_is_slow_is_504() {
    for (role, service) in [(Role::Gateway, "B"), (Role::GatewayRest, "B-REST")] {
        let gateway = gateway(role, &["--call-timeout", "2s"]);
        let answer = get(gateway.address(), "/b/numbers?count=3&delay_ms=60000");
        let message = format!("service {service} did not finish within 2000 ms; ask for less");
        let body = error(&answer, 504);
        // The service may notice the deadline first, and says so itself.
        let said_itself = json!("DEADLINE_EXCEEDED");
        assert!(
            body == json!({ "error": message }) || body["grpc_status"] == said_itself,
            "{body}"
        );
        assert_eq!(get(gateway.address(), "/b/numbers?count=3").status(), 200);
    }
}

#[test]
fn a_service_that_never_answers_is_504() {
    for role in GATEWAYS {
        let silent = fake(|mut stream| {
            let mut ignored = [0; 4096];
            while let Ok(1..) = stream.read(&mut ignored) {}
        });
        for answer in both_routes(role, silent, &["--call-timeout", "200ms"]) {
            error(&answer, 504);
        }
        let gateway = gateway_before(role, silent, silent, &["--call-timeout", "200ms"]);
        let headers = [("Accept", "application/x-ndjson")];
        let answer = http::request(gateway.address(), "GET", "/b/numbers", &headers, b"");
        error(&answer.expect("an answer"), 504);
    }
}

#[test]
fn what_is_no_answer_of_a_rest_service_is_502() {
    let whole_head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let json = "Content-Type: application/json\r\n";
    for answer in [
        "".to_owned(),
        "\0\u{7f}nonsense\r\n\r\n".to_owned(),
        "SSH-2.0-x\r\n".to_owned(),
        "HTTP/1.1 200".to_owned(),
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_owned(),
        format!("HTTP/1.1 999999 OK\r\n{json}\r\n{{}}"),
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned(),
        format!("{whole_head}Content-Length: 100\r\n\r\n{{\"message\":"),
        format!("{whole_head}Content-Length: -1\r\n\r\n{{}}"),
        format!("{whole_head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{{}}"),
        format!("{whole_head}Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
        format!("{whole_head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        format!("{whole_head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_owned(),
        format!("HTTP/1.1 302 Found\r\n{json}Location: /\r\nContent-Length: 2\r\n\r\n{{}}"),
        format!("HTTP/1.1 500 Oh\r\n{json}Content-Length: 2\r\n\r\n{{}}"),
        "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
    ] {
        for got in both_routes(Role::GatewayRest, answering(&answer), &[]) {
            let body = error(&got, 502);
            let message = body["error"].as_str().expect("a text");
            assert!(message.starts_with("service "), "{answer:?}: {message}");
        }
    }
}

#[test]
fn an_answer_without_end_is_cut_off_with_502() {
    let endless = |head: &'static str, piece: &'static str| {
        fake(move |mut stream| {
            let mut sent = stream.write_all(head.as_bytes());
            let piece = piece.repeat(1000);
            while sent.is_ok() {
                sent = stream.write_all(piece.as_bytes());
            }
        })
    };
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let chunked = format!("{json}Transfer-Encoding: chunked\r\n\r\n");
    for address in [
        endless("HTTP/1.1 200 OK\r\n", "X-More: and more\r\n"),
        endless("HTTP/1.1 200 OK\r\nX-Long: ", "and longer "),
        endless(chunked.leak(), "4\r\n1234\r\n"),
        endless(format!("{json}\r\n").leak(), "[1, 2, 3]"),
    ] {
        let args = ["--answer-bytes-max", "10000"];
        for answer in both_routes(Role::GatewayRest, address, &args) {
            error(&answer, 502);
        }
    }
}

#[test]
fn an_answer_beyond_the_limit_is_502() {
    let gateway = gateway(Role::GatewayRest, &["--answer-bytes-max", "1000"]);
    assert_eq!(get(gateway.address(), "/b/numbers?count=100").status(), 200);
    let body = error(&get(gateway.address(), "/b/numbers?count=1000"), 502);
    let message = "service B-REST broke off or answered something unreadable";
    assert_eq!(body, json!({ "error": message }));
}

#[test]
fn what_is_no_answer_of_a_grpc_service_is_502_or_503() {
    let closing = fake(drop);
    let http1 = answering("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n\r\n");
    let nonsense = answering([0xff; 100]);
    // A complete SETTINGS frame, and then the end.
    let half = answering([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    for address in [closing, http1, nonsense, half] {
        for answer in both_routes(Role::Gateway, address, &[]) {
            // 503 when the connection was found closed before the call.
            let body = error(&answer, answer.status());
            assert!([502, 503].contains(&answer.status()), "{body}");
        }
    }
}

#[test]
fn a_service_of_the_wrong_kind_is_told() {
    // Each asks the other's service for a method that it does not have.
    let [a, b] = [Role::A, Role::B].map(|role| whole().address(role));
    let gateway = gateway_before(Role::Gateway, b, a, &[]);
    for target in ["/a/hello", "/b/numbers"] {
        let body = error(&get(gateway.address(), target), 501);
        assert_eq!(body["grpc_status"], json!("UNIMPLEMENTED"));
    }
}

#[test]
fn what_a_grpc_service_refuses_is_400_with_its_words() {
    let b = Process::start(
        PSPD,
        Role::B,
        &["--count-max", "10", "--delay-ms-max", "20"],
    );
    let gateway = gateway_before(Role::Gateway, NOBODY, b.address(), &[]);
    for (query, named) in [("count=11", "count"), ("delay_ms=21", "delay_ms")] {
        for accept in ["*/*", "application/x-ndjson", "text/event-stream"] {
            let target = format!("/b/numbers?{query}");
            let headers = [("Accept", accept)];
            let answer = http::request(gateway.address(), "GET", &target, &headers, b"");
            let body = error(&answer.expect("an answer"), 400);
            assert_eq!(body["grpc_status"], json!("INVALID_ARGUMENT"));
            let message = body["error"].as_str().expect("a text");
            assert!(
                message.starts_with("service B answered INVALID_ARGUMENT: ")
                    && message.contains(named),
                "{message}"
            );
        }
    }
    let answer = get(gateway.address(), "/b/numbers?count=10&delay_ms=20");
    assert_eq!(answer.status(), 200);
}

#[test]
fn what_a_rest_service_complains_of_is_passed_on_as_it_is() {
    let [gateway, service] = [Role::GatewayRest, Role::BRest].map(|role| whole().address(role));
    for query in [
        "count=abc",
        "delay_ms=1.5&count=x",
        "delay_ms=60001",
        "count=%00",
    ] {
        let target = format!("/b/numbers?{query}");
        let [passed_on, own] = [gateway, service].map(|address| get(address, &target));
        assert_eq!(own.status(), 422, "{query}");
        assert_eq!(passed_on.status(), 422, "{query}");
        assert_eq!(passed_on.json(), own.json());
        assert_eq!(passed_on.header("content-type"), Some("application/json"));
        assert!(passed_on.header("x-request-id").is_some());
    }
    // Any refusal, whatever its form.
    let teapot = "HTTP/1.1 418 No\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\ntea\r\n";
    for answer in both_routes(Role::GatewayRest, answering(teapot), &[]) {
        assert_eq!((answer.status(), answer.text().as_str()), (418, "tea\r\n"));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
    }
    // A service that is overloaded, or late itself, is that and not broken.
    for status in [503, 504] {
        let says = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
        for answer in both_routes(Role::GatewayRest, answering(says), &[]) {
            error(&answer, status);
        }
    }
}
