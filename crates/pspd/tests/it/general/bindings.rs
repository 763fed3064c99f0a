//! Which method a request calls, and with what message: every verb, every kind of
//! template, body and binding.

use serde_json::{Value, json};

use super::Library;

/// Sends `line`, `METHOD TARGET`, and compares what the service got.
#[track_caller]
fn check(library: &Library, line: &str, body: &str, rpc: &str, expected: Value) {
    let (verb, target) = line.split_once(' ').expect("METHOD TARGET");
    let answer = library.request(verb, target, &[], body);
    assert_eq!(answer.status(), 200, "{line}: {}", answer.text());
    let received = library.received();
    let name = received.method.trim_start_matches("library.v1.Library.");
    assert_eq!((name, received.json()), (rpc, expected), "{line}");
}

#[test]
fn paths() {
    let library = Library::start();
    let check =
        |target: &str, rpc, expected| check(&library, &format!("GET {target}"), "", rpc, expected);
    check("/v1/shelves/7", "GetShelf", json!({"name": "shelves/7"}));
    check(
        "/v1/shelf-of/Ana",
        "GetShelf",
        json!({"owner": {"name": "Ana"}}),
    );
    check(
        "/v1/numbered/-5/true",
        "GetShelf",
        json!({"number": "-5", "open": true}),
    );
    check(
        "/v1/shelves/1/books/2",
        "GetBook",
        json!({"name": "shelves/1/books/2"}),
    );
    check(
        "/v1/shelves/1/books",
        "ListBooks",
        json!({"parent": "shelves/1"}),
    );
    check("/v1/files/a", "FindFile", json!({"path": "a"}));
    check(
        "/v1/files/a/b/c.txt",
        "FindFile",
        json!({"path": "a/b/c.txt"}),
    );
    check("/v1/any/thing/file", "FindFile", json!({}));
    // In one segment everything is decoded, in several all but the slash.
    check(
        "/v1/shelf-of/a%2Fb%20c",
        "GetShelf",
        json!({"owner": {"name": "a/b c"}}),
    );
    check(
        "/v1/shelves/%C3%A9%2Fb",
        "GetShelf",
        json!({"name": "shelves/é%2Fb"}),
    );
    check(
        "/v1/shelf-of/a+b",
        "GetShelf",
        json!({"owner": {"name": "a+b"}}),
    );
    check(
        "/v1/shelves/7:8",
        "GetShelf",
        json!({"name": "shelves/7:8"}),
    );
}

#[test]
fn bodies() {
    let library = Library::start();
    let check = |line: &str, body: Value, rpc, expected| {
        check(&library, line, &body.to_string(), rpc, expected);
    };
    check(
        "PUT /v1/shelves/7",
        json!({"theme": "sea"}),
        "ReplaceShelf",
        json!({"shelf": {"name": "shelves/7", "theme": "sea"}}),
    );
    // What both set is the path's.
    check(
        "PUT /v1/shelves/7?allow_missing=true",
        json!({"theme": "sea", "name": "shelves/8", "bookCount": "12"}),
        "ReplaceShelf",
        json!({
            "shelf": {"name": "shelves/7", "theme": "sea", "book_count": "12"},
            "allow_missing": true,
        }),
    );
    check(
        "POST /v1/shelves/1/books?book_id=b1",
        json!({"title": "T", "author": {"name": "A"}}),
        "CreateBook",
        json!({
            "parent": "shelves/1",
            "book": {"title": "T", "author": {"name": "A"}},
            "book_id": "b1",
        }),
    );
    check(
        "POST /v1/books",
        json!({"parent": "shelves/2", "book": {"title": "T"}, "bookId": "b2"}),
        "CreateBook",
        json!({"parent": "shelves/2", "book": {"title": "T"}, "book_id": "b2"}),
    );
    check(
        "PATCH /v1/shelves/1/books/2?update_mask=title,pageCount",
        json!({"title": "T", "pageCount": 9}),
        "UpdateBook",
        json!({
            "book": {"name": "shelves/1/books/2", "title": "T", "page_count": 9},
            "update_mask": "title,pageCount",
        }),
    );
    check(
        "POST /v1/shelves/1/books/2/tags",
        json!(["new", "blue"]),
        "TagBook",
        json!({"name": "shelves/1/books/2", "tags": ["new", "blue"]}),
    );
    check(
        "POST /v1/shelves/1/books/2:move",
        json!({"other_shelf": "shelves/9"}),
        "MoveBook",
        json!({"name": "shelves/1/books/2", "other_shelf": "shelves/9"}),
    );
    check(
        "POST /v1/loans/2026/ana/7:cancel",
        json!({"reason": "lost"}),
        "CancelLoan",
        json!({"name": "loans/2026/ana/7", "reason": "lost"}),
    );
}

#[test]
fn every_verb() {
    let library = Library::start();
    let check = |line: &str, rpc, expected| check(&library, line, "", rpc, expected);
    let book = json!({"name": "shelves/1/books/2"});
    check("GET /v1/shelves/1/books/2", "GetBook", book.clone());
    check("DELETE /v1/shelves/1/books/2", "DeleteBook", book);
    check("REPORT /v1/stock?depth=3", "TakeStock", json!({"depth": 3}));
    for verb in ["GET", "PUT", "POST", "PATCH", "DELETE", "BREW"] {
        check(
            &format!("{verb} /v1/mirror/x"),
            "Mirror",
            json!({"path": "x"}),
        );
    }
    check(
        "OPTIONS /v1/options?path=x",
        "Options",
        json!({"path": "x"}),
    );
}

#[test]
fn a_service_without_rules() {
    let library = Library::start();
    check(
        &library,
        "POST /desk.v1.Desk/Ask",
        r#"{"text": "why?", "urgency": 2}"#,
        "desk.v1.Desk.Ask",
        json!({"text": "why?", "urgency": 2}),
    );
    check(
        &library,
        "POST /desk.v1.Desk/Follow",
        "{}",
        "desk.v1.Desk.Follow",
        json!({}),
    );
    check(
        &library,
        "POST /desk.v1.Desk/Chat",
        r#"[{"text": "hello"}]"#,
        "desk.v1.Desk.Chat",
        json!({"text": "hello"}),
    );
}
