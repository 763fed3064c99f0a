//! Single values: scalars, enums, what a list holds, and what stands for nothing.

use super::{Enums, Stop, Writer};
use crate::{
    json,
    schema::{EnumId, Field, Kind, Shape},
    wire::{Malformed, Raw, Reader, WireType},
};

impl Writer<'_, '_> {
    /// A value that fits its kind; `depth` is that of the message it is in.
    #[inline]
    pub(super) fn value(&mut self, kind: Kind, raw: Raw<'_>, depth: usize) -> Result<(), Stop> {
        match (raw, kind) {
            (Raw::Number(number), _) => self.number(kind, number),
            (Raw::Bytes(content), Kind::Message(id)) => {
                return self.message(id, &[content], depth + 1);
            }
            (Raw::Bytes(text), Kind::String) => {
                let text = std::str::from_utf8(text).map_err(|_| Malformed::Utf8)?;
                json::push_string(text, self.out);
            }
            (Raw::Bytes(bytes), _) => json::push_base64(bytes, self.out),
        }
        Ok(())
    }

    /// A number as its kind has it. Of a varint, kinds of 32 bits take the lower half.
    #[inline]
    pub(super) fn number(&mut self, kind: Kind, number: u64) {
        let out = &mut *self.out;
        match kind {
            Kind::Int32 | Kind::Sfixed32 => json::push_integer(number as i32, out),
            Kind::Uint32 | Kind::Fixed32 => json::push_integer(number as u32, out),
            Kind::Sint32 => {
                let number = number as u32;
                json::push_integer((number >> 1) as i32 ^ -((number & 1) as i32), out);
            }
            Kind::Int64 | Kind::Sfixed64 => json::push_quoted_integer(number as i64, out),
            Kind::Uint64 | Kind::Fixed64 => json::push_quoted_integer(number, out),
            Kind::Sint64 => {
                json::push_quoted_integer((number >> 1) as i64 ^ -((number & 1) as i64), out);
            }
            Kind::Bool => out.extend_from_slice(if number == 0 { b"false" } else { b"true" }),
            Kind::Float => json::push_float(f32::from_bits(number as u32), out),
            Kind::Double => json::push_double(f64::from_bits(number), out),
            Kind::Enum(id) => self.enumeration(id, number as i32),
            // Never: these are not numbers on the wire.
            Kind::String | Kind::Bytes | Kind::Message(_) => {}
        }
    }

    fn enumeration(&mut self, id: EnumId, number: i32) {
        let known = self.schema.get_enum(id);
        if known.is_null {
            return self.out.extend_from_slice(b"null");
        }
        let name = match self.options.enums {
            Enums::Names => known.quoted_name(number),
            Enums::Numbers => None,
        };
        match name {
            Some(name) => self.out.extend_from_slice(name),
            None => json::push_integer(number, self.out),
        }
    }

    /// A list of values, each by itself or several packed into one.
    #[inline]
    pub(super) fn list<'w>(
        &mut self,
        kind: Kind,
        values: impl Iterator<Item = Result<Raw<'w>, Malformed>>,
        depth: usize,
    ) -> Result<(), Stop> {
        self.out.push(b'[');
        let start = self.out.len();
        for value in values {
            match value? {
                Raw::Bytes(packed) if kind.wire() != WireType::Length => {
                    self.packed(kind, packed, start)?;
                }
                value => {
                    self.comma(start);
                    self.value(kind, value, depth)?;
                }
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn packed(&mut self, kind: Kind, packed: &[u8], start: usize) -> Result<(), Stop> {
        let mut reader = Reader::new(packed);
        while !reader.is_empty() {
            let raw = reader.raw(kind.wire())?;
            self.check_room()?;
            self.comma(start);
            if let Raw::Number(number) = raw {
                self.number(kind, number);
            }
        }
        Ok(())
    }

    /// Whether more may be written. Asked before each message and each packed value:
    /// all others are about as long in JSON as they were.
    #[inline]
    pub(super) fn check_room(&self) -> Result<(), Stop> {
        match self.out.len() > self.end_max {
            true => Err(Stop::TooLarge),
            false => Ok(()),
        }
    }

    /// A comma, if anything has been written since `start`.
    #[inline]
    pub(super) fn comma(&mut self, start: usize) {
        if self.out.len() != start {
            self.out.push(b',');
        }
    }

    /// The value of a field that is not there.
    pub(super) fn absent(&mut self, field: &Field, depth: usize) -> Result<(), Stop> {
        match field.shape {
            Shape::List { .. } => self.out.extend_from_slice(b"[]"),
            Shape::Map { .. } => self.out.extend_from_slice(b"{}"),
            Shape::Singular => return self.default(field.kind, depth),
        }
        Ok(())
    }

    /// A kind's default value; of a message the one without fields.
    pub(super) fn default(&mut self, kind: Kind, depth: usize) -> Result<(), Stop> {
        match kind {
            Kind::Message(id) => return self.message(id, &[], depth + 1),
            Kind::String | Kind::Bytes => self.out.extend_from_slice(b"\"\""),
            Kind::Enum(id) => self.enumeration(id, self.schema.get_enum(id).default),
            _ => self.number(kind, 0),
        }
        Ok(())
    }
}
