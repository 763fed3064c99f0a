//! What an endpoint says of its own health decides whether it gets calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use testkit::{Process, http, until};

use super::{Shop, gateway, get, refuse, sell};
use crate::grpc_peer::{Call, Line, Peer, framed_bytes};

/// The statuses of `HealthCheckResponse`.
const SERVING: u8 = 1;
const NOT_SERVING: u8 = 2;

/// What a health service says, to all that watch.
#[derive(Clone)]
struct Health(Arc<Mutex<(u8, Vec<Line>)>>);

impl Health {
    fn of(status: u8) -> Health {
        Health(Arc::new(Mutex::new((status, Vec::new()))))
    }

    fn locked(&self) -> MutexGuard<'_, (u8, Vec<Line>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, status: u8) {
        let mut told = self.locked();
        told.0 = status;
        for line in &told.1 {
            line.send_bytes(framed_bytes(&[8, status]));
        }
    }

    fn watchers(&self) -> usize {
        self.locked().1.len()
    }

    fn watch(&self, call: &Call) {
        assert_eq!(call.request.uri.path(), "/grpc.health.v1.Health/Watch");
        let mut told = self.locked();
        call.send_head();
        call.send_bytes(framed_bytes(&[8, told.0]));
        told.1.push(call.line());
    }
}

fn shop(health: &Health) -> Shop {
    let health = health.clone();
    Shop::with_health(Peer::start(), move |call| health.watch(call), sell)
}

/// Waits until only those get calls that should.
#[track_caller]
fn wait_for(gateway: &Process, shops: [(&Shop, bool); 2]) {
    until("only those to be called that are well", || {
        let before = shops.map(|(shop, _)| shop.calls());
        for _ in 0..10 {
            assert_eq!(get(gateway).status(), 200);
        }
        let called = |((shop, _), before): ((&Shop, bool), usize)| shop.calls() > before;
        let expected = shops.map(|(_, called)| called);
        let called: Vec<_> = shops.into_iter().zip(before).map(called).collect();
        (called == expected).then_some(())
    });
}

#[test]
fn only_endpoints_that_serve_get_calls() {
    let (first, second) = (Health::of(SERVING), Health::of(NOT_SERVING));
    let shops = [shop(&first), shop(&second)];
    let gateway = gateway(&[shops[0].address, shops[1].address], "", &[]);
    wait_for(&gateway, [(&shops[0], true), (&shops[1], false)]);
    second.set(SERVING);
    wait_for(&gateway, [(&shops[0], true), (&shops[1], true)]);
    first.set(NOT_SERVING);
    wait_for(&gateway, [(&shops[0], false), (&shops[1], true)]);
    // When none is, the word of all of them is not taken.
    second.set(NOT_SERVING);
    wait_for(&gateway, [(&shops[0], true), (&shops[1], true)]);
}

#[test]
fn endpoints_without_a_health_service_are_well() {
    let health = Health::of(NOT_SERVING);
    let (unwell, plain) = (shop(&health), Shop::start(sell));
    let gateway = gateway(&[unwell.address, plain.address], "", &[]);
    wait_for(&gateway, [(&unwell, false), (&plain, true)]);
}

#[test]
fn nobody_is_asked_who_should_not_be() {
    let peer = Peer::start();
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    let count = move |call: &Call| {
        *counted.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        refuse(call, "12");
    };
    let shop = Shop::with_health(peer, count, sell);
    let one = gateway(&[shop.address], "", &[]);
    let off = gateway(&[shop.address, super::NOBODY], "health = \"off\"", &[]);
    for _ in 0..10 {
        assert_eq!((get(&one).status(), get(&off).status()), (200, 200));
    }
    assert_eq!(*asked.lock().unwrap_or_else(PoisonError::into_inner), 0);
}

/// Its last call is not the gateway's watch, which would never end.
#[test]
fn a_server_that_says_goodbye_is_let_go() {
    let (health, lists) = (Health::of(SERVING), Arc::<Mutex<Vec<Line>>>::default());
    let (told, asked) = (health.clone(), Arc::clone(&lists));
    let shop = Shop::with_health(
        Peer::start(),
        move |call| told.watch(call),
        move |call| {
            call.send_head();
            call.send_value(1);
            asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(call.line());
        },
    );
    let keys = "health = \"watch\"";
    let gateway = gateway(&[shop.address], keys, &["--upstream-connections", "1"]);
    let mut client = http::Connection::open(gateway.address()).expect("a connection");
    let headers = [("Accept", "application/x-ndjson")];
    client
        .send_request("GET", "/items", &headers, b"")
        .expect("sent");
    let list = until("the call and the watch", || {
        let mut lists = lists.lock().unwrap_or_else(PoisonError::into_inner);
        (health.watchers() > 0).then(|| lists.pop())?
    });
    shop.service.leave();
    until("the watch to be given up", || {
        (shop.service.cancelled() > 0).then_some(())
    });
    // What it has to do it does to the end.
    list.send_bytes(framed_bytes(&[8, 2]));
    list.end();
    let answer = client.read_response("GET").expect("an answer");
    assert_eq!(answer.text(), "{\"number\":1}\n{\"number\":2}\n");
    drop(list);
    until("its connections to be closed", || {
        (shop.service.open_connections() == 0).then_some(())
    });
}
