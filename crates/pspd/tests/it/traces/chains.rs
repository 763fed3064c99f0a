//! One request is one trace, from the caller's header to the service, however it is asked
//! and however the gateway calls; what its spans say, and what they do not.

use contract::Role;
use testkit::{Chain, collector::Span, http::Connection, until};

use super::{CALLER, PSPD, TRACE_ID, TRACEPARENT, TRACESTATE, Traced, chain, flags, spans, text};
use crate::rpc::call::{Caller, HELLO};

/// An empty message, framed as gRPC does.
const EMPTY: &[u8] = &[0; 5];

#[track_caller]
fn check_attributes(span: &Span, expected: &[(&str, &str)]) {
    for (key, value) in expected {
        assert_eq!(span.attribute(key), *value, "{key} of {span:#?}");
    }
}

/// The greeting, asked of this gateway, with its spans sent in this way.
fn check_greeting(gateway: Role, transport: &str) {
    let traced = Traced::start(gateway, transport, &[]);
    let headers = [
        TRACEPARENT,
        TRACESTATE,
        ("Authorization", "Bearer hidden-token"),
    ];
    let answer = traced.request("GET", "/a/hello?name=hidden-name", &headers, b"");
    assert_eq!(answer.status(), 200);
    let spans = traced.spans(3);
    let (service, gateway_name) = match gateway {
        Role::Gateway => ("pspd-a", "pspd-gateway"),
        _ => ("pspd-a-rest", "pspd-gateway-rest"),
    };
    let [asked, called, served] = chain(&spans, gateway_name, service);
    assert_eq!(asked.parent, CALLER);
    assert_eq!(asked.name, "GET /a/hello");
    assert_eq!(asked.state, "vendor=1");
    assert_eq!(served.state, "vendor=1");
    assert!(!asked.is_error && !called.is_error && !served.is_error);
    assert!(asked.took >= called.took, "{spans:#?}");
    assert_eq!(asked.resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_ne!(
        asked.resource["service.instance.id"],
        served.resource["service.instance.id"]
    );
    check_attributes(
        asked,
        &[
            ("http.request.method", "GET"),
            ("http.route", "/a/hello"),
            ("url.path", "/a/hello"),
            ("http.response.status_code", "200"),
            ("network.protocol.version", "1.1"),
            ("client.address", "127.0.0.1"),
        ],
    );
    match gateway {
        Role::Gateway => {
            for span in [called, served] {
                assert_eq!(span.name, "pspd.ServiceA/SayHello");
                check_attributes(
                    span,
                    &[
                        ("rpc.system", "grpc"),
                        ("rpc.service", "pspd.ServiceA"),
                        ("rpc.method", "SayHello"),
                        ("rpc.grpc.status_code", "0"),
                    ],
                );
            }
            check_attributes(
                called,
                &[("pspd.messages.sent", "1"), ("pspd.messages.received", "1")],
            );
        }
        _ => {
            assert_eq!((&*called.name, &*served.name), ("GET", "GET /a/hello"));
            assert!(called.attribute("url.full").ends_with("/a/hello"));
            check_attributes(called, &[("http.response.status_code", "200")]);
        }
    }
    check_attributes(called, &[("server.address", "127.0.0.1")]);
    // Nothing that users typed or hold.
    assert!(!format!("{spans:?}").contains("hidden"), "{spans:#?}");
}

#[test]
fn over_grpc_to_a_grpc_service() {
    check_greeting(Role::Gateway, "grpc");
}

#[test]
fn over_http_to_a_rest_service() {
    check_greeting(Role::GatewayRest, "http");
}

/// Asks for something and checks that gateway, call and service are one trace; gives the
/// three spans.
#[track_caller]
fn check_chain(ask: impl FnOnce(&Traced), service: &str) -> [Span; 3] {
    let traced = Traced::start(Role::Gateway, "grpc", &[]);
    ask(&traced);
    let spans = traced.spans(3);
    let chained = chain(&spans, "pspd-gateway", service).map(Clone::clone);
    assert_eq!(chained[0].parent, CALLER);
    chained
}

#[test]
fn grpc() {
    let ask = |traced: &Traced| {
        let caller = Caller::connect(traced.address());
        let answer = caller.answer(caller.ask(HELLO, &[TRACEPARENT]));
        assert_eq!(answer.status(), "0");
    };
    let [asked, called, _] = check_chain(ask, "pspd-a");
    assert_eq!(asked.name, "pspd.ServiceA/SayHello");
    check_attributes(
        &asked,
        &[
            ("rpc.system", "grpc"),
            ("rpc.grpc.status_code", "0"),
            ("network.protocol.version", "2"),
        ],
    );
    check_attributes(
        &called,
        &[("pspd.messages.sent", "1"), ("pspd.messages.received", "1")],
    );
}

#[test]
fn grpc_with_a_stream_each_way() {
    let ask = |traced: &Traced| {
        let caller = Caller::connect(traced.address());
        let path = "/pspd.Echo/Converse";
        let mut begun = caller.say(path, &[TRACEPARENT], crate::rpc::call::EMPTY);
        let rest = crate::rpc::call::EMPTY;
        begun.sending.send_data(rest, true).expect("sent");
        assert_eq!(caller.answer(begun).status(), "0");
    };
    let [_, called, served] = check_chain(ask, "pspd-b");
    assert_eq!(served.name, "pspd.Echo/Converse");
    check_attributes(
        &called,
        &[("pspd.messages.sent", "2"), ("pspd.messages.received", "2")],
    );
}

#[test]
fn grpc_web() {
    let ask = |traced: &Traced| {
        let headers = [TRACEPARENT, ("Content-Type", "application/grpc-web+proto")];
        let answer = traced.request("POST", HELLO, &headers, EMPTY);
        assert_eq!(answer.status(), 200);
    };
    let [asked, ..] = check_chain(ask, "pspd-a");
    check_attributes(
        &asked,
        &[("rpc.system", "grpc"), ("rpc.method", "SayHello")],
    );
}

#[test]
fn connect_with_one_message() {
    let ask = |traced: &Traced| {
        let headers = [
            TRACEPARENT,
            ("Content-Type", "application/json"),
            ("Connect-Protocol-Version", "1"),
        ];
        let answer = traced.request("POST", HELLO, &headers, b"{}");
        assert_eq!(answer.status(), 200);
    };
    let [asked, ..] = check_chain(ask, "pspd-a");
    check_attributes(
        &asked,
        &[("rpc.system", "connect_rpc"), ("rpc.method", "SayHello")],
    );
}

#[test]
fn connect_in_envelopes() {
    let ask = |traced: &Traced| {
        let headers = [TRACEPARENT, ("Content-Type", "application/connect+proto")];
        let path = "/pspd.ServiceB/StreamNumbers";
        let answer = traced.request("POST", path, &headers, EMPTY);
        assert_eq!(answer.status(), 200);
    };
    let [asked, ..] = check_chain(ask, "pspd-b");
    check_attributes(&asked, &[("rpc.system", "connect_rpc")]);
}

#[test]
fn a_streamed_answer() {
    let ask = |traced: &Traced| {
        let headers = [TRACEPARENT, ("Accept", "application/x-ndjson")];
        let target = "/b/numbers?count=3&delay_ms=20";
        assert_eq!(traced.request("GET", target, &headers, b"").status(), 200);
    };
    let [asked, called, served] = check_chain(ask, "pspd-b");
    // They end with the stream and not with its beginning.
    for span in [&asked, &called, &served] {
        assert!(span.took >= 40_000_000, "{span:#?}");
    }
    check_attributes(&called, &[("pspd.messages.received", "3")]);
}

#[test]
fn a_stream_of_messages_in_the_body() {
    let ask = |traced: &Traced| {
        let headers = [TRACEPARENT, ("Content-Type", "application/x-ndjson")];
        let body = b"{\"value\":1}\n{\"value\":2}\n";
        let answer = traced.request("POST", "/b/statistics", &headers, body);
        assert_eq!(answer.status(), 200, "{}", answer.text());
    };
    let [_, called, _] = check_chain(ask, "pspd-b");
    check_attributes(
        &called,
        &[("pspd.messages.sent", "2"), ("pspd.messages.received", "1")],
    );
}

#[test]
fn a_websocket() {
    let ask = |traced: &Traced| {
        let headers = [
            TRACEPARENT,
            ("Connection", "upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut socket = Connection::open(traced.address()).expect("connected");
        socket
            .send_request("GET", "/b/echo", &headers, b"")
            .expect("sent");
        // The call is there before the client goes.
        until("a call at the service", || {
            let series = "pspd_upstream_calls_in_flight{upstream=\"B\"}";
            (super::metric(&traced.gateway, series) >= 1.0).then_some(())
        });
    };
    let [asked, called, _] = check_chain(ask, "pspd-b");
    assert_eq!(asked.name, "GET /b/echo");
    check_attributes(
        &asked,
        &[
            ("http.response.status_code", "101"),
            ("error.type", "client_left"),
        ],
    );
    check_attributes(&called, &[("error.type", "CANCELLED")]);
}

#[test]
fn a_service_that_is_not_there() {
    let collector = testkit::collector::Collector::start();
    let mut all = flags(&collector, "grpc");
    let nobody = testkit::low_port();
    all.extend(["--a-addr".to_owned(), format!("127.0.0.1:{nobody}")]);
    let gateway = super::start(Role::Gateway, &all);
    let answer = testkit::http::request(gateway.address(), "GET", "/a/hello", &[TRACEPARENT], b"");
    let status = answer.expect("an answer").status().to_string();
    assert!(status.starts_with("50"), "{status}");
    let spans = spans(&collector, TRACE_ID, 1);
    assert!(spans[0].is_error);
    check_attributes(
        &spans[0],
        &[
            ("error.type", &status),
            ("http.response.status_code", &status),
        ],
    );
}

/// The line of the log that a request with these headers writes.
#[track_caller]
fn line(chain: &Chain, headers: &[(&str, &str)]) -> serde_json::Value {
    let lines = chain.access_log().len();
    let answer = testkit::http::request(chain.address(), "GET", "/a/hello", headers, b"");
    assert_eq!(answer.expect("an answer").status(), 200);
    until("a line in the log", || {
        chain.access_log().into_iter().nth(lines)
    })
}

#[test]
fn the_log_tells_the_trace() {
    let collector = testkit::collector::Collector::start();
    let flags = flags(&collector, "grpc");
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let chain = Chain::start(PSPD, Role::Gateway, &flags);
    let traced = line(&chain, &[TRACEPARENT]);
    let spans = spans(&collector, TRACE_ID, 2);
    let span = super::the(&spans, "pspd-gateway", "SERVER");
    assert_eq!(text(&traced["trace_id"]), TRACE_ID);
    assert_eq!(text(&traced["span_id"]), span.span_id);
}

#[test]
fn with_traces_off_it_tells_the_callers() {
    let chain = Chain::start(PSPD, Role::Gateway, &[]);
    let told = line(&chain, &[TRACEPARENT]);
    assert_eq!(text(&told["trace_id"]), TRACE_ID);
    assert!(told["span_id"].is_null(), "{told}");
    let told = line(&chain, &[("traceparent", "nonsense")]);
    assert!(told["trace_id"].is_null(), "{told}");
}
