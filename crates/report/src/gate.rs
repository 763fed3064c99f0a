//! Conditions under which a run fails, for pipelines: `grpc.p99 > 20ms`. In: text
//! and the experiment it is about; out: a [`Gate`] that looks at a [`Digest`].
//!
//! `TARGET[@LOAD][.ROUTE].FIGURE OP VALUE`, or of two targets
//! `OTHER/BASE[@LOAD][.ROUTE].FIGURE OP FACTOR`. Without a load every load is
//! looked at, and one that trips is enough. Latencies are those of all requests
//! of the cell, other figures means over the repetitions. `round-trip-p99` and the
//! like are of single messages: they are known by route, and without one each route
//! that has them is looked at. A ratio trips when the
//! whole of its 95% interval is beyond the factor, so that noise does not fail a
//! pipeline; a single figure has no such margin, and its limit should leave one.
//!
//! Nothing measured is not passed. What has no figure trips, and so does a ratio
//! of which a repetition lacks the figure. A failed request counts as slower than
//! any limit: whatever its value, a gate on a latency trips where more requests
//! failed than the latency leaves out of account, which is 1% for p99, half for
//! p50, and none for mean and max. Failures are not known by route: all of them
//! may be of the route that a gate names. A search's objective
//! ([`crate::Objective::is_met`]) is stricter and allows a latency no failure at
//! all, because a rate at which requests fail is not held.

mod read;

use std::fmt;

use results::LoadPoint;

use crate::{
    Cell, Digest, Language, Metric,
    condition::{At, Condition, ConditionError, Figure},
    contrast,
    figures::{factors, percent},
    lack::lacking,
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
        route: Option<String>,
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
    #[error("{figure} has no ratio; choose mean, p50, p99, rps, cpu, bytes or memory")]
    NotAsRatio {
        /// The figure.
        figure: String,
    },
    /// Too few for an interval.
    #[error(
        "a ratio needs {needed} repetitions, and the experiment has {repetitions}; raise --repetitions"
    )]
    Repetitions {
        /// For an interval.
        needed: usize,
        /// Of the experiment.
        repetitions: u32,
    },
    /// The target has no accounts.
    #[error(
        "{figure} is known of processes, and {target} names none; name them, as in \
         --against {target}=URL,ROLE:PID, or leave the gate out"
    )]
    NoProcesses {
        /// The figure.
        figure: String,
        /// The target.
        target: String,
    },
    /// Nothing goes to and fro.
    #[error(
        "{figure} is known of calls that stream both ways, message by message, and {of} makes \
         none; give a gRPC call messages, and every other than 0s, or leave the gate out"
    )]
    NoRoundTrips {
        /// The figure.
        figure: String,
        /// The target, or the route of it.
        of: String,
    },
    /// A median of requests of several kinds.
    #[error(
        "{target} has several routes, and the median of all their requests says only how many \
         there are of each; name a route: {example}"
    )]
    SeveralRoutes {
        /// The target.
        target: String,
        /// What could be written.
        example: String,
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
    /// More requests than the figure allows.
    Failed(String),
    Nothing(String),
}

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trip { gate, cell, .. } = self;
        match &self.finding {
            Finding::Figure(figure) => write!(f, "{gate}: {cell} has {figure}"),
            Finding::Failed(share) => write!(
                f,
                "{gate}: {cell}: {share}; a failure counts as slower than any limit"
            ),
            Finding::Nothing(reason) => write!(f, "{gate}: {cell} cannot be judged: {reason}"),
        }
    }
}

