//! Together with the original system: its gateways in front of our services,
//! our gateways in front of its services, and its load scripts, unchanged.

use std::{
    env,
    net::SocketAddr,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use contract::Role;
use serde_json::Value;
use testkit::{Namespace, Process, Program, Tool, low_port, need, run, until};

use crate::golden;

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

#[test]
fn its_grpc_gateway_in_front_of_our_services() {
    let Some(original) = Original::find() else {
        return;
    };
    let a = Process::start(PSPD, Role::A, &[]);
    let b = Process::start(PSPD, Role::B, &[]);
    let gateway = original.node(
        "gateway_p_node/server.js",
        &[
            ("A_ADDR", a.address().to_string()),
            ("B_ADDR", b.address().to_string()),
        ],
    );
    golden::check(Role::Gateway, gateway.address);
}

#[test]
fn its_rest_gateway_in_front_of_our_services() {
    let Some(original) = Original::find() else {
        return;
    };
    let a = Process::start(PSPD, Role::ARest, &[]);
    let b = Process::start(PSPD, Role::BRest, &[]);
    let gateway = original.node(
        "gateway_p_rest_node/server.js",
        &[
            ("A_REST", format!("http://{}", a.address())),
            ("B_REST", format!("http://{}", b.address())),
        ],
    );
    golden::check(Role::GatewayRest, gateway.address);
}

#[test]
fn our_grpc_gateway_in_front_of_its_services() {
    let Some(original) = Original::find() else {
        return;
    };
    let a = original.grpc_service("services/a_py/server.py");
    let b = original.grpc_service("services/b_py/server.py");
    let (a, b) = (a.address.to_string(), b.address.to_string());
    let gateway = Process::start(PSPD, Role::Gateway, &["--a-addr", &a, "--b-addr", &b]);
    golden::check(Role::Gateway, gateway.address());
}

#[test]
fn our_rest_gateway_in_front_of_its_services() {
    let Some(original) = Original::find() else {
        return;
    };
    let a = original.rest_service("services/a_rest");
    let b = original.rest_service("services/b_rest");
    let a_rest = format!("http://{}", a.address);
    let b_rest = format!("http://{}", b.address);
    let services = ["--a-rest", &a_rest, "--b-rest", &b_rest];
    let gateway = Process::start(PSPD, Role::GatewayRest, &services);
    golden::check(Role::GatewayRest, gateway.address());
}

/// On the published ports, which a network namespace of the test's own has
/// for itself. Only the length of the run is shortened, on k6's command line.
#[test]
fn its_load_scripts_find_no_failure() {
    let (Some(original), Some(k6), Some(_)) = (
        Original::find(),
        need(Tool::K6),
        need(Tool::NetworkNamespaces),
    ) else {
        return;
    };
    let namespace = Namespace::make();
    let up = Program::spawn(namespace.command(PSPD).arg("up"));
    until("the table of addresses", || {
        up.out().contains("8081").then_some(())
    });
    let folder = tempfile::tempdir().expect("a folder for summaries");
    for script in ["load_grpc_http.js", "load_rest_http.js"] {
        let summary = folder.path().join(script).with_extension("json");
        run(namespace
            .command(&k6)
            .args(["run", "--quiet", "--no-usage-report", "--duration", "5s"])
            .arg("--summary-export")
            .arg(&summary)
            .arg(original.sources.join("load").join(script)));
        let summary = std::fs::read(&summary).expect("k6 wrote a summary");
        let summary: Value = serde_json::from_slice(&summary).expect("JSON");
        let metrics = &summary["metrics"];
        assert_eq!(metrics["http_req_failed"]["value"], 0, "{script}");
        let iterations = metrics["iterations"]["count"].as_u64();
        assert!(iterations > Some(0), "{script}: {iterations:?} iterations");
    }
    up.signal("INT");
    assert_eq!(up.finish().code(), Some(0));
}

/// The original system with its packages installed.
struct Original {
    sources: PathBuf,
    installed: PathBuf,
}

impl Original {
    #[track_caller]
    fn find() -> Option<Original> {
        static SET_UP: OnceLock<()> = OnceLock::new();
        let sources = need(Tool::Original)?;
        let installed = env::var_os("ORIGINAL_DIR")
            .map_or_else(|| env::temp_dir().join("pspd-original"), PathBuf::from);
        // Its own script installs what it needs at its first use; asked for a
        // part that does not exist it starts nothing.
        SET_UP.get_or_init(|| {
            run(Command::new("bash")
                .arg(sources.join("start.sh"))
                .arg("nothing")
                .env("ORIGINAL_DIR", &installed));
        });
        Some(Original { sources, installed })
    }

    fn node(&self, server: &str, variables: &[(&str, String)]) -> Peer {
        let mut node = Command::new("node");
        node.arg(server).envs(variables.iter().cloned());
        self.start(node)
    }

    fn grpc_service(&self, server: &str) -> Peer {
        let mut python = Command::new(self.python());
        let path = [self.installed.clone(), self.installed.join("proto")];
        python
            .arg(server)
            .env("PYTHONPATH", env::join_paths(path).expect("plain paths"));
        self.start(python)
    }

    fn rest_service(&self, folder: &str) -> Peer {
        let port = low_port();
        let mut python = Command::new(self.python());
        python
            .args(["-m", "uvicorn", "main:app", "--port", &port.to_string()])
            .env("PYTHONPATH", self.installed.join(folder));
        self.start_on(port, python)
    }

    fn python(&self) -> PathBuf {
        Path::new(&self.installed).join("venv/bin/python")
    }

    fn start(&self, command: Command) -> Peer {
        self.start_on(low_port(), command)
    }

    fn start_on(&self, port: u16, mut command: Command) -> Peer {
        let child = command
            .current_dir(&self.installed)
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let peer = Peer { child, address };
        until("a part of the original listens", || {
            TcpStream::connect(address).ok()
        });
        peer
    }
}

/// A part of the original, running; killed when dropped.
struct Peer {
    child: Child,
    address: SocketAddr,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself; the test has failed then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
