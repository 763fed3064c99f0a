//! Starting one role: the command line, its environment, its pipes, and the
//! wait until it listens. Whoever drops the future gives the start up, and the
//! process is killed.

use std::{
    ffi::OsString,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use contract::{PUBLISHED_VARIABLES, Role, VARIABLE_PREFIX};
use tokio::process::{Child, Command};

use crate::{
    Error, Output, Running, Source,
    error::LastLines,
    logs::{Pump, Pumped},
    ready::{self, Ready},
    running::Keeper,
};

/// How to start one role.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The `pspd` executable.
    pub executable: PathBuf,
    /// The role it is to run.
    pub role: Role,
    /// The address to listen on.
    pub host: IpAddr,
    /// The role's own port; 0 takes a free one.
    pub port: u16,
    /// The port of its administration endpoint, on loopback; 0 takes a free one.
    pub admin_port: u16,
    /// Further arguments, such as those of [`upstream_flags`].
    pub args: Vec<OsString>,
    /// Where the access log goes.
    pub stdout: Output,
    /// Where the operational log goes.
    pub stderr: Output,
    /// How long the role may take until it listens.
    pub ready_within: Duration,
}

impl Launch {
    /// A role on free ports of loopback, its output discarded, ready within 10 s.
    pub fn new(executable: impl Into<PathBuf>, role: Role) -> Launch {
        Launch {
            executable: executable.into(),
            role,
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            admin_port: 0,
            args: Vec::new(),
            stdout: Output::Discard,
            stderr: Output::Discard,
            ready_within: Duration::from_secs(10),
        }
    }

    /// Starts the role and waits until it listens. Must be called within a
    /// Tokio runtime, which has to live as long as the role: it reads the
    /// role's output.
    pub async fn start(&self) -> Result<Running, Error> {
        let folder = tempfile::Builder::new()
            .prefix("pspd-ready-")
            .tempdir()
            .map_err(|reason| self.cannot_prepare("a temporary folder", reason))?;
        let ready_file = folder.path().join("ready.json");
        let mut running = self.spawn(&ready_file)?;

        let text = tokio::select! {
            biased;
            text = ready::appeared(&ready_file) => text,
            status = running.wait() => return Err(Error::Ended {
                role: self.role,
                status,
                last_lines: LastLines(running.last_lines()),
            }),
            () = tokio::time::sleep(self.ready_within) => {
                running.kill().await;
                return Err(Error::NotReady {
                    role: self.role,
                    within: self.ready_within,
                    last_lines: LastLines(running.last_lines()),
                });
            }
        };
        match Ready::parse(&text, self.role.name()) {
            Ok(ready) => {
                running.listens(&ready);
                Ok(running)
            }
            Err(reason) => {
                running.kill().await;
                Err(Error::ReadyFile {
                    role: self.role,
                    reason,
                    text,
                })
            }
        }
    }

    fn spawn(&self, ready_file: &Path) -> Result<Running, Error> {
        let open = |output: &Output, source| {
            output
                .stdio(self.role, source)
                .map_err(|error| self.cannot_prepare("its log file", error))
        };
        let (stdout, pump_stdout) = open(&self.stdout, Source::Out)?;
        let (stderr, pump_stderr) = open(&self.stderr, Source::Err)?;
        let mut child = self
            .command(ready_file)
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .map_err(|reason| Error::Spawn {
                role: self.role,
                executable: self.executable.clone(),
                reason,
            })?;
        let tail = self.stderr.tail(self.role, Source::Err);
        let pumps = self.pump(&mut child, &tail, pump_stdout, pump_stderr);
        Ok(Running::new(self.role, tail, Keeper { child, pumps }))
    }

    fn command(&self, ready_file: &Path) -> Command {
        let mut command = Command::new(&self.executable);
        command
            .arg("serve")
            .arg(self.role.name())
            .args(["--host", &self.host.to_string()])
            .args(["--port", &self.port.to_string()])
            .args(["--admin-host", "127.0.0.1"])
            .args(["--admin-port", &self.admin_port.to_string()])
            .arg("--ready-file")
            .arg(ready_file)
            .arg("--stop-with-stdin")
            .args(&self.args);
        for variable in inherited_settings() {
            command.env_remove(variable);
        }
        // A Ctrl-C on the terminal reaches the parent alone, which stops the
        // roles in order.
        #[cfg(unix)]
        command.process_group(0);
        #[cfg(windows)]
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
        command
    }

