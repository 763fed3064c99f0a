//! What must be known before the figures are believed, in words, with the remedy.
//! In: the marks that `lab` put on blocks, and what the experiment asked for;
//! out: one warning a kind, saying of which cells it speaks. No limit is decided
//! here but those of the connection policy, which are of the whole run.

mod policy;
mod words;

use results::{Block, LoadPoint, Mark, MarkKind};

use crate::{Digest, Language};

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The kind of mark in the tables; absent for what is of the whole run.
    pub mark: Option<MarkKind>,
    /// The cells, such as `400 users, rest (3 of 5 repetitions)`; empty for the
    /// whole run.
    pub cells: String,
    /// What is wrong, with the figures.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Warning {
    fn of_run(what: impl Into<String>, remedy: impl Into<String>) -> Warning {
        Warning {
            mark: None,
            cells: String::new(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// On one line: mark, cells, what, remedy.
    pub fn text(&self) -> String {
        let mark = self.mark.map(mark_name).unwrap_or_default();
        let head = [mark, &self.cells];
        let head = head.into_iter().filter(|part| !part.is_empty());
        let parts: Vec<&str> = head.chain([self.what.as_str()]).collect();
        format!("{}; {}", parts.join(": "), self.remedy)
    }
}

/// Everything to be warned of: the run first, then by kind of mark.
pub fn warnings(digest: &Digest<'_>, language: Language) -> Vec<Warning> {
    let mut warnings = policy::warnings(digest, language);
    for kind in ALL {
        let marked: Vec<(&Block, Mark)> = digest
            .run
            .blocks
            .iter()
            .filter_map(|block| Some((block, mark(block, kind)?)))
            .collect();
        if marked.is_empty() {
            continue;
        }
        let (what, remedy) = words::words(kind, &marked, language);
        warnings.push(Warning {
            mark: Some(kind),
            cells: cells(digest, kind, language),
            what,
            remedy,
        });
    }
    warnings
}

/// What casts most doubt first.
const ALL: [MarkKind; 18] = [
    MarkKind::Failures,
    MarkKind::UsersUnserved,
    MarkKind::UsersStalled,
    MarkKind::NoLocalPort,
    MarkKind::GeneratorBusy,
    MarkKind::GeneratorLate,
    MarkKind::GeneratorPaused,
    MarkKind::Unsent,
    MarkKind::ConnectionsOpened,
    MarkKind::SearchEndedByGenerator,
    MarkKind::SearchEndedAtMaximum,
    MarkKind::NotSustained,
    MarkKind::LittlesLaw,
    MarkKind::MachineFull,
    MarkKind::CpuPressure,
    MarkKind::Steal,
    MarkKind::OtherPrograms,
    MarkKind::PeakNotReset,
];

/// A mark's name in tables, the same in every language.
pub fn mark_name(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::GeneratorBusy => "gen-busy",
        MarkKind::GeneratorLate => "gen-late",
        MarkKind::GeneratorPaused => "gen-pause",
        MarkKind::NoLocalPort => "no-port",
        MarkKind::Unsent => "unsent",
        MarkKind::ConnectionsOpened => "reconnect",
        MarkKind::NotSustained => "rate-missed",
        MarkKind::SearchEndedByGenerator => "gen-limit",
        MarkKind::SearchEndedAtMaximum => "rate-max",
        MarkKind::LittlesLaw => "little",
        MarkKind::UsersStalled => "stalled",
        MarkKind::UsersUnserved => "unserved",
        MarkKind::Failures => "failed",
        MarkKind::MachineFull => "full",
        MarkKind::Steal => "steal",
        MarkKind::CpuPressure => "pressure",
        MarkKind::OtherPrograms => "others",
        MarkKind::PeakNotReset => "peak",
    }
}

/// The kinds of mark of any of these blocks, in the order of the warnings.
pub fn marks(blocks: &[&Block]) -> Vec<MarkKind> {
    let has = |kind: &MarkKind| blocks.iter().any(|block| mark(block, *kind).is_some());
    ALL.into_iter().filter(has).collect()
}

/// The names of the marks of these blocks, for columns and programs.
pub(crate) fn mark_names(blocks: &[&Block]) -> Vec<&'static str> {
    marks(blocks).into_iter().map(mark_name).collect()
}

fn mark(block: &Block, kind: MarkKind) -> Option<Mark> {
    block.marks.iter().find(|mark| mark.kind == kind).copied()
}

/// The cells with such a mark, by target, as short as it can be said.
fn cells(digest: &Digest<'_>, kind: MarkKind, language: Language) -> String {
    let is_marked = |block: &&&Block| mark(block, kind).is_some();
    if digest
        .run
        .blocks
        .iter()
        .all(|block| mark(block, kind).is_some())
    {
        return language.choose("all blocks", "todos os blocos").to_owned();
    }
    let mut of_targets = Vec::new();
    for target in digest.targets() {
        let of_target = digest
            .cells
            .iter()
            .filter(|cell| cell.target.name == target);
        let loads: Vec<(LoadPoint, String)> = of_target
            .filter_map(|cell| {
                let marked = cell.blocks.iter().filter(is_marked).count();
                let share = repetitions(marked, cell.blocks.len(), language);
                (marked > 0).then_some((cell.load, share))
            })
            .collect();
        if !loads.is_empty() {
            of_targets.push(loads_of(target, &loads, language));
        }
    }
    of_targets.join("; ")
}

fn repetitions(marked: usize, all: usize, language: Language) -> String {
    match language {
        _ if marked == all => String::new(),
        Language::English => format!(" ({marked} of {all} repetitions)"),
        Language::Portuguese => format!(" ({marked} de {all} repetições)"),
    }
}

fn loads_of(target: &str, loads: &[(LoadPoint, String)], language: Language) -> String {
    match loads {
        [(load, share)] => format!("{}, {target}{share}", load_name(*load, language)),
        _ => {
            let names = loads.iter().map(|(load, share)| match load {
                LoadPoint::Users(users) => format!("{users}{share}"),
                _ => format!("{}{share}", load_name(*load, language)),
            });
            let names: Vec<String> = names.collect();
            let unit = match loads[0].0 {
                LoadPoint::Users(_) => language.choose(" users", " usuários"),
                _ => "",
            };
            let at = language.choose("at", "com");
            format!("{target} {at} {}{unit}", names.join(", "))
        }
    }
}

/// A load as a row of a table has it.
pub fn load_name(load: LoadPoint, language: Language) -> String {
    match (load, language) {
        (LoadPoint::Users(1), Language::English) => "1 user".to_owned(),
        (LoadPoint::Users(users), Language::English) => format!("{users} users"),
        (LoadPoint::Users(1), Language::Portuguese) => "1 usuário".to_owned(),
        (LoadPoint::Users(users), Language::Portuguese) => format!("{users} usuários"),
        (LoadPoint::Rate(rate), _) => language.decimals(&format!("{rate}/s")),
        (LoadPoint::Search, _) => language.choose("highest rate", "maior taxa").to_owned(),
    }
}

#[cfg(test)]
mod tests;
