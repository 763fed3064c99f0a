//! A comparison of runs for programs. In: a [`Comparison`]; out: JSON with the
//! runs, what differs between them, every ratio, and the warnings of each run. A
//! figure that is not known is absent, never zero.

use results::LoadPoint;
use serde::Serialize;

use super::{Comparison, RunContrast};
use crate::{
    Digest, Language, NoRatio, Outcome, json::RatioSummary, warnings, warnings::mark_names,
};

/// Raised when a field changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Summary<'a> {
    schema_version: u32,
    /// The base first.
    runs: Vec<RunSummary<'a>>,
    /// What differs and may matter.
    cautions: Vec<CautionSummary<'a>>,
    contrasts: Vec<ContrastSummary<'a>>,
    multiplicity: MultiplicitySummary,
}

#[derive(Serialize)]
struct RunSummary<'a> {
    name: &'a str,
    started: &'a str,
    title: &'a str,
    pspd_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pspd_commit: Option<&'a str>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct CautionSummary<'a> {
    run: &'a str,
    what: &'a str,
    base: &'a str,
    other: &'a str,
}

#[derive(Serialize)]
struct ContrastSummary<'a> {
    /// Index into the runs.
    run: usize,
    load: LoadPoint,
    metric: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    base: &'a str,
    other: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_mean: Option<f64>,
    blocks: usize,
    left_out: usize,
    base_marks: Vec<&'static str>,
    other_marks: Vec<&'static str>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<RatioSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_ratio: Option<String>,
    verdict: String,
}

#[derive(Serialize)]
struct MultiplicitySummary {
    intervals: usize,
    by_chance: f64,
    differ: usize,
    stand: usize,
}

impl Comparison<'_> {
    /// For programs.
    pub fn json(&self) -> String {
        let of = self.multiplicity;
        let summary = Summary {
            schema_version: SCHEMA_VERSION,
            runs: self
                .digests
                .iter()
                .map(|(name, digest)| run(name, digest))
                .collect(),
            cautions: self
                .cautions
                .iter()
                .map(|of| CautionSummary {
                    run: &of.run,
                    what: &of.what,
                    base: &of.base,
                    other: &of.other,
                })
                .collect(),
            contrasts: self.contrasts.iter().map(|of| self.contrast(of)).collect(),
            multiplicity: MultiplicitySummary {
                intervals: of.intervals,
                by_chance: of.by_chance,
                differ: of.differ,
                stand: of.stand,
            },
        };
        // Plain structs with text keys: this cannot fail.
        serde_json::to_string_pretty(&summary).unwrap_or_default() + "\n"
    }

    fn contrast<'s>(&self, of: &'s RunContrast<'_>) -> ContrastSummary<'s> {
        let marks = |run: usize, target: &str| {
            let digest = self.digests.get(run).map(|(_, digest)| digest);
            let cell = digest.and_then(|digest| digest.cell(target, of.load));
            cell.map_or(Vec::new(), |cell| mark_names(&cell.blocks))
        };
        ContrastSummary {
            run: of.run,
            load: of.load,
            metric: of.metric.key(),
            route: of.route,
            base: of.base,
            other: of.other,
            base_mean: of.means.0,
            other_mean: of.means.1,
            blocks: of.blocks,
            left_out: of.left_out,
            base_marks: marks(0, of.base),
            other_marks: marks(of.run, of.other),
            outcome: of.outcome(),
            ratio: of
                .ratio
                .as_ref()
                .ok()
                .map(|ratio| RatioSummary::of(ratio, of.stands)),
            no_ratio: of.ratio.as_ref().err().map(NoRatio::to_string),
            verdict: of.verdict(Language::English).text,
        }
    }
}

fn run<'a>(name: &'a str, digest: &'a Digest<'_>) -> RunSummary<'a> {
    let run = digest.run;
    let warnings = warnings(digest, Language::English);
    RunSummary {
        name,
        started: run.started(),
        title: &run.experiment.title,
        pspd_version: &run.pspd_version,
        pspd_commit: run.pspd_commit.as_deref(),
        warnings: warnings.iter().map(|warning| warning.text()).collect(),
    }
}
