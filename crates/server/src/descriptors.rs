//! The limit on open files, which bounds how many connections a process holds.

/// Raises the soft limit on open files to the hard one and returns it; `None`
/// where the platform has no such limit. A refusal leaves the limit as it was.
pub fn raise_file_descriptor_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        rlimit::increase_nofile_limit(u64::MAX).ok()
    }
    #[cfg(not(unix))]
    {
        None
    }
}
