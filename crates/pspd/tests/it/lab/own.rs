//! A user's own service, measured with one command: over HTTP, and over gRPC
//! described by reflection, by a `.proto` file or by nothing that exists.

use contract::Role;
use serde_json::Value;
use testkit::Process;

use super::{PSPD, lab, run_json};

const CALL: &str = "pspd.ServiceB/StreamNumbers {\"count\": 5, \"delay_ms\": 2}";
const PROTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/services.proto");

/// The only block of a run with one repetition.
fn block(options: &[&str]) -> Value {
    let out = tempfile::tempdir().expect("a folder");
    let options = [&["--users", "2", "--repetitions", "1"], options].concat();
    let ended = lab(out.path(), &options).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    run_json(out.path())["blocks"][0].clone()
}

#[test]
fn an_http_service_with_a_request_that_differs_each_time() {
    let service = Process::start(PSPD, Role::ARest, &[]);
    let against = format!("mine=http://{},a:{}", service.address(), service.pid());
    let request = "GET /a/hello?name=user-{{user}}-{{iteration}}";
    let block = block(&["--against", &against, "--request", request]);
    assert_eq!(block["routes"][0]["route"], "hello");
    assert_eq!(block["failures"]["total"], 0);
    assert!(block["completed"].as_u64() > Some(10), "{block}");
}

#[test]
fn a_grpc_service_that_describes_itself() {
    let service = Process::start(PSPD, Role::B, &[]);
    let against = format!("mine=grpc://{},b:{}", service.address(), service.pid());
    check_stream(&block(&["--against", &against, "--call", CALL]));
}

#[test]
fn a_grpc_service_described_by_a_file_over_shared_connections() {
    let service = Process::start(PSPD, Role::B, &[]);
    let against = format!("mine=grpc://{}", service.address());
    let shared = [
        "--against",
        &against,
        "--call",
        CALL,
        "--proto",
        PROTO,
        "--connections",
        "1",
    ];
    check_stream(&block(&shared));
}

fn check_stream(block: &Value) {
    let route = &block["routes"][0];
    assert_eq!(block["failures"]["total"], 0, "{block}");
    let count = |of: &Value| of["count"].as_u64().expect("a count");
    let streams = count(&route["latency"]);
    assert!(streams > 0, "{block}");
    assert_eq!(count(&route["stream"]["first_message"]), streams);
    assert_eq!(count(&route["stream"]["gap"]), 4 * streams);
    let gap = route["stream"]["gap"]["p50_ms"].as_f64();
    assert!(gap > Some(1.0), "messages are 2 ms apart: {gap:?}");
}

#[test]
fn a_call_that_the_service_does_not_have_is_refused_before_any_load() {
    let service = Process::start(PSPD, Role::A, &[]);
    let against = format!("mine=grpc://{}", service.address());
    for (call, expected) in [
        ("pspd.ServiceA/SayHelo", "SayHello"),
        ("pspd.ServiceA/SayHello {\"nam\": 1}", "name"),
        (
            "pspd.ServiceA/SayHello {\"name\": \"{{nobody}}\"}",
            "nobody",
        ),
    ] {
        let out = tempfile::tempdir().expect("a folder");
        let ended = lab(out.path(), &["--against", &against, "--call", call]).finish();
        assert_eq!(ended.code(), Some(64), "{}", ended.err);
        assert!(ended.err.contains(expected), "{expected}: {}", ended.err);
        let written = std::fs::read_dir(out.path()).expect("there").count();
        assert_eq!(written, 0);
    }
}
