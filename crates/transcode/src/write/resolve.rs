//! What a message's bytes mean when fields come back: protobuf's rules of merging.
//! Of a scalar the last value counts, lists and maps gather, a message's occurrences
//! are merged themselves, and of a oneof only what came after its last other member
//! counts. In: the parts of a message; out: the values that count, by field.

use super::{Stop, Writer};
use crate::{
    schema::{Field, Kind, Message, Shape},
    wire::{Malformed, Raw, Reader},
};

/// A value of a known field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'w> {
    /// Of the field in its message.
    pub(super) index: u16,
    pub(super) raw: Raw<'w>,
}

impl<'w> Found<'w> {
    pub(super) fn content(&self) -> Option<&'w [u8]> {
        match self.raw {
            Raw::Bytes(content) => Some(content),
            Raw::Number(_) => None,
        }
    }
}

/// The values of every field, in the order of the fields' numbers.
pub(super) fn all<'w>(message: &Message, parts: &[&'w [u8]]) -> Result<Vec<Found<'w>>, Malformed> {
    let mut found = values(message, parts, |_| true)?;
    // Stable: within a field the order of the wire stays.
    found.sort_by_key(|found| found.index);
    Ok(found)
}

/// The values of one field.
pub(super) fn field<'w>(
    message: &Message,
    index: u16,
    parts: &[&'w [u8]],
) -> Result<Vec<Found<'w>>, Malformed> {
    let wanted = &message.fields[usize::from(index)];
    let mut found = values(message, parts, |field| {
        field.number == wanted.number || field.oneof.is_some() && field.oneof == wanted.oneof
    })?;
    found.retain(|found| found.index == index);
    Ok(found)
}

fn values<'w>(
    message: &Message,
    parts: &[&'w [u8]],
    wanted: impl Fn(&Field) -> bool,
) -> Result<Vec<Found<'w>>, Malformed> {
    let mut found = Vec::new();
    // Of each oneof the member that was met last, and from where on it counts.
    let mut chosen = vec![None; message.oneofs.into()];
    for part in parts {
        let mut reader = Reader::new(part);
        while !reader.is_empty() {
            let (number, wire) = reader.tag()?;
            match message.fitting(number, wire) {
                Some((index, field)) if wanted(field) => {
                    // A message has fewer fields than fit.
                    let index = u16::try_from(index).unwrap_or(u16::MAX);
                    if let Some(chosen) = oneof(&mut chosen, field)
                        && chosen.is_none_or(|(member, _)| member != index)
                    {
                        *chosen = Some((index, found.len()));
                    }
                    let raw = reader.raw(wire)?;
                    found.push(Found { index, raw });
                }
                _ => reader.skip(number, wire)?,
            }
        }
    }
    let mut position = 0;
    found.retain(|found| {
        let at = position;
        position += 1;
        let field = &message.fields[usize::from(found.index)];
        match oneof(&mut chosen, field) {
            Some(Some((member, since))) => *member == found.index && at >= *since,
            _ => true,
        }
    });
    Ok(found)
}

fn oneof<'c, T>(chosen: &'c mut [T], field: &Field) -> Option<&'c mut T> {
    chosen.get_mut(usize::from(field.oneof?))
}

impl Writer<'_, '_> {
    /// The value of a field from all that counts of it, at least one.
    pub(super) fn resolved(
        &mut self,
        field: &Field,
        found: &[Found<'_>],
        depth: usize,
    ) -> Result<(), Stop> {
        match (field.shape, field.kind) {
            (Shape::Map { key, value }, _) => {
                let entries = found.iter().filter_map(Found::content);
                self.map_resolved(key, value, entries, depth)
            }
            (Shape::List { .. }, kind) => {
                let values = found.iter().map(|found| Ok(found.raw));
                self.list(kind, values, depth)
            }
            (Shape::Singular, Kind::Message(id)) => {
                let parts: Vec<_> = found.iter().filter_map(Found::content).collect();
                self.message(id, &parts, depth + 1)
            }
            (Shape::Singular, kind) => match found.last() {
                Some(last) => self.value(kind, last.raw, depth),
                None => self.absent(field, depth),
            },
        }
    }
}
