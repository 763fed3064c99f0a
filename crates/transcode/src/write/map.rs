//! Maps: an object with a member for each key. On the wire a map is a list of entries,
//! messages with a key and a value, and several may have the same key; the last of
//! them counts. In JSON each key stands once.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use super::{Stop, Writer};
use crate::{
    json,
    schema::Kind,
    wire::{Malformed, Raw, Reader, WireType},
};

impl Writer<'_, '_> {
    /// Writes entries as they come, if no key comes back.
    #[inline]
    pub(super) fn map_in_order<'w>(
        &mut self,
        key: Kind,
        value: Kind,
        entries: impl Iterator<Item = Result<Raw<'w>, Malformed>>,
        depth: usize,
    ) -> Result<(), Stop> {
        self.out.push(b'{');
        let start = self.out.len();
        let mut keys = Keys::default();
        for entry in entries {
            // An entry comes in no other wire type.
            let Raw::Bytes(content) = entry? else {
                continue;
            };
            let entry = Entry::read(content, key, value)?;
            self.comma(start);
            let from = self.out.len();
            self.map_key(key, entry.key);
            if entry.is_merged || !keys.insert(self.out, from) {
                return Err(Stop::Disorder);
            }
            self.out.push(b':');
            match entry.value {
                Some(raw) => self.value(value, raw, depth)?,
                None => self.default(value, depth)?,
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Writes the last entry of each key, sorted by key.
    pub(super) fn map_resolved<'w>(
        &mut self,
        key: Kind,
        value: Kind,
        entries: impl Iterator<Item = &'w [u8]>,
        depth: usize,
    ) -> Result<(), Stop> {
        let entries = entries.map(|content| Ok((Entry::read(content, key, value)?, content)));
        let mut entries = entries.collect::<Result<Vec<_>, Malformed>>()?;
        // Stable: of equal keys the order of the wire stays.
        entries.sort_by_key(|(entry, _)| entry.key);
        self.out.push(b'{');
        let start = self.out.len();
        for same in entries.chunk_by(|(one, _), (next, _)| one.key == next.key) {
            let Some((entry, content)) = same.last() else {
                continue;
            };
            self.comma(start);
            self.map_key(key, entry.key);
            self.out.push(b':');
            match (entry.value, value) {
                (Some(_), Kind::Message(id)) if entry.is_merged => {
                    self.message(id, &message_values(content)?, depth + 1)?;
                }
                (Some(raw), _) => self.value(value, raw, depth)?,
                (None, _) => self.default(value, depth)?,
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// In quotes, whatever its kind.
    fn map_key(&mut self, kind: Kind, key: Key<'_>) {
        match key {
            Key::Text(text) => json::push_string(text, self.out),
            Key::Number(number) if number_is_quoted(kind) => self.number(kind, number),
            Key::Number(number) => {
                self.out.push(b'"');
                self.number(kind, number);
                self.out.push(b'"');
            }
        }
    }
}

fn number_is_quoted(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64
    )
}

const KEY: u32 = 1;
const VALUE: u32 = 2;

/// A key and what belongs to it.
struct Entry<'w> {
    key: Key<'w>,
    value: Option<Raw<'w>>,
    /// Whether the value is a message that comes in several parts, of which `value`
    /// is but the last.
    is_merged: bool,
}

/// Equal exactly if it is the same key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'w> {
    Number(u64),
    Text(&'w str),
}

impl<'w> Entry<'w> {
    fn read(content: &'w [u8], key: Kind, value: Kind) -> Result<Self, Malformed> {
        let mut entry = Entry {
            key: match key {
                Kind::String => Key::Text(""),
                _ => Key::Number(0),
            },
            value: None,
            is_merged: false,
        };
        let mut reader = Reader::new(content);
        while !reader.is_empty() {
            match reader.tag()? {
                (KEY, wire) if wire == key.wire() => {
                    entry.key = match reader.raw(wire)? {
                        Raw::Number(number) => Key::Number(canonical(key, number)),
                        Raw::Bytes(text) => {
                            Key::Text(std::str::from_utf8(text).map_err(|_| Malformed::Utf8)?)
                        }
                    }
                }
                (VALUE, wire) if wire == value.wire() => {
                    entry.is_merged |= entry.value.is_some() && matches!(value, Kind::Message(_));
                    entry.value = Some(reader.raw(wire)?);
                }
                (number, wire) => reader.skip(number, wire)?,
            }
        }
        Ok(entry)
    }
}

/// The parts of an entry's value, which is a message.
fn message_values(content: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut reader = Reader::new(content);
    let mut parts = Vec::new();
    while !reader.is_empty() {
        match reader.tag()? {
            (VALUE, WireType::Length) => parts.push(reader.length_delimited()?),
            (number, wire) => reader.skip(number, wire)?,
        }
    }
    Ok(parts)
}

/// A varint may say more than its kind holds; this is what is left of it.
fn canonical(kind: Kind, number: u64) -> u64 {
    match kind {
        Kind::Bool => u64::from(number != 0),
        Kind::Int32 | Kind::Uint32 | Kind::Sint32 => number & u64::from(u32::MAX),
        _ => number,
    }
}

/// Keys are compared one by one up to this many.
const FEW: usize = 8;

/// The keys of an object so far, as places in the output.
#[derive(Default)]
struct Keys {
    few: [(usize, usize); FEW],
    count: usize,
    /// Hashes of all of them, once they are more than a few. Two keys of the same
    /// hash are taken to be the same, which is so rare that it may cost a second run.
    many: Option<(RandomState, HashSet<u64>)>,
}

impl Keys {
    /// Adds the key written last, from `from` on. Whether it is new.
    #[inline]
    fn insert(&mut self, out: &[u8], from: usize) -> bool {
        if self.many.is_some() || self.count == FEW {
            return self.insert_hash(out, from);
        }
        let key = &out[from..];
        let few = &self.few[..self.count];
        if few.iter().any(|(start, end)| out[*start..*end] == *key) {
            return false;
        }
        self.few[self.count] = (from, out.len());
        self.count += 1;
        true
    }

    #[inline(never)]
    fn insert_hash(&mut self, out: &[u8], from: usize) -> bool {
        let (state, hashes) = self.many.get_or_insert_with(|| {
            let state = RandomState::new();
            let few = self.few.iter();
            let hashes = few.map(|(start, end)| state.hash_one(&out[*start..*end]));
            let hashes = hashes.collect();
            (state, hashes)
        });
        hashes.insert(state.hash_one(&out[from..]))
    }
}
