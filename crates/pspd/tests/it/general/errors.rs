//! What a service's refusal becomes: the HTTP status, the message, and details of
//! every kind.

use serde_json::{Value, json};
use testkit::backend::{self, End, Reply, Status, compile, message};

use super::{Library, SCHEMA, data, error};

/// A library that refuses with this status.
fn refusing(status: Status) -> Library {
    let library = Library::start();
    library.answer("GetShelf", move |_| {
        Reply::steps([]).ending(End::Status(status.clone()))
    });
    library
}

#[test]
fn every_status() {
    let library = Library::start();
    for (code, status) in [
        (1, 499),
        (2, 500),
        (3, 400),
        (4, 504),
        (5, 404),
        (6, 409),
        (7, 403),
        (8, 429),
        (9, 400),
        (10, 409),
        (11, 400),
        (12, 501),
        (13, 500),
        (14, 503),
        (15, 500),
        (16, 401),
    ] {
        library.answer("GetShelf", move |_| {
            Reply::status(code, "não: 100% \n\"quoted\"")
        });
        let body = error(&library.get("/v1/shelves/7"), status);
        let expected = json!({"code": code, "message": "não: 100% \n\"quoted\"", "details": []});
        assert_eq!(body, expected);
    }
    library.answer("GetShelf", |_| Reply::status(77, ""));
    let body = error(&library.get("/v1/shelves/7"), 500);
    assert_eq!((&body["code"], &body["message"]), (&json!(2), &json!("")));
}

/// A detail of the library's schema, or of those that come with every gateway.
fn detail(name: &str, fields: Value) -> prost_reflect::DynamicMessage {
    message(&SCHEMA, name, fields)
}

#[test]
fn details_come_with_their_types() {
    let google = compile(&[data("details.proto")]);
    let violations = json!({"fieldViolations": [{"field": "shelf", "description": "is full"}]});
    let status = Status::new(3, "no room")
        .with_detail(&message(&google, "google.rpc.BadRequest", violations))
        .with_detail(&message(
            &google,
            "google.rpc.RetryInfo",
            json!({"retryDelay": "1.500s"}),
        ))
        .with_detail(&detail(
            "library.v1.LateFee",
            json!({"book": "b", "cents": "250"}),
        ))
        .with_detail(&detail("google.protobuf.Duration", json!("3s")));
    let body = error(&refusing(status).get("/v1/shelves/7"), 400);
    assert_eq!(body["message"], "no room");
    let expected = json!([
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "shelf", "description": "is full"}],
        },
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.500s"},
        {"@type": "type.googleapis.com/library.v1.LateFee", "book": "b", "cents": "250"},
        {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3s"},
    ]);
    assert_eq!(body["details"], expected);
}

#[test]
fn a_detail_of_an_unknown_type_is_kept_as_bytes() {
    let other = compile(&[data("other.proto")]);
    let secret = message(&other, "other.v1.Secret", json!({"text": "abc"}));
    let status = Status::new(9, "no")
        .with_detail(&secret)
        .with_detail(&detail("library.v1.LateFee", json!({"book": "b"})));
    let body = error(&refusing(status).get("/v1/shelves/7"), 400);
    let expected = json!([
        {"@type": "type.googleapis.com/other.v1.Secret", "value": "CgNhYmM="},
        {"@type": "type.googleapis.com/library.v1.LateFee", "book": "b"},
    ]);
    assert_eq!(body["details"], expected);
}

#[test]
fn details_that_are_broken_do_not_hide_the_status() {
    let library = Library::start();
    for broken in ["!!!", "AAAA", "CgNhYm"] {
        library.answer("GetShelf", move |_| {
            Reply::status(5, "no").with_trailer("grpc-status-details-bin", broken)
        });
        let body = error(&library.get("/v1/shelves/7"), 404);
        assert_eq!(
            body,
            json!({"code": 5, "message": "no", "details": []}),
            "{broken}"
        );
    }
}

#[test]
fn details_of_a_stream() {
    let library = Library::start();
    let status =
        Status::new(8, "too much").with_detail(&detail("library.v1.LateFee", json!({"cents": 1})));
    let end = End::Status(status);
    library.answer("WatchShelf", move |_| {
        let first = super::message("Event", json!({"text": "a"}));
        Reply::message(first).ending(end.clone())
    });
    let headers = [("Accept", "application/x-ndjson")];
    let text = library
        .request("GET", "/v1/shelves/7:watch", &headers, "")
        .text();
    let last: Value = serde_json::from_str(text.lines().last().expect("lines")).expect("JSON");
    let expected = json!({"@type": "type.googleapis.com/library.v1.LateFee", "cents": "1"});
    assert_eq!(last["error"]["details"][0], expected);
}

#[test]
fn a_path_without_a_route() {
    let library = Library::start();
    for path in [
        "/",
        "/v1",
        "/v1/shelves",
        "/v1/shelves/",
        "/v1/shelves/7/",
        "/V1/shelves/7",
        "/v1//shelves/7",
    ] {
        let body = error(&library.get(path), 404);
        assert_eq!(body["code"], 5, "{path}");
        let message = body["message"].as_str().expect("a text");
        assert!(
            message.starts_with(&format!("no route {path}; the routes are ")),
            "{message}"
        );
        assert!(message.contains("GET /v1/{name=shelves/*}, "), "{message}");
    }
}

#[test]
fn a_service_that_is_not_there() {
    let Library {
        gateway,
        backend,
        _folder,
    } = Library::start();
    let address = gateway.address();
    let get = || testkit::http::get(address, "/v1/shelves/7").expect("an answer");
    assert_eq!(get().status(), 200);
    drop(backend);
    let answer = testkit::until("the loss to be noticed", || {
        Some(get()).filter(|answer| answer.status() == 503)
    });
    let body = error(&answer, 503);
    assert_eq!(body["code"], 14);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[test]
fn a_method_that_the_service_has_forgotten() {
    let backend = backend::Backend::start(compile(&[data("notes_before.proto")]));
    let text = super::upstream(backend.address(), &super::protos(&["notes_after.proto"]));
    let (_folder, path) = super::configuration(&text);
    let gateway =
        testkit::Process::start(super::PSPD, contract::Role::Gateway, &["--config", &path]);
    let answer = testkit::http::request(gateway.address(), "PUT", "/v1/notes/a", &[], b"{}");
    let body = error(&answer.expect("an answer"), 501);
    assert_eq!(body["code"], 12);
}
