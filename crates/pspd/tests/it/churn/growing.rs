//! More pods than before: how soon each has its share, by who balances what.

use std::time::{Duration, Instant};

use contract::Role;
use testkit::Balancer;

use super::{Service, alone, gateway, ip, nothing_lost, services, tell, upstreams};
use crate::drain::clients::{Clients, HELLO, NUMBERS, Spoken};

/// What is promised of a gateway that balances calls among the addresses of a name.
const PROMISED: Duration = Duration::from_secs(5);
/// Long enough that connections of a second or two have been opened anew meanwhile.
const SOME_AGES: Duration = Duration::from_secs(3);

#[test]
fn a_new_pod_has_its_even_share_within_five_seconds() {
    alone(|resolver| {
        let [a, mut b] = services(resolver, Role::Gateway, [1, 2], &[]);
        let gateway = gateway(Role::Gateway, &a.authority(), &b.authority(), &[]);
        let asks = [HELLO, NUMBERS];
        let counts = Clients::run(&[gateway.address()], &asks, Spoken::Both, |_| {
            b.even_calls_since(Instant::now());
            let (begun, asked) = (Instant::now(), resolver.asked());
            for _ in 0..3 {
                b.start_pod();
                let took = b.even_calls_since(b.publish());
                tell("an even share after", took);
                assert!(took <= PROMISED, "{took:?}");
            }
            let asked = resolver.asked() - asked;
            println!("churn: {asked} questions in {:?}", begun.elapsed());
        });
        nothing_lost(&counts);
    });
}

/// A name that leads to one address, behind which connections are dealt to pods: they have
/// to be opened anew for a new pod to get some.
#[test]
fn behind_one_address_the_age_of_connections_evens_the_load_out() {
    alone(|resolver| {
        let age = ["--connection-age-max", "2s"];
        let [a, mut b] = services(resolver, Role::Gateway, [1, 2], &age);
        let address = ip("127.0.100.1");
        let balancer = Balancer::start((address, b.role.port()).into(), b.addresses());
        resolver.set("b-svc.pspd.svc.cluster.local", [address]);
        let at = "b-svc.pspd.svc.cluster.local:50052";
        let connections = ["--upstream-connections", "4"];
        let gateway = gateway(Role::Gateway, &a.authority(), at, &connections);
        let asks = [NUMBERS, NUMBERS];
        let counts = Clients::run(&[gateway.address()], &asks, Spoken::Both, |clients| {
            b.start_pod();
            shares_and_leaves(&mut b, &balancer, clients);
        });
        nothing_lost(&counts);
    });
}

#[test]
fn connections_to_a_rest_service_go_to_all_addresses_of_its_name() {
    alone(|resolver| {
        let age = ["--connection-age-max", "1s"];
        let [a, mut b] = services(resolver, Role::GatewayRest, [1, 2], &age);
        let gateway = gateway(Role::GatewayRest, &a.authority(), &b.authority(), &[]);
        let asks = [NUMBERS, NUMBERS];
        let counts = Clients::run(&[gateway.address()], &asks, Spoken::Both, |_| {
            b.even_since(Instant::now(), SOME_AGES, 0.35);
            b.start_pod();
            let took = b.even_since(b.publish(), SOME_AGES, 0.35);
            tell("an even share after", took);
        });
        nothing_lost(&counts);
    });
}

#[test]
fn connections_to_a_rest_service_behind_one_address_even_out() {
    alone(|resolver| {
        let age = ["--connection-age-max", "1s"];
        let [a, mut b] = services(resolver, Role::GatewayRest, [1, 2], &age);
        let address = ip("127.0.100.1");
        let balancer = Balancer::start((address, b.role.port()).into(), b.addresses());
        let at = balancer.address().to_string();
        let gateway = gateway(Role::GatewayRest, &a.authority(), &at, &[]);
        let asks = [NUMBERS, NUMBERS];
        let counts = Clients::run(&[gateway.address()], &asks, Spoken::Both, |clients| {
            b.start_pod();
            shares_and_leaves(&mut b, &balancer, clients);
        });
        nothing_lost(&counts);
    });
}

/// Gateways behind one address, whose clients keep their connections over HTTP/1.1 and
/// HTTP/2 for as long as they may.
#[test]
fn gateways_behind_one_address_share_clients_that_stay() {
    alone(|resolver| {
        let [a, b] = services(resolver, Role::Gateway, [1, 1], &[]);
        let mut args = upstreams(Role::Gateway, &a.authority(), &b.authority());
        args.extend(["--access-log=off", "--connection-age-max=1s"].map(Into::into));
        args.push("--drain-delay=1s".into());
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let mut gateways = Service::start(resolver, Role::Gateway, 2, &args);
        let listens = (ip("127.0.100.1"), Role::Gateway.port()).into();
        let balancer = Balancer::start(listens, gateways.addresses());
        for gateway in &gateways.pods {
            crate::drain::rolling::until_all_are_used(gateway);
        }
        let asks = [HELLO, NUMBERS];
        let counts = Clients::run(&[balancer.address()], &asks, Spoken::Both, |clients| {
            gateways.start_pod();
            crate::drain::rolling::until_all_are_used(&gateways.pods[2]);
            shares_and_leaves(&mut gateways, &balancer, clients);
        });
        nothing_lost(&counts);
        assert!(counts.reconnected > 0);
    });
}

/// The balancer learns of a new pod, which gets its share; then it forgets one, which is told
/// to go.
#[track_caller]
fn shares_and_leaves(service: &mut Service<'_>, balancer: &Balancer, clients: &Clients) {
    balancer.set(service.addresses());
    let took = service.even_since(Instant::now(), SOME_AGES, 0.35);
    tell("an even share after", took);
    let pod = service.pods.remove(0);
    balancer.set(service.addresses());
    testkit::signal(pod.pid(), "TERM");
    assert!(pod.wait().success());
    clients.go_on();
}
