//! `summary.json`: what a run found, for programs: cells with means and
//! intervals, ratios with intervals, warnings. In: a [`Digest`]; out: JSON whose
//! fields, with their units, are described in `docs/run-json.md`. A figure that
//! is not known is absent, never zero.

use results::{Latency, LoadPoint, State};
use serde::Serialize;
use stats::Ratio;

use crate::{
    Average, Cell, Component, Contrast, Digest, Language, Metric, NoRatio, Outcome, verdicts,
    warnings, warnings::mark_names,
};

/// Version of `summary.json`; raised when a field changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Summary<'a> {
    schema_version: u32,
    state: State,
    started: &'a str,
    title: &'a str,
    cells: Vec<CellSummary<'a>>,
    contrasts: Vec<ContrastSummary<'a>>,
    verdicts: Vec<VerdictSummary>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct CellSummary<'a> {
    target: &'a str,
    load: LoadPoint,
    repetitions: usize,
    metrics: Vec<MetricSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_uncorrected: Option<Latency>,
    routes: Vec<RouteSummary<'a>>,
    failed: u64,
    /// Names of what casts doubt on these figures.
    marks: Vec<&'static str>,
    components: Vec<&'a Component>,
}

#[derive(Serialize)]
struct RouteSummary<'a> {
    route: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_uncorrected: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_message: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_trip: Option<Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages_sent_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages_received_per_second: Option<f64>,
}

#[derive(Serialize)]
struct MetricSummary {
    metric: &'static str,
    mean: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<f64>,
    repetitions: usize,
}

#[derive(Serialize)]
struct ContrastSummary<'a> {
    load: LoadPoint,
    metric: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    base: &'a str,
    other: &'a str,
    pairs: usize,
    left_out: usize,
    base_marks: Vec<&'static str>,
    other_marks: Vec<&'static str>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<RatioSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_ratio: Option<String>,
}

/// `other / base`.
#[derive(Serialize)]
pub(crate) struct RatioSummary {
    estimate: f64,
    low: f64,
    high: f64,
    p_value: f64,
    differs: bool,
    /// After Holm's correction for all contrasts of the run.
    stands: bool,
    /// As a share, such as 0.04; not known of a ratio without spread.
    #[serde(skip_serializing_if = "Option::is_none")]
    detectable: Option<f64>,
}

impl RatioSummary {
    pub(crate) fn of(ratio: &Ratio, stands: bool) -> RatioSummary {
        RatioSummary {
            estimate: ratio.estimate(),
            low: ratio.low(),
            high: ratio.high(),
            p_value: ratio.p_value(),
            differs: ratio.differs(),
            stands,
            detectable: Some(ratio.detectable()).filter(|effect| effect.is_finite()),
        }
    }
}

#[derive(Serialize)]
struct VerdictSummary {
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<LoadPoint>,
    text: String,
    outcome: Outcome,
}

/// The content of `summary.json`.
pub fn json(digest: &Digest<'_>) -> String {
    let run = digest.run;
    let summary = Summary {
        schema_version: SCHEMA_VERSION,
        state: run.state,
        started: run.started(),
        title: &run.experiment.title,
        cells: digest.cells.iter().map(cell).collect(),
        contrasts: digest
            .contrasts
            .iter()
            .map(|of| contrast(digest, of))
            .collect(),
        verdicts: verdicts(digest, Language::English)
            .into_iter()
            .flat_map(|group| {
                group
                    .verdicts
                    .into_iter()
                    .map(move |verdict| VerdictSummary {
                        load: group.load,
                        text: verdict.text,
                        outcome: verdict.outcome,
                    })
            })
            .collect(),
        warnings: warnings(digest, Language::English)
            .iter()
            .map(|warning| warning.text())
            .collect(),
    };
    // Plain structs with text keys: this cannot fail.
    serde_json::to_string_pretty(&summary).unwrap_or_default() + "\n"
}

fn cell<'a>(cell: &'a Cell<'_>) -> CellSummary<'a> {
    CellSummary {
        target: &cell.target.name,
        load: cell.load,
        repetitions: cell.blocks.len(),
        metrics: cell.averages.iter().map(metric).collect(),
        latency: cell.times.latency,
        latency_uncorrected: cell.times.uncorrected,
        routes: cell
            .routes
            .iter()
            .map(|route| RouteSummary {
                route: route.route,
                latency: route.times.latency,
                latency_uncorrected: route.times.uncorrected,
                first_message: route.first_message,
                gap: route.gap,
                round_trip: route.round_trip,
                messages_sent_per_second: route.sent_per_second,
                messages_received_per_second: route.received_per_second,
            })
            .collect(),
        failed: cell.failed(),
        marks: mark_names(&cell.blocks),
        components: cell.components.iter().collect(),
    }
}

fn metric((metric, average): &(Metric, Average)) -> MetricSummary {
    MetricSummary {
        metric: metric.key(),
        mean: average.mean,
        low: average.interval.map(|(low, _)| low),
        high: average.interval.map(|(_, high)| high),
        repetitions: average.repetitions,
    }
}

fn contrast<'a>(digest: &Digest<'_>, contrast: &'a Contrast<'_>) -> ContrastSummary<'a> {
    let ratio = contrast.ratio.as_ref().ok();
    let marks = |target: &str| {
        let cell = digest.cell(target, contrast.load);
        cell.map_or(Vec::new(), |cell| mark_names(&cell.blocks))
    };
    ContrastSummary {
        load: contrast.load,
        metric: contrast.metric.key(),
        route: contrast.route,
        base: contrast.base,
        other: contrast.other,
        pairs: contrast.pairs,
        left_out: contrast.left_out,
        base_marks: marks(contrast.base),
        other_marks: marks(contrast.other),
        outcome: contrast.outcome(),
        ratio: ratio.map(|ratio| RatioSummary::of(ratio, contrast.stands)),
        no_ratio: contrast.ratio.as_ref().err().map(NoRatio::to_string),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing;

    fn read(run: &results::Run) -> Value {
        let text = json(&testing::digest(run));
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn marks_stand_beside_what_they_cast_doubt_on() {
        let summary = read(&testing::eventful_run());
        let dead = json!(["failed", "unserved", "stalled", "steal"]);
        assert_eq!(summary["cells"][0]["marks"], dead);
        let contrast = &summary["contrasts"][0];
        assert_eq!(contrast["base_marks"], dead);
        assert_eq!(contrast["other_marks"], json!(["steal"]));
        let quiet = read(&testing::published_run());
        assert_eq!(quiet["cells"][0]["marks"], json!([]));
    }

    #[test]
    fn the_median_of_all_requests_is_kept_for_programs() {
        let summary = read(&testing::published_run());
        assert!(summary["cells"][0]["latency"]["p50_ms"].is_f64());
    }
}
