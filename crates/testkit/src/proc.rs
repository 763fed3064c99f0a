//! What Linux says of a process, for tests that look for leaks. Everything is
//! read from `/proc`; other systems have no such tests.

use std::fs;

/// Bytes of memory that are resident.
#[track_caller]
pub fn resident_bytes(pid: u32) -> u64 {
    1024 * status(pid, "VmRSS:")
}

/// Bytes of memory that were resident when there were most.
#[track_caller]
pub fn peak_resident_bytes(pid: u32) -> u64 {
    1024 * status(pid, "VmHWM:")
}

/// Threads.
#[track_caller]
pub fn threads(pid: u32) -> u64 {
    status(pid, "Threads:")
}

/// Open file descriptors.
#[track_caller]
pub fn descriptors(pid: u32) -> usize {
    match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(open) => open.count(),
        Err(error) => panic!("cannot list the descriptors of process {pid}: {error}"),
    }
}

/// Processor time used so far, in clock ticks.
#[track_caller]
pub fn cpu_ticks(pid: u32) -> u64 {
    let text = read(pid, "stat");
    // The name, in parentheses, may hold anything; fields are counted after it.
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|field| field.parse::<u64>().ok()).sum()
}

#[track_caller]
fn status(pid: u32, key: &str) -> u64 {
    let text = read(pid, "status");
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok());
    match value {
        Some(value) => value,
        None => panic!("process {pid} has no {key} (has it ended?)"),
    }
}

#[track_caller]
fn read(pid: u32, file: &str) -> String {
    match fs::read_to_string(format!("/proc/{pid}/{file}")) {
        Ok(text) => text,
        Err(error) => panic!("cannot read {file} of process {pid}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_all_of_them() {
        let me = std::process::id();
        let resident_bytes = resident_bytes(me);
        assert!(resident_bytes > 100_000);
        assert!(peak_resident_bytes(me) >= resident_bytes);
        assert!(threads(me) >= 1);
        assert!(descriptors(me) >= 3);
        // Reading is work, of which enough takes a tick.
        crate::until("a tick of the processor", || {
            (cpu_ticks(me) > 0).then_some(())
        });
    }
}
