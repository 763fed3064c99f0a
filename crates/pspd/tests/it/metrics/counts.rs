//! Counts equal the requests that were made, over every protocol and however they end.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use testkit::{Tool, http, http::Connection, need, run};

use super::{Grpc, Metrics, Rest, get, stands};
use crate::rpc::call::{Caller, EMPTY, HELLO, NUMBERS};

const DURATION: &str = "http_server_request_duration_seconds_count";
const HANDLED: &str = "grpc_server_handled_total";
const ACTIVE: &str = "http_server_active_requests";
const ECHO: &str = "/pspd.Echo/Converse";
/// `count: 3`, framed.
const THREE: Bytes = Bytes::from_static(&[0, 0, 0, 0, 2, 8, 3]);

fn route(route: &str) -> (&str, &str) {
    ("http_route", route)
}

fn status(status: &str) -> (&str, &str) {
    ("http_response_status_code", status)
}

fn method(method: &str) -> (&str, &str) {
    ("grpc_method", method)
}

fn code(code: &str) -> (&str, &str) {
    ("grpc_code", code)
}

#[test]
fn requests_of_routes_over_http1() {
    let grpc = Grpc::start(&[]);
    let rest = Rest::start(&[]);
    for gateway in [&grpc.gateway, &rest.gateway] {
        for _ in 0..5 {
            assert_eq!(get(gateway, "/a/hello?name=x"), 200);
        }
        for _ in 0..3 {
            assert_eq!(get(gateway, "/b/numbers?count=4"), 200);
        }
        assert_eq!(get(gateway, "/no/such/path"), 404);
        assert_eq!(get(gateway, "/healthz"), 200);
        assert_eq!(get(gateway, "/"), 200);
        let head = http::request(gateway.address(), "HEAD", "/a/hello", &[], b"");
        assert_eq!(head.expect("an answer").status(), 200);
        let odd = http::request(gateway.address(), "BREW", "/a/hello", &[], b"");
        assert_eq!(odd.expect("an answer").status(), 405);
        let asked = http::request(gateway.address(), "OPTIONS", "/a/hello", &[], b"");
        assert_eq!(asked.expect("an answer").status(), 204);
        for (labels, count) in [
            (
                &[
                    ("http_request_method", "GET"),
                    route("/a/hello"),
                    status("200"),
                ][..],
                5.0,
            ),
            (
                &[
                    ("http_request_method", "HEAD"),
                    route("/a/hello"),
                    status("200"),
                ],
                1.0,
            ),
            (
                &[
                    ("http_request_method", "GET"),
                    route("/b/numbers"),
                    status("200"),
                ],
                3.0,
            ),
            (&[route("_unmatched"), status("404")], 1.0),
            (&[("http_request_method", "_OTHER"), status("405")], 1.0),
            (&[route("_preflight"), status("204")], 1.0),
            (&[route("/healthz"), status("200")], 1.0),
            (&[route("/"), status("200")], 1.0),
            (&[], 14.0),
        ] {
            stands(gateway, DURATION, labels, count);
        }
        stands(gateway, "http_server_aborted_requests_total", &[], 0.0);
        stands(gateway, ACTIVE, &[], 0.0);
        let greeting = http::get(gateway.address(), "/a/hello?name=x").expect("an answer");
        let bytes = 6.0 * greeting.body.len() as f64;
        let sizes = [route("/a/hello"), ("http_request_method", "GET")];
        stands(
            gateway,
            "http_server_response_body_size_bytes_sum",
            &sizes,
            bytes,
        );
    }
    let calls = [("upstream", "A"), method("SayHello"), code("OK")];
    stands(&grpc.gateway, "grpc_client_handled_total", &calls, 7.0);
    stands(
        &grpc.gateway,
        "grpc_client_msg_sent_total",
        &[("upstream", "A")],
        7.0,
    );
    stands(
        &grpc.gateway,
        "grpc_client_msg_received_total",
        &[("upstream", "B")],
        12.0,
    );
    stands(&grpc.a, HANDLED, &[method("SayHello"), code("OK")], 7.0);
    stands(
        &grpc.b,
        HANDLED,
        &[method("StreamNumbers"), code("OK")],
        3.0,
    );
    stands(
        &grpc.b,
        "grpc_server_msg_sent_total",
        &[method("StreamNumbers")],
        12.0,
    );
    stands(
        &grpc.b,
        "grpc_server_msg_received_total",
        &[method("StreamNumbers")],
        3.0,
    );
    let asked = [("upstream", "A-REST"), status("200")];
    stands(
        &rest.gateway,
        "http_client_request_duration_seconds_count",
        &asked,
        7.0,
    );
    stands(&rest.a, DURATION, &[route("/a/hello"), status("200")], 7.0);
    stands(
        &rest.b,
        DURATION,
        &[route("/b/numbers"), status("200")],
        3.0,
    );
}

