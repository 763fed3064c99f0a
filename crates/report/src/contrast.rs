//! A target against the base, the first of the experiment: for each metric and
//! load the ratio from blocks paired by repetition, and whether it stands when
//! all of them are looked at together. Where a scenario has several routes the
//! median is compared by route: that of all requests says how many there are of
//! each.

use results::{Block, LoadPoint, Run};
use stats::{Confidence, Ratio, Unusable};

use crate::{
    Cell, Lack, Language, Metric,
    digest::REPETITIONS_MIN,
    lack::{lacking, remedies},
};

/// Intervals are made at 95%.
const CHANCE: f64 = 0.05;

/// One metric of two targets at one load.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast<'a> {
    /// The load.
    pub load: LoadPoint,
    /// What is compared.
    pub metric: Metric,
    /// Only requests of this route; absent, all.
    pub route: Option<&'a str>,
    /// The first target, below the line.
    pub base: &'a str,
    /// The other one, above it.
    pub other: &'a str,
    /// `other / base`, with its interval.
    pub ratio: Result<Ratio, NoRatio>,
    /// Repetitions that both have the figure in.
    pub pairs: usize,
    /// Repetitions left out because one of the two lacks the figure.
    pub left_out: usize,
    /// Why they lack it, each reason once.
    pub lacks: Vec<Lack>,
    /// The interval excludes 1, and does so after Holm's correction for all
    /// contrasts of the run.
    pub stands: bool,
}

/// Why there is no ratio.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoRatio {
    /// Repetitions are too few.
    #[error("{pairs} pair(s) of blocks; an interval needs {REPETITIONS_MIN}")]
    TooFewPairs {
        /// Those with the figure on both sides.
        pairs: usize,
    },
    /// Runs that were not interleaved: blocks are too few.
    #[error("{blocks} block(s) with the figure; an interval needs {REPETITIONS_MIN} of each run")]
    TooFewBlocks {
        /// Those of the run that has fewer.
        blocks: usize,
    },
    /// A target served nothing in some repetition: a ratio of the others would
    /// leave out the worst.
    #[error("{} served nothing in {blocks} of {of} repetitions", .targets.join(" and "))]
    ServedNothing {
        /// Those that served nothing.
        targets: Vec<String>,
        /// Repetitions in which one of them served nothing.
        blocks: usize,
        /// Repetitions of both.
        of: usize,
    },
    /// The searches of a target found no rate that holds in some repetition.
    #[error("{} held no rate in {blocks} of {of} repetitions", .targets.join(" and "))]
    HeldNothing {
        /// Those that held none.
        targets: Vec<String>,
        /// Repetitions in which one of them held none.
        blocks: usize,
        /// Repetitions of both.
        of: usize,
    },
    /// Another figure is zero in some repetition.
    #[error("the figure of {} is 0 in {blocks} of {of} repetitions", .targets.join(" and "))]
    Zero {
        /// Those of which it is.
        targets: Vec<String>,
        /// Repetitions in which it is.
        blocks: usize,
        /// Repetitions of both.
        of: usize,
    },
    /// Repetitions would be enough, but too many of them lack the figure.
    #[error("{}; {}", lacking(*.missing, *.of, .lacks, Language::English), remedies(.lacks, Language::English))]
    Lacking {
        /// Repetitions in which one of the two lacks it.
        missing: usize,
        /// Repetitions of both.
        of: usize,
        /// Why, each reason once.
        lacks: Vec<Lack>,
    },
    /// The figure is not known of these targets in any block.
    #[error("not known of {}", .targets.join(" and "))]
    Unknown {
        /// Their names.
        targets: Vec<String>,
    },
    /// The statistics refused.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

/// What it means that there are many contrasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multiplicity {
    /// Contrasts that have an interval. A ratio that is the same in all
    /// repetitions has none: chance had no part in it.
    pub intervals: usize,
    /// As many of them would exclude 1 by chance, were all targets the same.
    pub by_chance: f64,
    /// Those that exclude 1.
    pub differ: usize,
    /// Those that still do after Holm's correction.
    pub stand: usize,
}

