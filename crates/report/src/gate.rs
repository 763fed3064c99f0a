//! Conditions under which a run fails, for pipelines: `grpc.p99 > 20ms`. In: text
//! and the experiment it is about; out: a [`Gate`] that looks at a [`Digest`].
//!
//! `TARGET[@LOAD][.ROUTE].FIGURE OP VALUE`, or of two targets
//! `OTHER/BASE[@LOAD].FIGURE OP FACTOR`. Without a load every load is looked at,
//! and one that trips is enough. Latencies are those of all requests of the
//! cell, other figures means over the repetitions. A ratio trips when the whole
//! of its 95% interval is beyond the factor, so that noise does not fail a
//! pipeline; a single figure has no such margin, and its limit should leave one.
//! What has no figure trips too: nothing measured is not passed.

mod read;

use std::fmt;

use results::LoadPoint;

use crate::{
    Cell, Digest, Metric,
    condition::{Condition, ConditionError, Figure},
    figures::factor,
    warnings::load_name,
};

/// A condition that must not come true.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    subject: Subject,
    /// Absent, every load of the experiment.
    load: Option<LoadPoint>,
    figure: Figure,
    condition: Condition,
}

#[derive(Debug, Clone, PartialEq)]
enum Subject {
    Target {
        target: String,
        route: Option<String>,
    },
    Ratio {
        other: String,
        base: String,
    },
}

/// Why a text is no gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gate {text:?}: {reason}")]
pub struct GateError {
    /// As written.
    pub text: String,
    /// What is wrong.
    pub reason: GateReason,
}

/// What is wrong with a gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateReason {
    /// Operator, figure or value.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// The target is not in the experiment.
    #[error("{text:?} begins with no target of the experiment; it has {known}")]
    Target {
        /// What stands there.
        text: String,
        /// Those there are.
        known: String,
    },
    /// The load is not in the experiment.
    #[error("{text:?} begins with no load of the experiment; it has {known}")]
    Load {
        /// What stands there.
        text: String,
        /// Those there are, as they are written in gates.
        known: String,
    },
    /// The route is not in the target's scenario.
    #[error("{route:?} is no route of {target}; it has {known}")]
    Route {
        /// As written.
        route: String,
        /// The target.
        target: String,
        /// Those there are.
        known: String,
    },
    /// No figure is named.
    #[error("it names no figure; write one after a point, as in grpc.p99 > 20ms")]
    NoFigure,
    /// Not known by route.
    #[error("{figure} is not known by route; leave the route out")]
    NotByRoute {
        /// The figure.
        figure: String,
    },
    /// There are no intervals of it.
    #[error(
        "{figure} has no ratio; choose mean, p50, p99, rps, cpu, bytes or memory, and no route"
    )]
    NotAsRatio {
        /// The figure.
        figure: String,
    },
}

/// A gate that tripped in one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Trip {
    gate: String,
    cell: String,
    finding: Finding,
}

#[derive(Debug, Clone, PartialEq)]
enum Finding {
    Figure(String),
    Nothing(String),
}

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trip { gate, cell, .. } = self;
        match &self.finding {
            Finding::Figure(figure) => write!(f, "{gate}: {cell} has {figure}"),
            Finding::Nothing(reason) => write!(f, "{gate}: {cell} has no figure: {reason}"),
        }
    }
}

impl Gate {
    /// Where it trips; empty when it does not.
    pub fn check(&self, digest: &Digest<'_>) -> Vec<Trip> {
        let loads = match self.load {
            Some(load) => vec![load],
            None => digest.run.loads(),
        };
        let trip = |load: LoadPoint| {
            let (cell, finding) = match &self.subject {
                Subject::Target { target, route } => {
                    let finding = self.of_target(digest, target, route.as_deref(), load);
                    (target.clone(), finding?)
                }
                Subject::Ratio { other, base } => {
                    let finding = self.of_ratio(digest, other, base, load);
                    (format!("{other}/{base}"), finding?)
                }
            };
            Some(Trip {
                gate: self.to_string(),
                cell: format!("{}, {cell}", load_name(load, crate::Language::English)),
                finding,
            })
        };
        loads.into_iter().filter_map(trip).collect()
    }

    fn of_target(
        &self,
        digest: &Digest<'_>,
        target: &str,
        route: Option<&str>,
        load: LoadPoint,
    ) -> Option<Finding> {
        let Some(cell) = digest.cell(target, load) else {
            return Some(Finding::Nothing("it was not measured".to_owned()));
        };
        let figure = match route {
            None => of_cell(self.figure, cell),
            Some(name) => {
                let route = cell.routes.iter().find(|route| route.route == name);
                let latency = route.and_then(|route| route.times.latency);
                latency.and_then(|latency| self.figure.of_latency(latency))
            }
        };
        match figure {
            Some(figure) if self.condition.holds(figure) => {
                Some(Finding::Figure(self.figure.write(figure)))
            }
            Some(_) => None,
            None => Some(Finding::Nothing("it is not known of the target".to_owned())),
        }
    }

    fn of_ratio(
        &self,
        digest: &Digest<'_>,
        other: &str,
        base: &str,
        load: LoadPoint,
    ) -> Option<Finding> {
        // The reader saw to it that the figure has one.
        let metric = metric(self.figure)?;
        let ratio = match digest.ratio(base, other, load, metric) {
            Ok(ratio) => ratio,
            Err(reason) => return Some(Finding::Nothing(reason.to_string())),
        };
        let near = match self.condition.operator.is_upward() {
            true => ratio.low(),
            false => ratio.high(),
        };
        self.condition.holds(near).then(|| {
            let [estimate, low, high] = [ratio.estimate(), ratio.low(), ratio.high()].map(factor);
            Finding::Figure(format!("{estimate} (95% CI {low} to {high})"))
        })
    }
}

/// The figure of all requests of a cell.
fn of_cell(figure: Figure, cell: &Cell<'_>) -> Option<f64> {
    let average = |metric| cell.average(metric).map(|average| average.mean);
    match figure {
        Figure::RequestsPerSecond => average(Metric::RequestsPerSecond),
        Figure::Cpu => average(Metric::Cpu),
        Figure::Bytes => average(Metric::Bytes),
        Figure::Memory => average(Metric::Memory),
        Figure::Failed => cell.failed_share(),
        latency => latency.of_latency(cell.times.latency?),
    }
}

/// What is compared for a figure, where it is.
fn metric(figure: Figure) -> Option<Metric> {
    match figure {
        Figure::Mean => Some(Metric::MeanLatency),
        Figure::P50 => Some(Metric::P50),
        Figure::P99 => Some(Metric::P99),
        Figure::RequestsPerSecond => Some(Metric::RequestsPerSecond),
        Figure::Cpu => Some(Metric::Cpu),
        Figure::Bytes => Some(Metric::Bytes),
        Figure::Memory => Some(Metric::Memory),
        Figure::P90 | Figure::P95 | Figure::P999 | Figure::Max | Figure::Failed => None,
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self
            .load
            .map_or(String::new(), |load| format!("@{}", read::spelling(load)));
        let Gate {
            figure, condition, ..
        } = self;
        match &self.subject {
            Subject::Target {
                target,
                route: None,
            } => write!(f, "{target}{at}.{figure} {condition}"),
            Subject::Target {
                target,
                route: Some(route),
            } => write!(f, "{target}{at}.{route}.{figure} {condition}"),
            Subject::Ratio { other, base } => {
                write!(f, "{other}/{base}{at}.{figure} {condition}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
