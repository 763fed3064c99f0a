//! Which charts a run has, and what is in them. In: a [`Digest`]; out: figures
//! with names, that know nothing of where they are shown. Intervals are those of
//! the mean over repetitions, so that a chart and the ratios speak of the same.

mod costs;

use results::{LoadPoint, MarkKind, OwnChain};

use super::{Bar, Bars, Body, Chart, Doubt, Group, Lines, Point, Series, SeriesStyle};
use crate::{Average, Cell, Digest, Language, Metric, Published, load_name, marks};

/// A chart of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The name of its files, without what comes after the point.
    pub name: &'static str,
    /// What is drawn.
    pub chart: Chart,
    /// How it is to be read, in a sentence.
    pub note: String,
}

/// The charts of a run, in the order of a report; one without figures is left out.
pub fn figures(digest: &Digest<'_>, language: Language) -> Vec<Figure> {
    let study = Study { digest, language };
    let figures = match digest.run.loads().first() {
        None => Vec::new(),
        Some(LoadPoint::Search) => vec![study.highest_rate()],
        Some(LoadPoint::Users(_)) => vec![
            study.against_load("latency-mean", Metric::MeanLatency),
            study.against_load("latency-p99", Metric::P99),
            study.against_load("throughput", Metric::RequestsPerSecond),
        ],
        // There the rate is not a result.
        Some(LoadPoint::Rate(_)) => vec![
            study.against_load("latency-mean", Metric::MeanLatency),
            study.against_load("latency-p99", Metric::P99),
        ],
    };
    let costs = [study.cpu(), study.memory()];
    let all = figures.into_iter().chain(costs);
    all.filter(|figure| has_figures(&figure.chart.body))
        .collect()
}

fn has_figures(body: &Body) -> bool {
    match body {
        Body::Lines(lines) => lines.series.iter().any(|series| !series.points.is_empty()),
        Body::Bars(bars) => {
            let mut all = bars.groups.iter().flat_map(|group| &group.bars);
            all.any(|bar| bar.amounts.iter().any(Option::is_some))
        }
    }
}

struct Study<'d> {
    digest: &'d Digest<'d>,
    language: Language,
}

