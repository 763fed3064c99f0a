//! TLS on every hop: certificates, keys and authorities from files, checked and watched;
//! an [`Acceptor`] for who serves, a [`Connector`] for who calls, and an allow-list of
//! the identities that the other side may have. Chains are verified by webpki, not here;
//! nothing is fetched (no revocation lists, no OCSP), which is why certificates are to be
//! short-lived. [`authority`] makes such certificates where no one else does.

pub mod authority;
mod client;
mod files;
mod http;
mod identity;
mod leaf;
mod live;
mod refusal;
mod server;
mod stream;
mod watch;

pub use client::{Client, Connector, RawClient};
pub use http::Http;
pub use identity::{BadIdentity, Identities, Identity};
pub use leaf::Leaf;
pub use refusal::{Reason, Refusal};
pub use server::{Accepted, Acceptor, RawServer, Server, Speaks, Version};
pub use stream::Stream;
pub use watch::{InUse, in_use};
