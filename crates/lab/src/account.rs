//! What processes cost: processor time and peak memory, read from the operating
//! system. In: names and process ids; out: one [`Cost`] a name for the time
//! between two readings. Known on Linux; elsewhere every figure is absent, and
//! process ids given by the user are refused rather than ignored.
//!
//! Processor time has the kernel's tick (10 ms) as its step. The peak is the
//! kernel's own high-water mark of resident memory, put back to the present
//! value before each block where the kernel allows it; sampling the resident
//! memory instead would miss short peaks.

#[cfg_attr(target_os = "linux", path = "account/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "account/absent.rs")]
mod platform;

use std::{collections::BTreeMap, io, time::Duration};

use platform::Process;
use serde::{Deserialize, Serialize};

pub(crate) use platform::{MachineTime, own_thread_cpu};

/// The name of the load generator in accounts.
pub(crate) const GENERATOR: &str = "generator";

/// What one role cost: processor time over a block's window, and the memory
/// that it needed from the block's beginning to the window's end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// The role, or `generator`.
    pub(crate) role: String,
    /// User and system time of all its processes; absent when unknown.
    pub(crate) cpu_seconds: Option<f64>,
    /// Peak resident memory since the block began, and so of ramp and warm-up
    /// too, summed over its processes; absent when unknown.
    pub(crate) peak_bytes: Option<u64>,
    /// The peak is since the process started: the kernel did not let it be reset.
    pub(crate) peak_since_start: bool,
}

/// The processes of one chain and the generator, open for reading.
#[derive(Debug)]
pub(crate) struct Accounts {
    roles: Vec<Account>,
}

#[derive(Debug)]
struct Account {
    role: String,
    processes: Vec<Process>,
    /// Every reset of the peak so far was accepted.
    peak_resets: bool,
}

/// Processor time of every role at one moment.
#[derive(Debug)]
pub(crate) struct Reading {
    cpu: Vec<Option<Duration>>,
    machine: Option<MachineTime>,
}

/// How busy the machine was, as shares of all its processors' time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct MachineLoad {
    /// Spent on anything at all, 0 to 1.
    pub(crate) busy: f64,
    /// Taken by the hypervisor for others, 0 to 1.
    pub(crate) steal: f64,
}

/// The processes of the roles, by role; a name may have several.
pub(crate) type Pids = BTreeMap<String, Vec<u32>>;

impl Accounts {
    /// Opens the processes of these roles, and the generator's own. Holding
    /// them open, a process id that is used again later is not mistaken.
    pub(crate) fn open(pids: &Pids) -> Result<Accounts, (u32, io::Error)> {
        let mut roles = Vec::new();
        for (role, pids) in pids {
            let processes = pids
                .iter()
                .map(|pid| Process::open(*pid).map_err(|error| (*pid, error)))
                .collect::<Result<_, _>>()?;
            roles.push(Account::new(role, processes));
        }
        let own = Process::open(std::process::id());
        roles.push(Account::new(GENERATOR, own.into_iter().collect()));
        Ok(Accounts { roles })
    }

    /// Starts the peaks anew.
    pub(crate) fn reset_peaks(&mut self) {
        for account in &mut self.roles {
            for process in &account.processes {
                account.peak_resets &= process.reset_peak().is_ok();
            }
        }
    }

    pub(crate) fn read(&self) -> Reading {
        Reading {
            cpu: self
                .roles
                .iter()
                .map(|account| account.sum(Process::cpu))
                .collect(),
            machine: MachineTime::now(),
        }
    }

    /// The costs from `before` to now, and how busy the machine was.
    pub(crate) fn since(&self, before: &Reading) -> (Vec<Cost>, Option<MachineLoad>) {
        let now = self.read();
        let readings = before.cpu.iter().zip(&now.cpu);
        let costs = self
            .roles
            .iter()
            .zip(readings)
            .map(|(account, (before, now))| Cost {
                role: account.role.clone(),
                cpu_seconds: before
                    .zip(*now)
                    .map(|(before, now)| now.saturating_sub(before).as_secs_f64()),
                peak_bytes: account.sum(Process::peak_bytes),
                peak_since_start: !account.peak_resets,
            })
            .collect();
        let machine = before
            .machine
            .zip(now.machine)
            .and_then(|(before, now)| before.until(&now));
        (costs, machine)
    }
}

impl Account {
    fn new(role: &str, processes: Vec<Process>) -> Self {
        Account {
            role: role.to_owned(),
            processes,
            peak_resets: true,
        }
    }

    /// The sum over its processes; absent when one of them cannot be read.
    fn sum<T: std::iter::Sum>(&self, read: impl Fn(&Process) -> Option<T>) -> Option<T> {
        if self.processes.is_empty() {
            return None;
        }
        self.processes.iter().map(read).sum()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_always_in_the_accounts() {
        let mut accounts = Accounts::open(&Pids::new()).expect("no ids to fail on");
        accounts.reset_peaks();
        let before = accounts.read();
        // Work until the kernel's clock has seen some of it.
        let costs = loop {
            std::hint::black_box((0..100_000u64).sum::<u64>());
            let (costs, _) = accounts.since(&before);
            if costs[0].cpu_seconds > Some(0.0) {
                break costs;
            }
        };
        assert_eq!(costs.len(), 1);
        assert_eq!(costs[0].role, GENERATOR);
        assert!(costs[0].peak_bytes > Some(0));
    }

    #[test]
    fn the_processes_of_a_role_are_summed() {
        let own = std::process::id();
        let pids = Pids::from([("once".into(), vec![own]), ("twice".into(), vec![own, own])]);
        let accounts = Accounts::open(&pids).expect("this process exists");
        let now = accounts.read();
        assert_eq!(now.cpu.len(), 3);
        let (costs, _) = accounts.since(&now);
        let peak = |index: usize| costs[index].peak_bytes.expect("readable") as f64;
        // The peak may grow between two looks at it.
        assert!(peak(1) > 1.9 * peak(0), "{costs:?}");
    }

    #[test]
    fn a_process_that_does_not_exist_is_named() {
        let pids = Pids::from([("gone".into(), vec![u32::MAX >> 1])]);
        let (pid, _) = Accounts::open(&pids).expect_err("no such process");
        assert_eq!(pid, u32::MAX >> 1);
    }
}
