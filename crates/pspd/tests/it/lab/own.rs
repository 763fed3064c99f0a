//! A user's own service, measured with one command: over HTTP, and over gRPC
//! described by reflection, by a `.proto` file or by nothing that exists; with
//! streams of requests.

use std::path::Path;

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
    assert!(block["completed"].as_u64() > Some(0), "{block}");
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
    // Most of them; a busy machine may read several at once.
    let gap = route["stream"]["gap"]["max_ms"].as_f64();
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
    let file = calls(out.path(), &service);
    let results = out.path().join("results");
    let ended = lab(&results, &[&file]).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    let block = run_json(&results)["blocks"][0].clone();
    assert_eq!(block["failures"]["total"], 0, "{block}");
    let count = |of: &Value| of["count"].as_u64().expect("a count");
    let [summary, paced, in_turn] = [0, 1, 2].map(|route| block["routes"][route].clone());
    let sent = |route: &Value| route["messages"]["sent_per_second"].as_f64();
    assert!(sent(&summary) > Some(0.0), "{summary}");
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

/// The calls of [`CALLS`] at the service, in a file of this folder.
fn calls(folder: &Path, service: &Process) -> String {
    let file = folder.join("calls.toml");
    let calls = CALLS.replace("ADDRESS", &service.address().to_string());
    std::fs::write(&file, calls).expect("written");
    file.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_gate_can_be_on_the_round_trips_of_messages() {
    let service = Process::start(PSPD, Role::B, &[]);
    let out = tempfile::tempdir().expect("a folder");
    let file = calls(out.path(), &service);
    let results = out.path().join("results");
    let options = [
        &*file,
        "--fail-if",
        "mine.in-turn.round-trip-p99 > 0us",
        "--fail-if",
        "mine.round-trip-mean < 60s",
        "--fail-if",
        "mine.round-trip-p50 > 60s",
    ];
    let ended = lab(&results, &options).finish();
    assert_eq!(ended.code(), Some(2), "{}", ended.err);
    let failed: Vec<_> = ended
        .err
        .lines()
        .filter_map(|line| line.strip_prefix("failed: "))
        .collect();
    let [of_route, of_any] = failed[..] else {
        unreachable!("{failed:?}");
    };
    let expected = "mine.in-turn.round-trip-p99 > 0us: 4 users, mine has ";
    assert!(of_route.starts_with(expected), "{of_route}");
    assert!(
        of_any.ends_with(" in paced"),
        "the first that has some: {of_any}"
    );
}

/// Whether a method streams both ways is known when it has been described.
#[test]
fn a_gate_on_round_trips_that_a_call_does_not_have_is_refused_before_any_load() {
    let service = Process::start(PSPD, Role::B, &[]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = calls(folder.path(), &service);
    let address = format!("mine=grpc://{}", service.address());
    let of_answers = ["--against", &address, "--call", CALL];
    for (options, gate, of) in [
        (
            &[&*file][..],
            "mine.summary.round-trip-p99 > 5ms",
            "summary of mine",
        ),
        (&of_answers, "mine.round-trip-p99 > 5ms", "mine"),
    ] {
        let out = tempfile::tempdir().expect("a folder");
        let ended = lab(out.path(), &[options, &["--fail-if", gate]].concat()).finish();
        assert_eq!(ended.code(), Some(64), "{}", ended.err);
        let expected = format!("message by message, and {of} makes none");
        assert!(ended.err.contains(&expected), "{}", ended.err);
        let written = std::fs::read_dir(out.path()).expect("there").count();
        assert_eq!(written, 0);
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
