//! Which form of an answer the client prefers, by its `Accept` header (RFC 9110,
//! section 12.5.1). Anything the gateway does not offer, or no header at all,
//! means whole JSON: an answer in a form not asked for helps more than 406.

use http::{HeaderMap, header};

use super::Form;

/// The form to answer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    WholeJson,
    Streamed(Form),
}

/// The form with the highest quality; whole JSON among equals, then the one
/// named first.
pub(crate) fn accepted(headers: &HeaderMap) -> Accepted {
    let mut best = (Accepted::WholeJson, 0);
    let mut json = 0;
    let values = headers.get_all(header::ACCEPT);
    let ranges = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = quality(parts);
        let form = match media_type.as_str() {
            "application/json" | "application/*" | "*/*" => {
                json = json.max(quality);
                continue;
            }
            "application/x-ndjson" => Form::Ndjson,
            "text/event-stream" => Form::Events,
            _ => continue,
        };
        if quality > best.1 {
            best = (Accepted::Streamed(form), quality);
        }
    }
    if best.1 > json || (best.1 > 0 && best.1 == json && !names_json(headers)) {
        best.0
    } else {
        Accepted::WholeJson
    }
}

/// Whether JSON is asked for by name, and not only by a wildcard.
fn names_json(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.to_ascii_lowercase().contains("application/json"))
}

/// The `q` parameter in thousandths; 1,000 when absent, 0 when malformed.
pub(crate) fn quality<'p>(mut parameters: impl Iterator<Item = &'p str>) -> u16 {
    let q = parameters.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let Some(q) = q else { return 1000 };
    match q.parse::<f32>() {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Ok(q) if (0.0..=1.0).contains(&q) => (q * 1000.0) as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn check(accept: &str, expected: Accepted) {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_str(accept).expect("a header value"),
        );
        assert_eq!(accepted(&headers), expected, "{accept}");
    }

    #[test]
    fn preferences() {
        let ndjson = Accepted::Streamed(Form::Ndjson);
        let events = Accepted::Streamed(Form::Events);
        assert_eq!(accepted(&HeaderMap::new()), Accepted::WholeJson);
        check("*/*", Accepted::WholeJson);
        check("text/html, */*;q=0.8", Accepted::WholeJson);
        check("application/json", Accepted::WholeJson);
        check("application/x-ndjson", ndjson);
        check("Application/X-NDJSON; charset=utf-8", ndjson);
        check("text/event-stream", events);
        check("text/event-stream, */*", events);
        check(
            "text/event-stream;q=0.5, application/json",
            Accepted::WholeJson,
        );
        check("text/event-stream, application/json;q=0.5", events);
        check("text/event-stream, application/json", Accepted::WholeJson);
        check("text/event-stream;q=0", Accepted::WholeJson);
        check(
            "application/x-ndjson;q=0.4, text/event-stream;q=0.6",
            events,
        );
        check("text/event-stream;q=x", Accepted::WholeJson);
    }

    proptest! {
        #[test]
        fn anything_is_answered(accept in "[ -~]*") {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(&accept).expect("printable"));
            accepted(&headers);
        }
    }
}
