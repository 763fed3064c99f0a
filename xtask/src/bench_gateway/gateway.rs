//! One process of a gateway, from its start to its end. It is killed when dropped:
//! a stop with grace is not what is measured.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::{
    backend::Backend,
    contestant::{Contestant, Programs},
    http,
    scenario::Routes,
};

const START_WITHIN: Duration = Duration::from_secs(20);
/// How exactly it is known when a gateway answered.
const ASK_EVERY: Duration = Duration::from_micros(100);

pub(super) struct Gateway {
    contestant: Contestant,
    pub(super) address: SocketAddr,
    process: Child,
    started: Instant,
}

impl Gateway {
    /// Returns at once; whether it answers is for [`Gateway::answered`] to say.
    pub(super) fn start(
        contestant: Contestant,
        routes: Routes,
        programs: &Programs,
        backend: &Backend,
        folder: &Path,
    ) -> anyhow::Result<Gateway> {
        let address = free_address()?;
        let mut command = programs.command(contestant, routes, address.port(), backend, folder)?;
        let started = Instant::now();
        let process = command
            .spawn()
            .with_context(|| format!("cannot start {contestant}"))?;
        Ok(Gateway {
            contestant,
            address,
            process,
            started,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks until the answer has status 200, and says how long after its start that
    /// was.
    pub(super) fn answered(&mut self, path: &str) -> anyhow::Result<Duration> {
        loop {
            let answer = http::get(self.address, path, None);
            let after = self.started.elapsed();
            match answer {
                Ok(answer) if answer.status == 200 => return Ok(after),
                answer if after > START_WITHIN => {
                    let contestant = self.contestant;
                    let last = answer.map(|answer| answer.status);
                    bail!("{contestant} did not answer {path} within {START_WITHIN:?}: {last:?}");
                }
                _ => {}
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("{} ended before it answered ({status})", self.contestant);
            }
            thread::sleep(ASK_EVERY);
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Somebody else may take it before the gateway does, which then does not start.
pub(super) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok(listener.local_addr()?)
}
