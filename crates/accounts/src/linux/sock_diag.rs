//! The counters of all TCP sockets, asked of the kernel over netlink. In:
//! nothing; out: a [`SocketTable`] of this network namespace. One dump for IPv4
//! and one for IPv6, whatever the number of sockets: asking for them one by one
//! would take a round trip each. It needs no privilege; where it is refused, as
//! in some sandboxes, the table is absent.
//!
//! Sockets without an inode (not accepted yet, or closed by their program and
//! still sending) belong to no process and are left out.

use std::io;

use netlink_packet_core::{
    DecodeError, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP},
    inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags, nlas::Nla},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};

use super::tcp_info;
use crate::sockets::{Carried, SocketTable};

/// The kernel fills at most 32 KiB at a time, and only when it is offered that.
const DATAGRAM_BYTES_MAX: usize = 64 << 10;

pub(crate) fn tcp_sockets() -> Option<SocketTable> {
    let mut table = SocketTable::default();
    dump(AF_INET, SocketId::new_v4(), &mut table).ok()?;
    // A kernel without IPv6 has no such sockets.
    let _ = dump(AF_INET6, SocketId::new_v6(), &mut table);
    table.opened = procfs::net::snmp()
        .ok()
        .map(|counters| counters.tcp_active_opens + counters.tcp_passive_opens);
    Some(table)
}

/// Adds the sockets of one family to the table.
fn dump(family: u8, any: SocketId, table: &mut SocketTable) -> io::Result<()> {
    let socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(&request(family, any), 0)?;
    let mut datagram = Vec::with_capacity(DATAGRAM_BYTES_MAX);
    loop {
        datagram.clear();
        match socket.recv(&mut datagram, 0) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if let Part::Last = take(&datagram, table)? {
            return Ok(());
        }
    }
}

fn request(family: u8, any: SocketId) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    // Those that hold a connection: for listeners the kernel would walk another
    // table, and the rest have no counters.
    let states = StateFlags::ESTABLISHED
        | StateFlags::SYN_SENT
        | StateFlags::FIN_WAIT1
        | StateFlags::FIN_WAIT2
        | StateFlags::CLOSE_WAIT
        | StateFlags::LAST_ACK
        | StateFlags::CLOSING;
    let request = SockDiagMessage::InetRequest(InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::INFO,
        states,
        socket_id: any,
    });
    let mut message = NetlinkMessage::new(header, request.into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// Where in the dump a datagram was.
#[derive(Debug)]
enum Part {
    More,
    Last,
}

/// Takes the sockets of one datagram into the table.
fn take(mut datagram: &[u8], table: &mut SocketTable) -> io::Result<Part> {
    while !datagram.is_empty() {
        let message = NetlinkMessage::<SockDiagMessage>::deserialize(datagram).map_err(invalid)?;
        match message.payload {
            NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                table.by_inode.extend(entry(&response));
            }
            NetlinkPayload::Done(done) => {
                return match done.code {
                    0 => Ok(Part::Last),
                    code => Err(io::Error::from_raw_os_error(-code)),
                };
            }
            NetlinkPayload::Error(error) => return Err(error.to_io()),
            NetlinkPayload::Overrun(_) => return Err(io::ErrorKind::OutOfMemory.into()),
            _ => {}
        }
        // Messages begin at multiples of four.
        let length = (message.header.length as usize).next_multiple_of(4);
        datagram = datagram.get(length..).unwrap_or_default();
    }
    Ok(Part::More)
}

fn entry(response: &InetResponse) -> Option<(u64, Carried)> {
    let header = &response.header;
    if header.inode == 0 {
        return None;
    }
    let carried = response.nlas.iter().find_map(|attribute| match attribute {
        Nla::TcpInfo(info) => tcp_info::carried(info, header.state),
        _ => None,
    })?;
    Some((header.inode.into(), carried))
}

fn invalid(error: DecodeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Bytes that begin like an answer of the kernel, and then do not.
        #[test]
        fn any_datagram_is_survived(
            length in 0u32..200,
            kind in prop::sample::select(vec![1u16, 2, 3, 4, 20, 21]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut datagram = length.to_ne_bytes().to_vec();
            datagram.extend(kind.to_ne_bytes());
            datagram.extend([0; 10]);
            datagram.push(AF_INET);
            datagram.extend(rest);
            let _ = take(&datagram, &mut SocketTable::default());
        }
    }
}
