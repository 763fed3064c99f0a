//! JSON of answers and of request bodies, byte for byte, and the options that
//! change it.

use serde_json::{Value, json};
use testkit::{
    backend::{Reply, json_of},
    http::Response,
};

use super::{Library, error, message, violation};

/// A value in every field, as its JSON has to be.
const FULL: &str = r#"{"aBool":true,"anInt32":-1,"aSint32":-2,"aUint32":3,"anInt64":"-4","aSint64":"-5","aUint64":"6","aFixed32":7,"aSfixed32":-8,"aFixed64":"9","aSfixed64":"-10","aFloat":1.5,"aDouble":-2.25,"aString":"a\"b\\\u0001é","someBytes":"AAH/","colour":"DARK_BLUE","owner":{"name":"Ana","age":30},"maybe":0,"word":"w","numbers":[1,2],"colours":["RED","COLOUR_UNSPECIFIED"],"labels":{"a":1},"names":{"-1":"x"},"when":"2026-05-04T03:02:01.500Z","howLong":"1.250s","mask":"owner.name,anInt32","wrappedText":"","wrappedNumber":"0","wrappedBool":false,"wrappedBytes":"","structure":{"a":[2.5,null,"x"]},"value":null,"list":[true],"any":{"@type":"type.googleapis.com/library.v1.Owner","name":"Bia"},"owners":[{},{"age":1}],"otherName":"r"}"#;

fn posted(library: &Library, body: &str) -> Response {
    library.request("POST", "/v1/kinds", &[], body)
}

