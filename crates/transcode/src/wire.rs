//! Protobuf's wire format: tags, varints and lengths, read from a slice and written
//! into a [`Builder`].
//!
//! A nested message's length comes before its content and is known only after it.
//! The builder notes where a length belongs and puts all of them in at the end, in
//! one pass; reserving room and moving the content when it does not fit would cost
//! once for each level.

use bytes::BufMut;

/// What a length-delimited value, a group or a number looks like on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint,
    Fixed64,
    Length,
    GroupStart,
    GroupEnd,
    Fixed32,
}

/// A value before its field says what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raw<'w> {
    /// Of a varint or of fixed width.
    Number(u64),
    Bytes(&'w [u8]),
}

/// Bytes that are not a protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The message ends inside a value.
    #[error("a value that is cut off")]
    Truncated,
    /// More than ten bytes, or more than 64 bits.
    #[error("a varint that is too long")]
    Varint,
    /// Number 0, above 2^29 - 1, or a wire type that does not exist.
    #[error("a field number or wire type that does not exist")]
    Tag,
    /// A group that is not closed, or closed but not opened.
    #[error("a group without its other end")]
    Group,
    /// Nested deeper than the limit.
    #[error("messages nested too deeply")]
    Depth,
    /// A `string` that is not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
}

/// Reads a message's fields one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'w> {
    rest: &'w [u8],
}

impl<'w> Reader<'w> {
    pub(crate) fn new(bytes: &'w [u8]) -> Self {
        Reader { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn tag(&mut self) -> Result<(u32, WireType), Malformed> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed::Tag)?;
        if number == 0 || number > NUMBER_MAX {
            return Err(Malformed::Tag);
        }
        let wire = match tag & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Length,
            3 => WireType::GroupStart,
            4 => WireType::GroupEnd,
            5 => WireType::Fixed32,
            _ => return Err(Malformed::Tag),
        };
        Ok((number, wire))
    }

    /// Those of one and two bytes, which are most, without a loop.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        match self.rest {
            [byte @ 0..=0x7f, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            [low, high @ 0..=0x7f, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(*high) << 7 | u64::from(low & 0x7f))
            }
            _ => self.long_varint(),
        }
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(VARINT_BYTES_MAX).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                // The tenth byte has room for one bit.
                if index == VARINT_BYTES_MAX - 1 && byte > 1 {
                    return Err(Malformed::Varint);
                }
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        match self.rest.len() {
            0..VARINT_BYTES_MAX => Err(Malformed::Truncated),
            _ => Err(Malformed::Varint),
        }
    }

    pub(crate) fn fixed32(&mut self) -> Result<[u8; 4], Malformed> {
        let (value, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*value)
    }

    pub(crate) fn fixed64(&mut self) -> Result<[u8; 8], Malformed> {
        let (value, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*value)
    }

    /// The content of a length-delimited value.
    #[inline]
    pub(crate) fn length_delimited(&mut self) -> Result<&'w [u8], Malformed> {
        let length = usize::try_from(self.varint()?).map_err(|_| Malformed::Truncated)?;
        let (value, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(value)
    }

    /// A value that is a number or has a length. A call of its own costs a message of
    /// one number a twentieth.
    #[inline(always)]
    pub(crate) fn raw(&mut self, wire: WireType) -> Result<Raw<'w>, Malformed> {
        match wire {
            WireType::Varint => self.varint().map(Raw::Number),
            WireType::Length => self.length_delimited().map(Raw::Bytes),
            WireType::Fixed32 => self
                .fixed32()
                .map(|bytes| Raw::Number(u32::from_le_bytes(bytes).into())),
            WireType::Fixed64 => self
                .fixed64()
                .map(|bytes| Raw::Number(u64::from_le_bytes(bytes))),
            WireType::GroupStart | WireType::GroupEnd => Err(Malformed::Group),
        }
    }

    /// Passes over the value of a field that is not known.
    pub(crate) fn skip(&mut self, number: u32, wire: WireType) -> Result<(), Malformed> {
        match wire {
            WireType::Varint => self.varint().map(drop),
            WireType::Fixed64 => self.fixed64().map(drop),
            WireType::Length => self.length_delimited().map(drop),
            WireType::Fixed32 => self.fixed32().map(drop),
            WireType::GroupStart => self.skip_group(number),
            WireType::GroupEnd => Err(Malformed::Group),
        }
    }

    fn skip_group(&mut self, number: u32) -> Result<(), Malformed> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            if self.is_empty() {
                return Err(Malformed::Group);
            }
            match self.tag()? {
                (number, WireType::GroupStart) if open.len() < DEPTH_MAX => open.push(number),
                (_, WireType::GroupStart) => return Err(Malformed::Depth),
                (number, WireType::GroupEnd) if number == innermost => {
                    open.pop();
                }
                (number, wire) => self.skip(number, wire)?,
            }
        }
        Ok(())
    }
}

