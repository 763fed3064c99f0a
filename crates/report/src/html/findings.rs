//! What was found: warnings first, because they say what may be believed; then
//! every ratio at a glance, then each in words.

use maud::{Markup, html};
use results::LoadPoint;

use super::{
    Page,
    grid::{Cell, Column, Grid, Group, Look, Row},
};
use crate::{
    Contrast, Language, Metric, Outcome, Verdicts, Warning, charts::capital, figures, load_name,
    mark_name, multiplicity, place, verdicts, warnings,
};

pub(super) fn findings(page: Page<'_>) -> Markup {
    let verdicts = verdicts(page.digest, page.language);
    html! {
        (warnings_box(page))
        @if page.digest.cells.is_empty() {
            p { (page.say("No block is complete yet.", "Nenhum bloco está completo ainda.")) }
        } @else if verdicts.is_empty() {
            p { (page.say(
                "One target alone: there is nothing to compare it with. Its figures are below.",
                "Um único alvo: não há com que compará-lo. Seus valores estão abaixo.",
            )) }
        }
        (heaviest_and_others(page, &verdicts))
        (at_a_glance(page))
        @if let Some(text) = multiplicity(&page.digest.multiplicity, page.language) {
            p .note { (text) }
        }
    }
}

/// Nobody reads seventy sentences: those of the heaviest load, the others folded.
fn heaviest_and_others(page: Page<'_>, verdicts: &[Verdicts]) -> Markup {
    let heaviest = verdicts.iter().filter_map(|of| of.load).next_back();
    let (shown, folded): (Vec<_>, Vec<_>) = verdicts
        .iter()
        .partition(|of| of.load.is_some() && of.load == heaviest);
    html! {
        @for of in shown { (in_words(page, of)) }
        @if !folded.is_empty() {
            details .more {
                summary { (page.say("At the other loads", "Nas demais cargas")) }
                @for of in folded { (in_words(page, of)) }
            }
        }
    }
}

fn warnings_box(page: Page<'_>) -> Markup {
    let warnings = warnings(page.digest, page.language);
    html! {
        @if !warnings.is_empty() {
            aside .warnings aria-label=(page.say("Warnings", "Avisos")) {
                h3 { (page.say("Before you believe these figures", "Antes de acreditar nestes valores")) }
                ul { @for warning in &warnings { li { (in_full(warning)) } } }
            }
        }
    }
}

fn in_full(of: &Warning) -> Markup {
    html! {
        @if let Some(kind) = of.mark { code { (mark_name(kind)) } " " }
        @if of.cells.is_empty() {
            (capital(&of.what))
        } @else {
            strong { (of.cells) } ": " (of.what)
        }
        "; " (of.remedy) "."
    }
}

/// The ratios of each target to the first, a column a load.
fn at_a_glance(page: Page<'_>) -> Markup {
    let digest = page.digest;
    let others = digest.targets().into_iter().filter_map(|other| {
        let of_other = digest.contrasts.iter().filter(|of| of.other == other);
        let contrasts: Vec<_> = of_other.collect();
        let base = contrasts.first()?.base;
        Some((base, other, contrasts))
    });
    html! {
        @for (base, other, contrasts) in others {
            h3 {
                (page.say("All ratios: ", "Todas as razões: ")) (versus(page, base, other))
            }
            (glance(page, &contrasts).markup())
        }
    }
}

fn glance(page: Page<'_>, contrasts: &[&Contrast<'_>]) -> Grid {
    let mut loads: Vec<LoadPoint> = Vec::new();
    let mut subjects: Vec<(Metric, Option<&str>)> = Vec::new();
    for contrast in contrasts {
        let subject = (contrast.metric, contrast.route);
        if !loads.contains(&contrast.load) {
            loads.push(contrast.load);
        }
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    // A route's row stands beside the whole's.
    subjects.sort_by_key(|(metric, _)| *metric);
    let cell = |subject: (Metric, Option<&str>), load: LoadPoint| {
        let mut alike = contrasts.iter();
        let found = alike.find(|of| of.load == load && (of.metric, of.route) == subject);
        found.map_or_else(|| Cell::from("–"), |contrast| ratio(page, contrast))
    };
    let figure = |load: &LoadPoint| {
        Column::Figure(match load {
            // Said once, in the first column.
            LoadPoint::Users(users) => page.number(f64::from(*users)),
            LoadPoint::Rate(_) | LoadPoint::Search => load_name(*load, page.language),
        })
    };
    let first = Column::Text(match loads.first() {
        Some(LoadPoint::Users(_)) => page.say("users", "usuários").to_owned(),
        _ => String::new(),
    });
    Grid {
        caption: page.say("Ratios by load", "Razões por carga").to_owned(),
        columns: [first]
            .into_iter()
            .chain(loads.iter().map(figure))
            .collect(),
        groups: subjects
            .iter()
            .map(|subject| Group {
                heading: page.subject(*subject),
                rows: vec![Row {
                    cells: loads.iter().map(|load| cell(*subject, *load)).collect(),
                    look: Look::Plain,
                }],
            })
            .collect(),
    }
}

fn ratio(page: Page<'_>, contrast: &Contrast<'_>) -> Cell {
    let Ok(ratio) = &contrast.ratio else {
        return Cell {
            look: Look::Muted,
            ..Cell::from("–")
        };
    };
    let (mark, look) = match contrast.outcome() {
        Outcome::Stands => ("*", Look::Strong),
        Outcome::Differs => ("", Look::Plain),
        Outcome::NotDetected | Outcome::None => ("", Look::Muted),
    };
    let (estimate, ends) = figures::ratio(ratio);
    let number = |text: &str| page.language.decimals(text);
    Cell {
        text: format!("{}{mark}", number(&estimate)),
        detail: ends.map(|[low, high]| format!("{} – {}", number(&low), number(&high))),
        look,
    }
}

fn in_words(page: Page<'_>, of: &Verdicts) -> Markup {
    let heading = of.load.map_or_else(
        || page.say("at any load", "em qualquer carga").to_owned(),
        |load| place(load, page.language),
    );
    html! {
        h3 { (capital(&heading)) ": " (versus(page, &of.base, &of.other)) }
        ul .verdicts {
            @for verdict in &of.verdicts {
                li .(outcome_class(verdict.outcome)) { (capital(&verdict.text)) "." }
            }
        }
    }
}

fn versus(page: Page<'_>, base: &str, other: &str) -> String {
    match page.language {
        Language::English => format!("{other} against {base}"),
        Language::Portuguese => format!("{other} em relação a {base}"),
    }
}

fn outcome_class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Stands => "stands",
        Outcome::Differs => "differs",
        Outcome::NotDetected => "not-detected",
        Outcome::None => "none",
    }
}
