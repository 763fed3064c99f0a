//! Roles of the real binary as processes, for tests that block. The path of
//! the binary comes from the test: `env!("CARGO_BIN_EXE_pspd")`.
//!
//! A thread of its own drives the runtime that reads the roles' output and
//! waits for their ends; it lives as long as the test binary. Should that be
//! killed, the roles see the end of their standard input and stop.

use std::{
    net::SocketAddr, path::Path, process::ExitStatus, sync::LazyLock, thread, time::Duration,
};

use contract::Role;
use system::{Death, Error, Launch, Options, Running, Stopped, System};
use tokio::runtime::{Builder, Handle};

use crate::IN_TIME;

static RUNTIME: LazyLock<Handle> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime for the processes");
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("processes".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .expect("a thread for the processes");
    handle
});

/// One role, running. Dropping it kills it.
#[derive(Debug)]
pub struct Process(Running);

impl Process {
    /// Starts a role on free ports of loopback with these further arguments.
    /// Fails the test when the role does not come up.
    #[track_caller]
    pub fn start(executable: impl AsRef<Path>, role: Role, args: &[&str]) -> Process {
        let launch = Launch {
            args: args.iter().map(Into::into).collect(),
            ready_within: IN_TIME,
            ..Launch::new(executable.as_ref(), role)
        };
        match Process::launch(&launch) {
            Ok(process) => process,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts a role exactly so; for tests of what happens when it fails.
    pub fn launch(launch: &Launch) -> Result<Process, Error> {
        RUNTIME.block_on(launch.start()).map(Process)
    }

    /// Where its own protocol is reached.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Where its administration endpoint is reached.
    pub fn admin_address(&self) -> SocketAddr {
        self.0.admin_address()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// The end of its operational log.
    pub fn last_lines(&self) -> Vec<String> {
        self.0.last_lines()
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.0.ended()
    }

    /// Asks it to stop and does not wait.
    pub fn ask_to_stop(&mut self) {
        self.0.ask_to_stop();
    }

    /// Asks it to stop and waits; kills it after the given time.
    pub fn stop(&mut self, within: Duration) -> Stopped {
        RUNTIME.block_on(self.0.stop(within))
    }

    /// Waits for its end. Fails the test when it does not come in time.
    #[track_caller]
    pub fn wait(&self) -> ExitStatus {
        crate::until("the end of a role", || self.0.ended())
    }

    /// Kills it and waits for its end.
    pub fn kill(&mut self) -> ExitStatus {
        RUNTIME.block_on(self.0.kill())
    }
}

/// All six roles on free ports, running. Dropping it kills them.
#[derive(Debug)]
pub struct Whole(System);

impl Whole {
    /// Starts all roles with the settings that [`Options::new`] has.
    /// Fails the test when one does not come up.
    #[track_caller]
    pub fn start(executable: impl AsRef<Path>) -> Whole {
        let options = Options {
            ready_within: IN_TIME,
            ..Options::new(executable.as_ref())
        };
        match Whole::start_with(&options) {
            Ok(whole) => whole,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts all roles exactly so.
    pub fn start_with(options: &Options) -> Result<Whole, Error> {
        RUNTIME.block_on(System::start(options)).map(Whole)
    }

    /// One of the roles.
    pub fn role(&self, role: Role) -> &Running {
        self.0.role(role)
    }

    /// Where a role's own protocol is reached.
    pub fn address(&self, role: Role) -> SocketAddr {
        self.role(role).address()
    }

    /// Kills one role and waits for its end.
    pub fn kill(&mut self, role: Role) -> ExitStatus {
        RUNTIME.block_on(self.0.kill(role))
    }

    /// Starts a role again where it was, killing it first when it still runs.
    #[track_caller]
    pub fn start_again(&mut self, role: Role) {
        if let Err(error) = RUNTIME.block_on(self.0.start_again(role)) {
            panic!("{error}");
        }
    }

    /// A role that has ended by itself and was not reported yet, if there is
    /// one now.
    pub fn death_so_far(&mut self) -> Option<Death> {
        RUNTIME.block_on(async {
            tokio::select! {
                biased;
                death = self.0.died() => death,
                () = std::future::ready(()) => None,
            }
        })
    }

    /// Stops gateways, then services, and says how each ended.
    pub fn stop(&mut self, within: Duration) -> Vec<(Role, Stopped)> {
        RUNTIME.block_on(self.0.stop(within))
    }
}
