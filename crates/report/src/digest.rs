//! A run with its repetitions brought together: in, the record and the raw
//! histograms; out, cells (a target at a load) and contrasts (a target against
//! the first). All outputs are made from this. Percentiles are those of all
//! requests of a cell, from its histograms merged without loss: a mean of
//! percentiles would be the percentile of nothing.

mod times;

use results::{Block, Histograms, LoadPoint, Run, Target};
use stats::{Confidence, Mean, Ratio};

use crate::{
    Component, Contrast, Metric, Multiplicity, NoRatio, Published, contrast,
    published::{self, ceiling_per_second},
};

pub use times::{RouteTimes, Times};

/// From so few repetitions no interval is made: with two, it would be some five
/// times as wide as with three, and hold anything.
pub const REPETITIONS_MIN: usize = 3;

/// A run, digested.
#[derive(Debug, Clone)]
pub struct Digest<'a> {
    /// What it was made from.
    pub run: &'a Run,
    /// By load, then by target, in the experiment's order; those with blocks.
    pub cells: Vec<Cell<'a>>,
    /// By load, then by target, then by metric: every target but the first
    /// against the first.
    pub contrasts: Vec<Contrast<'a>>,
    /// How many of them there are, and what that does to them.
    pub multiplicity: Multiplicity,
}

/// One target at one load.
#[derive(Debug, Clone)]
pub struct Cell<'a> {
    /// The target.
    pub target: &'a Target,
    /// The load.
    pub load: LoadPoint,
    /// By repetition; never empty.
    pub blocks: Vec<&'a Block>,
    /// Of all requests; absent where raw histograms are missing.
    pub times: Times,
    /// By route, in the scenario's order.
    pub routes: Vec<RouteTimes<'a>>,
    /// Repetitions whose raw histograms could not be read.
    pub histograms_missing: usize,
    /// Means over the repetitions, by metric; those without a figure are left out.
    pub averages: Vec<(Metric, Average)>,
    /// The target's roles, then the generator.
    pub components: Vec<Component>,
    /// What the original study published for such a cell.
    pub published: Option<Published>,
    /// What no system can pass with these users and these requests, where known.
    pub ceiling_per_second: Option<f64>,
}

/// A figure over the repetitions of a cell: their geometric mean, which divides
/// to the same ratios that contrasts have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Average {
    /// In the metric's unit.
    pub mean: f64,
    /// A 95% interval; absent from fewer than [`REPETITIONS_MIN`].
    pub interval: Option<(f64, f64)>,
    /// Repetitions that have the figure.
    pub repetitions: usize,
}

impl<'a> Digest<'a> {
    /// Digests `run`. Each block's raw histograms are asked for once; none where
    /// they cannot be had.
    pub fn new(
        run: &'a Run,
        histograms: &mut dyn FnMut(&Block) -> Option<Histograms>,
    ) -> Digest<'a> {
        let mut cells = Vec::new();
        for load in run.loads() {
            for target in &run.experiment.targets {
                let blocks = run.cell(&target.name, load);
                if !blocks.is_empty() {
                    cells.push(Cell::new(run, target, load, blocks, histograms));
                }
            }
        }
        let (contrasts, multiplicity) = contrast::all(run, &cells);
        Digest {
            run,
            cells,
            contrasts,
            multiplicity,
        }
    }

    /// The cell of this target at this load, where it has blocks.
    pub fn cell(&self, target: &str, load: LoadPoint) -> Option<&Cell<'a>> {
        self.cells
            .iter()
            .find(|cell| cell.target.name == target && cell.load == load)
    }

    /// The targets that have blocks, in the experiment's order.
    pub fn targets(&self) -> Vec<&'a str> {
        let targets = self.run.experiment.targets.iter();
        targets
            .map(|target| target.name.as_str())
            .filter(|name| self.cells.iter().any(|cell| cell.target.name == *name))
            .collect()
    }

    /// The ratio of any two targets at a load.
    pub fn ratio(
        &self,
        base: &str,
        other: &str,
        load: LoadPoint,
        metric: Metric,
    ) -> Result<Ratio, NoRatio> {
        let cells = self.cell(base, load).zip(self.cell(other, load));
        let (base, other) = cells.ok_or(NoRatio::TooFewPairs { pairs: 0 })?;
        contrast::paired(base, other, metric, None).ratio
    }

    /// Whether latencies counted from the intended start can differ from those
    /// counted from the moment of sending.
    pub fn has_intended_starts(&self) -> bool {
        let load = &self.run.experiment.load;
        load.users.is_empty() || load.pace.is_some()
    }
}

