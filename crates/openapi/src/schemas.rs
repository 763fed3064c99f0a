//! The schemas of messages and enums. In: what a route needs; out: a reference to it,
//! and at the end every schema that was referred to. Messages refer to each other, so
//! that recursion is a reference as well, and each is described once.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
};
use serde_json::{Value, json};

use crate::{
    comments::Comments,
    fields::{self, Member},
    names::{EnumForm, Key, Names, Variant},
    scalar, well_known,
};

/// Where schemas are in the document.
const PLACE: &str = "#/components/schemas/";

/// The schemas of one document.
pub(crate) struct Schemas<'n> {
    names: &'n Names,
    /// The pools that have been met.
    sources: Vec<DescriptorPool>,
    comments: Comments,
    /// Everything that was referred to.
    known: BTreeSet<Key>,
    /// Referred to, and not described yet.
    waiting: Vec<(Key, Described)>,
}

enum Described {
    Message(MessageDescriptor),
    Enum(EnumDescriptor),
}

impl<'n> Schemas<'n> {
    pub(crate) fn new(names: &'n Names) -> Self {
        Schemas {
            names,
            sources: Vec::new(),
            comments: Comments::default(),
            known: BTreeSet::new(),
            waiting: Vec::new(),
        }
    }

    /// Everything that was referred to, as `keep` has it.
    pub(crate) fn finish<T>(mut self, keep: impl Fn(&Value) -> T) -> BTreeMap<Key, T> {
        let mut done = BTreeMap::new();
        while let Some((key, described)) = self.waiting.pop() {
            let schema = match described {
                Described::Message(message) => self.object(&message, key.variant, &[]),
                Described::Enum(described) => self.enumeration(&described, key.variant),
            };
            done.insert(key, keep(&schema));
        }
        done
    }

    /// The comment of a descriptor.
    pub(crate) fn comment(&mut self, file: &FileDescriptor, path: &[i32]) -> Option<String> {
        let source = self.source(file.parent_pool());
        self.comments.at(source, file, path)
    }

    pub(crate) fn message(&mut self, message: &MessageDescriptor, variant: Variant) -> Value {
        if let Some(form) = well_known::form(message, variant) {
            return form.schema();
        }
        self.refer(
            message.full_name(),
            message.parent_pool(),
            variant,
            Described::Message(message.clone()),
        )
    }

    /// A value of this kind, which is no list and no map.
    pub(crate) fn value(&mut self, kind: &Kind, variant: Variant) -> Value {
        match (scalar::schema(kind, variant), kind) {
            (Some(schema), _) => schema,
            (None, Kind::Message(message)) => self.message(message, variant),
            (None, Kind::Enum(described)) if is_null(described) => match variant {
                Variant::Answer { .. } => json!({"type": "null"}),
                _ => json!({"enum": [null, "NULL_VALUE", 0]}),
            },
            (None, Kind::Enum(described)) => self.refer(
                described.full_name(),
                described.parent_pool(),
                variant.of_enum(),
                Described::Enum(described.clone()),
            ),
            (None, _) => json!({}),
        }
    }

    /// A field's value, with all that is said about the field.
    pub(crate) fn field(&mut self, field: &FieldDescriptor, variant: Variant) -> Value {
        let mut schema = self.bare(&Member::of_field(field), variant);
        self.annotate(field, &mut schema);
        schema
    }

    /// A field's value: one, a list or a map.
    pub(crate) fn bare(&mut self, member: &Member, variant: Variant) -> Value {
        let Kind::Message(entry) = &member.kind else {
            return self.one_or_list(member, variant);
        };
        if !member.is_map {
            return self.one_or_list(member, variant);
        }
        let value = self.value(&entry.map_entry_value_field().kind(), variant);
        let mut schema = json!({"type": "object", "additionalProperties": value});
        if let Some(key) = scalar::key(&entry.map_entry_key_field().kind()) {
            schema["propertyNames"] = key;
        }
        schema
    }

    fn one_or_list(&mut self, member: &Member, variant: Variant) -> Value {
        let value = self.value(&member.kind, variant);
        match member.is_list {
            true => json!({"type": "array", "items": value}),
            false => value,
        }
    }

