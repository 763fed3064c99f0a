//! A DNS server that fails, and one that has much to tell.

use std::{net::Ipv4Addr, time::Instant};

use contract::Role;
use testkit::{Balancer, Mood, http, until};

use super::{alone, gateway, nothing_lost, services, tell};
use crate::{
    drain::clients::{Clients, HELLO, NUMBERS, Spoken},
    metrics::Metrics,
};

#[test]
fn lookups_that_fail_change_nothing() {
    alone(|resolver| {
        let [a, mut b] = services(resolver, Role::Gateway, [1, 2], &[]);
        let gateway = gateway(Role::Gateway, &a.authority(), &b.authority(), &[]);
        let asks = [HELLO, NUMBERS];
        let counts = Clients::run(&[gateway.address()], &asks, Spoken::Both, |clients| {
            for mood in [Mood::Failing, Mood::Ignorant, Mood::Silent] {
                resolver.be(mood);
                let enough = resolver.asked() + 20;
                until("it to be asked again", || {
                    (resolver.asked() >= enough).then_some(())
                });
                clients.go_on();
            }
            let log = gateway.last_lines().join("\n");
            assert!(log.contains("using what was known before"), "{log}");
            resolver.be(Mood::Well);
            b.start_pod();
            let took = b.even_calls_since(b.publish());
            tell("after silence, an even share after", took);
        });
        nothing_lost(&counts);
    });
}

/// What cannot be looked up at first is found as soon as it can.
#[test]
fn a_gateway_waits_for_its_names() {
    alone(|resolver| {
        resolver.be(Mood::Failing);
        let [a, b] = services(resolver, Role::Gateway, [1, 1], &[]);
        let args = super::upstreams(Role::Gateway, &a.authority(), &b.authority());
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let gateway = testkit::Process::start(super::PSPD, Role::Gateway, &args);
        let asked = || http::get(gateway.address(), NUMBERS.target).expect("an answer");
        assert_eq!(asked().status(), 503);
        resolver.be(Mood::Well);
        let begun = Instant::now();
        until("an answer", || (asked().status() == 200).then_some(()));
        tell("found after", begun.elapsed());
    });
}

/// More addresses than fit into 512 bytes: the answer over UDP is cut short, and the whole
/// of it comes over TCP.
#[test]
fn every_address_of_a_long_answer_is_used() {
    const ADDRESSES: u8 = 40;
    alone(|resolver| {
        let [a, b] = services(resolver, Role::Gateway, [1, 1], &[]);
        let everywhere = (Ipv4Addr::UNSPECIFIED, 7000).into();
        let balancer = Balancer::start(everywhere, b.addresses());
        let name = "many.pspd.svc.cluster.local";
        let addresses = (1..=ADDRESSES).map(|number| Ipv4Addr::new(127, 0, 90, number).into());
        resolver.set(name, addresses);
        let at = format!("{name}:7000");
        let gateway = gateway(Role::Gateway, &a.authority(), &at, &[]);
        let counts = Clients::run(&[gateway.address()], &[NUMBERS], Spoken::Both, |_| {
            let before = balancer.bytes();
            until("calls to every address", || {
                let grown = |(at, bytes): &(_, usize)| {
                    let before = before.get(at).copied().unwrap_or_default();
                    *bytes > before + 200
                };
                let used = balancer.bytes().into_iter().filter(grown).count();
                (used == usize::from(ADDRESSES)).then_some(())
            });
        });
        assert!(counts.lost.is_empty(), "{:#?}", counts.lost);
        let known = Metrics::of(&gateway).get("pspd_upstream_endpoints{upstream=\"B\"}");
        assert_eq!(known, Some(f64::from(ADDRESSES)));
        assert!(resolver.asked_over_tcp() > 0);
        println!(
            "churn: {} connections to {ADDRESSES} addresses",
            balancer.accepted()
        );
    });
}
