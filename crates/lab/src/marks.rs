//! Which figures of a block to doubt, and by how much. In: a [`Block`] with all
//! its figures; out: its [`Mark`]s. Pure. How a mark reads, and what to do about
//! it, is worded by `report`; the limits are here, each with its reason.

use results::{Block, GeneratorThread, LoadPoint, Mark, MarkKind, Missed, Probe};

/// Above this share of a processor a generator thread has no reserve left: what
/// it measures then is partly its own queue.
pub(crate) const GENERATOR_BUSY_MAX: f64 = 0.80;
/// The 99th percentile of the generator's lateness may be this share of the 99th
/// percentile that it reports of the fastest route ...
const LAG_SHARE_MAX: f64 = 0.10;
/// ... and this much in any case: below it, a machine's scheduler is the cause
/// as often as the generator.
const LAG_ALLOWED_MS: f64 = 2.0;
/// A single hold-up of the generator that is worth a mark ...
const PAUSE_MIN_MS: f64 = 10.0;
/// ... where it is this share of the longest latency.
const PAUSE_SHARE: f64 = 0.5;
/// Of the arrivals asked for, this share must be served within the window, less
/// what is under way at its end.
const SUSTAINED_MIN: f64 = 0.95;
/// Beyond this the machine had no reserve, and all processes wait for each other.
const MACHINE_BUSY_MAX: f64 = 0.95;
/// Time taken by the hypervisor that is worth a mark.
const STEAL_MAX: f64 = 0.02;
/// A share of the time in which somebody waited for a processor; a lone, half
/// idle generator beside busy roles stays below it.
const PRESSURE_MAX: f64 = 0.50;
/// A share of the machine used by programs outside the run that is worth a mark.
const OTHERS_MAX: f64 = 0.10;

pub(crate) fn of(block: &Block, processors: usize) -> Vec<Mark> {
    let found = [
        no_local_port(block),
        count(MarkKind::Unsent, block.failures.unsent),
        generator_paused(block),
        generator_busy(&block.generator),
        generator_late(block),
        not_sustained(block),
        littles_law(block),
        count(MarkKind::UsersStalled, block.users_stalled),
        count(MarkKind::UsersUnserved, block.users_unserved),
        count(MarkKind::Failures, block.failures.total),
        machine(block, MarkKind::MachineFull, MACHINE_BUSY_MAX),
        machine(block, MarkKind::Steal, STEAL_MAX),
        machine(block, MarkKind::CpuPressure, PRESSURE_MAX),
        other_programs(block, processors),
        peak_not_reset(block),
    ];
    found.into_iter().flatten().collect()
}

/// What ended a search, where it was not the target.
pub(crate) fn of_search(probes: &[Probe], held: bool, rate_max: f64) -> Option<Mark> {
    let highest = probes.iter().filter(|probe| probe.missed.is_none());
    let highest = highest
        .map(|probe| probe.offered_per_second)
        .fold(0.0, f64::max);
    let above = probes
        .iter()
        .filter(|probe| probe.offered_per_second > highest);
    let by_generator = above
        .clone()
        .any(|probe| probe.missed == Some(Missed::Generator));
    let by_target = above
        .filter(|probe| probe.missed != Some(Missed::Generator))
        .map(|probe| probe.offered_per_second)
        .fold(f64::INFINITY, f64::min);
    let kind = if held && highest >= rate_max {
        MarkKind::SearchEndedAtMaximum
    } else if by_generator && !by_target.is_finite() {
        MarkKind::SearchEndedByGenerator
    } else {
        return None;
    };
    Some(Mark {
        kind,
        value: highest,
        limit: 0.0,
    })
}

/// Whether the generator, and not the target, may have set the figures.
pub(crate) fn is_generator_bound(block: &Block) -> bool {
    block.marks.iter().any(|mark| {
        matches!(
            mark.kind,
            MarkKind::GeneratorBusy
                | MarkKind::GeneratorLate
                | MarkKind::NoLocalPort
                | MarkKind::Unsent
        )
    })
}

/// Whether an open loop's rate was kept up.
pub(crate) fn is_sustained(block: &Block) -> bool {
    block
        .marks
        .iter()
        .all(|mark| mark.kind != MarkKind::NotSustained)
}

fn above(kind: MarkKind, value: f64, limit: f64) -> Option<Mark> {
    (value > limit).then_some(Mark { kind, value, limit })
}

