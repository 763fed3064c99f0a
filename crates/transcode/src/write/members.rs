//! Plain messages: an object with a member for each field, in the order of the wire.

use super::{Defaults, Names, Stop, Way, Writer, resolve};
use crate::{
    schema::{Field, Form, Kind, Message, MessageId, Shape},
    wire::{DEPTH_MAX, Malformed, Raw, Reader, WireType},
};

/// The object that members are written into.
#[derive(Clone, Copy)]
struct Object<'s> {
    id: MessageId,
    message: &'s Message,
    /// Where in the output its members begin.
    start: usize,
    depth: usize,
}

impl Writer<'_, '_> {
    /// The JSON of a message, whatever its form. `parts` are merged: put one after
    /// the other they are the message. `depth` counts the messages around it.
    pub(super) fn message(
        &mut self,
        id: MessageId,
        parts: &[&[u8]],
        depth: usize,
    ) -> Result<(), Stop> {
        if depth > DEPTH_MAX {
            return Err(Malformed::Depth.into());
        }
        self.check_room()?;
        match self.schema.get(id).form {
            Form::Plain => {
                self.out.push(b'{');
                self.members(id, parts, self.out.len(), depth)?;
                self.out.push(b'}');
                Ok(())
            }
            form => self.well_known(form, id, parts, depth),
        }
    }

    /// The members of a plain message. Those of the object that are there already
    /// begin at `start`.
    pub(super) fn members(
        &mut self,
        id: MessageId,
        parts: &[&[u8]],
        start: usize,
        depth: usize,
    ) -> Result<(), Stop> {
        let message = self.schema.get(id);
        let object = Object {
            id,
            message,
            start,
            depth,
        };
        let mut seen = Seen::default();
        match self.way {
            Way::InOrder => {
                for part in parts {
                    self.members_in_order(object, part, &mut seen)?;
                }
            }
            Way::Resolved => self.resolved_members(object, parts, &mut seen)?,
        }
        if self.options.defaults == Defaults::Write {
            self.absent_members(object, &seen)?;
        }
        Ok(())
    }

    fn members_in_order(
        &mut self,
        object: Object<'_>,
        wire: &[u8],
        seen: &mut Seen,
    ) -> Result<(), Stop> {
        let Object { id, message, .. } = object;
        let mut reader = Reader::new(wire);
        while !reader.is_empty() {
            let (number, wire) = reader.tag()?;
            let Some((index, field)) = message.fitting(number, wire) else {
                reader.skip(number, wire)?;
                continue;
            };
            let mut again = seen.mark(index);
            if let Some(oneof) = field.oneof {
                again |= seen.mark(message.fields.len() + usize::from(oneof));
            }
            if again {
                return Err(Stop::Disorder);
            }
            let written = match field.shape {
                Shape::Singular => self.singular(object, field, wire, &mut reader),
                _ => self.repeated(object, field, wire, &mut reader),
            };
            if let Err(stop) = written {
                return Err(self.blame(stop, id, index));
            }
        }
        Ok(())
    }

    #[inline]
    fn singular(
        &mut self,
        object: Object<'_>,
        field: &Field,
        wire: WireType,
        reader: &mut Reader<'_>,
    ) -> Result<(), Stop> {
        let raw = reader.raw(wire)?;
        if self.is_omitted(field, raw) {
            return Ok(());
        }
        self.key(field, object.start);
        self.value(field.kind, raw, object.depth)
    }

    /// A list or map, with all of its occurrences that follow.
    #[inline(never)]
    fn repeated(
        &mut self,
        object: Object<'_>,
        field: &Field,
        wire: WireType,
        reader: &mut Reader<'_>,
    ) -> Result<(), Stop> {
        let before = self.out.len();
        self.key(field, object.start);
        let value = self.out.len();
        self.repeated_in_order(field, wire, reader, object.depth)?;
        self.take_back_empty_list(field, before, value);
        Ok(())
    }

