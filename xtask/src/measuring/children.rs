//! Programs that are run to their end, with the processor time they took: user
//! and system time, from their first instruction on. That is what the kernel
//! adds up over children that have ended, so one is run at a time here.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};

/// What a program said and took.
pub(crate) struct Ended {
    pub(crate) stdout: String,
    /// Absent where it is not known.
    pub(crate) cpu: Option<Duration>,
}

/// Runs a program; anything but success is an error with its last words.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Ended> {
    let before = cpu_of_ended_children();
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    let after = cpu_of_ended_children();
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{name} failed ({}): {}",
        output.status,
        stderr.trim()
    );
    Ok(Ended {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        cpu: after
            .zip(before)
            .map(|(after, before)| after.saturating_sub(before)),
    })
}

#[cfg(unix)]
fn cpu_of_ended_children() -> Option<Duration> {
    use nix::sys::{
        resource::{UsageWho, getrusage},
        time::{TimeVal, TimeValLike},
    };
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    let microseconds = |time: TimeVal| u64::try_from(time.num_microseconds()).ok();
    let total = microseconds(usage.user_time())? + microseconds(usage.system_time())?;
    Some(Duration::from_micros(total))
}

#[cfg(not(unix))]
fn cpu_of_ended_children() -> Option<Duration> {
    None
}

/// Lets targets and generators, which inherit the limit, open as many
/// connections as this machine allows. Where that is refused, they say so.
#[cfg(unix)]
pub(crate) fn raise_descriptor_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

#[cfg(not(unix))]
pub(crate) fn raise_descriptor_limit() {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn work_of_a_child_is_accounted_for() {
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done";
        let ended = run(Command::new("sh").args(["-c", busy])).expect("sh counts");
        assert_eq!(ended.stdout, "done\n");
        let cpu = ended.cpu.expect("known on Unix");
        assert!(cpu > Duration::from_millis(1), "{cpu:?}");
    }

    #[test]
    fn a_failure_is_told_with_its_last_words() {
        let failed = run(Command::new("sh").args(["-c", "echo no target >&2; exit 3"]));
        let error = failed.err().expect("failed").to_string();
        assert!(error.contains("no target"), "{error}");
    }
}
