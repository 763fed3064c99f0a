//! Resident memory of a process, now and at most, as the kernel counts it. Absent
//! where there is no `/proc`.

use std::fs;

/// In MiB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Memory {
    pub(super) now: f64,
    /// Since it started, or since its peak was last reset.
    pub(super) at_most: f64,
}

impl Memory {
    pub(super) fn of(pid: u32) -> Option<Memory> {
        parse(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }
}

fn parse(status: &str) -> Option<Memory> {
    let mib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib / 1024.0)
    };
    Some(Memory {
        now: mib("VmRSS:")?,
        at_most: mib("VmHWM:")?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_lines_of_a_status_are_read() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1536 kB\nThreads:\t1\n";
        let expected = Memory {
            now: 1.5,
            at_most: 2.0,
        };
        assert_eq!(parse(status), Some(expected));
        assert_eq!(parse("Name:\tx\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_some() {
        let memory = Memory::of(std::process::id()).expect("it runs");
        assert!(
            memory.now > 0.0 && memory.at_most >= memory.now,
            "{memory:?}"
        );
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "(VmRSS:|VmHWM:|kB|[0-9 \t\n]){0,20}") {
            let _ = parse(&text);
        }
    }
}
