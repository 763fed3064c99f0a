//! The accounts: processes of named roles, held open, read at both ends of a
//! window and glanced at in between. In: [`Pids`]; out: [`Costs`]. A reading may
//! take milliseconds where there are thousands of sockets; a glance is a few
//! system calls a process.
//!
//! A reading glances at its own beginning and end. A window goes from the end of
//! the first reading to the beginning of the second, so that the work of reading
//! is in nobody's processor time. So that everything refers to the same time, what
//! grows is read next to those two glances: last by [`Accounts::read`], first by
//! [`Accounts::read_at_end`]. What takes long and does not grow, such as who holds
//! which socket, is on the other side. The window of switches and bytes is longer
//! than that of processor time by one dump of the sockets: a fraction of a
//! millisecond for hundreds, ten to twenty for ten thousand.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    time::{Duration, Instant},
};

use crate::{
    cost::{Cost, Costs, Switches},
    platform::{self, MachineTime, Process},
    sockets::{Inodes, SocketTable},
};

/// The name of the load generator, this process, in accounts.
pub const GENERATOR: &str = "generator";

/// The processes of the roles, by role; a role may have several. Processes that
/// these start count only when they are named themselves.
pub type Pids = BTreeMap<String, Vec<u32>>;

/// A process named for the accounts cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "process {pid} of {role} cannot be read: {reason}; check that the process id is right \
     and that the process runs on this machine, or leave it out"
)]
pub struct OpenError {
    /// The role it was named for.
    pub role: String,
    /// The process id as given.
    pub pid: u32,
    /// What the operating system said.
    pub reason: io::Error,
}

/// The processes of the roles and the generator, open for reading.
#[derive(Debug)]
pub struct Accounts {
    roles: Vec<Account>,
}

#[derive(Debug)]
struct Account {
    role: String,
    processes: Vec<Process>,
    /// Every reset of the peak so far was accepted.
    peak_resets: bool,
}

/// Everything that is known at one end of a window.
#[derive(Debug)]
pub struct Reading {
    /// Before anything else was read: where a window ends.
    pub began: Glance,
    /// After everything else was read: where a window begins.
    pub ended: Glance,
    counts: Counts,
    held: Held,
}

/// What grows with time.
#[derive(Debug)]
struct Counts {
    sockets: Option<SocketTable>,
    /// By role; of each of its processes, by thread.
    switches: Vec<Option<Vec<HashMap<i32, Switches>>>>,
    machine: Option<MachineTime>,
}

/// What does not, by role.
#[derive(Debug)]
struct Held {
    peak_bytes: Vec<Option<u64>>,
    sockets: Vec<Option<Inodes>>,
}

/// What can be read each second for next to nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// When.
    pub at: Instant,
    /// In the order of [`Accounts::roles`].
    pub roles: Vec<RoleGlance>,
}

/// One role at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoleGlance {
    /// User and system time of its processes since they started.
    pub cpu: Option<Duration>,
    /// Resident memory of its processes now.
    pub resident_bytes: Option<u64>,
}

impl Accounts {
    /// Opens the processes of these roles, and the generator's own. Held open,
    /// a process id that is used again later is not mistaken.
    pub fn open(pids: &Pids) -> Result<Accounts, OpenError> {
        let mut roles = Vec::new();
        for (role, pids) in pids {
            let open = |pid: &u32| {
                Process::open(*pid).map_err(|reason| OpenError {
                    role: role.clone(),
                    pid: *pid,
                    reason,
                })
            };
            let processes = pids.iter().map(open).collect::<Result<_, _>>()?;
            roles.push(Account::new(role, processes));
        }
        let own = Process::open(std::process::id());
        roles.push(Account::new(GENERATOR, own.into_iter().collect()));
        Ok(Accounts { roles })
    }

