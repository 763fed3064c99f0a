//! One process. In: a process id; out: its figures of the moment.
//!
//! The kernel's clock of a process counts nanoseconds and keeps the time of
//! threads that have ended; `/proc/PID/stat` counts in ticks of 10 ms and is
//! only the way out where that clock is refused. A clock and a path belong to
//! whoever has the process id now. The open directory belongs to the process, so
//! it is read last: while it can be read, the id has not changed hands.

use std::{collections::HashMap, fs, io, os::unix::fs::MetadataExt, time::Duration};

use nix::{
    time::{ClockId, clock_getcpuclockid, clock_gettime},
    unistd::Pid,
};
use procfs::{
    ProcError, ProcResult,
    process::{ClearRefs, Task},
};

use crate::{cost::Switches, sockets::Inodes};

/// A process, held open.
#[derive(Debug)]
pub(crate) struct Process {
    proc: procfs::process::Process,
    clock: Option<ClockId>,
}

impl Process {
    pub(crate) fn open(pid: u32) -> io::Result<Process> {
        let no_such = || io::Error::new(io::ErrorKind::NotFound, "there is no such process");
        // Zero would be this process's own clock.
        let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0);
        let pid = pid.ok_or_else(no_such)?;
        let proc = procfs::process::Process::new(pid).map_err(|error| match error {
            ProcError::NotFound(_) => no_such(),
            error => io::Error::other(error),
        })?;
        let clock = clock_getcpuclockid(Pid::from_raw(pid)).ok();
        Ok(Process { proc, clock })
    }

    /// User and system time so far, of all its threads.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        let clocked = self.clock.and_then(|clock| clock_gettime(clock).ok());
        match clocked {
            Some(time) => self.is_there().then(|| time.into()),
            None => self.cpu_in_ticks(),
        }
    }

    fn cpu_in_ticks(&self) -> Option<Duration> {
        let stat = self.proc.stat().ok()?;
        let ticks = stat.utime + stat.stime;
        Some(Duration::from_micros(
            ticks * 1_000_000 / procfs::ticks_per_second(),
        ))
    }

    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        Some(self.proc.statm().ok()?.resident * procfs::page_size())
    }

    /// The high-water mark of its resident memory. Sampling would miss short
    /// peaks; the kernel does not.
    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        self.proc.status().ok()?.vmhwm.map(|kib| kib * 1024)
    }

    pub(crate) fn reset_peak(&self) -> io::Result<()> {
        self.proc
            .clear_refs(ClearRefs::PeakRSS)
            .map_err(io::Error::other)
    }

    /// Context switches so far, by thread: the figures of a process in
    /// `/proc/PID/status` are those of its main thread.
    pub(crate) fn switches(&self) -> Option<HashMap<i32, Switches>> {
        let of = |task: ProcResult<Task>| {
            let task = task.ok()?;
            let status = task.status().ok()?;
            let switches = Switches {
                voluntary: status.voluntary_ctxt_switches?,
                involuntary: status.nonvoluntary_ctxt_switches?,
            };
            Some((task.tid, switches))
        };
        // A thread that cannot be read has just ended.
        let threads: HashMap<_, _> = self.proc.tasks().ok()?.filter_map(of).collect();
        (!threads.is_empty()).then_some(threads)
    }

    /// Inodes of the sockets it holds; absent when we may not look, and when
    /// they are of another network namespace, whose counters we do not see.
    pub(crate) fn sockets(&self) -> Option<Inodes> {
        let own_network = network("/proc/self/ns/net")?;
        if network(&format!("/proc/{}/ns/net", self.proc.pid))? != own_network {
            return None;
        }
        // Following the link costs one call a descriptor and gives type and
        // inode as numbers; the link's text would have to be parsed.
        let inode = |entry: io::Result<fs::DirEntry>| {
            let target = fs::metadata(entry.ok()?.path()).ok()?;
            let is_socket = std::os::unix::fs::FileTypeExt::is_socket(&target.file_type());
            is_socket.then(|| target.ino())
        };
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.proc.pid)).ok()?;
        let inodes = descriptors.filter_map(inode).collect();
        self.is_there().then_some(inodes)
    }

    fn is_there(&self) -> bool {
        self.proc.statm().is_ok()
    }
}

/// Which network namespace this file stands for.
fn network(path: &str) -> Option<(u64, u64)> {
    let namespace = fs::metadata(path).ok()?;
    Some((namespace.dev(), namespace.ino()))
}

/// Processor time of the calling thread so far, in nanoseconds: one system call,
/// cheap enough to frame a single operation.
pub fn own_thread_cpu() -> Option<Duration> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
    Some(time.into())
}
