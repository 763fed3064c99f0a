//! One endpoint of a service: the worker's connections to it, and how it stands:
//! what its health service says, and whether its calls failed too often.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
};

use http::uri::Scheme;
use server::Stop;
use telemetry::Worker;
use tls::Connector;
use tokio::{sync::Notify, time::Instant};

use super::{
    Address, Balance, Options, Policy,
    balance::Candidate,
    connection,
    ejection::{Ejection, Record},
    health,
    link::{Link, State},
    lost::Lost,
    policy::Health,
    queue::Queue,
    retry::{Budget, Codes},
};
use crate::{counting::Counting, respond::Code};

/// Its health service says something else than that it serves.
const UNWELL: u8 = 1;
/// Its calls failed too often.
const EJECTED: u8 = 2;
/// It is an endpoint no more; calls that it had go on.
const GONE: u8 = 4;
/// Added to the rank of one that has had the call already.
const TRIED: u8 = 1;
const STANDS_BADLY: u8 = 2;

/// Where an endpoint is: an address as it was written, and what its name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) address: Address,
    /// Looked up; `None` for what needs no looking up.
    pub(super) at: Option<SocketAddr>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{} ({at})", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// What all endpoints of a service share.
pub(super) struct Common {
    /// As the log calls the service.
    pub(super) name: Arc<str>,
    ejection: Option<Ejection>,
    /// Endpoints, and those of them that are put aside.
    pub(super) endpoints: AtomicUsize,
    pub(super) ejected: AtomicUsize,
    pub(super) budget: Option<Budget>,
    /// Codes that cost something of the budget.
    costly: Codes,
    /// Told when a connection opens or closes, or endpoints change.
    pub(super) changed: Notify,
    /// Told when a call has ended and others wait for its place.
    pub(super) room: Notify,
    /// Calls that wait for a place.
    pub(super) queue: Queue,
    /// Calls at once on one connection, whatever the service allows.
    pub(super) calls_max: usize,
    /// Told when a connection is lost: names may lead elsewhere.
    pub(super) lost: Lost,
    /// Told when a connection is lost, and when one is had again: then the service may
    /// describe itself differently.
    pub(super) described: Arc<Notify>,
    /// How far the gateway is on its way out.
    pub(super) stop: Stop,
    /// Where what happens to the service is counted, and its calls.
    pub(super) counts: Arc<telemetry::Upstream>,
    pub(super) worker: Arc<Worker>,
    /// What encrypts the connections.
    pub(super) tls: Option<Connector>,
}

impl Common {
    pub(super) fn new(
        name: Arc<str>,
        policy: &Policy,
        tls: Option<Connector>,
        described: Arc<Notify>,
        counting: &Counting,
        stop: Stop,
    ) -> Self {
        let repeats = policy.retry.is_some() || policy.hedge.is_some();
        let codes = policy.retry.as_ref().map(|retry| retry.codes);
        let codes = codes.or(policy.hedge.as_ref().map(|hedge| hedge.codes));
        Common {
            counts: counting.telemetry.upstream(&name),
            worker: Arc::clone(&counting.worker),
            name,
            ejection: policy.ejection.clone(),
            endpoints: AtomicUsize::new(0),
            ejected: AtomicUsize::new(0),
            budget: repeats.then(|| Budget::new(policy.budget)),
            costly: codes.unwrap_or_default(),
            changed: Notify::new(),
            room: Notify::new(),
            queue: Queue::default(),
            calls_max: policy.connection_calls_max,
            lost: Lost::new(policy.looks_up()),
            described,
            stop,
            tls,
        }
    }

    /// The scheme of calls.
    pub(super) fn scheme(&self) -> Scheme {
        match self.tls {
            Some(_) => Scheme::HTTPS,
            None => Scheme::HTTP,
        }
    }
}

/// How an endpoint stands.
pub(super) struct Standing {
    pub(super) target: Target,
    pub(super) common: Arc<Common>,
    flags: AtomicU8,
    /// Whether there is something in the record.
    marked: AtomicBool,
    record: Mutex<Record>,
    /// Whether the log says that it is down.
    pub(super) down: AtomicBool,
}

