//! The text of a gate, read against the experiment: names are recognised rather
//! than cut at a separator, so that a load of `0.5/s` or a name with a point
//! needs no quoting.

use results::{Experiment, LoadPoint, Request, Target};

use super::{Gate, GateError, GateReason, Subject, metric, no_round_trips};
use crate::{
    REPETITIONS_MIN,
    condition::{At, Figure, Parted},
};

impl Gate {
    /// Reads a gate on this experiment.
    pub fn parse(text: &str, experiment: &Experiment) -> Result<Gate, GateError> {
        let text = text.trim();
        read(text, experiment).map_err(|reason| GateError {
            text: text.to_owned(),
            reason,
        })
    }
}

fn read(text: &str, experiment: &Experiment) -> Result<Gate, GateReason> {
    let parted = Parted::new(text)?;
    let (other, rest) = target(parted.subject, experiment)?;
    let (base, rest) = match rest.strip_prefix('/') {
        None => (None, rest),
        Some(rest) => {
            let (base, rest) = target(rest, experiment)?;
            (Some(base), rest)
        }
    };
    let (load, rest) = load(rest, experiment)?;
    let rest = rest.strip_prefix('.').ok_or(GateReason::NoFigure)?;
    let (route, name) = match rest.rsplit_once('.') {
        Some((route, name)) => (Some(route), name),
        None => (None, rest),
    };
    let figure = Figure::parse(name)?;
    let subject =
        other.name.clone() + &base.map_or(String::new(), |base| format!("/{}", base.name));
    for target in [Some(other), base].into_iter().flatten() {
        check_figure(figure, route, target, &subject, experiment)?;
    }
    let route = route.map(str::to_owned);
    let (subject, condition) = match base {
        None => {
            let target = other.name.clone();
            (Subject::Target { target, route }, parted.condition(figure)?)
        }
        Some(base) => {
            check_ratio(figure, experiment)?;
            let (other, base) = (other.name.clone(), base.name.clone());
            (Subject::Ratio { other, base, route }, parted.factor()?)
        }
    };
    Ok(Gate {
        subject,
        load,
        figure,
        condition,
    })
}

/// Whether a target can have the figure at all: a gate that could only trip is
/// refused before hours are spent on measuring.
fn check_figure(
    figure: Figure,
    route: Option<&str>,
    target: &Target,
    subject: &str,
    experiment: &Experiment,
) -> Result<(), GateReason> {
    let routes = experiment.routes(target);
    if let Some(route) = route.filter(|route| !routes.contains(route)) {
        return Err(GateReason::Route {
            route: route.to_owned(),
            target: target.name.clone(),
            known: list(routes.into_iter().map(str::to_owned)),
        });
    }
    if route.is_some() && !figure.is_latency() {
        return Err(GateReason::NotByRoute {
            figure: figure.to_string(),
        });
    }
    let mut requests = experiment.requests_of(target).iter();
    let may_converse = |request: &Request| {
        route.is_none_or(|route| route == request.name) && request.may_converse()
    };
    if figure.is_round_trip() && !requests.any(may_converse) {
        return Err(no_round_trips(figure, &target.name, route));
    }
    if figure == Figure::Latency(At::P50) && route.is_none() && routes.len() > 1 {
        return Err(GateReason::SeveralRoutes {
            target: target.name.clone(),
            example: format!("{subject}.{}.{figure}", routes[0]),
        });
    }
    let is_accounted = target.chain.is_some() || !target.processes.is_empty();
    if matches!(figure, Figure::Cpu | Figure::Bytes | Figure::Memory) && !is_accounted {
        return Err(GateReason::NoProcesses {
            figure: figure.to_string(),
            target: target.name.clone(),
        });
    }
    Ok(())
}

fn check_ratio(figure: Figure, experiment: &Experiment) -> Result<(), GateReason> {
    metric(figure).ok_or_else(|| GateReason::NotAsRatio {
        figure: figure.to_string(),
    })?;
    let repetitions = experiment.repetitions;
    match repetitions as usize >= REPETITIONS_MIN {
        true => Ok(()),
        false => Err(GateReason::Repetitions {
            needed: REPETITIONS_MIN,
            repetitions,
        }),
    }
}

/// The target that `text` begins with, and the rest: the longest name that is
/// followed by what may follow one.
fn target<'e, 't>(
    text: &'t str,
    experiment: &'e Experiment,
) -> Result<(&'e Target, &'t str), GateReason> {
    let targets = experiment.targets.iter();
    let found = targets
        .filter_map(|target| {
            let rest = text.strip_prefix(target.name.as_str())?;
            (rest.is_empty() || rest.starts_with(['.', '@', '/'])).then_some((target, rest))
        })
        .max_by_key(|(target, _)| target.name.len());
    found.ok_or_else(|| GateReason::Target {
        text: text.to_owned(),
        known: list(experiment.targets.iter().map(|target| target.name.clone())),
    })
}

/// The load that is named after an `@`, and the rest.
fn load<'t>(
    text: &'t str,
    experiment: &Experiment,
) -> Result<(Option<LoadPoint>, &'t str), GateReason> {
    let Some(text) = text.strip_prefix('@') else {
        return Ok((None, text));
    };
    let points = experiment.load.points();
    let found = points
        .iter()
        .filter_map(|load| {
            let spelling = spelling(*load);
            let rest = text.strip_prefix(spelling.as_str())?;
            rest.starts_with('.')
                .then_some((*load, rest, spelling.len()))
        })
        .max_by_key(|(.., length)| *length);
    match found {
        Some((load, rest, _)) => Ok((Some(load), rest)),
        None => Err(GateReason::Load {
            text: text.to_owned(),
            known: list(points.into_iter().map(spelling)),
        }),
    }
}

/// As loads are written in gates: `400` users, `500/s`, `search`.
pub(super) fn spelling(load: LoadPoint) -> String {
    match load {
        LoadPoint::Users(users) => users.to_string(),
        LoadPoint::Rate(rate) => format!("{rate}/s"),
        LoadPoint::Search => "search".to_owned(),
    }
}

fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}
