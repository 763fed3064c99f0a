//! The messages whose JSON is not an object of their fields.

use super::{Stop, UnknownAny, Way, Writer, error::Unfit, resolve, time};
use crate::{
    json,
    schema::{Form, Kind, MessageId, Shape},
    wire::{DEPTH_MAX, Malformed, Raw, Reader, WireType},
};

impl Writer<'_, '_> {
    #[inline(never)]
    pub(super) fn well_known(
        &mut self,
        form: Form,
        id: MessageId,
        parts: &[&[u8]],
        depth: usize,
    ) -> Result<(), Stop> {
        match form {
            Form::Plain => Ok(()),
            Form::Any => self.any(parts, depth),
            Form::Timestamp => {
                let (seconds, nanos) = seconds_and_nanos(parts)?;
                time::push_timestamp(seconds, nanos, self.out)
                    .map_err(|_| self.unfit(Unfit::Timestamp { seconds, nanos }))
            }
            Form::Duration => {
                let (seconds, nanos) = seconds_and_nanos(parts)?;
                time::push_duration(seconds, nanos, self.out)
                    .map_err(|_| self.unfit(Unfit::Duration { seconds, nanos }))
            }
            Form::FieldMask => self.field_mask(parts),
            Form::Value => self.any_value(id, parts, depth),
            Form::Struct | Form::ListValue | Form::Wrapper => self.only_field(id, parts, depth),
        }
    }

