//! A burst of browsers going away must not fail anybody else's request. On the
//! gRPC side all of them share one HTTP/2 connection here, and more of its
//! streams are reset than the limits that libraries set by default allow (20
//! before they are accepted, 1,024 in all), each of which would close it.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use contract::Role;
use socket2::SockRef;
use testkit::{Chain, http, until};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
const NDJSON: (&str, &str) = ("Accept", "application/x-ndjson");

/// Waves of clients, and whether they wait until their calls have begun.
const WAVES: [bool; 6] = [true, false, true, true, false, true];
const CLIENTS_OF_A_WAVE: usize = 400;
/// Long enough that no client of the burst ever sees the end.
const BURST_TARGET: &str = "/b/numbers?count=100000&delay_ms=10";
/// The library's own limit on the resets of one connection.
const RESETS_OF_A_DEFAULT: usize = 1024;

const UNRELATED_CLIENTS: usize = 20;

/// Says at the end of a scope, also when a test fails in it, that it is over.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_burst_of_leaving_browsers_fails_nobody_else_on_gateway_p() {
    let args = ["--workers", "1", "--upstream-connections", "1"];
    let chain = Chain::start(PSPD, Role::Gateway, &args);
    burst(&chain, |index| index % 2 == 0);
}

#[test]
fn a_burst_of_leaving_browsers_fails_nobody_else_on_gateway_p_rest() {
    let chain = Chain::start(PSPD, Role::GatewayRest, &["--workers", "1"]);
    burst(&chain, |_| false);
}

#[cfg(unix)]
#[test]
fn calls_given_up_before_the_service_saw_them_fail_nobody_else() {
    let args = ["--workers", "1", "--upstream-connections", "1"];
    let chain = Chain::start(PSPD, Role::Gateway, &args);
    let mut unrelated = http::Connection::open(chain.address()).expect("connected");
    unrelated
        .send_request("GET", "/b/numbers?count=20&delay_ms=100", &[NDJSON], b"")
        .expect("sent");
    let (_, mut body) = unrelated.read_head("GET").expect("a head");
    body.next_piece().expect("a value");

    // All of these calls, and their ends, are waiting when it wakes up.
    testkit::signal(chain.b.pid(), "STOP");
    come_and_go(chain.address(), true, |_| false);
    until("most clients noticed to have left", || {
        (left(&chain) > CLIENTS_OF_A_WAVE / 2).then_some(())
    });
    testkit::signal(chain.b.pid(), "CONT");

    let mut rest = String::new();
    std::io::Read::read_to_string(&mut body, &mut rest).expect("a clean end");
    assert!(rest.ends_with("{\"from\":\"B\",\"value\":20}\n"), "{rest}");
    let log = chain.operational_log();
    assert_eq!(log.len(), 1, "{log:#?}");
}

/// Lets clients come and go abruptly in waves, those that `streams` names
/// asking for a stream, while others go on; then sees that the gateway noticed
/// it and that nothing else happened.
fn burst(chain: &Chain, streams: impl Fn(usize) -> bool) {
    let gateway = chain.address();
    let ready = http::get(gateway, "/readyz").expect("an answer");
    assert_eq!(ready.status(), 200, "{}", ready.text());
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..UNRELATED_CLIENTS {
            scope.spawn(|| ask_for_numbers(gateway, &over));
        }
        scope.spawn(|| ask_for_greetings(gateway, &over));
        let _over = Over(&over);
        for calls_begin in WAVES {
            come_and_go(gateway, calls_begin, &streams);
        }
        until("as many clients noticed to have left", || {
            (left(chain) > RESETS_OF_A_DEFAULT).then_some(())
        });
    });
    println!("{} clients left in the midst of a call", left(chain));
    for process in [&chain.gateway, &chain.a, &chain.b] {
        assert_eq!(process.ended(), None);
    }
    // Nothing but its start: a connection that is lost would be told here.
    let log = chain.operational_log();
    assert_eq!(log.len(), 1, "{log:#?}");
}

/// One wave of clients, the half of which resets its connection instead of
/// closing it.
fn come_and_go(gateway: SocketAddr, calls_begin: bool, streams: impl Fn(usize) -> bool) {
    let mut clients: Vec<_> = (0..CLIENTS_OF_A_WAVE)
        .map(|index| {
            let mut client = http::Connection::open(gateway).expect("connected");
            let headers: &[_] = if streams(index) { &[NDJSON] } else { &[] };
            client
                .send_request("GET", BURST_TARGET, headers, b"")
                .expect("sent");
            if index % 4 < 2 {
                SockRef::from(client.stream())
                    .set_linger(Some(Duration::ZERO))
                    .expect("an option");
            }
            client
        })
        .collect();
    if calls_begin {
        for (index, client) in clients.iter_mut().enumerate() {
            if streams(index) {
                let (_, mut body) = client.read_head("GET").expect("a head");
                body.next_piece().expect("a value");
            }
        }
        // Those that get their answer whole see nothing of it; one that came
        // after them was served.
        let hello = http::get(gateway, "/a/hello").expect("an answer");
        assert_eq!(hello.status(), 200);
    }
}

/// Clients that left while their call was in flight.
fn left(chain: &Chain) -> usize {
    let log = chain.access_log().into_iter();
    log.filter(|entry| entry["client_left"] == true).count()
}

/// Asks for slow numbers again and again, at least once.
fn ask_for_numbers(gateway: SocketAddr, over: &AtomicBool) {
    let expected: Vec<_> = (1..=20).collect();
    let mut client = http::Connection::open(gateway).expect("connected");
    loop {
        let target = "/b/numbers?count=20&delay_ms=100";
        let answer = get(&mut client, target);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(answer.json()["values"], serde_json::json!(expected));
        if over.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Asks for a greeting now and then, at least once.
fn ask_for_greetings(gateway: SocketAddr, over: &AtomicBool) {
    let mut client = http::Connection::open(gateway).expect("connected");
    loop {
        let answer = get(&mut client, "/a/hello?name=pspd");
        assert_eq!(answer.status(), 200, "{}", answer.text());
        if over.load(Ordering::Relaxed) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn get(client: &mut http::Connection, target: &str) -> http::Response {
    client.send_request("GET", target, &[], b"").expect("sent");
    client.read_response("GET").expect("a whole answer")
}
