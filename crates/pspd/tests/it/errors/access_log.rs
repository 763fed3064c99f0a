//! The access log: one line a request on standard output, JSON when that is no
//! terminal.

use contract::Role;
use serde_json::Value;
use system::{Launch, LogLines, channel, upstream_flags};
use testkit::{
    Process,
    http::{self, Connection},
    until,
};

use super::{GATEWAYS, PSPD, get, in_flight, whole};

/// A gateway in front of the shared services, and its lines.
fn gateway(role: Role, args: &[&str]) -> (Process, LogLines) {
    let (a, b) = match role {
        Role::GatewayRest => (Role::ARest, Role::BRest),
        _ => (Role::A, Role::B),
    };
    let mut all = upstream_flags(role, whole().address(a), whole().address(b));
    all.extend(args.iter().map(Into::into));
    let (stdout, lines) = channel();
    let launch = Launch {
        args: all,
        stdout,
        ready_within: testkit::IN_TIME,
        ..Launch::new(PSPD, role)
    };
    (Process::launch(&launch).expect("it starts"), lines)
}

#[track_caller]
fn next(lines: &mut LogLines) -> Value {
    let line = until("a line of the access log", || lines.try_recv().ok());
    match serde_json::from_str(&line.text) {
        Ok(value) => value,
        Err(error) => panic!("no JSON ({error}): {}", line.text),
    }
}

/// All lines that come until the gateway has stopped.
fn rest(mut gateway: Process, mut lines: LogLines) -> Vec<String> {
    gateway.ask_to_stop();
    gateway.wait();
    drop(gateway);
    let mut rest = Vec::new();
    while let Ok(line) = lines.try_recv() {
        rest.push(line.text);
    }
    rest
}

#[test]
fn one_line_a_request_with_everything_but_what_the_user_typed() {
    for role in GATEWAYS {
        let (gateway, mut lines) = gateway(role, &[]);
        for (method, target, status) in [
            ("GET", "/a/hello?name=Secret", 200),
            ("GET", "/b/numbers?count=3&token=Secret", 200),
            ("HEAD", "/healthz", 200),
            ("GET", "/no?x=Secret", 404),
            ("DELETE", "/a/hello?name=Secret", 405),
            ("GET", "/a/hello?name=Secret%ff", 400),
            ("GET", "/a/hello?name=Secret&name=Secret", 400),
            ("OPTIONS", "/a/hello", 204),
        ] {
            let id = [("X-Request-Id", "id-1")];
            let answer = http::request(gateway.address(), method, target, &id, b"");
            assert_eq!(answer.as_ref().expect("an answer").status(), status);
            let line = next(&mut lines);
            assert_eq!(line["method"], method);
            assert_eq!(line["path"], target.split('?').next().expect("a path"));
            assert_eq!(line["status"], status);
            assert_eq!(line["client"], "127.0.0.1");
            assert_eq!(line["request_id"], "id-1");
            assert!(line["duration_ms"].is_number(), "{line}");
            assert_eq!(line["bytes"], answer.expect("an answer").body.len());
            let time = line["time"].as_str().expect("a time");
            assert!(humantime::parse_rfc3339(time).is_ok(), "{time}");
            assert_eq!(line.get("client_left"), None, "{line}");
            assert!(!line.to_string().contains("Secret"), "{line}");
        }
        assert_eq!(rest(gateway, lines), Vec::<String>::new());
    }
}

#[test]
fn the_cause_is_in_the_log_alone() {
    let (stdout, mut lines) = channel();
    let launch = Launch {
        args: upstream_flags(Role::GatewayRest, super::NOBODY, super::NOBODY),
        stdout,
        ready_within: testkit::IN_TIME,
        ..Launch::new(PSPD, Role::GatewayRest)
    };
    let gateway = Process::launch(&launch).expect("it starts");
    let answer = get(gateway.address(), "/a/hello");
    assert!(!answer.text().contains("127.0.0.1"), "{}", answer.text());
    let line = next(&mut lines);
    assert_eq!(line["status"], 503);
    assert_eq!(line["request_id"], answer.json()["request_id"]);
    let cause = line["cause"].as_str().expect("a cause");
    assert!(cause.starts_with("service A-REST: "), "{cause}");
    assert!(cause.contains("127.0.0.1:1"), "{cause}");
}

#[test]
fn a_client_that_leaves_is_noted() {
    for role in GATEWAYS {
        let (gateway, mut lines) = gateway(role, &["--workers", "1"]);
        let target = "/b/numbers?count=2&delay_ms=60000";
        drop(in_flight(gateway.address(), target));
        assert_eq!(next(&mut lines)["path"], "/healthz");
        let line = next(&mut lines);
        assert_eq!(line["client_left"], true, "{line}");
        assert_eq!(line["status"], 499, "{line}");
        assert_eq!(line["bytes"], 0, "{line}");

        // Also when it had not even sent its whole request.
        let mut connection = Connection::open(gateway.address()).expect("connected");
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\npart");
        connection.send(request.as_bytes()).expect("sent");
        get(gateway.address(), "/healthz");
        drop(connection);
        assert_eq!(next(&mut lines)["path"], "/healthz");
        let line = next(&mut lines);
        assert_eq!(line["status"], 400, "{line}");
        let cause = line["cause"].as_str().expect("a cause");
        assert!(cause.contains("broke off"), "{cause}");

        if role == Role::Gateway {
            let mut connection = Connection::open(gateway.address()).expect("connected");
            let accept = [("Accept", "application/x-ndjson")];
            connection
                .send_request("GET", target, &accept, b"")
                .expect("sent");
            let (_, mut body) = connection.read_head("GET").expect("a head");
            let first = body.next_piece().expect("a piece").expect("a value");
            drop(connection);
            let line = next(&mut lines);
            assert_eq!(line["client_left"], true, "{line}");
            assert_eq!(line["status"], 200, "{line}");
            assert_eq!(line["bytes"], first.len(), "{line}");
        }
    }
}

#[test]
fn the_last_lines_are_written_at_a_stop() {
    let (gateway, lines) = gateway(Role::Gateway, &[]);
    for _ in 0..100 {
        get(gateway.address(), "/healthz");
    }
    assert_eq!(rest(gateway, lines).len(), 100);
}

#[test]
fn the_form_can_be_chosen() {
    let (human, mut lines) = gateway(Role::Gateway, &["--access-log", "human"]);
    get(human.address(), "/a/hello?name=Secret");
    let line = until("a line", || lines.try_recv().ok()).text;
    assert!(line.contains(" 200 GET /a/hello "), "{line}");
    assert!(!line.contains("Secret"), "{line}");

    let (off, lines) = gateway(Role::GatewayRest, &["--access-log", "off"]);
    get(off.address(), "/a/hello");
    assert_eq!(rest(off, lines), Vec::<String>::new());
}
