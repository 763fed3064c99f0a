//! SIGHUP, where there is one: an operator wants the configuration read anew.

use std::io;

/// Hang-ups from the moment this exists; the process no longer ends at one.
pub(super) struct HangUps {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl HangUps {
    /// Must be called on a runtime.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(HangUps {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    #[cfg_attr(not(unix), allow(clippy::needless_pass_by_ref_mut))]
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}
