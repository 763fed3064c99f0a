//! `/b/numbers` value by value through gateway P, and what becomes of a call
//! when its client stops reading or leaves. Peers written here stand in for
//! the services where the test has to see or decide what they do.

mod cancel;
#[cfg(target_os = "linux")]
mod converse;
mod forms;
mod grpc_client;
mod many;
mod metadata;
mod rest_peer;
#[cfg(target_os = "linux")]
mod slow_reader;
mod trouble;

use std::io;

use contract::Role;
use testkit::{Process, http};

use crate::grpc_peer;

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
const NDJSON: (&str, &str) = ("Accept", "application/x-ndjson");
const EVENTS: (&str, &str) = ("Accept", "text/event-stream");

/// A form of the streamed answer.
#[derive(Debug, Clone, Copy)]
struct Form {
    /// The header that asks for it.
    accept: (&'static str, &'static str),
    /// Whether it is events.
    is_events: bool,
}

const FORMS: [Form; 2] = [
    Form {
        accept: NDJSON,
        is_events: false,
    },
    Form {
        accept: EVENTS,
        is_events: true,
    },
];

impl Form {
    /// How a value is written.
    fn value(self, value: i32) -> String {
        if self.is_events {
            event(value)
        } else {
            line(value)
        }
    }
}

fn line(value: i32) -> String {
    format!("{{\"from\":\"B\",\"value\":{value}}}\n")
}

fn event(value: i32) -> String {
    format!("data: {}\n", line(value))
}

/// Opens a connection to a gateway and asks; the answer is left to be read.
fn ask(gateway: &Process, target: &str, headers: &[(&str, &str)]) -> http::Connection {
    let mut connection = http::Connection::open(gateway.address()).expect("connected");
    connection
        .send_request("GET", target, headers, b"")
        .expect("sent");
    connection
}

/// Reads as many bytes as `expected` has, and compares.
#[track_caller]
fn expect_next(body: &mut http::Body<'_>, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    io::Read::read_exact(body, &mut bytes).expect("more of the body");
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

/// Gateway P with one worker and one connection to each service, so that all
/// calls share it, in front of peers of the test.
fn gateway_before(peer: &grpc_peer::Peer, args: &[&str]) -> Process {
    let address = peer.address().to_string();
    let mut all = vec!["--a-addr", &address, "--b-addr", &address];
    all.extend(["--workers", "1", "--upstream-connections", "1"]);
    all.extend(args);
    Process::start(PSPD, Role::Gateway, &all)
}
