//! One virtual user, or one worker of an open loop: waits for its turn, makes the
//! scenario's requests one after the other, reports each as it finishes, and again.
//! In: what all users of a thread share; out: counts. What it is that makes a turn
//! is the only difference between the loops:
//!
//! - closed: the user is free;
//! - closed with a pace: its next due time, one period after the one before,
//!   whether or not that was kept;
//! - open: the arrival that the thread's [`queue`](crate::queue) gives it.
//!
//! A turn that is late is made at once, and its latency counts from when it was
//! due. One that is later than the request timeout is not made but counted.
//!
//! One clock reading serves as the end of one request and the start of the next.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    client::Client,
    counts::{Finished, Iteration},
    exchange::RequestError,
    queue::Arrival,
    thread::Thread,
};

/// How long a user of a closed loop waits after a failure, so that a target that
/// refuses connections costs 10 attempts a second and user, not a busy loop. Where
/// there are due times, those limit the attempts.
pub const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// When a user begins its iterations.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Turns {
    /// When it is free, from then on.
    WhenFree { first: Instant },
    /// Once every period.
    Every {
        /// When its connection is opened, unless the first turn is before that.
        connect: Instant,
        next: Instant,
        period: Duration,
    },
    /// Whenever it is given an arrival.
    Arrivals {
        /// When its connection is opened.
        connect: Instant,
        /// Among those of its thread.
        worker: usize,
    },
}

/// One user, before and while it runs.
#[derive(Debug)]
pub(crate) struct User {
    thread: Rc<Thread>,
    /// Among those of all threads.
    index: u32,
    turns: Turns,
    client: Client,
    iteration: u64,
    /// The latest reading of the clock: since then it has had nothing to do.
    free: Instant,
    served: bool,
}

/// An iteration that may begin.
#[derive(Debug, Clone, Copy)]
struct Start {
    due: Instant,
    begun: Instant,
}

impl User {
    pub(crate) fn new(thread: Rc<Thread>, index: u32, turns: Turns, client: Client) -> Self {
        User {
            thread,
            index,
            turns,
            client,
            iteration: 0,
            free: Instant::now(),
            served: false,
        }
    }

    /// Runs until the window has closed and what was due in it is done. Its
    /// connection stays open as long as what is returned.
    pub(crate) async fn run(mut self) -> Client {
        match self.turns {
            Turns::WhenFree { first } => self.free = self.thread.pacer.wait(first).await,
            Turns::Every { connect, next, .. } => self.connect_ahead(connect, next).await,
            Turns::Arrivals { connect, .. } => {
                self.connect_ahead(connect, self.thread.window.start).await;
            }
        }
        while let Some(start) = self.next_start().await {
            self.iterate(start).await;
            self.iteration += 1;
        }
        if !self.served && self.is_user() {
            self.thread.count(|counts| counts.record_unserved());
        }
        self.client
    }

    /// Whether it stands for somebody: the workers of an open loop are only so many
    /// hands.
    fn is_user(&self) -> bool {
        !matches!(self.turns, Turns::Arrivals { .. })
    }

    /// Opens its connection at this instant, unless that must be over before.
    async fn connect_ahead(&mut self, at: Instant, before: Instant) {
        let thread = &self.thread;
        let before = before.min(thread.window.start);
        if at < before && thread.pacer.wait(at).await < before {
            let open = self.client.link.open_ahead(thread.protocol, &thread.dialer);
            // Taken up again by the first request if it takes longer.
            let _ = tokio::time::timeout_at(before.into(), open).await;
        }
        self.free = Instant::now();
    }

    /// Waits for the next iteration that can still be begun.
    async fn next_start(&mut self) -> Option<Start> {
        loop {
            let due = match &mut self.turns {
                Turns::WhenFree { .. } => {
                    let due = self.free;
                    let inside = due < self.thread.window.end;
                    return inside.then_some(Start { due, begun: due });
                }
                Turns::Every { next, period, .. } => {
                    let due = *next;
                    *next += *period;
                    if due >= self.thread.window.end {
                        return None;
                    }
                    self.reach(due).await;
                    due
                }
                Turns::Arrivals { worker, .. } => {
                    match self.thread.next_arrival(*worker, self.free).await? {
                        Arrival::Queued(due) => {
                            self.thread.note_queued(due);
                            due
                        }
                        Arrival::Awaited(due) => {
                            self.woken(due, Instant::now());
                            due
                        }
                    }
                }
            };
            if self.free < due + self.thread.request_timeout {
                let begun = self.free;
                return Some(Start { due, begun });
            }
            self.thread.count(|counts| counts.record_not_begun(due));
        }
    }

    /// Waits until `due`, unless that has passed while the user was busy.
    async fn reach(&mut self, due: Instant) {
        if due <= self.free {
            self.thread.note_queued(due);
        } else {
            let woke = self.thread.pacer.wait(due).await;
            self.woken(due, woke);
        }
    }

    fn woken(&mut self, due: Instant, woke: Instant) {
        self.free = woke;
        self.thread.note_woken(due, woke);
    }

    /// Makes the requests of the scenario once.
    async fn iterate(&mut self, start: Start) {
        let thread = Rc::clone(&self.thread);
        let Start { mut begun, .. } = start;
        let mut intended = start.due;
        let mut failures = 0;
        for (route, request) in thread.scenario.requests.iter().enumerate() {
            let deadline = (intended + thread.request_timeout).min(thread.give_up);
            thread.set_values(self.index, self.iteration);
            self.client.observed.begin(route, intended);
            let outcome = self.client.request(request, &thread.values, deadline).await;
            let ended = Instant::now();
            let failure = outcome.as_ref().err().map(RequestError::kind);
            let finished = Finished {
                route,
                intended,
                begun,
                sent: self.client.observed.sent.unwrap_or(begun),
                ended,
                failure,
            };
            thread.count(|counts| {
                counts.record(&finished, &self.client.observed);
                if self.is_user() {
                    counts.record_user(&finished);
                }
            });
            self.served |= failure.is_none();
            failures += u32::from(failure.is_some());
            self.free = ended;
            if failure.is_some() && matches!(self.turns, Turns::WhenFree { .. }) {
                sleep(PAUSE_AFTER_FAILURE).await;
                self.free = Instant::now();
            }
            if self.free >= thread.give_up {
                thread.count(|counts| counts.record_unfinished(start.due));
                return;
            }
            (intended, begun) = (self.free, self.free);
        }
        let done = Iteration {
            intended: start.due,
            free: self.free,
            failures,
        };
        thread.count(|counts| counts.record_iteration(&done));
    }
}
