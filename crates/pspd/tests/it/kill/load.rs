//! Clients that ask a gateway again and again over kept connections, and judge
//! each answer: whole, or a proper error. Anything else, such as no answer at
//! all, fails the test.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::{Service, http, until};

/// Clients of the service that the test kills.
const CLIENTS_OF_THE_VICTIM: usize = 12;
/// Clients of the other one, which must notice nothing.
const CLIENTS_OF_THE_OTHER: usize = 4;
/// Between two requests of a client, to leave some of the machine to others.
const PAUSE: Duration = Duration::from_millis(2);

const NDJSON: (&str, &str) = ("Accept", "application/x-ndjson");

/// What the clients share with the test.
pub(super) struct Load {
    gateway: SocketAddr,
    victim: Service,
    over: AtomicBool,
    /// Counts the times that the service came back.
    era: AtomicUsize,
    /// The era in which each client of the victim asked when it last succeeded.
    succeeded_in: Vec<AtomicUsize>,
    failures: AtomicUsize,
    failures_in_a_stream: AtomicUsize,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Whole,
    Failed,
    FailedInStream,
}

impl Load {
    /// Runs `test` while the clients ask; they stop when it returns or fails.
    pub(super) fn run(gateway: SocketAddr, victim: Service, test: impl FnOnce(&Load)) {
        let load = Load {
            gateway,
            victim,
            over: AtomicBool::new(false),
            era: AtomicUsize::new(1),
            succeeded_in: (0..CLIENTS_OF_THE_VICTIM).map(|_| 0.into()).collect(),
            failures: AtomicUsize::new(0),
            failures_in_a_stream: AtomicUsize::new(0),
        };
        let load = &load;
        thread::scope(|scope| {
            for client in 0..CLIENTS_OF_THE_VICTIM {
                scope.spawn(move || load.ask_the_victim(client));
            }
            for _ in 0..CLIENTS_OF_THE_OTHER {
                scope.spawn(|| load.ask_the_other());
            }
            let _over = Over(&load.over);
            load.wait_for_success();
            test(load);
        });
    }

    /// Requests that failed so far.
    pub(super) fn failures(&self) -> usize {
        self.failures.load(Ordering::Relaxed)
    }

    /// Those of them whose answer had already begun.
    pub(super) fn failures_in_a_stream(&self) -> usize {
        self.failures_in_a_stream.load(Ordering::Relaxed)
    }

    /// Waits until each client of the victim has had a whole answer to a
    /// request made from now on, and says how long that took.
    pub(super) fn wait_for_success(&self) -> Duration {
        let from = Instant::now();
        let era = 1 + self.era.fetch_add(1, Ordering::SeqCst);
        until("a whole answer for every client", || {
            let all = self.succeeded_in.iter();
            all.map(|last| last.load(Ordering::SeqCst))
                .all(|last| last >= era)
                .then_some(())
        });
        from.elapsed()
    }

    fn ask_the_victim(&self, client: usize) {
        let streamed = self.victim == Service::B && client.is_multiple_of(2);
        let mut connection = http::Connection::open(self.gateway).expect("connected");
        while !self.over.load(Ordering::Relaxed) {
            let era = self.era.load(Ordering::SeqCst);
            match ask(&mut connection, self.victim, streamed) {
                Outcome::Whole => self.succeeded_in[client].store(era, Ordering::SeqCst),
                Outcome::Failed => {
                    self.failures.fetch_add(1, Ordering::Relaxed);
                }
                Outcome::FailedInStream => {
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    self.failures_in_a_stream.fetch_add(1, Ordering::Relaxed);
                }
            }
            thread::sleep(PAUSE);
        }
    }

    fn ask_the_other(&self) {
        let other = match self.victim {
            Service::A => Service::B,
            Service::B => Service::A,
        };
        let mut connection = http::Connection::open(self.gateway).expect("connected");
        while !self.over.load(Ordering::Relaxed) {
            assert_eq!(ask(&mut connection, other, false), Outcome::Whole);
            thread::sleep(PAUSE);
        }
    }
}

/// Stops the clients at the end of a scope, also when a test fails in it.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[track_caller]
fn ask(connection: &mut http::Connection, service: Service, streamed: bool) -> Outcome {
    let target = match service {
        Service::A => "/a/hello?name=pspd",
        Service::B => "/b/numbers?count=10&delay_ms=5",
    };
    let headers: &[_] = if streamed { &[NDJSON] } else { &[] };
    connection
        .send_request("GET", target, headers, b"")
        .expect("sent");
    judge(&connection.read_response("GET").expect("a whole answer"))
}

#[track_caller]
fn judge(answer: &http::Response) -> Outcome {
    if answer.status() != 200 {
        proper_error(&answer.json(), Some(answer.status()));
        return Outcome::Failed;
    }
    if answer.header("content-type") != Some(NDJSON.1) {
        let body = answer.json();
        let whole = body["message"].is_string() || body["values"] == json!(numbers(10));
        assert!(whole, "{body}");
        return Outcome::Whole;
    }
    // On P-REST a stream is not to be had and the answer above came.
    let lines = answer.text();
    let mut lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    let error = lines.pop_if(|last| last.get("error").is_some());
    let values: Vec<_> = lines.iter().map(|line| line["value"].clone()).collect();
    assert_eq!(json!(values), json!(numbers(values.len())));
    match error {
        None => {
            assert_eq!(values.len(), 10, "a stream that ends without an error");
            Outcome::Whole
        }
        Some(error) => {
            proper_error(&error, None);
            Outcome::FailedInStream
        }
    }
}

fn numbers(count: usize) -> Vec<usize> {
    (1..=count).collect()
}

#[track_caller]
fn proper_error(body: &Value, status: Option<u16>) {
    let told = body["status"].as_u64().expect("a status in the error");
    assert!(
        status.is_none_or(|status| told == u64::from(status)),
        "{body}"
    );
    assert!(matches!(told, 502..=504), "{body}");
    let message = body["error"].as_str().expect("a message in the error");
    // Not that too many are in flight: calls that are over must not count.
    assert!(message.starts_with("service "), "{body}");
    assert!(body["request_id"].is_string(), "{body}");
}
