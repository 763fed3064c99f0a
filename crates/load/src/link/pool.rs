//! The shared connections of a generator thread, and whose turn it is. In: users
//! that want to send; out: turns, in the order of asking, each on the connection
//! that carries the fewest requests. What it costs does not depend on how many
//! users wait, and on the number of connections by its logarithm.

use std::{cell::RefCell, collections::BTreeSet, time::Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Lease, Slot};
use crate::{dialer::Dialer, exchange::Observed, scenario::Protocol, shape::Reuse};

/// The connections of a thread.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(super) slots: Vec<Slot>,
    /// As many as requests may begin; fair.
    permits: Semaphore,
    use_of: RefCell<Use>,
}

/// How much the connections are used.
#[derive(Debug)]
struct Use {
    streams_max: u32,
    of_slot: Vec<Load>,
    /// Those with room for one more.
    room: BTreeSet<Load>,
    turns: u64,
}

/// Ordered so that the first to be used next comes first: the one with the fewest
/// requests, and among those the one that was chosen longest ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Load {
    requests: u32,
    chosen: u64,
    slot: usize,
}

/// One request's place on a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pool: &'a Pool,
    pub(super) slot: usize,
    // Dropped after the place was given back.
    _permit: Option<SemaphorePermit<'a>>,
}

impl Pool {
    /// A pool of so many connections with so many requests each, at least one.
    pub(crate) fn new(connections: usize, streams_max: u32) -> Self {
        let of_slot: Vec<Load> = (0..connections)
            .map(|slot| Load {
                requests: 0,
                chosen: 0,
                slot,
            })
            .collect();
        let permits = connections.saturating_mul(streams_max as usize);
        Pool {
            slots: of_slot.iter().map(|_| Slot::default()).collect(),
            permits: Semaphore::new(permits.min(Semaphore::MAX_PERMITS)),
            use_of: RefCell::new(Use {
                streams_max,
                room: of_slot.iter().copied().collect(),
                of_slot,
                turns: 0,
            }),
        }
    }

    /// How many connections it has.
    pub(crate) fn connections(&self) -> usize {
        self.slots.len()
    }

    /// Opens one connection before it is needed; a failure is nobody's yet.
    pub(crate) async fn open_ahead(&self, slot: usize, protocol: Protocol, dialer: &Dialer) {
        let lease = Lease {
            slot: &self.slots[slot],
            reuse: Reuse::Keep,
            _turn: None,
        };
        lease.open_ahead(protocol, dialer).await;
    }

    /// Waits for a connection with room.
    pub(super) async fn turn(&self, observed: &mut Observed) -> Turn<'_> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => Some(permit),
            Err(_) => {
                // Never closed, so that an error cannot be.
                let permit = self.permits.acquire().await.ok();
                observed.sent = Some(Instant::now());
                permit
            }
        };
        Turn {
            pool: self,
            slot: self.use_of.borrow_mut().choose(),
            _permit: permit,
        }
    }
}

impl Use {
    fn choose(&mut self) -> usize {
        // There are as many permits as there is room.
        let chosen = self.room.pop_first().expect("a permit is room");
        self.turns += 1;
        self.put(Load {
            requests: chosen.requests + 1,
            chosen: self.turns,
            ..chosen
        });
        chosen.slot
    }

    fn release(&mut self, slot: usize) {
        let before = self.of_slot[slot];
        self.room.remove(&before);
        self.put(Load {
            requests: before.requests - 1,
            ..before
        });
    }

    fn put(&mut self, load: Load) {
        self.of_slot[load.slot] = load;
        if load.requests < self.streams_max {
            self.room.insert(load);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pool.use_of.borrow_mut().release(self.slot);
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc, time::Duration};

    use tokio::{task::LocalSet, time::sleep};

    use super::*;

    async fn slots(pool: &Pool, turns: usize) -> Vec<Turn<'_>> {
        let mut taken = Vec::new();
        for _ in 0..turns {
            taken.push(pool.turn(&mut Observed::default()).await);
        }
        taken
    }

    #[tokio::test]
    async fn the_connection_with_the_fewest_requests_is_next() {
        let pool = Pool::new(3, 4);
        let mut taken = slots(&pool, 9).await;
        let mut each = [0; 3];
        taken.iter().for_each(|turn| each[turn.slot] += 1);
        assert_eq!(each, [3; 3]);
        taken.retain(|turn| turn.slot != 1);
        let next: Vec<_> = slots(&pool, 3).await;
        assert!(next.iter().all(|turn| turn.slot == 1), "{next:?}");
    }

    #[tokio::test]
    async fn equally_used_connections_take_turns() {
        let pool = Pool::new(3, 1);
        let mut order = Vec::new();
        for _ in 0..6 {
            order.push(pool.turn(&mut Observed::default()).await.slot);
        }
        assert_eq!(order, [0, 1, 2, 0, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_are_served_in_order_and_know_that_they_waited() {
        let (connections, streams, users) = (2, 3, 50);
        let pool = Rc::new(Pool::new(connections, streams));
        let order = Rc::new(RefCell::new(Vec::new()));
        let (busy, busiest) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let local = LocalSet::new();
        for user in 0..users {
            let (pool, order) = (Rc::clone(&pool), Rc::clone(&order));
            let (busy, busiest) = (Rc::clone(&busy), Rc::clone(&busiest));
            local.spawn_local(async move {
                let mut observed = Observed::default();
                let turn = pool.turn(&mut observed).await;
                order.borrow_mut().push(user);
                assert_eq!(observed.sent.is_some(), user >= 6, "{user}");
                busy.set(busy.get() + 1);
                busiest.set(busiest.get().max(busy.get()));
                // Unequally long, so that the connections empty out of step.
                sleep(Duration::from_millis(10 + u64::from(user * 7 % 5))).await;
                busy.set(busy.get() - 1);
                drop(turn);
            });
        }
        local.await;
        assert_eq!(*order.borrow(), (0..users).collect::<Vec<u32>>());
        assert_eq!(busiest.get(), connections as u32 * streams);
    }
}
