//! Killed at once, without any warning.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use contract::Role;
use testkit::{Chain, IN_TIME, Process, Service, http};

use super::{PSPD, load::Load};

/// When, within the 50 ms that a stream of the load takes, the service dies.
const MOMENTS_MS: [u64; 6] = [0, 9, 18, 27, 36, 45];
/// Failed requests that make an outage.
const OUTAGE: usize = 20;
/// A little above the clients of the load, so that places that are not given
/// back soon make a request fail.
const IN_FLIGHT_MAX: usize = 20;

#[test]
fn service_a_behind_gateway_p() {
    service_is_killed(Role::Gateway, Service::A);
}

#[test]
fn service_b_behind_gateway_p() {
    service_is_killed(Role::Gateway, Service::B);
}

#[test]
fn service_a_rest_behind_gateway_p_rest() {
    service_is_killed(Role::GatewayRest, Service::A);
}

#[test]
fn service_b_rest_behind_gateway_p_rest() {
    service_is_killed(Role::GatewayRest, Service::B);
}

fn service_is_killed(gateway: Role, victim: Service) {
    let in_flight_max = IN_FLIGHT_MAX.to_string();
    let mut args = vec!["--in-flight-max", &in_flight_max, "--call-timeout", "5s"];
    if gateway == Role::GatewayRest {
        args.extend(["--idle-timeout", "500ms"]);
    }
    let mut chain = Chain::start(PSPD, gateway, &args);
    Load::run(chain.address(), victim, |load| {
        load.wait_for_success();
    });
    let open_before = settled_descriptors(&chain.gateway);

    let address = chain.address();
    Load::run(address, victim, |load| {
        for moment_ms in MOMENTS_MS {
            thread::sleep(Duration::from_millis(moment_ms));
            let failures_before = load.failures();
            chain.service(victim).kill();
            testkit::until("an outage", || {
                (load.failures() >= failures_before + OUTAGE).then_some(())
            });
            chain.start_again(victim);
            let took = load.wait_for_success();
            println!("{gateway} without {victim:?}: well again after {took:?}");
        }
        if (gateway, victim) == (Role::Gateway, Service::B) {
            assert!(load.failures_in_a_stream() > 0, "no stream was hit");
        }
    });

    assert_eq!(chain.gateway.ended(), None);
    all_places_are_free(address);
    testkit::until("as few open descriptors as before", || {
        (descriptors(&chain.gateway) <= open_before).then_some(())
    });
    let log = chain.operational_log().join("\n");
    assert!(!log.contains("panicked"), "{log}");
}

/// As many calls at once as may be in flight, all of which succeed.
fn all_places_are_free(gateway: SocketAddr) {
    thread::scope(|scope| {
        for _ in 0..IN_FLIGHT_MAX {
            scope.spawn(|| {
                let target = "/b/numbers?count=10&delay_ms=50";
                let answer = http::get(gateway, target).expect("an answer");
                assert_eq!(answer.status(), 200, "{}", answer.text());
            });
        }
    });
}

#[test]
fn a_gateway_killed_under_load_leaves_its_services_in_order() {
    for (role, a, b) in [
        (Role::Gateway, Role::A, Role::B),
        (Role::GatewayRest, Role::ARest, Role::BRest),
    ] {
        let services = [a, b].map(|role| Process::start(PSPD, role, &[]));
        let open_before = services.each_ref().map(settled_descriptors);
        let [a, b] = services.each_ref().map(Process::address);
        let flags = system::upstream_flags(role, a, b);
        let flags: Vec<_> = flags.iter().filter_map(|flag| flag.to_str()).collect();
        for _ in 0..2 {
            let mut gateway = Process::start(PSPD, role, &flags);
            let clients: Vec<_> = (0..16)
                .map(|index| {
                    let mut client = http::Connection::open(gateway.address()).expect("connected");
                    let target = ["/a/hello", "/b/numbers?count=1000&delay_ms=60"][index % 2];
                    client.send_request("GET", target, &[], b"").expect("sent");
                    client
                })
                .collect();
            // Later than the others, and therefore with them in flight.
            let hello = http::get(gateway.address(), "/a/hello").expect("an answer");
            assert_eq!(hello.status(), 200, "{}", hello.text());
            gateway.kill();
            drop(clients);
        }
        for (service, before) in services.iter().zip(open_before) {
            assert_eq!(service.ended(), None);
            testkit::until("as few open descriptors as before", || {
                (descriptors(service) <= before).then_some(())
            });
        }
    }
}

/// The number of open descriptors once it does not change any more.
fn settled_descriptors(process: &Process) -> usize {
    const STEADY_FOR: Duration = Duration::from_secs(1);
    let give_up = Instant::now() + IN_TIME;
    let (mut last, mut since) = (descriptors(process), Instant::now());
    while since.elapsed() < STEADY_FOR {
        assert!(Instant::now() < give_up, "descriptors come and go");
        thread::sleep(Duration::from_millis(20));
        let now = descriptors(process);
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    last
}

#[cfg(target_os = "linux")]
fn descriptors(process: &Process) -> usize {
    testkit::proc::descriptors(process.pid())
}

/// Elsewhere leaks of descriptors are not looked for.
#[cfg(not(target_os = "linux"))]
fn descriptors(_: &Process) -> usize {
    0
}
