//! gzip and zstd, for whoever sends or reads compressed bytes: answers and bodies of
//! HTTP, messages of gRPC. [`coding`] is their names and what headers say of them,
//! [`encode`] and [`decode`] turn bytes into bytes, [`decoded`] is a body that is
//! decompressed as it arrives.
//!
//! What is decompressed was sent by strangers: output is produced only as far as its
//! reader makes room, and sizes, windows and ratios have limits. Nothing here knows
//! what the bytes mean, or which status a failure becomes.

pub(crate) mod coding;
pub(crate) mod decode;
pub(crate) mod decoded;
pub(crate) mod encode;

pub use coding::Coding;
