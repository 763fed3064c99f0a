//! A role of `pspd serve` on a free port of this machine, stopped when dropped.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde::Deserialize;

/// A role is up after some milliseconds; this is for a machine that is busy.
const START_WITHIN: Duration = Duration::from_secs(20);
const STOP_WITHIN: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// More than any scenario opens.
pub(crate) const CONNECTIONS_MAX: &str = "12000";

/// One process of `pspd serve`, which listens at `address`.
pub(crate) struct Role {
    pub(crate) address: SocketAddr,
    process: Child,
}

/// What a role writes once it listens; there is more in it.
#[derive(Deserialize)]
struct Ready {
    address: SocketAddr,
}

impl Role {
    /// Returns when it listens.
    pub(crate) fn start(
        pspd: &Path,
        folder: &Path,
        name: &str,
        more: &[&str],
    ) -> anyhow::Result<Role> {
        let ready_file = folder.join(format!("{name}.ready.json"));
        if ready_file.exists() {
            fs::remove_file(&ready_file)?;
        }
        let mut process = Command::new(pspd)
            .args(["serve", name, "--host", "127.0.0.1", "--port", "0"])
            .args(["--admin-port", "0", "--log", "warn"])
            .args(["--connections-max", CONNECTIONS_MAX, "--stop-with-stdin"])
            .arg("--ready-file")
            .arg(&ready_file)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}", pspd.display()))?;
        match address(&mut process, &ready_file) {
            Ok(address) => Ok(Role { address, process }),
            Err(error) => {
                stop(&mut process);
                Err(error.context(format!("role {name}")))
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        stop(&mut self.process);
    }
}

/// From the ready file, which a role renames into place, so that it is there as
/// a whole.
fn address(process: &mut Child, ready_file: &Path) -> anyhow::Result<SocketAddr> {
    let started = Instant::now();
    loop {
        if let Ok(text) = fs::read_to_string(ready_file) {
            let ready: Ready = serde_json::from_str(&text).context("its ready file")?;
            return Ok(ready.address);
        }
        if let Some(status) = process.try_wait()? {
            bail!("it ended before it listened ({status})");
        }
        if started.elapsed() > START_WITHIN {
            bail!("it did not listen within {START_WITHIN:?}");
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The end of its standard input tells a role to stop.
fn stop(process: &mut Child) {
    drop(process.stdin.take());
    let started = Instant::now();
    while started.elapsed() < STOP_WITHIN {
        match process.try_wait() {
            Ok(None) => thread::sleep(LOOK_EVERY),
            Ok(Some(_)) | Err(_) => return,
        }
    }
    let _ = process.kill();
    let _ = process.wait();
}
