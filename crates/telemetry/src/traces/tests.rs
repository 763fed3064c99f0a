use http::{HeaderValue, Request};
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_sdk::trace::{Sampler, SpanData};
use tokio::sync::mpsc;

use super::*;
use crate::{Gathered, Limits, Rpc, RpcId, RpcType, Source as _, Telemetry, Value, Worker, table};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn telemetry(ratio: f64, follow: Follow) -> (Telemetry, mpsc::Receiver<SpanData>) {
    let (queue, spans) = Queue::with_room_for(8);
    let limits = Limits {
        is_on: true,
        series_max: 100,
    };
    let telemetry = Telemetry::new("gateway", "1", limits);
    telemetry.trace(Traces::of(Inner {
        sampling: Sampling::new(ratio, follow),
        queue: Arc::new(queue),
        scheme: Scheme::Https,
    }));
    (telemetry, spans)
}

fn head(traceparent: Option<&str>) -> http::request::Parts {
    let mut request = Request::get("/b/numbers?count=secret")
        .body(())
        .expect("a request");
    let headers = request.headers_mut();
    if let Some(value) = traceparent {
        headers.insert(TRACEPARENT, HeaderValue::from_str(value).expect("text"));
        headers.insert(TRACESTATE, HeaderValue::from_static("vendor=1"));
    }
    request.into_parts().0
}

fn served(asked: Asked, status: u16) -> Served {
    Served {
        asked,
        status: Some(status),
        client: [127, 0, 0, 1].into(),
        broke: false,
        aborted: false,
    }
}

/// The span of one request for a route.
fn recorded(worker: &Worker, trace: &mut Trace, asked: Asked, status: u16) {
    worker.served(trace, &served(asked, status));
}

fn text(span: &SpanData, key: &str) -> Option<String> {
    let attribute = span
        .attributes
        .iter()
        .find(|attribute| attribute.key.as_str() == key);
    attribute.map(|attribute| attribute.value.to_string())
}

fn next(spans: &mut mpsc::Receiver<SpanData>) -> SpanData {
    spans.try_recv().expect("a span")
}

