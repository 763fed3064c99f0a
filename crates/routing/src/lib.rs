//! Which gRPC method an HTTP request asks for, by the rules of `google.api.http`.
//! In: descriptors with their annotations, the text of a service configuration,
//! methods and paths of requests; out: [`Rule`]s, and from a [`Router`] the route
//! of a request with the values of its path's variables. It knows no fields: that
//! a variable or a body names one, and of what type, is checked where messages
//! are made. It reads no files and keeps no state.

mod config;
mod decode;
mod router;
mod rule;
mod template;

pub use config::{ServiceConfig, resolve};
pub use decode::Decoding;
pub use router::{Conflict, Found, NotFound, Router, Values};
pub use rule::{BadRule, BadVerb, Body, Rule, Verb, annotated, unannotated};
pub use template::{BadTemplate, Piece, Template, Text};
