//! Messages, lists and maps: JSON's objects and arrays, member by member, onto the
//! fields of a table. What a single value becomes is decided in `value.rs`.

use std::borrow::Cow;

use super::{
    Unknown,
    any::AnyTypes,
    distinct::{Distinct, Seen},
    fault::{Fault, Read},
    listed,
    scalar::{self, Scalar},
    tokens::{Token, Tokens, is_number},
};
use crate::{
    schema::{Field, Form, Kind, Message, MessageId, Schema, Shape},
    wire::{Builder, WireType},
};

/// One text on its way to the wire.
#[derive(Debug)]
pub(crate) struct Transcoder<'s, 'j, 'o> {
    pub(super) schema: &'s Schema,
    pub(super) tokens: Tokens<'j>,
    pub(super) unknown: Unknown,
    pub(super) out: &'o mut Builder,
    pub(super) any_types: AnyTypes,
    /// For bytes between their text and `out`.
    pub(super) decoded: Vec<u8>,
}

/// Whose members an object has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Members {
    /// Those of the message alone.
    Own,
    /// Those of an Any's message, and its `@type`.
    OfAny,
}

/// A map's key, so that equal keys are equal however they were written.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key<'t> {
    Text(Cow<'t, str>),
    Scalar(Scalar),
}

pub(crate) const ONCE: &str = "one value; it was given more than once";

impl<'s, 'j, 'o> Transcoder<'s, 'j, 'o> {
    pub(crate) fn new(
        schema: &'s Schema,
        text: &'j str,
        unknown: Unknown,
        out: &'o mut Builder,
    ) -> Self {
        Transcoder {
            schema,
            tokens: Tokens::new(text),
            unknown,
            out,
            any_types: AnyTypes::default(),
            decoded: Vec::new(),
        }
    }

    /// Checks that the text ends here.
    pub(crate) fn finish(&mut self) -> Read<()> {
        self.tokens.finish()
    }

    /// Reads a value as the last of the fields that lead from message to message.
    pub(super) fn field_at(&mut self, steps: &[(MessageId, u16)]) -> Read<()> {
        let schema = self.schema;
        let mut fields = steps
            .iter()
            .map(|(id, index)| &schema.get(*id).fields[usize::from(*index)]);
        let Some(last) = fields.next_back() else {
            return self.tokens.skip();
        };
        if self.tokens.peek()? == Token::Null && !self.takes_null(last) {
            return self.tokens.literal("null");
        }
        let mut open = Vec::new();
        for field in fields {
            self.out.tag(field.number, WireType::Length);
            open.push(self.out.begin());
        }
        self.field(last)?;
        while let Some(nested) = open.pop() {
            self.out.end(nested);
        }
        Ok(())
    }

    /// Reads an object as the content of a message that has a member for each field.
    pub(super) fn object(&mut self, id: MessageId, members: Members) -> Read<()> {
        self.expect(Token::Object, "an object")?;
        let message = self.schema.get(id);
        let mut fields = Seen::default();
        let mut oneofs = Seen::default();
        let mut type_seen = false;
        // Members mostly come in the order of the fields.
        let mut likely = 0;
        let mut inside = self.tokens.open_object()?;
        while let Some(name) = self.tokens.next_key(&mut inside)? {
            self.tokens.peek()?;
            if members == Members::OfAny && name == "@type" {
                self.any_type_again(&mut type_seen)
            } else if let Some(index) = find(message, likely, &name) {
                likely = index + 1;
                if !fields.insert(index) {
                    return Err(self.fault(ONCE).in_member(&name));
                }
                self.member(message, index, &mut oneofs)
            } else {
                self.unknown_member(|| expected_field(message))
            }
            .map_err(|fault| fault.in_member(&name))?;
        }
        Ok(())
    }

    fn member(&mut self, message: &'s Message, index: usize, oneofs: &mut Seen) -> Read<()> {
        let field = &message.fields[index];
        if self.tokens.peek()? == Token::Null && !self.takes_null(field) {
            return self.tokens.literal("null");
        }
        if let Some(oneof) = field.oneof
            && !oneofs.insert(usize::from(oneof))
        {
            let members = message
                .fields
                .iter()
                .filter(|other| other.oneof == field.oneof);
            let names = listed(members.map(|member| &*member.json_name));
            return Err(self.fault(format!("only one of {names}")));
        }
        self.field(field)
    }

    /// Whether null is a value of the field; otherwise it stands for absence.
    fn takes_null(&self, field: &Field) -> bool {
        field.shape == Shape::Singular
            && match field.kind {
                Kind::Enum(id) => self.schema.get_enum(id).is_null,
                Kind::Message(id) => self.schema.get(id).form == Form::Value,
                _ => false,
            }
    }

