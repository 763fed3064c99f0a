//! Traces as a collector gets them: from a browser's header to a service, in every
//! protocol; which requests are recorded; what becomes of them when the collector is slow
//! or gone; and what the log says.

mod chains;
mod losses;
mod sampling;
mod sdk;

use std::net::SocketAddr;

use contract::Role;
use serde_json::Value;
use testkit::{
    Process,
    collector::{Collector, Span},
    http::{self, Response},
    until,
};

use crate::metrics::Metrics;

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// The trace of a caller, and its header.
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const TRACEPARENT: (&str, &str) = (
    "traceparent",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
);
const TRACESTATE: (&str, &str) = ("tracestate", "vendor=1");
const UNSAMPLED: (&str, &str) = (
    "traceparent",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
);

/// What a role is started with to send its traces to `collector`.
fn flags(collector: &Collector, transport: &str) -> Vec<String> {
    [
        "--traces",
        transport,
        "--traces-endpoint",
        &collector.endpoint(),
    ]
    .map(ToOwned::to_owned)
    .to_vec()
}

#[track_caller]
fn start(role: Role, flags: &[String]) -> Process {
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    Process::start(PSPD, role, &flags)
}

/// A gateway with both services behind it, which all send to one collector.
struct Traced {
    collector: Collector,
    gateway: Process,
    _services: [Process; 2],
}

impl Traced {
    #[track_caller]
    fn start(gateway: Role, transport: &str, more: &[&str]) -> Traced {
        let collector = Collector::start();
        let flags = flags(&collector, transport);
        let services = gateway.services().expect("a gateway");
        let services = services.map(|role| start(role, &flags));
        let [a, b] = services.each_ref().map(Process::address);
        let upstreams = match gateway {
            Role::Gateway => [
                "--a-addr".into(),
                a.to_string(),
                "--b-addr".into(),
                b.to_string(),
            ],
            _ => [
                "--a-rest".into(),
                format!("http://{a}"),
                "--b-rest".into(),
                format!("http://{b}"),
            ],
        };
        let more = more.iter().map(|flag| (*flag).to_owned());
        let all: Vec<_> = flags.into_iter().chain(upstreams).chain(more).collect();
        Traced {
            gateway: start(gateway, &all),
            collector,
            _services: services,
        }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    #[track_caller]
    fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        http::request(self.address(), method, target, headers, body).expect("an answer")
    }

    /// So many spans of the caller's trace, once they have come.
    #[track_caller]
    fn spans(&self, count: usize) -> Vec<Span> {
        spans(&self.collector, TRACE_ID, count)
    }
}

#[track_caller]
fn spans(collector: &Collector, trace_id: &str, count: usize) -> Vec<Span> {
    until(&format!("{count} spans of {trace_id}"), || {
        let spans = collector.of_trace(trace_id);
        (spans.len() >= count).then_some(spans)
    })
}

/// The one span of this service and kind.
#[track_caller]
fn the<'s>(spans: &'s [Span], service: &str, kind: &str) -> &'s Span {
    let mut found = spans
        .iter()
        .filter(|span| span.service == service && span.kind == kind);
    match (found.next(), found.next()) {
        (Some(span), None) => span,
        _ => panic!("not one {kind} span of {service}: {spans:#?}"),
    }
}

/// The three spans of one request, of which each causes the next: the gateway's, its call,
/// and the service's.
#[track_caller]
fn chain<'s>(spans: &'s [Span], gateway: &str, service: &str) -> [&'s Span; 3] {
    let asked = the(spans, gateway, "SERVER");
    let called = the(spans, gateway, "CLIENT");
    let served = the(spans, service, "SERVER");
    assert_eq!(called.parent, asked.span_id, "{spans:#?}");
    assert_eq!(served.parent, called.span_id, "{spans:#?}");
    [asked, called, served]
}

/// The value of a metric with these labels, of a role.
#[track_caller]
fn metric(process: &Process, series: &str) -> f64 {
    Metrics::of(process).get(series).unwrap_or(0.0)
}

/// The value as a text, without quotes.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
