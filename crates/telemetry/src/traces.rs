//! Traces: which requests are recorded, under which ids, and what is said of them. In: the
//! head of a request, then how it ended, and the same of every call it causes; out: spans
//! in the terms of OpenTelemetry, handed to a queue that never makes a request wait. What
//! is not sampled has ids, which services are told, and nothing else; with traces off
//! there is not even that. No span has a query, a body or the value of a header.

mod call;
mod context;
mod endpoint;
mod export;
mod queue;
mod resource;
mod span;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, Method, Uri, Version};

pub use call::{Called, Client, Messages};
pub use context::Context;
pub use endpoint::{BadEndpoint, Endpoint};
pub use export::{CannotExport, Exporter, Settings, Transport};
pub(crate) use queue::Queue;
pub use span::{Asked, RpcSystem, Served};

use span::Recorded;

/// The header with the trace's id and that of the span that asks (W3C).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What others keep of the trace; it goes on as it came.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// How much of a caller's trace context holds here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// The trace goes on, and is recorded if the caller says so.
    Decision,
    /// The trace goes on; whether it is recorded is decided here.
    Trace,
    /// A trace of our own begins, with a link to the caller's.
    Nothing,
}

/// Which requests are recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    follow: Follow,
    /// Of 2^63.
    below: u64,
}

impl Sampling {
    /// A `ratio`, from 0 to 1, of the traces for which nobody has decided. The same traces
    /// are chosen by everybody who chooses with this ratio or a larger one.
    #[must_use]
    pub fn new(ratio: f64, follow: Follow) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let below = (ratio.clamp(0.0, 1.0) * (1u64 << 63) as f64) as u64;
        Sampling { follow, below }
    }

    fn chooses(self, context: &Context) -> bool {
        context.chance() < self.below
    }
}

/// The traces of one process; cheap to clone. By default they are off.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Inner>>);

pub(crate) struct Inner {
    pub(crate) sampling: Sampling,
    pub(crate) queue: Arc<Queue>,
    pub(crate) scheme: Scheme,
}

/// By which scheme a port is asked; requests over HTTP/1.1 do not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Not encrypted.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// The head of a request.
#[derive(Clone, Copy)]
pub struct Head<'r> {
    /// Its method.
    pub method: &'r Method,
    /// What it asks for.
    pub uri: &'r Uri,
    /// The protocol's version.
    pub version: Version,
    /// What may have a trace context.
    pub headers: &'r HeaderMap,
}

impl<'r> Head<'r> {
    /// That of a request that is whole.
    #[must_use]
    pub fn of<B>(request: &'r http::Request<B>) -> Self {
        Head {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
        }
    }
}

impl<'r> From<&'r http::request::Parts> for Head<'r> {
    fn from(head: &'r http::request::Parts) -> Self {
        Head {
            method: &head.method,
            uri: &head.uri,
            version: head.version,
            headers: &head.headers,
        }
    }
}

/// The trace of one request.
#[derive(Default)]
pub struct Trace {
    context: Option<Context>,
    /// Whether the context is ours and not just the caller's.
    is_ours: bool,
    recorded: Option<Box<Recorded>>,
}

impl Traces {
    pub(crate) fn of(inner: Inner) -> Self {
        Traces(Some(Arc::new(inner)))
    }

    /// Whether there are any.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The counts of what became of spans.
    pub(crate) fn queue(&self) -> Option<&Arc<Queue>> {
        self.0.as_ref().map(|inner| &inner.queue)
    }

    /// The trace of a request that begins; nothing with traces off.
    #[must_use]
    pub fn begin(&self, head: Head<'_>) -> Trace {
        match &self.0 {
            None => Trace::default(),
            Some(inner) => inner.begin(head),
        }
    }

    /// A call that is made for a request of the trace `of`. `None` unless it is recorded.
    #[must_use]
    pub fn call(&self, of: Option<Context>, resent: u32) -> Option<Box<Client>> {
        let of = of.filter(Context::is_sampled)?;
        let inner = self.0.as_ref()?;
        Some(Box::new(Client::of(of, resent, Arc::clone(&inner.queue))))
    }
}

impl Inner {
    fn begin(&self, head: Head<'_>) -> Trace {
        let given = Context::in_headers(head.headers);
        let follow = self.sampling.follow;
        let context = match given {
            Some(given) if follow != Follow::Nothing => {
                let context = given.child();
                match follow {
                    Follow::Decision => context,
                    _ => context.sampled_if(self.sampling.chooses(&context)),
                }
            }
            _ => {
                let context = Context::random();
                context.sampled_if(self.sampling.chooses(&context))
            }
        };
        let recorded = context.is_sampled().then(|| {
            let recorded = Recorded::of(context, head, self);
            Box::new(match (given, follow) {
                (None, _) => recorded,
                (Some(given), Follow::Nothing) => recorded.linked_to(given),
                (Some(given), _) => recorded.with_parent(given),
            })
        });
        Trace {
            context: Some(context),
            is_ours: true,
            recorded,
        }
    }
}

impl Trace {
    /// The caller's, of which nothing is recorded here; for the log.
    #[must_use]
    pub fn of_caller(headers: &HeaderMap) -> Self {
        Trace {
            context: Context::in_headers(headers),
            ..Trace::default()
        }
    }

    /// What calls for the request are made under; `None` with traces off.
    #[must_use]
    pub fn context(&self) -> Option<Context> {
        self.context.filter(|_| self.is_ours)
    }

    /// The ids for a line in the log: the trace's, and that of the span, where it is ours.
    #[must_use]
    pub fn ids(&self) -> Option<(String, Option<String>)> {
        let context = self.context?;
        let span_id = self.is_ours.then(|| context.span_id().to_string());
        Some((context.trace_id().to_string(), span_id))
    }

    /// Whether a span will be made of it.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.recorded.is_some()
    }

    pub(crate) fn take_recorded(&mut self) -> Option<Box<Recorded>> {
        self.recorded.take()
    }
}

#[cfg(test)]
mod tests;
