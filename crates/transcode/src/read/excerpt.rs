//! Pieces of a text for a message about it: short, on one line, and printable
//! whatever the text holds.

use super::{ReadError, tokens::Tokens};

/// Characters that an excerpt has at most.
const CHARACTERS_MAX: usize = 40;
/// Names that a list of them has at most.
const NAMES_MAX: usize = 10;

/// What is at `at`: the whole value if it is one and short, or its beginning.
pub(super) fn value(text: &str, at: usize) -> String {
    let rest = text.get(at..).unwrap_or_default();
    let mut tokens = Tokens::new(rest);
    let length = match tokens.skip() {
        Ok(()) => tokens.position(),
        Err(_) => word(rest),
    };
    shortened(rest.get(..length).unwrap_or(rest))
}

/// How long the word is that `text` begins with, if only of one character.
fn word(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_alphanumeric() && !"+-._".contains(c));
    match end {
        Some(0) => text.chars().next().map_or(0, char::len_utf8),
        Some(end) => end,
        None => text.len(),
    }
}

/// A member's name or a map's key, for a path.
pub(super) fn name(name: &str) -> String {
    shortened(name)
}

fn shortened(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(CHARACTERS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        short.pop();
        short.push('…');
    }
    short
}

/// Line and column of an offset, both from 1.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

/// The error for a text that is UTF-8 only up to an offset.
pub(super) fn not_utf8(json: &[u8], valid_up_to: usize) -> ReadError {
    let (valid, rest) = json.split_at(valid_up_to);
    let valid = std::str::from_utf8(valid).unwrap_or_default();
    let (line, column) = position(valid, valid.len());
    ReadError {
        path: String::new(),
        value: rest
            .first()
            .map_or_else(String::new, |byte| format!("the byte 0x{byte:02x}")),
        expected: "text in UTF-8".to_owned(),
        line,
        column,
    }
}

/// The first names, and how many more there are.
pub(crate) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut list = String::new();
    let mut count = 0;
    for name in names {
        count += 1;
        if count > NAMES_MAX {
            continue;
        }
        if count > 1 {
            list.push_str(", ");
        }
        list.push_str(name);
    }
    if count > NAMES_MAX {
        list.push_str(&format!(" and {} more", count - NAMES_MAX));
    }
    list
}
