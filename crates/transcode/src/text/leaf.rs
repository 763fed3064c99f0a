//! One text as the value of one field. What a text can stand for: every scalar, an
//! enum's value, and the well-known types whose JSON is a string or a scalar;
//! Struct, Value and ListValue as JSON text.

use std::borrow::Cow;

use crate::{
    read::{
        Key, Transcoder, Unknown, listed,
        scalar::{self, Scalar},
        wellknown::{self, MaskNames},
    },
    schema::{Field, Form, Kind, MessageId, Schema, Shape},
    wire::{Builder, WireType},
};

/// Writes the value that `text` stands for as the field `number`; otherwise says
/// what would be one.
pub(super) fn put(
    schema: &Schema,
    kind: Kind,
    number: u32,
    text: &str,
    out: &mut Builder,
) -> Result<(), String> {
    match kind {
        Kind::String => {
            out.tag(number, WireType::Length);
            out.length_delimited(text.as_bytes());
        }
        Kind::Bytes => {
            let mut bytes = Vec::new();
            scalar::base64(text, &mut bytes).ok_or(scalar::expected(kind))?;
            out.tag(number, WireType::Length);
            out.length_delimited(&bytes);
        }
        Kind::Message(id) => {
            out.tag(number, WireType::Length);
            let nested = out.begin();
            message(schema, id, text, out)?;
            out.end(nested);
        }
        _ => match scalar(schema, kind, text) {
            Some(value) => value.put(Some(number), out),
            None => return Err(expected(schema, kind)),
        },
    }
    Ok(())
}

/// The key of a map that `text` stands for.
pub(super) fn key<'t>(schema: &Schema, kind: Kind, text: &'t str) -> Result<Key<'t>, String> {
    match kind {
        Kind::String => Ok(Key::Text(Cow::Borrowed(text))),
        _ => scalar(schema, kind, text)
            .map(Key::Scalar)
            .ok_or_else(|| format!("a key in brackets that is {}", expected(schema, kind))),
    }
}

/// Why no text can stand for a value of this field, if so.
pub(super) fn refusal(schema: &Schema, field: &Field) -> Option<String> {
    let kind = match field.shape {
        Shape::Map { value, .. } => value,
        _ => field.kind,
    };
    let Kind::Message(id) = kind else {
        return None;
    };
    let message = schema.get(id);
    match (message.form, field.shape, message.fields.first()) {
        (Form::Plain, Shape::Singular, Some(inner)) => Some(format!(
            "a parameter for one of its fields, such as {}.{}",
            field.name, inner.name
        )),
        (Form::Plain | Form::Any, _, _) => {
            Some("nothing: its messages can be given only in the body".to_owned())
        }
        _ => None,
    }
}

/// Numbers, bools and enums.
fn scalar(schema: &Schema, kind: Kind, text: &str) -> Option<Scalar> {
    let number = text.trim_ascii();
    match kind {
        Kind::Bool => match text {
            "true" => Some(Scalar::boolean(true)),
            "false" => Some(Scalar::boolean(false)),
            _ => None,
        },
        Kind::Float | Kind::Double => {
            scalar::named(kind, number).or_else(|| scalar::number(kind, number))
        }
        Kind::Enum(id) => match schema.get_enum(id).number(text) {
            Some(known) => Some(Scalar::signed(known.into())),
            None => scalar::integer(kind, number.parse().ok()?),
        },
        _ => scalar::integer(kind, number.parse().ok()?),
    }
}

/// Writes the content of a message.
fn message(schema: &Schema, id: MessageId, text: &str, out: &mut Builder) -> Result<(), String> {
    let message = schema.get(id);
    match message.form {
        Form::Timestamp => {
            wellknown::timestamp(text)
                .ok_or(wellknown::TIMESTAMP)?
                .put(out);
        }
        Form::Duration => {
            wellknown::duration(text)
                .ok_or(wellknown::DURATION)?
                .put(out);
        }
        Form::FieldMask => {
            wellknown::field_mask(text, MaskNames::Either, out).ok_or(wellknown::FIELD_MASK)?
        }
        Form::Wrapper => match message.fields.first() {
            Some(inner) if !matches!(inner.kind, Kind::Message(_)) => {
                put(schema, inner.kind, inner.number, text, out)?;
            }
            _ => return Err("nothing: it is no wrapper".to_owned()),
        },
        Form::Value | Form::Struct | Form::ListValue => json(schema, id, text, out)?,
        Form::Plain | Form::Any => return Err("nothing: it is a message".to_owned()),
    }
    Ok(())
}

fn json(schema: &Schema, id: MessageId, text: &str, out: &mut Builder) -> Result<(), String> {
    let mut transcoder = Transcoder::new(schema, text, Unknown::Reject, out);
    let read = transcoder.message(id).and_then(|()| transcoder.finish());
    read.map_err(|fault| {
        let error = fault.report(text);
        format!(
            "{} in JSON, with {} at column {}",
            schema.name(id),
            error.expected,
            error.column
        )
    })
}

fn expected(schema: &Schema, kind: Kind) -> String {
    match kind {
        Kind::Enum(id) => format!(
            "one of {}, or its number",
            listed(schema.get_enum(id).names())
        ),
        _ => scalar::expected(kind).to_owned(),
    }
}
