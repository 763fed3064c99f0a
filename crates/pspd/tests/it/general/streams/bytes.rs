//! Requests that are bytes of any type: `google.api.HttpBody`, whole and in a stream.

use serde_json::{Value, json};

use super::Talks;
use crate::general::error;

const CSV: (&str, &str) = ("Content-Type", "text/csv; header=present");

/// The data of an HttpBody, as its JSON has it.
fn data(content: &Value) -> Vec<u8> {
    use base64::Engine as _;
    let text = content["data"].as_str().unwrap_or_default();
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(text).expect("base64")
}

#[test]
fn a_field_of_a_request() {
    let talks = Talks::start();
    let body = [0, 255, b'"', b'{'];
    let answer = talks.request("PUT", "/v1/files/a?note=n", &[CSV], &body);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let [file] = &talks.received()[..] else {
        panic!("one call");
    };
    assert_eq!(
        (&file["name"], &file["note"]),
        (&json!("files/a"), &json!("n"))
    );
    assert_eq!(file["content"]["content_type"], CSV.1);
    assert_eq!(data(&file["content"]), body);

    let answer = talks.request("PUT", "/v1/files/a", &[], b"");
    assert_eq!(answer.status(), 200);
    assert_eq!(talks.received(), [json!({"name": "files/a"})]);
}

#[test]
fn a_whole_request_and_a_whole_answer() {
    let talks = Talks::start();
    let answer = talks.request("POST", "/v1/store", &[CSV], b"a,b\r\n1,2");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some(CSV.1));
    assert_eq!(answer.body, b"a,b\r\n1,2");
    // Of a type that calls in Connect have, too.
    let proto = ("Content-Type", "application/proto");
    let answer = talks.request("POST", "/v1/store", &[proto], b"x");
    assert_eq!((answer.status(), &answer.body[..]), (200, &b"x"[..]));
    let answer = talks.request("POST", "/v1/store?data=eA", &[CSV], b"x");
    assert_eq!(error(&answer, 400)["code"], 3);
}

#[test]
fn a_stream_of_bytes() {
    let talks = Talks::start();
    let body: Vec<u8> = (0..300_000_u32).map(|number| number as u8).collect();
    let answer = talks.request("POST", "/v1/files/a:upload?note=n", &[CSV], &body);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let parts = talks.received();
    assert!(parts.len() > 1, "{} messages", parts.len());
    assert_eq!(parts[0]["name"], "files/a");
    assert_eq!(parts[0]["note"], "n");
    assert_eq!(parts[0]["content"]["content_type"], CSV.1);
    for part in &parts[1..] {
        assert_eq!(part.as_object().map(serde_json::Map::len), Some(1));
        assert_eq!(part["content"]["content_type"], Value::Null);
    }
    let whole: Vec<u8> = parts
        .iter()
        .flat_map(|part| data(&part["content"]))
        .collect();
    assert!(whole == body, "{} bytes", whole.len());

    // Even of no bytes the service learns name and type.
    let answer = talks.request("POST", "/v1/files/b:upload", &[CSV], b"");
    assert_eq!(answer.status(), 200);
    let expected = json!({"name": "files/b", "content": {"content_type": CSV.1}});
    assert_eq!(talks.received(), [expected]);
}
