//! Descriptors as flat tables: every message and enum of a pool has a number, every
//! field of a message an index, and what the two directions need of it lies side by
//! side. Compiled once, from `prost-reflect`, which is not asked again.

use std::collections::{HashMap, HashSet};

use prost_reflect::DescriptorPool;

use crate::wire::WireType;

mod compile;
mod path;

pub use path::{FieldPath, UnknownField};

/// Every message and enum of a descriptor pool, ready for both directions.
#[derive(Debug)]
pub struct Schema {
    messages: Vec<Message>,
    enums: Vec<Enum>,
    by_name: HashMap<Box<str>, MessageId>,
}

/// One message of a [`Schema`]; means nothing to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId(pub(crate) u32);

/// One enum of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EnumId(pub(crate) u32);

/// A message that cannot be transcoded, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} cannot be served: {reason}")]
pub struct Refused {
    /// The message's full name.
    pub message: String,
    /// What about it is not supported.
    pub reason: String,
}

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) full_name: Box<str>,
    pub(crate) form: Form,
    /// In the order of their numbers.
    pub(crate) fields: Vec<Field>,
    /// Index by number, for small numbers: entry 0 is never used; [`NONE`] is no field.
    numbers: Vec<u16>,
    /// Index by JSON name and by original name.
    names: HashMap<Box<str>, u16>,
    /// How many real oneofs it has.
    pub(crate) oneofs: u16,
    /// Why it cannot be transcoded, if so.
    pub(crate) refused: Option<Box<str>>,
}

/// How a message looks in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// An object with a member for each field.
    Plain,
    Any,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    Value,
    ListValue,
    /// One of the nine wrappers: its only field's value by itself.
    Wrapper,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    /// As in the `.proto` file; of an extension, `[full.name]`.
    pub(crate) name: Box<str>,
    /// `lowerCamelCase`, or what `json_name` says.
    pub(crate) json_name: Box<str>,
    /// `,"jsonName":`, escaped, as it is written.
    pub(crate) json_key: Box<[u8]>,
    /// `,"original_name":`, escaped, as it is written.
    pub(crate) name_key: Box<[u8]>,
    /// Of a repeated field that of an element; of a map that of the entry.
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    /// Whether absence differs from the default value; if not, an absent field may
    /// be written with its default.
    pub(crate) presence: bool,
    /// Index of the real oneof it belongs to.
    pub(crate) oneof: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Singular,
    /// Repeated; whether this side writes it packed. Both forms are read.
    List {
        packed: bool,
    },
    /// A map: its entries are messages with key 1 and value 2, of these kinds.
    Map {
        key: Kind,
        value: Kind,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int32,
    Sint32,
    Sfixed32,
    Int64,
    Sint64,
    Sfixed64,
    Uint32,
    Fixed32,
    Uint64,
    Fixed64,
    Bool,
    Float,
    Double,
    String,
    Bytes,
    Enum(EnumId),
    Message(MessageId),
}

#[derive(Debug)]
pub(crate) struct Enum {
    /// `google.protobuf.NullValue`, which is JSON's null.
    pub(crate) is_null: bool,
    /// The first value declared.
    pub(crate) default: i32,
    /// Names in quotes, by number; sorted; of aliases the first declared.
    by_number: Vec<(i32, Box<[u8]>)>,
    by_name: HashMap<Box<str>, i32>,
}

const NONE: u16 = u16::MAX;
/// Numbers up to this are found by index, larger ones by search.
const NUMBERS_BY_INDEX: u32 = 64;

impl Schema {
    /// Compiles everything that `pool` describes.
    #[must_use]
    pub fn compile(pool: &DescriptorPool) -> Self {
        compile::schema(pool)
    }

