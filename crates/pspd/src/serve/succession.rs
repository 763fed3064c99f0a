//! How a role comes to its ports where `--handover` names a place for that, and gives them
//! on. In: what [`handover`](super::handover) receives; out: ports to serve, and, once the
//! role is ready, the end of the process that had them. Elsewhere than on Linux there is no
//! such place, and the setting is refused.

use std::net::TcpListener;

use anyhow::Result;
use contract::Role;
use server::{Stop, admin::Probe};

use crate::{config::Common, exit::Usage};

#[cfg(target_os = "linux")]
pub(super) use linux::Succession;

/// Elsewhere there is none.
#[cfg(not(target_os = "linux"))]
pub(super) struct Succession;

#[cfg(not(target_os = "linux"))]
impl Succession {
    pub(super) fn of(_: Role, common: &Common) -> Result<Self> {
        match common.succession.handover {
            None => Ok(Succession),
            Some(_) => Err(Usage::new("--handover is for Linux; leave it out").into()),
        }
    }

    pub(super) fn received(&self) -> Result<Option<(TcpListener, TcpListener)>> {
        Ok(None)
    }

    pub(super) async fn happen(self, _: [&TcpListener; 2], _: &Probe, _: &Stop) -> Result<()> {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{path::PathBuf, time::Duration};

    use anyhow::bail;
    use server::admin::Readiness;
    use tokio::time::{Instant, sleep};

    use super::{
        super::handover::{self, Offer, Ports, Received},
        *,
    };

    /// How long a role may take to be ready, after which its predecessor goes on.
    const READY_WITHIN: Duration = Duration::from_secs(30);
    const LOOK_EVERY: Duration = Duration::from_millis(100);

    /// A role's place in the line, if it has one.
    pub(in super::super) struct Succession {
        role: Role,
        path: Option<PathBuf>,
        received: Option<Received>,
    }

    impl Succession {
        /// Asks the process that runs, if any, for its ports.
        pub(in super::super) fn of(role: Role, common: &Common) -> Result<Self> {
            let path = common.succession.handover.clone();
            let received = match &path {
                Some(path) => handover::ask(path, role)?,
                None => None,
            };
            if let Some(received) = &received {
                let ports = &received.ports;
                check("--port", &ports.listener, common.port)?;
                check("--admin-port", &ports.admin, common.admin_port)?;
            }
            Ok(Succession {
                role,
                path,
                received,
            })
        }

        /// The ports that were handed over.
        pub(in super::super) fn received(&self) -> Result<Option<(TcpListener, TcpListener)>> {
            let Some(Received { ports, .. }) = &self.received else {
                return Ok(None);
            };
            Ok(Some((
                ports.listener.try_clone()?,
                ports.admin.try_clone()?,
            )))
        }

        /// Ends the process that had the ports once `probe` says that the role is ready,
        /// and offers them to the next.
        pub(in super::super) async fn happen(
            self,
            [listener, admin]: [&TcpListener; 2],
            probe: &Probe,
            stop: &Stop,
        ) -> Result<()> {
            let Some(path) = &self.path else {
                return Ok(());
            };
            let ports = Ports {
                listener: listener.try_clone()?,
                admin: admin.try_clone()?,
            };
            // What may fail comes before what cannot be undone.
            let offer = Offer::at(path, self.role, ports)?;
            if let Some(received) = self.received {
                until_ready(probe).await?;
                tokio::task::spawn_blocking(|| received.take_over()).await??;
                tracing::info!(role = self.role.name(), "took the ports over");
            }
            offer.open();
            tokio::spawn(offer.stand(stop.clone()));
            Ok(())
        }
    }

    fn check(key: &str, received: &TcpListener, wanted: u16) -> Result<()> {
        let port = received.local_addr()?.port();
        if wanted != 0 && wanted != port {
            let message = format!(
                "{key} = {wanted}: the process that runs listens on port {port}; give the same, \
                 or stop it first"
            );
            return Err(Usage::new(message).into());
        }
        Ok(())
    }

    async fn until_ready(probe: &Probe) -> Result<()> {
        let give_up = Instant::now() + READY_WITHIN;
        loop {
            let Readiness { ready, checks } = probe().await;
            if ready {
                return Ok(());
            }
            if Instant::now() >= give_up {
                let wrong = checks.iter().find_map(|check| {
                    let problem = check.problem.as_ref()?;
                    Some(format!("{}: {problem}", check.name))
                });
                bail!(
                    "not ready within {READY_WITHIN:?} ({}); the process that runs goes on",
                    wrong.unwrap_or_default()
                );
            }
            sleep(LOOK_EVERY).await;
        }
    }
}
