//! HTTP headers onto gRPC metadata and back.
//!
//! Going on: headers that the rules name keep their name; `grpc-metadata-NAME`
//! becomes NAME. Coming back: metadata that the rules name keep their name; all
//! others become `grpc-metadata-NAME` when they came with the head of the answer
//! and `grpc-trailer-NAME` when they came with its end. What the protocols need for
//! themselves is passed on in neither direction. Metadata whose name ends in `-bin`
//! are bytes, in base64 on both sides.

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use contract::grpc_timeout;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::services::{HeaderRules, RESERVED};

/// Prefix of a header that becomes metadata, and of metadata that become headers.
const PREFIX: &str = "grpc-metadata-";
/// Prefix of headers that came with the end of an answer.
const TRAILER_PREFIX: &str = "grpc-trailer-";

/// gRPC senders may pad or not (gRPC over HTTP/2, "Custom-Metadata").
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Adds what goes on of a client's `headers` to `metadata`.
pub(super) fn forward(headers: &HeaderMap, rules: &HeaderRules, metadata: &mut HeaderMap) {
    for (name, value) in headers {
        let name = match name.as_str().strip_prefix(PREFIX) {
            Some(rest) if !is_reserved(rest) => HeaderName::try_from(rest).ok(),
            None if rules.forward.contains(name) => Some(name.clone()),
            _ => None,
        };
        // Bytes that are not base64 would end the call at the service.
        let usable = |name: &HeaderName| {
            !name.as_str().ends_with("-bin") || decode_binary(value.as_bytes()).is_some()
        };
        if let Some(name) = name.filter(usable) {
            metadata.append(name, value.clone());
        }
    }
}

/// What is left until `deadline`, as a service is told. It differs from call to call, and
/// must not push what is the same out of the connection's table of headers (RFC 7541,
/// section 6.2.3; the library keeps sensitive values alone out of it).
pub(crate) fn timeout(deadline: Instant) -> Option<HeaderValue> {
    let left = deadline.saturating_duration_since(Instant::now());
    let mut value = HeaderValue::try_from(grpc_timeout::format(left)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What goes on of a client's `headers`.
pub(crate) fn forwarded(headers: &HeaderMap, rules: &HeaderRules) -> HeaderMap {
    let mut metadata = HeaderMap::new();
    forward(headers, rules, &mut metadata);
    metadata
}

/// The bytes of a `-bin` value.
pub(crate) fn decode_binary(value: &[u8]) -> Option<Bytes> {
    BASE64.decode(value).ok().map(Bytes::from)
}

/// What a service said beside its messages and its status.
#[derive(Debug, Default)]
pub(crate) struct AnswerMetadata {
    head: Vec<(HeaderName, HeaderValue)>,
    end: Vec<(HeaderName, HeaderValue)>,
}

impl AnswerMetadata {
    pub(super) fn of(head: &HeaderMap) -> Self {
        AnswerMetadata {
            head: own(head),
            end: Vec::new(),
        }
    }

    pub(super) fn end_with(&mut self, trailers: &HeaderMap) {
        self.end = own(trailers);
    }

    /// Adds the headers that the client gets.
    pub(crate) fn backward(&self, rules: &HeaderRules, headers: &mut HeaderMap) {
        for (prefix, known) in [(PREFIX, &self.head), (TRAILER_PREFIX, &self.end)] {
            for (name, value) in known {
                let name = match rules.backward.contains(name) {
                    true => Some(name.clone()),
                    false => HeaderName::try_from(format!("{prefix}{name}")).ok(),
                };
                if let Some(name) = name {
                    headers.append(name, value.clone());
                }
            }
        }
    }
}

/// Everything that is not a protocol's own.
fn own(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let theirs = headers
        .iter()
        .filter(|(name, _)| !is_reserved(name.as_str()));
    theirs
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn is_reserved(name: &str) -> bool {
    name.starts_with("grpc-")
        || name.starts_with(':')
        || matches!(name, "date" | "server")
        || RESERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            let name: HeaderName = name.parse().expect("a name");
            (name, HeaderValue::from_str(value).expect("a value"))
        };
        pairs.iter().map(pair).collect()
    }

    fn check_forward(name: &str, value: &str, expected: Option<(&str, &str)>) {
        let mut metadata = HeaderMap::new();
        forward(
            &headers(&[(name, value)]),
            &HeaderRules::default(),
            &mut metadata,
        );
        let got = metadata.iter().next();
        let got = got.map(|(name, value)| (name.as_str(), value.to_str().expect("text")));
        assert_eq!(got, expected, "{name}: {value}");
    }

    #[test]
    fn what_goes_on() {
        check_forward(
            "authorization",
            "Bearer x",
            Some(("authorization", "Bearer x")),
        );
        check_forward("cookie", "a=b", None);
        check_forward("grpc-metadata-tenant", "t1", Some(("tenant", "t1")));
        check_forward("grpc-metadata-key-bin", "AAE", Some(("key-bin", "AAE")));
        check_forward("grpc-metadata-key-bin", "AAE=", Some(("key-bin", "AAE=")));
        check_forward("grpc-metadata-key-bin", "no base64!", None);
        check_forward("grpc-metadata-grpc-timeout", "1S", None);
        check_forward("grpc-metadata-te", "x", None);
        check_forward("grpc-metadata-", "x", None);
        check_forward("grpc-timeout", "1S", None);
    }

    #[test]
    fn what_comes_back() {
        let mut metadata = AnswerMetadata::of(&headers(&[
            ("content-type", "application/grpc"),
            ("etag", "v1"),
            ("shard", "7"),
        ]));
        metadata.end_with(&headers(&[("grpc-status", "0"), ("cost", "3")]));
        let rules = HeaderRules {
            forward: Vec::new(),
            backward: vec![HeaderName::from_static("etag")],
        };
        let mut answer = HeaderMap::new();
        metadata.backward(&rules, &mut answer);
        let expected = [
            ("etag", "v1"),
            ("grpc-metadata-shard", "7"),
            ("grpc-trailer-cost", "3"),
        ];
        assert_eq!(answer, headers(&expected));
    }
}
