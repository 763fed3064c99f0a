//! Single values: scalars, enums, and the messages whose JSON is not an object with
//! a member for each field.

use std::borrow::Cow;

use super::{
    Unknown,
    fault::{Fault, Read},
    listed,
    message::{Members, Transcoder},
    scalar::{self, Scalar},
    tokens::{Token, is_number},
    wellknown::{self, MaskNames},
};
use crate::{
    schema::{EnumId, Field, Form, Kind, MessageId, Shape},
    wire::{Builder, WireType},
};

impl<'j> Transcoder<'_, 'j, '_> {
    /// Reads a value as the field `number`, or without a tag as an element of a
    /// packed list.
    #[inline]
    pub(super) fn value(&mut self, kind: Kind, number: Option<u32>) -> Read<()> {
        match kind {
            Kind::Message(id) => {
                self.tag_content(number);
                let nested = self.out.begin();
                self.message(id)?;
                self.out.end(nested);
            }
            Kind::String => {
                let (_, text) = self.string(scalar::expected(kind))?;
                self.tag_content(number);
                self.out.length_delimited(text.as_bytes());
            }
            Kind::Bytes => {
                let (at, text) = self.string(scalar::expected(kind))?;
                self.decoded.clear();
                scalar::base64(&text, &mut self.decoded)
                    .ok_or_else(|| Fault::value(at, scalar::expected(kind)))?;
                self.tag_content(number);
                self.out.length_delimited(&self.decoded);
            }
            Kind::Bool => self.boolean()?.put(number, self.out),
            Kind::Enum(id) => {
                if let Some(value) = self.enumeration(id)? {
                    value.put(number, self.out);
                }
            }
            _ => self.number(kind)?.put(number, self.out),
        }
        Ok(())
    }

    /// Reads a value as the content of a message.
    pub(crate) fn message(&mut self, id: MessageId) -> Read<()> {
        match self.schema.get(id).form {
            Form::Plain => self.object(id, Members::Own),
            Form::Any => self.any(),
            Form::Timestamp => {
                let read = |text: &str, _: &mut Builder| wellknown::timestamp(text);
                let time = self.parsed(wellknown::TIMESTAMP, read)?;
                time.put(self.out);
                Ok(())
            }
            Form::Duration => {
                let read = |text: &str, _: &mut Builder| wellknown::duration(text);
                let length = self.parsed(wellknown::DURATION, read)?;
                length.put(self.out);
                Ok(())
            }
            Form::FieldMask => self.parsed(wellknown::FIELD_MASK, |text, out| {
                wellknown::field_mask(text, MaskNames::Json, out)
            }),
            Form::Wrapper | Form::ListValue => self.field_numbered(id, 1),
            Form::Struct => {
                // The message is a level besides its entries.
                self.tokens.deeper()?;
                self.field_numbered(id, 1)?;
                self.tokens.shallower();
                Ok(())
            }
            Form::Value => {
                let number = match self.tokens.peek()? {
                    Token::Null => 1,
                    Token::Number => 2,
                    Token::String => 3,
                    Token::True | Token::False => 4,
                    Token::Object => 5,
                    Token::Array => 6,
                };
                self.tokens.deeper()?;
                self.field_numbered(id, number)?;
                self.tokens.shallower();
                Ok(())
            }
        }
    }

    /// Reads a value as one certain field of a well-known type.
    fn field_numbered(&mut self, id: MessageId, number: u32) -> Read<()> {
        let message = self.schema.get(id);
        let field = message
            .by_number(number)
            .map(|index| &message.fields[index]);
        match field.filter(|field| is_as_defined(message.form, field)) {
            Some(field) => self.field(field),
            None => Err(self.fault(format!(
                "nothing: {} is not described as protobuf defines it",
                message.full_name
            ))),
        }
    }

    /// Reads a string that `parse` understands.
    fn parsed<T>(
        &mut self,
        expected: &'static str,
        parse: impl FnOnce(&str, &mut Builder) -> Option<T>,
    ) -> Read<T> {
        let (at, text) = self.string(expected)?;
        parse(&text, self.out).ok_or_else(|| Fault::value(at, expected))
    }

    /// Takes a string; where it is, and what it says.
    #[inline]
    fn string(&mut self, expected: &'static str) -> Read<(usize, Cow<'j, str>)> {
        self.expect(Token::String, expected)?;
        Ok((self.tokens.position(), self.tokens.string()?))
    }

    fn boolean(&mut self) -> Read<Scalar> {
        let (word, value) = match self.tokens.peek()? {
            Token::True => ("true", true),
            Token::False => ("false", false),
            _ => return Err(self.fault(scalar::expected(Kind::Bool))),
        };
        self.tokens.literal(word)?;
        Ok(Scalar::boolean(value))
    }

    fn number(&mut self, kind: Kind) -> Read<Scalar> {
        let token = self.tokens.peek()?;
        let at = self.tokens.position();
        let scalar = match token {
            Token::Number => match self.tokens.short_whole_number() {
                Some(whole) => scalar::whole_number(kind, whole),
                None => scalar::number(kind, self.tokens.number()?),
            },
            Token::String => {
                let text = self.tokens.string()?;
                if is_number(&text) {
                    scalar::number(kind, &text)
                } else {
                    scalar::named(kind, &text)
                }
            }
            _ => None,
        };
        scalar.ok_or_else(|| Fault::value(at, scalar::expected(kind)))
    }

    /// Reads an enum's value; `None` is a name that is not known, and ignored.
    pub(super) fn enumeration(&mut self, id: EnumId) -> Read<Option<Scalar>> {
        let known = self.schema.get_enum(id);
        let token = self.tokens.peek()?;
        let at = self.tokens.position();
        match token {
            Token::Null if known.is_null => {
                self.tokens.literal("null")?;
                return Ok(Some(Scalar::Varint(0)));
            }
            Token::Number => {
                if let Some(number) = scalar::number(Kind::Enum(id), self.tokens.number()?) {
                    return Ok(Some(number));
                }
            }
            Token::String => {
                let name = self.tokens.string()?;
                if let Some(number) = known.number(&name) {
                    return Ok(Some(Scalar::signed(number.into())));
                }
                if self.unknown == Unknown::Ignore {
                    return Ok(None);
                }
            }
            _ => {}
        }
        Err(Fault::value(
            at,
            format!("one of {}, or its number", listed(known.names())),
        ))
    }

    fn tag_content(&mut self, number: Option<u32>) {
        // Packed lists have only scalars.
        if let Some(number) = number {
            self.out.tag(number, WireType::Length);
        }
    }
}

/// Whether a field is of the sort that the well-known type has. What goes by such a
/// name and is something else could otherwise be read without end.
fn is_as_defined(form: Form, field: &Field) -> bool {
    match form {
        Form::Wrapper => !matches!(field.kind, Kind::Message(_)),
        Form::ListValue => matches!(field.shape, Shape::List { .. }),
        Form::Struct => matches!(field.shape, Shape::Map { .. }),
        _ => true,
    }
}
