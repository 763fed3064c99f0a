//! Whether two runs were made under the same conditions: everything that is not
//! what one wants to compare has to be equal. All differences are found at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use results::{Experiment, Load, Run, State};
use serde::Serialize;
use serde_json::Value;

use super::{Difference, NotComparable, partner};
use crate::{Digest, figures::bytes, warnings::load_name};

/// Memory that the kernel reports varies a little on the same machine.
const MEMORY_SHARE_MAX: f64 = 0.05;

const SAME_MACHINE: &str = "compare runs of one machine";
const SAME_EXPERIMENT: &str = "repeat one of the runs with the other's experiment file";

pub(super) struct Found {
    pub(super) reasons: Vec<Difference>,
    pub(super) cautions: Vec<Difference>,
}

pub(super) fn too_few_runs(runs: usize) -> NotComparable {
    NotComparable {
        reasons: vec![Difference {
            run: "comparison".to_owned(),
            what: "number of runs".to_owned(),
            base: "two are needed".to_owned(),
            other: runs.to_string(),
            remedy: "name two folders or more",
        }],
    }
}

pub(super) fn differences(name: &str, base: &Digest<'_>, other: &Digest<'_>) -> Found {
    let mut reasons = Differences::new(name);
    let mut cautions = Differences::new(name);
    if is_same(base.run, other.run) {
        let remedy = "name two runs; of one with itself every ratio is 1";
        let started = base.run.started().to_owned();
        reasons.add(
            "what was measured",
            started,
            "the same run".to_owned(),
            remedy,
        );
    }
    machines(&mut reasons, &mut cautions, base.run, other.run);
    experiments(&mut reasons, &base.run.experiment, &other.run.experiment);
    targets(&mut reasons, &mut cautions, base, other);
    versions(&mut cautions, base.run, other.run);
    Found {
        reasons: reasons.found,
        cautions: cautions.found,
    }
}

/// A run, its copy, or what came of it later: no two runs begin in the same second
/// and measure the same.
fn is_same(base: &Run, other: &Run) -> bool {
    let blocks = base.blocks.len().min(other.blocks.len());
    base.started() == other.started()
        && blocks > 0
        && base.blocks[..blocks] == other.blocks[..blocks]
}

struct Differences<'a> {
    run: &'a str,
    found: Vec<Difference>,
}

