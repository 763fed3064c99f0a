//! The one trait a role implements to answer requests.

use std::{future::Future, net::SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;

use crate::BoxError;

/// Answers the requests of one worker. Each worker builds its own, so that
/// upstream connections and buffers are never shared between cores.
pub trait Handler: Clone + Send + Sync + 'static {
    /// The body of the answers.
    type Body: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static;

    /// Answers one request of the client at `peer`. Dropped, at any await,
    /// when that client goes away.
    fn handle(
        &self,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}