    /// Checks that the message, and each that it can hold, can be transcoded.
    ///
    /// # Errors
    ///
    /// [`Refused`] names the first message that cannot: one with a group, with more
    /// than 65,534 fields, or described otherwise than its well-known name promises.
    pub fn check(&self, id: MessageId) -> Result<(), Refused> {
        let mut known = HashSet::from([id]);
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            let message = self.get(id);
            if let Some(reason) = &message.refused {
                return Err(Refused {
                    message: message.full_name.to_string(),
                    reason: reason.to_string(),
                });
            }
            for field in &message.fields {
                let kind = match field.shape {
                    Shape::Map { value, .. } => value,
                    _ => field.kind,
                };
                if let Kind::Message(next) = kind
                    && known.insert(next)
                {
                    waiting.push(next);
                }
            }
        }
        Ok(())
    }

    /// The message of this full name, such as `google.protobuf.Any`.
    #[must_use]
    pub fn message(&self, full_name: &str) -> Option<MessageId> {
        self.by_name.get(full_name).copied()
    }

    /// The full name of a message.
    #[must_use]
    pub fn name(&self, id: MessageId) -> &str {
        &self.get(id).full_name
    }

    pub(crate) fn get(&self, id: MessageId) -> &Message {
        &self.messages[id.0 as usize]
    }

    pub(crate) fn get_enum(&self, id: EnumId) -> &Enum {
        &self.enums[id.0 as usize]
    }
}

impl Message {
    /// Index of the field with this number.
    pub(crate) fn by_number(&self, number: u32) -> Option<usize> {
        if number <= NUMBERS_BY_INDEX {
            let index = *self.numbers.get(number as usize)?;
            (index != NONE).then_some(index as usize)
        } else {
            self.fields
                .binary_search_by_key(&number, |field| field.number)
                .ok()
        }
    }

    /// The field with this number and its index, if it can come in this wire type.
    #[inline]
    pub(crate) fn fitting(&self, number: u32, wire: WireType) -> Option<(usize, &Field)> {
        let index = self.by_number(number)?;
        let field = &self.fields[index];
        field.fits(wire).then_some((index, field))
    }

    /// Index of the field with this JSON name or original name.
    pub(crate) fn by_name(&self, name: &str) -> Option<usize> {
        self.names.get(name).map(|index| *index as usize)
    }
}

impl Field {
    /// Whether the wire type is one in which the field can come. Numbers of a list
    /// come one by one or packed, whatever the schema says.
    #[inline]
    pub(crate) fn fits(&self, wire: WireType) -> bool {
        let expected = self.kind.wire();
        wire == expected || wire == WireType::Length && matches!(self.shape, Shape::List { .. })
    }
}

impl Kind {
    /// How a value by itself looks on the wire.
    #[inline]
    pub(crate) fn wire(self) -> WireType {
        match self {
            Kind::Int32
            | Kind::Sint32
            | Kind::Int64
            | Kind::Sint64
            | Kind::Uint32
            | Kind::Uint64
            | Kind::Bool
            | Kind::Enum(_) => WireType::Varint,
            Kind::Sfixed32 | Kind::Fixed32 | Kind::Float => WireType::Fixed32,
            Kind::Sfixed64 | Kind::Fixed64 | Kind::Double => WireType::Fixed64,
            Kind::String | Kind::Bytes | Kind::Message(_) => WireType::Length,
        }
    }
}

impl Enum {
    /// The name of `number`, in quotes.
    pub(crate) fn quoted_name(&self, number: i32) -> Option<&[u8]> {
        // Most enums count from 0 without a gap.
        let at = usize::try_from(number)
            .ok()
            .and_then(|at| self.by_number.get(at));
        if let Some((known, name)) = at
            && *known == number
        {
            return Some(name);
        }
        let index = self
            .by_number
            .binary_search_by_key(&number, |(known, _)| *known)
            .ok()?;
        Some(&self.by_number[index].1)
    }

    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        self.by_name.get(name).copied()
    }

    /// Every name, for a message that says what was expected.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_number
            .iter()
            .filter_map(|(_, quoted)| std::str::from_utf8(quoted).ok())
            .map(|quoted| quoted.trim_matches('"'))
    }
}

#[cfg(test)]
mod tests;
