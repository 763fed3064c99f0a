//! What a service and a client see of each other's metadata.

use contract::Role;
use http::Response;
use system::{Launch, channel, upstream_flags};
use testkit::{Process, until};

use super::{
    PSPD, before,
    call::{Caller, HELLO, NUMBERS},
};
use crate::grpc_peer::{Peer, trailers};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn metadata_goes_on_as_it_is() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    let begun = caller.begin(
        HELLO,
        &[
            ("content-type", "application/grpc+anything"),
            ("authorization", "Bearer x"),
            ("cookie", "a=b"),
            ("tenant", "one"),
            ("tenant", "two"),
            ("key-bin", "AP8="),
            ("grpc-encoding", "snappy"),
            ("grpc-accept-encoding", "snappy,identity"),
            ("user-agent", "someone/1.0"),
            ("x-request-id", "r1"),
            ("traceparent", TRACE),
        ],
    );
    let call = peer.next_call();
    let seen = &call.request.headers;
    let all = |name: &str| -> Vec<_> {
        let values = seen.get_all(name).iter();
        values.map(|value| value.to_str().expect("text")).collect()
    };
    assert_eq!(all("content-type"), ["application/grpc+anything"]);
    assert_eq!(all("authorization"), ["Bearer x"]);
    assert_eq!(all("cookie"), ["a=b"]);
    assert_eq!(all("tenant"), ["one", "two"]);
    assert_eq!(all("key-bin"), ["AP8="]);
    assert_eq!(all("grpc-encoding"), ["snappy"]);
    assert_eq!(all("grpc-accept-encoding"), ["snappy,identity"]);
    assert_eq!(all("user-agent"), ["someone/1.0"]);
    assert_eq!(all("x-request-id"), ["r1"]);
    assert_eq!(all("traceparent"), [TRACE]);
    assert_eq!(all("te"), ["trailers"]);
    assert_eq!(call.request.uri.path(), HELLO);

    let head = Response::builder()
        .header("content-type", "application/grpc+anything")
        .header("grpc-encoding", "snappy")
        .header("shard", "7")
        .header("shard", "8");
    call.send_other_head(head.body(()).expect("a head"));
    call.end_with(trailers(&[("grpc-status", "0")]));
    let answer = caller.answer(begun);
    let headers = &answer.head.headers;
    assert_eq!(headers["content-type"], "application/grpc+anything");
    assert_eq!(headers["grpc-encoding"], "snappy");
    // Nothing is added to what the service said.
    assert_eq!(headers.get("x-request-id"), None);
    assert_eq!(headers.get("access-control-allow-origin"), None);
    assert_eq!(headers.get_all("shard").iter().count(), 2);
}

/// The milliseconds that the service is told, for what the client says.
fn told(asked: Option<&str>) -> u64 {
    let peer = Peer::start();
    let gateway = before(&peer, &["--stream-timeout", "20s"]);
    let caller = Caller::connect(gateway.address());
    let headers: Vec<_> = asked
        .map(|asked| ("grpc-timeout", asked))
        .into_iter()
        .collect();
    let _begun = caller.ask(NUMBERS, &headers);
    let call = peer.next_call();
    let told = call.request.headers["grpc-timeout"].to_str().expect("text");
    let timeout = contract::grpc_timeout::parse(told).expect("well formed");
    u64::try_from(timeout.as_millis()).expect("small")
}

#[test]
fn time_is_limited_and_passes() {
    // What is left is told, never more than the limit.
    assert!((15_000..=20_000).contains(&told(None)));
    assert!((15_000..=20_000).contains(&told(Some("10H"))));
    assert!((5_000..=10_000).contains(&told(Some("10S"))));
}

#[test]
fn a_time_that_is_none_is_refused() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    let answer = caller.answer(caller.ask(HELLO, &[("grpc-timeout", "soon")]));
    assert_eq!(answer.status(), "3");
    assert!(answer.trailer("grpc-message").contains("grpc-timeout"));
}

#[test]
fn a_method_that_is_not_there_is_unimplemented() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    for path in ["/pspd.ServiceA/Nothing", "/nothing", "/a/hello", "/"] {
        let answer = caller.answer(caller.ask(path, &[]));
        assert_eq!(answer.head.status, 200);
        assert_eq!(answer.status(), "12", "{path}");
    }
}

#[test]
fn the_log_tells_the_status() {
    let (stdout, mut lines) = channel();
    let launch = Launch {
        args: upstream_flags(Role::Gateway, nowhere(), nowhere()),
        stdout,
        ready_within: testkit::IN_TIME,
        ..Launch::new(PSPD, Role::Gateway)
    };
    let gateway = Process::launch(&launch).expect("it starts");
    let caller = Caller::connect(gateway.address());
    for (path, status) in [
        ("/pspd.ServiceA/Nothing", "UNIMPLEMENTED"),
        (HELLO, "UNAVAILABLE"),
        ("/grpc.health.v1.Health/Check", "OK"),
    ] {
        caller.answer(caller.ask(path, &[]));
        let line = until("a line", || lines.try_recv().ok());
        let line: serde_json::Value = serde_json::from_str(&line.text).expect("JSON");
        assert_eq!(line["path"], path);
        assert_eq!(line["status"], 200);
        assert_eq!(line["grpc_status"], status);
    }
}

/// Where nothing listens (the discard service).
fn nowhere() -> std::net::SocketAddr {
    ([127, 0, 0, 1], 9).into()
}