impl Study<'_> {
    fn say(&self, english: &str, portuguese: &str) -> String {
        self.language.choose(english, portuguese).to_owned()
    }

    /// A metric of all targets, beside what is published and what is possible.
    fn against_load(&self, name: &'static str, metric: Metric) -> Figure {
        let mut series: Vec<_> = self
            .targets()
            .map(|(index, target)| self.measured(index, target, metric))
            .collect();
        let loads = self.digest.run.loads();
        let name_of = match metric {
            Metric::P99 => self.say("p99 latency", "Latência p99"),
            _ => capital(metric.name(self.language)),
        };
        let y_label = self.y_label(metric);
        // A line through one load is none; and bars from zero leave nothing of
        // ours beside the published.
        if let [load] = loads[..] {
            series.extend(self.ceiling(metric));
            let title = format!("{name_of}, {}", load_name(load, self.language));
            return Figure {
                name,
                chart: self.chart(title, self.as_bars(y_label, &series)),
                note: self.with_doubts(self.bars_note()),
            };
        }
        series.extend(self.published(metric));
        series.extend(self.ceiling(metric));
        series.retain(|series| !series.points.is_empty());
        let (x_label, by) = self.load_words();
        let body = Body::Lines(Lines {
            x_label,
            y_label,
            series,
        });
        Figure {
            name,
            chart: self.chart(format!("{name_of} {by}"), body),
            note: self.with_doubts(self.lines_note(metric)),
        }
    }

    fn bars_note(&self) -> String {
        self.say(
            "Geometric mean over the repetitions; the line at a bar's end is its 95% confidence \
             interval.",
            "Média geométrica das repetições; a linha no fim da barra é seu intervalo de confiança \
             de 95%.",
        )
    }

    fn chart(&self, title: String, body: Body) -> Chart {
        Chart {
            title,
            language: self.language,
            body,
        }
    }

    /// With their places in the experiment, which decide their looks.
    fn targets(&self) -> impl Iterator<Item = (usize, &str)> {
        let targets = self.digest.run.experiment.targets.iter();
        targets.map(|target| target.name.as_str()).enumerate()
    }

    fn cells(&self, target: &str) -> impl Iterator<Item = &Cell<'_>> {
        let cells = self.digest.cells.iter();
        cells.filter(move |cell| cell.target.name == target)
    }

    fn measured(&self, index: usize, target: &str, metric: Metric) -> Series {
        let points = self.cells(target).filter_map(|cell| {
            let Average { mean, interval, .. } = cell.average(metric)?;
            Some(Point {
                x: x(cell.load)?,
                y: mean,
                interval,
                doubt: doubt(cell),
            })
        });
        Series {
            name: target.to_owned(),
            style: SeriesStyle::Measured(index),
            points: points.collect(),
        }
    }

    /// The original's figures for each chain of our own that has them.
    fn published(&self, metric: Metric) -> Vec<Series> {
        let figure: fn(Published) -> f64 = match metric {
            Metric::MeanLatency => |published| published.mean_ms,
            Metric::RequestsPerSecond => |published| published.requests_per_second,
            _ => return Vec::new(),
        };
        let targets = self.digest.run.experiment.targets.iter().enumerate();
        targets
            .filter_map(|(index, target)| {
                let points = self.cells(&target.name).filter_map(|cell| {
                    Some(Point {
                        x: x(cell.load)?,
                        y: figure(cell.published?),
                        interval: None,
                        doubt: Doubt::None,
                    })
                });
                Some(Series {
                    name: match target.chain? {
                        OwnChain::Grpc => {
                            self.say("published gRPC (original)", "gRPC publicado (original)")
                        }
                        OwnChain::Rest => {
                            self.say("published REST (original)", "REST publicado (original)")
                        }
                    },
                    style: SeriesStyle::Published(index),
                    points: points.collect(),
                })
            })
            .collect()
    }

    /// Where every target with a ceiling has the same.
    fn ceiling(&self, metric: Metric) -> Option<Series> {
        if metric != Metric::RequestsPerSecond {
            return None;
        }
        let mut points: Vec<Point> = Vec::new();
        for cell in &self.digest.cells {
            if let Some((x, y)) = x(cell.load).zip(cell.ceiling_per_second)
                && points.iter().all(|point| point.x != x)
            {
                points.push(Point {
                    x,
                    y,
                    interval: None,
                    doubt: Doubt::None,
                });
            }
        }
        points.sort_by(|one, other| one.x.total_cmp(&other.x));
        Some(Series {
            name: self.say("ceiling: 50 ms of delays", "teto: 50 ms de atrasos"),
            style: SeriesStyle::Bound,
            points,
        })
    }

    /// The only point of each series.
    fn as_bars(&self, x_label: String, series: &[Series]) -> Body {
        let bars = series.iter().filter_map(|series| {
            let point = series.points.first()?;
            Some(Bar {
                name: series.name.clone(),
                amounts: vec![Some(point.y)],
                interval: point.interval,
                doubt: point.doubt,
            })
        });
        Body::Bars(Bars {
            parts: vec![x_label.clone()],
            x_label,
            groups: vec![Group {
                name: String::new(),
                bars: bars.collect(),
            }],
        })
    }

    /// What the horizontal axis is, and how a title says so.
    fn load_words(&self) -> (String, String) {
        match self.digest.run.loads().first() {
            Some(LoadPoint::Rate(_)) => (
                self.say(
                    "offered rate, iterations a second (open loop)",
                    "taxa oferecida, iterações por segundo (laço aberto)",
                ),
                self.say("by offered rate", "por taxa oferecida"),
            ),
            _ => (
                self.say(
                    "virtual users (closed loop)",
                    "usuários virtuais (laço fechado)",
                ),
                self.say("by users", "por usuários"),
            ),
        }
    }

    fn y_label(&self, metric: Metric) -> String {
        match metric {
            Metric::MeanLatency => self.say("mean latency, ms", "latência média, ms"),
            Metric::P99 => self.say("p99 of latency, ms", "p99 da latência, ms"),
            _ => metric.name(self.language).to_owned(),
        }
    }

    fn lines_note(&self, metric: Metric) -> String {
        let mut note = self.say(
            "Each point is the geometric mean over the repetitions; the bar through it, its 95% \
             confidence interval.",
            "Cada ponto é a média geométrica das repetições; a barra que o atravessa, seu intervalo \
             de confiança de 95%.",
        );
        if !self.published(metric).iter().all(|of| of.points.is_empty()) {
            note += &self.say(
                " Dashed: what the original study published for its own system on its own machine, \
                 with its units corrected.",
                " Tracejado: o que o estudo original publicou para o seu próprio sistema em sua \
                 própria máquina, com as unidades corrigidas.",
            );
        }
        note
    }

    /// What the mark means, where there is one.
    fn with_doubts(&self, note: String) -> String {
        let mut cells = self.digest.cells.iter();
        match cells.any(|cell| doubt(cell) == Doubt::Marked) {
            false => note,
            true => {
                let marked = self.say(
                    " !: a warning says why this figure may not be the target's own.",
                    " !: um aviso diz por que este valor pode não ser o do próprio alvo.",
                );
                note + &marked
            }
        }
    }

    fn highest_rate(&self) -> Figure {
        let objective = self.digest.run.experiment.load.slo.as_deref();
        let objective = objective.unwrap_or_default();
        let title = self.language.choose(
            format!("Highest rate that met {objective}"),
            format!("Maior taxa que cumpriu {objective}"),
        );
        let bars = self.digest.cells.iter().map(|cell| {
            let rates = cell
                .blocks
                .iter()
                .filter_map(|block| block.offered_per_second);
            let rate = Average::of(&rates.collect::<Vec<_>>());
            Bar {
                name: cell.target.name.clone(),
                amounts: vec![rate.map(|rate| rate.mean)],
                interval: rate.and_then(|rate| rate.interval),
                doubt: doubt(cell),
            }
        });
        let x_label = self.say(
            "offered rate, iterations a second",
            "taxa oferecida, iterações por segundo",
        );
        let body = Body::Bars(Bars {
            parts: vec![x_label.clone()],
            x_label,
            groups: vec![Group {
                name: String::new(),
                bars: bars.collect(),
            }],
        });
        Figure {
            name: "highest-rate",
            chart: self.chart(title, body),
            note: self.with_doubts(self.bars_note()),
        }
    }
}

