//! The text of a template, by recursive descent over the grammar
//!
//! ```text
//! Template  = "/" | "/" Segments [ ":" Literal ]
//! Segments  = Segment { "/" Segment }
//! Segment   = "*" | "**" | Literal | "{" FieldPath [ "=" Segments ] "}"
//! FieldPath = Ident { "." Ident }
//! ```
//!
//! where variables hold no variables and `**` is the last segment. Its depth is
//! two and it reads each character once, whatever the text.

use std::collections::HashSet;

use super::{BadTemplate, Segment, Template, Variable};
use crate::decode::{self, Decoding};

pub(super) fn template(text: &str) -> Result<Template, BadTemplate> {
    let mut parser = Parser {
        text,
        at: 0,
        last_slash: text.rfind('/').unwrap_or(0),
        segments: Vec::new(),
        variables: Vec::new(),
        bound: HashSet::new(),
    };
    let verb = parser.template()?;
    Ok(Template {
        segments: parser.segments,
        variables: parser.variables,
        verb,
        decoding: Decoding::default(),
    })
}

/// Where a segment or a literal is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    Braces,
    Verb,
}

struct Parser<'t> {
    text: &'t str,
    /// Bytes that were read.
    at: usize,
    /// Before it a colon cannot begin the verb.
    last_slash: usize,
    segments: Vec<Segment>,
    variables: Vec<Variable>,
    bound: HashSet<&'t str>,
}

impl<'t> Parser<'t> {
    fn template(&mut self) -> Result<Option<String>, BadTemplate> {
        if !self.take('/') {
            return Err(self.expected("`/`, which every path begins with"));
        }
        if self.rest().is_empty() {
            return Ok(None);
        }
        self.segments(Place::Path)?;
        let verb = match self.take(':') {
            true => Some(self.literal(Place::Verb)?),
            false => None,
        };
        match (self.peek(), &verb) {
            (None, _) => Ok(verb),
            (Some(_), Some(_)) => Err(self.expected("the end, which a verb is before")),
            (Some('/'), None) => {
                Err(self.expected("a verb or the end, since `**` takes all that is left"))
            }
            (Some(_), None) => Err(self.expected(
                "`/`, a verb or the end, since wildcards and variables take whole segments",
            )),
        }
    }

    /// Segments until there is no slash, or `**` was the last.
    fn segments(&mut self, place: Place) -> Result<(), BadTemplate> {
        loop {
            self.segment(place)?;
            if self.segments.last() == Some(&Segment::Rest) || !self.take('/') {
                return Ok(());
            }
        }
    }

    fn segment(&mut self, place: Place) -> Result<(), BadTemplate> {
        match self.peek() {
            Some('{') if place == Place::Path => return self.variable(),
            Some('{') => {
                return Err(self.expected("text, `*` or `**`, since variables hold no variables"));
            }
            Some('*') => {
                self.take('*');
                let segment = match self.take('*') {
                    true => Segment::Rest,
                    false => Segment::One,
                };
                self.segments.push(segment);
            }
            _ => {
                let text = self.literal(place)?;
                self.segments.push(Segment::Literal(text));
            }
        }
        Ok(())
    }

    fn variable(&mut self) -> Result<(), BadTemplate> {
        self.take('{');
        let name = self.at;
        let field = self.field_path()?;
        if !self.bound.insert(field) {
            self.at = name;
            return Err(self.expected("the name of another field, since each is set once"));
        }
        let start = self.segments.len();
        let is_bare = !self.take('=');
        match is_bare {
            true => self.segments.push(Segment::One),
            false => self.segments(Place::Braces)?,
        }
        if !self.take('}') {
            return Err(self.expected(match self.segments.last() {
                Some(Segment::Rest) => "`}`, since `**` takes all that is left",
                _ if is_bare => "`=` or `}`",
                _ => "`/` or `}`",
            }));
        }
        self.variables.push(Variable {
            field: field.to_owned(),
            segments: start..self.segments.len(),
        });
        Ok(())
    }

    fn field_path(&mut self) -> Result<&'t str, BadTemplate> {
        let start = self.at;
        loop {
            if !self.take_if(|c| c.is_ascii_alphabetic() || c == '_') {
                return Err(self.expected("the name of a field"));
            }
            while self.take_if(|c| c.is_ascii_alphanumeric() || c == '_') {}
            if !self.take('.') {
                return Ok(&self.text[start..self.at]);
            }
        }
    }

    /// Text up to the next character that has a meaning, decoded.
    fn literal(&mut self, place: Place) -> Result<String, BadTemplate> {
        let start = self.at;
        while let Some(next) = self.peek() {
            match next {
                '/' | '{' | '}' | '*' => break,
                ':' if place == Place::Path && self.at > self.last_slash => break,
                '%' => self.escape()?,
                '?' | '#' => return Err(self.encoded(next)),
                _ if next.is_control() || next.is_whitespace() => return Err(self.encoded(next)),
                _ => self.at += next.len_utf8(),
            }
        }
        if start == self.at {
            return Err(self.expected(match place {
                Place::Path => "text, `*`, `**` or a variable in braces",
                Place::Braces => "text, `*` or `**`",
                Place::Verb => "the text of a verb",
            }));
        }
        match decode::wholly(&self.text[start..self.at]) {
            Some(text) => Ok(text.into_owned()),
            None => {
                self.at = start;
                Err(self.expected("text that is UTF-8 once decoded"))
            }
        }
    }

    fn escape(&mut self) -> Result<(), BadTemplate> {
        self.take('%');
        for _ in 0..2 {
            if !self.take_if(|c| c.is_ascii_hexdigit()) {
                return Err(self.expected("a hexadecimal digit after `%`"));
            }
        }
        Ok(())
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        self.take_if(|next| next == wanted)
    }

    fn take_if(&mut self, is_wanted: impl Fn(char) -> bool) -> bool {
        match self.peek().filter(|&next| is_wanted(next)) {
            Some(next) => self.at += next.len_utf8(),
            None => return false,
        }
        true
    }

    fn expected(&self, expected: &str) -> BadTemplate {
        BadTemplate {
            position: self.text[..self.at].chars().count() + 1,
            expected: expected.to_owned(),
            found: match self.peek() {
                Some(found) => format!("{found:?}"),
                None => "the end".to_owned(),
            },
        }
    }

    fn encoded(&self, found: char) -> BadTemplate {
        let encoded: String = found
            .encode_utf8(&mut [0; 4])
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        self.expected(&format!("{encoded} for this character, which no path has"))
    }
}
