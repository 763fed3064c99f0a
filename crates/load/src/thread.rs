//! One thread of the generator: a single-threaded runtime with its users, their
//! connections and their counts. In: its share of the load; out: what it saw of
//! itself, while the counts are in a ledger that the progress display may read.
//!
//! Nothing else is shared between threads while they run.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::{JoinSet, spawn_local};

use crate::{
    client::Client,
    counts::{Ledger, Recorder, Window},
    dialer::Dialer,
    engine::Load,
    grpc,
    link::{Link, Pool},
    pacer::Pacer,
    queue::{Arrival, Queue},
    scenario::{Protocol, Scenario},
    schedule::{Schedule, Share},
    self_check::{Lateness, ThreadCheck, watch},
    shape::{ConnectionCount, Connections, Reuse, Shape},
    template::Values,
    traffic::Traffic,
    user::{Turns, User},
};

/// When everything happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// The start of the warm-up.
    pub(crate) begin: Instant,
    pub(crate) window: Window,
}

/// What came of a thread, apart from the counts.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) check: ThreadCheck,
    /// In the window.
    pub(crate) traffic: Traffic,
}

/// What the users of a thread share.
#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) protocol: Protocol,
    pub(crate) window: Window,
    pub(crate) request_timeout: Duration,
    /// From here on nothing is waited for.
    pub(crate) give_up: Instant,
    pub(crate) pacer: Rc<Pacer>,
    pub(crate) dialer: Rc<Dialer>,
    pub(crate) values: RefCell<Values>,
    pub(crate) lateness: RefCell<Lateness>,
    /// Of an open loop.
    queue: Option<Queue>,
    requests: Cell<u64>,
    ledger: Ledger,
}

impl Thread {
    /// Applies `event` to the counts.
    pub(crate) fn count(&self, event: impl FnOnce(&mut Recorder)) {
        event(&mut self.ledger.lock());
    }

    /// The next arrival of an open loop, for a worker that is free since then.
    pub(crate) async fn next_arrival(&self, worker: usize, free: Instant) -> Option<Arrival> {
        self.queue.as_ref()?.next(worker, free).await
    }

    async fn hand_out(&self) {
        if let Some(queue) = &self.queue {
            queue.hand_out(&self.pacer).await;
        }
    }

    /// What expressions stand for in the request that is about to be made.
    pub(crate) fn set_values(&self, user: u32, iteration: u64) {
        let mut values = self.values.borrow_mut();
        values.user = user;
        values.iteration = iteration;
        values.request = self.requests.replace(self.requests.get() + 1);
    }

    /// Notes that whoever waited for `due` was woken at `woke`.
    pub(crate) fn note_woken(&self, due: Instant, woke: Instant) {
        if self.window.holds(due) {
            self.lateness.borrow_mut().woken(woke - due);
        }
    }

    /// Notes an iteration whose due time had passed before anyone was free.
    pub(crate) fn note_queued(&self, due: Instant) {
        if self.window.holds(due) {
            self.lateness.borrow_mut().queued();
        }
    }
}

/// Runs a thread's share of the load to its end; the connections stay open as long
/// as the clients that come with the report. Must be called within a local runtime
/// in which `pacer` runs.
pub(crate) async fn run(
    load: &Load,
    share: Share,
    times: Times,
    pacer: Rc<Pacer>,
    timer_resolution: Duration,
    ledger: Ledger,
) -> (Report, Vec<Client>) {
    let protocol = load.scenario.protocol();
    let pool = pool(&load.connections, share, protocol);
    let thread = Rc::new(Thread {
        scenario: Arc::clone(&load.scenario),
        protocol,
        window: times.window,
        request_timeout: load.request_timeout,
        give_up: times.window.end + load.request_timeout,
        pacer,
        dialer: Rc::new(Dialer::new(
            load.address,
            load.tls.clone(),
            settings(&load.connections),
        )),
        values: RefCell::new(Values::new(load.seed, u64::from(share.thread))),
        lateness: RefCell::default(),
        queue: queue(load, share, times),
        requests: Cell::new(0),
        ledger,
    });
    let watched = spawn_local(watch(Rc::clone(&thread)));
    let handing = Rc::clone(&thread);
    spawn_local(async move { handing.hand_out().await });
    let mut users = JoinSet::new();
    for (index, turns) in turns(load, share, times) {
        let link = Link::new(pool.clone(), load.connections.reuse);
        let dialer = Rc::clone(&thread.dialer);
        let pacer = Rc::clone(&thread.pacer);
        let ledger = thread.ledger.clone();
        let client = Client::new(dialer, pacer, link, load.request_timeout, ledger);
        users.spawn_local(User::new(Rc::clone(&thread), index, turns, client).run());
    }
    if let Some(pool) = &pool
        && opens_ahead(load)
    {
        open_ahead(&thread, pool, times.begin..times.begin + ramp(load));
    }
    let clients = users.join_all().await;
    let watched = watched.await.expect("it ends with the window");
    let check = ThreadCheck::new(&thread.lateness.borrow(), &watched, timer_resolution);
    let report = Report {
        check,
        traffic: watched.traffic,
    };
    (report, clients)
}

