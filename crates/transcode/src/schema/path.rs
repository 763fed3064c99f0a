//! Field paths: `shelf.name`, as path templates and queries name fields, resolved
//! once into indexes.

use super::{Form, Kind, MessageId, Schema, Shape};

/// The way from a message to one of its fields, through messages that are not
/// repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    /// Message and index of a field in it, from the outermost in; never empty.
    pub(crate) steps: Vec<(MessageId, u16)>,
}

/// A name in a field path that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} has no field {name:?} that a path can go through or end at")]
pub struct UnknownField {
    /// The message in which it was looked for.
    pub message: String,
    /// The name as given.
    pub name: String,
}

impl FieldPath {
    /// The field that it ends at.
    pub(crate) fn leaf(&self) -> (MessageId, u16) {
        // Never empty: only `Schema::field_path` makes one.
        self.steps.last().copied().unwrap_or((MessageId(0), 0))
    }
}

impl Schema {
    /// Resolves a path of names separated by dots, each the original or the JSON
    /// name of a field.
    ///
    /// # Errors
    ///
    /// [`UnknownField`] for the first name that is no field, or through which no
    /// path can go because the field is repeated or not a message.
    pub fn field_path(&self, root: MessageId, path: &str) -> Result<FieldPath, UnknownField> {
        let mut steps = Vec::new();
        let mut inside = Some(root);
        let mut outer = root;
        for name in path.split('.') {
            let unknown = || UnknownField {
                message: self.name(inside.unwrap_or(outer)).to_owned(),
                name: name.to_owned(),
            };
            let message = inside.ok_or_else(unknown)?;
            let index = self.get(message).by_name(name).ok_or_else(unknown)?;
            let field = &self.get(message).fields[index];
            // A message has fewer fields than fit.
            steps.push((message, u16::try_from(index).unwrap_or(u16::MAX)));
            outer = message;
            inside = match (field.kind, field.shape) {
                (Kind::Message(next), Shape::Singular) if self.get(next).form == Form::Plain => {
                    Some(next)
                }
                _ => None,
            };
        }
        Ok(FieldPath { steps })
    }

    /// The message that the field at the end of `path` holds, if it does.
    #[must_use]
    pub fn message_at(&self, path: &FieldPath) -> Option<MessageId> {
        let (message, index) = path.leaf();
        match self.get(message).fields[index as usize].kind {
            Kind::Message(id) => Some(id),
            _ => None,
        }
    }

    /// Whether the field at the end of `path` is a list or a map.
    #[must_use]
    pub fn is_repeated(&self, path: &FieldPath) -> bool {
        let (message, index) = path.leaf();
        self.get(message).fields[index as usize].shape != Shape::Singular
    }
}
