use proptest::prelude::*;

use super::*;

fn headers(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn sent(request: &HttpRequest) -> String {
    let mut values = Values::new(1, 0);
    values.user = 7;
    values.iteration = 12;
    let mut text = "left over".to_owned();
    let bytes = request.bytes(&mut values, &mut text);
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A request to `host:80`, as sent or refused.
fn request(
    method: &str,
    path: &str,
    given: &[(&str, &str)],
    body: Option<&str>,
) -> Result<HttpRequest, RequestTextError> {
    HttpRequest::new("host:80", method, path, &headers(given), body)
}

fn check(method: &str, path: &str, given: &[(&str, &str)], body: Option<&str>, expected: &str) {
    let request = request(method, path, given, body).expect("valid");
    let expected = expected
        .replace('\n', "\r\n")
        .replace("USER-AGENT", USER_AGENT);
    assert_eq!(sent(&request), expected);
}

#[test]
fn what_is_the_same_every_time_is_made_once() {
    check(
        "GET",
        "/a?b=c",
        &[],
        None,
        "GET /a?b=c HTTP/1.1\nHost: host:80\nUser-Agent: USER-AGENT\nAccept: */*\n\n",
    );
    check(
        "POST",
        "/",
        &[
            ("Content-Type", "application/json"),
            ("accept", "a/b"),
            ("HOST", "other"),
        ],
        Some("{\"a\":{}}"),
        "POST / HTTP/1.1\nUser-Agent: USER-AGENT\nContent-Type: application/json\naccept: a/b\nHOST: other\nContent-Length: 8\n\n{\"a\":{}}",
    );
    check(
        "PUT",
        "/x",
        &[("user-agent", "me")],
        None,
        "PUT /x HTTP/1.1\nHost: host:80\nAccept: */*\nuser-agent: me\nContent-Length: 0\n\n",
    );
    let constant = request("GET", "/{{{{", &[], Some("{{{{")).expect("valid");
    assert!(matches!(constant.text, Text::Constant(_)), "{constant:?}");
    assert!(sent(&constant).starts_with("GET /{{ HTTP/1.1"));
    assert!(sent(&constant).ends_with("Content-Length: 2\r\n\r\n{{"));
}

#[test]
fn what_differs_is_rendered_and_its_length_is_right() {
    check(
        "GET",
        "/u/{{user}}",
        &[("X-Turn", "{{iteration}}")],
        None,
        "GET /u/7 HTTP/1.1\nHost: host:80\nUser-Agent: USER-AGENT\nAccept: */*\nX-Turn: 12\n\n",
    );
    check(
        "POST",
        "/",
        &[],
        Some("{{user}}-é-{{iteration}}"),
        "POST / HTTP/1.1\nHost: host:80\nUser-Agent: USER-AGENT\nAccept: */*\nContent-Length: 7\n\n7-é-12",
    );
    check(
        "POST",
        "/{{user}}",
        &[],
        Some("same"),
        "POST /7 HTTP/1.1\nHost: host:80\nUser-Agent: USER-AGENT\nAccept: */*\nContent-Length: 4\n\nsame",
    );
}

#[test]
fn what_cannot_be_sent_is_refused_with_its_reason() {
    let refused = |method: &str, path: &str, given: &[(&str, &str)], part: &str| {
        let error = request(method, path, given, None).expect_err(part);
        assert!(error.to_string().contains(part), "{error}");
    };
    refused("GET /x HTTP/1.1\r\n", "/", &[], "is not a method");
    refused("CONNECT", "/", &[], "is not a method");
    refused("", "/", &[], "is not a method");
    refused("GET", "x", &[], "must start with /");
    refused("GET", "/a b", &[], "percent-encode");
    refused("GET", "/é", &[], "percent-encode");
    refused("GET", "/\r\nHost: evil", &[], "percent-encode");
    refused("GET", "/{{pick a é}}", &[], "percent-encode");
    refused("GET", "/{{nothing}}", &[], "the path: no expression");
    refused("GET", "/", &[("a b", "c")], "not the name of a header");
    refused("GET", "/", &[("a\r\nb", "c")], "not the name of a header");
    refused("GET", "/", &[("a", "b\r\nc: d")], "cannot be sent");
    refused("GET", "/", &[("a", "b\nc")], "cannot be sent");
    refused("GET", "/", &[("a", "{{user")], "the header a: ");
    refused("POST", "/", &[("content-length", "3")], "leave it out");
    refused(
        "POST",
        "/",
        &[("Transfer-Encoding", "chunked")],
        "leave it out",
    );
    for authority in ["", "a b", "host:80\r\nx: y", "me@host"] {
        let error = HttpRequest::new(authority, "GET", "/", &[], None).expect_err(authority);
        assert!(matches!(error, RequestTextError::Authority(_)), "{error}");
    }
}

#[test]
fn only_an_answer_to_head_has_no_body() {
    for (method, answer) in [("HEAD", Body::Absent), ("GET", Body::AsStated)] {
        let request = request(method, "/", &[], None).expect("valid");
        assert_eq!(request.answer(), answer);
    }
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_one_request_with_all_its_headers(
        path in "/[a-z{}/ \r\n\u{e9}]{0,12}",
        name in "[a-zA-Z: \r\n-]{1,8}",
        value in "[a-z{}:,\r\n\t\u{0}\u{e9} ]{0,16}",
        body in proptest::option::of("[a-z{}\r\n ]{0,20}"),
    ) {
        let request = HttpRequest::new(
            "host:80", "POST", &path, &[(name.clone(), value.clone())], body.as_deref(),
        );
        if let Ok(request) = request {
            let text = sent(&request);
            let mut found = [httparse::EMPTY_HEADER; 16];
            let mut parsed = httparse::Request::new(&mut found);
            let status = parsed.parse(text.as_bytes()).expect("a request");
            let httparse::Status::Complete(head) = status else {
                return Err(TestCaseError::fail("an incomplete head"));
            };
            prop_assert!(parsed.headers.len() >= 4);
            let length = parsed.headers.iter().find(|header| header.name == "Content-Length");
            let length = std::str::from_utf8(length.expect("stated").value).expect("digits");
            prop_assert_eq!(length.parse::<usize>(), Ok(text.len() - head));
        }
    }
}
