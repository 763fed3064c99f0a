//! What is wrong with a text, while the way back out of it is still being taken.
//! While all is well nothing of this exists: each level that a fault passes through
//! adds its own piece of the path.

use std::borrow::Cow;

use super::{ReadError, excerpt};

/// Boxed, so that a result that is no fault stays small.
pub(crate) type Read<T> = Result<T, Box<Fault>>;

#[derive(Debug)]
pub(crate) struct Fault {
    /// Offset of what is wrong.
    at: usize,
    expected: Cow<'static, str>,
    about: About,
    /// Pieces of the path, the innermost first.
    path: Vec<String>,
}

/// What a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// One value: the path leads to it.
    Value,
    /// The text, which is not JSON; a path would claim too much.
    Text,
}

impl Fault {
    /// A value that its field cannot take.
    #[cold]
    pub(crate) fn value(at: usize, expected: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Fault {
            at,
            expected: expected.into(),
            about: About::Value,
            path: Vec::new(),
        })
    }

    /// A text that is not JSON.
    #[cold]
    pub(crate) fn text(at: usize, expected: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Fault {
            at,
            expected: expected.into(),
            about: About::Text,
            path: Vec::new(),
        })
    }

    /// It is in the value of this member.
    #[cold]
    pub(crate) fn in_member(mut self: Box<Self>, name: &str) -> Box<Self> {
        self.path.push(format!(".{}", excerpt::name(name)));
        self
    }

    /// It is in this element of a list.
    #[cold]
    pub(crate) fn in_element(mut self: Box<Self>, index: usize) -> Box<Self> {
        self.path.push(format!("[{index}]"));
        self
    }

    /// It is in the entry of a map with this key.
    #[cold]
    pub(crate) fn in_entry(mut self: Box<Self>, key: &str) -> Box<Self> {
        self.path.push(format!("[\"{}\"]", excerpt::name(key)));
        self
    }

    /// The fault as its sender sees it.
    #[cold]
    pub(crate) fn report(self, text: &str) -> ReadError {
        let path: String = match self.about {
            About::Value => self.path.iter().rev().map(String::as_str).collect(),
            About::Text => String::new(),
        };
        let (line, column) = excerpt::position(text, self.at);
        ReadError {
            path: path.strip_prefix('.').unwrap_or(&path).to_owned(),
            value: excerpt::value(text, self.at),
            expected: self.expected.into_owned(),
            line,
            column,
        }
    }
}