/// Every contrast of the cells.
pub(crate) fn all<'a>(run: &'a Run, cells: &[Cell<'a>]) -> (Vec<Contrast<'a>>, Multiplicity) {
    let mut contrasts = Vec::new();
    let Some(first) = run.experiment.targets.first() else {
        return (contrasts, multiplicity(&mut []));
    };
    for other in cells.iter().filter(|cell| cell.target.name != first.name) {
        let mut bases = cells.iter();
        let base = bases.find(|cell| cell.target.name == first.name && cell.load == other.load);
        contrasts.extend(base.into_iter().flat_map(|base| of_cells(base, other)));
    }
    let multiplicity = multiplicity(&mut contrasts);
    (contrasts, multiplicity)
}

fn of_cells<'a>(base: &Cell<'a>, other: &Cell<'a>) -> Vec<Contrast<'a>> {
    let metrics = Metric::ALL.into_iter();
    let metrics = metrics.filter(|metric| metric.is_compared_at(other.load));
    let mut contrasts = Vec::new();
    for metric in metrics {
        for route in routes(metric, base, other) {
            let paired = paired(base, other, metric, route);
            contrasts.push(Contrast {
                load: other.load,
                metric,
                route,
                base: &base.target.name,
                other: &other.target.name,
                ratio: paired.ratio,
                pairs: paired.pairs,
                left_out: paired.left_out,
                lacks: paired.lacks,
                stands: false,
            });
        }
    }
    contrasts
}

/// The routes for which a metric is compared; none is all of them.
pub(crate) fn routes<'a>(
    metric: Metric,
    base: &Cell<'a>,
    other: &Cell<'a>,
) -> Vec<Option<&'a str>> {
    if metric != Metric::P50 || base.routes.len().max(other.routes.len()) < 2 {
        return vec![None];
    }
    let of_base: Vec<&str> = base.routes.iter().map(|route| route.route).collect();
    let common = other.routes.iter().map(|route| route.route);
    common
        .filter(|route| of_base.contains(route))
        .map(Some)
        .collect()
}

/// What pairing by repetition gives.
pub(crate) struct Paired {
    pub(crate) ratio: Result<Ratio, NoRatio>,
    pub(crate) pairs: usize,
    pub(crate) left_out: usize,
    pub(crate) lacks: Vec<Lack>,
}

/// A metric of two cells, paired by repetition.
pub(crate) fn paired(
    base: &Cell<'_>,
    other: &Cell<'_>,
    metric: Metric,
    route: Option<&str>,
) -> Paired {
    let blocks = other.blocks.iter();
    let blocks: Vec<(&Block, &Block)> = blocks
        .filter_map(|block| {
            let mut bases = base.blocks.iter();
            let partner = bases.find(|base| base.repetition == block.repetition)?;
            Some((*partner, *block))
        })
        .collect();
    let figure = |block: &Block| metric.of_route(block, route);
    let (of_base, of_other): (Vec<f64>, Vec<f64>) = blocks
        .iter()
        .filter_map(|(base, other)| figure(base).zip(figure(other)))
        .unzip();
    let sides = blocks.iter().flat_map(|(base, other)| [*base, *other]);
    let lacks = lacks(sides, metric, route);
    let (pairs, all) = (of_other.len(), blocks.len());
    let left_out = all - pairs;
    let ratio = if let Some(zero) = zero(&blocks, [base, other], metric, &figure) {
        Err(zero)
    } else if let Some(unknown) = unknown([base, other], metric, route) {
        Err(unknown)
    } else if all < REPETITIONS_MIN {
        Err(NoRatio::TooFewPairs { pairs: all })
    } else if pairs < REPETITIONS_MIN {
        Err(NoRatio::Lacking {
            missing: left_out,
            of: all,
            lacks: lacks.clone(),
        })
    } else {
        Ratio::paired(&of_base, &of_other, Confidence::P95).map_err(NoRatio::from)
    };
    Paired {
        ratio,
        pairs,
        left_out,
        lacks,
    }
}

