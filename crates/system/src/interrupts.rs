//! The wishes of an operator that a program should end: Ctrl-C everywhere, and
//! where they exist SIGTERM and SIGHUP, which a terminal sends when it goes away.

use std::io;

/// Signals received from the moment this exists; the process no longer ends by
/// itself at one.
#[derive(Debug)]
pub struct Interrupts {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Interrupts {
    /// Listens for the signals. Must be called on a runtime.
    ///
    /// # Errors
    ///
    /// When the operating system refuses the handler.
    pub fn listen() -> io::Result<Interrupts> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Interrupts {
            hang_up: Some(signal(SignalKind::hangup())?),
            ..Interrupts::but_for_hang_up()?
        })
    }

    /// The same for programs that SIGHUP asks for something else.
    ///
    /// # Errors
    ///
    /// When the operating system refuses the handler.
    pub fn but_for_hang_up() -> io::Result<Interrupts> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Interrupts {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: None,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hang_up => {}
        }
    }
}

#[cfg(not(unix))]
impl Interrupts {
    /// Ctrl-C is listened for in [`next`](Self::next).
    ///
    /// # Errors
    ///
    /// None on this platform.
    pub fn listen() -> io::Result<Interrupts> {
        Ok(Interrupts {})
    }

    /// The same, where there is no SIGHUP.
    ///
    /// # Errors
    ///
    /// None on this platform.
    pub fn but_for_hang_up() -> io::Result<Interrupts> {
        Ok(Interrupts {})
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Ctrl-C then ends the process in the system's own way.
            std::future::pending().await
        }
    }
}
