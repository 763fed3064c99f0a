//! Runs against each other: same targets, same loads, same conditions. In: the
//! digests of several runs, the first of which is the base; out: ratios with
//! intervals, or every reason why the runs cannot be compared. Weaker than
//! targets of one run, whose blocks are interleaved: what differed between the
//! times of two runs is in these ratios and not in their intervals, and the text
//! says so.

mod conditions;
mod json;
mod words;

use std::fmt;

use results::{Block, LoadPoint};
use stats::{Confidence, Ratio};

use crate::{
    Cell, Digest, Lack, Language, Metric, Multiplicity, NoRatio, Outcome, REPETITIONS_MIN, Verdict,
    Warning,
    contrast::{is_never_accounted, judge, lacks, no_ratio_of_zeros, routes},
    figures,
    lack::lacking,
    table::{Align, Table},
    text::{Page, Style},
    verdict::{Sentence, multiplicity, place},
    warnings::{load_name, warnings},
};

/// Runs that can be compared, compared.
#[derive(Debug, Clone)]
pub struct Comparison<'a> {
    /// Their names, the base first; the text calls them A, B, ...
    pub runs: Vec<&'a str>,
    /// By run, then by load, target and metric.
    pub contrasts: Vec<RunContrast<'a>>,
    /// What it means that there are many of them.
    pub multiplicity: Multiplicity,
    /// What differs and may matter, without forbidding the comparison.
    pub cautions: Vec<Difference>,
    digests: &'a [(&'a str, Digest<'a>)],
}

/// One metric of a target in two runs at one load.
#[derive(Debug, Clone, PartialEq)]
pub struct RunContrast<'a> {
    /// The run compared, as an index into the comparison's; the base is 0.
    pub run: usize,
    /// The load.
    pub load: LoadPoint,
    /// What is compared.
    pub metric: Metric,
    /// Only requests of this route; absent, all.
    pub route: Option<&'a str>,
    /// The target in the base.
    pub base: &'a str,
    /// The target in the run compared; of another name only where both have one.
    pub other: &'a str,
    /// The means of both, in the metric's unit.
    pub means: (Option<f64>, Option<f64>),
    /// `other / base`, with its interval.
    pub ratio: Result<Ratio, NoRatio>,
    /// Blocks of the two that lack the figure.
    pub left_out: usize,
    /// Blocks of the two.
    pub blocks: usize,
    /// Why they lack it, each reason once.
    pub lacks: Vec<Lack>,
    /// It excludes 1, and does so after Holm's correction for all of them.
    pub stands: bool,
}

/// Something that two runs do not have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The run, by name.
    pub run: String,
    /// What differs.
    pub what: String,
    /// In the base.
    pub base: String,
    /// In the run.
    pub other: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            run,
            what,
            base,
            other,
            remedy,
        } = self;
        write!(
            f,
            "{run}: {what}: {other}; in the first run: {base}; {remedy}"
        )
    }
}

/// Every reason why runs cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotComparable {
    /// Never empty.
    pub reasons: Vec<Difference>,
}

impl fmt::Display for NotComparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these runs cannot be compared:")?;
        for reason in &self.reasons {
            write!(f, "\n- {reason}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NotComparable {}

/// Compares every run with the first.
pub fn compare<'a>(digests: &'a [(&'a str, Digest<'a>)]) -> Result<Comparison<'a>, NotComparable> {
    let (mut reasons, mut cautions) = (Vec::new(), Vec::new());
    let Some(((_, base), others)) = digests.split_first() else {
        return Err(conditions::too_few_runs(0));
    };
    if others.is_empty() {
        return Err(conditions::too_few_runs(1));
    }
    for (name, other) in others {
        let found = conditions::differences(name, base, other);
        reasons.extend(found.reasons);
        cautions.extend(found.cautions);
    }
    if !reasons.is_empty() {
        return Err(NotComparable { reasons });
    }
    let mut contrasts = Vec::new();
    for (run, (_, other)) in (1..).zip(others) {
        for (base, other) in matching(base, other) {
            contrasts.extend(of_cells(run, base, other));
        }
    }
    let multiplicity = judge(
        contrasts
            .iter_mut()
            .map(|contrast| (&contrast.ratio, &mut contrast.stands)),
    );
    Ok(Comparison {
        runs: digests.iter().map(|(name, _)| *name).collect(),
        contrasts,
        multiplicity,
        cautions,
        digests,
    })
}

