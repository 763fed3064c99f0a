//! A service in several places: which of them gets a call, what happens when one is
//! gone, slow or unwell, and that nothing is called twice that may not be.

mod balance;
mod ejection;
mod health;
mod hedging;
#[cfg(target_os = "linux")]
mod names;
mod repeating;
mod room;

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use contract::pspd::NumberReply;
use testkit::{
    Process,
    http::{self, Response},
    until,
};

use crate::grpc_peer::{Answering, Call, Peer, framed, head, trailers};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
/// Nobody listens there: it is a privileged port, and not ours.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// A gateway in front of a shop at these addresses, with these keys of the upstream.
#[track_caller]
fn gateway(addresses: &[SocketAddr], keys: &str, args: &[&str]) -> Process {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    gateway_of(&format!("addresses = {addresses:?}\n{keys}"), args)
}

#[track_caller]
fn gateway_of(keys: &str, args: &[&str]) -> Process {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gateway.toml");
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/upstreams/shop.proto");
    let mut text = format!("[[gateway.upstreams]]\nname = \"shop\"\nprotos = [{proto:?}]\n");
    writeln!(text, "{keys}").expect("memory");
    std::fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("a path of text");
    // One worker, so that its connections are all there are.
    let mut all = vec!["--config", file, "--workers", "1"];
    all.extend(args);
    Process::start(PSPD, contract::Role::Gateway, &all)
}

/// A shop that answers as told, and counts the calls of its own methods.
struct Shop {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    service: Answering,
}

impl Shop {
    /// One without a health service.
    fn start(answer: impl Fn(&Call) + Send + 'static) -> Shop {
        Shop::with_health(Peer::start(), |call| refuse(call, "12"), answer)
    }

    fn with_health(
        peer: Peer,
        health: impl Fn(&Call) + Send + 'static,
        answer: impl Fn(&Call) + Send + 'static,
    ) -> Shop {
        let calls = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&calls);
        let peer = peer.answering_with(move |call| {
            if call
                .request
                .uri
                .path()
                .starts_with("/grpc.health.v1.Health/")
            {
                return health(call);
            }
            counted.fetch_add(1, Ordering::SeqCst);
            answer(call);
        });
        Shop {
            address: peer.address(),
            calls,
            service: peer,
        }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Waits until so many calls have come, of which the last may have been given up
    /// before the shop saw it, and asserts that there are no more.
    #[track_caller]
    fn was_called(&self, times: usize) {
        until("the calls", || (self.calls() >= times).then_some(()));
        assert_eq!(self.calls(), times);
    }
}

/// Answers with one item.
fn sell(call: &Call) {
    call.send_head();
    call.send_bytes(framed(&NumberReply { value: 1 }));
    call.end();
}

/// Answers with a status and nothing else, all in its head.
fn refuse(call: &Call, code: &str) {
    refuse_with(call, &[("grpc-status", code)]);
}

fn refuse_with(call: &Call, fields: &[(&'static str, &str)]) {
    let mut refusal = head();
    refusal.headers_mut().extend(trailers(fields));
    call.send_only_head(refusal);
}

fn get(gateway: &Process) -> Response {
    http::get(gateway.address(), "/items/1").expect("an answer")
}

fn buy(gateway: &Process) -> Response {
    let answer = http::request(gateway.address(), "POST", "/items", &[], b"{\"number\":1}");
    answer.expect("an answer")
}

/// What an operator is told of the only upstream.
fn check(gateway: &Process) -> serde_json::Value {
    let ready = http::get(gateway.admin_address(), "/readyz").expect("an answer");
    ready.json()["checks"][0].clone()
}
