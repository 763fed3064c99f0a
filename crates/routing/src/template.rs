//! Path templates, as `google/api/http.proto` defines them:
//! `/v1/{name=shelves/*}:archive`. In: the text of a rule; out: segments, variables
//! and verb, or the place where the text is wrong and what would be right there.
//! Matching paths is the router's.
//!
//! The definition leaves some things open. Here:
//!
//! - `/` alone is the root, which its grammar does not have and everybody uses.
//! - Text is literal after percent-decoding, in the template as in the path. A
//!   character that ends a segment or that no URL has is written percent-encoded.
//! - A colon begins the verb in the last segment, outside braces; a verb may hold
//!   more of them. Elsewhere it belongs to its literal.

mod parse;

use std::{fmt, ops::Range, str::FromStr};

use crate::decode::{self, Decoding};

/// The paths that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Empty for the root.
    pub(crate) segments: Vec<Segment>,
    /// In the order of their segments, which do not overlap.
    pub(crate) variables: Vec<Variable>,
    pub(crate) verb: Option<String>,
    pub(crate) decoding: Decoding,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// This text, here without percent-encoding; never empty.
    Literal(String),
    /// `*`: one segment that is not empty.
    One,
    /// `**`: all that is left. Always the last.
    Rest,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The field that it sets: `shelf.name`.
    pub(crate) field: String,
    /// The segments that are its value; never none.
    pub(crate) segments: Range<usize>,
}

/// One segment of a template, for those who show it to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'t> {
    /// What it fits.
    pub text: Text<'t>,
    /// Index of the variable that it is a part of.
    pub variable: Option<usize>,
}

/// What a segment of a template fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'t> {
    /// This text, here without percent-encoding; it is shown with it.
    Literal(&'t str),
    /// `*`: one segment that is not empty.
    One,
    /// `**`: all that is left.
    Rest,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {position} of the path is wrong: expected {expected}, found {found}")]
pub struct BadTemplate {
    /// Of the first character that is wrong, counted from 1.
    pub position: usize,
    /// What there may be instead.
    pub expected: String,
    /// What there is.
    pub found: String,
}

impl Template {
    /// The fields that the variables set, in the order of the path.
    pub fn variables(&self) -> impl ExactSizeIterator<Item = &str> {
        self.variables
            .iter()
            .map(|variable| variable.field.as_str())
    }

    /// The segments of the paths, in their order; none for the root.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let pieces = self.segments.iter().enumerate();
        pieces.map(|(index, segment)| Piece {
            text: segment.text(),
            variable: self
                .variables
                .iter()
                .position(|variable| variable.segments.contains(&index)),
        })
    }

    /// What follows the last segment after a colon, as it is written in a template.
    #[must_use]
    pub fn verb(&self) -> Option<String> {
        let verb = self.verb.as_deref()?;
        Some(decode::encode(verb).to_string())
    }

    /// With another decoding of the variables that hold several segments.
    #[must_use]
    pub fn decoded(self, decoding: Decoding) -> Self {
        Template { decoding, ..self }
    }

    /// The path of exactly these segments, none of which is empty.
    pub(crate) fn of_literals<const N: usize>(segments: [&str; N]) -> Self {
        Template {
            segments: segments
                .map(|text| Segment::Literal(text.to_owned()))
                .into(),
            variables: Vec::new(),
            verb: None,
            decoding: Decoding::default(),
        }
    }

    /// Whether the variable holds one segment, whatever its text.
    pub(crate) fn is_single(&self, variable: &Variable) -> bool {
        variable.segments.len() == 1 && self.segments[variable.segments.start] != Segment::Rest
    }
}

impl FromStr for Template {
    type Err = BadTemplate;

    /// # Errors
    ///
    /// [`BadTemplate`] for the first character that is wrong.
    fn from_str(text: &str) -> Result<Self, BadTemplate> {
        parse::template(text)
    }
}

impl fmt::Display for Template {
    /// The template in its shortest form: it parses to the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() {
            f.write_str("/")?;
        }
        let mut variables = self.variables.iter().peekable();
        let mut index = 0;
        while index < self.segments.len() {
            f.write_str("/")?;
            match variables.next_if(|variable| variable.segments.start == index) {
                None => {
                    self.segments[index].fmt(f)?;
                    index += 1;
                }
                Some(Variable { field, segments }) => {
                    match &self.segments[segments.clone()] {
                        [Segment::One] => write!(f, "{{{field}}}")?,
                        [first, others @ ..] => {
                            write!(f, "{{{field}={first}")?;
                            others.iter().try_for_each(|other| write!(f, "/{other}"))?;
                            f.write_str("}")?;
                        }
                        [] => {}
                    }
                    index = segments.end;
                }
            }
        }
        match &self.verb {
            Some(verb) => write!(f, ":{}", decode::encode(verb)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Text::Literal(text) => decode::encode(text).fmt(f),
            Text::One => f.write_str("*"),
            Text::Rest => f.write_str("**"),
        }
    }
}

impl Segment {
    fn text(&self) -> Text<'_> {
        match self {
            Segment::Literal(text) => Text::Literal(text),
            Segment::One => Text::One,
            Segment::Rest => Text::Rest,
        }
    }
}

#[cfg(test)]
mod tests;
