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
use serde_json::{Value, json};
use socket2::SockRef;
use testkit::{Chain, http, until};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
const NDJSON: (&str, &str) = ("Accept", "application/x-ndjson");

/// Waves of clients, and whether they wait until their calls have begun.
const WAVES: [bool; 6] = [true, false, true, true, false, true];
const CLIENTS_OF_A_WAVE: usize = 400;
/// Of numbers and milliseconds: long enough that no client of the burst ever sees
/// the end.
const ENDLESS: (u32, u32) = (100_000, 10);
/// What the others ask for.
const SHORT: (u32, u32) = (20, 100);
/// The library's own limit on the resets of one connection.
const RESETS_OF_A_DEFAULT: usize = 1024;

const UNRELATED_CLIENTS: usize = 20;

/// How a gateway is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Routes {
    /// The published ones.
    Published,
    /// Those that every service has, with bodies.
    General,
}

struct Request {
    method: &'static str,
    target: String,
    body: String,
}

impl Routes {
    fn numbers(self, (count, delay_ms): (u32, u32)) -> Request {
        match self {
            Routes::Published => {
                Request::get(format!("/b/numbers?count={count}&delay_ms={delay_ms}"))
            }
            Routes::General => Request {
                method: "POST",
                target: "/pspd.ServiceB/StreamNumbers".to_owned(),
                body: format!("{{\"count\": {count}, \"delayMs\": {delay_ms}}}"),
            },
        }
    }

    fn greeting(self) -> Request {
        match self {
            Routes::Published => Request::get("/a/hello?name=pspd".to_owned()),
            Routes::General => Request {
                method: "POST",
                target: "/pspd.ServiceA/SayHello".to_owned(),
                body: "{\"name\": \"pspd\"}".to_owned(),
            },
        }
    }

    /// The numbers of a gathered answer.
    fn values(self, answer: &Value) -> Value {
        match self {
            Routes::Published => answer["values"].clone(),
            Routes::General => {
                let messages = answer.as_array().into_iter().flatten();
                messages.map(|message| message["value"].clone()).collect()
            }
        }
    }
}

impl Request {
    fn get(target: String) -> Request {
        Request {
            method: "GET",
            target,
            body: String::new(),
        }
    }

    #[track_caller]
    fn send(&self, client: &mut http::Connection, headers: &[(&str, &str)]) {
        let sent = client.send_request(self.method, &self.target, headers, self.body.as_bytes());
        sent.expect("sent");
    }

    /// Sends the beginning of it.
    #[track_caller]
    fn send_in_part(&self, client: &mut http::Connection) {
        let headers = [("Content-Length", "1000")];
        let sent = client.send_request(self.method, &self.target, &headers, b"");
        sent.expect("sent");
        client.send(self.body.as_bytes()).expect("sent");
    }
}

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
    burst(&chain, Routes::Published, |index| index % 2 == 0);
}

#[test]
fn a_burst_of_leaving_clients_fails_nobody_else_on_the_general_gateway() {
    let args = ["--workers", "1", "--upstream-connections", "1"];
    let chain = Chain::reflecting(PSPD, &args);
    burst(&chain, Routes::General, |index| index % 2 == 0);
}

#[test]
fn a_burst_of_leaving_browsers_fails_nobody_else_on_gateway_p_rest() {
    let chain = Chain::start(PSPD, Role::GatewayRest, &["--workers", "1"]);
    burst(&chain, Routes::Published, |_| false);
}

#[cfg(unix)]
#[test]
fn calls_given_up_before_the_service_saw_them_fail_nobody_else() {
    let args = ["--workers", "1", "--upstream-connections", "1"];
    let chain = Chain::start(PSPD, Role::Gateway, &args);
    let mut unrelated = http::Connection::open(chain.address()).expect("connected");
    Routes::Published
        .numbers(SHORT)
        .send(&mut unrelated, &[NDJSON]);
    let (_, mut body) = unrelated.read_head("GET").expect("a head");
    body.next_piece().expect("a value");

    // All of these calls, and their ends, are waiting when it wakes up.
    testkit::signal(chain.b.pid(), "STOP");
    come_and_go(chain.address(), Routes::Published, true, |_| false);
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
fn burst(chain: &Chain, routes: Routes, streams: impl Fn(usize) -> bool) {
    let gateway = chain.address();
    until("the gateway to be ready", || {
        let ready = http::get(gateway, "/readyz").expect("an answer");
        (ready.status() == 200).then_some(())
    });
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..UNRELATED_CLIENTS {
            scope.spawn(|| ask_for_numbers(gateway, routes, &over));
        }
        scope.spawn(|| ask_for_greetings(gateway, routes, &over));
        let _over = Over(&over);
        for calls_begin in WAVES {
            come_and_go(gateway, routes, calls_begin, &streams);
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
/// closing it. Where there are bodies, some leave before theirs is complete.
fn come_and_go(
    gateway: SocketAddr,
    routes: Routes,
    calls_begin: bool,
    streams: impl Fn(usize) -> bool,
) {
    let request = routes.numbers(ENDLESS);
    let mut clients: Vec<_> = (0..CLIENTS_OF_A_WAVE)
        .map(|index| {
            let mut client = http::Connection::open(gateway).expect("connected");
            let headers: &[_] = if streams(index) { &[NDJSON] } else { &[] };
            if routes == Routes::General && index % 8 == 1 {
                request.send_in_part(&mut client);
            } else {
                request.send(&mut client, headers);
            }
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
        let mut client = http::Connection::open(gateway).expect("connected");
        assert_eq!(ask(&mut client, &routes.greeting()).status(), 200);
    }
}

/// Clients that left while their call was in flight.
fn left(chain: &Chain) -> usize {
    let log = chain.access_log().into_iter();
    log.filter(|entry| entry["client_left"] == true).count()
}

/// Asks for slow numbers again and again, at least once.
fn ask_for_numbers(gateway: SocketAddr, routes: Routes, over: &AtomicBool) {
    let expected: Vec<_> = (1..=SHORT.0).collect();
    let mut client = http::Connection::open(gateway).expect("connected");
    loop {
        let answer = ask(&mut client, &routes.numbers(SHORT));
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(routes.values(&answer.json()), json!(expected));
        if over.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Asks for a greeting now and then, at least once.
fn ask_for_greetings(gateway: SocketAddr, routes: Routes, over: &AtomicBool) {
    let mut client = http::Connection::open(gateway).expect("connected");
    loop {
        let answer = ask(&mut client, &routes.greeting());
        assert_eq!(answer.status(), 200, "{}", answer.text());
        if over.load(Ordering::Relaxed) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn ask(client: &mut http::Connection, request: &Request) -> http::Response {
    request.send(client, &[]);
    client
        .read_response(request.method)
        .expect("a whole answer")
}
