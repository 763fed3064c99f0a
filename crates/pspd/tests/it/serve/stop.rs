//! SIGTERM, Ctrl-C and the end of standard input: what is in flight finishes,
//! what is new is refused, and the exit code is 0.

use std::{
    io,
    net::{SocketAddr, TcpStream},
};

use contract::Role;
use serde_json::json;
use testkit::{
    Process,
    http::{self, Connection},
    until,
};

use super::{PSPD, Served};

/// Six seconds of numbers: what is done meanwhile may take a while.
const SLOW: &str = "/b/numbers?count=10&delay_ms=600";
/// Longer than any test waits.
const ENDLESS: &str = "/b/numbers?count=1&delay_ms=60000";

/// The ways to ask for a stop.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Signal(&'static str),
    EndOfInput,
}

impl Ask {
    fn stop(self, served: &mut Served) {
        match self {
            Ask::Signal(name) => served.program.signal(name),
            Ask::EndOfInput => served.program.close_stdin(),
        }
    }
}

fn refuses(address: SocketAddr) -> bool {
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    TcpStream::connect(address).is_err_and(refused)
}

#[track_caller]
fn until_refused(served: &Served) {
    let address = served.address();
    until("new connections are refused", || {
        refuses(address).then_some(())
    });
}

/// A connection on which `target` has been asked for and is being answered:
/// the one worker has since answered something else.
fn in_flight(address: SocketAddr, target: &str, other: &str) -> Connection {
    let mut connection = Connection::open(address).expect("connected");
    connection
        .send_request("GET", target, &[], b"")
        .expect("sent");
    http::get(address, other).expect("the worker goes on");
    connection
}

/// Stops a role while it answers, and checks that the answer is whole.
#[track_caller]
fn check(mut served: Served, other: &str, ask: Ask) {
    let mut connection = in_flight(served.address(), SLOW, other);
    ask.stop(&mut served);
    until_refused(&served);
    assert!(
        served.program.runs(),
        "it ended with a request in flight: {}",
        served.program.err()
    );
    let answer = connection.read_response("GET").expect("a whole answer");
    assert_eq!(answer.status(), 200);
    let values: Vec<_> = (1..=10).collect();
    assert_eq!(answer.json()["values"], json!(values));
    let ended = served.program.finish();
    assert_eq!(ended.code(), Some(0), "{ask:?}: {}", ended.err);
    assert!(ended.err.contains("stopped"), "{ask:?}: {}", ended.err);
}

/// Arguments for a role that answers on one thread.
const ONE_WORKER: [&str; 6] = ["--port", "0", "--workers", "1", "--drain-timeout", "60s"];

/// A gateway in front of `b` alone, with the flags of its kind.
fn check_gateway(role: &str, [a_flag, b_flag]: [&str; 2], scheme: &str, b: &Process, ask: Ask) {
    let [a, b] = ["127.0.0.1:1".to_owned(), b.address().to_string()];
    let [a, b] = [a, b].map(|address| format!("{scheme}{address}"));
    let mut args = ONE_WORKER.to_vec();
    args.extend([a_flag, &a, b_flag, &b, "--stop-with-stdin"]);
    check(Served::start(role, &args), "/healthz", ask);
}

#[test]
fn a_gateway_finishes_what_is_in_flight_at_sigterm() {
    let b = Process::start(PSPD, Role::B, &[]);
    let flags = ["--a-addr", "--b-addr"];
    check_gateway("gateway", flags, "", &b, Ask::Signal("TERM"));
}

#[test]
fn a_gateway_finishes_what_is_in_flight_at_ctrl_c() {
    let b = Process::start(PSPD, Role::BRest, &[]);
    let flags = ["--a-rest", "--b-rest"];
    check_gateway("gateway-rest", flags, "http://", &b, Ask::Signal("INT"));
}

#[test]
fn a_gateway_finishes_what_is_in_flight_at_the_end_of_input() {
    let b = Process::start(PSPD, Role::B, &[]);
    let flags = ["--a-addr", "--b-addr"];
    check_gateway("gateway", flags, "", &b, Ask::EndOfInput);
}

#[test]
fn a_rest_service_finishes_what_is_in_flight() {
    let b = Served::start("b-rest", &ONE_WORKER);
    check(b, "/openapi.json", Ask::Signal("TERM"));
}

