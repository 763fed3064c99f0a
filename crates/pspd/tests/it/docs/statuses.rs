//! The page's tables of statuses, and what the gateway answers.

use contract::Role;
use serde_json::Value;
use testkit::{
    Process,
    backend::{Backend, End, Received, Reply, Status},
    http::{self, Connection, Response},
};

use super::{Files, PSPD, rows, spans};

/// By their numbers, from 1.
const NAMES: [&str; 16] = [
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The number of the status in a cell.
#[track_caller]
fn number(cell: &str) -> u32 {
    let name = spans(cell).next().expect("a name");
    let known = (1..).zip(NAMES).find(|(_, known)| *known == name);
    known.unwrap_or_else(|| panic!("{name} is no status")).0
}

fn http_status(cell: &str) -> u16 {
    cell.parse().expect("a number")
}

/// A gateway before a library that does what the shelf's name asks for.
fn start(args: &[&str]) -> (Process, Backend) {
    let files = Files::write();
    let backend = Backend::start(files.pool.clone());
    backend.answer("library.v1.Library.GetShelf", |call: &Received| {
        let name = call.json()["name"].as_str().unwrap_or_default().to_owned();
        let end = match name.trim_start_matches("shelves/") {
            "torn" => End::NoStatus,
            "silent" => End::Silence,
            code => End::Status(Status::new(code.parse().unwrap_or_default(), "so")),
        };
        Reply::steps([]).ending(end)
    });
    let address = backend.address().to_string();
    let args = [&["--upstream", &address], args].concat();
    (Process::start(PSPD, Role::Gateway, &args), backend)
}

fn code(answer: &Response) -> Option<u64> {
    answer.json()["code"].as_u64()
}

#[test]
fn a_services_status_becomes_the_one_told() {
    let (gateway, _backend) = start(&[]);
    let mut told = Vec::new();
    for row in rows("Errors", "gRPC status") {
        for (name, status) in [(row[0], row[1]), (row[3], row[4])] {
            let (number, expected) = (number(name), http_status(status));
            let target = format!("/v1/shelves/{number}");
            let answer = http::get(gateway.address(), &target).expect("an answer");
            assert_eq!(answer.status(), expected, "{name}: {}", answer.text());
            assert_eq!(code(&answer), Some(number.into()), "{name}");
            told.push(number);
        }
    }
    told.sort_unstable();
    assert!(told.iter().copied().eq(1..=16), "{told:?}");
}

#[test]
fn what_the_gateway_says_itself_is_the_one_told() {
    let limits = [
        ["--call-timeout", "500ms"],
        ["--body-bytes-max", "20"],
        ["--header-bytes-max", "500"],
        ["--cors", "https://a.example"],
    ];
    let (gateway, backend) = start(limits.as_flattened());
    let ask = |method: &str, target: &str, headers: &[(&str, &str)], body: &str| {
        let answer = http::request(gateway.address(), method, target, headers, body.as_bytes());
        answer.expect("an answer")
    };
    let rename = "/library.v1.Library/RenameShelf";
    let slow = || {
        let mut connection = Connection::open(gateway.address()).expect("connected");
        let head = format!("POST {rename} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
        connection.send(head.as_bytes()).expect("sent");
        connection.read_response("POST").expect("an answer")
    };
    let socket = |version, origin| {
        let headers = [
            ("Connection", "upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", version),
            ("Origin", origin),
        ];
        ask("GET", "/v1/shelves/7", &headers, "")
    };
    let long = "x".repeat(600);
    let mut answers = vec![
        ask("GET", "/v1/shelves/7?nothing=1", &[], ""),
        ask("GET", "/nowhere", &[], ""),
        ask("POST", "/v1/shelves/7", &[], ""),
        slow(),
        socket("13", "https://b.example"),
        socket("8", "https://a.example"),
        ask("POST", rename, &[], r#"{"title": "far too long"}"#),
        ask("POST", rename, &[("Content-Type", "text/plain")], "{}"),
        ask("GET", "/v1/shelves/7", &[("Long", &long)], ""),
        ask("GET", "/v1/shelves/torn", &[], ""),
        ask("GET", "/v1/shelves/silent", &[], ""),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys.json");
    let secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
    let set = serde_json::json!({"keys": [{"kty": "oct", "k": secret}]});
    std::fs::write(&keys, set.to_string()).expect("written");
    let keys = keys.to_str().expect("a plain path");
    let upstream = backend.address().to_string();
    for guard in [["--jwt-keys", keys], ["--client-rate", "1/h"]] {
        let args = [["--upstream", &upstream], guard];
        let guarded = Process::start(PSPD, Role::Gateway, args.as_flattened());
        let ask = || http::get(guarded.address(), "/v1/shelves/7").expect("an answer");
        ask();
        answers.push(ask());
    }
    drop(backend);
    answers.push(ask("GET", "/v1/shelves/7", &[], ""));

    let mut got: Vec<_> = answers
        .iter()
        .map(|answer| (answer.status(), code(answer).unwrap_or_default()))
        .collect();
    got.sort_unstable();
    let told: Vec<_> = rows("Errors", "what went wrong")
        .iter()
        .map(|row| (http_status(row[1]), u64::from(number(row[2]))))
        .collect();
    assert_eq!(got, told);

    for answer in &answers {
        let details = answer.json()["details"].clone();
        let last = details.as_array().and_then(|all| all.last()).cloned();
        let kind = last.unwrap_or(Value::Null)["@type"].clone();
        assert_eq!(kind, "type.googleapis.com/google.rpc.RequestInfo");
    }
}
