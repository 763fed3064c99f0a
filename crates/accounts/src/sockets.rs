//! Bytes over sockets, without the operating system. In: the sockets that a role
//! held and the counters of all TCP sockets, at two readings; out: the role's
//! [`Bytes`]. Sockets are known by inode, so one that two processes of a role
//! share is counted once, and one that moves to another role takes its past with
//! it. What a socket carried before its first reading counts only when the
//! socket was opened after that reading.

use std::collections::{HashMap, HashSet};

use crate::cost::Bytes;

/// Inodes of the sockets, of any kind, that a role holds.
pub(crate) type Inodes = HashSet<u64>;

/// What one TCP socket has carried since it was opened, payload only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// All connected TCP sockets of this network namespace.
#[derive(Debug, Default)]
pub(crate) struct SocketTable {
    pub(crate) by_inode: HashMap<u64, Carried>,
    /// Ends of connections opened since the machine started.
    pub(crate) opened: Option<u64>,
}

impl SocketTable {
    /// What a role's sockets carried from this reading to the later one.
    pub(crate) fn carried(&self, held: &Inodes, later: &SocketTable, later_held: &Inodes) -> Bytes {
        let mut bytes = Bytes {
            sent: 0,
            received: 0,
            complete: true,
        };
        for inode in later_held {
            let Some(now) = later.by_inode.get(inode) else {
                continue; // It listens, or is of another kind.
            };
            let before = self.by_inode.get(inode);
            bytes.sent += now
                .sent
                .saturating_sub(before.map_or(0, |before| before.sent));
            bytes.received += now
                .received
                .saturating_sub(before.map_or(0, |before| before.received));
        }
        bytes.complete = held
            .iter()
            .filter(|inode| self.by_inode.contains_key(inode))
            .all(|inode| later_held.contains(inode) && later.by_inode.contains_key(inode));
        bytes
    }

    /// Ends of connections that were opened after this reading and closed before
    /// the later one.
    pub(crate) fn unseen(&self, later: &SocketTable) -> Option<u64> {
        let opened = later.opened?.saturating_sub(self.opened?);
        let seen = later
            .by_inode
            .keys()
            .filter(|inode| !self.by_inode.contains_key(inode))
            .count();
        Some(opened.saturating_sub(seen as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(opened: u64, sockets: &[(u64, u64, u64)]) -> SocketTable {
        let carried = |(inode, sent, received): &(u64, u64, u64)| {
            let (sent, received) = (*sent, *received);
            (*inode, Carried { sent, received })
        };
        SocketTable {
            by_inode: sockets.iter().map(carried).collect(),
            opened: Some(opened),
        }
    }

    fn check(held: &[u64], later_held: &[u64], expected: (u64, u64, bool)) {
        let before = table(0, &[(1, 10, 20), (2, 100, 200), (3, 5, 5)]);
        let later = table(0, &[(1, 11, 22), (2, 100, 200), (4, 1000, 2000)]);
        let held: Inodes = held.iter().copied().collect();
        let later_held = later_held.iter().copied().collect();
        let bytes = before.carried(&held, &later, &later_held);
        let (sent, received, complete) = expected;
        let expected = Bytes {
            sent,
            received,
            complete,
        };
        assert_eq!(bytes, expected, "{held:?} {later_held:?}");
    }

    #[test]
    fn old_sockets_count_by_difference_and_new_ones_whole() {
        check(&[], &[], (0, 0, true));
        check(&[1, 2], &[1, 2], (1, 2, true));
        check(&[1], &[1, 4], (1001, 2002, true));
        // Handed over from another role: its past was not in this window.
        check(&[], &[1], (1, 2, true));
        // Neither connected nor TCP.
        check(&[9], &[8, 9], (0, 0, true));
        check(&[9], &[], (0, 0, true));
    }

    #[test]
    fn a_socket_that_is_gone_makes_the_bytes_incomplete() {
        check(&[1, 3], &[1], (1, 2, false));
        // Still named by the process, no longer a connection.
        check(&[1, 3], &[1, 3], (1, 2, false));
        // Closed by this role, open in another.
        check(&[1, 2], &[1], (1, 2, false));
    }

    #[test]
    fn connections_between_the_readings_are_counted() {
        let before = table(10, &[(1, 0, 0)]);
        assert_eq!(before.unseen(&table(10, &[(1, 0, 0)])), Some(0));
        assert_eq!(before.unseen(&table(12, &[(2, 0, 0), (3, 0, 0)])), Some(0));
        assert_eq!(before.unseen(&table(15, &[(1, 0, 0), (2, 0, 0)])), Some(4));
        // The two are not read in the same instant.
        assert_eq!(before.unseen(&table(10, &[(2, 0, 0)])), Some(0));
        let unknown = SocketTable::default();
        assert_eq!(before.unseen(&unknown), None);
    }
}
