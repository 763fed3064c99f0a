//! A stop step by step: readiness first, the port later; what is said on connections; a
//! request that is on its way; and connections that have been used long enough.

use contract::Role;
use testkit::{Process, Program, http, until};

use super::{
    PSPD,
    clients::{Clients, HELLO, Spoken},
};
use crate::{raw_client::RawClient, rpc::call::Caller};

const TE: [(&str, &str); 2] = [("content-type", "application/grpc"), ("te", "trailers")];

fn ready(address: std::net::SocketAddr) -> u16 {
    http::get(address, "/readyz").expect("an answer").status()
}

fn gateway(services: &[Process; 2], more: &[&str]) -> Process {
    let [a, b] = services
        .each_ref()
        .map(|service| service.address().to_string());
    let mut args = vec!["--a-addr", &a, "--b-addr", &b];
    args.extend(more);
    Process::start(PSPD, Role::Gateway, &args)
}

fn services() -> [Process; 2] {
    [Role::A, Role::B].map(|role| Process::start(PSPD, role, &[]))
}

#[test]
fn it_is_not_ready_before_it_takes_nothing_new() {
    let services = services();
    let gateway = gateway(&services, &["--drain-delay", "1h"]);
    assert_eq!(ready(gateway.address()), 200);
    let caller = Caller::connect(gateway.address());
    let check = || {
        let asked = caller.ask("/grpc.health.v1.Health/Check", &[]);
        caller.answer(asked).bytes
    };
    assert_eq!(check()[..], [0, 0, 0, 0, 2, 8, 1]);
    testkit::signal(gateway.pid(), "TERM");
    until("it to be no longer ready", || {
        (ready(gateway.admin_address()) == 503).then_some(())
    });
    assert_eq!(ready(gateway.address()), 503);
    assert_eq!(check()[..], [0, 0, 0, 0, 2, 8, 2]);
    // It goes on all the same, on new connections too.
    let mut connection = http::Connection::open(gateway.address()).expect("connected");
    for _ in 0..2 {
        connection
            .send_request("GET", "/a/hello", &[], b"")
            .expect("sent");
        let answer = connection.read_response("GET").expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("connection"), None);
    }
    testkit::signal(gateway.pid(), "TERM");
    assert_eq!(gateway.wait().code(), Some(130));
}

#[test]
fn a_request_on_its_way_is_answered_as_the_last_one() {
    let services = services();
    let gateway = gateway(
        &services,
        &["--drain-idle-grace", "1h", "--drain-timeout", "1h"],
    );
    let mut kept = http::Connection::open(gateway.address()).expect("connected");
    kept.send_request("GET", "/a/hello", &[], b"")
        .expect("sent");
    kept.read_response("GET").expect("an answer");
    let mut unused = http::Connection::open(gateway.address()).expect("connected");
    ready(gateway.address());
    testkit::signal(gateway.pid(), "TERM");
    until("new connections to be refused", || {
        std::net::TcpStream::connect(gateway.address())
            .is_err()
            .then_some(())
    });
    for connection in [&mut kept, &mut unused] {
        connection
            .send_request("GET", "/a/hello", &[], b"")
            .expect("sent");
        let answer = connection.read_response("GET").expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(connection.read_to_end().expect("closed").is_empty());
    }
    assert!(gateway.wait().success());
}

#[test]
fn a_connection_that_is_too_old_is_let_go_without_a_loss() {
    let b = Process::start(PSPD, Role::B, &["--connection-age-max", "500ms"]);
    let mut client = RawClient::connect(b.address(), 1 << 20);
    let request = crate::grpc_peer::framed(&contract::pspd::StreamRequest {
        count: 3,
        delay_ms: 500,
    });
    let stream = client.ask("POST", "/pspd.ServiceB/StreamNumbers", &TE, &request);
    until("to be told to go", || client.was_told_to_go().then_some(()));
    // The stream that there is goes on, and its end is the end of the connection.
    let answer = client.until("the end", stream, |answer| answer.ended);
    assert!(answer.ended_late && answer.reset.is_none(), "{answer:?}");
    until("the connection to be closed", || {
        client.is_closed().then_some(())
    });
    let metrics = http::get(b.admin_address(), "/metrics").expect("an answer");
    let aged = "pspd_connections_closed_total{reason=\"aged\"} 1\n";
    assert!(metrics.text().contains(aged), "{}", metrics.text());
}

