//! Pods that come and go under load, as in a cluster and without one: services on addresses
//! of loopback, names that lead to them in a DNS server of the test's own, and load balancers
//! of connections. Each test runs in a network namespace of its own, where the system's
//! resolver asks that server; so it has the published ports for itself, too.

mod growing;
mod leaving;
mod names;

use std::{
    any, env, iter,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use contract::Role;
use system::Launch;
use testkit::{IN_TIME, Namespace, Process, Resolver, Tool, need, run, until};

use crate::{
    drain::{clients::Counts, rolling::until_all_are_used},
    metrics::Metrics,
};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// Set for a test that is in its namespace already.
const INSIDE: &str = "PSPD_TEST_INSIDE";
/// Where the namespaces' resolvers are.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 53);

/// Runs `test`, a closure of a test function, in a network namespace of its own: this test
/// binary is started there once more for that function alone.
#[track_caller]
fn alone<T: FnOnce(&Resolver)>(test: T) {
    if env::var_os(INSIDE).is_some() {
        return test(&Resolver::start((RESOLVER, 53).into()));
    }
    if need(Tool::NetworkNamespaces).is_none() {
        return;
    }
    let name = any::type_name::<T>().trim_end_matches("::{{closure}}");
    let (_, name) = name.split_once("::").expect("a path in this crate");
    let namespace = Namespace::with_resolver(RESOLVER.into());
    let this = env::current_exe().expect("this test binary");
    let out = run(namespace
        .command(this)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1"));
    assert!(out.contains("1 passed"), "{out}");
    let figures = out.lines().filter_map(|line| line.split_once("churn: "));
    figures.for_each(|(_, figure)| println!("{name}: {figure}"));
}

/// The pods of a role, and the headless name that leads to them.
struct Service<'r> {
    resolver: &'r Resolver,
    role: Role,
    args: Vec<String>,
    pods: Vec<Process>,
    /// How many there have ever been: none gets the address of another.
    started: u8,
}

impl<'r> Service<'r> {
    /// So many pods, which the name leads to.
    #[track_caller]
    fn start(resolver: &'r Resolver, role: Role, pods: usize, args: &[&str]) -> Service<'r> {
        let mut service = Service {
            resolver,
            role,
            args: args.iter().copied().map(Into::into).collect(),
            pods: Vec::new(),
            started: 0,
        };
        (0..pods).for_each(|_| service.start_pod());
        service.publish();
        service
    }

    /// Starts one more, which the name does not lead to yet.
    #[track_caller]
    fn start_pod(&mut self) {
        self.started += 1;
        let network = self.role as u8 + 1;
        let launch = Launch {
            host: Ipv4Addr::new(127, 0, network, self.started).into(),
            port: self.role.port(),
            args: self.args.iter().map(Into::into).collect(),
            ready_within: IN_TIME,
            ..Launch::new(PSPD, self.role)
        };
        self.pods
            .push(Process::launch(&launch).expect("the pod comes up"));
    }

    fn name(&self) -> String {
        format!("{}-headless.pspd.svc.cluster.local", self.role)
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.name(), self.role.port())
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.pods.iter().map(Process::address).collect()
    }

    /// Lets the name lead to the pods that there are now, and says when it did.
    fn publish(&self) -> Instant {
        let addresses = self.pods.iter().map(|pod| pod.address().ip());
        self.resolver.set(&self.name(), addresses);
        Instant::now()
    }

    /// Waits until each pod answers an even share of what is asked in a `window` of time,
    /// give or take `tolerance` of it; returns how long after `since` that time was over.
    #[track_caller]
    fn even_since(&self, since: Instant, window: Duration, tolerance: f64) -> Duration {
        let mut seen: Vec<(Instant, Vec<f64>)> = Vec::new();
        until("an even share for each pod", || {
            thread::sleep(Duration::from_millis(50));
            let counts: Vec<_> = self.pods.iter().map(|pod| self.answered(pod)).collect();
            let now = Instant::now();
            let over = |then: &(Instant, Vec<f64>)| now.duration_since(then.0) >= window;
            let last = seen.iter().rposition(over);
            let even = last.is_some_and(|last| is_even(&seen[last].1, &counts, tolerance));
            seen.push((now, counts));
            even.then(|| since.elapsed())
        })
    }

    /// The share within a second, give or take a fifth: what a gateway that balances calls
    /// has to achieve.
    #[track_caller]
    fn even_calls_since(&self, since: Instant) -> Duration {
        self.even_since(since, Duration::from_secs(1), 0.2)
    }

    fn answered(&self, pod: &Process) -> f64 {
        let metrics = Metrics::of(pod);
        match self.role {
            Role::A => metrics.sum("grpc_server_handled_total", &[("grpc_method", "SayHello")]),
            Role::B => metrics.sum(
                "grpc_server_handled_total",
                &[("grpc_method", "StreamNumbers")],
            ),
            _ => metrics.sum("http_server_request_duration_seconds_count", &[]),
        }
    }
}

/// Requests of each pod in a window without which its share is left to chance.
const ENOUGH: f64 = 20.0;

fn is_even(before: &[f64], after: &[f64], tolerance: f64) -> bool {
    let shares = || iter::zip(before, after).map(|(before, after)| after - before);
    #[allow(clippy::cast_precision_loss)] // A few pods.
    let mean = shares().sum::<f64>() / after.len() as f64;
    mean >= ENOUGH && shares().all(|share| (share - mean).abs() <= tolerance * mean)
}

/// The arguments of a gateway whose services are at these places.
fn upstreams(role: Role, a: &str, b: &str) -> Vec<String> {
    match role {
        Role::GatewayRest => vec![
            format!("--a-rest=http://{a}"),
            format!("--b-rest=http://{b}"),
        ],
        _ => vec![format!("--a-addr={a}"), format!("--b-addr={b}")],
    }
}

/// One gateway before these services, which it is connected to.
#[track_caller]
fn gateway(role: Role, a: &str, b: &str, args: &[&str]) -> Process {
    let mut all = upstreams(role, a, b);
    all.extend(
        ["--access-log=off"]
            .iter()
            .chain(args)
            .copied()
            .map(Into::into),
    );
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let gateway = Process::start(PSPD, role, &all);
    until_all_are_used(&gateway);
    gateway
}

/// The services that a gateway has, A with so many pods and B with so many.
#[track_caller]
fn services<'r>(
    resolver: &'r Resolver,
    gateway: Role,
    [a, b]: [usize; 2],
    args: &[&str],
) -> [Service<'r>; 2] {
    let [role_a, role_b] = gateway.services().expect("a gateway's role");
    [(role_a, a), (role_b, b)].map(|(role, pods)| Service::start(resolver, role, pods, args))
}

fn tell(what: &str, took: Duration) {
    println!("churn: {what} {:.2} s", took.as_secs_f64());
}

/// Of a substantial number of requests, not one.
#[track_caller]
fn nothing_lost(counts: &Counts) {
    println!(
        "churn: {} answered, {} lost, {} told to connect anew, {} met a closing connection",
        counts.answered,
        counts.lost.len(),
        counts.reconnected,
        counts.raced
    );
    counts.nothing_lost();
    assert_eq!(counts.raced, 0);
    assert!(counts.answered >= 500, "{}", counts.answered);
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}
