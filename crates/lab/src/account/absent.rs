//! The accounts on systems where they are not known: every figure is absent.

use std::{io, time::Duration};

use super::MachineLoad;

/// Never made.
#[derive(Debug)]
pub(super) enum Process {}

impl Process {
    pub(super) fn open(_pid: u32) -> io::Result<Process> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn cpu(&self) -> Option<Duration> {
        None
    }

    pub(super) fn peak_bytes(&self) -> Option<u64> {
        None
    }

    pub(super) fn reset_peak(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub(crate) fn own_thread_cpu() -> Option<Duration> {
    None
}

/// Never made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum MachineTime {}

impl MachineTime {
    pub(crate) fn now() -> Option<MachineTime> {
        None
    }

    pub(crate) fn until(&self, _later: &MachineTime) -> Option<MachineLoad> {
        None
    }
}
