//! What every role has in common: a listener bound once, one runtime a core
//! that owns its connections, HTTP/1.1 or HTTP/2 on them with explicit limits,
//! a graceful stop, an administration endpoint, and the vocabulary of requests
//! (query strings, request ids). It knows nothing of the roles themselves.

pub mod admin;
pub mod answer;
mod connection;
mod descriptors;
mod detach;
mod handler;
pub mod listener;
mod pieces;
pub mod query;
mod request_id;
mod run;
mod runtime;
mod stop;
mod streams;

pub use answer::{Body, BoxError};
pub use connection::{Encrypted, Hold, Http1, Http2, Protocol};
pub use descriptors::raise_file_descriptor_limit;
pub use handler::Handler;
pub use pieces::{PIECE_BYTES, next_piece};
pub use request_id::RequestId;
pub use run::{Drained, Options, run};
pub use stop::Stop;
pub use tokio_util::sync::CancellationToken;
