//! Who the other side may be. In: what an operator allows, such as `a.example.org`,
//! `*.example.org`, `spiffe://example.org/a` or `spiffe://example.org/team/*`, and the
//! names of a certificate whose chain has been verified; out: whether one of them is
//! allowed. Pure. A name that is not well formed is never allowed, so that no spelling of
//! a path leads out of the part that was allowed.

use std::{fmt, str::FromStr};

/// Names of a certificate that a message lists at the most.
const TOLD_MAX: usize = 8;

/// An identity, or a group of them, that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A DNS name.
    Dns(String),
    /// Every DNS name below this one, at any depth, but not the name itself.
    DnsBelow(String),
    /// A SPIFFE ID.
    Spiffe(String),
    /// Every SPIFFE ID below this one, at any depth.
    SpiffeBelow(String),
}

/// What is wrong with an identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an identity; give a DNS name such as a.example.org or *.example.org, or a SPIFFE ID \
     such as spiffe://example.org/a or spiffe://example.org/team/*"
)]
pub struct BadIdentity;

impl FromStr for Identity {
    type Err = BadIdentity;

    fn from_str(text: &str) -> Result<Self, BadIdentity> {
        if text.starts_with(SPIFFE) {
            return match text.strip_suffix("/*") {
                Some(above) if is_spiffe(above) => Ok(Identity::SpiffeBelow(above.to_owned())),
                None if is_spiffe(text) => Ok(Identity::Spiffe(text.to_owned())),
                _ => Err(BadIdentity),
            };
        }
        let name = text.to_ascii_lowercase();
        match name.strip_prefix("*.") {
            Some(above) if is_dns(above) => Ok(Identity::DnsBelow(above.to_owned())),
            None if is_dns(&name) => Ok(Identity::Dns(name)),
            _ => Err(BadIdentity),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Dns(name) | Identity::Spiffe(name) => f.write_str(name),
            Identity::DnsBelow(name) => write!(f, "*.{name}"),
            Identity::SpiffeBelow(id) => write!(f, "{id}/*"),
        }
    }
}

/// The names of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identities {
    /// DNS names.
    pub dns: Vec<String>,
    /// URIs. With more than one it has no SPIFFE ID (SPIFFE X509-SVID, section 2).
    pub uris: Vec<String>,
}

impl Identities {
    /// Whether one of them is among `allowed`.
    #[must_use]
    pub fn are_among(&self, allowed: &[Identity]) -> bool {
        allowed.iter().any(|allowed| self.have(allowed))
    }

    /// The one that it is called by: its SPIFFE ID, else its first DNS name.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        let spiffe = self.spiffe();
        spiffe.or_else(|| self.dns.first().map(String::as_str))
    }

    fn have(&self, allowed: &Identity) -> bool {
        match allowed {
            Identity::Dns(name) => self.dns().any(|dns| dns == *name),
            Identity::DnsBelow(above) => self.dns().any(|dns| is_below(&dns, above)),
            Identity::Spiffe(id) => self.spiffe() == Some(id),
            Identity::SpiffeBelow(above) => self
                .spiffe()
                .and_then(|id| id.strip_prefix(above.as_str()))
                .is_some_and(|rest| rest.starts_with('/')),
        }
    }

    fn dns(&self) -> impl Iterator<Item = String> + '_ {
        let lower = self.dns.iter().map(|name| name.to_ascii_lowercase());
        lower.filter(|name| is_dns(name))
    }

    fn spiffe(&self) -> Option<&str> {
        match &self.uris[..] {
            [one] if is_spiffe(one) => Some(one),
            _ => None,
        }
    }
}

impl fmt::Display for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.uris.iter().chain(&self.dns).collect();
        if all.is_empty() {
            return f.write_str("no name");
        }
        for (index, name) in all.iter().take(TOLD_MAX).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            // As it may hold anything, what is no printable text is escaped.
            write!(f, "{comma}{}", name.escape_debug())?;
        }
        match all.len().saturating_sub(TOLD_MAX) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

const SPIFFE: &str = "spiffe://";

/// `name` ends with a dot and `above`, and something comes before.
fn is_below(name: &str, above: &str) -> bool {
    let before = name.strip_suffix(above);
    before.is_some_and(|before| before.len() > 1 && before.ends_with('.'))
}

/// Labels of letters, digits, `-` and `_`, in lower case; no address.
fn is_dns(name: &str) -> bool {
    let is_label = |label: &str| {
        let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// A trust domain and a path, none of whose segments is empty, `.` or `..`.
fn is_spiffe(id: &str) -> bool {
    let Some(rest) = id.strip_prefix(SPIFFE) else {
        return false;
    };
    let (domain, path) = match rest.split_once('/') {
        Some((domain, path)) => (domain, Some(path)),
        None => (rest, None),
    };
    let in_domain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    let in_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_segment =
        |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(in_path);
    id.len() <= 2048
        && !domain.is_empty()
        && domain.bytes().all(in_domain)
        && path.is_none_or(|path| path.split('/').all(is_segment))
}

#[cfg(test)]
mod tests;
