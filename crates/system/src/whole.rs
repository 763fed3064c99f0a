//! All six roles as one: services first, then the gateways wired to them;
//! stopped in the opposite order. Either all run or none does.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    future::poll_fn,
    net::{IpAddr, Ipv4Addr},
    panic::resume_unwind,
    path::PathBuf,
    pin::Pin,
    process::ExitStatus,
    task::Poll,
    time::Duration,
};

use contract::Role;
use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};

use crate::{Error, Launch, Output, Running, Scheme, Stopped, upstream_flags_over};

/// The services that the gateways call.
const SERVICES: [Role; 4] = [Role::A, Role::B, Role::ARest, Role::BRest];
/// The roles that call services.
const GATEWAYS: [Role; 2] = [Role::Gateway, Role::GatewayRest];
/// For roles that came up when another one did not.
const STOP_AFTER_FAILURE_WITHIN: Duration = Duration::from_secs(5);

/// How to start all roles.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `pspd` executable.
    pub executable: PathBuf,
    /// The address to listen on.
    pub host: IpAddr,
    /// The roles' own ports; a role that is absent takes a free one.
    pub ports: BTreeMap<Role, u16>,
    /// The ports of their administration endpoints, likewise.
    pub admin_ports: BTreeMap<Role, u16>,
    /// How the gateways call the services; for TLS, each role needs the arguments of
    /// [`mutual::Certificates`](crate::mutual::Certificates) besides.
    pub scheme: Scheme,
    /// Further arguments of single roles.
    pub args: BTreeMap<Role, Vec<OsString>>,
    /// Where the access logs go.
    pub stdout: Output,
    /// Where the operational logs go.
    pub stderr: Output,
    /// How long each role may take until it listens.
    pub ready_within: Duration,
}

impl Options {
    /// Free ports of loopback, output discarded, each role ready within 10 s.
    pub fn new(executable: impl Into<PathBuf>) -> Options {
        Options {
            executable: executable.into(),
            host: Ipv4Addr::LOCALHOST.into(),
            ports: BTreeMap::new(),
            admin_ports: BTreeMap::new(),
            scheme: Scheme::Plain,
            args: BTreeMap::new(),
            stdout: Output::Discard,
            stderr: Output::Discard,
            ready_within: Duration::from_secs(10),
        }
    }

    fn launch(&self, role: Role) -> Launch {
        Launch {
            executable: self.executable.clone(),
            role,
            host: self.host,
            port: self.ports.get(&role).copied().unwrap_or(0),
            admin_port: self.admin_ports.get(&role).copied().unwrap_or(0),
            args: self.args.get(&role).cloned().unwrap_or_default(),
            stdout: self.stdout.clone(),
            stderr: self.stderr.clone(),
            ready_within: self.ready_within,
        }
    }
}

/// A role that ended without being asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// Which one.
    pub role: Role,
    /// How it ended.
    pub status: ExitStatus,
    /// The end of its operational log, oldest first.
    pub last_lines: Vec<String>,
}

/// The six roles, running. Dropping it kills them.
#[derive(Debug)]
pub struct System {
    scheme: Scheme,
    /// One for every role, in the order of [`Role::ALL`].
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    launch: Launch,
    running: Running,
    /// Its end is known or wanted, and is no news.
    over: bool,
}

impl System {
    /// Starts all roles and waits until each listens. When one fails, those
    /// that came up are stopped again.
    pub async fn start(options: &Options) -> Result<System, Error> {
        let mut system = System {
            scheme: options.scheme,
            members: Vec::new(),
        };
        match system.start_in_order(options).await {
            Ok(()) => Ok(system),
            Err(error) => {
                system.stop(STOP_AFTER_FAILURE_WITHIN).await;
                Err(error)
            }
        }
    }

    async fn start_in_order(&mut self, options: &Options) -> Result<(), Error> {
        let services = SERVICES.map(|role| options.launch(role));
        self.start_together(services.into()).await?;

        let gateways = GATEWAYS.map(|role| {
            let mut launch = options.launch(role);
            launch.args.splice(0..0, self.upstream_flags(role));
            launch
        });
        self.start_together(gateways.into()).await
    }