impl Standing {
    pub(super) fn new(target: Target, common: Arc<Common>, health: Health) -> Self {
        let flags = match health {
            // Until it has said something; meanwhile others are taken.
            Health::Watch => UNWELL,
            Health::Off => 0,
        };
        Standing {
            target,
            common,
            flags: AtomicU8::new(flags),
            marked: AtomicBool::new(false),
            record: Mutex::default(),
            down: AtomicBool::new(false),
        }
    }

    /// What the health service says.
    pub(super) fn set_well(&self, well: bool) {
        match well {
            true => self.flags.fetch_and(!UNWELL, Ordering::Relaxed),
            false => self.flags.fetch_or(UNWELL, Ordering::Relaxed),
        };
    }

    /// A call ended, with `code` unless all was well.
    pub(super) fn judge(self: &Arc<Self>, code: Option<Code>) {
        if let Some(budget) = &self.common.budget {
            match code.is_some_and(|code| self.common.costly.contains(code)) {
                true => budget.take(),
                false => budget.give(),
            }
        }
        let Some(policy) = &self.common.ejection else {
            return;
        };
        match code {
            Some(Code::Unavailable) => self.failed(policy),
            _ if self.marked.load(Ordering::Relaxed) => {
                let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
                record.succeeded(policy, Instant::now());
                self.marked.store(!record.is_clean(), Ordering::Relaxed);
            }
            _ => {}
        }
    }

    #[cold]
    fn failed(self: &Arc<Self>, policy: &Ejection) {
        if self.flags.load(Ordering::Relaxed) & (EJECTED | GONE) != 0 {
            return;
        }
        let common = &self.common;
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        self.marked.store(true, Ordering::Relaxed);
        let ejected = common.ejected.load(Ordering::Relaxed);
        let all = common.endpoints.load(Ordering::Relaxed);
        if !record.failed(policy) || !policy.allows(ejected, all) {
            return;
        }
        let time = record.eject(policy);
        self.flags.fetch_or(EJECTED, Ordering::Relaxed);
        common.ejected.fetch_add(1, Ordering::Relaxed);
        common.counts.ejected();
        tracing::warn!(service = %common.name, address = %self.target, ?time, "its calls fail; put aside");
        let standing = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            standing.come_back();
        });
    }

    /// Counts it no more among those put aside; whether it was one.
    fn forgive(&self) -> bool {
        let flags = self.flags.fetch_and(!EJECTED, Ordering::Relaxed);
        let was_ejected = flags & EJECTED != 0;
        if was_ejected {
            self.common.ejected.fetch_sub(1, Ordering::Relaxed);
        }
        was_ejected
    }

    /// It is an endpoint no more: the share of those put aside is one of the endpoints
    /// that there are.
    fn leave(&self) {
        self.flags.fetch_or(GONE, Ordering::Relaxed);
        self.forgive();
    }

    fn come_back(&self) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.returned(Instant::now());
        if !self.forgive() {
            return;
        }
        tracing::info!(service = %self.common.name, address = %self.target, "gets calls again");
    }
}

/// One endpoint. Dropping it closes its connections once their calls have ended.
pub(super) struct Endpoint {
    pub(super) standing: Arc<Standing>,
    pub(super) links: Vec<Arc<Link>>,
    watch: Option<tokio::task::AbortHandle>,
}

impl Endpoint {
    /// Opens the connections and keeps them open.
    pub(super) fn connect(
        target: Target,
        common: &Arc<Common>,
        options: &Options,
        policy: &Policy,
    ) -> Self {
        let standing = Arc::new(Standing::new(target, Arc::clone(common), policy.health));
        let links: Vec<_> = (0..options.connections.max(1))
            .map(|_| Arc::new(Link::new(Arc::clone(&standing))))
            .collect();
        for link in &links {
            let link = Arc::clone(link);
            let keeper = connection::keep(link, options.connect_timeout, policy.keep_alive);
            tokio::spawn(keeper);
        }
        let watch = (policy.health == Health::Watch).then(|| {
            let watched = health::watch(links.clone(), Arc::clone(&standing));
            tokio::spawn(watched).abort_handle()
        });
        Endpoint {
            standing,
            links,
            watch,
        }
    }