#[test]
fn a_grpc_service_finishes_the_streams_that_have_begun() {
    let b = Served::start("b", &ONE_WORKER);
    let address = b.address().to_string();
    let gateway = Process::start(
        PSPD,
        Role::Gateway,
        &["--b-addr", &address, "--a-addr", "127.0.0.1:1"],
    );
    let mut connection = Connection::open(gateway.address()).expect("connected");
    let accept = [("Accept", "application/x-ndjson")];
    connection
        .send_request("GET", SLOW, &accept, b"")
        .expect("sent");
    let (head, mut body) = connection.read_head("GET").expect("a head");
    assert_eq!(head.status, 200);
    let mut lines = body
        .next_piece()
        .expect("a piece")
        .expect("the first value");
    b.program.signal("TERM");
    until_refused(&b);
    while let Some(piece) = body.next_piece().expect("the stream goes on") {
        lines.extend(piece);
    }
    let expected: String = (1..=10)
        .map(|value| format!("{{\"from\":\"B\",\"value\":{value}}}\n"))
        .collect();
    assert_eq!(String::from_utf8_lossy(&lines), expected);
    let ended = b.program.finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
}

#[test]
fn a_request_beyond_the_drain_time_is_ended() {
    let args = ["--port", "0", "--workers", "1", "--drain-timeout", "200ms"];
    let served = Served::start("b-rest", &args);
    let mut connection = in_flight(served.address(), ENDLESS, "/openapi.json");
    served.program.signal("TERM");
    let answer = connection.read_response("GET").expect("a whole answer");
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    let ended = served.program.finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    assert!(ended.err.contains("\"late\":1"), "{}", ended.err);
    assert!(ended.err.contains("\"abandoned\":0"), "{}", ended.err);
    assert!(ended.err.contains("--drain-timeout"), "{}", ended.err);
}

#[test]
fn a_client_that_does_not_take_the_end_is_abandoned() {
    let args = ["--port", "0", "--workers", "1", "--drain-timeout", "200ms"];
    let served = Served::start("b-rest", &args);
    // More than the system's buffers take, and nobody reads it.
    let _connection = in_flight(
        served.address(),
        "/b/numbers?count=1000000",
        "/openapi.json",
    );
    served.program.signal("TERM");
    let ended = served.program.finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("\"late\":1,\"abandoned\":1"),
        "{}",
        ended.err
    );
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let served = Served::start("b-rest", &ONE_WORKER);
    let _connection = in_flight(served.address(), ENDLESS, "/openapi.json");
    served.program.signal("INT");
    until_refused(&served);
    served.program.signal("INT");
    assert_eq!(served.program.finish().code(), Some(130));
}

#[test]
fn idle_connections_do_not_delay_a_stop() {
    // The drain time is longer than the test waits for the end.
    let a = Served::start("a-rest", &ONE_WORKER);
    let mut used = Connection::open(a.address()).expect("connected");
    used.send_request("GET", "/a/hello", &[], b"")
        .expect("sent");
    used.read_response("GET").expect("an answer");
    let _unused = Connection::open(a.address()).expect("connected");
    http::get(a.address(), "/a/hello").expect("the connections before were accepted");
    a.program.signal("TERM");
    assert_eq!(a.program.finish().code(), Some(0));

    let a = Served::start("a", &ONE_WORKER);
    let address = a.address().to_string();
    let gateway = Process::start(
        PSPD,
        Role::Gateway,
        &["--a-addr", &address, "--b-addr", "127.0.0.1:1"],
    );
    let answer = http::get(gateway.address(), "/a/hello").expect("an answer");
    assert_eq!(answer.status(), 200);
    a.program.signal("TERM");
    assert_eq!(a.program.finish().code(), Some(0));
}

#[test]
fn without_being_asked_to_the_end_of_input_is_no_stop() {
    let mut served = Served::start("a-rest", &["--port", "0"]);
    served.program.close_stdin();
    for _ in 0..3 {
        let answer = http::get(served.address(), "/a/hello").expect("it goes on");
        assert_eq!(answer.status(), 200);
    }
    assert!(served.program.runs());
}

#[test]
fn the_administration_endpoint_tells_of_the_stop_until_the_last_request() {
    let served = Served::start("b-rest", &ONE_WORKER);
    let mut connection = in_flight(served.address(), SLOW, "/openapi.json");
    served.program.signal("TERM");
    until_refused(&served);
    let ready = http::get(served.admin_address(), "/readyz").expect("an answer");
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json()["checks"][0]["problem"], "is stopping");
    let live = http::get(served.admin_address(), "/livez").expect("an answer");
    assert_eq!(live.status(), 200);
    let answer = connection.read_response("GET").expect("a whole answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(served.program.finish().code(), Some(0));
}

#[test]
fn part_of_a_request_does_not_delay_a_stop() {
    // The drain time is longer than the test waits for the end.
    let args = ["--port", "0", "--workers", "1", "--drain-timeout", "10m"];
    let served = Served::start("a-rest", &args);
    let mut connection = Connection::open(served.address()).expect("connected");
    connection.send(b"GET / HT").expect("sent");
    http::get(served.address(), "/openapi.json").expect("the worker goes on");
    served.program.signal("TERM");
    assert_eq!(served.program.finish().code(), Some(0));
}
