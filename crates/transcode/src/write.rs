//! Wire bytes to JSON text, by the proto3 JSON mapping. In: a message's bytes and
//! which message they are; out: its JSON, appended to a buffer.
//!
//! Members are written while the bytes are read, in the order in which they lie
//! there: no message, no list of fields and no memory in between. That is right as
//! long as nothing comes back: a field once, a list's elements side by side, one
//! member of a oneof. Serializers write that, but the format allows more, because
//! messages may be merged by putting their bytes one after the other. Where that is
//! met, or anything is wrong, everything is written anew from the start, each
//! message's values sorted by field first ([`Way`]), and that decides. Twice is the
//! worst: going back for one message alone would double the work with each level of
//! nesting.
//!
//! What the mapping leaves open: numbers of an enum without a name are written as
//! numbers, of proto2's enums too; a value in the wrong wire type is passed over like
//! an unknown field; a `google.protobuf.Value` without a kind is null.

use crate::{
    schema::{Field, FieldPath, Form, Kind, MessageId, Schema, Shape},
    wire::{Malformed, Reader},
};

mod error;
mod map;
mod members;
mod resolve;
mod time;
mod value;
mod well_known;

use error::Unfit;
pub use error::WriteError;

/// How JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// Whether absent fields are written.
    pub defaults: Defaults,
    /// How members are named.
    pub names: Names,
    /// How the values of enums are written.
    pub enums: Enums,
    /// What happens to an `Any` of a type that no descriptor describes.
    pub unknown_any: UnknownAny,
    /// Bytes that may be written, with little more; a few bytes of a message can
    /// stand for many of JSON. No limit by default.
    pub bytes_max: Option<usize>,
}

/// Whether fields that hold their default value are written. Those whose absence
/// means something, such as messages, `optional` fields and members of a oneof, are
/// written when present and never otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Defaults {
    /// They are left out.
    #[default]
    Omit,
    /// They are written: `0`, `""`, `false`, an enum's first name, `[]`, `{}`.
    Write,
}

/// How the members of an object are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// In `lowerCamelCase`, or as the field's `json_name` says.
    #[default]
    Json,
    /// As in the `.proto` file.
    Original,
}

/// How the values of enums are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Enums {
    /// By name; numbers that have none as numbers.
    #[default]
    Names,
    /// By number.
    Numbers,
}

/// What happens to an `Any` that holds a type which is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownAny {
    /// It is an error, as the mapping demands.
    #[default]
    Fail,
    /// Its bytes are written: `{"@type": ..., "value": base64}`.
    Base64,
}

impl Schema {
    /// Appends the JSON of the message in `wire`.
    ///
    /// # Errors
    ///
    /// When the bytes are no such message, or one that has no JSON. `out` then holds
    /// what had been written.
    pub fn write_json(
        &self,
        id: MessageId,
        wire: &[u8],
        options: &WriteOptions,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        write(self, id, options, out, |writer| {
            writer.message(id, &[wire], 0)
        })
    }

    /// Appends the members of the message in `wire`, without braces, for an object
    /// that has others as well; nothing when there are none. A message whose JSON is
    /// not an object becomes one member, `"value"`.
    ///
    /// # Errors
    ///
    /// As [`Schema::write_json`].
    pub fn write_members(
        &self,
        id: MessageId,
        wire: &[u8],
        options: &WriteOptions,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        write(self, id, options, out, |writer| {
            writer.without_braces(id, wire)
        })
    }

    /// Appends the value of the field at `path` alone. One that is absent is written
    /// as its default, `[]` or `{}`; as null if its absence means something.
    ///
    /// # Errors
    ///
    /// As [`Schema::write_json`]; what is wrong in other fields may go unnoticed.
    pub fn write_field(
        &self,
        path: &FieldPath,
        wire: &[u8],
        options: &WriteOptions,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let root = path.steps.first().map_or(path.leaf().0, |step| step.0);
        write(self, root, options, out, |writer| writer.field(path, wire))
    }
}

