//! Where a service is: `HOST:PORT`, checked.

use std::net::IpAddr;

/// `HOST:PORT`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(http::uri::Authority);

/// What is wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not HOST:PORT; write it like localhost:50051 or [::1]:50051")]
pub struct BadAddress;

impl std::str::FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let authority: http::uri::Authority = text.parse().map_err(|_| BadAddress)?;
        let plain = !authority.host().is_empty() && !authority.as_str().contains('@');
        match authority.port_u16() {
            Some(port) if plain && port > 0 => Ok(Address(authority)),
            _ => Err(BadAddress),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Address {
    pub(crate) fn authority(&self) -> &http::uri::Authority {
        &self.0
    }

    /// The host without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        let host = self.0.host();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or_default()
    }

    /// Whether it may lead to other places tomorrow, and to several today: a name,
    /// other than `localhost`.
    pub fn is_name(&self) -> bool {
        self.host().parse::<IpAddr>().is_err() && !self.host().eq_ignore_ascii_case("localhost")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (good, is_name) in [
            ("localhost:50051", false),
            ("10.0.0.1:1", false),
            ("[::1]:50051", false),
            ("a-svc.pspd.svc:50051", true),
        ] {
            let address = good.parse::<Address>().expect(good);
            assert_eq!(address.to_string(), good);
            assert_eq!(address.is_name(), is_name, "{good}");
        }
        for bad in [
            "",
            "localhost",
            "localhost:",
            "localhost:0",
            "localhost:99999",
            "http://localhost:1",
            "user@host:1",
            ":50051",
            "a b:1",
            "::1:50051/x",
        ] {
            assert_eq!(bad.parse::<Address>(), Err(BadAddress), "{bad}");
        }
    }
}
