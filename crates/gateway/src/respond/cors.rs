//! Cross-origin headers (the Fetch standard's CORS protocol).

use http::{
    HeaderMap, HeaderValue, Response,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
        ALLOW, HOST, ORIGIN, VARY,
    },
};

use super::{Body, Problem, no_content};
use crate::{Cors, routes};

/// How long a browser may remember a preflight answer, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Answers `OPTIONS` with the methods of the path; for browsers that ask before a cross-origin call, with
/// what they may send.
pub(crate) fn preflight(cors: &Cors, headers: &HeaderMap, allowed: &str) -> Response<Body> {
    let mut response = no_content();
    let answer = response.headers_mut();
    let allowed = HeaderValue::try_from(allowed)
        .unwrap_or_else(|_| HeaderValue::from_static(routes::ALLOWED));
    answer.insert(ALLOW, allowed.clone());
    if *cors != Cors::Off && headers.contains_key(ORIGIN) {
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, allowed);
        if let Some(asked) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
    response
}

/// Lets the page at `origin` read the answer, if the policy allows it.
pub(crate) fn allow_origin(cors: &Cors, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
    let allowed = match cors {
        Cors::Off => return,
        Cors::Any => HeaderValue::from_static("*"),
        Cors::Origins(known) => {
            // Caches must not give one origin the answer meant for another.
            answer.append(VARY, HeaderValue::from_static("origin"));
            match origin {
                Some(origin) if known.iter().any(|k| k.as_bytes() == origin.as_bytes()) => {
                    origin.clone()
                }
                _ => return,
            }
        }
    };
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    // What a protocol's own clients have to read is there already.
    answer.append(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("x-request-id"),
    );
}

/// Whether the page that asks may open a WebSocket. A browser shows every answer to
/// a page that has one open and sends its user's cookies along, so that the policy is
/// kept here and not there. The gateway's own pages may, and whoever is no browser.
pub(crate) fn check_origin(cors: &Cors, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let listed = match cors {
        Cors::Any => true,
        Cors::Off => false,
        Cors::Origins(known) => known
            .iter()
            .any(|known| known.as_bytes() == origin.as_bytes()),
    };
    let origin = String::from_utf8_lossy(origin.as_bytes());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let own = headers.get(HOST).and_then(|host| host.to_str().ok());
    match listed || (authority.is_some() && authority == own) {
        true => Ok(()),
        false => Err(Problem::ForeignOrigin {
            origin: origin.into_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cors: &Cors, origin: &'static str, expected: Option<&str>) {
        let mut answer = HeaderMap::new();
        allow_origin(cors, Some(&HeaderValue::from_static(origin)), &mut answer);
        let got = answer.get(ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(got.map(|value| value.to_str().expect("text")), expected);
    }

    #[test]
    fn origins() {
        let some = Cors::Origins(vec!["https://a.example".to_owned()]);
        check(&Cors::Any, "https://b.example", Some("*"));
        check(&Cors::Off, "https://a.example", None);
        check(&some, "https://a.example", Some("https://a.example"));
        check(&some, "https://b.example", None);
    }

    #[test]
    fn origins_of_sockets() {
        let check = |cors: &Cors, origin: &'static str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("api.example:8080"));
            if !origin.is_empty() {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            let checked = check_origin(cors, &headers);
            assert_eq!(checked.is_ok(), expected, "{cors:?} {origin}");
        };
        let some = Cors::Origins(vec!["https://a.example".to_owned()]);
        for cors in [&Cors::Any, &Cors::Off, &some] {
            check(cors, "", true);
            check(cors, "https://api.example:8080", true);
            check(cors, "https://evil.example", *cors == Cors::Any);
            check(
                cors,
                "https://api.example:8080.evil.example",
                *cors == Cors::Any,
            );
            check(cors, "null", *cors == Cors::Any);
        }
        check(&some, "https://a.example", true);
        check(&Cors::Off, "https://a.example", false);
    }
}