/// Writes in order and, if that does not end well, again. Not only because of what
/// comes back: a value may be wrong only as long as its other half has not come.
fn write<'s>(
    schema: &'s Schema,
    root: MessageId,
    options: &WriteOptions,
    out: &mut Vec<u8>,
    story: impl Fn(&mut Writer<'s, '_>) -> Result<(), Stop>,
) -> Result<(), WriteError> {
    let start = out.len();
    let mut attempt = |way| {
        out.truncate(start);
        let mut writer = Writer {
            schema,
            options: *options,
            end_max: options
                .bytes_max
                .map_or(usize::MAX, |bytes| start.saturating_add(bytes)),
            out,
            way,
            unfit: None,
            path: Vec::new(),
        };
        story(&mut writer).map_err(|stop| (stop, writer.explain(root, stop)))
    };
    let (in_order, error) = match attempt(Way::InOrder) {
        Ok(()) => return Ok(()),
        Err((Stop::TooLarge, error)) => return Err(error),
        Err(failed) => failed,
    };
    attempt(Way::Resolved).map_err(|(resolved, merged)| match (in_order, resolved) {
        // Both times the bytes are to blame; in order it is known better which.
        (Stop::Malformed(_), Stop::Malformed(_)) => error,
        _ => merged,
    })
}

/// What is carried along.
struct Writer<'s, 'o> {
    schema: &'s Schema,
    options: WriteOptions,
    out: &'o mut Vec<u8>,
    way: Way,
    /// Bytes that `out` may have.
    end_max: usize,
    /// What [`Stop::Unfit`] stands for.
    unfit: Option<Box<Unfit>>,
    /// Where it stopped, from the innermost field out.
    path: Vec<(MessageId, usize)>,
}

/// How a message's fields become members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As they come; [`Stop::Disorder`] if one comes back.
    InOrder,
    /// Sorted by field, and merged.
    Resolved,
}

/// Why writing ended early. As small as can be: every step returns one or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Only of [`Way::InOrder`].
    Disorder,
    Malformed(Malformed),
    /// The limit on the output is passed.
    TooLarge,
    /// A value that JSON has no form for: `Writer::unfit`.
    Unfit,
}

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Self {
        Stop::Malformed(malformed)
    }
}

impl Writer<'_, '_> {
    /// Where the path leads, through whatever is merged on the way.
    fn field(&mut self, path: &FieldPath, wire: &[u8]) -> Result<(), Stop> {
        let schema = self.schema;
        if let (Way::InOrder, [(id, index)]) = (self.way, &path.steps[..]) {
            let field = &schema.get(*id).fields[usize::from(*index)];
            if field.shape == Shape::Singular && field.oneof.is_none() {
                let done = self.single_field(field, wire);
                return done.map_err(|stop| self.blame(stop, *id, (*index).into()));
            }
        }
        let mut parts = vec![wire];
        let mut depth = 0;
        let ((id, index), way) = (path.leaf(), path.steps.split_last());
        for &(id, index) in way.map_or(&[][..], |(_, way)| way) {
            parts = resolve::field(schema.get(id), index, &parts)?
                .iter()
                .filter_map(|found| found.content())
                .collect();
            depth += 1;
        }
        let message = schema.get(id);
        let field = &message.fields[usize::from(index)];
        let found = resolve::field(message, index, &parts)?;
        let done = if !found.is_empty() {
            self.resolved(field, &found, depth)
        } else if field.presence && field.shape == Shape::Singular {
            self.out.extend_from_slice(b"null");
            Ok(())
        } else {
            self.absent(field, depth)
        };
        let steps = path.steps.iter().rev();
        done.map_err(|stop| {
            steps.fold(stop, |stop, &(id, index)| {
                self.blame(stop, id, index.into())
            })
        })
    }

    /// The value of a field of the message in `wire` itself.
    fn single_field(&mut self, field: &Field, wire: &[u8]) -> Result<(), Stop> {
        let mut last = None;
        let mut reader = Reader::new(wire);
        while !reader.is_empty() {
            let (number, wire) = reader.tag()?;
            if number != field.number || wire != field.kind.wire() {
                reader.skip(number, wire)?;
                continue;
            }
            let merged = last.is_some() && matches!(field.kind, Kind::Message(_));
            last = Some(reader.raw(wire)?);
            if merged {
                return Err(Stop::Disorder);
            }
        }
        match last {
            Some(raw) => self.value(field.kind, raw, 0),
            None if field.presence => {
                self.out.extend_from_slice(b"null");
                Ok(())
            }
            None => self.absent(field, 0),
        }
    }

    fn without_braces(&mut self, id: MessageId, wire: &[u8]) -> Result<(), Stop> {
        let start = self.out.len();
        match self.schema.get(id).form {
            Form::Plain => self.members(id, &[wire], start, 0),
            Form::Any | Form::Struct => {
                self.message(id, &[wire], 0)?;
                self.out.pop();
                self.out.remove(start);
                Ok(())
            }
            _ => {
                self.out.extend_from_slice(b"\"value\":");
                self.message(id, &[wire], 0)
            }
        }
    }
}

#[cfg(test)]
mod tests;
