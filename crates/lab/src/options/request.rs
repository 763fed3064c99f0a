//! Requests as flags: `[NAME=]METHOD PATH` and `[NAME=]SERVICE/METHOD [JSON]`.
//! What they mean is looked at when the plan is made.

use std::collections::BTreeMap;

use results::Request;

pub(super) fn http(text: &str, body: Option<&String>) -> Request {
    let (name, rest) = named(text);
    let path = rest.split_whitespace().nth(1).unwrap_or(rest);
    Request {
        name: name.unwrap_or_else(|| last_part(path, &['?', '#'])),
        http: Some(rest.to_owned()),
        grpc: None,
        headers: BTreeMap::new(),
        body: body.cloned(),
        messages: None,
        every: None,
    }
}

pub(super) fn grpc(text: &str) -> Request {
    let (name, rest) = named(text);
    let (method, message) = match rest.split_once(char::is_whitespace) {
        Some((method, message)) => (method, Some(message.trim().to_owned())),
        None => (rest, None),
    };
    Request {
        name: name.unwrap_or_else(|| last_part(method, &[])),
        http: None,
        grpc: Some(method.to_owned()),
        headers: BTreeMap::new(),
        body: message,
        messages: None,
        every: None,
    }
}

pub(super) fn header(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(':')?;
    Some((name.trim().to_owned(), value.trim().to_owned()))
}

/// `NAME=` counts as a name only where it looks like one: paths and messages
/// have equals signs too.
fn named(text: &str) -> (Option<String>, &str) {
    let text = text.trim();
    match text.split_once('=') {
        Some((name, rest)) if name.chars().all(is_of_name) && !name.is_empty() => {
            (Some(name.to_owned()), rest.trim())
        }
        _ => (None, text),
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// The last segment of a path, in the letters that a name may have.
fn last_part(path: &str, ends: &[char]) -> String {
    let path = path.split(ends).next().unwrap_or_default();
    let last = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let name: String = last
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| is_of_name(*c))
        .take(crate::plan::NAME_CHARS_MAX)
        .collect();
    match name.is_empty() {
        true => "root".to_owned(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_itself_after_its_path() {
        for (text, name, http_text) in [
            ("GET /a/hello?name=x", "hello", "GET /a/hello?name=x"),
            ("GET /", "root", "GET /"),
            ("POST /users/{{user}}", "user", "POST /users/{{user}}"),
            ("list=GET /users?page=1", "list", "GET /users?page=1"),
        ] {
            let request = http(text, None);
            assert_eq!(
                (request.name.as_str(), request.http.as_deref()),
                (name, Some(http_text))
            );
        }
    }

    #[test]
    fn a_call_has_its_method_and_its_message() {
        let check = |text: &str, name: &str, method: &str, message: Option<&str>| {
            let request = grpc(text);
            assert_eq!(request.name, name);
            assert_eq!(request.grpc.as_deref(), Some(method));
            assert_eq!(request.body.as_deref(), message);
        };
        check(
            "pspd.ServiceA/SayHello",
            "SayHello",
            "pspd.ServiceA/SayHello",
            None,
        );
        check("a.B/C  {\"a\": 1}", "C", "a.B/C", Some("{\"a\": 1}"));
        check(
            "mine=a.B/C {\"x=\": 1}",
            "mine",
            "a.B/C",
            Some("{\"x=\": 1}"),
        );
    }

    #[test]
    fn a_header_is_split_at_its_first_colon() {
        assert_eq!(header("a: b:c"), Some(("a".into(), "b:c".into())));
        assert_eq!(header("nothing"), None);
    }
}
