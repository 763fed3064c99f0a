//! How calls are spread, and what one endpoint that is gone or stuck does to them.

use std::thread;

use testkit::{Process, until};

use super::{NOBODY, Shop, check, gateway, get, sell};
use crate::{grpc_peer::Peer, tcp_peer::fake};

const CALLS: usize = 60;

fn shops() -> [Shop; 3] {
    [(); 3].map(|()| Shop::start(sell))
}

/// The gateway's own workers and its administration each connect on their own; a call
/// or two show that the one that is asked has all its endpoints.
#[track_caller]
fn wait_for_all(gateway: &Process, shops: &[Shop]) {
    until("each to have had a call", || {
        assert_eq!(get(gateway).status(), 200);
        shops.iter().all(|shop| shop.calls() > 0).then_some(())
    });
}

#[test]
fn calls_are_spread_evenly_either_way() {
    for balance in ["round-robin", "least-loaded"] {
        let shops = shops();
        let addresses: Vec<_> = shops.iter().map(|shop| shop.address).collect();
        let keys = format!("balance = \"{balance}\"");
        let gateway = gateway(&addresses, &keys, &[]);
        wait_for_all(&gateway, &shops);
        let before: Vec<_> = shops.iter().map(Shop::calls).collect();
        for _ in 0..CALLS {
            assert_eq!(get(&gateway).status(), 200);
        }
        for (shop, before) in shops.iter().zip(before) {
            // One after the other, none is ever busy: equals take turns.
            assert_eq!(shop.calls() - before, CALLS / 3, "{balance}");
        }
    }
}

#[test]
fn a_dead_address_fails_no_call() {
    let shops = shops();
    let addresses = [shops[0].address, NOBODY, shops[1].address];
    let gateway = gateway(&addresses, "", &[]);
    for _ in 0..CALLS {
        assert_eq!(get(&gateway).status(), 200);
    }
    assert_eq!(shops[0].calls() + shops[1].calls(), CALLS);
    let check = until("the shop to be well", || {
        let check = check(&gateway);
        check.get("problem").is_none().then_some(check)
    });
    let endpoints = check["endpoints"].as_array().expect("several");
    let dead = NOBODY.to_string();
    let dead = endpoints.iter().find(|one| one["address"] == *dead);
    assert!(dead.expect("told")["problem"].is_string(), "{check}");
}

/// It takes connections and says nothing: it is not there.
#[test]
fn an_address_that_never_says_a_word_gets_no_call() {
    let silent = fake(|mut stream| {
        let mut ignored = [0; 4096];
        while let Ok(1..) = std::io::Read::read(&mut stream, &mut ignored) {}
    });
    let shop = Shop::start(sell);
    for balance in ["round-robin", "least-loaded"] {
        let keys = format!("balance = \"{balance}\"");
        let gateway = gateway(&[silent, shop.address], &keys, &[]);
        for _ in 0..CALLS {
            assert_eq!(get(&gateway).status(), 200);
        }
    }
    assert_eq!(shop.calls(), 2 * CALLS);
}

/// It takes calls and answers none of them. It gets few of them, and the others go well.
#[test]
fn an_endpoint_that_answers_nothing_gets_few_calls() {
    // A tenth; one that takes turns has half of them.
    const STUCK_MAX: usize = 4 * CALLS / 10;
    let stuck = Shop::start(|call| call.hold());
    let well = Shop::start(sell);
    let args = ["--call-timeout", "1s"];
    let gateway = gateway(&[stuck.address, well.address], "", &args);
    let failed: usize = thread::scope(|scope| {
        let clients = [(); 4].map(|()| {
            scope.spawn(|| {
                let answers = (0..CALLS).map(|_| get(&gateway).status());
                answers.filter(|status| *status != 200).count()
            })
        });
        let failed = clients.map(|client| client.join().expect("it ends"));
        failed.iter().sum()
    });
    // So busy a machine can be that others take too long as well.
    assert!(failed >= stuck.calls(), "{failed}, {}", stuck.calls());
    assert!(failed <= STUCK_MAX, "{failed} of {} calls", 4 * CALLS);
    assert!(well.calls() >= 4 * CALLS - failed);
}

/// An endpoint that is gone for good, with calls that it had.
#[test]
fn an_endpoint_that_is_gone_is_left_out() {
    let gone = Peer::start();
    let well = Shop::start(sell);
    let keys = "health = \"off\"\nbalance = \"round-robin\"";
    let gateway = gateway(&[gone.address(), well.address], keys, &[]);
    thread::scope(|scope| {
        let clients = [(); 8].map(|()| scope.spawn(|| get(&gateway).status()));
        gone.next_call().disconnect();
        // Its listener goes with it.
        drop(gone);
        for client in clients {
            // Broken off by the service that was stopped, or well.
            let status = client.join().expect("it ends");
            assert!([200, 502].contains(&status), "{status}");
        }
    });
    for _ in 0..CALLS {
        assert_eq!(get(&gateway).status(), 200);
    }
}
