//! HTTP methods that are not the rule's: `HEAD`, `OPTIONS`, others; and what a
//! browser asks before it calls from another origin.

use serde_json::json;

use super::{Library, error};

const ORIGIN: (&str, &str) = ("Origin", "https://shop.example");

#[test]
fn head_is_get_without_a_body() {
    let library = Library::start();
    let get = library.get("/v1/shelves/7");
    let head = library.request("HEAD", "/v1/shelves/7", &[], "");
    assert_eq!(head.status(), 200);
    assert_eq!(head.body, b"");
    for name in ["content-type", "content-length"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    let called: Vec<_> = library
        .backend
        .received()
        .iter()
        .map(|call| call.json())
        .collect();
    assert_eq!(
        called,
        [json!({"name": "shelves/7"}), json!({"name": "shelves/7"})]
    );
}

#[test]
fn head_of_a_stream_ends_its_call() {
    let library = Library::start_with("", &["--keep-alive", "50ms"]);
    library.answer("WatchShelf", |_| {
        testkit::backend::Reply::steps([testkit::backend::Step::Head])
            .ending(testkit::backend::End::Silence)
    });
    let headers = [("Accept", "text/event-stream"), ("Connection", "close")];
    let mut connection = testkit::http::Connection::open(library.address()).expect("connected");
    let sent = connection.send_request("HEAD", "/v1/shelves/7:watch", &headers, b"");
    sent.expect("sent");
    let head = connection.read_response("HEAD").expect("a head");
    assert_eq!(head.status(), 200);
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    library.cancelled("WatchShelf");
}

#[test]
fn another_method_is_refused_and_the_right_ones_named() {
    let library = Library::start();
    let check = |verb: &str, path: &str, allowed: &str| {
        let answer = library.request(verb, path, &[], "");
        let body = error(&answer, 405);
        assert_eq!(answer.header("allow"), Some(allowed), "{verb} {path}");
        assert_eq!(body["code"], 12, "{body}");
        let message = body["message"].as_str().expect("a text");
        assert!(
            message.starts_with(&format!("{verb} is not served here")),
            "{message}"
        );
    };
    check("POST", "/v1/shelves/7", "GET, HEAD, PUT, OPTIONS");
    check("GET", "/v1/books", "POST, OPTIONS");
    check("GET", "/v1/stock", "REPORT, OPTIONS");
    check(
        "PUT",
        "/v1/shelves/1/books/2",
        "DELETE, GET, HEAD, PATCH, OPTIONS",
    );
    check("GET", "/desk.v1.Desk/Ask", "POST, OPTIONS");
    check("POST", "/healthz", "GET, HEAD, OPTIONS");
    let head = library.request("HEAD", "/v1/books", &[], "");
    assert_eq!((head.status(), head.body.len()), (405, 0));
    assert_eq!(head.header("allow"), Some("POST, OPTIONS"));
    assert_eq!(library.backend.received().len(), 0);
}

#[test]
fn options_names_the_methods_of_a_path() {
    let library = Library::start();
    let check = |path: &str, allowed: &str| {
        let answer = library.request("OPTIONS", path, &[], "");
        assert_eq!(answer.status(), 204, "{path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    };
    check("/v1/shelves/7", "GET, HEAD, PUT, OPTIONS");
    check("/v1/books:search", "POST, OPTIONS");
    check("/v1/loans/1:cancel", "POST, OPTIONS");
    assert_eq!(library.backend.received().len(), 0);
}

#[test]
fn a_browser_may_post_from_another_origin() {
    let library = Library::start_with("", &["--cors", "https://shop.example"]);
    let preflight = |path: &str, verb: &str, origin: (&str, &str)| {
        let headers = [
            origin,
            ("Access-Control-Request-Method", verb),
            (
                "Access-Control-Request-Headers",
                "content-type, authorization",
            ),
        ];
        library.request("OPTIONS", path, &headers, "")
    };
    for (path, verb, allowed) in [
        ("/v1/books", "POST", "POST, OPTIONS"),
        (
            "/v1/shelves/1/books/2",
            "PATCH",
            "DELETE, GET, HEAD, PATCH, OPTIONS",
        ),
        // GET is for clients of Connect.
        ("/desk.v1.Desk/Ask", "POST", "GET, POST, OPTIONS"),
    ] {
        let answer = preflight(path, verb, ORIGIN);
        assert_eq!(answer.status(), 204);
        let header = |name| answer.header(name);
        assert_eq!(header("access-control-allow-origin"), Some(ORIGIN.1));
        assert_eq!(
            header("access-control-allow-methods"),
            Some(allowed),
            "{path}"
        );
        let names = header("access-control-allow-headers");
        assert_eq!(names, Some("content-type, authorization"));
    }
    // A service may have OPTIONS of its own, but a browser's question is ours.
    let answer = preflight("/v1/options", "OPTIONS", ORIGIN);
    assert_eq!(answer.status(), 204);
    let stranger = preflight("/v1/books", "POST", ("Origin", "https://else.example"));
    assert_eq!(stranger.header("access-control-allow-origin"), None);
    assert_eq!(library.backend.received().len(), 0);

    let answer = library.request("POST", "/v1/books", &[ORIGIN], "{}");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN.1));
    let refused = library.request("POST", "/v1/books", &[ORIGIN], "{");
    assert_eq!(refused.status(), 400);
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some(ORIGIN.1)
    );
}