    /// The value of a list or map whose first tag has been read.
    pub(super) fn repeated_in_order(
        &mut self,
        field: &Field,
        wire: WireType,
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Result<(), Stop> {
        let run = Run {
            reader,
            field,
            next: Some(wire),
        };
        match field.shape {
            Shape::Map { key, value } => self.map_in_order(key, value, run, depth),
            _ => self.list(field.kind, run, depth),
        }
    }

    #[inline(never)]
    fn resolved_members(
        &mut self,
        object: Object<'_>,
        parts: &[&[u8]],
        seen: &mut Seen,
    ) -> Result<(), Stop> {
        let found = resolve::all(object.message, parts)?;
        for same in found.chunk_by(|one, next| one.index == next.index) {
            let (Some(first), Some(last)) = (same.first(), same.last()) else {
                continue;
            };
            let index = usize::from(first.index);
            let field = &object.message.fields[index];
            seen.mark(index);
            if field.shape == Shape::Singular && self.is_omitted(field, last.raw) {
                continue;
            }
            let before = self.out.len();
            self.key(field, object.start);
            let value = self.out.len();
            if let Err(stop) = self.resolved(field, same, object.depth) {
                return Err(self.blame(stop, object.id, index));
            }
            self.take_back_empty_list(field, before, value);
        }
        Ok(())
    }

    #[inline(never)]
    fn absent_members(&mut self, object: Object<'_>, seen: &Seen) -> Result<(), Stop> {
        for (index, field) in object.message.fields.iter().enumerate() {
            if !field.presence && !seen.has(index) {
                self.key(field, object.start);
                self.absent(field, object.depth)?;
            }
        }
        Ok(())
    }

    /// Whether a value that is there is left out all the same: to a field without
    /// presence its default is no value.
    #[inline]
    fn is_omitted(&self, field: &Field, raw: Raw<'_>) -> bool {
        !field.presence && self.options.defaults == Defaults::Omit && is_default(field.kind, raw)
    }

    /// A packed list may have no elements; then it is absent.
    fn take_back_empty_list(&mut self, field: &Field, before: usize, value: usize) {
        if matches!(field.shape, Shape::List { .. })
            && (self.options.defaults == Defaults::Omit || field.presence)
            && self.out[value..] == *b"[]"
        {
            self.out.truncate(before);
        }
    }

    /// The member's name and, if another stands before it, a comma.
    #[inline]
    fn key(&mut self, field: &Field, start: usize) {
        let key = match self.options.names {
            Names::Json => &field.json_key,
            Names::Original => &field.name_key,
        };
        let comma = usize::from(self.out.len() == start);
        self.out.extend_from_slice(&key[comma..]);
    }
}

/// Whether a scalar is zero, false or empty. Zero is what the bits say: -0.0 is a
/// value.
#[inline]
fn is_default(kind: Kind, raw: Raw<'_>) -> bool {
    match raw {
        Raw::Number(0) => true,
        // Of a varint, kinds of 32 bits read the lower half.
        Raw::Number(number) => {
            number & u64::from(u32::MAX) == 0
                && matches!(
                    kind,
                    Kind::Int32 | Kind::Sint32 | Kind::Uint32 | Kind::Enum(_)
                )
        }
        Raw::Bytes(bytes) => bytes.is_empty(),
    }
}

/// Which fields, and after them which oneofs, have been met.
#[derive(Default)]
struct Seen {
    few: u64,
    /// Of those from 64 up; most messages have none.
    more: Vec<u64>,
}

impl Seen {
    /// Whether it had been marked before.
    #[inline]
    fn mark(&mut self, index: usize) -> bool {
        let word = match index / 64 {
            0 => &mut self.few,
            at => self.word(at - 1),
        };
        let bit = 1 << (index % 64);
        let marked = *word & bit != 0;
        *word |= bit;
        marked
    }

    #[inline(never)]
    fn word(&mut self, at: usize) -> &mut u64 {
        if self.more.len() <= at {
            self.more.resize(at + 1, 0);
        }
        &mut self.more[at]
    }

    fn has(&self, index: usize) -> bool {
        let word = match index / 64 {
            0 => self.few,
            at => self.more.get(at - 1).copied().unwrap_or(0),
        };
        word & (1 << (index % 64)) != 0
    }
}

/// The values of one field that lie side by side.
pub(super) struct Run<'r, 'w> {
    reader: &'r mut Reader<'w>,
    field: &'r Field,
    /// Of a tag that has been read.
    next: Option<WireType>,
}

impl<'w> Iterator for Run<'_, 'w> {
    type Item = Result<Raw<'w>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(wire) = self.next.take() {
            return Some(self.reader.raw(wire));
        }
        if self.reader.is_empty() {
            return None;
        }
        let mut ahead = *self.reader;
        match ahead.tag() {
            Ok((number, wire)) if number == self.field.number && self.field.fits(wire) => {
                *self.reader = ahead;
                Some(self.reader.raw(wire))
            }
            // Another field's, or none: that is for who reads on.
            _ => None,
        }
    }
}