/// The target of `other` that is compared with one of `base`: of the same name,
/// or the only one where each has only one.
fn partner<'a>(base: &Digest<'a>, other: &Digest<'a>, target: &str) -> Option<&'a str> {
    let of_base = base.targets();
    let of_other = other.targets();
    match (&of_base[..], &of_other[..]) {
        ([_], [only]) => Some(only),
        _ => of_other.into_iter().find(|name| *name == target),
    }
}

fn matching<'d, 'a>(
    base: &'d Digest<'a>,
    other: &'d Digest<'a>,
) -> Vec<(&'d Cell<'a>, &'d Cell<'a>)> {
    let cells = base.cells.iter();
    cells
        .filter_map(|cell| {
            let name = partner(base, other, &cell.target.name)?;
            Some((cell, other.cell(name, cell.load)?))
        })
        .collect()
}

fn of_cells<'a>(run: usize, base: &Cell<'a>, other: &Cell<'a>) -> Vec<RunContrast<'a>> {
    let metrics = Metric::ALL.into_iter();
    let metrics = metrics.filter(|metric| metric.is_compared_at(base.load));
    let mut contrasts = Vec::new();
    for metric in metrics {
        for route in routes(metric, base, other) {
            let figure = |block: &Block| metric.of_route(block, route);
            let means = (mean(base, &figure), mean(other, &figure));
            let both = || [base, other].into_iter().flat_map(|cell| &cell.blocks);
            contrasts.push(RunContrast {
                run,
                load: base.load,
                metric,
                route,
                base: &base.target.name,
                other: &other.target.name,
                means,
                ratio: independent(base, other, run, metric, route),
                left_out: both().filter(|block| figure(block).is_none()).count(),
                blocks: both().count(),
                lacks: lacks(both().copied(), metric, route),
                stands: false,
            });
        }
    }
    contrasts
}

fn mean(cell: &Cell<'_>, figure: &dyn Fn(&Block) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = cell
        .blocks
        .iter()
        .filter_map(|block| figure(block))
        .collect();
    Some(crate::Average::of(&values)?.mean)
}

fn independent(
    base: &Cell<'_>,
    other: &Cell<'_>,
    run: usize,
    metric: Metric,
    route: Option<&str>,
) -> Result<Ratio, NoRatio> {
    let sides = [(base, 0), (other, run)];
    let names = |is: &dyn Fn(&Cell<'_>) -> bool| -> Vec<String> {
        let sides = sides.into_iter().filter(|(cell, _)| is(cell));
        sides
            .map(|(cell, run)| words::side(&cell.target.name, run))
            .collect()
    };
    let values = |cell: &Cell<'_>| -> Vec<f64> {
        let blocks = cell.blocks.iter();
        blocks
            .filter_map(|block| metric.of_route(block, route))
            .collect()
    };
    let is_zero = |value: &f64| *value == 0.0;
    let served_nothing = names(&|cell| values(cell).iter().any(is_zero));
    let all = [values(base), values(other)].concat();
    let zeros = all.into_iter().filter(is_zero).count();
    let blocks = base.blocks.len() + other.blocks.len();
    if let Some(zeros) = no_ratio_of_zeros((metric, base.load), served_nothing, zeros, blocks) {
        return Err(zeros);
    }
    let targets = names(&|cell| is_never_accounted(cell, metric, route));
    if !targets.is_empty() {
        return Err(NoRatio::Unknown { targets });
    }
    let fewest = base.blocks.len().min(other.blocks.len());
    if fewest < REPETITIONS_MIN {
        return Err(NoRatio::TooFewBlocks { blocks: fewest });
    }
    let (of_base, of_other) = (values(base), values(other));
    if of_base.len().min(of_other.len()) < REPETITIONS_MIN {
        let both = base.blocks.iter().chain(&other.blocks).copied();
        return Err(NoRatio::Lacking {
            missing: blocks - of_base.len() - of_other.len(),
            of: blocks,
            lacks: lacks(both, metric, route),
        });
    }
    Ok(Ratio::independent(&of_base, &of_other, Confidence::P95)?)
}