    pub(super) fn target(&self) -> &Target {
        &self.standing.target
    }

    pub(super) fn is_open(&self) -> bool {
        self.links.iter().any(|link| link.is_open())
    }

    /// What speaks for giving it a call, if it can take one.
    pub(super) fn candidate(&self, tried: &[Arc<Standing>]) -> Option<Candidate> {
        let mut load = 0;
        let mut has_room = false;
        for link in &self.links {
            load += link.load();
            has_room |= link.has_room();
        }
        has_room.then(|| {
            let stands_badly = self.standing.flags.load(Ordering::Relaxed) != 0;
            let was_tried = tried.iter().any(|tried| Arc::ptr_eq(tried, &self.standing));
            let mut rank = if stands_badly { STANDS_BADLY } else { 0 };
            if was_tried {
                rank |= TRIED;
            }
            Candidate { rank, load }
        })
    }

    /// The connection that takes the next call.
    pub(super) fn link(&self, turn: usize) -> Option<&Arc<Link>> {
        let candidates = self.links.iter().map(|link| {
            link.has_room().then(|| Candidate {
                rank: 0,
                load: link.load(),
            })
        });
        Balance::LeastLoaded
            .choose(turn, candidates)
            .map(|index| &self.links[index])
    }

    /// Whether it is connected, well and not put aside.
    pub(super) fn is_available(&self) -> bool {
        self.is_open() && self.standing.flags.load(Ordering::Relaxed) == 0
    }

    /// In words, for operators; why it gets no calls, if it gets none.
    pub(super) fn problem(&self) -> Option<String> {
        let flags = self.standing.flags.load(Ordering::Relaxed);
        if !self.is_open() {
            let why = self.links.iter().find_map(|link| match link.state() {
                State::Down(why) => Some(why.to_string()),
                _ => None,
            });
            return Some(why.unwrap_or_else(|| "is being connected to".to_owned()));
        }
        match flags {
            0 => None,
            EJECTED => Some("its calls failed; put aside for a while".to_owned()),
            _ => Some("does not say that it is serving".to_owned()),
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
        for link in &self.links {
            link.retire();
        }
        self.standing.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let second = std::time::Duration::from_secs(1);
        let ejection = Ejection::try_new(1, second, second, 100);
        Policy {
            ejection: Some(ejection.expect("it makes sense")),
            ..Policy::of(Vec::new())
        }
    }

    fn standing(common: &Arc<Common>) -> Arc<Standing> {
        let target = Target {
            address: "shop:1".parse().expect("an address"),
            at: None,
        };
        Arc::new(Standing::new(target, Arc::clone(common), Health::Off))
    }

    fn fail(standing: &Arc<Standing>) -> usize {
        standing.judge(Some(Code::Unavailable));
        standing.common.ejected.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn what_is_gone_is_not_put_aside() {
        let counting = Counting::of(&telemetry::Telemetry::off());
        let common = Common::new(
            "shop".into(),
            &policy(),
            None,
            Arc::default(),
            &counting,
            Stop::new(),
        );
        let common = Arc::new(common);
        common.endpoints.store(2, Ordering::Relaxed);
        let (first, second) = (standing(&common), standing(&common));
        assert_eq!(fail(&first), 1);
        // It is put aside already.
        assert_eq!(fail(&first), 1);
        first.leave();
        assert_eq!(common.ejected.load(Ordering::Relaxed), 0);
        // Nor by a call that it still had; and its time ends without another word.
        assert_eq!(fail(&first), 0);
        first.come_back();
        assert_eq!(fail(&second), 1);
        second.come_back();
        assert_eq!(common.ejected.load(Ordering::Relaxed), 0);
    }
}
