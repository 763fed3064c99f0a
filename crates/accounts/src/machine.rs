//! The machine that a run took place on, so that numbers are never read without
//! it. What cannot be found out is absent.

use serde::{Deserialize, Serialize};

/// As written into `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu_model: Option<String>,
    /// Processors that this process may use.
    pub cores: usize,
    /// All processors of the machine: what the shares of its time refer to.
    pub processors: usize,
    /// Main memory.
    pub memory_bytes: Option<u64>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The operating system's own name, or its kind.
    pub os: String,
    /// The instruction set.
    pub architecture: String,
    /// It is a virtual machine: a hypervisor may take processor time away, and
    /// its neighbours show in the figures. Known on x86.
    pub virtualised: Option<bool>,
    /// What decides the first processor's frequency; with anything but
    /// `performance`, processor time depends on what ran before.
    pub frequency_governor: Option<String>,
    /// Where the kernel's clocks come from; without `tsc` on x86, or
    /// `arch_sys_counter` on ARM, reading the time is slow.
    pub clocksource: Option<String>,
}

impl Machine {
    /// The one we are on.
    pub fn this() -> Machine {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Machine {
            cpu_model: details::cpu_model(),
            cores,
            processors: details::processors().unwrap_or(cores),
            memory_bytes: details::memory_bytes(),
            kernel: details::kernel(),
            os: details::os().unwrap_or_else(|| std::env::consts::OS.to_owned()),
            architecture: std::env::consts::ARCH.to_owned(),
            virtualised: details::virtualised(),
            frequency_governor: details::frequency_governor(),
            clocksource: details::clocksource(),
        }
    }

    /// One line for the head of a report.
    pub fn line(&self) -> String {
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
        if self.virtualised == Some(true) {
            parts.push("virtual machine".to_owned());
        }
        let governor = self.frequency_governor.iter();
        parts.extend(governor.map(|governor| format!("frequency governor {governor}")));
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
        line("/proc/sys/kernel/osrelease")
    }

    pub(super) fn os() -> Option<String> {
        pretty_name(&read_to_string("/etc/os-release").ok()?)
    }

    fn pretty_name(release: &str) -> Option<String> {
        let name = release
            .lines()
            .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
        Some(name.trim_matches('"').to_owned())
    }

    pub(super) fn virtualised() -> Option<bool> {
        // Other architectures have no such flag, whether there is a hypervisor or not.
        if !cfg!(any(target_arch = "x86", target_arch = "x86_64")) {
            return None;
        }
        let info = CpuInfo::current().ok()?;
        Some(info.flags(0)?.contains(&"hypervisor"))
    }

    pub(super) fn frequency_governor() -> Option<String> {
        line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    }

    pub(super) fn clocksource() -> Option<String> {
        line("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    }

    /// A file of one line.
    fn line(path: &str) -> Option<String> {
        Some(read_to_string(path).ok()?.trim().to_owned())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_name_of_the_system_is_found() {
            let check = |text: &str, expected: Option<&str>| {
                assert_eq!(pretty_name(text).as_deref(), expected, "{text:?}");
            };
            check(
                "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
                Some("Debian GNU/Linux 12"),
            );
            check("PRETTY_NAME=Void\n", Some("Void"));
            check("NAME=Alpine\n", None);
            check("", None);
        }
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

    pub(super) fn virtualised() -> Option<bool> {
        None
    }

    pub(super) fn frequency_governor() -> Option<String> {
        None
    }

    pub(super) fn clocksource() -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_leaves_out_what_is_unknown() {
        let unknown = Machine {
            cpu_model: None,
            cores: 2,
            processors: 4,
            memory_bytes: None,
            kernel: None,
            os: "plan9".into(),
            architecture: "mips".into(),
            virtualised: None,
            frequency_governor: None,
            clocksource: None,
        };
        assert_eq!(unknown.line(), "mips, 2 cores, plan9");
        let known = Machine {
            cpu_model: Some("Fast 9000".into()),
            memory_bytes: Some(3 << 29),
            kernel: Some("6.1".into()),
            virtualised: Some(true),
            frequency_governor: Some("powersave".into()),
            ..unknown
        };
        assert_eq!(
            known.line(),
            "Fast 9000, 2 cores, 1.5 GiB, plan9, kernel 6.1, virtual machine, \
             frequency governor powersave"
        );
    }

    #[test]
    fn this_machine_survives_being_written() {
        let this = Machine::this();
        assert!(this.cores >= 1 && this.processors >= 1, "{this:?}");
        let text = serde_json::to_string(&this).expect("plain data");
        let read: Machine = serde_json::from_str(&text).expect("what we wrote");
        assert_eq!(read, this);
    }
}