#[test]
fn calls_over_grpc_web_and_connect() {
    let grpc = Grpc::start(&[]);
    let gateway = &grpc.gateway;
    let caller = Caller::connect(gateway.address());
    for _ in 0..4 {
        assert_eq!(caller.answer(caller.ask(HELLO, &[])).status(), "0");
    }
    assert_eq!(
        caller.answer(caller.ask_with(NUMBERS, &[], THREE)).status(),
        "0"
    );
    let hello = [method("SayHello")];
    stands(gateway, HANDLED, &[method("SayHello"), code("OK")], 4.0);
    stands(gateway, "grpc_server_msg_received_total", &hello, 4.0);
    stands(gateway, "grpc_server_msg_sent_total", &hello, 4.0);
    stands(
        gateway,
        "grpc_server_msg_sent_total",
        &[method("StreamNumbers")],
        3.0,
    );
    stands(
        gateway,
        "grpc_client_msg_received_total",
        &[method("StreamNumbers")],
        3.0,
    );

    // A stream of requests, of three messages, and as many answers.
    let mut talk = caller.say(ECHO, &[], EMPTY);
    talk.sending.send_data(EMPTY, false).expect("sent");
    talk.sending.send_data(EMPTY, true).expect("sent");
    assert_eq!(caller.answer(talk).status(), "0");
    for name in [
        "grpc_server_msg_received_total",
        "grpc_server_msg_sent_total",
        "grpc_client_msg_received_total",
        "grpc_client_msg_sent_total",
    ] {
        let talked = [("grpc_type", "bidi_stream"), method("Converse")];
        stands(gateway, name, &talked, 3.0);
    }

    let post = |path: &str, media_type: &str, body: &[u8]| {
        let headers = [("Content-Type", media_type)];
        let answer = http::request(gateway.address(), "POST", path, &headers, body);
        answer.expect("an answer").status()
    };
    assert_eq!(post(HELLO, "application/grpc-web+proto", &EMPTY), 200);
    let text = STANDARD.encode(EMPTY);
    assert_eq!(
        post(HELLO, "application/grpc-web-text", text.as_bytes()),
        200
    );
    let connect = [
        ("Content-Type", "application/json"),
        ("Connect-Protocol-Version", "1"),
    ];
    let answer = http::request(gateway.address(), "POST", HELLO, &connect, b"{}");
    assert_eq!(answer.expect("an answer").status(), 200);
    stands(gateway, HANDLED, &[method("SayHello"), code("OK")], 7.0);
    stands(gateway, "grpc_server_msg_received_total", &hello, 7.0);
    stands(gateway, "grpc_server_msg_sent_total", &hello, 7.0);
    stands(gateway, "grpc_client_msg_sent_total", &hello, 7.0);

    // What is refused, here and there.
    let answer = caller.answer(caller.ask("/pspd.ServiceA/Nothing", &[]));
    assert_eq!(answer.status(), "12");
    stands(
        gateway,
        HANDLED,
        &[method("_unmatched"), code("Unimplemented")],
        1.0,
    );
    // Two million.
    let many = Bytes::from_static(&[0, 0, 0, 0, 4, 8, 0x80, 0x89, 0x7a]);
    assert_eq!(
        caller.answer(caller.ask_with(NUMBERS, &[], many)).status(),
        "3"
    );
    stands(
        gateway,
        HANDLED,
        &[method("StreamNumbers"), code("InvalidArgument")],
        1.0,
    );
    stands(
        &grpc.b,
        HANDLED,
        &[method("StreamNumbers"), code("InvalidArgument")],
        1.0,
    );

    let started = Metrics::of(gateway).sum("grpc_server_started_total", &[]);
    stands(gateway, HANDLED, &[], started);
    stands(gateway, "grpc_server_aborted_total", &[], 0.0);
    stands(gateway, DURATION, &[], 0.0);
    stands(gateway, ACTIVE, &[], 0.0);
}

