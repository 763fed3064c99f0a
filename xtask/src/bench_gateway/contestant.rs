//! The gateways that are compared, and how each is started: with one HTTP/2
//! connection a worker to each service, an access log that goes to the null device,
//! and limits that no scenario reaches.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use super::{backend::Backend, envoy, ours, scenario::Routes};
use crate::{machine::said_by, measuring::role::CONNECTIONS_MAX};

/// Envoy opens one, unless that is full; so ours gets one as well.
const UPSTREAM_CONNECTIONS: &str = "1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contestant {
    Ours(Workers),
    Envoy(Workers),
    /// The Node gateway that ours takes the place of; it has one thread.
    Original,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workers {
    One,
    /// One a processor.
    All,
}

/// What the others are compared with.
pub(super) const BASE: Contestant = Contestant::Envoy(Workers::One);

impl Contestant {
    pub(super) fn is_ours(self) -> bool {
        matches!(self, Contestant::Ours(_))
    }

    /// The two of whom one is the base go first, next to each other. On a machine
    /// with one processor one worker is all there is.
    pub(super) fn all(processors: usize, original: bool) -> Vec<Contestant> {
        let mut all = vec![Contestant::Ours(Workers::One), BASE];
        if processors > 1 {
            all.extend([
                Contestant::Ours(Workers::All),
                Contestant::Envoy(Workers::All),
            ]);
        }
        if original {
            all.push(Contestant::Original);
        }
        all
    }
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Contestant::Ours(Workers::One) => "pspd, 1 worker",
            Contestant::Ours(Workers::All) => "pspd, all workers",
            Contestant::Envoy(Workers::One) => "Envoy, 1 worker",
            Contestant::Envoy(Workers::All) => "Envoy, all workers",
            Contestant::Original => "original (Node)",
        })
    }
}

/// Where the programs are.
pub(super) struct Programs {
    pub(super) pspd: PathBuf,
    pub(super) envoy: PathBuf,
    /// Of Envoy's routes.
    pub(super) descriptor_set: PathBuf,
    pub(super) original: Option<Original>,
}

/// The original gateway, its packages installed.
pub(super) struct Original {
    pub(super) node: PathBuf,
    pub(super) server_js: PathBuf,
}

impl Programs {
    /// The command that starts a gateway on `port` of 127.0.0.1. Files for it go
    /// into `folder`.
    pub(super) fn command(
        &self,
        contestant: Contestant,
        routes: Routes,
        port: u16,
        backend: &Backend,
        folder: &Path,
    ) -> anyhow::Result<Command> {
        let mut command = match contestant {
            Contestant::Ours(workers) => {
                let mut command = self.pspd(workers, port);
                match routes {
                    Routes::Published => command
                        .args(["--a-addr", &backend.a_address()])
                        .args(["--b-addr", &backend.b_address()]),
                    Routes::Annotated => {
                        let file = ours::configuration(folder, &self.descriptor_set, backend)?;
                        command.arg("--config").arg(file)
                    }
                };
                command
            }
            Contestant::Envoy(workers) => {
                let file = envoy::configuration(folder, &self.descriptor_set, port, backend)?;
                self.envoy(workers, &file)
            }
            Contestant::Original => self.original(port, backend)?,
        };
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Ok(command)
    }

    fn pspd(&self, workers: Workers, port: u16) -> Command {
        let workers = match workers {
            Workers::One => "1",
            Workers::All => "auto",
        };
        let mut command = Command::new(&self.pspd);
        command
            .args(["serve", "gateway", "--host", "127.0.0.1"])
            .args(["--port", &port.to_string(), "--admin-port", "0"])
            .args([
                "--log",
                "error",
                "--access-log",
                "json",
                "--stop-with-stdin",
            ])
            .args(["--connections-max", CONNECTIONS_MAX, "--workers", workers])
            .args(["--upstream-connections", UPSTREAM_CONNECTIONS]);
        command
    }

    fn envoy(&self, workers: Workers, configuration: &Path) -> Command {
        let workers = match workers {
            Workers::One => 1,
            Workers::All => processors(),
        };
        let mut command = Command::new(&self.envoy);
        command
            .args(["--log-level", "error", "--disable-hot-restart"])
            .args(["--concurrency", &workers.to_string()])
            .arg("--config-path")
            .arg(configuration);
        command
    }

    fn original(&self, port: u16, backend: &Backend) -> anyhow::Result<Command> {
        let Some(original) = &self.original else {
            anyhow::bail!("the original gateway was not given; name its folder with --original");
        };
        let mut command = Command::new(&original.node);
        command
            .arg(&original.server_js)
            .env("PORT", port.to_string())
            .env("A_ADDR", backend.a_address())
            .env("B_ADDR", backend.b_address());
        Ok(command)
    }

    /// Of all programs, one an entry.
    pub(super) fn versions(&self) -> anyhow::Result<Vec<String>> {
        let version = |program: &Path| said_by(Command::new(program).arg("--version"));
        let envoy = version(&self.envoy)?;
        let envoy = envoy
            .split_once("version:")
            .map_or("unknown", |(_, rest)| rest);
        let mut all = vec![
            version(&self.pspd)?.trim().to_owned(),
            format!("Envoy {}", envoy.trim()),
        ];
        if let Some(original) = &self.original {
            all.push(format!("Node {}", version(&original.node)?.trim()));
        }
        Ok(all)
    }
}

pub(super) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_part_depends_on_the_machine() {
        let names = |processors, original| -> Vec<String> {
            let all = Contestant::all(processors, original);
            all.iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(1, false), ["pspd, 1 worker", "Envoy, 1 worker"]);
        assert_eq!(
            names(2, true),
            [
                "pspd, 1 worker",
                "Envoy, 1 worker",
                "pspd, all workers",
                "Envoy, all workers",
                "original (Node)"
            ]
        );
    }
}
