//! Which names an expression of PromQL uses that do not exist. It is read as far as that
//! takes: words, and what stands around them.

use telemetry::table::{ALL, Kind};

/// Labels that Prometheus adds.
const ADDED: [&str; 4] = ["job", "instance", "le", "alertname"];
const WORDS: [&str; 11] = [
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
/// Before a list of labels in parentheses.
const BEFORE_LABELS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

fn is_metric(name: &str, recorded: &[String]) -> bool {
    let exposed = ALL.iter().any(|metric| match metric.kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"]
            .iter()
            .any(|suffix| name.strip_suffix(suffix) == Some(metric.name)),
        _ => metric.name == name,
    });
    exposed || name == "up" || recorded.iter().any(|known| known == name)
}

fn is_label(name: &str) -> bool {
    let known = ALL.iter().any(|metric| metric.labels.contains(&name));
    known || ADDED.contains(&name)
}

/// Whether the metric before these braces has the label.
fn has_label(metric: &str, label: &str) -> bool {
    let of = ALL.iter().find(|known| metric.starts_with(known.name));
    match of {
        Some(of) => of.labels.contains(&label) || ADDED.contains(&label),
        None => is_label(label),
    }
}

/// Names of metrics and labels that do not exist.
pub(crate) fn unknown(expression: &str, recorded: &[String]) -> Vec<String> {
    let mut unknown = Vec::new();
    let (mut metric, mut before) = (String::new(), String::new());
    let (mut in_braces, mut in_labels, mut in_range) = (false, false, false);
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_:$.".contains(c);
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if first == '"' {
            let end = rest[1..].find('"').map_or(rest.len(), |end| end + 2);
            rest = &rest[end..];
            continue;
        }
        if length == 0 {
            match first {
                '{' => in_braces = true,
                '}' => in_braces = false,
                '[' => in_range = true,
                ']' => in_range = false,
                '(' => in_labels = BEFORE_LABELS.contains(&before.as_str()),
                ')' => in_labels = false,
                _ => {}
            }
            if !first.is_whitespace() {
                before.clear();
            }
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(length);
        rest = after;
        word.clone_into(&mut before);
        let next = after.trim_start();
        let is_function = !WORDS.contains(&word)
            && ["(", "by (", "without ("]
                .iter()
                .any(|begins| next.starts_with(begins));
        let is_number = word.starts_with(|c: char| c.is_ascii_digit() || c == '$' || c == '.');
        if in_range || is_function || is_number || WORDS.contains(&word) {
            continue;
        }
        let exists = match (in_braces, in_labels) {
            (true, _) => has_label(&metric, word),
            (_, true) => is_label(word),
            _ => {
                word.clone_into(&mut metric);
                is_metric(word, recorded)
            }
        };
        if !exists {
            unknown.push(word.to_owned());
        }
    }
    unknown
}
