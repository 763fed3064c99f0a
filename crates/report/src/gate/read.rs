//! The text of a gate, read against the experiment: names are recognised rather
//! than cut at a separator, so that a load of `0.5/s` or a name with a point
//! needs no quoting.

use results::{Experiment, LoadPoint, Target};

use super::{Gate, GateError, GateReason, Subject, metric};
use crate::condition::{Figure, Parted};

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
    let (target, rest) = target(parted.subject, experiment)?;
    if let Some(rest) = rest.strip_prefix('/') {
        let (base, rest) = self::target(rest, experiment)?;
        let (load, rest) = load(rest, experiment)?;
        let name = rest.strip_prefix('.').ok_or(GateReason::NoFigure)?;
        if name.contains('.') {
            return Err(GateReason::NotAsRatio {
                figure: name.to_owned(),
            });
        }
        let figure = Figure::parse(name)?;
        metric(figure).ok_or_else(|| GateReason::NotAsRatio {
            figure: figure.to_string(),
        })?;
        return Ok(Gate {
            subject: Subject::Ratio {
                other: target.name.clone(),
                base: base.name.clone(),
            },
            load,
            figure,
            condition: parted.factor()?,
        });
    }
    let (load, rest) = load(rest, experiment)?;
    let rest = rest.strip_prefix('.').ok_or(GateReason::NoFigure)?;
    let (route, name) = match rest.rsplit_once('.') {
        Some((route, name)) => (Some(known_route(route, target, experiment)?), name),
        None => (None, rest),
    };
    let figure = Figure::parse(name)?;
    if route.is_some() && !figure.is_latency() {
        return Err(GateReason::NotByRoute {
            figure: figure.to_string(),
        });
    }
    Ok(Gate {
        subject: Subject::Target {
            target: target.name.clone(),
            route,
        },
        load,
        figure,
        condition: parted.condition(figure)?,
    })
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

fn known_route(
    route: &str,
    target: &Target,
    experiment: &Experiment,
) -> Result<String, GateReason> {
    let routes = experiment.routes(target);
    match routes.contains(&route) {
        true => Ok(route.to_owned()),
        false => Err(GateReason::Route {
            route: route.to_owned(),
            target: target.name.clone(),
            known: list(routes.into_iter().map(str::to_owned)),
        }),
    }
}

fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}
