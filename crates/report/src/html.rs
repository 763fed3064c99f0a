//! `report.html`: a whole run on one page. In: a [`Digest`]; out: one file that
//! asks for nothing else, neither from the network nor of the browser beyond HTML
//! and CSS: the language is chosen by a pair of radio buttons, so that the page
//! works where scripts do not. `maud` writes the HTML, because it escapes every
//! text that is not marked as safe, and is checked when this is compiled.

mod experiment;
mod findings;
mod grid;
mod method;
mod picture;
mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use results::State;

use crate::{Digest, Language, Metric, charts};

const STYLE: &str = include_str!("html/style.css");
/// Nothing may be loaded, whatever a name or a title holds.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// The page, in both languages, English first.
pub fn page(digest: &Digest<'_>) -> String {
    let title = &digest.run.experiment.title;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "pspd " (digest.run.pspd_version) };
                // Else a browser asks the server for one.
                link rel="icon" href="data:,";
                title { (title) " · pspd lab" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                @for language in Language::ALL {
                    input type="radio" name="language" id=(switch(language))
                        aria-label=(name(language)) checked[language == Language::ALL[0]];
                }
                nav .languages aria-label="Language / Idioma" {
                    @for language in Language::ALL {
                        label for=(switch(language)) lang=(language.tag()) { (name(language)) }
                    }
                }
                @for language in Language::ALL {
                    main .(language.choose("english", "portuguese")) lang=(language.tag()) {
                        (Page { digest, language }.body())
                    }
                }
            }
        }
    };
    page.into_string()
}

fn switch(language: Language) -> &'static str {
    language.choose("to-english", "to-portuguese")
}

fn name(language: Language) -> &'static str {
    language.choose("English", "Português")
}

/// The page in one language.
#[derive(Clone, Copy)]
struct Page<'d> {
    digest: &'d Digest<'d>,
    language: Language,
}

/// A part of the page that can be linked to.
#[derive(Clone, Copy)]
enum Section {
    Findings,
    Charts,
    Tables,
    Method,
    Machine,
    Experiment,
}

impl Section {
    const ALL: [Section; 6] = [
        Section::Findings,
        Section::Charts,
        Section::Tables,
        Section::Method,
        Section::Machine,
        Section::Experiment,
    ];

    fn title(self, language: Language) -> &'static str {
        let (english, portuguese) = match self {
            Section::Findings => ("Findings", "Resultados"),
            Section::Charts => ("Charts", "Gráficos"),
            Section::Tables => ("Tables", "Tabelas"),
            Section::Method => ("Method", "Método"),
            Section::Machine => ("Machine", "Máquina"),
            Section::Experiment => ("Experiment", "Experimento"),
        };
        language.choose(english, portuguese)
    }

    /// Of one of the two languages.
    fn anchor(self, language: Language) -> String {
        let name = self.title(Language::English).to_lowercase();
        format!("{name}-{}", language.choose("en", "pt"))
    }
}

impl Page<'_> {
    /// A text in the page's language.
    fn say<'t>(self, english: &'t str, portuguese: &'t str) -> &'t str {
        self.language.choose(english, portuguese)
    }

    /// A number as the language writes it.
    fn number(self, value: f64) -> String {
        charts::number(value, self.language)
    }

    /// A metric, of one route or of all.
    fn subject(self, (metric, route): (Metric, Option<&str>)) -> String {
        let name = metric.name(self.language);
        route.map_or_else(|| name.to_owned(), |route| format!("{name}, {route}"))
    }

    fn body(self) -> Markup {
        html! {
            (self.head())
            (self.section(Section::Findings, findings::findings(self)))
            (self.section(Section::Charts, picture::pictures(self)))
            (self.section(Section::Tables, tables::tables(self)))
            (self.section(Section::Method, method::method(self)))
            (self.section(Section::Machine, experiment::machine(self)))
            (self.section(Section::Experiment, experiment::experiment(self)))
        }
    }

    fn section(self, section: Section, content: Markup) -> Markup {
        html! {
            section id=(section.anchor(self.language)) {
                h2 { (section.title(self.language)) }
                (content)
            }
        }
    }

    fn head(self) -> Markup {
        let run = self.digest.run;
        let commit = run.pspd_commit.as_deref();
        let started = run.started().trim_end_matches('Z').replace('T', " ");
        html! {
            header {
                h1 { (run.experiment.title) }
                p .subtitle {
                    "pspd lab " (run.pspd_version)
                    @if let Some(commit) = commit { " (" (commit.get(..12).unwrap_or(commit)) ")" }
                    " · " (started) " UTC · " (run.machine.line())
                }
                (self.state())
                nav .contents aria-label=(self.say("Contents", "Conteúdo")) {
                    @for section in Section::ALL {
                        a href={ "#" (section.anchor(self.language)) } {
                            (section.title(self.language))
                        }
                    }
                }
            }
        }
    }

    /// Only where not all is there.
    fn state(self) -> Markup {
        let run = self.digest.run;
        let (done, planned) = (run.blocks.len(), run.blocks_planned);
        let text = match (run.state, self.language) {
            (State::Complete, _) => return html! {},
            (State::Running, Language::English) => {
                format!("The run was not over when this was written: {done} of {planned} blocks.")
            }
            (State::Running, Language::Portuguese) => format!(
                "A execução não havia terminado quando isto foi escrito: {done} de {planned} blocos."
            ),
            (State::Interrupted | State::Failed, Language::English) => {
                format!("The run stopped early: {done} of {planned} blocks.")
            }
            (State::Interrupted | State::Failed, Language::Portuguese) => {
                format!("A execução parou antes do fim: {done} de {planned} blocos.")
            }
        };
        html! { p .state role="note" { (text) } }
    }
}

#[cfg(test)]
mod tests;
