//! Binding: one listening socket a port, bound once and without `SO_REUSEPORT`,
//! so that a port held by another process is an error and never a silent second
//! listener. Published service ports lie in the range that Linux also uses for
//! outgoing connections; such a use is short and is waited out.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted; the kernel clamps it to `somaxconn`.
const BACKLOG: i32 = 4096;
/// How long a port that only an outgoing connection holds is waited for.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(2);
const RETRY_EVERY: Duration = Duration::from_millis(50);

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Every address of the machine, IPv6 and IPv4.
    All,
    /// One address.
    Address(IpAddr),
}

/// Why a port could not be bound, and what to do.
#[derive(Debug)]
pub struct BindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What is in the way.
    pub cause: Cause,
}

/// What is in the way of a bind.
#[derive(Debug)]
pub enum Cause {
    /// A process listens there already.
    Listener,
    /// An outgoing connection uses the port as its local end.
    Connection {
        /// The system's range for such ports, first and last.
        ephemeral_ports: (u16, u16),
    },
    /// Anything else the system said.
    Other(io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BindError { address, cause } = self;
        let port = address.port();
        write!(f, "cannot listen on {address}: ")?;
        match cause {
            Cause::Listener => write!(
                f,
                "another process already listens on port {port}; stop it or choose another port"
            ),
            Cause::Connection {
                ephemeral_ports: (first, last),
            } => write!(
                f,
                "port {port} is the local end of an outgoing connection of this machine, \
                 which takes such ports from {first} to {last}; try again, choose a port \
                 outside that range, or keep it free with \
                 `sysctl net.ipv4.ip_local_reserved_ports={port}`"
            ),
            Cause::Other(error) if error.kind() == io::ErrorKind::PermissionDenied => write!(
                f,
                "{error}; ports below 1024 need privileges, choose a higher one"
            ),
            Cause::Other(error) if error.kind() == io::ErrorKind::AddrNotAvailable => write!(
                f,
                "{error}; the address is not one of this machine, choose one that is"
            ),
            Cause::Other(error) => write!(f, "{error}; choose another address or port"),
        }
    }
}

impl std::error::Error for BindError {}

/// Binds and listens on `host` at `port` (0 takes a free one).
///
/// # Errors
///
/// [`BindError`] says who holds the port, where that can be known.
pub fn bind(host: Host, port: u16) -> Result<TcpListener, BindError> {
    let address = match host {
        Host::Address(ip) => SocketAddr::new(ip, port),
        Host::All => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
    };
    match bind_patiently(address) {
        Err(BindError {
            cause: Cause::Other(error),
            ..
        }) if host == Host::All && no_ipv6(&error) => {
            bind_patiently(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))
        }
        bound => bound,
    }
}

fn bind_patiently(address: SocketAddr) -> Result<TcpListener, BindError> {
    let give_up = Instant::now() + WAIT_FOR_CONNECTION;
    loop {
        let error = match bind_once(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => error,
        };
        let cause = match error.kind() {
            io::ErrorKind::AddrInUse => holder(address.port()),
            _ => Cause::Other(error),
        };
        if !matches!(cause, Cause::Connection { .. }) || Instant::now() >= give_up {
            return Err(BindError { address, cause });
        }
        thread::sleep(RETRY_EVERY);
    }
}

fn bind_once(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // Elsewhere than on Unix this would allow a second listener.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn no_ipv6(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no stable `ErrorKind`.
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error() == Some(97)
}

#[cfg(target_os = "linux")]
fn holder(port: u16) -> Cause {
    use procfs::net::{TcpState, tcp, tcp6};

    let sockets = tcp()
        .into_iter()
        .flatten()
        .chain(tcp6().into_iter().flatten());
    let mut connected = false;
    for socket in sockets.filter(|socket| socket.local_address.port() == port) {
        if socket.state == TcpState::Listen {
            return Cause::Listener;
        }
        connected = true;
    }
    let ephemeral_ports = ephemeral_ports();
    let ephemeral = (ephemeral_ports.0..=ephemeral_ports.1).contains(&port);
    if connected || ephemeral {
        Cause::Connection { ephemeral_ports }
    } else {
        Cause::Listener
    }
}

#[cfg(target_os = "linux")]
fn ephemeral_ports() -> (u16, u16) {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let range = range.unwrap_or_default();
    let mut ends = range.split_whitespace().map(str::parse);
    match (ends.next(), ends.next()) {
        (Some(Ok(first)), Some(Ok(last))) => (first, last),
        _ => (32_768, 60_999),
    }
}

#[cfg(not(target_os = "linux"))]
fn holder(_port: u16) -> Cause {
    Cause::Listener
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: Host = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));

    #[test]
    fn a_second_bind_is_refused_and_says_why() {
        let first = bind(LOOPBACK, 0).expect("a free port");
        let port = first.local_addr().expect("bound").port();
        for host in [LOOPBACK, Host::All] {
            let error = bind(host, port).expect_err("the port is taken");
            assert!(matches!(error.cause, Cause::Listener), "{error}");
            assert!(
                error.to_string().contains("stop it or choose another port"),
                "{error}"
            );
        }
    }

    #[test]
    fn all_addresses_means_ipv4_too() {
        let listener = bind(Host::All, 0).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("IPv4 reaches it");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_held_by_a_connection_is_told_apart() {
        let listener = bind(LOOPBACK, 0).expect("a free port");
        let client = std::net::TcpStream::connect(listener.local_addr().expect("bound"))
            .expect("it listens");
        let port = client.local_addr().expect("connected").port();
        let error = bind(LOOPBACK, port).expect_err("the port is a connection's local end");
        assert!(matches!(error.cause, Cause::Connection { .. }), "{error}");
        assert!(error.to_string().contains("ip_local_reserved_ports"));
    }
}