/// Why blocks lack a figure, each reason once.
pub(crate) fn lacks<'a>(
    blocks: impl Iterator<Item = &'a Block>,
    metric: Metric,
    route: Option<&str>,
) -> Vec<Lack> {
    let without = blocks.filter(|block| metric.of_route(block, route).is_none());
    let mut lacks: Vec<Lack> = without.map(|block| Lack::of(metric, block)).collect();
    lacks.sort_unstable();
    lacks.dedup();
    lacks
}

/// A zero has no ratio, and is not left out: it would be the worst of them.
fn zero(
    blocks: &[(&Block, &Block)],
    [base, other]: [&Cell<'_>; 2],
    metric: Metric,
    figure: &dyn Fn(&Block) -> Option<f64>,
) -> Option<NoRatio> {
    let is_zero = |block: &Block| figure(block) == Some(0.0);
    let zeros = blocks.iter();
    let zeros = zeros.filter(|(base, other)| is_zero(base) || is_zero(other));
    let of_base = blocks.iter().any(|(base, _)| is_zero(base));
    let of_other = blocks.iter().any(|(_, other)| is_zero(other));
    let targets = [(of_base, base), (of_other, other)].into_iter();
    let targets = targets.filter(|(is, _)| *is);
    let targets = targets.map(|(_, cell)| cell.target.name.clone()).collect();
    no_ratio_of_zeros((metric, other.load), targets, zeros.count(), blocks.len())
}

/// Nothing where there are none.
pub(crate) fn no_ratio_of_zeros(
    subject: (Metric, LoadPoint),
    targets: Vec<String>,
    blocks: usize,
    of: usize,
) -> Option<NoRatio> {
    match (blocks, subject) {
        (0, _) => None,
        (_, (Metric::RequestsPerSecond, LoadPoint::Search)) => Some(NoRatio::HeldNothing {
            targets,
            blocks,
            of,
        }),
        (_, (Metric::RequestsPerSecond, _)) => Some(NoRatio::ServedNothing {
            targets,
            blocks,
            of,
        }),
        _ => Some(NoRatio::Zero {
            targets,
            blocks,
            of,
        }),
    }
}

fn unknown(cells: [&Cell<'_>; 2], metric: Metric, route: Option<&str>) -> Option<NoRatio> {
    let cells = cells.into_iter();
    let unknown = cells.filter(|cell| is_never_accounted(cell, metric, route));
    let targets: Vec<String> = unknown.map(|cell| cell.target.name.clone()).collect();
    (!targets.is_empty()).then_some(NoRatio::Unknown { targets })
}

/// Whether no block of the cell has the figure, because it is in no account.
pub(crate) fn is_never_accounted(cell: &Cell<'_>, metric: Metric, route: Option<&str>) -> bool {
    let lacks_it = |block: &&Block| metric.of_route(block, route).is_none();
    cell.blocks.iter().all(lacks_it)
        && cell
            .blocks
            .iter()
            .any(|block| Lack::of(metric, block) == Lack::NotAccounted)
}

/// Looks at all of them together, and marks those that stand.
fn multiplicity(contrasts: &mut [Contrast<'_>]) -> Multiplicity {
    judge(
        contrasts
            .iter_mut()
            .map(|contrast| (&contrast.ratio, &mut contrast.stands)),
    )
}

/// Corrects for all ratios that chance had a part in, and marks those that stand.
pub(crate) fn judge<'a>(
    all: impl Iterator<Item = (&'a Result<Ratio, NoRatio>, &'a mut bool)>,
) -> Multiplicity {
    let (ratios, mut stand): (Vec<&Ratio>, Vec<&mut bool>) = all
        .filter_map(|(ratio, stands)| Some((ratio.as_ref().ok()?, stands)))
        .filter(|(ratio, _)| !ratio.is_constant())
        .unzip();
    let p_values: Vec<f64> = ratios.iter().map(|ratio| ratio.p_value()).collect();
    for (stands, p_value) in stand.iter_mut().zip(stats::holm(&p_values)) {
        **stands = p_value <= CHANCE;
    }
    Multiplicity {
        intervals: ratios.len(),
        by_chance: CHANCE * ratios.len() as f64,
        differ: ratios.iter().filter(|ratio| ratio.differs()).count(),
        stand: stand.iter().filter(|stands| ***stands).count(),
    }
}

#[cfg(test)]
mod tests;
