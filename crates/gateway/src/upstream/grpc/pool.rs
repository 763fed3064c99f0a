//! The endpoints of a service as one worker uses them: who takes the next call, and
//! what happens to a call for which there is no room.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use h2::client::SendRequest;
use server::Stop;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    Options, Policy,
    compression::Compression,
    endpoint::{Common, Endpoint, Standing, Target},
    link::{Busy, State},
    queue::{Patience, TooMany, Waiting},
    resolve,
};
use crate::{counting::Counting, respond::UpstreamFailure};

/// A place for a call, and the connection that it is on.
pub(super) type Place = (Busy, SendRequest<Bytes>);

/// The endpoints of a service.
pub(super) struct Pool {
    pub(super) common: Arc<Common>,
    pub(super) policy: Policy,
    pub(super) options: Options,
    pub(super) compression: Option<Arc<Compression>>,
    endpoints: Mutex<Arc<[Arc<Endpoint>]>>,
    /// Why names could not be looked up, if they could not be lately.
    unresolved: Mutex<Option<String>>,
    turn: AtomicUsize,
}

/// Why there is no place.
enum NoPlace {
    /// Connections are open, and none has room.
    Full,
    /// One may be open in a moment.
    Opening,
    /// None is, and by this time it is known whether there are others.
    LookingUp(Instant),
    Down(String),
}

impl Pool {
    /// Connects to what needs no looking up.
    pub(super) fn new(
        name: Arc<str>,
        policy: Policy,
        options: Options,
        described: Arc<Notify>,
        (counting, stop): (&Counting, Stop),
    ) -> Self {
        let compression = options
            .compression
            .map(|settings| Arc::new(Compression::new(Arc::clone(&name), settings)));
        let pool = Pool {
            common: Arc::new(Common::new(
                name,
                &policy,
                options.tls.clone(),
                described,
                counting,
                stop,
            )),
            policy,
            options,
            compression,
            endpoints: Mutex::new(Arc::new([])),
            unresolved: Mutex::new(None),
            turn: AtomicUsize::new(fastrand::usize(..)),
        };
        if let Some(mut targets) = resolve::fixed(&pool.policy.addresses) {
            // Gateways and workers are many, and should not all begin with the same one.
            fastrand::shuffle(&mut targets);
            let endpoints = targets.into_iter().map(|target| pool.connect(target));
            let endpoints = endpoints.collect();
            pool.set(endpoints);
        }
        pool
    }

    pub(super) fn connect(&self, target: Target) -> Arc<Endpoint> {
        let endpoint = Endpoint::connect(target, &self.common, &self.options, &self.policy);
        Arc::new(endpoint)
    }

