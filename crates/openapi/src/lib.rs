//! An OpenAPI 3.1 document of gRPC methods that are served over HTTP. In: routes with
//! their methods' descriptors and the shape of their JSON; out: the document, as JSON.
//! It says what the gateway does with `google.api.http` and the proto3 JSON mapping,
//! and where OpenAPI has no word for it, how that is put. It does no IO, serves
//! nothing, and checks no rule: routes come from a table that was checked.
//!
//! One message may look different from route to route, and in bodies and answers, so
//! that it may have several schemas; [`names`] says how they are called.

mod answer;
mod behavior;
mod body;
mod comments;
mod document;
mod errors;
mod fields;
mod input;
mod names;
mod parameters;
mod path;
mod scalar;
mod schemas;
mod well_known;

pub use document::document;
pub use input::{About, Errors, Gather, Json, Operation};

#[cfg(test)]
mod tests;
