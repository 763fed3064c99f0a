//! What the benchmarks share: programs and roles that they run, blocks of `pspd
//! lab` that they read, figures that they write.

pub(crate) mod children;
pub(crate) mod figures;
pub(crate) mod lab;
pub(crate) mod program;
pub(crate) mod record;
pub(crate) mod role;

use std::fs;

/// Of the last minute; a machine that was busy before is no place to measure on.
pub(crate) fn load_average() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next().map(str::to_owned)
}