    /// Starts these at the same time. At the first failure the starts under
    /// way are given up (which kills them); those done stay in `members`.
    async fn start_together(&mut self, launches: Vec<Launch>) -> Result<(), Error> {
        let mut starts = JoinSet::new();
        for launch in launches {
            starts.spawn(async move {
                let running = launch.start().await?;
                Ok(Member {
                    launch,
                    running,
                    over: false,
                })
            });
        }
        let mut first_failure = None;
        while let Some(started) = starts.join_next().await {
            match started.map_err(JoinError::try_into_panic) {
                Ok(Ok(member)) => self.members.push(member),
                Ok(Err(failure)) => {
                    starts.abort_all();
                    first_failure.get_or_insert(failure);
                }
                Err(Ok(panic)) => resume_unwind(panic),
                Err(Err(_given_up)) => {}
            }
        }
        self.members.sort_by_key(|member| member.launch.role);
        first_failure.map_or(Ok(()), Err)
    }

    /// The arguments that wire a gateway to its running services; none for a
    /// service.
    pub fn upstream_flags(&self, role: Role) -> Vec<OsString> {
        match role.services() {
            Some(services) => {
                let [a, b] = services.map(|service| self.role(service).address());
                upstream_flags_over(self.scheme, role, a, b)
            }
            None => Vec::new(),
        }
    }

    /// One of the roles.
    pub fn role(&self, role: Role) -> &Running {
        &self.members[role as usize].running
    }

    /// All roles, services first.
    pub fn roles(&self) -> impl Iterator<Item = &Running> {
        self.members.iter().map(|member| &member.running)
    }

    /// Kills one role; [`System::died`] does not report it.
    pub async fn kill(&mut self, role: Role) -> ExitStatus {
        let member = &mut self.members[role as usize];
        member.over = true;
        member.running.kill().await
    }

    /// Starts a role again on the same ports and with the same arguments,
    /// after its end; one that still runs is killed first.
    pub async fn start_again(&mut self, role: Role) -> Result<(), Error> {
        self.kill(role).await;
        let member = &mut self.members[role as usize];
        member.launch.port = member.running.address().port();
        member.launch.admin_port = member.running.admin_address().port();
        member.running = member.launch.start().await?;
        member.over = false;
        Ok(())
    }

    /// Waits for a role to end that nobody asked to; each is reported once.
    /// `None` when no role is left to wait for. Dropping the future loses
    /// nothing.
    pub async fn died(&mut self) -> Option<Death> {
        let mut ends: Vec<_> = self
            .members
            .iter()
            .filter(|member| !member.over)
            .map(|member| (member.launch.role, Box::pin(member.running.end())))
            .collect();
        if ends.is_empty() {
            return None;
        }
        let (role, status) = poll_fn(|context| {
            for (role, end) in &mut ends {
                if let Poll::Ready(status) = Pin::as_mut(end).poll(context) {
                    return Poll::Ready((*role, status));
                }
            }
            Poll::Pending
        })
        .await;
        let member = &mut self.members[role as usize];
        member.over = true;
        Some(Death {
            role,
            status,
            last_lines: member.running.last_lines(),
        })
    }

    /// Stops the gateways, then the services, each of the two groups within
    /// the given time, and says how each role ended.
    pub async fn stop(&mut self, within: Duration) -> Vec<(Role, Stopped)> {
        let mut stopped = Vec::new();
        for group in [GATEWAYS.as_slice(), SERVICES.as_slice()] {
            let deadline = Instant::now() + within;
            let mut members: Vec<_> = self
                .members
                .iter_mut()
                .filter(|member| group.contains(&member.launch.role))
                .collect();
            for member in &mut members {
                member.over = true;
                member.running.ask_to_stop();
            }
            for member in members {
                let end = member.running.stop_by(deadline).await;
                stopped.push((member.launch.role, end));
            }
        }
        stopped
    }
}
