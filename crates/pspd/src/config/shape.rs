//! Whether a configuration file has the shape that its schema says: keys that exist,
//! values of the right type. In: the document, with the place of everything in it;
//! out: all that does not fit, each with its line and what would be right, and where
//! everything is. A derived reader stops at the first problem, and a validator for
//! any schema knows no lines and says less; the few words that our own schema is made
//! of (types, choices, known and required keys) are looked at here. What a value
//! means is none of its business.

use std::{collections::BTreeMap, ops::Range, path::Path};

use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Of 1, how alike two keys are before one was perhaps meant for the other.
const ALIKE: f64 = 0.85;
/// How much is shown of a value that is wrong, in characters.
const SHOWN_MAX: usize = 40;

/// What was found in a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Everything wrong, in the order of the file.
    pub(super) problems: Vec<Misfit>,
    /// Everything that there is, such as `gateway.routes[1].get`, with its line.
    pub(super) lines: BTreeMap<String, usize>,
}

/// Something that is not as the schema wants it.
#[derive(Debug)]
pub(super) struct Misfit {
    line: usize,
    /// As in [`Found::lines`].
    pub(super) place: String,
    /// Place, value, and what would be right.
    message: String,
}

impl Misfit {
    /// For people, who may click on the place.
    pub(super) fn told(&self, path: &Path) -> String {
        format!("{}:{}: {}", path.display(), self.line, self.message)
    }
}

/// Compares a document, of which this is the text, with its schema.
pub(super) fn check(text: &str, document: &DeTable<'_>, schema: &Value) -> Found {
    let line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
    let mut reading = Reading {
        text,
        line_ends,
        found: Found::default(),
    };
    reading.table("", 1, document, schema);
    let mut found = reading.found;
    found.problems.sort_by_key(|misfit| misfit.line);
    found
}

struct Reading<'t> {
    text: &'t str,
    line_ends: Vec<usize>,
    found: Found,
}

impl Reading<'_> {
    fn table(&mut self, place: &str, line: usize, table: &DeTable<'_>, schema: &Value) {
        let known = schema["properties"].as_object();
        let others = &schema["additionalProperties"];
        for (key, value) in table {
            let at = join(place, key.get_ref());
            let line = self.line(key.span());
            self.found.lines.insert(at.clone(), line);
            match known.and_then(|known| known.get(key.get_ref().as_ref())) {
                Some(schema) => self.value(&at, line, value, schema),
                None if *others == Value::Bool(false) => {
                    let what = match place {
                        "" => "section",
                        _ => "key",
                    };
                    let known = known.into_iter().flat_map(|known| known.keys());
                    let instead = instead(key.get_ref(), known.map(String::as_str));
                    self.misfit(&at, line, format!("{at}: no such {what}; {instead}"));
                }
                None => self.value(&at, line, value, others),
            }
        }
        for required in texts(&schema["required"]) {
            if !table.keys().any(|key| key.get_ref() == required) {
                let place = join(place, required);
                self.misfit(&place, line, format!("{place} is missing"));
            }
        }
    }

    fn value(&mut self, place: &str, line: usize, value: &Spanned<DeValue<'_>>, schema: &Value) {
        let choices: Vec<_> = choices(schema).collect();
        let kinds: Vec<_> = match &schema["type"] {
            Value::String(kind) => vec![kind.as_str()],
            Value::Null if !choices.is_empty() => vec!["string"],
            kinds => texts(kinds).collect(),
        };
        let kind = kind(value.get_ref());
        let is_whole = kind == "integer" && kinds.contains(&"number");
        if !(kinds.is_empty() || kinds.contains(&kind) || is_whole) {
            let right = match &choices[..] {
                [] => kinds
                    .into_iter()
                    .map(in_words)
                    .collect::<Vec<_>>()
                    .join(" or "),
                choices => list(choices.iter().map(|choice| format!("{choice:?}"))),
            };
            let shown = self.shown(value.span());
            return self.misfit(place, line, format!("{place} = {shown}: give {right}"));
        }
        match value.get_ref() {
            DeValue::Table(table) => self.table(place, line, table, schema),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let place = format!("{place}[{index}]");
                    let line = self.line(item.span());
                    self.found.lines.insert(place.clone(), line);
                    self.value(&place, line, item, &schema["items"]);
                }
            }
            DeValue::String(text) if !choices.is_empty() && !choices.contains(&&**text) => {
                let right = list(choices.iter().map(|choice| format!("{choice:?}")));
                let shown = self.shown(value.span());
                self.misfit(place, line, format!("{place} = {shown}: give {right}"));
            }
            _ => {}
        }
    }

    fn misfit(&mut self, place: &str, line: usize, message: String) {
        self.found.problems.push(Misfit {
            line,
            place: place.to_owned(),
            message,
        });
    }

    /// The line that a range begins in, from 1.
    fn line(&self, range: Range<usize>) -> usize {
        self.line_ends.partition_point(|end| *end < range.start) + 1
    }

    /// The beginning of what is written there.
    fn shown(&self, range: Range<usize>) -> String {
        let written = self.text.get(range).unwrap_or_default();
        let first = written.lines().next().unwrap_or_default();
        let mut shown: String = first.chars().take(SHOWN_MAX).collect();
        if shown.len() < written.len() {
            shown += "...";
        }
        shown
    }
}

/// `place.key`, in quotes where TOML wants them.
fn join(place: &str, key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let key = match !key.is_empty() && key.chars().all(is_bare) {
        true => key.to_owned(),
        false => format!("{key:?}"),
    };
    match place {
        "" => key,
        place => format!("{place}.{key}"),
    }
}

/// The one that was perhaps meant, or else all.
fn instead<'k>(given: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    let alike = known
        .clone()
        .map(|known| (strsim::jaro_winkler(known, given), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match alike {
        Some((_, meant)) => format!("did you mean {meant}?"),
        None => format!("there are {}", list(known.map(str::to_owned))),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// The texts that a value has to be one of; none for any.
fn choices(schema: &Value) -> impl Iterator<Item = &str> {
    let described = schema["oneOf"].as_array().into_iter().flatten();
    let described = described.filter_map(|choice| choice["const"].as_str());
    texts(&schema["enum"]).chain(described)
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str)
}

/// JSON's name of a type; those that JSON lacks fit nowhere.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "string",
        DeValue::Integer(_) => "integer",
        DeValue::Float(_) => "number",
        DeValue::Boolean(_) => "boolean",
        DeValue::Datetime(_) => "date",
        DeValue::Array(_) => "array",
        DeValue::Table(_) => "object",
    }
}

fn in_words(kind: &str) -> &str {
    match kind {
        "string" => "a text in quotes",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list in brackets",
        "object" => "a table",
        other => other,
    }
}
