//! What a gateway tells a service along with a call: how long it waits, whose
//! request it is, and the trace it belongs to.

use std::time::Duration;

use contract::{Role, grpc_timeout};
use testkit::Process;

use super::{NDJSON, PSPD, ask, gateway_before, grpc_peer::Peer, rest_peer::RestPeer};

const ID: (&str, &str) = ("X-Request-Id", "a-request-of-the-tests");
const TRACE: (&str, &str) = (
    "traceparent",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
);

#[test]
fn a_call_carries_its_deadline_its_id_and_its_trace() {
    let peer = Peer::start();
    let args = ["--call-timeout", "90s", "--stream-timeout", "3m"];
    let gateway = gateway_before(&peer, &args);
    for (target, accept, path, limit_s) in [
        ("/a/hello", None, "/pspd.ServiceA/SayHello", 90),
        ("/b/numbers", None, "/pspd.ServiceB/StreamNumbers", 90),
        (
            "/b/numbers",
            Some(NDJSON),
            "/pspd.ServiceB/StreamNumbers",
            180,
        ),
    ] {
        let mut headers = vec![ID, TRACE];
        headers.extend(accept);
        let mut client = ask(&gateway, target, &headers);
        let call = peer.next_call();
        assert_eq!(call.request.uri.path(), path);
        let header = |name| {
            let value = call.request.headers.get(name);
            value.and_then(|value| value.to_str().ok())
        };
        assert_eq!(header("x-request-id"), Some(ID.1));
        assert_eq!(header("traceparent"), Some(TRACE.1));
        assert_eq!(header("content-type"), Some("application/grpc"));
        assert_eq!(header("te"), Some("trailers"));
        let timeout = header("grpc-timeout").and_then(grpc_timeout::parse);
        let timeout = timeout.expect("a deadline");
        // What the gateway had used up by then is not a whole minute.
        let limit = Duration::from_secs(limit_s);
        let least = limit.saturating_sub(Duration::from_secs(60));
        assert!(least < timeout && timeout <= limit, "{timeout:?}");

        // What becomes of the call does not matter to the id in the answer.
        drop(call);
        let answer = client.read_response("GET").expect("an answer");
        assert_eq!(answer.header("x-request-id"), Some(ID.1));
    }
}

#[test]
fn a_rest_call_carries_its_id_and_its_trace() {
    let peer = RestPeer::start();
    let url = format!("http://{}", peer.address());
    let args = ["--a-rest", &url, "--b-rest", &url];
    let gateway = Process::start(PSPD, Role::GatewayRest, &args);
    let mut client = ask(&gateway, "/a/hello?name=Ana", &[ID, TRACE]);
    let mut call = peer.next_call();
    assert_eq!(call.head[0], "GET /a/hello?name=Ana HTTP/1.1");
    for (name, value) in [ID, TRACE] {
        let line = format!("{name}: {value}");
        let is_there = call.head.iter().any(|had| had.eq_ignore_ascii_case(&line));
        assert!(is_there, "no {line} in {:?}", call.head);
    }
    call.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    let answer = client.read_response("GET").expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("x-request-id"), Some(ID.1));
}
