//! Attacks on HTTP/2 by what its rules allow, or forbid to no avail: streams that are
//! opened only to be reset (CVE-2023-44487), streams that the server is made to reset
//! (CVE-2025-8671), and heads without end (CONTINUATION frames, CVE-2024-27316). Each is
//! made against a gateway and a gRPC service, while others ask on connections of their own
//! and get every answer.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use contract::{Role, pspd::StreamRequest};
use testkit::{Chain, Process, http, proc, until};

use crate::{
    grpc_peer::framed,
    raw_client::RawClient,
    raw_peer::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, WINDOW_UPDATE, fields,
        frame,
    },
    rpc::call::{Caller, HELLO},
};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
const NUMBERS: &str = "/pspd.ServiceB/StreamNumbers";
const CANCEL: [u8; 4] = [0, 0, 0, 8];
/// Streams of one connection of an attacker: twice what may be reset of them.
const STREAMS: u32 = 20_000;
const ATTACKERS: usize = 2;
/// Streams whose frames are written at once.
const AT_ONCE: u32 = 100;
const MIB: u64 = 1024 * 1024;

/// What is thrown for one stream.
type Attack = fn(u32) -> Vec<u8>;

/// A call of many numbers, all of it.
fn call(stream: u32) -> Vec<u8> {
    let message = framed(&StreamRequest {
        count: 1000,
        delay_ms: 1000,
    });
    [
        frame(HEADERS, END_HEADERS, stream, &head()),
        frame(DATA, END_STREAM, stream, &message),
    ]
    .concat()
}

fn head() -> Vec<u8> {
    fields(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", NUMBERS),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ])
}

/// Opened and reset.
fn rapid_reset(stream: u32) -> Vec<u8> {
    [call(stream), frame(RST_STREAM, 0, stream, &CANCEL)].concat()
}

/// Opened, and then a window opened by nothing, which is an error of the stream.
fn made_to_reset(stream: u32) -> Vec<u8> {
    [call(stream), frame(WINDOW_UPDATE, 0, stream, &[0; 4])].concat()
}

/// Opened, and then more of a body that has ended.
fn made_to_reset_by_data(stream: u32) -> Vec<u8> {
    [call(stream), frame(DATA, 0, stream, b"more")].concat()
}

/// Throws until all is thrown or the server has had enough; whether it had.
fn throw(address: SocketAddr, attack: Attack) -> bool {
    let mut client = RawClient::connect(address, 1 << 16);
    let mut next = 1;
    let mut all = || -> io::Result<()> {
        for _ in 0..STREAMS / AT_ONCE {
            let frames = (0..AT_ONCE).map(|index| attack(next + 2 * index));
            client.throw(&frames.collect::<Vec<_>>().concat())?;
            next += 2 * AT_ONCE;
        }
        Ok(())
    };
    all().is_err()
}

/// Says at the end of a scope that it is over.
struct Over<'t>(&'t AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Attacks `target` while `innocent` asks, and goes on until that has been answered.
fn while_others_ask(
    target: &Process,
    address: SocketAddr,
    innocent: impl Fn() -> bool + Send + Sync,
    attack: impl Fn(SocketAddr) + Sync,
) {
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let resident = || proc::resident_bytes(target.pid());
    assert!(innocent());
    let before = resident();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert!(innocent());
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
        let _over = Over(&over);
        thread::scope(|attacks| {
            for _ in 0..ATTACKERS {
                attacks.spawn(|| attack(address));
            }
        });
        let enough = answered.load(Ordering::Relaxed) + 20;
        until("others to be answered", || {
            (answered.load(Ordering::Relaxed) >= enough).then_some(())
        });
    });
    println!(
        "{} answers beside; memory {} MiB before, {} after",
        answered.into_inner(),
        before / MIB,
        resident() / MIB
    );
    assert_eq!(target.ended(), None);
    until("memory to be as before", || {
        (resident() < before + 64 * MIB).then_some(())
    });
}

/// One client over HTTP/1.1.
fn greeted(address: SocketAddr) -> bool {
    let answer = http::get(address, "/a/hello").expect("an answer");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let answer = http::get(address, "/b/numbers?count=2").expect("an answer");
    answer.status() == 200
}

fn on_a_gateway(attack: Attack) {
    let chain = Chain::start(PSPD, Role::Gateway, &[]);
    let address = chain.address();
    let greeting = || greeted(address);
    while_others_ask(&chain.gateway, address, greeting, |address| {
        throw(address, attack);
    });
    for service in [&chain.a, &chain.b] {
        assert_eq!(service.ended(), None);
    }
    let log = chain.operational_log();
    assert_eq!(log.len(), 1, "{log:#?}");
}

fn on_a_service(attack: Attack) {
    let b = Process::start(PSPD, Role::B, &[]);
    let caller = Caller::connect(b.address());
    while_others_ask(
        &b,
        b.address(),
        || {
            let asked = caller.ask("/grpc.health.v1.Health/Check", &[]);
            caller.answer(asked).status() == "0"
        },
        |address| {
            throw(address, attack);
        },
    );
}

#[test]
fn streams_reset_at_once_on_a_gateway() {
    on_a_gateway(rapid_reset);
}

#[test]
fn streams_reset_at_once_on_a_service() {
    on_a_service(rapid_reset);
}

#[test]
fn streams_that_a_gateway_is_made_to_reset() {
    on_a_gateway(made_to_reset);
    on_a_gateway(made_to_reset_by_data);
}

#[test]
fn streams_that_a_service_is_made_to_reset() {
    on_a_service(made_to_reset);
    on_a_service(made_to_reset_by_data);
}

/// A head that goes on and on is cut off with its connection.
#[test]
fn heads_without_end() {
    let chain = Chain::start(PSPD, Role::Gateway, &[]);
    let caller = Caller::connect(chain.address());
    let endless = |address: SocketAddr| {
        let mut client = RawClient::connect(address, 1 << 16);
        let mut frames = frame(HEADERS, 0, 1, &head());
        let more = fields(&[("x-more", &"x".repeat(8000))]);
        frames.extend(frame(CONTINUATION, 0, 1, &more).repeat(100));
        // The server may be gone before all is written.
        let _ = client.throw(&frames);
        until("the connection to be cut off", || {
            client.is_closed().then_some(())
        });
    };
    let greeting = || caller.answer(caller.ask(HELLO, &[])).status() == "0";
    while_others_ask(&chain.gateway, chain.address(), greeting, endless);
    let greeting = || greeted(chain.address());
    while_others_ask(&chain.b, chain.b.address(), greeting, endless);
}

/// One that asks for more resets than a client has any use for is cut off.
#[test]
fn who_makes_a_server_reset_too_much_is_cut_off() {
    let chain = Chain::start(PSPD, Role::Gateway, &[]);
    for address in [chain.address(), chain.b.address()] {
        assert!(throw(address, made_to_reset));
    }
}
