//! What is answered when something is wrong: with the request, with the
//! service behind the gateway, or with both at once. Statuses, bodies, headers
//! and what the log keeps.

mod access_log;
mod admin;
mod health;
mod limits;
mod odd_grpc;
mod requests;
mod services;
mod upstreams;

use std::{net::SocketAddr, sync::LazyLock};

use contract::Role;
use serde_json::Value;
use testkit::{
    Process, Whole,
    http::{self, Connection, Response},
};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// Nobody listens there: it is a privileged port, and not ours.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

const GATEWAYS: [Role; 2] = [Role::Gateway, Role::GatewayRest];

/// The whole system with its default settings, for every test that changes
/// nothing about it.
fn whole() -> &'static Whole {
    static WHOLE: LazyLock<Whole> = LazyLock::new(|| Whole::start(PSPD));
    &WHOLE
}

/// A gateway with further settings, in front of the shared services.
#[track_caller]
fn gateway(role: Role, args: &[&str]) -> Process {
    let (a, b) = match role {
        Role::GatewayRest => (Role::ARest, Role::BRest),
        _ => (Role::A, Role::B),
    };
    gateway_before(role, whole().address(a), whole().address(b), args)
}

/// A gateway with further settings, in front of these services.
#[track_caller]
fn gateway_before(role: Role, a: SocketAddr, b: SocketAddr, args: &[&str]) -> Process {
    let flags = system::upstream_flags(role, a, b);
    let mut all: Vec<_> = flags.iter().filter_map(|flag| flag.to_str()).collect();
    all.extend(args);
    Process::start(PSPD, role, &all)
}

#[track_caller]
fn get(address: SocketAddr, target: &str) -> Response {
    http::get(address, target).expect("an answer")
}

/// Asserts that `answer` is an error of ours, whole and consistent in itself,
/// and gives its body without the request id, and without what is there for those
/// who read `google.rpc.Status`: code and message.
#[track_caller]
fn error(answer: &Response, status: u16) -> Value {
    assert_eq!(answer.status(), status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let mut body = answer.json();
    let fields = body.as_object_mut().expect("an object");
    let id = fields.remove("request_id").expect("a request id");
    assert_eq!(id.as_str(), answer.header("x-request-id"));
    assert_eq!(fields.remove("status"), Some(status.into()));
    let code = fields.remove("code").expect("the number of a gRPC status");
    assert!(matches!(code.as_u64(), Some(1..=16)), "{code}");
    // What a service says itself is there without the gateway's words before it.
    let message = fields.remove("message").expect("a message");
    let [error, message] = [&fields["error"], &message].map(|text| text.as_str().expect("a text"));
    match fields.contains_key("grpc_status") {
        true => assert!(error.ends_with(message), "{error}; {message}"),
        false => assert_eq!(error, message),
    }
    body
}

/// A connection to a gateway of one worker on which `target` is being answered:
/// that worker has since answered something else.
#[track_caller]
fn in_flight(address: SocketAddr, target: &str) -> Connection {
    let mut connection = Connection::open(address).expect("connected");
    connection
        .send_request("GET", target, &[], b"")
        .expect("sent");
    assert_eq!(get(address, "/healthz").status(), 200);
    connection
}
