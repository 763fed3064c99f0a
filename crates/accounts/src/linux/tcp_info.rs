//! The kernel's `tcp_info` of one socket. In: the bytes of the attribute; out:
//! what the socket [`Carried`]. Older kernels give shorter ones, so each field is
//! read by its offset and may be missing; the library's own structure would
//! refuse them.
//!
//! Sent is `bytes_sent - bytes_retrans` (Linux 4.19): payload, each byte once.
//! Before that it is `bytes_acked`, which counts a SYN that the socket sent and
//! a FIN as a byte each. `bytes_received` counts the peer's FIN as a byte; the
//! socket's state tells whether it came, and it is taken off.

use netlink_packet_sock_diag::constants::{TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK};

use crate::sockets::Carried;

const BYTES_ACKED: usize = 120;
const BYTES_RECEIVED: usize = 128;
const BYTES_SENT: usize = 200;
const BYTES_RETRANS: usize = 208;

/// Absent when even the oldest of the fields is missing.
pub(super) fn carried(tcp_info: &[u8], state: u8) -> Option<Carried> {
    let sent = match (field(tcp_info, BYTES_SENT), field(tcp_info, BYTES_RETRANS)) {
        (Some(sent), Some(again)) => sent.saturating_sub(again),
        _ => field(tcp_info, BYTES_ACKED)?,
    };
    let peer_finished = [TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSING].contains(&state);
    let received = field(tcp_info, BYTES_RECEIVED)?.saturating_sub(peer_finished.into());
    Some(Carried { sent, received })
}

fn field(tcp_info: &[u8], offset: usize) -> Option<u64> {
    let (bytes, _) = tcp_info.get(offset..)?.split_first_chunk()?;
    Some(u64::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use netlink_packet_sock_diag::constants::TCP_ESTABLISHED;
    use proptest::prelude::*;

    use super::*;

    fn check(length: usize, state: u8, expected: Option<(u64, u64)>) {
        let mut info = vec![0xee; 240];
        for (offset, value) in [
            (BYTES_ACKED, 11u64),
            (BYTES_RECEIVED, 21),
            (BYTES_SENT, 15),
            (BYTES_RETRANS, 5),
        ] {
            info[offset..offset + 8].copy_from_slice(&value.to_ne_bytes());
        }
        let expected = expected.map(|(sent, received)| Carried { sent, received });
        assert_eq!(
            carried(&info[..length], state),
            expected,
            "{length} {state}"
        );
    }

    #[test]
    fn each_kernel_gives_what_it_has() {
        check(240, TCP_ESTABLISHED, Some((10, 21)));
        check(216, TCP_ESTABLISHED, Some((10, 21)));
        check(215, TCP_ESTABLISHED, Some((11, 21)));
        check(136, TCP_ESTABLISHED, Some((11, 21)));
        check(135, TCP_ESTABLISHED, None);
        check(0, TCP_ESTABLISHED, None);
    }

    #[test]
    fn the_end_of_the_peers_stream_is_no_payload() {
        check(240, TCP_CLOSE_WAIT, Some((10, 20)));
        check(240, TCP_LAST_ACK, Some((10, 20)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(info in prop::collection::vec(any::<u8>(), 0..300), state: u8) {
            prop_assert_eq!(carried(&info, state).is_some(), info.len() >= BYTES_RECEIVED + 8);
        }
    }
}