/// The pool of a thread whose users share connections.
fn pool(connections: &Connections, share: Share, protocol: Protocol) -> Option<Rc<Pool>> {
    let ConnectionCount::Shared(count) = connections.count else {
        return None;
    };
    let streams_max = match protocol {
        Protocol::Http1 => 1,
        Protocol::Grpc => connections.streams_max,
    };
    Some(Rc::new(Pool::new(
        share.indices(count).count(),
        streams_max,
    )))
}

fn settings(connections: &Connections) -> grpc::Settings {
    grpc::Settings {
        stream_window_bytes: connections.stream_window_bytes,
        connection_window_bytes: connections.connection_window_bytes,
        streams_max: connections.streams_max,
    }
}

/// Whether shared connections are opened before there are requests for them: where
/// there are due times, those must not wait for it.
fn opens_ahead(load: &Load) -> bool {
    let due = match load.shape {
        Shape::Closed { pace, .. } => pace.is_some(),
        Shape::Open { .. } => true,
    };
    due && load.connections.reuse == Reuse::Keep && !load.warm_up.is_zero()
}

/// The part of the warm-up in which users of a closed loop start one after the
/// other, and connections of loops with due times are opened.
fn ramp(load: &Load) -> Duration {
    load.warm_up / 2
}

fn queue(load: &Load, share: Share, times: Times) -> Option<Queue> {
    match load.shape {
        Shape::Closed { .. } => None,
        Shape::Open {
            iterations_per_second: rate,
            arrivals,
            in_flight_max,
        } => {
            let start = times.begin + ramp(load);
            let schedule = Schedule::new(arrivals, start, rate, share, load.seed);
            let workers = share.indices(in_flight_max).count();
            Some(Queue::new(schedule, times.window.end, workers))
        }
    }
}

/// The users of this thread, and when each begins.
fn turns(load: &Load, share: Share, times: Times) -> Vec<(u32, Turns)> {
    let users = load.shape.users();
    let evenly =
        |over: Duration, user: u32| times.begin + over.mul_f64(f64::from(user) / f64::from(users));
    let in_thread = share.indices(users).enumerate();
    in_thread
        .map(|(worker, user)| {
            let ahead = evenly(ramp(load), user);
            let turns = match load.shape {
                Shape::Closed { pace: None, .. } => Turns::WhenFree { first: ahead },
                Shape::Closed {
                    pace: Some(period), ..
                } => Turns::Every {
                    connect: ahead,
                    next: evenly(period, user),
                    period,
                },
                Shape::Open { .. } => Turns::Arrivals {
                    connect: ahead,
                    worker,
                },
            };
            (user, turns)
        })
        .collect()
}

/// Opens the connections of a pool one after the other over `during`.
fn open_ahead(thread: &Rc<Thread>, pool: &Rc<Pool>, during: Range<Instant>) {
    let count = pool.connections();
    for slot in 0..count {
        let at = during.start + (during.end - during.start).mul_f64(slot as f64 / count as f64);
        let (thread, pool) = (Rc::clone(thread), Rc::clone(pool));
        spawn_local(async move {
            thread.pacer.wait(at).await;
            let open = pool.open_ahead(slot, thread.protocol, &thread.dialer);
            // Left to the requests if it takes longer.
            let _ = tokio::time::timeout_at(thread.window.start.into(), open).await;
        });
    }
}
