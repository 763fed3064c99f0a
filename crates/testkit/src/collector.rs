//! A collector of OpenTelemetry's traces for tests, over gRPC and over HTTP on one port.
//! In: OTLP as any exporter sends it; out: the spans, with everything they say as text.
//! It can fall silent, as one does that is overloaded.

mod receive;

use std::{
    collections::BTreeMap,
    fmt,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::span::SpanKind,
};

use crate::background::Background;

/// The collector, running. Dropping it closes every connection at once.
pub struct Collector {
    shared: Arc<Shared>,
    server: Background,
}

/// One span as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of who sent it.
    pub service: String,
    /// What else was said of who sent it.
    pub resource: BTreeMap<String, String>,
    /// In hexadecimal.
    pub trace_id: String,
    /// In hexadecimal.
    pub span_id: String,
    /// In hexadecimal; empty where there is none.
    pub parent: String,
    /// `SERVER`, `CLIENT` and so on.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What others keep of the trace.
    pub state: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// Whether it tells an error.
    pub is_error: bool,
    /// The trace ids of its links.
    pub links: Vec<String>,
    /// Nanoseconds.
    pub took: u64,
}

impl Span {
    /// An attribute; empty where there is none.
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

/// What all connections share.
#[derive(Default)]
struct Shared {
    spans: Mutex<Vec<Span>>,
    exports: AtomicUsize,
    is_silent: AtomicBool,
    connections: AtomicUsize,
}

impl Collector {
    /// Starts it on a free port of loopback.
    #[track_caller]
    pub fn start() -> Collector {
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let free = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Background::start("collector", free, move |stream| {
            receive::serve(stream, Arc::clone(&serving))
        });
        Collector { shared, server }
    }

    /// What exporters are given.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.shared.spans).clone()
    }

    /// The spans of one trace so far.
    pub fn of_trace(&self, trace_id: &str) -> Vec<Span> {
        let mut spans = self.spans();
        spans.retain(|span| span.trace_id == trace_id);
        spans
    }

    /// How many exports it got.
    pub fn exports(&self) -> usize {
        self.shared.exports.load(Ordering::Relaxed)
    }

    /// How many connections it has.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// From now on it takes everything and answers nothing.
    pub fn fall_silent(&self) {
        self.shared.is_silent.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collector({})", self.server.address())
    }
}

impl Shared {
    /// Keeps the spans, unless it has fallen silent.
    fn take(&self, request: ExportTraceServiceRequest) {
        self.exports.fetch_add(1, Ordering::Relaxed);
        if self.is_silent.load(Ordering::Relaxed) {
            return;
        }
        let mut spans = lock(&self.spans);
        for of_resource in request.resource_spans {
            let resource = of_resource.resource.unwrap_or_default();
            let resource = texts(resource.attributes);
            let service = resource.get("service.name").cloned().unwrap_or_default();
            let given = of_resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans);
            spans.extend(given.map(|span| {
                Span {
                    service: service.clone(),
                    resource: resource.clone(),
                    trace_id: hex(&span.trace_id),
                    span_id: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    kind: kind(span.kind),
                    name: span.name,
                    state: span.trace_state,
                    attributes: texts(span.attributes),
                    is_error: span.status.is_some_and(|status| status.code == 2),
                    links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
                    took: span
                        .end_time_unix_nano
                        .saturating_sub(span.start_time_unix_nano),
                }
            }));
        }
    }
}

fn kind(number: i32) -> &'static str {
    let kind = SpanKind::try_from(number).unwrap_or(SpanKind::Unspecified);
    kind.as_str_name().trim_start_matches("SPAN_KIND_")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let pairs = attributes.into_iter();
    pairs
        .map(|KeyValue { key, value, .. }| (key, text(value)))
        .collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        other => format!("{other:?}"),
    }
}

/// A test that failed while it held the lock has been reported already.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
