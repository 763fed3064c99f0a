//! One place for a connection: open, being opened, or down and why; and the calls that
//! are on it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::HeaderMap;
use telemetry::{
    RpcId, Side, Worker,
    traces::{Called, Client, Context, Messages},
};
use tokio::{sync::Notify, time::Instant};

use super::endpoint::Standing;
use crate::{respond::Code, upstream::tell_trace};

/// How long calls that timed out speak against a connection: long enough that one on
/// which nothing comes back gets few, and no longer, so that it is tried again.
const TIMED_OUT_COUNTS: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) enum State {
    Opening,
    Open(SendRequest<Bytes>),
    Down(Arc<str>),
}

pub(super) struct Link {
    pub(super) standing: Arc<Standing>,
    state: Mutex<State>,
    /// Calls that the service takes at once, as last seen; none unless it is open.
    places: AtomicUsize,
    calls: AtomicUsize,
    /// Calls whose time ended without an answer since the last answer.
    timed_out: AtomicUsize,
    timed_out_at: Mutex<Option<Instant>>,
    retired: Notify,
}

impl Link {
    pub(super) fn new(standing: Arc<Standing>) -> Self {
        Link {
            standing,
            state: Mutex::new(State::Opening),
            places: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            timed_out: AtomicUsize::new(0),
            timed_out_at: Mutex::new(None),
            retired: Notify::new(),
        }
    }

    pub(super) fn state(&self) -> State {
        self.locked().clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes the calls that wait for one.
    pub(super) fn set(&self, state: State) {
        let places = match &state {
            State::Open(sender) => self.allowed(sender),
            State::Opening | State::Down(_) => 0,
        };
        let before = std::mem::replace(&mut *self.locked(), state);
        self.places.store(places, Ordering::Relaxed);
        // Not while the state is locked: the last sender closes its connection.
        drop(before);
        self.standing.common.changed.notify_waiters();
    }

    /// Gives it no more calls, and closes its connection once those it has have ended.
    pub(super) fn retire(&self) {
        self.set(State::Opening);
        // The keeper is the only one that waits, now or soon.
        self.retired.notify_one();
    }

    /// Waits until it is retired.
    pub(super) async fn retired(&self) {
        self.retired.notified().await;
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(*self.locked(), State::Open(_))
    }

    /// Whether it is open and has room for a call, as far as known.
    pub(super) fn has_room(&self) -> bool {
        self.calls.load(Ordering::Relaxed) < self.places.load(Ordering::Relaxed)
    }

    /// Takes a place for a call, if there is one.
    pub(super) fn take(self: &Arc<Self>, deadline: Instant) -> Option<(Busy, SendRequest<Bytes>)> {
        let sender = match &*self.locked() {
            State::Open(sender) => sender.clone(),
            State::Opening | State::Down(_) => return None,
        };
        // A service may change it at any time.
        let places = self.allowed(&sender);
        self.places.store(places, Ordering::Relaxed);
        let busy = || Busy::with(Arc::clone(self), deadline);
        self.has_room().then(|| (busy(), sender))
    }

    /// Asks again how many calls the service takes.
    pub(super) fn refresh(&self) {
        if let State::Open(sender) = &*self.locked() {
            let places = self.allowed(sender);
            self.places.store(places, Ordering::Relaxed);
        }
    }

    /// Calls that the service takes at once, or fewer where the operator says so.
    fn allowed(&self, sender: &SendRequest<Bytes>) -> usize {
        let most = self.standing.common.calls_max;
        sender.current_max_send_streams().min(most)
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls in flight and calls that timed out. A connection on which nothing comes back
    /// would otherwise have the fewest calls, again and again, and take them all.
    pub(super) fn load(&self) -> usize {
        match self.timed_out.load(Ordering::Relaxed) {
            0 => self.calls(),
            timed_out => self.calls() + self.still_counting(timed_out),
        }
    }

    #[cold]
    fn still_counting(&self, timed_out: usize) -> usize {
        let at = *self
            .timed_out_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if at.is_some_and(|at| at.elapsed() < TIMED_OUT_COUNTS) {
            return timed_out;
        }
        self.timed_out.store(0, Ordering::Relaxed);
        0
    }
}

/// Holds the place of one call on a link until dropped.
pub(crate) struct Busy {
    link: Arc<Link>,
    /// Until when it may take to be answered; `None` once it is.
    unanswered: Option<Instant>,
    counted: Option<Counted>,
}

/// What a call is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct For {
    /// Its method, as metrics know it.
    pub(crate) rpc: RpcId,
    /// What it is made under; `None` with traces off.
    pub(crate) trace: Option<Context>,
}

/// What is counted and recorded of a call when its place is given back.
struct Counted {
    rpc: RpcId,
    /// The call's span, where it is recorded.
    client: Option<Box<Client>>,
    began: std::time::Instant,
    /// The number of its status, or [`NO_END`].
    ended: AtomicU32,
}

const NO_END: u32 = u32::MAX;

impl Busy {
    fn with(link: Arc<Link>, deadline: Instant) -> Self {
        link.calls.fetch_add(1, Ordering::Relaxed);
        Busy {
            link,
            unanswered: Some(deadline),
            counted: None,
        }
    }