    fn pump(
        &self,
        child: &mut Child,
        tail: &crate::logs::Tail,
        stdout: Pumped,
        stderr: Pumped,
    ) -> Vec<tokio::task::JoinHandle<()>> {
        let pump = |source, output: &Output, tail| Pump {
            role: self.role,
            source,
            output: output.clone(),
            tail,
        };
        let mut pumps = Vec::new();
        if let (Pumped::Yes, Some(from)) = (stdout, child.stdout.take()) {
            let unread = self.stdout.tail(self.role, Source::Out);
            let pump = pump(Source::Out, &self.stdout, unread);
            pumps.push(tokio::spawn(pump.run(from)));
        }
        if let (Pumped::Yes, Some(from)) = (stderr, child.stderr.take()) {
            let pump = pump(Source::Err, &self.stderr, tail.clone());
            pumps.push(tokio::spawn(pump.run(from)));
        }
        pumps
    }

    fn cannot_prepare(&self, what: &str, reason: std::io::Error) -> Error {
        Error::Prepare {
            role: self.role,
            what: what.to_owned(),
            reason,
        }
    }
}

/// The variables of this process that a role would read settings from. A parent
/// removes them and decides by arguments: a `PORT` that someone exported must not move all six roles to
/// it, nor a limit change what is measured.
pub fn inherited_settings() -> impl Iterator<Item = OsString> {
    let all = std::env::vars_os().map(|(name, _)| name);
    all.filter(|name| name.to_str().is_some_and(is_setting))
}

fn is_setting(variable: &str) -> bool {
    variable.starts_with(VARIABLE_PREFIX) || PUBLISHED_VARIABLES.contains(&variable)
}

/// `CREATE_NEW_PROCESS_GROUP` of the Windows interface.
#[cfg(windows)]
const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;

/// How a gateway's services are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In plain text.
    Plain,
    /// Over TLS.
    Tls,
}

/// The arguments that wire a gateway to its two services in plain text; none for a service.
pub fn upstream_flags(role: Role, a: SocketAddr, b: SocketAddr) -> Vec<OsString> {
    upstream_flags_over(Scheme::Plain, role, a, b)
}

/// The same where services may be called over TLS.
pub fn upstream_flags_over(
    scheme: Scheme,
    role: Role,
    a: SocketAddr,
    b: SocketAddr,
) -> Vec<OsString> {
    let http = match scheme {
        Scheme::Plain => "http",
        Scheme::Tls => "https",
    };
    let flags = match role {
        Role::Gateway => vec![
            "--a-addr".to_owned(),
            a.to_string(),
            "--b-addr".to_owned(),
            b.to_string(),
        ],
        Role::GatewayRest => vec![
            "--a-rest".to_owned(),
            format!("{http}://{a}"),
            "--b-rest".to_owned(),
            format!("{http}://{b}"),
        ],
        Role::A | Role::B | Role::ARest | Role::BRest => Vec::new(),
    };
    flags.into_iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_says_everything() {
        let launch = Launch {
            args: vec!["--access-log".into(), "off".into()],
            ..Launch::new("pspd", Role::BRest)
        };
        let command = launch.command(Path::new("/ready"));
        let command = command.as_std();
        let args: Vec<_> = command.get_args().filter_map(|arg| arg.to_str()).collect();
        assert_eq!(
            args.join(" "),
            "serve b-rest --host 127.0.0.1 --port 0 --admin-host 127.0.0.1 --admin-port 0 \
             --ready-file /ready --stop-with-stdin --access-log off"
        );
        let kept = command.get_envs().find(|(_, value)| value.is_some());
        assert_eq!(kept, None, "nothing is set");
    }

    #[test]
    fn settings_are_told_from_other_variables() {
        for variable in ["PORT", "A_ADDR", "B_REST", "PSPD_VALUES_MAX", "PSPD_CONFIG"] {
            assert!(is_setting(variable), "{variable}");
        }
        for variable in ["PATH", "HOME", "REPORT", "A_ADDRESS", "pspd_log"] {
            assert!(!is_setting(variable), "{variable}");
        }
    }

    #[test]
    fn only_gateways_have_upstreams() {
        let [a, b] = [1, 2].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        for role in Role::ALL {
            let flags = upstream_flags(role, a, b);
            let wanted = match role {
                Role::Gateway => "--a-addr 127.0.0.1:1 --b-addr 127.0.0.1:2",
                Role::GatewayRest => "--a-rest http://127.0.0.1:1 --b-rest http://127.0.0.1:2",
                _ => "",
            };
            assert_eq!(flags.join(" ".as_ref()), wanted);
        }
    }
}
