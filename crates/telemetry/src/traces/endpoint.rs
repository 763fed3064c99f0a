//! Where a collector is.

use std::{fmt, str::FromStr};

use http::Uri;

/// `http://HOST:PORT`, optionally with a path that requests begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

/// What is wrong with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an http:// URL; write it like http://localhost:4317 (for a collector behind TLS, run \
     one beside the process and have it pass spans on)"
)]
pub struct BadEndpoint;

impl FromStr for Endpoint {
    type Err = BadEndpoint;

    fn from_str(text: &str) -> Result<Self, BadEndpoint> {
        let uri: Uri = text.parse().map_err(|_| BadEndpoint)?;
        let authority = uri.authority().ok_or(BadEndpoint)?;
        let plain = uri.scheme_str() == Some("http")
            && uri.query().is_none()
            && !authority.host().is_empty()
            && !authority.as_str().contains('@');
        match plain {
            true => Ok(Endpoint(text.trim_end_matches('/').to_owned())),
            false => Err(BadEndpoint),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls() {
        for (text, expected) in [
            ("http://localhost:4317", Some("http://localhost:4317")),
            ("http://otel/base/", Some("http://otel/base")),
            ("http://[::1]:4318", Some("http://[::1]:4318")),
            ("https://otel", None),
            ("localhost:4317", None),
            ("http://", None),
            ("http://user@otel", None),
            ("http://otel?x=1", None),
            ("", None),
        ] {
            let endpoint = text.parse::<Endpoint>().ok();
            let shown = endpoint.map(|endpoint| endpoint.to_string());
            assert_eq!(shown.as_deref(), expected, "{text}");
        }
    }
}
