//! One gateway with the two services behind it, as processes: the services can
//! be killed and started again where they were, and what the gateway logs can
//! be read in full. [`crate::Whole`] has both gateways but keeps no logs.

use std::{
    ffi::OsString,
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process,
    sync::atomic::{AtomicU16, Ordering},
};

use contract::Role;
use serde_json::Value;
use system::{Launch, Output, upstream_flags};
use tempfile::TempDir;

use crate::{IN_TIME, Process};

/// Where the ports of services are looked for: below the range from which most
/// systems take the local ends of connections, so that a service that is gone
/// finds its port free when it comes back.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// A gateway and its services, running. Dropping it kills them.
#[derive(Debug)]
pub struct Chain {
    /// The gateway.
    pub gateway: Process,
    /// Service A or A-REST.
    pub a: Process,
    /// Service B or B-REST.
    pub b: Process,
    launches: [Launch; 2],
    logs: TempDir,
}

/// The two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// A or A-REST.
    A,
    /// B or B-REST.
    B,
}

impl Chain {
    /// Starts gateway P, or P-REST, with these further arguments, and the
    /// services it needs. The access log is JSON.
    #[track_caller]
    pub fn start(executable: impl AsRef<Path>, gateway: Role, args: &[&str]) -> Chain {
        Chain::wired(executable.as_ref(), gateway, args, |a, b| {
            upstream_flags(gateway, a, b)
        })
    }

    /// The same with a gateway P that serves what the services describe of
    /// themselves, and not the published routes.
    #[track_caller]
    pub fn reflecting(executable: impl AsRef<Path>, args: &[&str]) -> Chain {
        Chain::wired(executable.as_ref(), Role::Gateway, args, |a, b| {
            vec!["--upstream".into(), format!("{a},{b}").into()]
        })
    }

    #[track_caller]
    fn wired(
        executable: &Path,
        gateway: Role,
        args: &[&str],
        upstreams: impl Fn(SocketAddr, SocketAddr) -> Vec<OsString>,
    ) -> Chain {
        let logs = tempfile::tempdir().expect("a folder for logs");
        let services = gateway.services().expect("a gateway's role");
        let launches = services.map(|role| Launch {
            port: low_port(),
            ..launch(executable, role, logs.path())
        });
        let [a, b] = launches.each_ref().map(started);
        let mut wired = upstreams(a.address(), b.address());
        wired.extend(["--access-log", "json"].map(Into::into));
        wired.extend(args.iter().map(Into::into));
        let gateway = started(&Launch {
            args: wired,
            ..launch(executable, gateway, logs.path())
        });
        Chain {
            gateway,
            a,
            b,
            launches,
            logs,
        }
    }

    /// Where clients reach the gateway.
    pub fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// One of the services.
    pub fn service(&mut self, service: Service) -> &mut Process {
        match service {
            Service::A => &mut self.a,
            Service::B => &mut self.b,
        }
    }

    /// Starts a service again on its port and returns the process that was
    /// there before, which may still be on its way out.
    #[track_caller]
    pub fn start_again(&mut self, service: Service) -> Process {
        let started = started(&self.launches[service as usize]);
        std::mem::replace(self.service(service), started)
    }

    /// The lines of the gateway's operational log so far.
    pub fn operational_log(&self) -> Vec<String> {
        self.log("err")
    }

    /// The lines of the gateway's access log so far.
    pub fn access_log(&self) -> Vec<Value> {
        let lines = self.log("out").into_iter();
        lines
            .filter_map(|line| serde_json::from_str(&line).ok())
            .collect()
    }

    fn log(&self, kind: &str) -> Vec<String> {
        let suffix = format!(".{kind}.log");
        let files = fs::read_dir(self.logs.path()).expect("the folder of logs");
        let gateway = files
            .flatten()
            .map(|file| file.path())
            .find(|path| is_of_gateway(path, &suffix));
        let text = gateway.map(fs::read_to_string).transpose();
        let text = text.expect("a log of text").unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

fn is_of_gateway(path: &Path, suffix: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with("gateway") && name.ends_with(suffix))
}

fn launch(executable: &Path, role: Role, logs: &Path) -> Launch {
    Launch {
        stdout: Output::Folder(logs.to_owned()),
        stderr: Output::Folder(logs.to_owned()),
        ready_within: IN_TIME,
        ..Launch::new(executable, role)
    }
}

#[track_caller]
fn started(launch: &Launch) -> Process {
    match Process::launch(launch) {
        Ok(process) => process,
        Err(error) => panic!("{error}"),
    }
}

/// A port that nobody listens on now and that no outgoing connection takes;
/// each one is given out once by a test process, and different processes begin
/// at different places.
pub fn low_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let range = PORTS.end - PORTS.start;
    #[allow(clippy::cast_possible_truncation)] // Only to begin somewhere.
    let first = (process::id() as u16).wrapping_mul(97);
    (0..range)
        .map(|_| {
            let offset = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
            PORTS.start + offset % range
        })
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one of ten thousand ports is free")
}