#[test]
fn a_request_and_its_call_are_spans_of_the_callers_trace() {
    let (telemetry, mut spans) = telemetry(0.0, Follow::Decision);
    let worker = telemetry.worker();
    let head = head(Some(PARENT));
    let mut trace = worker.traces().begin((&head).into());
    let rpc = telemetry.rpc(Rpc {
        rpc_type: RpcType::Unary,
        service: "pspd.ServiceB".to_owned(),
        method: "StreamNumbers".to_owned(),
        upstream: "B".to_owned(),
    });
    let client = worker.traces().call(trace.context(), 1).expect("sampled");
    client.messages().received(3);
    worker.called(&client, Called::Rpc(rpc, 14), "[::1]:50052");
    let route = telemetry.route("/b/numbers");
    recorded(&worker, &mut trace, Asked::Route(route), 502);

    let (called, asked) = (next(&mut spans), next(&mut spans));
    assert_eq!(asked.name, "GET /b/numbers");
    assert_eq!(asked.span_kind, SpanKind::Server);
    assert_eq!(asked.parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(asked.parent_span_is_remote);
    assert_eq!(asked.span_context.trace_state().header(), "vendor=1");
    assert_eq!(asked.status, Status::error(""));
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/b/numbers"),
        ("url.path", "/b/numbers"),
        ("http.response.status_code", "502"),
        ("error.type", "502"),
        ("client.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
    ] {
        assert_eq!(text(&asked, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(called.name, "pspd.ServiceB/StreamNumbers");
    assert_eq!(called.span_kind, SpanKind::Client);
    assert_eq!(called.parent_span_id, asked.span_context.span_id());
    assert_eq!(
        called.span_context,
        client.context().exported(Default::default())
    );
    for (key, value) in [
        ("rpc.system", "grpc"),
        ("rpc.grpc.status_code", "14"),
        ("error.type", "UNAVAILABLE"),
        ("http.request.resend_count", "1"),
        ("server.address", "::1"),
        ("server.port", "50052"),
        ("pspd.messages.received", "3"),
    ] {
        assert_eq!(text(&called, key).as_deref(), Some(value), "{key}");
    }
    for span in [called, asked] {
        let trace_id = span.span_context.trace_id().to_string();
        assert_eq!(trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert!(!format!("{span:?}").contains("secret"), "{span:?}");
    }
}

/// Whether a request with this header is recorded, and in whose trace.
fn check_follow(ratio: f64, follow: Follow, header: Option<&str>, expected: (bool, bool)) {
    let (telemetry, mut spans) = telemetry(ratio, follow);
    let worker = telemetry.worker();
    let head = head(header);
    let mut trace = worker.traces().begin((&head).into());
    let context = trace.context().expect("traces are on");
    assert_eq!(trace.is_recorded(), context.is_sampled());
    let is_callers = context.trace_id().to_string() == "0af7651916cd43dd8448eb211c80319c";
    let got = (trace.is_recorded(), is_callers);
    assert_eq!(got, expected, "{ratio} {follow:?} {header:?}");
    let unsampled = !trace.is_recorded();
    assert_eq!(
        worker.traces().call(trace.context(), 0).is_none(),
        unsampled
    );
    recorded(
        &worker,
        &mut trace,
        Asked::Route(crate::Route::UNMATCHED),
        404,
    );
    let span = spans.try_recv().ok();
    assert_eq!(span.is_some(), got.0);
    if let Some(span) = span {
        assert_eq!(span.name, "GET");
        assert_eq!(span.parent_span_id != SpanId::INVALID, is_callers);
        let is_linked = follow == Follow::Nothing && header.is_some();
        assert_eq!(span.links.len(), usize::from(is_linked));
    }
}

#[test]
fn who_decides() {
    let unsampled = PARENT.replace("-01", "-00");
    let (yes, no) = (Some(PARENT), Some(unsampled.as_str()));
    use Follow::{Decision, Nothing, Trace};
    for (ratio, follow, header, expected) in [
        (0.0, Decision, None, (false, false)),
        (1.0, Decision, None, (true, false)),
        (0.0, Decision, yes, (true, true)),
        (1.0, Decision, no, (false, true)),
        (1.0, Decision, Some("nonsense"), (true, false)),
        (0.0, Trace, yes, (false, true)),
        (1.0, Trace, no, (true, true)),
        (0.0, Nothing, yes, (false, false)),
        (1.0, Nothing, no, (true, false)),
    ] {
        check_follow(ratio, follow, header, expected);
    }
}

#[test]
fn the_same_traces_are_chosen_as_opentelemetry_chooses() {
    use opentelemetry_sdk::trace::{SamplingDecision::RecordAndSample, ShouldSample as _};
    for ratio in [0.0, 0.01, 0.25, 0.5, 0.999, 1.0] {
        let sampling = Sampling::new(ratio, Follow::Decision);
        let theirs = Sampler::TraceIdRatioBased(ratio);
        for _ in 0..500 {
            let context = Context::random();
            let id = context.trace_id();
            let sampled = theirs.should_sample(None, id, "", &SpanKind::Server, &[], &[]);
            let chosen = sampled.decision == RecordAndSample;
            assert_eq!(sampling.chooses(&context), chosen, "{id} {ratio}");
        }
    }
}

#[test]
fn with_traces_off_there_is_nothing() {
    let telemetry = Telemetry::off();
    let worker = telemetry.worker();
    let head = head(Some(PARENT));
    let trace = worker.traces().begin((&head).into());
    assert_eq!(trace.context(), None);
    assert!(!trace.is_recorded());
    let seen = Trace::of_caller(&head.headers);
    assert_eq!(seen.context(), None);
    let expected = ("0af7651916cd43dd8448eb211c80319c".to_owned(), None);
    assert_eq!(seen.ids(), Some(expected));
    assert!(
        worker
            .traces()
            .call(Context::in_headers(&head.headers), 0)
            .is_none()
    );
}

/// The span of a call by its own path that ended with this status.
fn check_call(code: u32, error: Option<&str>) {
    let (telemetry, mut spans) = telemetry(1.0, Follow::Decision);
    let worker = telemetry.worker();
    let head = head(None);
    let mut trace = worker.traces().begin((&head).into());
    let asked = Asked::Call {
        rpc: RpcId::UNMATCHED,
        system: RpcSystem::Connect,
        code,
    };
    recorded(&worker, &mut trace, asked, 200);
    let span = next(&mut spans);
    assert_eq!(span.name, "_OTHER");
    assert_eq!(text(&span, "rpc.system").as_deref(), Some("connect_rpc"));
    assert_eq!(text(&span, "error.type").as_deref(), error, "{code}");
    assert_eq!(span.status == Status::Unset, error.is_none());
}

#[test]
fn what_a_client_does_wrong_is_no_error_of_the_server() {
    check_call(0, None);
    check_call(3, None);
    check_call(1, None);
    check_call(13, Some("INTERNAL"));
    check_call(14, Some("UNAVAILABLE"));
}

#[test]
fn spans_without_room_are_dropped_and_counted() {
    let (telemetry, spans) = telemetry(1.0, Follow::Decision);
    let worker = telemetry.worker();
    let head = head(None);
    for _ in 0..11 {
        let mut trace = worker.traces().begin((&head).into());
        recorded(
            &worker,
            &mut trace,
            Asked::Route(crate::Route::UNMATCHED),
            404,
        );
    }
    assert_eq!(spans.len(), 8);
    let mut gathered = Gathered::default();
    worker
        .traces()
        .queue()
        .expect("they are on")
        .tell(&mut gathered);
    let dropped = gathered
        .series(&table::SPANS)
        .find(|(labels, _)| labels[0] == "dropped");
    assert_eq!(dropped.map(|(_, value)| value), Some(&Value::Number(3.0)));
}
