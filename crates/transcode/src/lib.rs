//! Protobuf's wire format to JSON and back, by the proto3 JSON mapping, from
//! descriptors known only at run time. A [`Schema`] is compiled once; after that
//! bytes become bytes, with no message in between and nothing looked up by name
//! that a table can tell. In: wire bytes, JSON text, or the texts of a path and a
//! query; out: the other. It does no IO, knows nothing of HTTP or of gRPC's
//! framing, and keeps no state between calls; only a [`Splitter`] does, of one stream.
//!
//! The mapping is the one of <https://protobuf.dev/programming-guides/json/>; what
//! it leaves open is said where it is decided.

mod json;
mod raw;
mod read;
mod schema;
mod split;
mod text;
mod wire;
mod write;

pub use read::{ReadError, ReadOptions, Unknown};
pub use schema::{FieldPath, MessageId, Refused, Schema, UnknownField};
pub use split::{Place, Separated, SplitError, Splitter, Text};
pub use text::BadParameter;
pub use wire::{Builder, Malformed, bytes_field};
pub use write::{Defaults, Enums, Names, UnknownAny, WriteError, WriteOptions};
