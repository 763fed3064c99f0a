//! A query's parameters onto fields. A name is a path of field names, original or
//! JSON, through messages that are not repeated; an entry of a map is
//! `labels[key]`; a list is given by repetition.

use super::{
    BadParameter,
    claims::{Claims, Given, Part, Way},
    leaf,
};
use crate::{
    read::{ONCE, Unknown, listed},
    schema::{Field, FieldPath, Form, Kind, Message, MessageId, Schema, Shape},
    wire::{Builder, DEPTH_MAX, WireType},
};

/// A query that is being read.
#[derive(Debug)]
pub(super) struct Query<'s, 'q, 'o> {
    schema: &'s Schema,
    root: MessageId,
    bound: &'s [FieldPath],
    unknown: Unknown,
    claims: Claims<'q>,
    out: &'o mut Builder,
}

/// What a parameter's name leads to.
#[derive(Debug)]
struct Target<'s, 'q> {
    way: Way,
    field: &'s Field,
    /// Of a map's entry, in brackets.
    key: Option<&'q str>,
}

/// Where a name stops leading anywhere.
#[derive(Debug)]
enum Unresolved<'s, 'q> {
    /// The message has no such field; `before` is the name up to there.
    Name {
        message: &'s Message,
        before: &'q str,
    },
    /// Nothing can follow this field; `to` is the name up to its end.
    End { field: &'s Field, to: &'q str },
}

const BOUND: &str = "no value: the path or the body gives it already";

impl<'s, 'q, 'o> Query<'s, 'q, 'o> {
    #[inline]
    pub(super) fn new(
        schema: &'s Schema,
        root: MessageId,
        bound: &'s [FieldPath],
        unknown: Unknown,
        out: &'o mut Builder,
    ) -> Self {
        let mut query = Query {
            schema,
            root,
            bound,
            unknown,
            claims: Claims::new(),
            out,
        };
        for path in bound {
            let mut way = Way::new();
            path.steps.iter().for_each(|(_, index)| way.push(*index));
            // The path and the body of one rule give different fields. If they are
            // of one oneof, the later wins, as on the wire.
            let _ = query.claim_oneofs(way.steps(), None);
        }
        query
    }

    /// Writes the field that a parameter gives.
    pub(super) fn parameter(&mut self, name: &'q str, text: &'q str) -> Result<(), BadParameter> {
        let bad = |value: String, expected: String| BadParameter {
            name: name.to_owned(),
            value,
            expected,
        };
        let target = match resolve(self.schema, self.root, name) {
            Ok(target) => target,
            Err(_) if self.unknown == Unknown::Ignore => return Ok(()),
            Err(unresolved) => return Err(bad(text.to_owned(), unresolved.expected())),
        };
        if self.is_bound(&target.way) {
            return Err(bad(text.to_owned(), BOUND.to_owned()));
        }
        if let Some(expected) = leaf::refusal(self.schema, target.field) {
            return Err(bad(text.to_owned(), expected));
        }
        if let Err((earlier, expected)) = self.claim(&target, text) {
            let value = match earlier.text {
                Some(earlier) => format!("{earlier}, {text}"),
                None => text.to_owned(),
            };
            return Err(bad(value, expected));
        }
        self.put(&target, text)
            .map_err(|expected| bad(text.to_owned(), expected))
    }

    /// Whether the field, one that it is in, or one in it, is given elsewhere.
    fn is_bound(&self, way: &Way) -> bool {
        self.bound.iter().any(|path| {
            let steps = path.steps.iter().map(|(_, index)| index);
            steps.zip(way.steps()).all(|(ours, theirs)| ours == theirs)
        })
    }

    /// Notes that a field is given; otherwise says what gave it before.
    fn claim(&mut self, target: &Target<'s, 'q>, text: &'q str) -> Result<(), (Given<'q>, String)> {
        self.claim_oneofs(target.way.steps(), Some(text))?;
        let part = match (target.field.shape, target.key) {
            (Shape::Singular, _) => Part::Field,
            (Shape::Map { key, .. }, Some(given)) => {
                match leaf::key(self.schema, key, given) {
                    Ok(key) => Part::Entry(key),
                    // `put` will say so.
                    Err(_) => return Ok(()),
                }
            }
            _ => return Ok(()),
        };
        let given = Given {
            field: 0,
            text: Some(text),
        };
        match self.claims.add(target.way.clone(), part, given) {
            Some(earlier) => Err((earlier, ONCE.to_owned())),
            None => Ok(()),
        }
    }