    pub(super) fn endpoints(&self) -> Arc<[Arc<Endpoint>]> {
        Arc::clone(&self.locked())
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Arc<[Arc<Endpoint>]>> {
        self.endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes which endpoints there are. Those that are not among them any more get no
    /// more calls.
    pub(super) fn set(&self, endpoints: Vec<Arc<Endpoint>>) {
        let count = endpoints.len();
        let before = std::mem::replace(&mut *self.locked(), endpoints.into());
        self.common.endpoints.store(count, Ordering::Relaxed);
        drop(before);
        self.common.changed.notify_waiters();
    }

    /// Names could not be looked up.
    pub(super) fn unresolved(&self, why: String) {
        let mut known = self
            .unresolved
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.as_ref() != Some(&why) {
            tracing::warn!(service = %self.common.name, %why, "using what was known before");
            *known = Some(why);
            self.common.changed.notify_waiters();
        }
    }

    /// Names can be looked up, and were from `begun` on.
    pub(super) fn resolved(&self, begun: Instant) {
        self.common.lost.looked_up(begun);
        self.common.changed.notify_waiters();
        let mut known = self
            .unresolved
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.take().is_some() {
            tracing::info!(service = %self.common.name, "its names can be looked up again");
        }
    }

    /// The best place for a call there is now; those that were `tried` are taken when
    /// no other is left.
    pub(super) fn place(&self, tried: &[Arc<Standing>], deadline: Instant) -> Option<Place> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let endpoints = self.locked();
        loop {
            let candidates = endpoints.iter().map(|endpoint| endpoint.candidate(tried));
            let endpoint = &endpoints[self.policy.balance.choose(turn, candidates)?];
            let link = endpoint.link(turn / endpoints.len())?;
            if let Some(place) = link.take(deadline) {
                return Some(place);
            }
            // What it has less than was known, it knows now.
        }
    }

    /// A place for a call. Waits while one may come, as long as a connection may take to
    /// open, if not too many wait already; fails at once when none can come.
    pub(super) async fn wait(
        &self,
        tried: &[Arc<Standing>],
        deadline: Instant,
    ) -> Result<Place, UpstreamFailure> {
        let (_waiting, patience) = self.queue()?;
        let begun = Instant::now();
        let mut full_since = None;
        loop {
            let mut changed = std::pin::pin!(self.common.changed.notified());
            let mut room = std::pin::pin!(self.common.room.notified());
            changed.as_mut().enable();
            room.as_mut().enable();
            let endpoints = self.endpoints();
            let links = endpoints.iter().flat_map(|endpoint| &endpoint.links);
            links.for_each(|link| link.refresh());
            if let Some(place) = self.place(tried, deadline) {
                return Ok(place);
            }
            let why = self.why_not();
            let mut until = begun + self.options.connect_timeout;
            match why {
                NoPlace::Down(cause) => return Err(UpstreamFailure::Unreachable { cause }),
                NoPlace::Full if patience == Patience::Short => {
                    let since = *full_since.get_or_insert_with(Instant::now);
                    until = until.min(since + self.policy.pending_time);
                }
                NoPlace::LookingUp(due) => until = until.min(due),
                NoPlace::Full | NoPlace::Opening => {}
            }
            // Whoever waits for the whole call knows what its end means.
            let over = async {
                match until < deadline {
                    true => sleep_until(until).await,
                    false => std::future::pending().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = room => {}
                () = over => match why {
                    // There is no lookup to wait for any more.
                    NoPlace::LookingUp(due) if due == until => {}
                    _ => return Err(self.out_of_patience(&why)),
                },
                () = self.common.stop.over() => return Err(UpstreamFailure::Stopping),
            }
        }
    }

    /// Counts a call that waits, until dropped.
    fn queue(&self) -> Result<(Waiting<'_>, Patience), UpstreamFailure> {
        let (max, standing) = (self.policy.pending_max, self.policy.pending_time);
        let joined = self.common.queue.join(max, Instant::now(), standing);
        joined.map_err(|TooMany| {
            self.common.counts.refused();
            let cause = format!("{max} calls wait for it already; raise pending-max for more");
            UpstreamFailure::Full { cause }
        })
    }

    fn out_of_patience(&self, why: &NoPlace) -> UpstreamFailure {
        let (places, time) = (
            self.policy.written_addresses(),
            self.options.connect_timeout,
        );
        match why {
            NoPlace::Full => {
                self.common.counts.refused();
                let cause = format!("no connection to {places} had room for the call in time");
                UpstreamFailure::Full { cause }
            }
            NoPlace::Opening | NoPlace::LookingUp(_) | NoPlace::Down(_) => {
                UpstreamFailure::Unreachable {
                    cause: format!("no connection to {places} within {time:?}"),
                }
            }
        }
    }

    fn why_not(&self) -> NoPlace {
        let endpoints = self.endpoints();
        if endpoints.is_empty() {
            let unresolved = self
                .unresolved
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            return match &*unresolved {
                Some(why) => NoPlace::Down(why.clone()),
                None => NoPlace::Opening,
            };
        }
        let mut down = None;
        for link in endpoints.iter().flat_map(|endpoint| &endpoint.links) {
            match link.state() {
                State::Open(_) => return NoPlace::Full,
                State::Opening => down = Some(None),
                State::Down(why) => {
                    let target = &link.standing.target;
                    let why = || Some(format!("cannot connect to {target}: {why}"));
                    down = down.or_else(|| Some(why()));
                }
            }
        }
        match down.flatten() {
            Some(why) => match self.common.lost.due() {
                Some(due) => NoPlace::LookingUp(due),
                None => NoPlace::Down(why),
            },
            None => NoPlace::Opening,
        }
    }
}
