//! One block: peaks of memory reset, load through warm-up and window, accounts
//! read at both ends of the window and glanced at each second in between. In: a
//! target and a load; out: a [`Measured`], raw. A block of a search is several
//! such measurements, of which the one at the highest rate that held remains.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use accounts::{Costs, Glance};
use load::{Generator, Load, Sample, Shape};
use results::{Arrivals, ConnectionCount, LoadPoint, Reuse};

use crate::{Error, plan::Plan, progress::Progress, target::Target};

/// How often the display changes, and how long at most a Ctrl-C waits.
const SHOW_EVERY: Duration = Duration::from_millis(250);
const GLANCE_EVERY: Duration = Duration::from_secs(1);

/// What one measurement gave.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The load it was taken under; never a search.
    pub(crate) point: LoadPoint,
    pub(crate) sample: Sample,
    pub(crate) costs: Costs,
    /// What the costs refer to: from one reading of the accounts to the other.
    pub(crate) accounted: Duration,
    pub(crate) window_start: SystemTime,
    /// By second: the roles in the order of the costs.
    pub(crate) glances: Vec<Glance>,
}

/// Puts `point` on the target and watches.
pub(crate) async fn measure(
    plan: &Plan,
    target: &mut Target,
    point: LoadPoint,
    seed: u64,
    progress: &Progress,
) -> Result<Measured, Error> {
    target.accounts.reset_peaks();
    let generator = load(plan, target, point, seed).start()?;
    let window = generator.window();
    let window_start = SystemTime::now() + window.start.duration_since(Instant::now());

    progress.warming_up();
    sleep_until(window.start).await;
    let before = target.accounts.read();
    let glances = watch(target, &generator, progress).await;
    let after = target.accounts.read_at_end();
    progress.finishing();
    let sample = generator.finish().await.map_err(Error::Generator)?;
    Ok(Measured {
        point,
        sample,
        costs: target.accounts.between(&before, &after, &glances),
        accounted: after.began.at.duration_since(before.ended.at),
        window_start,
        glances,
    })
}

/// Through the window: a glance each second, the display more often.
async fn watch(target: &Target, generator: &Generator, progress: &Progress) -> Vec<Glance> {
    let window = generator.window();
    let mut glances = vec![target.accounts.glance()];
    let mut next_glance = window.start + GLANCE_EVERY;
    let mut next_show = window.start + SHOW_EVERY;
    loop {
        let next = next_glance.min(next_show).min(window.end);
        sleep_until(next).await;
        if next >= next_glance || next >= window.end {
            glances.push(target.accounts.glance());
            next_glance += GLANCE_EVERY;
        }
        if next >= window.end {
            return glances;
        }
        if next >= next_show {
            progress.show(target, generator, &glances);
            next_show += SHOW_EVERY;
        }
    }
}

fn load(plan: &Plan, target: &Target, point: LoadPoint, seed: u64) -> Load {
    let experiment = &plan.experiment;
    let arrivals = match experiment.load.arrivals {
        Arrivals::Constant => load::Arrivals::Constant,
        Arrivals::Poisson => load::Arrivals::Poisson,
    };
    let shape = match point {
        LoadPoint::Users(users) => Shape::Closed {
            users,
            pace: experiment.load.pace,
        },
        LoadPoint::Rate(rate) => Shape::Open {
            iterations_per_second: rate,
            arrivals,
            in_flight_max: experiment.load.in_flight_max,
        },
        // Its rates come one by one, as the search gives them.
        LoadPoint::Search => Shape::Open {
            iterations_per_second: experiment.load.rate_start,
            arrivals,
            in_flight_max: experiment.load.in_flight_max,
        },
    };
    let connections = &experiment.connections;
    Load {
        address: target.address,
        tls: target.tls.clone(),
        scenario: Arc::clone(&target.scenario),
        shape,
        connections: load::Connections {
            count: match connections.count {
                ConnectionCount::Each(_) => load::ConnectionCount::PerUser,
                ConnectionCount::Shared(count) => load::ConnectionCount::Shared(count),
            },
            streams_max: connections.streams_max,
            reuse: match connections.reuse {
                Reuse::Keep => load::Reuse::Keep,
                Reuse::NewEachRequest => load::Reuse::NewEachRequest,
            },
            stream_window_bytes: connections.stream_window_bytes,
            connection_window_bytes: connections.connection_window_bytes,
        },
        threads: experiment.generator.threads,
        cpus: experiment.generator.cpus.clone(),
        warm_up: experiment.warm_up,
        duration: experiment.duration,
        request_timeout: experiment.request_timeout,
        seed,
    }
}

async fn sleep_until(instant: Instant) {
    tokio::time::sleep_until(instant.into()).await;
}