    /// `{"@type": ...}` and the members of what is inside, or its value as `"value"`
    /// if it is no object of fields.
    fn any(&mut self, parts: &[&[u8]], depth: usize) -> Result<(), Stop> {
        let (mut type_url, mut content): (&[u8], &[u8]) = (&[], &[]);
        each(parts, |number, wire, reader| {
            match (number, wire) {
                (1, WireType::Length) => type_url = reader.length_delimited()?,
                (2, WireType::Length) => content = reader.length_delimited()?,
                _ => reader.skip(number, wire)?,
            }
            Ok(())
        })?;
        if type_url.is_empty() && content.is_empty() {
            self.out.extend_from_slice(b"{}");
            return Ok(());
        }
        let type_url = std::str::from_utf8(type_url).map_err(|_| Malformed::Utf8)?;
        let name = type_url.rsplit('/').next().unwrap_or(type_url);
        let schema = self.schema;
        let known = schema
            .message(name)
            .filter(|id| schema.get(*id).refused.is_none());

        self.out.push(b'{');
        let start = self.out.len();
        self.out.extend_from_slice(b"\"@type\":");
        json::push_string(type_url, self.out);
        match (known, self.options.unknown_any) {
            (Some(id), _) if schema.get(id).form == Form::Plain => {
                if depth >= DEPTH_MAX {
                    return Err(Malformed::Depth.into());
                }
                self.members(id, &[content], start, depth + 1)?;
            }
            (Some(id), _) => {
                self.out.extend_from_slice(b",\"value\":");
                self.message(id, &[content], depth + 1)?;
            }
            (None, UnknownAny::Base64) => {
                self.out.extend_from_slice(b",\"value\":");
                json::push_base64(content, self.out);
            }
            (None, UnknownAny::Fail) => {
                let type_url = type_url.to_owned();
                return Err(self.unfit(Unfit::UnknownAny { type_url }));
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Paths in lowerCamelCase, with commas between them.
    fn field_mask(&mut self, parts: &[&[u8]]) -> Result<(), Stop> {
        let mut mask = String::new();
        let mut unfit = None;
        each(parts, |number, wire, reader| {
            if (number, wire) != (1, WireType::Length) {
                reader.skip(number, wire)?;
                return Ok(());
            }
            let path = reader.length_delimited()?;
            let path = std::str::from_utf8(path).map_err(|_| Malformed::Utf8)?;
            if !mask.is_empty() {
                mask.push(',');
            }
            if !push_camel_case(path, &mut mask) {
                unfit.get_or_insert_with(|| path.to_owned());
            }
            Ok(())
        })?;
        if let Some(path) = unfit {
            return Err(self.unfit(Unfit::FieldMask { path }));
        }
        json::push_string(&mask, self.out);
        Ok(())
    }

    /// A `google.protobuf.Value`: the member of its oneof by itself. The mapping calls
    /// one that has none an error; it is null here, as in other libraries, because a
    /// server that left one out should not cost the client the whole answer.
    fn any_value(&mut self, id: MessageId, parts: &[&[u8]], depth: usize) -> Result<(), Stop> {
        let message = self.schema.get(id);
        if self.way == Way::Resolved {
            // All of one field: it is a oneof.
            let found = resolve::all(message, parts)?;
            let Some(last) = found.last() else {
                self.out.extend_from_slice(b"null");
                return Ok(());
            };
            let field = &message.fields[usize::from(last.index)];
            self.check_finite(field.kind, last.raw)?;
            return self.resolved(field, &found, depth);
        }
        let mut found = None;
        each(parts, |number, wire, reader| {
            match message.fitting(number, wire) {
                Some(_) if found.is_some() => return Err(Stop::Disorder),
                Some((_, field)) => found = Some((field.kind, reader.raw(wire)?)),
                None => reader.skip(number, wire)?,
            }
            Ok(())
        })?;
        let Some((kind, raw)) = found else {
            self.out.extend_from_slice(b"null");
            return Ok(());
        };
        self.check_finite(kind, raw)?;
        self.value(kind, raw, depth)
    }

    fn check_finite(&mut self, kind: Kind, raw: Raw<'_>) -> Result<(), Stop> {
        match (kind, raw) {
            (Kind::Double, Raw::Number(bits)) if !f64::from_bits(bits).is_finite() => {
                Err(self.unfit(Unfit::Number(f64::from_bits(bits))))
            }
            _ => Ok(()),
        }
    }

    /// The value of the first field by itself: of a wrapper, a struct or a list.
    fn only_field(&mut self, id: MessageId, parts: &[&[u8]], depth: usize) -> Result<(), Stop> {
        let message = self.schema.get(id);
        let field = &message.fields[0];
        if self.way == Way::Resolved {
            let found = resolve::all(message, parts)?;
            if found.is_empty() {
                return self.absent(field, depth);
            }
            return self.resolved(field, &found, depth);
        }
        let mut found = false;
        each(parts, |number, wire, reader| {
            if message.fitting(number, wire).is_none() {
                reader.skip(number, wire)?;
                return Ok(());
            }
            if found {
                return Err(Stop::Disorder);
            }
            found = true;
            match field.shape {
                Shape::Singular => self.value(field.kind, reader.raw(wire)?, depth),
                _ => self.repeated_in_order(field, wire, reader, depth),
            }
        })?;
        if found {
            return Ok(());
        }
        self.absent(field, depth)
    }
}

/// Goes through the fields of a message in parts; `take` must read each one's value.
fn each<'w>(
    parts: &[&'w [u8]],
    mut take: impl FnMut(u32, WireType, &mut Reader<'w>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    for part in parts {
        let mut reader = Reader::new(part);
        while !reader.is_empty() {
            let (number, wire) = reader.tag()?;
            take(number, wire, &mut reader)?;
        }
    }
    Ok(())
}

/// Of a timestamp or a duration.
fn seconds_and_nanos(parts: &[&[u8]]) -> Result<(i64, i32), Stop> {
    let (mut seconds, mut nanos) = (0, 0);
    each(parts, |number, wire, reader| {
        match (number, wire) {
            (1, WireType::Varint) => seconds = reader.varint()? as i64,
            (2, WireType::Varint) => nanos = reader.varint()? as i32,
            _ => reader.skip(number, wire)?,
        }
        Ok(())
    })?;
    Ok((seconds, nanos))
}

/// `foo_bar.baz` as `fooBar.baz`. Whether that can be turned back: each underscore
/// must stand before a small letter, which becomes the only capitals.
fn push_camel_case(path: &str, out: &mut String) -> bool {
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '_' => match letters.next() {
                Some(small @ 'a'..='z') => out.push(small.to_ascii_uppercase()),
                _ => return false,
            },
            'A'..='Z' | ',' => return false,
            other => out.push(other),
        }
    }
    !path.is_empty()
}
