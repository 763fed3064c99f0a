//! The id that joins a client's error message, the access log line and the
//! upstream's log. Taken from the client's `x-request-id` when it is short and
//! printable, made at random otherwise.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Longest id accepted from a client, in bytes.
const LENGTH_MAX: usize = 128;

/// The id of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The header that carries the id, in both directions.
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// The client's own id if it sent a usable one, else a new one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        match headers.get(Self::HEADER) {
            Some(id) if usable(id.as_bytes()) => RequestId::kept_apart(id.clone()),
            _ => Self::random(),
        }
    }

    /// No two requests have the same id, so that a connection's table of headers must
    /// not be filled with them (RFC 7541, section 6.2.3; the library keeps sensitive
    /// values alone out of it).
    fn kept_apart(mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        RequestId(value)
    }

    /// A new id: 128 random bits in hexadecimal.
    #[must_use]
    pub fn random() -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 32];
        for (two, byte) in text
            .chunks_exact_mut(2)
            .zip(fastrand::u128(..).to_ne_bytes())
        {
            two[0] = DIGITS[usize::from(byte >> 4)];
            two[1] = DIGITS[usize::from(byte & 0xf)];
        }
        RequestId::kept_apart(
            HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("unknown")),
        )
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("unknown")
    }

    /// The id as a header value.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn usable(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= LENGTH_MAX && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &'static [u8]) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(
            RequestId::HEADER,
            HeaderValue::from_bytes(id).expect("a header value"),
        );
        RequestId::of(&headers)
    }

    #[test]
    fn a_usable_id_is_kept() {
        assert_eq!(of(b"abc-123").as_str(), "abc-123");
    }

    #[test]
    fn an_unusable_id_is_replaced() {
        for id in [&b""[..], b"a b", b"caf\xc3\xa9", &[b'x'; 129]] {
            let kept = of(id);
            assert_eq!(kept.as_str().len(), 32, "{id:?} became {kept}");
        }
    }

    #[test]
    fn made_ids_differ() {
        assert_ne!(RequestId::random(), RequestId::random());
    }
}
