//! A service that is asked to stop and replaced: what is in flight finishes,
//! what comes after goes to the new process, or fails properly until then.

use std::net::TcpStream;

use contract::Role;
use testkit::{Chain, Process, Service, http, until};

use super::{PSPD, load::Load};

const NDJSON: (&str, &str) = ("Accept", "application/x-ndjson");

#[test]
fn streams_of_a_stopping_service_b_finish() {
    let headers: [&[_]; 2] = [&[], &[NDJSON]];
    calls_in_flight_finish(Role::Gateway, &headers);
}

#[test]
fn calls_of_a_stopping_service_b_rest_finish() {
    calls_in_flight_finish(Role::GatewayRest, &[&[]]);
}

/// While service B is replaced under load, eight slow calls go on to their end.
fn calls_in_flight_finish(gateway: Role, headers: &[&[(&str, &str)]]) {
    let mut chain = Chain::start(PSPD, gateway, &[]);
    let address = chain.address();
    let mut calls = Vec::new();
    for _ in 0..4 {
        for headers in headers {
            let mut call = http::Connection::open(address).expect("connected");
            call.send_request("GET", "/b/numbers?count=20&delay_ms=100", headers, b"")
                .expect("sent");
            calls.push(call);
        }
    }
    Load::run(address, Service::B, |load| {
        stop(&mut chain.b);
        let old = start_successor(&mut chain);
        let took = load.wait_for_success();
        println!("{gateway}: served by the successor after {took:?}");
        for mut call in calls {
            let answer = call.read_response("GET").expect("a whole answer");
            assert_eq!(answer.status(), 200, "{}", answer.text());
            assert!(answer.text().contains("20"), "{}", answer.text());
            assert!(!answer.text().contains("error"), "{}", answer.text());
        }
        assert!(old.wait().success());
    });
}

#[test]
fn a_service_that_still_drains_does_not_keep_its_successor_from_work() {
    // One connection, which the stream below holds on to.
    let args = ["--workers", "1", "--upstream-connections", "1"];
    let mut chain = Chain::start(PSPD, Role::Gateway, &args);
    let address = chain.address();
    let mut endless = http::Connection::open(address).expect("connected");
    endless
        .send_request(
            "GET",
            "/b/numbers?count=1000&delay_ms=60000",
            &[NDJSON],
            b"",
        )
        .expect("sent");
    let (_, mut body) = endless.read_head("GET").expect("a head");
    let first = body.next_piece().expect("a value").expect("a value");

    Load::run(address, Service::B, |load| {
        stop(&mut chain.b);
        let old = start_successor(&mut chain);
        let took = load.wait_for_success();
        println!("served by the successor after {took:?}");
        // The stream has minutes to go, so only the deadline of the stop or
        // its client can end it.
        assert_eq!(old.ended(), None, "waited for the old process instead");
    });
    assert_eq!(first, b"{\"from\":\"B\",\"value\":1}\n");
}

#[cfg(unix)]
fn stop(process: &mut Process) {
    testkit::signal(process.pid(), "TERM");
}

#[cfg(not(unix))]
fn stop(process: &mut Process) {
    process.ask_to_stop();
}

/// Starts service B again as soon as the old process, which is returned, has
/// stopped listening.
fn start_successor(chain: &mut Chain) -> Process {
    let address = chain.b.address();
    until("the port to be free", || {
        TcpStream::connect(address).is_err().then_some(())
    });
    chain.start_again(Service::B)
}
