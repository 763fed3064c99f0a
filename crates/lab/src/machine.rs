//! The machine that a run took place on, so that numbers are never read without
//! it. What cannot be found out is absent.

use serde::{Deserialize, Serialize};

/// As written into `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu_model: Option<String>,
    /// Processors that this process may use.
    pub(crate) cores: usize,
    /// All processors of the machine: what the shares of its time refer to.
    pub(crate) processors: usize,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) kernel: Option<String>,
    pub(crate) os: String,
    pub(crate) architecture: String,
}

impl Machine {
    pub(crate) fn this() -> Machine {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Machine {
            cpu_model: details::cpu_model(),
            cores,
            processors: details::processors().unwrap_or(cores),
            memory_bytes: details::memory_bytes(),
            kernel: details::kernel(),
            os: details::os().unwrap_or_else(|| std::env::consts::OS.to_owned()),
            architecture: std::env::consts::ARCH.to_owned(),
        }
    }

    /// One line for the head of a report.
    pub(crate) fn line(&self) -> String {
        let mut parts = vec![
            self.cpu_model
                .clone()
                .unwrap_or_else(|| self.architecture.clone()),
            format!("{} cores", self.cores),
        ];
        if let Some(bytes) = self.memory_bytes {
            parts.push(format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)));
        }
        parts.push(self.os.clone());
        parts.extend(self.kernel.iter().map(|kernel| format!("kernel {kernel}")));
        parts.join(", ")
    }
}

#[cfg(target_os = "linux")]
mod details {
    use std::fs::read_to_string;

    use procfs::{CpuInfo, Current, CurrentSI, KernelStats, Meminfo};

    pub(super) fn cpu_model() -> Option<String> {
        CpuInfo::current().ok()?.model_name(0).map(str::to_owned)
    }

    pub(super) fn processors() -> Option<usize> {
        Some(KernelStats::current().ok()?.cpu_time.len())
    }

    pub(super) fn memory_bytes() -> Option<u64> {
        Some(Meminfo::current().ok()?.mem_total)
    }

    pub(super) fn kernel() -> Option<String> {
        let release = read_to_string("/proc/sys/kernel/osrelease").ok()?;
        Some(release.trim().to_owned())
    }

    pub(super) fn os() -> Option<String> {
        let release = read_to_string("/etc/os-release").ok()?;
        let name = release
            .lines()
            .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
        Some(name.trim_matches('"').to_owned())
    }
}

#[cfg(not(target_os = "linux"))]
mod details {
    pub(super) fn cpu_model() -> Option<String> {
        None
    }

    pub(super) fn processors() -> Option<usize> {
        None
    }

    pub(super) fn memory_bytes() -> Option<u64> {
        None
    }

    pub(super) fn kernel() -> Option<String> {
        None
    }

    pub(super) fn os() -> Option<String> {
        None
    }
}