impl Gate {
    /// Whether a target can have the figure whose `conversing` routes are those that
    /// stream both ways, message by message. Which methods do is known when they have been
    /// described, which is later than the experiment.
    pub fn check_conversing(&self, target: &str, conversing: &[&str]) -> Result<(), GateError> {
        let Subject::Target {
            target: subject,
            route,
        } = &self.subject
        else {
            return Ok(());
        };
        let known = match route {
            Some(route) => conversing.contains(&route.as_str()),
            None => !conversing.is_empty(),
        };
        match subject == target && self.figure.is_round_trip() && !known {
            false => Ok(()),
            true => Err(GateError {
                text: self.to_string(),
                reason: no_round_trips(self.figure, target, route.as_deref()),
            }),
        }
    }

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
                Subject::Ratio { other, base, route } => {
                    let cells = digest.cell(base, load).zip(digest.cell(other, load));
                    let finding = match cells {
                        Some((base, other)) => self.of_ratio(base, other, route.as_deref()),
                        None => Some(Finding::Nothing("it was not measured".to_owned())),
                    };
                    (format!("{other}/{base}"), finding?)
                }
            };
            Some(Trip {
                gate: self.to_string(),
                cell: format!("{}, {cell}", load_name(load, Language::English)),
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
        if let Some(failed) = self.failures(cell, route) {
            return Some(failed);
        }
        if self.figure.is_round_trip() {
            return self.of_messages(cell, route);
        }
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

    /// Of single messages: of the route, or of each that has any, and the first that
    /// trips is told.
    fn of_messages(&self, cell: &Cell<'_>, route: Option<&str>) -> Option<Finding> {
        let routes = cell.routes.iter();
        let routes = routes.filter(|of| route.is_none_or(|name| name == of.route));
        let mut figures = routes
            .filter_map(|of| Some((of.route, self.figure.of_latency(of.round_trip?)?)))
            .peekable();
        if figures.peek().is_none() {
            let reason = "no message of it was answered within a call";
            return Some(Finding::Nothing(reason.to_owned()));
        }
        let (name, figure) = figures.find(|(_, figure)| self.condition.holds(*figure))?;
        let figure = self.figure.write(figure);
        Some(Finding::Figure(match route {
            Some(_) => figure,
            None => format!("{figure} in {name}"),
        }))
    }

    fn of_ratio(&self, base: &Cell<'_>, other: &Cell<'_>, route: Option<&str>) -> Option<Finding> {
        let mut cells = [base, other].into_iter();
        if let Some(failed) = cells.find_map(|cell| self.failures(cell, route)) {
            return Some(failed);
        }
        // The reader saw to it that the figure has one.
        let paired = contrast::paired(base, other, metric(self.figure)?, route);
        let ratio = match paired.ratio {
            Ok(ratio) => ratio,
            Err(reason) => return Some(Finding::Nothing(reason.to_string())),
        };
        if paired.left_out > 0 {
            let all = paired.pairs + paired.left_out;
            let reason = lacking(paired.left_out, all, &paired.lacks, Language::English);
            return Some(Finding::Nothing(reason));
        }
        let near = match self.condition.operator.is_upward() {
            true => ratio.low(),
            false => ratio.high(),
        };
        self.condition.holds(near).then(|| {
            let [estimate, low, high] = factors(&ratio);
            Finding::Figure(format!("{estimate} (95% CI {low} to {high})"))
        })
    }

    /// More failures than a latency leaves out of account; those of a route are
    /// at most those of all.
    fn failures(&self, cell: &Cell<'_>, route: Option<&str>) -> Option<Finding> {
        if !self.figure.is_latency() {
            return None;
        }
        let share = match route {
            None => cell.failed_share()?,
            Some(name) => cell.failed_share_of(name)?,
        };
        let at_most = if route.is_some() { "up to " } else { "" };
        let allowed = self.figure.failures_max();
        (share > allowed).then(|| {
            let beyond = match allowed > 0.0 {
                true => format!(
                    ", more than the {} that {} allows",
                    percent(allowed),
                    self.figure
                ),
                false => String::new(),
            };
            let (target, share) = (&cell.target.name, percent(share));
            Finding::Failed(format!(
                "{at_most}{share} of the requests of {target} failed{beyond}"
            ))
        })
    }
}

fn no_round_trips(figure: Figure, target: &str, route: Option<&str>) -> GateReason {
    GateReason::NoRoundTrips {
        figure: figure.to_string(),
        of: route.map_or(target.to_owned(), |route| format!("{route} of {target}")),
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
        Figure::Latency(_) => figure.of_latency(cell.times.latency?),
        // Of several routes together they would say how many there are of each.
        Figure::RoundTrip(_) => None,
    }
}

/// What is compared for a figure, where it is.
fn metric(figure: Figure) -> Option<Metric> {
    match figure {
        Figure::Latency(At::Mean) => Some(Metric::MeanLatency),
        Figure::Latency(At::P50) => Some(Metric::P50),
        Figure::Latency(At::P99) => Some(Metric::P99),
        Figure::RequestsPerSecond => Some(Metric::RequestsPerSecond),
        Figure::Cpu => Some(Metric::Cpu),
        Figure::Bytes => Some(Metric::Bytes),
        Figure::Memory => Some(Metric::Memory),
        Figure::Latency(_) | Figure::RoundTrip(_) | Figure::Failed => None,
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
            Subject::Ratio {
                other,
                base,
                route: None,
            } => write!(f, "{other}/{base}{at}.{figure} {condition}"),
            Subject::Ratio {
                other,
                base,
                route: Some(route),
            } => write!(f, "{other}/{base}{at}.{route}.{figure} {condition}"),
        }
    }
}

#[cfg(test)]
mod tests;