fn x(load: LoadPoint) -> Option<f64> {
    match load {
        LoadPoint::Users(users) => Some(f64::from(users)),
        LoadPoint::Rate(rate) => Some(rate),
        LoadPoint::Search => None,
    }
}

/// Whether a warning says that the figures may not be the target's own.
fn doubt(cell: &Cell<'_>) -> Doubt {
    let is_grave = |kind: MarkKind| match kind {
        MarkKind::GeneratorBusy
        | MarkKind::GeneratorLate
        | MarkKind::NoLocalPort
        | MarkKind::Unsent
        | MarkKind::NotSustained
        | MarkKind::SearchEndedByGenerator
        | MarkKind::SearchEndedAtMaximum
        | MarkKind::LittlesLaw
        | MarkKind::UsersStalled
        | MarkKind::UsersUnserved
        | MarkKind::Failures => true,
        MarkKind::GeneratorPaused
        | MarkKind::ConnectionsOpened
        | MarkKind::MachineFull
        | MarkKind::Steal
        | MarkKind::CpuPressure
        | MarkKind::OtherPrograms
        | MarkKind::PeakNotReset => false,
    };
    match marks(&cell.blocks).into_iter().any(is_grave) {
        true => Doubt::Marked,
        false => Doubt::None,
    }
}

/// As at the beginning of a sentence.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

#[cfg(test)]
mod tests;
