//! The accounts on systems where they are not known: every figure is absent.

use std::{collections::HashMap, io, time::Duration};

use crate::{
    cost::{MachineLoad, Switches},
    sockets::{Inodes, SocketTable},
};

/// Never made.
#[derive(Debug)]
pub(crate) enum Process {}

impl Process {
    pub(crate) fn open(_pid: u32) -> io::Result<Process> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the accounts of processes are known on Linux alone",
        ))
    }

    pub(crate) fn cpu(&self) -> Option<Duration> {
        match *self {}
    }

    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn reset_peak(&self) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn switches(&self) -> Option<HashMap<i32, Switches>> {
        match *self {}
    }

    pub(crate) fn sockets(&self) -> Option<Inodes> {
        match *self {}
    }
}

/// Processor time of the calling thread so far; absent here.
pub fn own_thread_cpu() -> Option<Duration> {
    None
}

pub(crate) fn tcp_sockets() -> Option<SocketTable> {
    None
}

/// Never made.
#[derive(Debug)]
pub(crate) enum MachineTime {}

impl MachineTime {
    pub(crate) fn now() -> Option<MachineTime> {
        None
    }

    pub(crate) fn until(&self, _later: &MachineTime) -> Option<MachineLoad> {
        match *self {}
    }
}
