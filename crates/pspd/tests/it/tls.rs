//! TLS and mutual TLS between real processes, with clients that were written elsewhere:
//! curl, grpcio, Python's `ssl` and `websockets`.

mod refused;
mod rotation;
mod seen;
mod whole;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use contract::Role;
use system::mutual::{Certificates, Front, Making};
use tempfile::TempDir;
use testkit::{Process, Tool, need, until};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// Certificates of one authority, in a folder.
struct Made {
    folder: TempDir,
    certificates: Certificates,
}

impl Made {
    fn new() -> Made {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Certificates::make(folder.path(), &Making::default());
        let (certificates, _) = made.expect("certificates");
        Made {
            folder,
            certificates,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn arguments(&self, role: Role) -> Vec<String> {
        let arguments = self.certificates.arguments(role, Front::Open).into_iter();
        arguments
            .map(|argument| argument.into_string().expect("plain paths"))
            .collect()
    }

    /// A role that uses them, with these further arguments.
    #[track_caller]
    fn start(&self, role: Role, more: &[&str]) -> Process {
        let arguments = self.arguments(role);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Process::start(PSPD, role, &[&arguments, more].concat())
    }

    /// A service's own address, by a name that its certificate has.
    fn url(&self, process: &Process, path: &str) -> String {
        format!("https://localhost:{}{path}", process.address().port())
    }

    /// curl, which trusts the authority and shows the certificate of `who`.
    fn curl(&self, curl: &Path, who: Option<&str>, args: &[&str]) -> Asked {
        let mut command = Command::new(curl);
        command.args(["--silent", "--show-error", "--noproxy", "*", "--cacert"]);
        command.arg(self.certificates.authority());
        if let Some(who) = who {
            let [cert, key] = self.certificates.pair(who);
            command.arg("--cert").arg(cert).arg("--key").arg(key);
        }
        let output = command.args(args).output().expect("curl runs");
        Asked {
            ok: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// What became of a request.
struct Asked {
    ok: bool,
    out: String,
    err: String,
}

fn curl() -> Option<PathBuf> {
    need(Tool::Curl)
}

/// Waits for a line of the operational log that has all of these.
#[track_caller]
fn logged(process: &Process, parts: &[&str]) -> String {
    until(&format!("a log line with {parts:?}"), || {
        let lines = process.last_lines().into_iter();
        let mut lines = lines.filter(|line| parts.iter().all(|part| line.contains(part)));
        lines.next()
    })
}