fn count(kind: MarkKind, count: u64) -> Option<Mark> {
    above(kind, count as f64, 0.0)
}

fn no_local_port(block: &Block) -> Option<Mark> {
    count(MarkKind::NoLocalPort, block.failures.local_port)
}

fn generator_busy(threads: &[GeneratorThread]) -> Option<Mark> {
    let busiest = threads
        .iter()
        .filter_map(|thread| thread.busy)
        .fold(0.0, f64::max);
    above(MarkKind::GeneratorBusy, busiest, GENERATOR_BUSY_MAX)
}

/// The merged p99 is the slowest route's; lateness spoils the fastest first.
fn generator_late(block: &Block) -> Option<Mark> {
    let routes = block.routes.iter().filter_map(|route| route.latency);
    // Where nothing was measured there is nothing that lateness could spoil.
    let fastest = routes
        .map(|latency| latency.p99_ms)
        .min_by(f64::total_cmp)?;
    let late = block
        .generator
        .iter()
        .map(|thread| thread.lag_p99_ms)
        .fold(0.0, f64::max);
    let limit = LAG_ALLOWED_MS.max(LAG_SHARE_MAX * fastest);
    above(MarkKind::GeneratorLate, late, limit)
}

/// One long hold-up is in no p99 and may be all of the maximum.
fn generator_paused(block: &Block) -> Option<Mark> {
    let threads = block.generator.iter();
    let value = threads.map(|thread| thread.lag_max_ms).fold(0.0, f64::max);
    let longest = block.latency?.max_ms;
    (value > PAUSE_MIN_MS && value > PAUSE_SHARE * longest).then_some(Mark {
        kind: MarkKind::GeneratorPaused,
        value,
        limit: longest,
    })
}

/// Where connections are kept, none needs to be opened once the warm-up is over.
pub(crate) fn connections_opened(block: &Block) -> Option<Mark> {
    count(MarkKind::ConnectionsOpened, block.connections_opened)
}

/// Iterations under way at the window's end were begun in time, and those of the
/// warm-up that ended inside it make up for them where the rate is kept up.
fn not_sustained(block: &Block) -> Option<Mark> {
    let offered = block.offered_per_second?;
    let served = block.iterations.saturating_sub(block.iterations_failed);
    let share = served as f64 / block.window_seconds / offered;
    let expected = offered * block.window_seconds;
    // Poisson arrivals alone vary by the square root of their number.
    let limit = (1.0 - 4.0 / expected.max(1.0).sqrt()).clamp(0.0, SUSTAINED_MIN);
    let missed = block.not_begun > 0 || share < limit;
    missed.then_some(Mark {
        kind: MarkKind::NotSustained,
        value: share,
        limit,
    })
}

fn littles_law(block: &Block) -> Option<Mark> {
    let LoadPoint::Users(users) = block.load else {
        return None;
    };
    let mean_seconds = block.iteration_mean_ms? / 1e3;
    block.littles_law_users?;
    let little = stats::little::check(
        users,
        block.iterations_per_second,
        mean_seconds,
        stats::little::TOLERANCE,
    );
    (!little.holds).then_some(Mark {
        kind: MarkKind::LittlesLaw,
        value: little.deviation,
        limit: stats::little::TOLERANCE,
    })
}

fn machine(block: &Block, kind: MarkKind, limit: f64) -> Option<Mark> {
    let machine = block.machine?;
    let value = match kind {
        MarkKind::MachineFull => machine.busy,
        MarkKind::Steal => machine.steal,
        _ => machine.pressure?,
    };
    above(kind, value, limit)
}

/// The share of the machine used by neither the target nor the generator, where
/// the processes of the target are known.
fn other_programs(block: &Block, processors: usize) -> Option<Mark> {
    if block.costs.len() < 2 {
        return None;
    }
    let ours: f64 = block
        .costs
        .iter()
        .map(|cost| cost.cpu_seconds)
        .sum::<Option<f64>>()?;
    let all = block.accounted_seconds * processors as f64;
    above(
        MarkKind::OtherPrograms,
        block.machine?.busy - ours / all,
        OTHERS_MAX,
    )
}

fn peak_not_reset(block: &Block) -> Option<Mark> {
    let kept = |cost: &accounts::Cost| cost.peak_since_start && cost.peak_bytes.is_some();
    let kept = block.costs.iter().filter(|cost| kept(cost)).count();
    count(MarkKind::PeakNotReset, kept as u64)
}

#[cfg(test)]
pub(crate) mod tests;
