//! What a gRPC call costs that ours passes through, beside the least that a proxy can
//! be with the same libraries: the example `bare_hop` of crate `gateway`. They take
//! turns, each started anew for every measurement, with the same load over as few
//! connections as gRPC's clients open.

use std::{
    fmt,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use super::{Bench, backend::Backend, gateway::free_address, reading};
use crate::{
    folders, machine,
    measuring::{lab::Lab, role::Role},
};

const CALL: &str = r#"pspd.ServiceA/SayHello {"name": "pspd"}"#;
pub(super) const CONNECTIONS: &str = "4";
pub(super) const CALLS: &str = "64";
const LISTENS_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Who passes calls through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passer {
    BareHop,
    Ours,
    /// Ours, with a line in the access log for each call, to the null device.
    OursWithLog,
}

impl Passer {
    pub(super) const ALL: [Passer; 3] = [Passer::BareHop, Passer::Ours, Passer::OursWithLog];
}

impl fmt::Display for Passer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Passer::BareHop => "bare hop",
            Passer::Ours => "pspd, no access log",
            Passer::OursWithLog => "pspd, access log",
        })
    }
}

/// Processor time for a call in one round, in microseconds, in the order of
/// [`Passer::ALL`].
pub(super) type Costs = [f64; Passer::ALL.len()];

/// Everybody once a round; who goes first changes.
pub(super) fn measure(bench: &Bench<'_>, root: &Path) -> anyhow::Result<Vec<Costs>> {
    let hop = bare_hop(root)?;
    let once = |round: usize| {
        let backend = Backend::start(&bench.programs.pspd, bench.folder)?;
        let mut costs = Costs::default();
        for turn in 0..costs.len() {
            let at = (turn + round) % costs.len();
            let passer = Passer::ALL[at];
            costs[at] = cost(bench, &hop, passer, &backend)
                .with_context(|| format!("calls passed through by {passer}"))?;
            eprintln!("  passed: {passer}: CPU {:.1} us a call", costs[at]);
        }
        Ok(costs)
    };
    (0..bench.options.rounds).map(once).collect()
}

fn bare_hop(root: &Path) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    machine::run(
        Command::new(cargo)
            .args(["build", "--quiet", "--release", "--package", "gateway"])
            .args(["--example", "bare_hop"])
            .current_dir(root),
    )?;
    Ok(folders::target(root).join("release/examples/bare_hop"))
}

fn cost(bench: &Bench<'_>, hop: &Path, passer: Passer, backend: &Backend) -> anyhow::Result<f64> {
    let log = match passer {
        Passer::BareHop => {
            let hop = Hop::start(hop, &backend.a_address())?;
            return load(bench, hop.address, hop.process.id());
        }
        Passer::Ours => "off",
        Passer::OursWithLog => "json",
    };
    let gateway = Role::start(
        &bench.programs.pspd,
        bench.folder,
        "gateway",
        &[
            "--a-addr",
            &backend.a_address(),
            "--b-addr",
            &backend.b_address(),
            "--access-log",
            log,
            "--workers",
            "1",
            "--upstream-connections",
            "1",
        ],
    )?;
    load(bench, gateway.address, gateway.pid())
}

fn load(bench: &Bench<'_>, address: SocketAddr, pid: u32) -> anyhow::Result<f64> {
    let lab = Lab {
        pspd: &bench.programs.pspd,
        folder: bench.folder,
    };
    let target = format!("grpc://{address},{}:{pid}", reading::GATEWAY);
    let duration = format!("{}s", bench.options.seconds);
    let descriptor_set = bench.programs.descriptor_set.to_string_lossy();
    let record = lab.block_of(
        &target,
        ["--call", CALL],
        &[
            ["--descriptor-set", &descriptor_set],
            ["--connections", CONNECTIONS],
            ["--users", CALLS],
            ["--warm-up", "1s"],
            ["--duration", &duration],
        ],
    )?;
    let block = record.block()?;
    ensure!(block.failures.total == 0, "calls failed");
    let cost = block.us_a_request(reading::GATEWAY);
    cost.context("its processor time is not known")
}

/// A bare hop, killed when dropped.
struct Hop {
    address: SocketAddr,
    process: Child,
}

impl Hop {
    /// Returns when it listens.
    fn start(program: &Path, server: &str) -> anyhow::Result<Hop> {
        let address = free_address()?;
        let process = Command::new(program)
            .args([&address.port().to_string(), server])
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let hop = Hop { address, process };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            ensure!(started.elapsed() < LISTENS_WITHIN, "it does not listen");
            thread::sleep(LOOK_EVERY);
        }
        Ok(hop)
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
