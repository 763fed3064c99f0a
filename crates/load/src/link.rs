//! The connection policy, the same for every protocol: how many connections there
//! are, how many requests one carries at once, and whether it is kept. In: a
//! request that wants to be sent; out: a lease on a connection. Connections belong
//! to a generator thread; threads share none.
//!
//! Users wait for a shared connection in the order in which they came, and get the
//! one that carries the fewest requests. A connection that broke is opened again
//! by the next user of it, in that user's time; one that the peer closed while it
//! was idle is replaced before anything is sent on it, if that is known by then. A
//! request that crosses with the closing is lost, and a failure: it is not retried.

mod pool;

use std::{cell::RefCell, rc::Rc, time::Instant};

use tokio::sync::Mutex;

use crate::{
    dialer::{Dialer, GrpcConnection, GrpcHandle},
    exchange::{Observed, RequestError},
    http1,
    scenario::Protocol,
    shape::Reuse,
};

pub(crate) use pool::Pool;
use pool::Turn;

/// Where a user gets its connections.
#[derive(Debug)]
pub(crate) struct Link {
    own: Slot,
    shared: Option<Rc<Pool>>,
    reuse: Reuse,
}

/// A place for a connection, open or not.
#[derive(Debug, Default)]
struct Slot {
    http1: RefCell<Option<http1::Connection>>,
    /// Locked while one is being opened, so that others wait for that one.
    grpc: Mutex<Option<GrpcConnection>>,
}

/// The right to make one request.
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    slot: &'a Slot,
    reuse: Reuse,
    /// Given back when the lease is dropped.
    _turn: Option<Turn<'a>>,
}

impl Link {
    /// A user's link: to the pool, where there is one.
    pub(crate) fn new(shared: Option<Rc<Pool>>, reuse: Reuse) -> Self {
        Link {
            own: Slot::default(),
            shared,
            reuse,
        }
    }

    /// Waits for a connection with room for one more request, open or not.
    pub(crate) async fn lease(&self, observed: &mut Observed) -> Lease<'_> {
        let Some(pool) = &self.shared else {
            return self.own_lease();
        };
        let turn = pool.turn(observed).await;
        Lease {
            slot: &pool.slots[turn.slot],
            reuse: self.reuse,
            _turn: Some(turn),
        }
    }

    fn own_lease(&self) -> Lease<'_> {
        Lease {
            slot: &self.own,
            reuse: self.reuse,
            _turn: None,
        }
    }

    /// Opens the user's own connection before its first request. That it fails
    /// is nobody's failure yet.
    pub(crate) async fn open_ahead(&self, protocol: Protocol, dialer: &Dialer) {
        if self.shared.is_none() && self.reuse == Reuse::Keep {
            self.own_lease().open_ahead(protocol, dialer).await;
        }
    }
}

impl Lease<'_> {
    /// A connection without a request under way; one that was opened for this, in
    /// the request's own time, if there was none.
    pub(crate) async fn http1(
        &self,
        dialer: &Dialer,
        observed: &mut Observed,
    ) -> Result<http1::Connection, RequestError> {
        let kept = self.slot.http1.take();
        let kept = kept.and_then(|mut kept| kept.is_idle().then_some(kept));
        match kept {
            Some(kept) => Ok(kept),
            None => {
                let opened = dialer.http1().await;
                observed.sent = Some(Instant::now());
                opened
            }
        }
    }

    /// Keeps a connection for the next request, where the policy says so.
    pub(crate) fn keep_http1(&self, connection: http1::Connection) {
        if self.reuse == Reuse::Keep {
            self.slot.http1.replace(Some(connection));
        }
    }

    /// A handle to an open connection, and the connection itself where it is not
    /// to outlive the request.
    pub(crate) async fn grpc(
        &self,
        dialer: &Dialer,
        observed: &mut Observed,
    ) -> Result<(GrpcHandle, Option<GrpcConnection>), RequestError> {
        let mut single;
        let mut slot;
        let place = match self.reuse {
            Reuse::NewEachRequest => {
                single = None;
                &mut single
            }
            Reuse::Keep => {
                slot = match self.slot.grpc.try_lock() {
                    Ok(slot) => slot,
                    Err(_) => {
                        let slot = self.slot.grpc.lock().await;
                        observed.sent = Some(Instant::now());
                        slot
                    }
                };
                &mut *slot
            }
        };
        let handle = match place.as_mut().and_then(GrpcConnection::handle) {
            Some(handle) => handle,
            None => {
                // The broken one closes first.
                *place = None;
                let opened = dialer.grpc().await;
                observed.sent = Some(Instant::now());
                let handle = place.insert(opened?).handle();
                handle.ok_or_else(RequestError::gone)?
            }
        };
        match self.reuse {
            Reuse::NewEachRequest => Ok((handle, place.take())),
            Reuse::Keep => Ok((handle, None)),
        }
    }

    /// Gives a handle back after its call.
    pub(crate) fn keep_grpc(&self, handle: GrpcHandle) {
        // Locked only while another connection is being opened: then it is old.
        if let Ok(mut slot) = self.slot.grpc.try_lock()
            && let Some(connection) = &mut *slot
        {
            connection.give_back(handle);
        }
    }

    async fn open_ahead(&self, protocol: Protocol, dialer: &Dialer) {
        let observed = &mut Observed::default();
        match protocol {
            Protocol::Http1 => {
                if let Ok(connection) = self.http1(dialer, observed).await {
                    self.keep_http1(connection);
                }
            }
            Protocol::Grpc => {
                if let Ok((handle, _)) = self.grpc(dialer, observed).await {
                    self.keep_grpc(handle);
                }
            }
        }
    }
}
