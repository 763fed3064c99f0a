//! Any: an object whose `@type` says which message its other members are. It may
//! stand behind them, so it is looked for first. An object that does not begin with
//! it is passed over once, and the place of the `@type` of each object within is
//! noted, so that nested Anys do not make the same text be passed over again.

use super::{
    fault::{Fault, Read},
    message::{Members, ONCE, Transcoder},
    tokens::{Token, Tokens},
};
use crate::{
    schema::{Form, MessageId},
    wire::WireType,
};

/// Where the type of each object is, as far as the text has been looked through.
#[derive(Debug, Default)]
pub(super) struct AnyTypes {
    /// Offset of an object and of the value of its `@type`, sorted.
    found: Vec<(usize, usize)>,
    until: usize,
}

/// Whether an Any must have a member `value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Required,
    Optional,
}

const TYPE_URL: &str = "the URL of a type, such as type.googleapis.com/google.protobuf.Duration";

impl Transcoder<'_, '_, '_> {
    /// Reads an object as the content of an Any.
    pub(super) fn any(&mut self) -> Read<()> {
        self.expect(Token::Object, "an object")?;
        let object = self.tokens.position();
        let Some(at) = self.any_types.of_object_at(&self.tokens)? else {
            return self.untyped(object);
        };
        let id = self
            .any_type(at)
            .map_err(|fault| fault.in_member("@type"))?;
        self.out.tag(2, WireType::Length);
        let nested = self.out.begin();
        let message = self.schema.get(id);
        match message.form {
            // Its mapping is an object like any other, but some libraries take it
            // for a special one.
            Form::Plain if &*message.full_name == "google.protobuf.Empty" => {
                self.any_value(id, object, Value::Optional)?;
            }
            Form::Plain => self.object(id, Members::OfAny)?,
            _ => self.any_value(id, object, Value::Required)?,
        }
        self.out.end(nested);
        Ok(())
    }

    /// An Any without `@type` is empty.
    fn untyped(&mut self, object: usize) -> Read<()> {
        let mut inside = self.tokens.open_object()?;
        match self.tokens.next_key(&mut inside)? {
            None => Ok(()),
            Some(_) => Err(Fault::value(object, "an object with a member \"@type\"")),
        }
    }

    /// Reads and writes the type URL at an offset; the message that it names.
    fn any_type(&mut self, at: usize) -> Read<MessageId> {
        let mut ahead = self.tokens.ahead(at);
        if ahead.peek()? != Token::String {
            return Err(Fault::value(at, TYPE_URL));
        }
        let url = ahead.string()?;
        let Some((_, name)) = url.rsplit_once('/') else {
            return Err(Fault::value(at, TYPE_URL));
        };
        let Some(id) = self.schema.message(name) else {
            let expected = format!(
                "a type that is known here; {} is not",
                super::excerpt::name(name)
            );
            return Err(Fault::value(at, expected));
        };
        self.out.tag(1, WireType::Length);
        self.out.length_delimited(url.as_bytes());
        Ok(id)
    }

    /// Reads an object whose member `value` is the message.
    fn any_value(&mut self, id: MessageId, object: usize, value: Value) -> Read<()> {
        let message = self.schema.get(id);
        let mut type_seen = false;
        let mut value_seen = false;
        let mut inside = self.tokens.open_object()?;
        while let Some(name) = self.tokens.next_key(&mut inside)? {
            self.tokens.peek()?;
            match &*name {
                "@type" => self.any_type_again(&mut type_seen),
                "value" if value_seen => Err(self.fault(ONCE)),
                "value" => {
                    value_seen = true;
                    self.message(id)
                }
                _ => self.unknown_member(|| "no member but \"@type\" and \"value\"".to_owned()),
            }
            .map_err(|fault| fault.in_member(&name))?;
        }
        if value == Value::Required && !value_seen {
            return Err(Fault::value(
                object,
                format!("a member \"value\", which is the {}", message.full_name),
            ));
        }
        Ok(())
    }

    /// Passes over the `@type` that has been read ahead; a second one is an error.
    pub(super) fn any_type_again(&mut self, seen: &mut bool) -> Read<()> {
        if std::mem::replace(seen, true) {
            return Err(self.fault(ONCE));
        }
        self.tokens.skip()
    }
}

impl AnyTypes {
    /// Offset of the value of the `@type` of the object that comes next.
    fn of_object_at(&mut self, tokens: &Tokens<'_>) -> Read<Option<usize>> {
        let object = tokens.position();
        if object >= self.until {
            let mut ahead = tokens.clone();
            let mut inside = ahead.open_object()?;
            match ahead.next_key(&mut inside)? {
                None => return Ok(None),
                Some(name) if name == "@type" => {
                    ahead.peek()?;
                    return Ok(Some(ahead.position()));
                }
                Some(_) => {}
            }
            self.look_through(tokens.clone())?;
        }
        let index = self
            .found
            .binary_search_by_key(&object, |(object, _)| *object);
        Ok(index.ok().map(|index| self.found[index].1))
    }

    fn look_through(&mut self, mut tokens: Tokens<'_>) -> Read<()> {
        self.found.clear();
        note(&mut tokens, &mut self.found)?;
        self.found.sort_unstable();
        self.until = tokens.position();
        Ok(())
    }
}

/// Passes over a value and notes the types of the objects in it.
fn note(tokens: &mut Tokens<'_>, found: &mut Vec<(usize, usize)>) -> Read<()> {
    match tokens.peek()? {
        Token::Object => {
            let object = tokens.position();
            let mut inside = tokens.open_object()?;
            while let Some(name) = tokens.next_key(&mut inside)? {
                if name == "@type" {
                    tokens.peek()?;
                    found.push((object, tokens.position()));
                }
                note(tokens, found)?;
            }
            Ok(())
        }
        Token::Array => {
            let mut inside = tokens.open_array()?;
            while tokens.next_element(&mut inside)? {
                note(tokens, found)?;
            }
            Ok(())
        }
        _ => tokens.skip(),
    }
}
