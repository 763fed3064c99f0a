//! Opens the connections of one generator thread and knows what went over all of
//! them. In: an address and what to ask of HTTP/2; out: connections, and the
//! thread's traffic so far. It decides neither when to connect nor how long that
//! may take.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    exchange::RequestError,
    grpc, http1,
    traffic::{Meter, Traffic},
};

/// Where to connect, and how.
#[derive(Debug)]
pub(crate) struct Dialer {
    address: SocketAddr,
    settings: grpc::Settings,
    pub(crate) meter: Meter,
    open: Mutex<Open>,
}

/// gRPC connections count their own bytes: these are asked when somebody asks.
#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: BTreeMap<u64, grpc::Connection>,
}

impl Dialer {
    pub(crate) fn new(address: SocketAddr, settings: grpc::Settings) -> Arc<Dialer> {
        Arc::new(Dialer {
            address,
            settings,
            meter: Meter::default(),
            open: Mutex::default(),
        })
    }

    pub(crate) async fn http1(&self) -> Result<http1::Connection, RequestError> {
        let connection = http1::Connection::open(self.address).await?;
        self.meter.opened();
        Ok(connection)
    }

    pub(crate) async fn grpc(self: &Arc<Self>) -> Result<GrpcConnection, RequestError> {
        let connection = grpc::Connection::open(self.address, &self.settings).await?;
        self.meter.opened();
        let mut open = self.open();
        let key = open.next;
        open.next += 1;
        open.connections.insert(key, connection.clone());
        drop(open);
        Ok(GrpcConnection {
            dialer: Arc::clone(self),
            key,
            idle: vec![connection],
        })
    }

    /// Everything so far.
    pub(crate) fn traffic(&self) -> Traffic {
        let mut traffic = self.meter.read();
        for connection in self.open().connections.values() {
            let (sent, received) = connection.bytes();
            traffic.bytes_sent += sent;
            traffic.bytes_received += received;
        }
        traffic
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open gRPC connection with the handles that nobody uses at present: each has
/// ready what stays the same from call to call. It closes when this is dropped and
/// its calls are over.
#[derive(Debug)]
pub(crate) struct GrpcConnection {
    dialer: Arc<Dialer>,
    key: u64,
    idle: Vec<grpc::Connection>,
}

/// A handle for one call.
#[derive(Debug)]
pub(crate) struct GrpcHandle {
    key: u64,
    pub(crate) connection: grpc::Connection,
}

impl GrpcConnection {
    /// A handle; none when the connection takes no more calls.
    pub(crate) fn handle(&mut self) -> Option<GrpcHandle> {
        let mut connection = match self.idle.pop() {
            Some(connection) => connection,
            None => self.dialer.open().connections.get(&self.key)?.clone(),
        };
        connection.is_open().then_some(GrpcHandle {
            key: self.key,
            connection,
        })
    }

    /// Takes back a handle, unless it is of an earlier connection.
    pub(crate) fn give_back(&mut self, handle: GrpcHandle) {
        if handle.key == self.key {
            self.idle.push(handle.connection);
        }
    }
}

impl Drop for GrpcConnection {
    fn drop(&mut self) {
        let closed = self.dialer.open().connections.remove(&self.key);
        if let Some(connection) = closed {
            self.dialer.meter.add(connection.bytes());
        }
    }
}