/// The last value of a `string` or `bytes` field: of a message whose meaning is
/// fixed, such as `google.rpc.Status`, and needs no schema. Empty when absent.
///
/// # Errors
///
/// [`Malformed`] when the bytes are no message.
pub fn bytes_field(wire: &[u8], number: u32) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(wire);
    let mut last: &[u8] = &[];
    while !reader.is_empty() {
        match reader.tag()? {
            (found, WireType::Length) if found == number => last = reader.length_delimited()?,
            (found, wire) => reader.skip(found, wire)?,
        }
    }
    Ok(last)
}

/// The largest field number.
const NUMBER_MAX: u32 = (1 << 29) - 1;
const VARINT_BYTES_MAX: usize = 10;
/// How deep messages may be nested, in either direction: what protobuf's own
/// libraries allow.
pub(crate) const DEPTH_MAX: usize = 100;

/// A message that is being written.
#[derive(Debug, Default)]
pub struct Builder {
    bytes: Vec<u8>,
    /// Where lengths belong, in the order of their places.
    lengths: Vec<Length>,
    /// Bytes that the lengths known so far will take.
    lengths_bytes: usize,
}

#[derive(Debug, Clone, Copy)]
struct Length {
    /// Into `Builder::bytes`.
    place: usize,
    length: usize,
}

/// A nested message that has been begun.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub(crate) struct Nested {
    index: usize,
    lengths_bytes: usize,
}

impl Builder {
    /// An empty message.
    #[must_use]
    pub fn new() -> Self {
        Builder::default()
    }

    /// Makes it an empty message again; keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.lengths.clear();
        self.lengths_bytes = 0;
    }

    /// Bytes of the finished message.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() + self.lengths_bytes
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Writes the finished message.
    pub fn write_to(&self, out: &mut impl BufMut) {
        let mut written = 0;
        for Length { place, length } in &self.lengths {
            out.put_slice(&self.bytes[written..*place]);
            put_varint(*length as u64, |bytes| out.put_slice(bytes));
            written = *place;
        }
        out.put_slice(&self.bytes[written..]);
    }

    pub(crate) fn tag(&mut self, number: u32, wire: WireType) {
        let wire = match wire {
            WireType::Varint => 0,
            WireType::Fixed64 => 1,
            WireType::Length => 2,
            WireType::GroupStart => 3,
            WireType::GroupEnd => 4,
            WireType::Fixed32 => 5,
        };
        self.varint(u64::from(number) << 3 | wire);
    }

    #[inline]
    pub(crate) fn varint(&mut self, value: u64) {
        match u8::try_from(value) {
            // Tags, and most of what follows them.
            Ok(byte @ 0..=0x7f) => self.bytes.push(byte),
            _ => put_varint(value, |bytes| self.bytes.extend_from_slice(bytes)),
        }
    }

    /// Bytes as they are: of a fixed-width number.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A length and as many bytes.
    pub(crate) fn length_delimited(&mut self, content: &[u8]) {
        self.varint(content.len() as u64);
        self.bytes.extend_from_slice(content);
    }

    /// Begins content whose length is not known yet; its tag has been written.
    pub(crate) fn begin(&mut self) -> Nested {
        let nested = Nested {
            index: self.lengths.len(),
            lengths_bytes: self.lengths_bytes,
        };
        self.lengths.push(Length {
            place: self.bytes.len(),
            length: 0,
        });
        nested
    }

    /// Ends what `begin` began; what was begun within must have ended.
    pub(crate) fn end(&mut self, nested: Nested) {
        let inner_lengths = self.lengths_bytes - nested.lengths_bytes;
        let length = self.bytes.len() - self.lengths[nested.index].place + inner_lengths;
        self.lengths[nested.index].length = length;
        put_varint(length as u64, |bytes| self.lengths_bytes += bytes.len());
    }
}

#[inline]
fn put_varint(mut value: u64, put: impl FnOnce(&[u8])) {
    let mut bytes = [0; VARINT_BYTES_MAX];
    let mut used = 0;
    loop {
        // The low seven bits.
        let low = value as u8 & 0x7f;
        value >>= 7;
        bytes[used] = if value == 0 { low } else { low | 0x80 };
        used += 1;
        if value == 0 {
            break;
        }
    }
    put(&bytes[..used]);
}

#[cfg(test)]
mod tests;
