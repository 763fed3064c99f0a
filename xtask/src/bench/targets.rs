//! What the load is put on: roles of `pspd serve` on free ports of this machine,
//! stopped when dropped.

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
const CONNECTIONS_MAX: &str = "12000";

/// A system that answers at `url`.
pub(super) struct Target {
    pub(super) url: String,
    // Dropped in this order: who calls goes before who is called.
    _roles: Vec<Role>,
}

impl Target {
    /// A-REST alone: as little work for each request as there is.
    pub(super) fn greeting(pspd: &Path, folder: &Path) -> anyhow::Result<Target> {
        let (role, url) = Role::start(pspd, folder, "a-rest", &[])?;
        Ok(Target {
            url,
            _roles: vec![role],
        })
    }

    /// The REST chain: its answers take the time that the request asks for.
    pub(super) fn rest_chain(pspd: &Path, folder: &Path) -> anyhow::Result<Target> {
        let (a, a_url) = Role::start(pspd, folder, "a-rest", &[])?;
        let (b, b_url) = Role::start(pspd, folder, "b-rest", &[])?;
        let upstream = [
            "--a-rest",
            &a_url,
            "--b-rest",
            &b_url,
            "--access-log",
            "off",
        ];
        let (gateway, url) = Role::start(pspd, folder, "gateway-rest", &upstream)?;
        Ok(Target {
            url,
            _roles: vec![gateway, a, b],
        })
    }
}

/// One process of `pspd serve`.
struct Role {
    process: Child,
}

/// What a role writes once it listens; there is more in it.
#[derive(Deserialize)]
struct Ready {
    address: SocketAddr,
}

impl Role {
    /// Returns when it listens, with its URL.
    fn start(
        pspd: &Path,
        folder: &Path,
        name: &str,
        more: &[&str],
    ) -> anyhow::Result<(Role, String)> {
        let ready_file = folder.join(format!("{name}.ready.json"));
        if ready_file.exists() {
            fs::remove_file(&ready_file)?;
        }
        let process = Command::new(pspd)
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
        let mut role = Role { process };
        let text = role
            .wait_for(&ready_file)
            .with_context(|| format!("role {name}"))?;
        let ready: Ready = serde_json::from_str(&text).context("its ready file")?;
        Ok((role, format!("http://{}", ready.address)))
    }

    /// The file's text; a role renames it into place, so it is there as a whole.
    fn wait_for(&mut self, ready_file: &Path) -> anyhow::Result<String> {
        let started = Instant::now();
        loop {
            if let Ok(text) = fs::read_to_string(ready_file) {
                return Ok(text);
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("it ended before it listened ({status})");
            }
            if started.elapsed() > START_WITHIN {
                bail!("it did not listen within {START_WITHIN:?}");
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Role {
    /// The end of its standard input tells it to stop.
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let started = Instant::now();
        while started.elapsed() < STOP_WITHIN {
            match self.process.try_wait() {
                Ok(None) => thread::sleep(LOOK_EVERY),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
