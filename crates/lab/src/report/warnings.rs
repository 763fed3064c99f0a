//! What a reader must know before believing the tables; each warning names its
//! rows and, where there is one, the remedy.

use crate::{
    results::Run,
    summary::{FailureCounts, Row},
};

/// Beyond this the machine had no reserve, and all processes wait for each other.
const MACHINE_BUSY_MAX: f64 = 0.95;
/// Time taken by the hypervisor that is worth a warning.
const STEAL_MAX: f64 = 0.02;
/// A share of the machine used by programs outside the run that is worth a warning.
const OTHERS_MAX: f64 = 0.10;
const DEBUG_BUILD: &str = "this is a debug build, several times slower than a release build: \
     its figures say nothing; use cargo run --release -- lab";

pub(super) fn warnings(run: &Run) -> Vec<String> {
    let rows = &run.rows;
    let mut warnings = Vec::new();
    if run.debug_build {
        warnings.push(DEBUG_BUILD.to_owned());
    }
    warnings.extend(rows.iter().filter_map(generator_bound));
    warnings.extend(rows.iter().filter_map(stalled));
    warnings.extend(rows.iter().filter_map(unserved));
    warnings.extend(rows.iter().filter_map(failures));
    let of_rows = |is: &dyn Fn(&Row) -> bool, text: &str| {
        let names: Vec<_> = rows.iter().filter(|row| is(row)).map(name).collect();
        let names = match names.len() {
            0 => return None,
            all if all == rows.len() => "all blocks".to_owned(),
            _ => names.join("; "),
        };
        Some(format!("{names}: {text}"))
    };
    warnings.extend(of_rows(
        &machine_is_full,
        "the machine had no processor to spare, so its processes (the generator too) waited for \
         each other; this is what the chain does on a full machine, not the protocol's own time",
    ));
    warnings.extend(of_rows(
        &|row| row.machine.is_some_and(|machine| machine.steal > STEAL_MAX),
        "the hypervisor took processor time away; repeat the run on a quiet machine",
    ));
    warnings.extend(of_rows(
        &|row| {
            row.costs
                .iter()
                .any(|cost| cost.peak_since_start && cost.peak_bytes.is_some())
        },
        "peak memory is that since the process started, not since the block began: \
         the kernel did not let it be reset",
    ));
    warnings.extend(of_rows(
        &|row| others(row, run.machine.processors).is_some_and(|share| share > OTHERS_MAX),
        "programs outside this run used more than a tenth of the machine; repeat it on a quiet one",
    ));
    warnings
}

/// The share of the machine used by neither the chain nor the generator, where
/// the processes of the chain are known.
fn others(row: &Row, processors: usize) -> Option<f64> {
    if row.costs.len() < 2 {
        return None;
    }
    let ours: f64 = row
        .costs
        .iter()
        .map(|cost| cost.cpu_seconds)
        .sum::<Option<f64>>()?;
    let machine_seconds = row.window_seconds * processors as f64;
    Some(row.machine?.busy - ours / machine_seconds)
}

fn name(row: &Row) -> String {
    format!("{} users, {}", row.users, row.chain)
}

fn generator_bound(row: &Row) -> Option<String> {
    let reason = row.generator_bound.as_ref()?;
    // More threads help a full thread, not a full machine or one without ports.
    let remedy = if row.failures.local_port > 0 {
        "choose fewer --users, or widen net.ipv4.ip_local_port_range"
    } else if machine_is_full(row) && !row.generator_thread_is_full() {
        "use another machine for the load, or fewer --users"
    } else {
        "use more --generator-threads, another machine for the load, or fewer --users"
    };
    Some(format!(
        "{}: generator-bound: {reason}; the figures may be the generator's own; {remedy}",
        name(row)
    ))
}

fn machine_is_full(row: &Row) -> bool {
    row.machine
        .is_some_and(|machine| machine.busy > MACHINE_BUSY_MAX)
}

fn stalled(row: &Row) -> Option<String> {
    let Row {
        users,
        users_stalled,
        ..
    } = row;
    (*users_stalled > 0).then(|| {
        format!(
            "{}: {users_stalled} of {users} users spent the whole window in a request begun before \
             it; their latency is not in the table; choose a --duration longer than an answer",
            name(row)
        )
    })
}

fn unserved(row: &Row) -> Option<String> {
    let Row {
        users,
        users_unserved,
        ..
    } = row;
    (*users_unserved > 0).then(|| {
        format!(
            "{}: {users_unserved} of {users} users were never served, neither in the warm-up nor in \
             the window; look at the failures, or choose fewer --users",
            name(row)
        )
    })
}

fn failures(row: &Row) -> Option<String> {
    let FailureCounts { total, .. } = row.failures;
    let kinds: Vec<_> = row
        .failures
        .kinds()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let share = total as f64 / (total + row.requests) as f64;
    (total > 0).then(|| {
        format!(
            "{}: {total} requests failed ({:.1}%): {}; they are not in the latencies",
            name(row),
            share * 100.0,
            kinds.join(", ")
        )
    })
}
