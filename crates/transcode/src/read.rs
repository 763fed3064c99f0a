//! JSON text to protobuf's wire format, by the proto3 JSON mapping. In: a complete
//! text and the message (or the one field) that it stands for. Out: bytes in a
//! [`Builder`], or the first thing that is wrong with the text, where it is and what
//! should be there. The text is read once, token by token, and each value is written
//! as it is read: no tree of it is made. It does not merge with what the builder
//! holds; protobuf's readers do that.
//!
//! Where the mapping leaves a choice: a member given twice is an error, also under
//! both of its names; of a oneof one member may be given, and null is none; a map's
//! key may be given once; a number in quotes follows JSON's grammar of numbers.
//! Everything is limited by the text's length and by [`DEPTH_MAX`] levels of lists,
//! objects and messages, so that no reader of the wire format finds them too deep: an
//! object inside a Value is three, as a Value, a Struct and an entry.
//!
//! [`DEPTH_MAX`]: crate::wire::DEPTH_MAX

use std::fmt;

use crate::{
    schema::{FieldPath, MessageId, Schema},
    wire::Builder,
};

mod any;
pub(crate) mod distinct;
mod excerpt;
mod fault;
mod message;
pub(crate) mod scalar;
mod tokens;
mod value;
pub(crate) mod wellknown;

pub(crate) use excerpt::listed;
use fault::Read;
pub(crate) use message::{Key, ONCE, Transcoder};

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// What happens to members that no field is named after.
    pub unknown: Unknown,
}

/// What happens to names that are not known: of fields, and of an enum's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unknown {
    /// They are errors.
    #[default]
    Reject,
    /// They are passed over, with their values.
    Ignore,
}

/// A text that does not stand for the message, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// Which field, as in `shelf.books[3].title` or `labels["a"]`; empty when it is
    /// the whole value, or when the text is not JSON at all.
    pub path: String,
    /// The beginning of what is there; empty at the end of the text.
    pub value: String,
    /// What should be there.
    pub expected: String,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReadError {
            path,
            value,
            expected,
            line,
            column,
        } = self;
        match (path.as_str(), value.as_str()) {
            ("", "") => write!(f, "the JSON text ends at line {line}, column {column}")?,
            ("", value) => write!(
                f,
                "the JSON text has {value} at line {line}, column {column}"
            )?,
            (path, value) => write!(f, "{path} is {value} (line {line}, column {column})")?,
        }
        write!(f, "; expected {expected}")
    }
}

impl std::error::Error for ReadError {}

impl Schema {
    /// Reads a JSON text as a message and writes it to `out`.
    ///
    /// # Errors
    ///
    /// [`ReadError`] for the first thing that is wrong. `out` then holds a part of
    /// the message and is of no use.
    pub fn read_json(
        &self,
        id: MessageId,
        json: &[u8],
        options: ReadOptions,
        out: &mut Builder,
    ) -> Result<(), ReadError> {
        self.read(json, options, out, |transcoder| transcoder.message(id))
    }

    /// Reads a JSON text as the one field at `path` and writes it to `out`, inside
    /// the messages that lead there. Paths in errors begin at the text, not at the
    /// outermost message.
    ///
    /// # Errors
    ///
    /// As those of [`Schema::read_json`].
    pub fn read_field(
        &self,
        path: &FieldPath,
        json: &[u8],
        options: ReadOptions,
        out: &mut Builder,
    ) -> Result<(), ReadError> {
        self.read(json, options, out, |transcoder| {
            transcoder.field_at(&path.steps)
        })
    }

    fn read(
        &self,
        json: &[u8],
        options: ReadOptions,
        out: &mut Builder,
        read: impl FnOnce(&mut Transcoder<'_, '_, '_>) -> Read<()>,
    ) -> Result<(), ReadError> {
        let text = std::str::from_utf8(json)
            .map_err(|error| excerpt::not_utf8(json, error.valid_up_to()))?;
        let mut transcoder = Transcoder::new(self, text, options.unknown, out);
        read(&mut transcoder)
            .and_then(|()| transcoder.finish())
            .map_err(|fault| fault.report(text))
    }
}

#[cfg(test)]
pub(crate) mod tests;
