//! A service that has no room for more calls: some wait, for a while, and the others
//! are told to try again; and a connection on which nothing comes back.

use std::thread;

use testkit::until;

use super::{Shop, gateway, get, sell};
use crate::{
    grpc_peer::{Call, Peer},
    raw_peer::{RawPeer, Script, Then},
};

fn one_at_a_time() -> Peer {
    Peer::taking(1)
}

fn answer(call: &Call) {
    sell(call);
}

#[test]
fn so_many_calls_wait_and_no_more() {
    let peer = one_at_a_time();
    let keys = "pending-max = 2";
    let gateway = gateway(
        &[peer.address()],
        keys,
        &["--upstream-connections", "1", "--connect-timeout", "1h"],
    );
    thread::scope(|scope| {
        let first = scope.spawn(|| get(&gateway).status());
        let call = peer.next_call();
        let others = [(); 6].map(|()| scope.spawn(|| get(&gateway)));
        // Those that may not wait are answered while the first one is under way.
        until("those that may not wait to be told", || {
            let told = others.iter().filter(|other| other.is_finished()).count();
            (told == 4).then_some(())
        });
        answer(&call);
        for _ in 0..2 {
            answer(&peer.next_call());
        }
        assert_eq!(first.join().expect("an answer"), 200);
        let others = others.map(|other| other.join().expect("an answer"));
        let refused: Vec<_> = others
            .iter()
            .filter(|answer| answer.status() == 503)
            .collect();
        assert_eq!(refused.len(), 4);
        for answer in refused {
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert_eq!(answer.json()["code"], 14);
            assert!(answer.text().contains("no room for more calls"));
        }
    });
    assert!(!peer.has_call(), "a call was made twice");
}

#[test]
fn nobody_waits_for_ever() {
    let peer = one_at_a_time();
    let gateway = gateway(
        &[peer.address()],
        "",
        &["--upstream-connections", "1", "--connect-timeout", "2s"],
    );
    thread::scope(|scope| {
        let first = scope.spawn(|| get(&gateway).status());
        let call = peer.next_call();
        assert_eq!(get(&gateway).status(), 503);
        answer(&call);
        assert_eq!(first.join().expect("an answer"), 200);
    });
}

/// TCP goes on to acknowledge what is sent, and nobody behind it does.
#[test]
fn a_connection_that_answers_no_ping_is_closed() {
    let dead = RawPeer::start(Script::new(|_| Vec::new(), Then::Silent));
    let gateway = gateway(
        &[dead.address()],
        "keep-alive = \"1s\"",
        &["--call-timeout", "1h"],
    );
    let answer = get(&gateway);
    assert_eq!(answer.status(), 502, "{}", answer.text());
    assert_eq!(dead.calls(), 1);
    until("the log to say why", || {
        let log = gateway.last_lines().join("\n");
        log.contains("no answer to a ping within 1s").then_some(())
    });
}

/// With room elsewhere, nobody waits.
#[test]
fn another_endpoint_has_room() {
    let full = one_at_a_time();
    let well = Shop::start(sell);
    let gateway = gateway(
        &[full.address(), well.address],
        "health = \"off\"\nbalance = \"round-robin\"",
        &["--upstream-connections", "1"],
    );
    thread::scope(|scope| {
        let mut first = Vec::new();
        let call = until("the full one to be asked", || {
            first.push(scope.spawn(|| get(&gateway).status()));
            full.try_call()
        });
        for _ in 0..10 {
            assert_eq!(get(&gateway).status(), 200);
        }
        answer(&call);
        for first in first {
            assert_eq!(first.join().expect("an answer"), 200);
        }
    });
    assert!(!full.has_call(), "a call that had to wait");
}

/// More than a service can do, for longer than a burst: those that wait while others have
/// waited before are turned away soon, however long a connection may take; whoever is let
/// in is answered; and when it is over, it is over.
#[test]
fn a_queue_that_stands_is_cut_short() {
    let peer = one_at_a_time();
    let keys = "pending-time = \"100ms\"";
    let args = ["--upstream-connections", "1", "--connect-timeout", "1h"];
    let gateway = gateway(&[peer.address()], keys, &args);
    thread::scope(|scope| {
        let first = scope.spawn(|| get(&gateway));
        let call = peer.next_call();
        // The first of these wait as long as it takes, the later ones do not.
        let mut others = Vec::new();
        let refused = until("one to be turned away", || {
            others.push(scope.spawn(|| get(&gateway)));
            let told = others.iter().position(|other| other.is_finished())?;
            Some(others.swap_remove(told).join().expect("an answer"))
        });
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.header("retry-after"), Some("1"));
        answer(&call);
        let mut served = 0;
        until("all to have an answer", || {
            if let Some(call) = peer.try_call() {
                served += 1;
                answer(&call);
            }
            others.iter().all(|other| other.is_finished()).then_some(())
        });
        assert_eq!(first.join().expect("an answer").status(), 200);
        let statuses = others
            .into_iter()
            .map(|other| other.join().expect("an answer"));
        let well = statuses.filter(|answer| answer.status() == 200).count();
        assert_eq!(well, served);
        assert!(served > 0, "nobody was let in");
        // Alone again, a call is as patient as before.
        let next = scope.spawn(|| get(&gateway));
        answer(&peer.next_call());
        assert_eq!(next.join().expect("an answer").status(), 200);
    });
}

/// What a service would take, the operator may not want it to.
#[test]
fn an_operator_may_allow_fewer_calls_than_the_service() {
    let peer = Peer::start();
    let keys = "connection-calls-max = 1\npending-max = 0";
    let gateway = gateway(&[peer.address()], keys, &["--upstream-connections", "1"]);
    thread::scope(|scope| {
        let first = scope.spawn(|| get(&gateway).status());
        let call = peer.next_call();
        assert_eq!(get(&gateway).status(), 503);
        answer(&call);
        assert_eq!(first.join().expect("an answer"), 200);
    });
}
