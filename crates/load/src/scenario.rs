//! What a virtual user repeats: requests, each with a name in the results. In: a
//! description; out: something whose bytes are ready to be sent, or made with
//! little work where they differ between requests.

mod http;

use std::fmt;

use crate::grpc;

pub(crate) use http::HttpRequest;
pub use http::RequestTextError;

/// Requests that a user makes one after the other: an iteration. All of one
/// protocol, since they share connections.
#[derive(Debug)]
pub struct Scenario {
    /// In their order.
    pub requests: Vec<Request>,
}

impl Scenario {
    /// What its requests are sent over.
    pub(crate) fn protocol(&self) -> Protocol {
        self.requests
            .first()
            .map_or(Protocol::Http1, Request::protocol)
    }
}

/// One request, ready to be made many times.
#[derive(Debug)]
pub struct Request {
    name: String,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Http(HttpRequest),
    Grpc(Box<grpc::Call>),
}

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// gRPC over HTTP/2 without TLS.
    Grpc,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Protocol::Http1 => "HTTP/1.1",
            Protocol::Grpc => "gRPC",
        })
    }
}

impl Request {
    /// An HTTP/1.1 request to `authority`, called `name` in results. The path with
    /// its query, the values of headers, and the body are
    /// [templates](crate::Template); what has no expression in it is made into
    /// bytes once. `Host`, `User-Agent` and `Accept` are set unless they are
    /// given; `Content-Length` is what the body has.
    ///
    /// # Errors
    ///
    /// [`RequestTextError`] names the part that cannot stand in a request, such as
    /// a line break in a header, and what to do.
    pub fn http(
        name: &str,
        authority: &str,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> Result<Request, RequestTextError> {
        let http = HttpRequest::new(authority, method, path, headers, body)?;
        Ok(Request {
            name: name.to_owned(),
            kind: Kind::Http(http),
        })
    }

    /// A gRPC call, called `name` in results.
    #[must_use]
    pub fn grpc(name: &str, call: grpc::Call) -> Request {
        Request {
            name: name.to_owned(),
            kind: Kind::Grpc(Box::new(call)),
        }
    }

    /// Its name in results.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is sent over.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        match self.kind {
            Kind::Http(_) => Protocol::Http1,
            Kind::Grpc(_) => Protocol::Grpc,
        }
    }

    /// Whether it streams both ways, message by message, so that each has a round trip.
    #[must_use]
    pub fn converses(&self) -> bool {
        match &self.kind {
            Kind::Http(_) => false,
            Kind::Grpc(call) => {
                let paced = call
                    .sends()
                    .is_some_and(|sending| sending.has_round_trips());
                paced && call.streams()
            }
        }
    }

    /// Whether its answer is a stream of messages.
    #[must_use]
    pub fn streams(&self) -> bool {
        match &self.kind {
            Kind::Http(_) => false,
            Kind::Grpc(call) => call.streams(),
        }
    }
}
