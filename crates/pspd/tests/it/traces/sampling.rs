//! Which requests are recorded, what services are told of those that are not, and every
//! attempt at a call as a span of its own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use contract::Role;
use serde_json::json;
use tempfile::TempDir;
use testkit::{
    Process,
    backend::{self, Backend, Received, Reply},
    collector::Collector,
    http,
};

use super::{CALLER, TRACE_ID, TRACEPARENT, TRACESTATE, UNSAMPLED, flags, spans, start};

/// A gateway with a backend that says what it was told.
struct Told {
    collector: Collector,
    gateway: Process,
    backend: Backend,
    _folder: TempDir,
}

impl Told {
    #[track_caller]
    fn start(keys: &str, more: &[&str]) -> Told {
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/general");
        let proto = std::path::Path::new(data).join("library.proto");
        let backend = Backend::start(backend::compile(std::slice::from_ref(&proto)));
        let text = format!(
            "[[gateway.upstreams]]\nname = \"backend\"\naddress = \"{}\"\nprotos = [{proto:?}]\n\
             {keys}\n",
            backend.address()
        );
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pspd.toml");
        std::fs::write(&path, text).expect("written");
        let collector = Collector::start();
        let mut all = flags(&collector, "grpc");
        all.extend(["--config".to_owned(), path.display().to_string()]);
        all.extend(more.iter().map(|flag| (*flag).to_owned()));
        Told {
            gateway: start(Role::Gateway, &all),
            collector,
            backend,
            _folder: folder,
        }
    }

    /// What the service is told with a request that has these headers.
    #[track_caller]
    fn told(&self, headers: &[(&str, &str)]) -> Vec<Received> {
        let address = self.gateway.address();
        let answer = http::request(address, "GET", "/v1/shelves/7", headers, b"");
        assert_eq!(answer.expect("an answer").status(), 200);
        self.backend.take_received()
    }
}

/// Trace, span and flags of what a service was told.
#[track_caller]
fn parts(received: &Received) -> [String; 3] {
    let told = received.metadata("traceparent").expect("a trace context");
    let parts: Vec<_> = told.split('-').map(ToOwned::to_owned).collect();
    let [version, trace_id, span_id, flags] = parts.try_into().expect("four parts");
    assert_eq!(version, "00");
    [trace_id, span_id, flags]
}

/// The three parts that a service is told for a request with these headers.
#[track_caller]
fn check_told(more: &[&str], headers: &[(&str, &str)], is_callers: bool, flags: &str) {
    let told = Told::start("", more);
    let received = told.told(headers);
    let [trace_id, span_id, told_flags] = parts(&received[0]);
    assert_eq!(trace_id == TRACE_ID, is_callers, "{more:?} {headers:?}");
    assert_eq!(told_flags, flags, "{more:?} {headers:?}");
    assert_ne!(span_id, CALLER);
    let state = received[0].metadata("tracestate");
    let has_state = headers.contains(&TRACESTATE);
    assert_eq!(
        state.is_some(),
        is_callers && has_state,
        "{more:?} {headers:?}"
    );
    if flags == "01" {
        let spans = spans(&told.collector, &trace_id, 2);
        let called = super::the(&spans, "pspd-gateway", "CLIENT");
        assert_eq!(called.span_id, span_id);
        let asked = super::the(&spans, "pspd-gateway", "SERVER");
        let is_linked = headers.contains(&TRACEPARENT) && !is_callers;
        let link = is_linked.then(|| TRACE_ID.to_owned());
        assert_eq!(asked.links, Vec::from_iter(link));
        return;
    }
    // Everything has been sent once the gateway has stopped.
    let Told {
        mut gateway,
        collector,
        ..
    } = told;
    gateway.stop(testkit::IN_TIME);
    assert_eq!(collector.spans(), []);
}

#[test]
fn a_ratio_decides_where_nobody_has() {
    check_told(&["--traces-sample", "0"], &[], false, "00");
    check_told(&["--traces-sample", "1"], &[], false, "01");
    check_told(&[], &[("traceparent", "nonsense"), TRACESTATE], false, "01");
}

#[test]
fn a_caller_is_obeyed() {
    let none = ["--traces-sample", "0"];
    check_told(&none, &[TRACEPARENT, TRACESTATE], true, "01");
    check_told(&[], &[UNSAMPLED, TRACESTATE], true, "00");
}

#[test]
fn or_joined_or_ignored() {
    let join = ["--traces-caller", "join", "--traces-sample", "0"];
    check_told(&join, &[TRACEPARENT, TRACESTATE], true, "00");
    let join = ["--traces-caller", "join"];
    check_told(&join, &[UNSAMPLED], true, "01");
    let ignore = ["--traces-caller", "ignore"];
    check_told(&ignore, &[TRACEPARENT, TRACESTATE], false, "01");
}

#[test]
fn every_attempt_is_a_span() {
    let retry = "retry = { attempts = 3, back-off = \"1ms\", methods = [\"*\"] }";
    let told = Told::start(retry, &[]);
    let shelf = told.backend.message("library.v1.Shelf", json!({}));
    let times = Arc::new(AtomicUsize::new(0));
    told.backend
        .answer("library.v1.Library.GetShelf", move |_| {
            match times.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => Reply::status(14, "not now"),
                _ => Reply::message(shelf.clone()),
            }
        });
    let received = told.told(&[TRACEPARENT]);
    assert_eq!(received.len(), 3);
    let spans = spans(&told.collector, TRACE_ID, 4);
    let asked = super::the(&spans, "pspd-gateway", "SERVER");
    assert!(!asked.is_error);
    for (received, resent) in received.iter().zip(["", "1", "2"]) {
        let [_, span_id, _] = parts(received);
        let attempt = spans.iter().find(|span| span.span_id == span_id);
        let attempt = attempt.expect("the attempt's span");
        assert_eq!((attempt.kind, &attempt.parent), ("CLIENT", &asked.span_id));
        assert_eq!(attempt.attribute("http.request.resend_count"), resent);
        let code = if resent == "2" { "0" } else { "14" };
        assert_eq!(attempt.attribute("rpc.grpc.status_code"), code);
        assert_eq!(attempt.is_error, code != "0");
    }
}

#[test]
fn so_is_a_hedge() {
    let hedge = "hedge = { attempts = 2, after = \"10ms\", methods = [\"*\"] }";
    let told = Told::start(hedge, &[]);
    let shelf = told.backend.message("library.v1.Shelf", json!({}));
    let times = Arc::new(AtomicUsize::new(0));
    told.backend
        .answer("library.v1.Library.GetShelf", move |_| {
            let reply = Reply::message(shelf.clone());
            match times.fetch_add(1, Ordering::Relaxed) {
                0 => reply.after(testkit::IN_TIME),
                _ => reply,
            }
        });
    assert_eq!(told.told(&[TRACEPARENT]).len(), 2);
    let spans = spans(&told.collector, TRACE_ID, 3);
    let resent = spans
        .iter()
        .filter(|span| span.kind == "CLIENT")
        .map(|span| {
            (
                span.attribute("http.request.resend_count"),
                span.attribute("error.type"),
            )
        });
    let mut resent: Vec<_> = resent.collect();
    resent.sort_unstable();
    assert_eq!(resent, [("", "CANCELLED"), ("1", "")]);
}
