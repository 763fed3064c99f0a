//! Services that are not there: at the start, for a while, or replaced by others.
//! Until they come their callers are told to try again, and callers of the others
//! notice nothing.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use contract::Role;
use serde_json::json;
use system::Launch;
use testkit::{
    IN_TIME, Process,
    http::{self, Response},
    low_port, until,
};

use super::{Ask, PSPD, Seen, assert_unharmed, gateway_before, reflecting};
use crate::{
    grpc_peer::{Peer, head, trailers},
    tcp_peer::fake,
};

/// Nobody listens there: it is a privileged port, and not ours.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// A role that can be started again where it was.
struct Place(SocketAddr);

impl Place {
    fn new() -> Place {
        Place((Ipv4Addr::LOCALHOST, low_port()).into())
    }

    #[track_caller]
    fn start(&self, role: Role) -> Process {
        let launch = Launch {
            port: self.0.port(),
            ready_within: IN_TIME,
            ..Launch::new(PSPD, role)
        };
        Process::launch(&launch).expect("it starts")
    }
}

fn hello(gateway: &Process) -> Response {
    let target = "/pspd.ServiceA/SayHello";
    let answer = http::request(gateway.address(), "POST", target, &[], b"{\"name\":\"x\"}");
    answer.expect("an answer")
}

fn numbers(gateway: &Process) -> Response {
    let target = "/pspd.ServiceB/StreamNumbers";
    let answer = http::request(gateway.address(), "POST", target, &[], b"{\"count\":2}");
    answer.expect("an answer")
}

#[track_caller]
fn assert_numbers(answer: &Response) {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.json(), json!([{ "value": 1 }, { "value": 2 }]));
}

/// Asserts that the client is told to try again.
#[track_caller]
fn assert_try_again(answer: &Response) {
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.json()["code"], 14, "{}", answer.text());
}

#[track_caller]
fn wait_for(what: &str, status: u16, ask: impl Fn() -> Response) {
    until(what, || (ask().status() == status).then_some(()));
}

#[test]
fn a_service_that_was_described_but_is_not_there() {
    let gateway = gateway_before(NOBODY, &[]);
    for ask in Ask::ALL {
        let got = ask.ask(&gateway, &[]);
        let refused = Seen::Refused {
            status: 503,
            code: 14,
        };
        assert_eq!(got.seen(), refused, "{ask:?}: {got:?}");
    }
    let unknown = http::get(gateway.address(), "/shelves").expect("an answer");
    assert_eq!(unknown.status(), 404, "{}", unknown.text());
    assert_unharmed(&gateway);
}

#[test]
fn a_service_that_comes_after_the_gateway() {
    let place = Place::new();
    let b = Process::start(PSPD, Role::B, &[]);
    let gateway = reflecting(&[place.0, b.address()], &[]);
    let answer = hello(&gateway);
    assert_try_again(&answer);
    let retry = &answer.json()["details"][0];
    assert_eq!(retry["@type"], "type.googleapis.com/google.rpc.RetryInfo");
    assert_numbers(&numbers(&gateway));
    let ready = http::get(gateway.address(), "/readyz").expect("an answer");
    assert_eq!(ready.status(), 503, "{}", ready.text());

    let _a = place.start(Role::A);
    wait_for("the service to be served", 200, || hello(&gateway));
    wait_for("the gateway to be ready", 200, || {
        http::get(gateway.address(), "/readyz").expect("an answer")
    });
    assert_numbers(&numbers(&gateway));
    let unknown = http::get(gateway.address(), "/shelves").expect("an answer");
    assert_eq!(unknown.status(), 404, "{}", unknown.text());
    assert_unharmed(&gateway);
}

#[test]
fn a_service_that_never_describes_itself_keeps_nobody_waiting() {
    // It takes connections and says nothing.
    let silent = fake(|mut stream| {
        let mut ignored = [0; 4096];
        while let Ok(1..) = std::io::Read::read(&mut stream, &mut ignored) {}
    });
    let b = Process::start(PSPD, Role::B, &[]);
    let gateway = reflecting(&[silent, b.address()], &[]);
    assert_numbers(&numbers(&gateway));
    assert_try_again(&hello(&gateway));
    assert_unharmed(&gateway);
}

/// A proxy, say, that is there before what is behind it.
#[test]
fn a_service_that_is_not_ready_to_describe_itself() {
    let proxy = Peer::answering(|call| {
        let mut head = head();
        head.headers_mut()
            .extend(trailers(&[("grpc-status", "14")]));
        call.send_only_head(head);
    });
    let b = Process::start(PSPD, Role::B, &[]);
    let gateway = reflecting(&[proxy.address(), b.address()], &[]);
    assert_numbers(&numbers(&gateway));
    assert_try_again(&hello(&gateway));
    assert_unharmed(&gateway);
}

/// While one service comes and goes, the other's callers notice nothing, and its
/// own get proper answers.
#[test]
fn one_of_two_services_comes_and_goes() {
    let place = Place::new();
    let mut a = place.start(Role::A);
    let b = Process::start(PSPD, Role::B, &[]);
    let gateway = reflecting(&[place.0, b.address()], &[]);
    let (over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    assert_numbers(&numbers(&gateway));
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _over = Over(&over);
        for _ in 0..3 {
            wait_for("the service to be served", 200, || hello(&gateway));
            a.kill();
            wait_for("an outage", 503, || {
                let answer = hello(&gateway);
                // Broken off, at first, where it was not noticed yet.
                assert!(matches!(answer.status(), 502 | 503), "{}", answer.text());
                answer
            });
            // The routes of a service that is gone for a moment stay.
            assert_try_again(&hello(&gateway));
            a = place.start(Role::A);
        }
        wait_for("the service to be served", 200, || hello(&gateway));
    });
    println!("{} answers meanwhile", asked.load(Ordering::Relaxed));
    assert!(asked.load(Ordering::Relaxed) > 0);
    assert_unharmed(&gateway);
}

/// Says at the end of a scope, also when a test fails in it, that it is over.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn another_service_takes_the_place_of_the_first() {
    let place = Place::new();
    let mut first = place.start(Role::A);
    let gateway = reflecting(&[place.0], &[]);
    assert_eq!(hello(&gateway).status(), 200);
    assert_eq!(numbers(&gateway).status(), 404);
    first.kill();
    let _second = place.start(Role::B);
    wait_for("the routes of the second", 200, || numbers(&gateway));
    assert_eq!(hello(&gateway).status(), 404);
    assert_unharmed(&gateway);
}
