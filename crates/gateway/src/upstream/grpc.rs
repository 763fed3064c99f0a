//! One gRPC service behind the gateway, over several HTTP/2 connections of the
//! worker's own. The `h2` library is used directly: a general channel costs
//! twice the CPU a call, and its limits on resets, which close a connection
//! that many clients share, cannot be set.

mod call;
mod connection;
mod frame;
mod link;
mod metadata;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::{sync::Notify, time::Instant};

pub(crate) use call::{Messages, Metadata};
pub(crate) use frame::PREFIX_BYTES;
pub(crate) use metadata::{AnswerMetadata, forwarded};

use link::{Link, State};

use crate::respond::UpstreamFailure;

/// How a service is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// HTTP/2 connections of each worker.
    pub connections: usize,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// Bytes of one message; a larger one breaks the call.
    pub message_bytes_max: usize,
}

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
}

/// A service with the worker's connections to it, kept open from now on.
pub(crate) struct Upstream {
    name: Arc<str>,
    address: Address,
    options: Options,
    links: Vec<Arc<Link>>,
    changed: Arc<Notify>,
    keepers: Vec<tokio::task::AbortHandle>,
}

impl Upstream {
    /// Opens the connections and keeps them open; `lost` is told when one that
    /// was open is not any more. Must be called on the worker's runtime.
    pub(crate) fn connect(
        name: Arc<str>,
        address: Address,
        options: Options,
        lost: &Arc<Notify>,
    ) -> Self {
        let changed = Arc::new(Notify::new());
        let links: Vec<_> = (0..options.connections.max(1))
            .map(|_| Arc::new(Link::new(Arc::clone(&changed))))
            .collect();
        let down = Arc::new(AtomicBool::new(false));
        let keepers = links
            .iter()
            .map(|link| {
                let (link, down) = (Arc::clone(link), Arc::clone(&down));
                let place = connection::Place {
                    name: Arc::clone(&name),
                    address: address.clone(),
                    link,
                    down,
                    lost: Arc::clone(lost),
                };
                let keeper = connection::keep(place, options.connect_timeout);
                tokio::spawn(keeper).abort_handle()
            })
            .collect();
        Upstream {
            name,
            address,
            options,
            links,
            changed,
            keepers,
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Waits until a connection is open.
    pub(crate) async fn opened(&self, deadline: Instant) -> Result<(), UpstreamFailure> {
        self.link(deadline).await.map(drop)
    }

    /// The open connection with the fewest calls. Waits while one is being
    /// opened; fails at once when none can be.
    async fn link(
        &self,
        deadline: Instant,
    ) -> Result<(Arc<Link>, SendRequest<Bytes>), UpstreamFailure> {
        let patience = deadline.min(Instant::now() + self.options.connect_timeout);
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let mut best: Option<(usize, &Arc<Link>, SendRequest<Bytes>)> = None;
            let mut opening = false;
            let mut why_not = None;
            for link in &self.links {
                let calls = link.calls();
                match link.state() {
                    State::Open(sender) => {
                        if best.as_ref().is_none_or(|(fewest, ..)| calls < *fewest) {
                            best = Some((calls, link, sender));
                        }
                    }
                    State::Opening => opening = true,
                    State::Down(why) => why_not = Some(why),
                }
            }
            if let Some((_, link, sender)) = best {
                return Ok((Arc::clone(link), sender));
            }
            let waited = if opening {
                tokio::time::timeout_at(patience, changed).await.is_ok()
            } else {
                false
            };
            if !waited {
                let address = &self.address;
                let cause = match why_not {
                    Some(why) => format!("cannot connect to {address}: {why}"),
                    None => format!("no connection to {address} in time"),
                };
                return Err(UpstreamFailure::Unreachable { cause });
            }
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        for keeper in &self.keepers {
            keeper.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in [
            "localhost:50051",
            "10.0.0.1:1",
            "[::1]:50051",
            "a-svc.pspd.svc:50051",
        ] {
            assert_eq!(
                good.parse::<Address>().map(|a| a.to_string()),
                Ok(good.to_owned())
            );
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
