//! The kernel's high-resolution timer as a file descriptor, waited for together
//! with the sockets.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
    time::Duration,
};

use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use tokio::io::{Interest, unix::AsyncFd};

/// One timer.
#[derive(Debug)]
pub(super) struct Timer(AsyncFd<Descriptor>);

#[derive(Debug)]
struct Descriptor(TimerFd);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Timer {
    #[allow(
        deprecated,
        reason = "its replacement is an unsafe function, to be told that the \
                  descriptor stays open: it is owned here, and never handed out"
    )]
    pub(super) fn new() -> io::Result<Timer> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        AsyncFd::with_interest(Descriptor(timer), Interest::READABLE).map(Timer)
    }

    /// Fires once, after `delay`; an earlier setting is forgotten.
    pub(super) fn set(&self, delay: Duration) {
        // A delay of zero would turn it off.
        let delay = TimeSpec::from_duration(delay.max(Duration::from_nanos(1)));
        // Fails for invalid times alone.
        let _ = self
            .0
            .get_ref()
            .0
            .set(Expiration::OneShot(delay), TimerSetTimeFlags::empty());
    }

    /// Waits until it has fired since the last call.
    pub(super) async fn fired(&self) {
        match self.0.readable().await {
            // Not read: setting it again makes it unreadable as well.
            Ok(mut ready) => ready.clear_ready(),
            // The runtime is shutting down.
            Err(_) => std::future::pending().await,
        }
    }
}
