//! The span of a call that was made for a request. In: what was kept since it began and
//! how it ended; out: OpenTelemetry's data, by the same conventions.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use opentelemetry::{
    KeyValue, SpanId,
    trace::{SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::SpanData;

use super::{
    Context, Queue,
    span::{Clock, cut, empty, of_call},
};
use crate::names::{Names, RpcId};

/// A call that is made and recorded.
pub struct Client {
    context: Context,
    parent: SpanId,
    clock: Clock,
    resent: u32,
    messages: Arc<Messages>,
    queue: Arc<Queue>,
}

/// The messages of one call, in both directions.
#[derive(Debug, Default)]
pub struct Messages {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Messages {
    /// This many went out.
    pub fn sent(&self, messages: u64) {
        self.sent.fetch_add(messages, Ordering::Relaxed);
    }

    /// This many came back.
    pub fn received(&self, messages: u64) {
        self.received.fetch_add(messages, Ordering::Relaxed);
    }
}

/// What was called, and how it ended.
#[derive(Debug, Clone, Copy)]
pub enum Called<'c> {
    /// A gRPC method; the number of its status.
    Rpc(RpcId, u32),
    /// A resource, by `GET`: its scheme, its path without a query, and the status or what
    /// took its place.
    Http(&'c str, &'c str, Result<u16, &'static str>),
}

impl Client {
    pub(super) fn of(request: Context, resent: u32, queue: Arc<Queue>) -> Self {
        Client {
            context: request.child(),
            parent: request.span_id(),
            clock: Clock::now(),
            resent,
            messages: Arc::default(),
            queue,
        }
    }

    /// What the service is told.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context
    }

    /// Where the messages of the call are counted.
    #[must_use]
    pub fn messages(&self) -> &Arc<Messages> {
        &self.messages
    }

    /// Hands the span over; `authority` is whom it asked.
    pub(crate) fn end(&self, called: Called<'_>, authority: &str, names: &Names) {
        let (start_time, end_time) = self.clock.times();
        let mut attributes = Vec::with_capacity(12);
        let (name, status) = match called {
            Called::Rpc(rpc, code) => {
                attributes.push(KeyValue::new("rpc.system", "grpc"));
                let rpc = names.rpc_of(rpc);
                let told = of_call(rpc.as_ref(), code, SpanKind::Client, &mut attributes);
                let Messages { sent, received } = &*self.messages;
                for (key, count) in [
                    ("pspd.messages.sent", sent),
                    ("pspd.messages.received", received),
                ] {
                    let count = i64::try_from(count.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
                    attributes.push(KeyValue::new(key, count));
                }
                told
            }
            Called::Http(scheme, path, ended) => {
                let url = format!("{scheme}://{authority}{}", cut(path));
                of_get(url, ended, &mut attributes)
            }
        };
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        attributes.push(KeyValue::new("server.address", host));
        if let Ok(port) = port.parse::<i64>() {
            attributes.push(KeyValue::new("server.port", port));
        }
        if self.resent > 0 {
            let resent = i64::from(self.resent);
            attributes.push(KeyValue::new("http.request.resend_count", resent));
        }
        self.queue.push(SpanData {
            parent_span_id: self.parent,
            span_kind: SpanKind::Client,
            name: name.into(),
            start_time,
            end_time,
            attributes,
            status,
            ..empty(self.context, TraceState::default())
        });
    }
}

/// Name and status of a call over HTTP.
fn of_get(
    url: String,
    ended: Result<u16, &'static str>,
    attributes: &mut Vec<KeyValue>,
) -> (String, Status) {
    attributes.push(KeyValue::new("http.request.method", "GET"));
    attributes.push(KeyValue::new("url.full", url));
    attributes.push(KeyValue::new("network.protocol.version", "1.1"));
    let error = match ended {
        Ok(status) => {
            attributes.push(KeyValue::new(
                "http.response.status_code",
                i64::from(status),
            ));
            (status >= 400).then(|| status.to_string())
        }
        Err(what) => Some(what.to_owned()),
    };
    let status = match error {
        None => Status::Unset,
        Some(error) => {
            attributes.push(KeyValue::new("error.type", error));
            Status::error("")
        }
    };
    ("GET".to_owned(), status)
}