impl RunContrast<'_> {
    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        Outcome::of(&self.ratio, self.stands)
    }

    /// One sentence without a full stop.
    pub fn verdict(&self, language: Language) -> Verdict {
        let (base, other) = (words::side(self.base, 0), words::side(self.other, self.run));
        let sentence = Sentence {
            place: place(self.load, language),
            base: &base,
            other: &other,
            metric: self.metric,
            route: self.route,
            left_out: self.left_out,
            language,
        };
        let mut text = match &self.ratio {
            Ok(ratio) => sentence.of(ratio),
            Err(reason) => sentence.without(&[sentence.subject()], reason),
        };
        if self.ratio.is_ok() && self.left_out > 0 {
            let lacking = lacking(self.left_out, self.blocks, &self.lacks, language);
            text += &format!("; {lacking}");
        }
        Verdict {
            text,
            outcome: self.outcome(),
        }
    }
}

impl Comparison<'_> {
    /// For standard output.
    pub fn text(&self, language: Language) -> String {
        let mut page = Page::new(Style::Text);
        page.heading(language.choose("Runs compared", "Execuções comparadas"));
        page.list(
            (0..)
                .zip(&self.runs)
                .map(|(run, name)| format!("{}: {name}", words::letter(run))),
        );
        page.paragraph(words::caveat(language));
        if !self.cautions.is_empty() {
            page.heading(language.choose("Differences between them", "Diferenças entre elas"));
            page.list(self.cautions.iter().map(Difference::to_string));
        }
        page.table(&self.table(language));
        page.heading(language.choose("Verdicts", "Vereditos"));
        for contrasts in self
            .contrasts
            .chunk_by(|one, next| (one.run, one.load, one.base) == (next.run, next.load, next.base))
        {
            page.list(contrasts.iter().map(|contrast| {
                let verdict = contrast.verdict(language);
                verdict.text + verdict.outcome.star()
            }));
        }
        if let Some(said) = multiplicity(&self.multiplicity, language) {
            page.paragraph(&said);
            page.paragraph(words::method(language));
        }
        for (run, (_, digest)) in (0..).zip(self.digests) {
            let warnings = warnings(digest, language);
            if !warnings.is_empty() {
                let of = language.choose("Warnings of", "Avisos de");
                page.heading(&format!("{of} {}", words::letter(run)));
                page.list(warnings.iter().map(Warning::text));
            }
        }
        page.finish()
    }

    fn table(&self, language: Language) -> Table {
        let header = language.choose(
            [
                "load", "target", "metric", "run", "A", "it", "it / A", "95% CI", "",
            ],
            [
                "carga",
                "alvo",
                "métrica",
                "execução",
                "A",
                "ela",
                "ela / A",
                "IC de 95%",
                "",
            ],
        );
        let aligns = [
            Align::Right,
            Align::Left,
            Align::Left,
            Align::Left,
            Align::Right,
            Align::Right,
            Align::Right,
            Align::Right,
            Align::Left,
        ];
        let mut table = Table::new(header.into_iter().zip(aligns).collect());
        for contrast in &self.contrasts {
            let figure = |value: Option<f64>| {
                value.map_or("n/a".to_owned(), |value| {
                    contrast.metric.figure(value, language)
                })
            };
            let ratio = contrast.ratio.as_ref().map(figures::ratio);
            let (estimate, ends) = ratio.unwrap_or_else(|_| ("-".to_owned(), None));
            let metric = contrast.metric.name(language);
            table.add(vec![
                load_name(contrast.load, language),
                contrast.other.to_owned(),
                contrast
                    .route
                    .map_or(metric.to_owned(), |route| format!("{metric}, {route}")),
                words::letter(contrast.run),
                figure(contrast.means.0),
                figure(contrast.means.1),
                language.decimals(&estimate),
                ends.map_or("-".to_owned(), |[low, high]| {
                    language.decimals(&format!("{low} - {high}"))
                }),
                contrast.outcome().star().trim().to_owned(),
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests;