#[test]
fn every_kind_there_and_back() {
    let library = Library::start();
    let answer = posted(&library, FULL);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    // What the service got is what was meant, and its echo is what was sent.
    let meant = message("KindsMessage", value(FULL));
    assert_eq!(library.received().json(), json_of(&meant));
    assert_eq!(value(&answer.text()), value(FULL));
    let compact = answer.text();
    assert!(
        compact.starts_with(r#"{"aBool":true,"anInt32":-1,"aSint32":-2,"#),
        "{compact}"
    );
    assert!(!compact.contains(": "), "{compact}");
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn both_names_and_all_spellings() {
    let library = Library::start();
    let check = |body: &str, expected: Value| {
        let answer = posted(&library, body);
        assert_eq!(answer.status(), 200, "{body}: {}", answer.text());
        assert_eq!(library.received().json(), expected, "{body}");
    };
    check(
        r#"{"an_int32": 1, "aSint32": "2", "a_uint32": 3.0}"#,
        json!({"an_int32": 1, "a_sint32": 2, "a_uint32": 3}),
    );
    check(
        r#"{"an_int64": 5, "a_uint64": "18446744073709551615"}"#,
        json!({"an_int64": "5", "a_uint64": "18446744073709551615"}),
    );
    check(r#"{"renamed": "a"}"#, json!({"renamed": "a"}));
    check(
        r#"{"colour": 2, "colours": ["RED", 0]}"#,
        json!({"colour": "DARK_BLUE", "colours": ["RED", "COLOUR_UNSPECIFIED"]}),
    );
    check(r#"{"some_bytes": "-_8"}"#, json!({"some_bytes": "+/8="}));
    check(
        r#"{"a_float": "NaN", "a_double": "-Infinity"}"#,
        json!({"a_float": "NaN", "a_double": "-Infinity"}),
    );
    check(
        r#"{"a_bool": null, "numbers": null, "owner": null}"#,
        json!({}),
    );
    check(
        r#"{"maybe": 0, "count": 0}"#,
        json!({"maybe": 0, "count": 0}),
    );
    check(r#" {"value": null} "#, json!({"value": null}));
}

#[test]
fn a_body_that_does_not_fit_is_explained() {
    let library = Library::start();
    let check = |body: &str, path: &str, said: &[&str]| {
        let error = error(&posted(&library, body), 400);
        assert_eq!(error["code"], 3);
        assert_eq!(violation(&error).0, path, "{body}: {error}");
        let message = error["message"].as_str().expect("a text");
        for part in said {
            assert!(message.contains(part), "{body}: {message}");
        }
    };
    check(r#"{"nosuch": 1}"#, "nosuch", &["line 1", "column"]);
    check(r#"{"owner": {"nmae": "x"}}"#, "owner.nmae", &["name"]);
    check(
        "{\"owners\": [{}, {\n  \"age\": \"old\"}]}",
        "owners[1].age",
        &["line 2", "\"old\"", "-2147483648"],
    );
    check(r#"{"labels": {"a": "x"}}"#, "labels[\"a\"]", &["\"x\""]);
    check(r#"{"aBool": 1}"#, "aBool", &["true or false"]);
    check(r#"{"aUint32": -1}"#, "aUint32", &["-1", "0 to 4294967295"]);
    check(r#"{"anInt32": 1.5}"#, "anInt32", &["1.5"]);
    check(r#"{"colour": "PINK"}"#, "colour", &["PINK"]);
    check(r#"{"when": "now"}"#, "when", &["now"]);
    check(
        r#"{"any": {"@type": "type.googleapis.com/no.Such"}}"#,
        "any.@type",
        &["no.Such"],
    );
    check(r#"{"word": "a", "count": 1}"#, "count", &["word"]);
    check(r#"{"aBool": true, "aBool": true}"#, "aBool", &[]);
    check("[]", "", &["line 1"]);
    check("{", "", &["line 1"]);
    check(r#"{} {}"#, "", &["line 1"]);
    assert_eq!(library.backend.received().len(), 0);
}

#[test]
fn what_the_body_lacks_the_path_of_the_error_has_not() {
    // The body is the field `book`; the path is that of what was sent.
    let library = Library::start();
    let answer = library.request(
        "POST",
        "/v1/shelves/1/books",
        &[],
        r#"{"author": {"age": true}}"#,
    );
    let (field, _) = violation(&error(&answer, 400));
    assert!(field.ends_with("author.age"), "{field}");
}

/// What `[gateway.json]` with this text makes of the library's answers.
fn shelf(options: &str) -> String {
    let library = Library::start_with(&format!("[gateway.json]\n{options}\n"), &[]);
    library.answer("Kinds", |_| {
        Reply::message(message(
            "KindsMessage",
            json!({"colour": "RED", "maybe": 0, "anInt64": "7"}),
        ))
    });
    library.get("/v1/kinds").text()
}

#[test]
fn options_of_answers() {
    let plain = r#"{"anInt64":"7","colour":"RED","maybe":0}"#;
    assert_eq!(shelf(""), plain);
    assert_eq!(
        shelf("defaults = \"omit\"\nnames = \"json\"\nenums = \"names\""),
        plain
    );
    assert_eq!(
        shelf("names = \"original\""),
        r#"{"an_int64":"7","colour":"RED","maybe":0}"#
    );
    assert_eq!(
        shelf("enums = \"numbers\""),
        r#"{"anInt64":"7","colour":1,"maybe":0}"#
    );
    let all = value(&shelf("defaults = \"write\""));
    assert_eq!(all["aBool"], json!(false));
    assert_eq!(all["anInt64"], json!("7"));
    assert_eq!(all["aUint64"], json!("0"));
    assert_eq!(all["numbers"], json!([]));
    assert_eq!(all["labels"], json!({}));
    assert_eq!(all["aString"], json!(""));
    // What knows whether it is set is not there when it is not.
    assert_eq!(all.get("word"), None);
    assert_eq!(all.get("wrappedText"), None);
}

#[test]
fn unknown_members_may_be_ignored() {
    let library = Library::start_with("[gateway.json]\nunknown-fields = \"ignore\"\n", &[]);
    let body = r#"{"nosuch": [{"a": 1}, null], "owner": {"nmae": 1, "age": 3}}"#;
    assert_eq!(posted(&library, body).status(), 200);
    assert_eq!(library.received().json(), json!({"owner": {"age": 3}}));
    // A parameter is another matter.
    error(&library.get("/v1/kinds?nosuch=1"), 400);
}

#[test]
fn unknown_parameters_may_be_ignored() {
    let library = Library::start_with("[gateway.json]\nunknown-query = \"ignore\"\n", &[]);
    let answer = library.get("/v1/kinds?nosuch=1&owner.nmae=x&owner.age=3");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(library.received().json(), json!({"owner": {"age": 3}}));
    let answer = library.request("POST", "/v1/kinds?utm_source=x", &[], "{}");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    error(&posted(&library, r#"{"nosuch": 1}"#), 400);
    error(&library.get("/v1/kinds?an_int32=x"), 400);
}

#[test]
fn one_field_of_the_answer() {
    let library = Library::start();
    let answering = |name, fields: Value| {
        let answer = message("ListBooksResponse", fields);
        library.answer(name, move |_| Reply::message(answer.clone()));
    };
    answering(
        "ListTitles",
        json!({"titles": ["a", "b"], "nextPageToken": "x"}),
    );
    assert_eq!(library.get("/v1/shelves/1/titles").text(), r#"["a","b"]"#);
    answering("ListTitles", json!({}));
    assert_eq!(library.get("/v1/shelves/1/titles").text(), "[]");
    answering("FirstBook", json!({"first": {"title": "a"}}));
    assert_eq!(
        library.get("/v1/shelves/1/first").text(),
        r#"{"title":"a"}"#
    );
    answering("FirstBook", json!({}));
    assert_eq!(library.get("/v1/shelves/1/first").text(), "null");
}