    /// Notes each oneof on the way, and through which member it is gone.
    fn claim_oneofs(
        &mut self,
        way: &[u16],
        text: Option<&'q str>,
    ) -> Result<(), (Given<'q>, String)> {
        let mut message = self.schema.get(self.root);
        for (depth, &index) in way.iter().enumerate() {
            let field = &message.fields[usize::from(index)];
            if let Some(oneof) = field.oneof {
                let given = Given { field: index, text };
                let earlier = self
                    .claims
                    .add(Way::from(&way[..depth]), Part::Oneof(oneof), given);
                if let Some(earlier) = earlier.filter(|earlier| earlier.field != index) {
                    let members = message.fields.iter();
                    let members = members.filter(|other| other.oneof == field.oneof);
                    let names = listed(members.map(|member| &*member.name));
                    return Err((
                        earlier,
                        format!("one value: only one of {names} can be given"),
                    ));
                }
            }
            if let Kind::Message(inner) = field.kind {
                message = self.schema.get(inner);
            }
        }
        Ok(())
    }

    fn put(&mut self, target: &Target<'s, 'q>, text: &str) -> Result<(), String> {
        let mut open = Vec::new();
        let mut message = self.schema.get(self.root);
        let steps = target.way.steps();
        for &index in &steps[..steps.len() - 1] {
            let field = &message.fields[usize::from(index)];
            self.out.tag(field.number, WireType::Length);
            open.push(self.out.begin());
            if let Kind::Message(inner) = field.kind {
                message = self.schema.get(inner);
            }
        }
        self.put_field(target, text)?;
        while let Some(nested) = open.pop() {
            self.out.end(nested);
        }
        Ok(())
    }

    fn put_field(&mut self, target: &Target<'s, 'q>, text: &str) -> Result<(), String> {
        let Target { field, key, .. } = target;
        match (field.shape, key) {
            (Shape::Map { key: kind, value }, Some(key)) => {
                let key = leaf::key(self.schema, kind, key)?;
                self.out.tag(field.number, WireType::Length);
                let nested = self.out.begin();
                key.put(self.out);
                leaf::put(self.schema, value, 2, text, self.out)?;
                self.out.end(nested);
                Ok(())
            }
            (Shape::Map { .. }, None) => Err(format!(
                "a parameter for one of its keys, such as {}[key]",
                field.name
            )),
            _ => leaf::put(self.schema, field.kind, field.number, text, self.out),
        }
    }
}

/// Follows a parameter's name.
fn resolve<'s, 'q>(
    schema: &'s Schema,
    root: MessageId,
    name: &'q str,
) -> Result<Target<'s, 'q>, Unresolved<'s, 'q>> {
    let mut way = Way::new();
    let mut message = schema.get(root);
    let mut start = 0;
    loop {
        let end = start + name_length(&name[start..]);
        let unknown = Unresolved::Name {
            message,
            before: &name[..start],
        };
        let Some(index) = message.by_name(&name[start..end]) else {
            return Err(unknown);
        };
        let field = &message.fields[index];
        // A message has fewer fields than fit.
        way.push(u16::try_from(index).unwrap_or(u16::MAX));
        let after = &name[end..];
        let end_here = Unresolved::End {
            field,
            to: &name[..end],
        };
        if after.is_empty() {
            return Ok(Target {
                way,
                field,
                key: None,
            });
        }
        if let Some(key) = after.strip_prefix('[') {
            return match (field.shape, key.strip_suffix(']')) {
                (Shape::Map { .. }, Some(key)) => Ok(Target {
                    way,
                    field,
                    key: Some(key),
                }),
                _ => Err(end_here),
            };
        }
        match (field.kind, field.shape) {
            (Kind::Message(inner), Shape::Singular)
                if after.starts_with('.')
                    && schema.get(inner).form == Form::Plain
                    && way.steps().len() < DEPTH_MAX =>
            {
                message = schema.get(inner);
                start = end + 1;
            }
            _ => return Err(end_here),
        }
    }
}

/// The length of the field's name that `text` begins with. An extension's is in
/// brackets and has dots.
fn name_length(text: &str) -> usize {
    let end = match text.starts_with('[') {
        true => text.find(']').map(|end| end + 1),
        false => text.bytes().position(|byte| matches!(byte, b'.' | b'[')),
    };
    end.unwrap_or(text.len())
}

impl Unresolved<'_, '_> {
    fn expected(&self) -> String {
        match self {
            Unresolved::Name { message, before: _ } if message.fields.is_empty() => {
                format!("no such parameter: {} has no fields", message.full_name)
            }
            Unresolved::Name { message, before } => {
                let names = message
                    .fields
                    .iter()
                    .map(|field| format!("{before}{}", field.name));
                let names: Vec<_> = names.collect();
                format!(
                    "a parameter that is known: {}",
                    listed(names.iter().map(String::as_str))
                )
            }
            Unresolved::End { field, to } => match field.shape {
                Shape::Map { .. } => format!("a key in brackets after it, as in {to}[key]"),
                Shape::List { .. } => format!("{to} alone, once for each element"),
                Shape::Singular => format!("{to} alone: it has no fields that can be named here"),
            },
        }
    }
}