    pub(super) fn unknown_member(&mut self, expected: impl FnOnce() -> String) -> Read<()> {
        match self.unknown {
            Unknown::Ignore => self.tokens.skip(),
            Unknown::Reject => Err(self.fault(expected())),
        }
    }

    /// Reads the value of a field; null is a value here.
    pub(super) fn field(&mut self, field: &'s Field) -> Read<()> {
        match field.shape {
            Shape::Singular => self.value(field.kind, Some(field.number)),
            Shape::List { packed } => self.list(field, packed),
            Shape::Map { key, value } => self.map(field.number, key, value),
        }
    }

    fn list(&mut self, field: &Field, packed: bool) -> Read<()> {
        self.expect(Token::Array, "a list")?;
        let mut inside = self.tokens.open_array()?;
        let mut nested = None;
        let mut index = 0;
        while self.tokens.next_element(&mut inside)? {
            let number = if packed {
                if nested.is_none() {
                    self.out.tag(field.number, WireType::Length);
                    nested = Some(self.out.begin());
                }
                None
            } else {
                Some(field.number)
            };
            self.value(field.kind, number)
                .map_err(|fault| fault.in_element(index))?;
            index += 1;
        }
        if let Some(nested) = nested {
            self.out.end(nested);
        }
        Ok(())
    }

    fn map(&mut self, number: u32, key: Kind, value: Kind) -> Read<()> {
        self.expect(Token::Object, "an object")?;
        let mut keys = Distinct::new();
        let mut inside = self.tokens.open_object()?;
        while let Some(text) = self.tokens.next_key(&mut inside)? {
            self.tokens.peek()?;
            let Some(known) = Key::read(key, &text) else {
                let expected = format!("a key that is {}", scalar::expected(key));
                return Err(self.fault(expected).in_entry(&text));
            };
            let at = self.tokens.position();
            self.entry(number, &known, value)
                .map_err(|fault| fault.in_entry(&text))?;
            if keys.insert(known, ()).is_some() {
                return Err(Fault::value(at, ONCE).in_entry(&text));
            }
        }
        Ok(())
    }

    /// Reads the value of a map's entry.
    fn entry(&mut self, number: u32, key: &Key<'_>, value: Kind) -> Read<()> {
        if let Kind::Enum(id) = value {
            // Its name may be one to ignore, and the entry with it.
            let Some(value) = self.enumeration(id)? else {
                return Ok(());
            };
            self.out.tag(number, WireType::Length);
            let nested = self.out.begin();
            key.put(self.out);
            value.put(Some(2), self.out);
            self.out.end(nested);
            return Ok(());
        }
        self.out.tag(number, WireType::Length);
        let nested = self.out.begin();
        key.put(self.out);
        self.value(value, Some(2))?;
        self.out.end(nested);
        Ok(())
    }

    /// Checks what comes next.
    pub(super) fn expect(&mut self, token: Token, expected: &'static str) -> Read<()> {
        if self.tokens.peek()? == token {
            Ok(())
        } else {
            Err(self.fault(expected))
        }
    }

    /// The next value is not `expected`.
    #[cold]
    pub(super) fn fault(&self, expected: impl Into<Cow<'static, str>>) -> Box<Fault> {
        Fault::value(self.tokens.position(), expected)
    }
}

impl Key<'_> {
    /// The key of this kind that a member's name stands for.
    fn read<'t>(kind: Kind, text: &Cow<'t, str>) -> Option<Key<'t>> {
        match (kind, text.as_ref()) {
            // A copy only if it had escapes.
            (Kind::String, _) => Some(Key::Text(text.clone())),
            (Kind::Bool, "true") => Some(Key::Scalar(Scalar::boolean(true))),
            (Kind::Bool, "false") => Some(Key::Scalar(Scalar::boolean(false))),
            (Kind::Bool, _) => None,
            (kind, text) if is_number(text) => scalar::number(kind, text).map(Key::Scalar),
            _ => None,
        }
    }

    /// Writes it as a map's entry begins.
    pub(crate) fn put(&self, out: &mut Builder) {
        match self {
            Key::Text(text) => {
                out.tag(1, WireType::Length);
                out.length_delimited(text.as_bytes());
            }
            Key::Scalar(scalar) => scalar.put(Some(1), out),
        }
    }
}

/// Index of the field with this name; `likely` is looked at first.
#[inline]
fn find(message: &Message, likely: usize, name: &str) -> Option<usize> {
    match message.fields.get(likely) {
        Some(field) if *field.json_name == *name => Some(likely),
        _ => message.by_name(name),
    }
}

/// What a member may be called.
fn expected_field(message: &Message) -> String {
    let names = message.fields.iter().map(|field| &*field.json_name);
    match message.fields.len() {
        0 => format!("no member: {} has no fields", message.full_name),
        _ => format!("a field of {}: {}", message.full_name, listed(names)),
    }
}