impl<'a> Differences<'a> {
    fn new(run: &'a str) -> Differences<'a> {
        Differences {
            run,
            found: Vec::new(),
        }
    }

    fn equal<T: PartialEq + Debug>(
        &mut self,
        what: &str,
        base: &T,
        other: &T,
        remedy: &'static str,
    ) {
        if base != other {
            self.add(what, format!("{base:?}"), format!("{other:?}"), remedy);
        }
    }

    fn add(&mut self, what: impl Into<String>, base: String, other: String, remedy: &'static str) {
        let difference = Difference {
            run: self.run.to_owned(),
            what: what.into(),
            base,
            other,
            remedy,
        };
        // Targets that share their requests differ in them once.
        if !self.found.contains(&difference) {
            self.found.push(difference);
        }
    }
}

fn machines(
    reasons: &mut Differences<'_>,
    cautions: &mut Differences<'_>,
    base: &Run,
    other: &Run,
) {
    let debug = |run: &Run| {
        if run.debug_build {
            "a debug build"
        } else {
            "a release build"
        }
    };
    if base.debug_build != other.debug_build {
        let remedy = "measure both with release builds";
        reasons.add(
            "program",
            debug(base).to_owned(),
            debug(other).to_owned(),
            remedy,
        );
    }
    let (base, other) = (&base.machine, &other.machine);
    let text = |known: &Option<String>| known.clone().unwrap_or_else(|| "unknown".to_owned());
    if base.cpu_model != other.cpu_model {
        let models = (text(&base.cpu_model), text(&other.cpu_model));
        reasons.add("processor", models.0, models.1, SAME_MACHINE);
    }
    reasons.equal(
        "number of usable cores",
        &base.cores,
        &other.cores,
        SAME_MACHINE,
    );
    let processors = (&base.processors, &other.processors);
    reasons.equal(
        "number of processors",
        processors.0,
        processors.1,
        SAME_MACHINE,
    );
    if let Some((one, two)) = base.memory_bytes.zip(other.memory_bytes) {
        let (one, two) = (one as f64, two as f64);
        if (two / one - 1.0).abs() > MEMORY_SHARE_MAX {
            reasons.add("memory", bytes(one), bytes(two), SAME_MACHINE);
        }
    }
    let remedy = "read the ratios with that in mind";
    if base.kernel != other.kernel {
        cautions.add("kernel", text(&base.kernel), text(&other.kernel), remedy);
    }
    if base.os != other.os {
        cautions.add(
            "operating system",
            base.os.clone(),
            other.os.clone(),
            remedy,
        );
    }
    if base.frequency_governor != other.frequency_governor {
        let governors = (
            text(&base.frequency_governor),
            text(&other.frequency_governor),
        );
        cautions.add("frequency governor", governors.0, governors.1, remedy);
    }
}

fn experiments(reasons: &mut Differences<'_>, base: &Experiment, other: &Experiment) {
    let sections = [
        ("", window(base), window(other)),
        (
            "connections",
            keys(&base.connections),
            keys(&other.connections),
        ),
        ("generator", keys(&base.generator), keys(&other.generator)),
        ("system", keys(&base.system), keys(&other.system)),
        ("load", shape(&base.load), shape(&other.load)),
    ];
    for (section, base, other) in sections {
        let names: BTreeSet<&String> = base.keys().chain(other.keys()).collect();
        for name in names {
            let text = |of: &BTreeMap<String, String>| {
                of.get(name).cloned().unwrap_or_else(|| "none".to_owned())
            };
            if base.get(name) != other.get(name) {
                let what = format!("{section}.{name}");
                let what = what.trim_start_matches('.');
                reasons.add(what, text(&base), text(&other), SAME_EXPERIMENT);
            }
        }
    }
}

/// The keys of a part of an experiment, as in its file, with their values.
fn keys(part: &impl Serialize) -> BTreeMap<String, String> {
    match serde_json::to_value(part) {
        Ok(Value::Object(keys)) => keys
            .into_iter()
            .map(|(key, value)| (key, value.to_string()))
            .collect(),
        _ => BTreeMap::new(),
    }
}

fn window(experiment: &Experiment) -> BTreeMap<String, String> {
    let Experiment {
        duration,
        warm_up,
        request_timeout,
        ..
    } = experiment;
    [
        ("duration", duration),
        ("warm-up", warm_up),
        ("request-timeout", request_timeout),
    ]
    .map(|(key, value)| (key.to_owned(), format!("{value:?}")))
    .into()
}

/// What shapes a load besides its size; what only open loops heed, only there.
fn shape(load: &Load) -> BTreeMap<String, String> {
    let mut keys = keys(load);
    keys.retain(|key, _| match key.as_str() {
        "pace" | "slo" => true,
        "arrivals" | "in-flight-max" => load.users.is_empty(),
        _ => false,
    });
    keys
}

fn targets(
    reasons: &mut Differences<'_>,
    cautions: &mut Differences<'_>,
    base: &Digest<'_>,
    other: &Digest<'_>,
) {
    let blocks = |digest: &Digest<'_>| format!("{} blocks", digest.run.blocks.len());
    if base.cells.is_empty() || other.cells.is_empty() {
        let remedy = "name runs in which something was measured";
        reasons.add("what was measured", blocks(base), blocks(other), remedy);
        return;
    }
    if base.run.state != State::Complete || other.run.state != State::Complete {
        let states = (&base.run.state, &other.run.state);
        let remedy = "finish the run with --resume";
        let (base, other) = (format!("{:?}", states.0), format!("{:?}", states.1));
        cautions.add("state", base, other, remedy);
    }
    let loads = |digest: &Digest<'_>| {
        let loads = digest.run.loads().into_iter();
        let loads = loads.map(|load| load_name(load, crate::Language::English));
        loads.collect::<Vec<_>>().join(", ")
    };
    let has_common_load = base.cells.iter().any(|cell| {
        let mut cells = other.cells.iter();
        cells.any(|of| of.load == cell.load)
    });
    if !has_common_load {
        let remedy = "measure at one load at least that the other run has";
        reasons.add("load", loads(base), loads(other), remedy);
    }
    let names = base.targets().into_iter();
    let pairs: Vec<_> = names
        .filter_map(|name| Some((name, partner(base, other, name)?)))
        .collect();
    if pairs.is_empty() {
        let remedy = "give what is to be compared the same name";
        let (base, other) = (base.targets().join(", "), other.targets().join(", "));
        reasons.add("targets", base, other, remedy);
    }
    for (of_base, of_other) in pairs {
        requests(reasons, base, of_base, other, of_other);
    }
}

fn requests(
    reasons: &mut Differences<'_>,
    base: &Digest<'_>,
    of_base: &str,
    other: &Digest<'_>,
    of_other: &str,
) {
    let requests = |digest: &Digest<'_>, name: &str| {
        let experiment = &digest.run.experiment;
        let mut targets = experiment.targets.iter();
        let target = targets.find(|target| target.name == name)?;
        serde_json::to_string(experiment.requests_of(target)).ok()
    };
    let (one, two) = (requests(base, of_base), requests(other, of_other));
    if one != two {
        let text = |requests: Option<String>| requests.unwrap_or_default();
        reasons.add("requests", text(one), text(two), SAME_EXPERIMENT);
    }
}

fn versions(cautions: &mut Differences<'_>, base: &Run, other: &Run) {
    let version = |run: &Run| {
        let commit = run.pspd_commit.as_deref().unwrap_or("commit unknown");
        format!("{} ({commit})", run.pspd_version)
    };
    if version(base) != version(other) {
        let remedy = "the difference is between the programs, if nothing else changed";
        cautions.add("version of pspd", version(base), version(other), remedy);
    }
    if base.role_arguments != other.role_arguments {
        let text = |run: &Run| format!("{:?}", run.role_arguments);
        let remedy = "read the ratios with that in mind";
        cautions.add(
            "what the roles were started with",
            text(base),
            text(other),
            remedy,
        );
    }
}
