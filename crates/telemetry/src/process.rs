//! The process as the kernel sees it, under the names that every library for Prometheus
//! gives it. What cannot be read is left out.

use procfs::{ProcResult, process::Process};

use crate::{Gathered, table};

#[allow(clippy::cast_precision_loss)]
pub(crate) fn tell(to: &mut Gathered) -> ProcResult<()> {
    let process = Process::myself()?;
    let stat = process.stat()?;
    let ticks = procfs::ticks_per_second() as f64;
    let cpu = (stat.utime + stat.stime) as f64 / ticks;
    to.add(&table::PROCESS_CPU, &[], cpu);
    let resident = stat.rss * procfs::page_size();
    to.count(&table::PROCESS_RESIDENT, &[], resident);
    to.count(&table::PROCESS_VIRTUAL, &[], stat.vsize);
    to.add(&table::PROCESS_THREADS, &[], stat.num_threads as f64);
    let started = stat.starttime as f64 / ticks + procfs::boot_time_secs()? as f64;
    to.add(&table::PROCESS_START, &[], started);
    to.count(&table::PROCESS_FDS, &[], process.fd_count()? as u64);
    if let procfs::process::LimitValue::Value(most) = process.limits()?.max_open_files.soft_limit {
        to.count(&table::PROCESS_FDS_MAX, &[], most);
    }
    Ok(())
}
