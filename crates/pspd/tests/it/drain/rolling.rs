//! Two instances of a role, each replaced in turn under load: nothing is lost.

use std::net::{SocketAddr, TcpStream};

use contract::Role;
use serde_json::Value;
use system::Launch;
use testkit::{Process, http, until};

use super::{
    clients::{Ask, Clients, HELLO, NUMBERS, Spoken},
    free_address, launch_at, started,
};

/// What the routes of a gateway that was told of nothing but addresses look like.
const SAY_HELLO: Ask = Ask {
    method: "POST",
    target: "/pspd.ServiceA/SayHello",
    body: r#"{"name": "pspd"}"#,
    expected: "pspd",
};
const STREAM_NUMBERS: Ask = Ask {
    method: "POST",
    target: "/pspd.ServiceB/StreamNumbers",
    body: r#"{"count": 3, "delayMs": 5}"#,
    expected: r#""value":3"#,
};

/// Two instances of a role.
struct Pair {
    launches: [Launch; 2],
    running: [Process; 2],
}

impl Pair {
    fn start(role: Role, args: &[&str]) -> Pair {
        let launches = [(); 2].map(|()| launch_at(role, free_address(), args));
        let running = launches.each_ref().map(started);
        Pair { launches, running }
    }

    fn addresses(&self) -> [SocketAddr; 2] {
        self.running.each_ref().map(Process::address)
    }

    /// Stops each and starts its successor at the same place, as soon as that is free
    /// and the clients are `at_ease` with what is there.
    fn replace_each(&mut self, at_ease: impl Fn()) {
        for index in 0..2 {
            let address = self.running[index].address();
            testkit::signal(self.running[index].pid(), "TERM");
            until("the port to be free", || {
                TcpStream::connect(address).is_err().then_some(())
            });
            let successor = started(&self.launches[index]);
            let old = std::mem::replace(&mut self.running[index], successor);
            assert!(old.wait().success());
            at_ease();
        }
    }
}

/// Waits until a gateway is connected to every endpoint again, as whoever rolls a
/// service out does.
pub(crate) fn until_all_are_used(gateway: &Process) {
    until("all endpoints to be used", || {
        let ready = http::get(gateway.admin_address(), "/readyz").expect("an answer");
        let checks = ready.json();
        let endpoints = checks["checks"].as_array()?.iter();
        let mut endpoints = endpoints.flat_map(|check| check["endpoints"].as_array());
        let used = |endpoint: &Value| endpoint.get("problem").is_none();
        endpoints.all(|all| all.iter().all(used)).then_some(())
    });
}

#[test]
fn services_behind_gateway_p() {
    let mut a = Pair::start(Role::A, &[]);
    let mut b = Pair::start(Role::B, &[]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gateway.toml");
    let text: String = [("a", a.addresses()), ("b", b.addresses())]
        .map(|(name, [first, second])| {
            format!(
                "[[gateway.upstreams]]\nname = \"{name}\"\naddresses = [\"{first}\", \"{second}\"]\n"
            )
        })
        .concat();
    std::fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("a path of text");
    let gateway = Process::start(super::PSPD, Role::Gateway, &["--config", file]);
    until_all_are_used(&gateway);
    let asks = [SAY_HELLO, STREAM_NUMBERS];
    let counts = Clients::run(&[gateway.address()], &asks, Spoken::Both, |clients| {
        for pair in [&mut a, &mut b] {
            pair.replace_each(|| {
                clients.go_on();
                until_all_are_used(&gateway);
            });
        }
    });
    counts.nothing_lost();
}

#[test]
fn services_behind_gateway_p_rest() {
    let mut a = Pair::start(Role::ARest, &[]);
    let mut b = Pair::start(Role::BRest, &[]);
    let urls = |pair: &Pair| pair.addresses().map(|at| format!("http://{at}")).join(",");
    let args = ["--a-rest", &urls(&a), "--b-rest", &urls(&b)];
    let gateway = Process::start(super::PSPD, Role::GatewayRest, &args);
    let asks = [HELLO, NUMBERS];
    let counts = Clients::run(&[gateway.address()], &asks, Spoken::Both, |clients| {
        for pair in [&mut a, &mut b] {
            pair.replace_each(|| clients.go_on());
        }
    });
    counts.nothing_lost();
}

#[test]
fn gateways_p_that_their_clients_know() {
    let services = [Role::A, Role::B].map(|role| Process::start(super::PSPD, role, &[]));
    let [a, b] = services
        .each_ref()
        .map(|service| service.address().to_string());
    gateways(Role::Gateway, &["--a-addr", &a, "--b-addr", &b]);
}

#[test]
fn gateways_p_rest_that_their_clients_know() {
    let services = [Role::ARest, Role::BRest].map(|role| Process::start(super::PSPD, role, &[]));
    let [a, b] = services
        .each_ref()
        .map(|service| format!("http://{}", service.address()));
    gateways(Role::GatewayRest, &["--a-rest", &a, "--b-rest", &b]);
}

fn gateways(role: Role, args: &[&str]) {
    let mut gateways = Pair::start(role, args);
    let addresses = gateways.addresses();
    let counts = Clients::run(&addresses, &[HELLO, NUMBERS], Spoken::Http1, |clients| {
        for _ in 0..2 {
            gateways.replace_each(|| clients.go_on());
        }
    });
    counts.nothing_lost();
    // Busy clients never find a connection closed: it was said in the answer before.
    assert_eq!(counts.raced, 0);
    assert!(counts.reconnected > 0);
}