#[test]
fn requests_over_http2() {
    let Some(curl) = need(Tool::Curl) else { return };
    let grpc = Grpc::start(&[]);
    let url = format!("http://{}/a/hello", grpc.gateway.address());
    for _ in 0..3 {
        let mut curl = std::process::Command::new(&curl);
        run(curl.args(["--silent", "--fail", "--http2-prior-knowledge", &url]));
    }
    stands(
        &grpc.gateway,
        DURATION,
        &[route("/a/hello"), status("200")],
        3.0,
    );
}

#[test]
fn streams_and_sockets_and_clients_that_leave() {
    let grpc = Grpc::start(&[]);
    let gateway = &grpc.gateway;
    // A stream that is read to its end.
    let ndjson = [("Accept", "application/x-ndjson")];
    let answer = http::request(gateway.address(), "GET", "/b/numbers?count=3", &ndjson, b"");
    assert_eq!(answer.expect("an answer").status(), 200);
    stands(
        gateway,
        DURATION,
        &[route("/b/numbers"), status("200")],
        1.0,
    );
    stands(gateway, "http_server_aborted_requests_total", &[], 0.0);

    // One whose client leaves in the middle of it.
    let mut connection = Connection::open(gateway.address()).expect("connected");
    let slow = "/b/numbers?count=1000&delay_ms=60000";
    connection
        .send_request("GET", slow, &ndjson, b"")
        .expect("sent");
    stands(gateway, ACTIVE, &[], 1.0);
    stands(
        gateway,
        "pspd_upstream_calls_in_flight",
        &[("upstream", "B")],
        1.0,
    );
    drop(connection);
    stands(
        gateway,
        "http_server_aborted_requests_total",
        &[route("/b/numbers")],
        1.0,
    );
    stands(
        gateway,
        "grpc_client_handled_total",
        &[("upstream", "B"), code("Canceled")],
        1.0,
    );
    stands(
        &grpc.b,
        HANDLED,
        &[method("StreamNumbers"), code("Canceled")],
        1.0,
    );
    stands(
        &grpc.b,
        "grpc_server_aborted_total",
        &[method("StreamNumbers")],
        1.0,
    );

    // One that leaves before there is a status.
    let mut connection = Connection::open(gateway.address()).expect("connected");
    let slow = "/b/numbers?count=1&delay_ms=60000";
    connection
        .send_request("GET", slow, &[], b"")
        .expect("sent");
    stands(gateway, "pspd_calls_in_flight", &[], 1.0);
    drop(connection);
    stands(
        gateway,
        DURATION,
        &[route("/b/numbers"), status("499")],
        1.0,
    );
    stands(
        gateway,
        "http_server_aborted_requests_total",
        &[route("/b/numbers")],
        2.0,
    );

    // A call by its own path that is given up.
    let caller = Caller::connect(gateway.address());
    let begun = caller.begin(ECHO, &[]);
    stands(
        gateway,
        "grpc_server_started_total",
        &[method("Converse")],
        1.0,
    );
    drop((begun, caller));
    stands(
        gateway,
        HANDLED,
        &[method("Converse"), code("Canceled")],
        1.0,
    );
    stands(
        gateway,
        "grpc_server_aborted_total",
        &[method("Converse")],
        1.0,
    );

    // A socket.
    let upgrade = [
        ("Connection", "upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let mut socket = Connection::open(gateway.address()).expect("connected");
    socket
        .send_request("GET", "/b/echo", &upgrade, b"")
        .expect("sent");
    stands(gateway, ACTIVE, &[], 1.0);
    stands(
        gateway,
        "grpc_client_started_total",
        &[method("Converse")],
        2.0,
    );
    drop(socket);
    stands(gateway, DURATION, &[route("/b/echo"), status("101")], 1.0);

    for process in [gateway, &grpc.b] {
        stands(process, ACTIVE, &[], 0.0);
    }
    stands(gateway, "pspd_calls_in_flight", &[], 0.0);
    stands(gateway, "pspd_upstream_calls_in_flight", &[], 0.0);
}
