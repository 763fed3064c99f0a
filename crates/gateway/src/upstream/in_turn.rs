//! Looks names up as the system does, once for each connection, and begins with the next of
//! their addresses every time. The system itself puts the same address first again and again
//! (RFC 6724), and with it every connection would go to one of several instances.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// Clones take turns with each other.
#[derive(Debug, Clone)]
pub(super) struct InTurn {
    system: GaiResolver,
    turn: Arc<AtomicUsize>,
}

impl InTurn {
    /// One that begins anywhere: gateways and workers are many.
    pub(super) fn new() -> Self {
        InTurn {
            system: GaiResolver::new(),
            turn: Arc::new(AtomicUsize::new(fastrand::usize(..))),
        }
    }
}

impl Service<Name> for InTurn {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.system.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.system.call(name);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(from(turn, found.await?.collect()).into_iter()) })
    }
}

/// The same addresses in their own order, beginning at the one whose turn it is.
fn from(turn: usize, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    addresses.sort_unstable();
    addresses.dedup();
    if let Some(first) = turn.checked_rem(addresses.len()) {
        addresses.rotate_left(first);
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_first_in_its_turn() {
        let at = |number: u8| SocketAddr::from(([10, 0, 0, number], 80));
        for (turn, expected) in [(0, [1, 2, 3]), (1, [2, 3, 1]), (5, [3, 1, 2])] {
            let found = from(turn, vec![at(3), at(1), at(2), at(1)]);
            assert_eq!(found, expected.map(at), "{turn}");
        }
        assert_eq!(from(7, Vec::new()), []);
    }
}
