//! Opens the connections of one generator thread and knows what went over all of
//! them. In: an address and what to ask of HTTP/2; out: connections, and the
//! thread's traffic so far. It decides neither when to connect nor how long that
//! may take.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tls::{Connector, Speaks, Stream};
use tokio::net::TcpStream;

use crate::{exchange::RequestError, grpc, http1, traffic::Meter};

/// What encrypts connections.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Whom it trusts, and what it shows.
    pub connector: Connector,
    /// The name that the target is called by.
    pub host: String,
}

/// A connection without anything on it yet. Its handshake is part of opening it, and its
/// time that of whoever waits for the connection.
pub(crate) async fn open(
    address: SocketAddr,
    tls: Option<&Tls>,
    speaks: Speaks,
) -> Result<Stream, RequestError> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(RequestError::connect)?;
    stream.set_nodelay(true).map_err(RequestError::connect)?;
    match tls {
        None => Ok(Stream::Plain(stream)),
        Some(Tls { connector, host }) => {
            let encrypted = connector.connect(host, stream, speaks).await;
            encrypted.map_err(RequestError::connect)
        }
    }
}

/// Where to connect, and how.
#[derive(Debug)]
pub(crate) struct Dialer {
    address: SocketAddr,
    tls: Option<Tls>,
    settings: grpc::Settings,
    pub(crate) meter: Arc<Meter>,
    /// What the next gRPC connection is told apart by.
    next_key: AtomicU64,
}

impl Dialer {
    pub(crate) fn new(address: SocketAddr, tls: Option<Tls>, settings: grpc::Settings) -> Dialer {
        Dialer {
            address,
            tls,
            settings,
            meter: Arc::default(),
            next_key: AtomicU64::new(0),
        }
    }

    pub(crate) async fn http1(&self) -> Result<http1::Connection, RequestError> {
        let connection = http1::Connection::open(self.address, self.tls.as_ref()).await?;
        self.meter.opened();
        Ok(connection)
    }

    pub(crate) async fn grpc(&self) -> Result<GrpcConnection, RequestError> {
        let meter = Arc::clone(&self.meter);
        let connection =
            grpc::Connection::open(self.address, self.tls.as_ref(), &self.settings, meter).await?;
        self.meter.opened();
        Ok(GrpcConnection {
            key: self.next_key.fetch_add(1, Ordering::Relaxed),
            connection,
            idle: Vec::new(),
        })
    }
}

/// An open gRPC connection with the handles that nobody uses at present: each has
/// ready what stays the same from call to call. It closes when this is dropped and
/// its calls are over.
#[derive(Debug)]
pub(crate) struct GrpcConnection {
    key: u64,
    connection: grpc::Connection,
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
        let kept = self.idle.pop();
        let mut connection = kept.unwrap_or_else(|| self.connection.clone());
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
