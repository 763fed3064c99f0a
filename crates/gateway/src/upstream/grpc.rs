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
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

pub(crate) use call::{Answering, Closed, Messages, Metadata, Sending};
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
    /// Which of several equal connections is next.
    turn: AtomicUsize,
    changed: Arc<Notify>,
    keepers: Vec<tokio::task::AbortHandle>,
}

impl Upstream {
    /// Opens the connections and keeps them open; `described` is told when one
    /// is lost or had again. Must be called on the worker's runtime.
    pub(crate) fn connect(
        name: Arc<str>,
        address: Address,
        options: Options,
        described: &Arc<Notify>,
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
                    changed: Arc::clone(described),
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
            turn: AtomicUsize::new(0),
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

    /// An open connection. Waits while one is being opened; fails at once when none
    /// can be.
    async fn link(
        &self,
        deadline: Instant,
    ) -> Result<(Arc<Link>, SendRequest<Bytes>), UpstreamFailure> {
        if let Some(open) = self.open_link() {
            return Ok(open);
        }
        let patience = deadline.min(Instant::now() + self.options.connect_timeout);
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(open) = self.open_link() {
                return Ok(open);
            }
            let states: Vec<_> = self.links.iter().map(|link| link.state()).collect();
            let opening = states.iter().any(|state| matches!(state, State::Opening));
            if opening && timeout_at(patience, changed).await.is_ok() {
                continue;
            }
            let address = &self.address;
            let why_not = states.into_iter().find_map(|state| match state {
                State::Down(why) => Some(why),
                _ => None,
            });
            let cause = match why_not {
                Some(why) => format!("cannot connect to {address}: {why}"),
                None => format!("no connection to {address} in time"),
            };
            return Err(UpstreamFailure::Unreachable { cause });
        }
    }

    /// The open connection with the least load, in turn among equals.
    fn open_link(&self) -> Option<(Arc<Link>, SendRequest<Bytes>)> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.links.len();
        let links = (0..count).map(|index| &self.links[turn.wrapping_add(index) % count]);
        let best = links
            .filter(|link| link.is_open())
            .min_by_key(|link| link.load())?;
        Some((Arc::clone(best), best.sender()?))
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
