//! One sentence on one ratio. Used for targets of a run and for runs.

use stats::{Design, Ratio};

use crate::{
    Language, Metric, NoRatio,
    digest::REPETITIONS_MIN,
    figures::{factors, percent},
    lack::{lacking, remedies},
};

/// What a sentence is about.
pub(crate) struct Sentence<'a> {
    /// Its beginning, such as `at 400 users`; may be empty.
    pub(crate) place: String,
    pub(crate) base: &'a str,
    pub(crate) other: &'a str,
    pub(crate) metric: Metric,
    pub(crate) route: Option<&'a str>,
    /// Repetitions that lack the figure.
    pub(crate) left_out: usize,
    pub(crate) language: Language,
}

impl Sentence<'_> {
    /// The metric in words, with its route.
    pub(crate) fn subject(&self) -> String {
        let name = self.metric.name(self.language);
        match (self.route, self.language) {
            (None, _) => name.to_owned(),
            (Some(route), Language::English) => format!("{name} of {route}"),
            (Some(route), Language::Portuguese) => format!("{name} de {route}"),
        }
    }

    pub(crate) fn of(&self, ratio: &Ratio) -> String {
        match ratio {
            ratio if ratio.is_constant() => self.constant(ratio),
            ratio if ratio.differs() => {
                let [estimate, low, high] = factors(ratio).map(|of| self.language.decimals(&of));
                self.opening(&format!(
                    "{} ({})",
                    self.predicate(&estimate),
                    self.interval(&low, &high)
                ))
            }
            ratio => self.not_detected(ratio),
        }
    }

    /// Why there is no ratio for these subjects.
    pub(crate) fn without(&self, subjects: &[String], reason: &NoRatio) -> String {
        let Sentence {
            base,
            other,
            language,
            ..
        } = self;
        let subjects = language.list(subjects);
        let reason = self.reason(reason);
        self.opening(&match language {
            Language::English => {
                format!("no verdict on {subjects} between {other} and {base}: {reason}")
            }
            Language::Portuguese => {
                format!("sem veredito sobre {subjects} entre {other} e {base}: {reason}")
            }
        })
    }

    fn reason(&self, reason: &NoRatio) -> String {
        let language = self.language;
        match (reason, language) {
            (NoRatio::TooFewPairs { pairs }, Language::English) => format!(
                "{pairs} {} of blocks, and an interval needs {REPETITIONS_MIN}; raise the \
                 repetitions",
                if *pairs == 1 { "pair" } else { "pairs" }
            ),
            (NoRatio::TooFewPairs { pairs }, Language::Portuguese) => format!(
                "{pairs} {} de blocos, e um intervalo precisa de {REPETITIONS_MIN}; aumente as \
                 repetições",
                if *pairs == 1 { "par" } else { "pares" }
            ),
            (NoRatio::TooFewBlocks { blocks }, Language::English) => format!(
                "{blocks} {} of a run, and an interval needs {REPETITIONS_MIN} of each; repeat it \
                 with more repetitions",
                if *blocks == 1 { "block" } else { "blocks" }
            ),
            (NoRatio::TooFewBlocks { blocks }, Language::Portuguese) => format!(
                "{blocks} {} em uma execução, e um intervalo precisa de {REPETITIONS_MIN} de cada \
                 uma; repita-a com mais repetições",
                if *blocks == 1 { "bloco" } else { "blocos" }
            ),
            (
                NoRatio::ServedNothing {
                    targets,
                    blocks,
                    of,
                },
                Language::English,
            ) => format!(
                "{} served nothing in {blocks} of {of} repetitions; look at the failures first",
                language.list(targets)
            ),
            (
                NoRatio::ServedNothing {
                    targets,
                    blocks,
                    of,
                },
                Language::Portuguese,
            ) => format!(
                "sem nenhum sucesso de {} em {blocks} de {of} repetições; veja antes as falhas",
                language.list(targets)
            ),
            (
                NoRatio::HeldNothing {
                    targets,
                    blocks,
                    of,
                },
                Language::English,
            ) => format!(
                "{} held no rate in {blocks} of {of} repetitions; lower rate-start, or loosen the \
                 objective",
                language.list(targets)
            ),
            (
                NoRatio::HeldNothing {
                    targets,
                    blocks,
                    of,
                },
                Language::Portuguese,
            ) => format!(
                "nenhuma taxa sustentada por {} em {blocks} de {of} repetições; reduza rate-start, \
                 ou afrouxe o objetivo",
                language.list(targets)
            ),
            (
                NoRatio::Zero {
                    targets,
                    blocks,
                    of,
                },
                Language::English,
            ) => format!(
                "the figure of {} is 0 in {blocks} of {of} repetitions; measure longer blocks",
                language.list(targets)
            ),
            (
                NoRatio::Zero {
                    targets,
                    blocks,
                    of,
                },
                Language::Portuguese,
            ) => format!(
                "o valor de {} é 0 em {blocks} de {of} repetições; meça blocos mais longos",
                language.list(targets)
            ),
            (NoRatio::Lacking { missing, of, lacks }, _) => {
                let what = lacking(*missing, *of, lacks, language);
                format!("{what}; {}", remedies(lacks, language))
            }
            (NoRatio::Unknown { targets }, Language::English) => {
                format!("not known of {}", language.list(targets))
            }
            (NoRatio::Unknown { targets }, Language::Portuguese) => {
                format!("valor desconhecido para {}", language.list(targets))
            }
            (NoRatio::Unusable(unusable), _) => unusable.to_string(),
        }
    }

    fn opening(&self, rest: &str) -> String {
        match self.place.is_empty() {
            true => rest.to_owned(),
            false => format!("{}, {rest}", self.place),
        }
    }

    fn interval(&self, low: &str, high: &str) -> String {
        match self.language {
            Language::English => format!("95% CI {low} to {high}"),
            Language::Portuguese => format!("IC de 95%: {low} a {high}"),
        }
    }

    fn predicate(&self, x: &str) -> String {
        let Sentence { base, other, .. } = self;
        let on = match (self.route, self.language) {
            (None, _) => String::new(),
            (Some(route), Language::English) => format!(" on {route}"),
            (Some(route), Language::Portuguese) => format!(" em {route}"),
        };
        match (self.metric, self.language) {
            (Metric::RequestsPerSecond, Language::English) => {
                format!("{other} served {x}x the requests a second of {base}{on}")
            }
            (Metric::RequestsPerSecond, Language::Portuguese) => {
                format!("{other} atendeu {x}x as requisições por segundo de {base}{on}")
            }
            (Metric::MeanLatency | Metric::P50 | Metric::P99, Language::English) => {
                let name = self.metric.name(self.language);
                format!("{other} had {x}x the {name} of {base}{on}")
            }
            (Metric::MeanLatency, Language::Portuguese) => {
                format!("{other} teve {x}x a latência média de {base}{on}")
            }
            (Metric::P50 | Metric::P99, Language::Portuguese) => {
                let name = self.metric.name(self.language);
                format!("{other} teve {x}x o {name} de {base}{on}")
            }
            (Metric::Cpu, Language::English) => {
                format!("{other} used {x}x the CPU of {base} per request")
            }
            (Metric::Cpu, Language::Portuguese) => {
                format!("{other} usou {x}x a CPU de {base} por requisição")
            }
            (Metric::Bytes, Language::English) => {
                format!("{other} sent {x}x the bytes of {base} per request")
            }
            (Metric::Bytes, Language::Portuguese) => {
                format!("{other} enviou {x}x os bytes de {base} por requisição")
            }
            (Metric::Memory, Language::English) => {
                format!("{other} had {x}x the peak memory of {base}")
            }
            (Metric::Memory, Language::Portuguese) => {
                format!("{other} teve {x}x o pico de memória de {base}")
            }
            (Metric::Switches, Language::English) => {
                format!("{other} made {x}x the context switches of {base} per request")
            }
            (Metric::Switches, Language::Portuguese) => {
                format!("{other} fez {x}x as trocas de contexto de {base} por requisição")
            }
        }
    }

    fn not_detected(&self, ratio: &Ratio) -> String {
        let Sentence {
            base,
            other,
            language,
            ..
        } = self;
        let [_, low, high] = factors(ratio).map(|of| language.decimals(&of));
        let detectable = ratio.detectable();
        let seen = language.decimals(&percent(detectable));
        let half = language.decimals(&percent(detectable / 2.0));
        let needed = ratio.repetitions_needed(detectable / 2.0);
        let subject = self.subject();
        let interval = self.interval(&low, &high);
        let text = match language {
            Language::English => {
                let more = needed.map_or(String::new(), |needed| {
                    format!("; seeing {half} would take about {needed} repetitions")
                });
                format!(
                    "no detectable difference in {subject} between {other} and {base} \
                     ({interval}); this design could have seen {seen}{more}"
                )
            }
            Language::Portuguese => {
                let more = needed.map_or(String::new(), |needed| {
                    format!("; detectar {half} exigiria cerca de {needed} repetições")
                });
                format!(
                    "nenhuma diferença detectável em {subject} entre {other} e {base} \
                     ({interval}); este desenho poderia ter detectado {seen}{more}"
                )
            }
        };
        self.opening(&text)
    }

    /// No repetition differs from another, as with counted bytes.
    fn constant(&self, ratio: &Ratio) -> String {
        let Sentence {
            base,
            other,
            language,
            ..
        } = self;
        let subject = self.subject();
        let estimate = language.decimals(&format!("{:.4}", ratio.estimate()));
        let repetitions = match ratio.design() {
            Design::Paired { pairs } => pairs,
            Design::Independent { base, other, .. } => base.min(other),
        };
        let equal = ratio.estimate() == 1.0;
        // Others may lack the figure, and did not all agree then.
        let all = match (self.left_out, language) {
            (0, Language::English) => format!("all {repetitions} repetitions"),
            (0, Language::Portuguese) => format!("nas {repetitions} repetições"),
            (_, Language::English) => format!("the {repetitions} repetitions that have it"),
            (_, Language::Portuguese) => format!("nas {repetitions} repetições que o têm"),
        };
        let text = match (equal, language) {
            (true, Language::English) => {
                format!("exactly the same {subject} of {other} and {base} in {all}")
            }
            (true, Language::Portuguese) => {
                format!("exatamente o mesmo valor de {subject} em {other} e {base} {all}")
            }
            (false, Language::English) => format!(
                "{}, in {all} alike: no variance, and so no interval",
                self.predicate(&estimate)
            ),
            (false, Language::Portuguese) => format!(
                "{}, igual {all}: sem variância, e portanto sem intervalo",
                self.predicate(&estimate)
            ),
        };
        self.opening(&text)
    }
}
