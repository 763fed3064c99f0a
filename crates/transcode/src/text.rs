//! Texts without structure onto fields: what a URL's path and query give. In: names
//! and texts, already decoded. Out: the fields in a [`Builder`], each inside the
//! messages that lead to it, or the first parameter that cannot be used. A message
//! that several parameters go into is written once for each; whoever reads the wire
//! format puts the parts together, which is the format's own rule.
//!
//! A text is read more generously than the same value in JSON: white space around a
//! number and a plus before it are left out (a `+` in a query means a space), and an
//! enum's number or a field mask's original names are as good as their JSON.

use thiserror::Error;

use crate::{
    read::Unknown,
    schema::{FieldPath, MessageId, Schema, Shape},
    wire::{Builder, WireType},
};

mod claims;
mod leaf;
mod query;

/// A parameter that cannot be used, in a client's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("parameter {name:?} is {value:?}; expected {expected}")]
pub struct BadParameter {
    /// As it was given; of a path's variable its field path.
    pub name: String,
    /// As it was given; all of them if it was given more than once.
    pub value: String,
    /// What could have been given.
    pub expected: String,
}

impl Schema {
    /// Writes the field at `path` with the value that `text` stands for; of a list
    /// it is one element.
    ///
    /// # Errors
    ///
    /// [`BadParameter`] if it stands for none. `out` then holds a part of it and is
    /// of no use.
    pub fn read_text(
        &self,
        path: &FieldPath,
        text: &str,
        out: &mut Builder,
    ) -> Result<(), BadParameter> {
        let mut fields = path
            .steps
            .iter()
            .map(|(message, index)| &self.get(*message).fields[usize::from(*index)]);
        let Some(last) = fields.next_back() else {
            return Ok(());
        };
        let mut open = Vec::new();
        for field in fields {
            out.tag(field.number, WireType::Length);
            open.push(out.begin());
        }
        let put = match (leaf::refusal(self, last), last.shape) {
            (Some(expected), _) => Err(expected),
            (None, Shape::Map { .. }) => Err("a field that is not a map".to_owned()),
            (None, _) => leaf::put(self, last.kind, last.number, text, out),
        };
        put.map_err(|expected| BadParameter {
            name: self.path_name(path),
            value: text.to_owned(),
            expected,
        })?;
        while let Some(nested) = open.pop() {
            out.end(nested);
        }
        Ok(())
    }

    /// Writes a field for each of a query's parameters. `bound` are the fields that
    /// the path or the body gives: no parameter may give them again.
    ///
    /// # Errors
    ///
    /// [`BadParameter`] for the first parameter that cannot be used. `out` then
    /// holds a part of them and is of no use.
    pub fn read_query<'q>(
        &self,
        root: MessageId,
        pairs: impl IntoIterator<Item = (&'q str, &'q str)>,
        bound: &[FieldPath],
        unknown: Unknown,
        out: &mut Builder,
    ) -> Result<(), BadParameter> {
        let mut query = query::Query::new(self, root, bound, unknown, out);
        pairs
            .into_iter()
            .try_for_each(|(name, text)| query.parameter(name, text))
    }

    /// The original names of a path.
    fn path_name(&self, path: &FieldPath) -> String {
        let names = path
            .steps
            .iter()
            .map(|(message, index)| &*self.get(*message).fields[usize::from(*index)].name);
        names.collect::<Vec<_>>().join(".")
    }
}

#[cfg(test)]
mod tests;
