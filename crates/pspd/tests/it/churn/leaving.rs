//! Fewer pods than before, and others in their place: told to go, in every order of what
//! happens then, and killed.

use std::time::Instant;

use contract::Role;
use testkit::{Process, Resolver, http, signal, until};

use super::{Service, alone, gateway, nothing_lost, services, tell};
use crate::{
    drain::clients::{Ask, Clients, HELLO, NUMBERS, Spoken},
    metrics::Metrics,
};

/// How the end of a pod and the end of its address go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Nobody knows the address any more when the pod is told.
    AddressFirst,
    /// The pod is told, and goes on until its address is gone, as with a `preStop` pause.
    PodFirst,
    /// The pod is told and goes, and only then its address.
    PodAlone,
}

/// Takes the first pod away.
#[track_caller]
fn leave(service: &mut Service<'_>, order: Order, gateway: &Process) {
    let pod = service.pods.remove(0);
    let term = || signal(pod.pid(), "TERM");
    match order {
        Order::AddressFirst => {
            service.publish();
            if gateway_knows(gateway).is_some() {
                until("the gateway to know", || {
                    #[allow(clippy::cast_precision_loss)] // A few pods.
                    let left = service.pods.len() as f64;
                    (gateway_knows(gateway)? <= left).then_some(())
                });
            }
            term();
        }
        Order::PodFirst => {
            term();
            until("the pod to say that it leaves", || {
                let ready = http::get(pod.admin_address(), "/readyz").ok()?;
                (ready.status() == 503).then_some(())
            });
            service.publish();
        }
        Order::PodAlone => {
            term();
            assert!(pod.wait().success());
            service.publish();
        }
    }
    assert!(pod.wait().success());
}

/// The endpoints of B that gateway P knows.
fn gateway_knows(gateway: &Process) -> Option<f64> {
    Metrics::of(gateway).get("pspd_upstream_endpoints{upstream=\"B\"}")
}

/// Clients of a gateway in front of so many pods, of whose requests none is lost.
#[track_caller]
fn under_load(
    resolver: &Resolver,
    role: Role,
    pods: [usize; 2],
    args: &[&str],
    test: impl FnOnce(&mut [Service<'_>; 2], &Clients, &Process),
) {
    let mut services = services(resolver, role, pods, args);
    let [a, b] = services.each_ref().map(Service::authority);
    let gateway = gateway(role, &a, &b, &[]);
    let asks = [HELLO, NUMBERS];
    let counts = Clients::run(&[gateway.address()], &asks, Spoken::Both, |clients| {
        test(&mut services, clients, &gateway);
        clients.go_on();
    });
    nothing_lost(&counts);
}

const DELAY: [&str; 2] = ["--drain-delay", "1s"];

const EACH: [Order; 3] = [Order::AddressFirst, Order::PodFirst, Order::PodAlone];

/// Pods of the second service leave one after the other.
#[track_caller]
fn left(resolver: &Resolver, role: Role, args: &[&str], orders: [Order; 3]) {
    under_load(resolver, role, [1, 4], args, |[_, b], clients, gateway| {
        for order in orders {
            clients.go_on();
            leave(b, order, gateway);
        }
    });
}

#[test]
fn pods_that_leave_gateway_p_take_no_request_with_them() {
    alone(|resolver| left(resolver, Role::Gateway, &DELAY, EACH));
}

/// A pod that says goodbye and goes at once, while its address is still told.
#[test]
fn pods_that_leave_at_once_do_not_either() {
    let orders = [Order::AddressFirst, Order::PodAlone, Order::PodAlone];
    alone(|resolver| left(resolver, Role::Gateway, &[], orders));
}

#[test]
fn pods_that_leave_gateway_p_rest_take_no_request_with_them() {
    alone(|resolver| left(resolver, Role::GatewayRest, &DELAY, EACH));
}

/// Every pod of both services is replaced by one at another address, one after the other:
/// first the new one, then the old one is told while its address is being forgotten.
#[track_caller]
fn replaced(resolver: &Resolver, role: Role) {
    let delay = ["--drain-delay", "500ms"];
    under_load(
        resolver,
        role,
        [2, 3],
        &delay,
        |services, clients, gateway| {
            for service in services {
                let begun = Instant::now();
                for _ in 0..service.pods.len() {
                    service.start_pod();
                    service.publish();
                    leave(service, Order::PodFirst, gateway);
                    clients.go_on();
                }
                tell("all replaced after", begun.elapsed());
            }
        },
    );
}

#[test]
fn all_pods_behind_gateway_p_are_replaced() {
    alone(|resolver| replaced(resolver, Role::Gateway));
}

#[test]
fn all_pods_behind_gateway_p_rest_are_replaced() {
    alone(|resolver| replaced(resolver, Role::GatewayRest));
}

/// A service of one pod: the new one is told of, and the old one goes in that moment, before
/// the gateway has looked.
#[test]
fn a_lone_pod_is_replaced() {
    alone(|resolver| {
        under_load(
            resolver,
            Role::Gateway,
            [1, 1],
            &[],
            |services, clients, gateway| {
                for service in services {
                    for _ in 0..3 {
                        service.start_pod();
                        service.publish();
                        leave(service, Order::PodAlone, gateway);
                        clients.go_on();
                    }
                }
            },
        );
    });
}

/// Slow enough that every pod has some at any time.
const SLOW: Ask = Ask {
    target: "/b/numbers?count=3&delay_ms=100",
    ..NUMBERS
};
/// What [`Clients`] make of two asks in two protocols.
const CLIENTS: usize = 10;

#[test]
fn a_pod_that_is_killed_takes_only_what_it_had() {
    alone(|resolver| {
        let [a, mut b] = services(resolver, Role::Gateway, [1, 3], &[]);
        let gateway = gateway(Role::Gateway, &a.authority(), &b.authority(), &[]);
        let asks = [SLOW, SLOW];
        let counts = Clients::run(&[gateway.address()], &asks, Spoken::Both, |clients| {
            let mut pod = b.pods.remove(0);
            until("the pod to have calls", || {
                (b.answered(&pod) > 3.0).then_some(())
            });
            pod.kill();
            for _ in 0..2 {
                let enough = clients.answered() + 100;
                until("others to go on", || {
                    (clients.answered() >= enough).then_some(())
                });
                b.publish();
            }
        });
        let lost = counts.lost.len();
        println!("churn: {} answered, {lost} lost by a kill", counts.answered);
        println!("churn: such as {:?}", counts.lost.first());
        // Calls are spread evenly, so that it had a third of them, and no call came later.
        assert!((1..=CLIENTS / 3 + 1).contains(&lost), "{:#?}", counts.lost);
        assert_eq!(counts.raced, 0);
    });
}

/// A GET that broke off is made once more, elsewhere.
#[test]
fn a_rest_pod_that_is_killed_takes_nothing() {
    alone(|resolver| {
        let [a, mut b] = services(resolver, Role::GatewayRest, [1, 3], &[]);
        let gateway = gateway(Role::GatewayRest, &a.authority(), &b.authority(), &[]);
        let asks = [SLOW, NUMBERS];
        let counts = Clients::run(&[gateway.address()], &asks, Spoken::Both, |clients| {
            for _ in 0..2 {
                let mut pod = b.pods.remove(0);
                let before = b.answered(&pod);
                until("the pod to have calls", || {
                    (b.answered(&pod) > before + 20.0).then_some(())
                });
                pod.kill();
                clients.go_on();
                b.publish();
                clients.go_on();
            }
        });
        nothing_lost(&counts);
    });
}
