//! Which processors a thread may use. In: numbers of processors as the kernel
//! counts them, from 0; out: the thread is kept on those. Threads and processes
//! that it starts afterwards inherit this, so a role is pinned by starting it
//! from a pinned thread. Known on Linux; elsewhere pinning is refused.

use std::io;

/// Keeps the calling thread on these processors. Either all of them are granted
/// or nothing changes.
pub fn pin_current_thread(cpus: &[usize]) -> io::Result<()> {
    if cpus.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "no processor to pin to; name at least one",
        ));
    }
    platform::pin(cpus)
}

/// The processors that the calling thread may use, ascending; absent when unknown.
pub fn allowed_cpus() -> Option<Vec<usize>> {
    platform::allowed()
}

#[cfg(target_os = "linux")]
mod platform {
    use std::io;

    use nix::{
        sched::{CpuSet, sched_getaffinity, sched_setaffinity},
        unistd::Pid,
    };

    /// As the kernel names the calling thread here.
    const THIS_THREAD: Pid = Pid::from_raw(0);

    pub(super) fn pin(cpus: &[usize]) -> io::Result<()> {
        let mut wanted = CpuSet::new();
        for cpu in cpus {
            wanted.set(*cpu).map_err(|_| refused(&[*cpu]))?;
        }
        let before = sched_getaffinity(THIS_THREAD)?;
        sched_setaffinity(THIS_THREAD, &wanted).map_err(|_| refused(cpus))?;
        let granted = sched_getaffinity(THIS_THREAD)?;
        if granted != wanted {
            // The kernel drops the ones we may not have without a word.
            sched_setaffinity(THIS_THREAD, &before)?;
            let missing: Vec<usize> = numbers(&wanted)
                .filter(|cpu| !granted.is_set(*cpu).unwrap_or(false))
                .collect();
            return Err(refused(&missing));
        }
        Ok(())
    }

    pub(super) fn allowed() -> Option<Vec<usize>> {
        let allowed = sched_getaffinity(THIS_THREAD).ok()?;
        Some(numbers(&allowed).collect())
    }

    fn numbers(set: &CpuSet) -> impl Iterator<Item = usize> {
        (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false))
    }

    fn refused(cpus: &[usize]) -> io::Error {
        let list: Vec<String> = cpus.iter().map(usize::to_string).collect();
        let allowed: Vec<String> = allowed()
            .unwrap_or_default()
            .iter()
            .map(usize::to_string)
            .collect();
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "cannot pin to processor {}: it is not there or not ours to use; \
                 this thread may use {}",
                list.join(", "),
                allowed.join(", "),
            ),
        )
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;

    pub(super) fn pin(_cpus: &[usize]) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "threads can be pinned to processors on Linux alone; leave the pinning out",
        ))
    }

    pub(super) fn allowed() -> Option<Vec<usize>> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::thread;

    use super::*;

    /// Affinity belongs to the thread, so each test has one of its own.
    fn in_a_thread(test: impl FnOnce() + Send + 'static) {
        thread::spawn(test).join().expect("the test's thread");
    }

    #[test]
    fn a_pinned_thread_and_what_it_starts_stay_there() {
        in_a_thread(|| {
            let allowed = allowed_cpus().expect("known on Linux");
            let last = *allowed.last().expect("we run somewhere");
            pin_current_thread(&[last]).expect("it is ours");
            assert_eq!(allowed_cpus(), Some(vec![last]));
            let inherited = thread::spawn(allowed_cpus).join().expect("no panic");
            assert_eq!(inherited, Some(vec![last]));
            pin_current_thread(&allowed).expect("they are still ours");
            assert_eq!(allowed_cpus(), Some(allowed));
        });
    }

    #[test]
    fn a_processor_that_is_not_there_is_named_and_nothing_changes() {
        in_a_thread(|| {
            let allowed = allowed_cpus().expect("known on Linux");
            for absent in [1023, 1_000_000] {
                for cpus in [vec![absent], vec![allowed[0], absent]] {
                    let error = pin_current_thread(&cpus).expect_err("no such processor");
                    let text = error.to_string();
                    assert!(text.contains(&absent.to_string()), "{text}");
                    assert_eq!(allowed_cpus().as_ref(), Some(&allowed));
                }
            }
            pin_current_thread(&[]).expect_err("nothing to pin to");
        });
    }
}
