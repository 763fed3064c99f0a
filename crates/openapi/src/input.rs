//! What a document is made of.

use std::collections::BTreeMap;

use prost_reflect::MethodDescriptor;
use routing::Rule;
use serde_json::Value;
use transcode::{Defaults, Enums, Names, Unknown};

/// What the whole document says.
#[derive(Debug, Clone)]
pub struct About {
    /// What the API is called.
    pub title: String,
    /// Of the API as the document has it.
    pub version: String,
    /// What else there is to say, in Markdown; may be empty.
    pub description: String,
    /// How errors look.
    pub errors: Errors,
    /// The shape of JSON where no route says otherwise: its schemas have the plain
    /// names.
    pub json: Json,
}

/// How errors look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errors {
    /// `google.rpc.Status` as JSON.
    Status,
    /// The same with `error`, `status`, `request_id` and more beside it.
    Published,
}

/// The shape of JSON, and what is done with names that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Json {
    /// How members are named.
    pub names: Names,
    /// How enums are written in answers.
    pub enums: Enums,
    /// Whether answers have fields at their default.
    pub defaults: Defaults,
    /// Members of bodies that are no fields.
    pub unknown_fields: Unknown,
    /// Parameters that are no fields.
    pub unknown_query: Unknown,
}

/// One route.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Which requests it takes, and what of them is which part of the message.
    pub rule: Rule,
    /// The method that is called.
    pub method: MethodDescriptor,
    /// The shape of JSON.
    pub json: Json,
    /// Members that every answer has before its own.
    pub constants: BTreeMap<String, Value>,
    /// How a stream that is gathered looks; an array of its messages otherwise.
    pub gather: Option<Gather>,
    /// Values of parameters that are missing or empty, by original name.
    pub query_defaults: BTreeMap<String, String>,
}

/// A stream's field, gathered into an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gather {
    /// The field of each message.
    pub field: String,
    /// The name of the array.
    pub name: String,
}
