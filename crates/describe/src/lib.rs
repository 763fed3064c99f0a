//! What a gRPC service offers: its methods and the types of their messages, from
//! the service's own reflection, from `.proto` files or from a descriptor set.
//! In: where the description is; out: a [`Description`], in which methods are
//! found by name. It calls no method but those of reflection, and it encodes no
//! message: `prost-reflect`, whose descriptors it hands out, does that.

mod builtin;
mod description;
mod error;
mod fingerprint;
mod lookup;
mod pool;
mod protos;
mod reflection;

pub use description::Description;
pub use error::DescribeError;
pub use fingerprint::Fingerprint;
pub use reflection::Limits;