    /// Counts the call as one of this method from now on.
    pub(super) fn count(&mut self, rpc: Option<RpcId>) {
        if let Some(rpc) = rpc.filter(|_| self.worker().is_on()) {
            self.worker().call_started(Side::Client, rpc);
            self.counted = Some(Counted::of(rpc));
        }
    }

    /// Has `headers` tell the service the trace, and records the call if the trace is. It
    /// was made `resent` times before.
    pub(super) fn trace(&mut self, made: For, resent: u32, headers: &mut HeaderMap) {
        let Some(trace) = made.trace else {
            return;
        };
        let client = self.worker().traces().call(Some(trace), resent);
        tell_trace(
            client.as_ref().map_or(trace, |client| client.context()),
            headers,
        );
        if client.is_some() {
            let counted = self.counted.get_or_insert_with(|| Counted::of(made.rpc));
            counted.client = client;
        }
    }

    /// Where the messages of the call are counted, if it is recorded.
    pub(crate) fn messages(&self) -> Option<&Arc<Messages>> {
        let client = self.counted.as_ref()?.client.as_ref()?;
        Some(client.messages())
    }

    /// What the worker counts with.
    pub(crate) fn worker(&self) -> &Arc<Worker> {
        &self.link.standing.common.worker
    }

    /// Messages have been sent to the service.
    pub(super) fn sent(&self, messages: u64) {
        if let Some(Counted { rpc, client, .. }) = &self.counted {
            self.worker().sent(Side::Client, *rpc, messages);
            if let Some(client) = client {
                client.messages().sent(messages);
            }
        }
    }

    /// Messages of the service have come.
    pub(super) fn received(&self, messages: u64) {
        if let Some(Counted { rpc, client, .. }) = &self.counted {
            self.worker().received(Side::Client, *rpc, messages);
            if let Some(client) = client {
                client.messages().received(messages);
            }
        }
    }

    /// Messages of the service were its, and go to the client as they are.
    pub(crate) fn passed_on(&self, rpc: RpcId, messages: u64) {
        self.received(messages);
        self.worker().sent(Side::Server, rpc, messages);
    }

    /// What is counted of the call's end, unless it ends otherwise.
    pub(super) fn ended(&self, code: Option<Code>) {
        if let Some(counted) = &self.counted {
            let number = code.map_or(0, Code::number);
            counted.ended.store(number, Ordering::Relaxed);
        }
    }

    pub(super) fn standing(&self) -> &Arc<Standing> {
        &self.link.standing
    }

    /// Whether the gateway has ended the call itself.
    pub(crate) fn is_over(&self) -> bool {
        self.link.standing.common.stop.is_over()
    }

    /// The service has begun to answer.
    pub(super) fn answered(&mut self) {
        self.unanswered = None;
        if self.link.timed_out.load(Ordering::Relaxed) != 0 {
            self.link.timed_out.store(0, Ordering::Relaxed);
        }
    }

    /// The call ended, with `code` unless all was well.
    pub(crate) fn judge(&self, code: Option<Code>) {
        self.ended(code);
        self.link.standing.judge(code);
    }
}

impl Counted {
    fn of(rpc: RpcId) -> Self {
        Counted {
            rpc,
            client: None,
            began: std::time::Instant::now(),
            ended: AtomicU32::new(NO_END),
        }
    }

    fn end(&self, standing: &Standing, is_late: bool) {
        let worker = &standing.common.worker;
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let ended = self.ended.load(Ordering::Relaxed);
        let code = match ended {
            NO_END if is_late => Code::DeadlineExceeded.number(),
            NO_END => Code::Cancelled.number(),
            number => number,
        };
        worker.call_ended(Side::Client, self.rpc, code, nanos);
        if ended == NO_END {
            worker.call_aborted(Side::Client, self.rpc);
        }
        if let Some(client) = &self.client {
            let authority = standing.target.address.authority();
            worker.called(client, Called::Rpc(self.rpc, code), authority.as_str());
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let link = &self.link;
        link.calls.fetch_sub(1, Ordering::Relaxed);
        let common = &link.standing.common;
        if !common.queue.is_empty() {
            common.room.notify_one();
        }
        // One that its client gave up says nothing of the connection.
        let is_late = self
            .unanswered
            .is_some_and(|deadline| deadline <= Instant::now());
        if let Some(counted) = &self.counted {
            counted.end(&link.standing, is_late);
        }
        if is_late {
            link.timed_out.fetch_add(1, Ordering::Relaxed);
            let mut at = link
                .timed_out_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *at = Some(Instant::now());
        }
    }
}
