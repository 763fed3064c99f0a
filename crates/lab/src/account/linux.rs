//! The Linux side of the accounts, from `/proc`.

use std::{io, time::Duration};

use procfs::{
    CpuTime, CurrentSI, KernelStats, ProcError,
    process::{ClearRefs, Stat},
};

use super::MachineLoad;

/// A process, held open.
#[derive(Debug)]
pub(super) struct Process(procfs::process::Process);

impl Process {
    pub(super) fn open(pid: u32) -> io::Result<Process> {
        let pid = i32::try_from(pid).map_err(|_| io::ErrorKind::NotFound)?;
        match procfs::process::Process::new(pid) {
            Ok(process) => Ok(Process(process)),
            Err(ProcError::NotFound(_)) => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "there is no such process",
            )),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// User and system time so far, of all its threads.
    pub(super) fn cpu(&self) -> Option<Duration> {
        self.0.stat().ok().as_ref().map(cpu)
    }

    /// The high-water mark of its resident memory.
    pub(super) fn peak_bytes(&self) -> Option<u64> {
        self.0.status().ok()?.vmhwm.map(|kib| kib * 1024)
    }

    pub(super) fn reset_peak(&self) -> io::Result<()> {
        self.0
            .clear_refs(ClearRefs::PeakRSS)
            .map_err(io::Error::other)
    }
}

/// Processor time of the calling thread so far.
pub(crate) fn own_thread_cpu() -> Option<Duration> {
    // Reads as PID/task/TID.
    let own = std::fs::read_link("/proc/thread-self").ok()?;
    let tid = own.file_name()?.to_str()?.parse().ok()?;
    let task = procfs::process::Process::myself()
        .ok()?
        .task_from_tid(tid)
        .ok()?;
    task.stat().ok().as_ref().map(cpu)
}

fn cpu(stat: &Stat) -> Duration {
    ticks(stat.utime + stat.stime)
}

fn ticks(ticks: u64) -> Duration {
    Duration::from_micros(ticks * 1_000_000 / procfs::ticks_per_second())
}

/// What all processors have done since the machine started, in ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MachineTime {
    busy: u64,
    idle: u64,
    steal: u64,
}

impl MachineTime {
    pub(crate) fn now() -> Option<MachineTime> {
        let CpuTime {
            user,
            nice,
            system,
            idle,
            iowait,
            irq,
            softirq,
            steal,
            ..
        } = KernelStats::current().ok()?.total;
        Some(MachineTime {
            busy: user + nice + system + irq.unwrap_or(0) + softirq.unwrap_or(0),
            idle: idle + iowait.unwrap_or(0),
            steal: steal.unwrap_or(0),
        })
    }

    pub(crate) fn until(&self, later: &MachineTime) -> Option<MachineLoad> {
        let busy = later.busy.saturating_sub(self.busy) as f64;
        let idle = later.idle.saturating_sub(self.idle) as f64;
        let steal = later.steal.saturating_sub(self.steal) as f64;
        let all = busy + idle + steal;
        (all > 0.0).then(|| MachineLoad {
            busy: busy / all,
            steal: steal / all,
        })
    }
}