/// Over HTTP/1.1 the next answer says that it was the last one; who asks nothing is let be.
#[test]
fn an_old_connection_that_is_kept_alive_ends_with_an_answer() {
    for role in [Role::ARest, Role::Gateway] {
        let target = match role {
            Role::Gateway => "/",
            _ => "/a/hello?name=pspd",
        };
        let service = Process::start(PSPD, role, &["--connection-age-max", "300ms"]);
        let [mut busy, mut idle] =
            [(); 2].map(|()| http::Connection::open(service.address()).expect("connected"));
        let ask = |connection: &mut http::Connection| {
            let sent = connection.send_request("GET", target, &[], b"");
            sent.expect("sent");
            let answer = connection.read_response("GET").expect("an answer");
            assert_eq!(answer.status(), 200, "{role}");
            answer.header("connection") == Some("close")
        };
        assert!(!ask(&mut busy) && !ask(&mut idle), "{role}: young");
        until("the last answer", || ask(&mut busy).then_some(()));
        assert!(busy.read_to_end().expect("closed").is_empty());
        // The other one is as old by now, give or take a tenth, and waits for its client.
        until("the last answer", || {
            idle.stream().set_nonblocking(true).expect("a socket");
            let seen = idle.stream().peek(&mut [0]);
            idle.stream().set_nonblocking(false).expect("a socket");
            let open = seen.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
            assert!(open, "{role}: it was closed without an answer");
            ask(&mut idle).then_some(())
        });
        let metrics = http::get(service.admin_address(), "/metrics").expect("an answer");
        let aged = "pspd_connections_closed_total{reason=\"aged\"} 2\n";
        assert!(metrics.text().contains(aged), "{}", metrics.text());
    }
}

#[test]
fn a_stream_does_not_keep_an_old_connection_for_ever() {
    let args = [
        "--connection-age-max",
        "300ms",
        "--connection-age-grace",
        "300ms",
    ];
    let b = Process::start(PSPD, Role::B, &args);
    let mut client = RawClient::connect(b.address(), 1 << 20);
    let request = crate::grpc_peer::framed(&contract::pspd::StreamRequest {
        count: 1000,
        delay_ms: 60_000,
    });
    client.ask("POST", "/pspd.ServiceB/StreamNumbers", &TE, &request);
    until("the connection to be closed", || {
        client.is_closed().then_some(())
    });
    assert!(client.was_told_to_go());
}

/// A gateway whose services ask for other connections loses nothing and says nothing.
#[test]
fn a_service_that_asks_for_another_connection_is_no_news() {
    let a = Process::start(PSPD, Role::A, &["--connection-age-max", "2s"]);
    let b = Process::start(PSPD, Role::B, &[]);
    let [a_at, b_at] = [a.address(), b.address()].map(|address| address.to_string());
    let address = super::free_address();
    let port = address.port().to_string();
    let gateway = Program::start(
        PSPD,
        &[
            "serve",
            "gateway",
            "--port",
            &port,
            "--admin-port",
            "0",
            "--log",
            "debug",
            "--access-log",
            "off",
            "--a-addr",
            &a_at,
            "--b-addr",
            &b_at,
        ],
    );
    until("the gateway to be ready", || {
        let ready = http::get(address, "/readyz").ok()?;
        (ready.status() == 200).then_some(())
    });
    let counts = Clients::run(&[address], &[HELLO], Spoken::Http1, |clients| {
        until("connections to be exchanged", || {
            let told = gateway.err().matches("connecting anew").count();
            (told > 2).then_some(())
        });
        clients.go_on();
    });
    counts.nothing_lost();
    let log = gateway.err();
    assert!(!log.contains("not connected"), "{log}");
}
