//! Traces beside others' libraries and settings: a client that OpenTelemetry's own SDK
//! for Python traces, and the variables that everybody's collectors come with.

use std::{fs, process::Command};

use contract::Role;
use testkit::{Program, Tool, collector::Collector, http, need, until};

use super::{CALLER, PSPD, TRACE_ID, TRACEPARENT, Traced, chain, spans};

const CLIENT: &str = r"
import sys, urllib.request
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

tracer = TracerProvider().get_tracer('client')
with tracer.start_as_current_span('ask', kind=SpanKind.CLIENT) as span:
    headers = {}
    inject(headers)
    request = urllib.request.Request(sys.argv[1] + '/b/numbers?count=2', headers=headers)
    urllib.request.urlopen(request).read()
    context = span.get_span_context()
    print(f'{context.trace_id:032x} {context.span_id:016x}')
";

#[test]
fn a_client_with_opentelemetrys_own_sdk() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let traced = Traced::start(Role::Gateway, "http", &["--traces-sample", "0"]);
    let url = format!("http://{}", traced.address());
    let told = testkit::run(Command::new(python).args(["-c", CLIENT, &url]));
    let (trace_id, span_id) = told.trim().split_once(' ').expect("two ids");
    let spans = spans(&traced.collector, trace_id, 3);
    let [asked, _, served] = chain(&spans, "pspd-gateway", "pspd-b");
    assert_eq!(asked.parent, span_id);
    assert_eq!(served.name, "pspd.ServiceB/StreamNumbers");
}

/// A role that is told of its collector by nothing but the usual variables.
#[track_caller]
fn check_variables(transport: &str) {
    let collector = Collector::start();
    let folder = tempfile::tempdir().expect("a folder");
    let ready = folder.path().join("ready");
    let path = ready.to_str().expect("a plain path");
    let endpoint = collector.endpoint();
    let variables = [
        ("PSPD_TRACES", transport),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_SERVICE_NAME", "greeter"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test,service.version=mine",
        ),
    ];
    let args = [
        "serve",
        "a-rest",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--admin-port",
        "0",
    ];
    let args = [&args[..], &["--ready-file", path]].concat();
    let role = Program::start_with(PSPD, &args, &variables);
    let told = until("the role listens", || fs::read_to_string(&ready).ok());
    let told: serde_json::Value = told.parse().expect("JSON");
    let address = super::text(&told["address"]).parse().expect("an address");
    let answer = http::request(address, "GET", "/a/hello", &[TRACEPARENT], b"");
    assert_eq!(answer.expect("an answer").status(), 200);
    let spans = spans(&collector, TRACE_ID, 1);
    assert_eq!((&*spans[0].service, &*spans[0].parent), ("greeter", CALLER));
    assert_eq!(spans[0].resource["deployment.environment.name"], "test");
    assert_eq!(spans[0].resource["service.version"], "mine");
    drop(role);
}

#[test]
fn the_usual_variables() {
    check_variables("grpc");
    check_variables("http");
}