    /// The roles by name, then the generator.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|account| account.role.as_str())
    }

    /// Starts the peaks of memory anew, where the kernel lets us.
    pub fn reset_peaks(&mut self) {
        for account in &mut self.roles {
            for process in &account.processes {
                account.peak_resets &= process.reset_peak().is_ok();
            }
        }
    }

    /// Reads everything where a window begins. Call it from a thread that carries no
    /// load: with ten thousand sockets it takes some tens of milliseconds.
    pub fn read(&self) -> Reading {
        let began = self.glance();
        let held = self.held();
        let counts = self.counts();
        Reading {
            began,
            held,
            ended: self.glance(),
            counts,
        }
    }

    /// Reads everything where a window ends.
    pub fn read_at_end(&self) -> Reading {
        let began = self.glance();
        let counts = self.counts();
        let held = self.held();
        Reading {
            began,
            counts,
            held,
            ended: self.glance(),
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            sockets: platform::tcp_sockets(),
            switches: self.of_roles(|account| account.all(Process::switches)),
            machine: MachineTime::now(),
        }
    }

    fn held(&self) -> Held {
        let peak = |account: &Account| Some(account.all(Process::peak_bytes)?.iter().sum());
        let sockets = |account: &Account| {
            let all = account.all(Process::sockets)?;
            Some(all.into_iter().flatten().collect())
        };
        Held {
            peak_bytes: self.of_roles(peak),
            sockets: self.of_roles(sockets),
        }
    }

    fn of_roles<T>(&self, read: impl Fn(&Account) -> Option<T>) -> Vec<Option<T>> {
        self.roles.iter().map(read).collect()
    }

    /// Reads what is cheap, each second of a window.
    pub fn glance(&self) -> Glance {
        Glance {
            at: Instant::now(),
            roles: self.roles.iter().map(Account::glance).collect(),
        }
    }

    /// What everything cost between two readings of these accounts, the second of
    /// which was made by [`Accounts::read_at_end`]. Glances outside the window are left
    /// out.
    pub fn between(&self, before: &Reading, after: &Reading, glances: &[Glance]) -> Costs {
        let (opened, closed) = (&before.ended, &after.began);
        let inside = glances
            .iter()
            .filter(|glance| glance.at > opened.at && glance.at < closed.at);
        let samples: Vec<&Glance> = std::iter::once(opened)
            .chain(inside)
            .chain([closed])
            .collect();
        let tables = before.counts.sockets.as_ref();
        let tables = tables.zip(after.counts.sockets.as_ref());
        let cost = |(index, account): (usize, &Account)| {
            let switches = [before, after].map(|reading| reading.counts.switches[index].as_ref());
            let held = [before, after].map(|reading| reading.held.sockets[index].as_ref());
            let cpu = opened.roles[index].cpu.zip(closed.roles[index].cpu);
            Cost {
                role: account.role.clone(),
                cpu_seconds: cpu.map(|(from, to)| to.saturating_sub(from).as_secs_f64()),
                peak_bytes: after.held.peak_bytes[index],
                peak_since_start: !account.peak_resets,
                mean_bytes: mean_bytes(&samples, index),
                context_switches: between(switches, |before, after| {
                    switches_between(before, after)
                }),
                bytes: tables.and_then(|(first, last)| {
                    between(held, |held, later| first.carried(held, last, later))
                }),
            }
        };
        let machines = [before, after].map(|reading| reading.counts.machine.as_ref());
        Costs {
            roles: self.roles.iter().enumerate().map(cost).collect(),
            machine: between(machines, MachineTime::until).flatten(),
            connections_unseen: tables.and_then(|(before, after)| before.unseen(after)),
        }
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

    fn glance(&self) -> RoleGlance {
        RoleGlance {
            cpu: self.all(Process::cpu).map(|all| all.iter().sum()),
            resident_bytes: self
                .all(Process::resident_bytes)
                .map(|all| all.iter().sum()),
        }
    }

    /// A figure of each of its processes; absent when one cannot be read, or
    /// when there are none.
    fn all<T>(&self, read: impl Fn(&Process) -> Option<T>) -> Option<Vec<T>> {
        if self.processes.is_empty() {
            return None;
        }
        self.processes.iter().map(read).collect()
    }
}

/// A figure of two readings; absent when it is in either.
fn between<T, U>([before, after]: [Option<&T>; 2], figure: impl FnOnce(&T, &T) -> U) -> Option<U> {
    Some(figure(before?, after?))
}

fn switches_between(
    before: &[HashMap<i32, Switches>],
    after: &[HashMap<i32, Switches>],
) -> Switches {
    let mut sum = Switches::default();
    for (before, after) in before.iter().zip(after) {
        for (thread, now) in after {
            let then = before.get(thread).copied().unwrap_or_default();
            sum.voluntary += now.voluntary.saturating_sub(then.voluntary);
            sum.involuntary += now.involuntary.saturating_sub(then.involuntary);
        }
    }
    sum
}

/// Resident memory of one role over time: the area under the straight lines
/// between the samples, so that samples taken late weigh what they should.
fn mean_bytes(samples: &[&Glance], role: usize) -> Option<u64> {
    let at = |glance: &Glance| {
        let bytes = glance.roles[role].resident_bytes?;
        Some((glance.at, bytes as f64))
    };
    let points: Vec<(Instant, f64)> = samples
        .iter()
        .map(|glance| at(glance))
        .collect::<Option<_>>()?;
    let (first, last) = (points.first()?, points.last()?);
    let whole = last.0.saturating_duration_since(first.0).as_secs_f64();
    if whole == 0.0 {
        return Some(last.1 as u64);
    }
    let area: f64 = points
        .windows(2)
        .map(|pair| {
            let width = pair[1].0.saturating_duration_since(pair[0].0);
            width.as_secs_f64() * (pair[0].1 + pair[1].1) / 2.0
        })
        .sum();
    Some((area / whole).round() as u64)
}

#[cfg(test)]
mod tests;
