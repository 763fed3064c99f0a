//! A run as text: for a terminal, and as Markdown. Five tables, because one line
//! with everything would not fit a screen: what users see in all, what they see
//! of each route, of streams, what it costs, and what the original study
//! published for the same cells. Then the verdicts and the warnings. In English;
//! the page for readers of two languages is HTML.

mod circumstances;
mod tables;

use crate::{
    Cell, Digest, Language, RouteTimes, Warning,
    published::note,
    steps,
    table::Table,
    verdict::{method, multiplicity, verdicts},
    warnings::warnings,
};

pub use circumstances::circumstances;

/// Of a terminal that is not small.
const COLUMNS: usize = 110;

/// For standard output.
pub fn text(digest: &Digest<'_>) -> String {
    render(digest, Style::Text)
}

/// For `table.md`.
pub fn markdown(digest: &Digest<'_>) -> String {
    render(digest, Style::Markdown)
}

/// How paragraphs are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Text,
    Markdown,
}

/// Paragraphs one after the other.
pub(crate) struct Page {
    style: Style,
    text: String,
}

impl Page {
    pub(crate) fn new(style: Style) -> Page {
        Page {
            style,
            text: String::new(),
        }
    }

    pub(crate) fn heading(&mut self, title: &str) {
        match self.style {
            Style::Text => self.paragraph(title),
            Style::Markdown => self.paragraph(&format!("## {title}")),
        }
    }

    /// Prose; line breaks in it are kept.
    pub(crate) fn paragraph(&mut self, text: &str) {
        match self.style {
            Style::Text => self.verbatim(&wrapped(text)),
            Style::Markdown => self.verbatim(text),
        }
    }

    pub(crate) fn table(&mut self, table: &Table) {
        match self.style {
            Style::Text => self.verbatim(&table.text()),
            Style::Markdown => self.verbatim(&table.markdown()),
        }
    }

    pub(crate) fn list(&mut self, lines: impl IntoIterator<Item = String>) {
        let lines: Vec<String> = lines.into_iter().map(|line| format!("- {line}")).collect();
        self.paragraph(&lines.join("\n"));
    }

    fn verbatim(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.push_str(text.trim_end());
            self.text.push_str("\n\n");
        }
    }

    pub(crate) fn finish(self) -> String {
        self.text.trim_end().to_owned() + "\n"
    }
}

/// Lines of at most [`COLUMNS`], broken at spaces; those of a list are indented.
fn wrapped(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let indent = if line.starts_with("- ") { "  " } else { "" };
        let mut columns = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if columns > 0 && columns + 1 + length > COLUMNS {
                out.push('\n');
                out.push_str(indent);
                columns = indent.len();
            } else if columns > 0 {
                out.push(' ');
                columns += 1;
            }
            out.push_str(word);
            columns += length;
        }
        out.push('\n');
    }
    out
}

fn render(digest: &Digest<'_>, style: Style) -> String {
    let mut page = Page::new(style);
    if style == Style::Markdown {
        page.paragraph(&format!("# {}", digest.run.experiment.title));
    }
    page.paragraph(&circumstances(digest, Language::English));
    if !digest.cells.is_empty() {
        figures(&mut page, digest);
        verdict_section(&mut page, digest);
    }
    let warnings = warnings(digest, Language::English);
    if !warnings.is_empty() {
        page.heading("Warnings");
        page.list(warnings.iter().map(Warning::text));
    }
    page.finish()
}

fn figures(page: &mut Page, digest: &Digest<'_>) {
    let has = |is: fn(&Cell<'_>) -> bool| digest.cells.iter().any(is);
    page.heading("Latency and throughput");
    page.table(&tables::overall(digest));
    page.paragraph(&tables::method(digest));
    if has(|cell| cell.routes.len() > 1) {
        page.heading("Latency by route");
        page.table(&tables::routes(digest));
    }
    if has(|cell| {
        cell.routes
            .iter()
            .any(|route| route.first_message.is_some())
    }) {
        page.heading("Streams: first message and gaps between messages");
        page.table(&tables::streams(digest));
    }
    if has(|cell| cell.routes.iter().any(RouteTimes::has_messages)) {
        page.heading("Streams: messages a second and their round trips");
        page.table(&tables::messages(digest));
        page.paragraph(
            "sent, received: messages inside the window, a second. trip: from when a message was \
             due to the answer of the same number.",
        );
    }
    let steps = steps::steps(digest, Language::English);
    if !steps.is_empty() {
        page.heading("Steps of the searches");
        page.table(&tables::steps(digest, steps));
        page.paragraph(&steps::method(digest, Language::English));
    }
    page.heading("Cost by component, CPU, switches and bytes for each request");
    page.table(&tables::costs(digest));
    page.paragraph(&tables::cost_method(digest));
    if has(|cell| cell.ceiling_per_second.is_some()) {
        page.heading("Beside the original study");
        page.table(&tables::published(digest));
        page.paragraph(&note(digest, Language::English).unwrap_or_default());
    }
}

fn verdict_section(page: &mut Page, digest: &Digest<'_>) {
    let groups = verdicts(digest, Language::English);
    if groups.is_empty() {
        return;
    }
    page.heading("Verdicts");
    for group in groups {
        let verdicts = group.verdicts.into_iter();
        page.list(verdicts.map(|verdict| verdict.text + verdict.outcome.star()));
    }
    if let Some(said) = multiplicity(&digest.multiplicity, Language::English) {
        page.paragraph(&said);
        page.paragraph(method(Language::English));
    }
}

#[cfg(test)]
mod tests;
