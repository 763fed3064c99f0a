//! A target against the base, the first of the experiment: for each metric and
//! load the ratio from blocks paired by repetition, and whether it stands when
//! all of them are looked at together. Where a scenario has several routes the
//! median is compared by route: that of all requests says how many there are of
//! each.

use results::{Block, LoadPoint, Run};
use stats::{Confidence, Ratio, Unusable};

use crate::{Cell, Metric, digest::REPETITIONS_MIN};

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
    /// Repetitions left out because one of the two lacks the figure, or has none
    /// above zero.
    pub left_out: usize,
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
            let Paired {
                ratio,
                pairs,
                left_out,
            } = paired(base, other, &|block| metric.of_route(block, route));
            contrasts.push(Contrast {
                load: other.load,
                metric,
                route,
                base: &base.target.name,
                other: &other.target.name,
                ratio,
                pairs,
                left_out,
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
}

/// `figure` of two cells, paired by repetition.
pub(crate) fn paired(
    base: &Cell<'_>,
    other: &Cell<'_>,
    figure: &dyn Fn(&Block) -> Option<f64>,
) -> Paired {
    let (mut of_base, mut of_other, mut left_out) = (Vec::new(), Vec::new(), 0);
    for block in &other.blocks {
        let mut bases = base.blocks.iter();
        let Some(partner) = bases.find(|base| base.repetition == block.repetition) else {
            continue;
        };
        match usable(figure(partner)).zip(usable(figure(block))) {
            Some((base, other)) => {
                of_base.push(base);
                of_other.push(other);
            }
            None => left_out += 1,
        }
    }
    let pairs = of_other.len();
    let unknown: Vec<String> = [base, other]
        .into_iter()
        .filter(|cell| cell.blocks.iter().all(|block| figure(block).is_none()))
        .map(|cell| cell.target.name.clone())
        .collect();
    let ratio = if !unknown.is_empty() {
        Err(NoRatio::Unknown { targets: unknown })
    } else if pairs < REPETITIONS_MIN {
        Err(NoRatio::TooFewPairs { pairs })
    } else {
        Ratio::paired(&of_base, &of_other, Confidence::P95).map_err(NoRatio::from)
    };
    Paired {
        ratio,
        pairs,
        left_out,
    }
}

/// A ratio needs figures above zero.
pub(crate) fn usable(figure: Option<f64>) -> Option<f64> {
    figure.filter(|figure| *figure > 0.0 && figure.is_finite())
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
