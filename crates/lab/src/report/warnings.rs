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
        &|row| {
            row.machine
                .is_some_and(|machine| machine.busy > MACHINE_BUSY_MAX)
        },
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
        "peak memory is that since the process started: the kernel did not let it be reset",
    ));
    warnings.extend(of_rows(
        &|row| others(row, run.machine.cores).is_some_and(|share| share > OTHERS_MAX),
        "programs outside this run used more than a tenth of the machine; repeat it on a quiet one",
    ));
    warnings
}

/// The share of the machine used by neither the chain nor the generator, where
/// the processes of the chain are known.
fn others(row: &Row, cores: usize) -> Option<f64> {
    if row.costs.len() < 2 {
        return None;
    }
    let ours: f64 = row
        .costs
        .iter()
        .map(|cost| cost.cpu_seconds)
        .sum::<Option<f64>>()?;
    let machine_seconds = row.window_seconds * cores as f64;
    Some(row.machine?.busy - ours / machine_seconds)
}

fn name(row: &Row) -> String {
    format!("{} users, {}", row.users, row.chain)
}

fn generator_bound(row: &Row) -> Option<String> {
    let reason = row.generator_bound.as_ref()?;
    Some(format!(
        "{}: generator-bound: {reason}; the figures may be the generator's own. Use more \
         --generator-threads, another machine for the load, or fewer users",
        name(row)
    ))
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