impl<'a> Cell<'a> {
    fn new(
        run: &'a Run,
        target: &'a Target,
        load: LoadPoint,
        blocks: Vec<&'a Block>,
        histograms: &mut dyn FnMut(&Block) -> Option<Histograms>,
    ) -> Cell<'a> {
        let routes = run.experiment.routes(target);
        let merged = times::merge(&routes, &blocks, histograms);
        let averages = Metric::ALL
            .into_iter()
            .filter_map(|metric| {
                let values: Vec<f64> = blocks.iter().filter_map(|block| metric.of(block)).collect();
                Some((metric, Average::of(&values)?))
            })
            .collect();
        let is_published = published::applies(&run.experiment, target);
        Cell {
            target,
            load,
            times: merged.times,
            routes: merged.routes,
            histograms_missing: merged.missing,
            averages,
            components: Component::of(&blocks),
            published: is_published
                .then(|| Published::of(target.chain?, load))
                .flatten(),
            ceiling_per_second: is_published.then(|| ceiling_per_second(load)).flatten(),
            blocks,
        }
    }

    /// The mean of a metric over the repetitions.
    pub fn average(&self, metric: Metric) -> Option<Average> {
        let mut averages = self.averages.iter();
        averages
            .find(|(of, _)| *of == metric)
            .map(|(_, average)| *average)
    }

    /// Whether the median of all its requests says something of the target: with
    /// several routes it says only how many requests there are of each.
    pub(crate) fn has_median(&self) -> bool {
        self.routes.len() < 2
    }

    /// Failures of all its repetitions.
    pub fn failed(&self) -> u64 {
        self.blocks.iter().map(|block| block.failures.total).sum()
    }

    /// Successes that were due in the windows of all its repetitions.
    pub fn succeeded(&self) -> u64 {
        let latencies = self.blocks.iter().filter_map(|block| block.latency);
        latencies.map(|latency| latency.count).sum()
    }

    /// The share of its requests that failed; absent without requests.
    pub fn failed_share(&self) -> Option<f64> {
        self.failed_beside(self.succeeded())
    }

    /// The same of a route at worst, were all failures its own: they are not known
    /// by route.
    pub(crate) fn failed_share_of(&self, route: &str) -> Option<f64> {
        let routes = self.blocks.iter().flat_map(|block| &block.routes);
        let of_route = routes.filter(|of| of.route == route);
        let latencies = of_route.filter_map(|route| route.latency);
        self.failed_beside(latencies.map(|latency| latency.count).sum())
    }

    fn failed_beside(&self, succeeded: u64) -> Option<f64> {
        let all = self.failed() + succeeded;
        (all > 0).then(|| self.failed() as f64 / all as f64)
    }
}

impl Average {
    /// Absent of nothing.
    pub(crate) fn of(values: &[f64]) -> Option<Average> {
        let mean = Mean::of(values, Confidence::P95);
        Some(match mean {
            Ok(mean) => Average {
                mean: mean.estimate(),
                interval: (values.len() >= REPETITIONS_MIN).then(|| (mean.low(), mean.high())),
                repetitions: values.len(),
            },
            // One value, or a zero among them, which has no logarithm.
            Err(_) => Average {
                mean: crate::component::mean(values.iter().copied())?,
                interval: None,
                repetitions: values.len(),
            },
        })
    }

    /// Half the interval's width as a share of the mean.
    pub fn margin(&self) -> Option<f64> {
        let (low, high) = self.interval?;
        Some((high - low) / 2.0 / self.mean)
    }
}

#[cfg(test)]
mod tests;
