//! Methods called by their own paths through gateway P: gRPC passed through, gRPC-Web
//! and Connect, by clients that were written elsewhere, before a service that was, too;
//! and before a scripted one where the test has to see what the gateway does to a call.

pub(crate) mod call;
mod clients;
mod heads;
mod own;
mod plain;
#[cfg(target_os = "linux")]
mod pressure;
mod trouble;

use std::{fs, net::SocketAddr, path::PathBuf};

use contract::Role;
use tempfile::TempDir;
use testkit::{Process, Program, Tool, backend, need, until};

use crate::{clients::script, grpc_peer};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// kinds.v1.Kinds by grpc-js, and a gateway before it.
struct Kinds {
    gateway: Process,
    service: Program,
    node_modules: PathBuf,
    set: PathBuf,
    _folder: TempDir,
}

fn proto() -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rpc");
    PathBuf::from(folder).join("kinds.proto")
}

impl Kinds {
    /// Starts both, where this machine has Node.
    #[track_caller]
    fn start(more: &str, args: &[&str]) -> Option<Kinds> {
        let node_modules = need(Tool::NodeModules)?;
        let proto = proto();
        let variables = [
            ("NODE_MODULES", node_modules.to_str().expect("a plain path")),
            ("PROTO", proto.to_str().expect("a plain path")),
        ];
        let script = script("rpc_service.mjs");
        let script = script.to_str().expect("a plain path");
        let service = Program::start_with("node", &[script], &variables);
        let port = until("the service's port", || {
            let out = service.out();
            let line = out.lines().next()?;
            Some(line.strip_prefix("port ")?.to_owned())
        });
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pspd.toml");
        let text = format!(
            "{more}\n[[gateway.upstreams]]\nname = \"kinds\"\naddress = \"127.0.0.1:{port}\"\n\
             protos = [{proto:?}]\n"
        );
        fs::write(&path, text).expect("written");
        let set = folder.path().join("kinds.bin");
        let pool = backend::compile(std::slice::from_ref(&proto));
        fs::write(&set, pool.encode_to_vec()).expect("written");
        let mut all = vec!["--config", path.to_str().expect("a plain path")];
        all.extend(args);
        Some(Kinds {
            gateway: Process::start(PSPD, Role::Gateway, &all),
            service,
            node_modules,
            set,
            _folder: folder,
        })
    }

    fn url(&self) -> String {
        format!("http://{}", self.gateway.address())
    }

    /// Waits until the service has said this line.
    #[track_caller]
    fn says(&self, line: &str) {
        until(line, || {
            self.service
                .out()
                .lines()
                .any(|said| said == line)
                .then_some(())
        });
    }
}

/// Gateway P with one worker and one connection to each service, in front of a service
/// of the test.
fn before(peer: &grpc_peer::Peer, args: &[&str]) -> Process {
    before_service(peer.address(), args)
}

fn before_service(address: SocketAddr, args: &[&str]) -> Process {
    let address = address.to_string();
    let mut all = vec!["--a-addr", &address, "--b-addr", &address];
    all.extend(["--workers", "1", "--upstream-connections", "1"]);
    all.extend(args);
    Process::start(PSPD, Role::Gateway, &all)
}
