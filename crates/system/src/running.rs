//! A role that runs: where it listens, what it last said, and its end.
//!
//! The process belongs to a task (the keeper) that waits for it, so that its
//! end is noticed at once and by everyone who asks. Dropping the [`Running`]
//! tells the keeper to kill; a runtime that is dropped kills as well.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::ExitStatus,
    time::Duration,
};

use contract::Role;
use tokio::{
    process::{Child, ChildStdin},
    sync::{oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

use crate::{logs::Tail, ready::Ready};

/// How long the end of a process waits for the rest of its output, which a
/// grandchild could hold open for ever.
const LAST_OUTPUT_WITHIN: Duration = Duration::from_secs(1);

/// How the wish that a role stops was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It ended by itself, before or after it was asked to.
    Ended(ExitStatus),
    /// It was still there at the deadline and was killed.
    Killed(ExitStatus),
}

/// A role's process. Dropping it kills the process.
#[derive(Debug)]
pub struct Running {
    role: Role,
    pid: u32,
    address: SocketAddr,
    admin_address: SocketAddr,
    /// Closing it asks the role to stop, on every platform.
    stdin: Option<ChildStdin>,
    kill: Option<oneshot::Sender<()>>,
    end: watch::Receiver<Option<ExitStatus>>,
    tail: Tail,
}

impl Running {
    pub(crate) fn new(role: Role, tail: Tail, mut keeper: Keeper) -> Running {
        let pid = keeper.child.id().unwrap_or_default();
        let stdin = keeper.child.stdin.take();
        let (kill, killed) = oneshot::channel();
        let (ended, end) = watch::channel(None);
        tokio::spawn(keeper.run(killed, ended));
        let unknown = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Running {
            role,
            pid,
            address: unknown,
            admin_address: unknown,
            stdin,
            kill: Some(kill),
            end,
            tail,
        }
    }

    pub(crate) fn listens(&mut self, ready: &Ready) {
        self.pid = ready.pid;
        self.address = ready.address;
        self.admin_address = ready.admin;
    }

    /// What runs.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The process id, as the role itself reported it.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where its own protocol is reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its administration endpoint is reached.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The last lines of its operational log, oldest first.
    pub fn last_lines(&self) -> Vec<String> {
        self.tail.lines()
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&self) -> Option<ExitStatus> {
        *self.end.borrow()
    }

    /// Waits for its end, whatever the cause. May be called any number of
    /// times, and be dropped, without harm.
    pub async fn wait(&self) -> ExitStatus {
        wait_for_end(self.end.clone()).await
    }

    /// The same as [`Running::wait`], without borrowing.
    pub(crate) fn end(&self) -> impl Future<Output = ExitStatus> + use<> {
        wait_for_end(self.end.clone())
    }

    /// Asks it to stop, and does not wait.
    pub fn ask_to_stop(&mut self) {
        self.stdin = None;
    }

    /// Asks it to stop, waits at most so long, then kills it.
    pub async fn stop(&mut self, within: Duration) -> Stopped {
        self.stop_by(Instant::now() + within).await
    }

    pub(crate) async fn stop_by(&mut self, deadline: Instant) -> Stopped {
        self.ask_to_stop();
        match tokio::time::timeout_at(deadline, self.wait()).await {
            Ok(status) => Stopped::Ended(status),
            Err(_) => Stopped::Killed(self.kill().await),
        }
    }

    /// Kills it at once and waits for its end.
    pub async fn kill(&mut self) -> ExitStatus {
        if let Some(kill) = self.kill.take() {
            // A keeper that is gone has seen the end already.
            let _ = kill.send(());
        }
        self.wait().await
    }
}

async fn wait_for_end(mut end: watch::Receiver<Option<ExitStatus>>) -> ExitStatus {
    let ended = end.wait_for(Option::is_some).await.map(|status| *status);
    match ended {
        Ok(status) => status.unwrap_or_default(),
        // The keeper was dropped with its runtime, where no waiting goes on.
        Err(_) => std::future::pending().await,
    }
}

/// Owns the process, waits for its end and publishes it.
pub(crate) struct Keeper {
    pub(crate) child: Child,
    pub(crate) pumps: Vec<JoinHandle<()>>,
}

impl Keeper {
    async fn run(
        mut self,
        killed: oneshot::Receiver<()>,
        ended: watch::Sender<Option<ExitStatus>>,
    ) {
        let status = tokio::select! {
            status = self.child.wait() => status,
            // Sent by `kill`, or dropped together with the `Running`.
            _ = killed => {
                // It may have ended this moment; the wait below knows.
                let _ = self.child.start_kill();
                self.child.wait().await
            }
        };
        let last_output = async {
            for pump in self.pumps {
                let _ = pump.await;
            }
        };
        let _ = tokio::time::timeout(LAST_OUTPUT_WITHIN, last_output).await;
        // Waiting for one's own child fails only when it was reaped elsewhere;
        // its status is then unknown and reported as a plain end.
        ended.send_replace(Some(status.unwrap_or_default()));
    }
}
