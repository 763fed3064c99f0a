//! A user's own service, measured with one command: over HTTP, and over gRPC
//! described by reflection, by a `.proto` file or by nothing that exists; with
//! streams of requests.

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

const CALLS: &str = r#"
    repetitions = 1
    duration = "2s"
    warm-up = "200ms"
    [load]
    users = [4]
    [[targets]]
    name = "mine"
    url = "grpc://ADDRESS"
    [[requests]]
    name = "summary"
    grpc = "pspd.Statistics/Summarize"
    body = '{"value": {{message}}}'
    messages = 200
    [[requests]]
    name = "paced"
    grpc = "pspd.Echo/Converse"
    body = '{"text": "message {{message}}"}'
    messages = 5
    every = "2ms"
    [[requests]]
    name = "in-turn"
    grpc = "pspd.Echo/Converse"
    body = '{"text": "message {{message}}"}'
    messages = 10
"#;

#[test]
fn calls_that_take_a_stream() {
    let service = Process::start(PSPD, Role::B, &[]);
    let out = tempfile::tempdir().expect("a folder");
    let file = out.path().join("calls.toml");
    let calls = CALLS.replace("ADDRESS", &service.address().to_string());
    std::fs::write(&file, calls).expect("written");
    let results = out.path().join("results");
    let ended = lab(&results, &[file.to_str().expect("UTF-8")]).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    let block = run_json(&results)["blocks"][0].clone();
    assert_eq!(block["failures"]["total"], 0, "{block}");
    let count = |of: &Value| of["count"].as_u64().expect("a count");
    let [summary, paced, in_turn] = [0, 1, 2].map(|route| block["routes"][route].clone());
    let sent = |route: &Value| route["messages"]["sent_per_second"].as_f64();
    assert!(sent(&summary) >= Some(100.0), "{summary}");
    assert_eq!(summary["messages"]["received_per_second"], Value::Null);
    assert_eq!(summary["messages"]["round_trip"], Value::Null);
    assert_eq!(summary["stream"], Value::Null, "its answer is one message");
    for (route, messages) in [(&paced, 5), (&in_turn, 10)] {
        let calls = count(&route["latency"]);
        assert!(calls > 0, "{block}");
        assert_eq!(count(&route["messages"]["round_trip"]), messages * calls);
        assert_eq!(count(&route["stream"]["first_message"]), calls);
        assert!(route["messages"]["received_per_second"].as_f64() > Some(0.0));
    }
    // The last message is due 8 ms after the first.
    assert!(paced["latency"]["p50_ms"].as_f64() > Some(8.0), "{paced}");
    for part in ["Streams: messages a second", "trip p50"] {
        assert!(ended.out.contains(part), "{part}: {}", ended.out);
    }
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
