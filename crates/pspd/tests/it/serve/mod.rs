//! `pspd serve ROLE`: how a role is configured, what it refuses, where it
//! listens and how it stops.

#[cfg(target_os = "linux")]
mod confined;
#[cfg(unix)]
mod hang_up;
mod ports;
mod refusals;
mod settings;
#[cfg(unix)]
mod stop;

use std::{fs, net::SocketAddr, path::PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{Program, until};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// A role that listens, started as an operator would.
struct Served {
    program: Program,
    ready: Value,
    _folder: TempDir,
}

impl Served {
    /// Starts `role` on loopback, with whatever else is given.
    #[track_caller]
    fn start(role: &str, args: &[&str]) -> Served {
        Served::start_with(role, args, &[])
    }

    #[track_caller]
    fn start_with(role: &str, args: &[&str], variables: &[(&str, &str)]) -> Served {
        let folder = tempfile::tempdir().expect("a folder");
        let ready_file = folder.path().join("ready.json");
        let mut all = on_loopback(role);
        all.extend(["--ready-file", ready_file.to_str().expect("a plain path")]);
        all.extend(args);
        let mut program = Program::start_with(PSPD, &all, variables);
        let text = until("the ready file", || {
            let text = fs::read_to_string(&ready_file).ok();
            if text.is_none() {
                assert!(program.runs(), "{all:?} ended: {}", program.err());
            }
            text
        });
        let ready = serde_json::from_str(&text).expect("the ready file is whole JSON");
        Served {
            program,
            ready,
            _folder: folder,
        }
    }

    fn address(&self) -> SocketAddr {
        self.listens("address")
    }

    fn admin_address(&self) -> SocketAddr {
        self.listens("admin")
    }

    fn listens(&self, key: &str) -> SocketAddr {
        let address = self.ready[key].as_str().expect("an address");
        address.parse().expect("an address")
    }
}

/// The beginning of a command line, with a free port for the administration.
fn on_loopback(role: &str) -> Vec<&str> {
    vec!["serve", role, "--host", "127.0.0.1", "--admin-port", "0"]
}

/// A configuration file in a folder of its own.
struct File {
    path: PathBuf,
    _folder: TempDir,
}

impl File {
    fn with(text: &str) -> File {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pspd.toml");
        fs::write(&path, text).expect("written");
        File {
            path,
            _folder: folder,
        }
    }

    fn name(&self) -> &str {
        self.path.to_str().expect("a plain path")
    }
}