    /// A message as an object, without the fields named in `except`.
    pub(crate) fn object(
        &mut self,
        message: &MessageDescriptor,
        variant: Variant,
        except: &[&str],
    ) -> Value {
        let mut schema = fields::object(self, message, variant, except);
        let file = message.parent_file();
        describe(&mut schema, self.comment(&file, message.path()));
        let options = message.descriptor_proto().options.as_ref();
        deprecate(
            &mut schema,
            options.is_some_and(|options| options.deprecated()),
        );
        schema
    }

    fn enumeration(&mut self, described: &EnumDescriptor, variant: Variant) -> Value {
        let names: Vec<_> = described
            .values()
            .map(|value| value.name().to_owned())
            .collect();
        let file = described.parent_file();
        let comments = described
            .values()
            .map(|value| {
                let comment = self.comment(&file, value.path());
                (value, comment)
            })
            .collect::<Vec<_>>();
        let mut lines: Vec<_> = self.comment(&file, described.path()).into_iter().collect();
        let numbers = variant == Variant::Enum(EnumForm::Numbers);
        let about: Vec<_> = comments
            .iter()
            .filter(|(_, comment)| numbers || comment.is_some())
            .map(|(value, comment)| {
                let about = comment.as_deref().unwrap_or_default().replace('\n', " ");
                format!("- `{}` ({}): {about}", value.name(), value.number())
                    .trim_end_matches([':', ' '])
                    .to_owned()
            })
            .collect();
        if !about.is_empty() {
            lines.push(about.join("\n"));
        }
        let mut schema = match numbers {
            true => json!({"type": "integer", "format": "int32"}),
            // Numbers that have no name are written, and read, as numbers.
            false => json!({
                "anyOf": [
                    {"type": "string", "enum": names},
                    {
                        "type": "integer", "format": "int32",
                        "minimum": i32::MIN, "maximum": i32::MAX,
                    },
                ],
            }),
        };
        describe(
            &mut schema,
            Some(lines.join("\n\n")).filter(|lines| !lines.is_empty()),
        );
        let options = described.enum_descriptor_proto().options.as_ref();
        deprecate(
            &mut schema,
            options.is_some_and(|options| options.deprecated()),
        );
        schema
    }

    /// What is said about a field besides its type.
    pub(crate) fn annotate(&mut self, field: &FieldDescriptor, schema: &mut Value) {
        let comment = self.comment(&field.parent_message().parent_file(), field.path());
        fields::annotate(field, comment, schema);
    }

    fn refer(
        &mut self,
        full_name: &str,
        pool: &DescriptorPool,
        variant: Variant,
        described: Described,
    ) -> Value {
        let key = Key {
            full_name: full_name.to_owned(),
            source: self.source(pool),
            variant,
        };
        let reference = format!("{PLACE}{}", self.names.of(&key));
        if self.known.insert(key.clone()) {
            self.waiting.push((key, described));
        }
        json!({"$ref": reference})
    }

    fn source(&mut self, pool: &DescriptorPool) -> usize {
        let known = self.sources.iter().position(|known| known == pool);
        known.unwrap_or_else(|| {
            self.sources.push(pool.clone());
            self.sources.len() - 1
        })
    }
}

/// Puts a description into a schema, before the one that it may have.
pub(crate) fn describe(schema: &mut Value, description: Option<String>) {
    let (Some(description), Some(schema)) = (description, schema.as_object_mut()) else {
        return;
    };
    let description = match schema.get("description").and_then(Value::as_str) {
        Some(own) => format!("{description}\n\n{own}"),
        None => description,
    };
    schema.insert("description".to_owned(), description.into());
}

/// Marks what is deprecated.
pub(crate) fn deprecate(schema: &mut Value, deprecated: bool) {
    if let (true, Some(schema)) = (deprecated, schema.as_object_mut()) {
        schema.insert("deprecated".to_owned(), true.into());
    }
}

fn is_null(described: &EnumDescriptor) -> bool {
    described.full_name() == "google.protobuf.NullValue"
}
