//! Where a request comes from, when proxies stand before the gateway. In: the address
//! of the connection and `x-forwarded-for`; out: the address of the client, as far as
//! proxies say it that are trusted. What anybody else writes into that header is not
//! believed: everybody can write it.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Networks of proxies that are trusted; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// Which of several networks is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network; give addresses or networks such as 10.0.0.0/8, separated by commas")]
pub struct BadProxies(String);

impl FromStr for TrustedProxies {
    type Err = BadProxies;

    fn from_str(text: &str) -> Result<Self, BadProxies> {
        let networks = text.split(',').map(str::trim).filter(|one| !one.is_empty());
        let networks = networks.map(|one| {
            let network = one.parse::<IpNet>();
            let network = network.or_else(|_| one.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| BadProxies(one.to_owned()))
        });
        networks.collect::<Result<_, _>>().map(TrustedProxies)
    }
}

impl TrustedProxies {
    fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client that asks: the last address that no trusted proxy has. Each proxy
    /// adds the one it was asked by at the end.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.has(client) {
            return client;
        }
        let values = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.rsplit(','));
        for hop in hops {
            let Some(address) = address(hop.trim()) else {
                return client;
            };
            client = address;
            if !self.has(client) {
                return client;
            }
        }
        client
    }
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = |text: &str| text.parse::<SocketAddr>().map(|address| address.ip());
    let address = text.parse().or_else(|_| with_port(text));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn client(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let trusted: TrustedProxies = trusted.parse().expect("networks");
        let mut headers = HeaderMap::new();
        for value in forwarded {
            let value = HeaderValue::from_str(value).expect("a value");
            headers.append(FORWARDED_FOR, value);
        }
        let peer = peer.parse().expect("an address");
        trusted.client(peer, &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (trusted, peer, forwarded, expected) in [
            ("", "1.2.3.4", &["9.9.9.9"][..], "1.2.3.4"),
            ("10.0.0.0/8", "1.2.3.4", &["9.9.9.9"], "1.2.3.4"),
            ("10.0.0.0/8", "10.0.0.1", &["9.9.9.9"], "9.9.9.9"),
            // What the client wrote itself stands before what the proxy added.
            ("10.0.0.0/8", "10.0.0.1", &["8.8.8.8, 9.9.9.9"], "9.9.9.9"),
            ("10.0.0.0/8", "10.0.0.1", &["8.8.8.8", "9.9.9.9"], "9.9.9.9"),
            ("10.0.0.0/8", "10.0.0.1", &["9.9.9.9, 10.0.0.7"], "9.9.9.9"),
            (
                "10.0.0.0/8",
                "::ffff:10.0.0.1",
                &["9.9.9.9:4711"],
                "9.9.9.9",
            ),
            ("::1, 10.0.0.1", "::1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("10.0.0.0/8", "10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.0/8", "10.0.0.1", &["unknown"], "10.0.0.1"),
            (
                "10.0.0.0/8",
                "10.0.0.1",
                &["9.9.9.9, _x, 10.0.0.2"],
                "10.0.0.2",
            ),
            (
                "10.0.0.0/8",
                "10.0.0.1",
                &["10.0.0.2, 10.0.0.3"],
                "10.0.0.2",
            ),
        ] {
            assert_eq!(client(trusted, peer, forwarded), expected, "{forwarded:?}");
        }
    }

    #[test]
    fn networks_that_are_none() {
        for text in ["10.0.0.0/33", "localhost", "10.0.0.1, x"] {
            assert!(text.parse::<TrustedProxies>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whoever_is_not_trusted_is_himself(peer: [u8; 4], forwarded in "[ -~]{0,60}") {
            let peer = IpAddr::from(peer).to_string();
            prop_assert_eq!(client("240.0.0.1", &peer, &[&forwarded]), peer);
        }
    }
}
