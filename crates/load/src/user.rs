//! One virtual user, or one worker of an open loop: waits for its turn, makes the
//! scenario's requests one after the other, reports each as it finishes, and again.
//! In: what all users of a thread share; out: counts. What it is that makes a turn
//! is the only difference between the loops:
//!
//! - closed: the user is free;
//! - closed with a pace: its next due time, one period after the one before,
//!   whether or not that was kept;
//! - open: the next arrival of the thread's schedule, which the first free worker
//!   takes.
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

use crate::{client::Client, counts::Finished, exchange::RequestError, thread::Thread};

/// How long a user of a closed loop waits after a failure, so that a target that
/// refuses connections costs 10 attempts a second and user, not a busy loop. Where
/// there are due times, those limit the attempts.
pub const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// When a user begins its iterations.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Turns {
    /// When it is free, from then on.
    WhenFree(Instant),
    /// At this instant and then once every period.
    Every(Instant, Duration),
    /// Whenever it finds an arrival, once its connection was opened, at this instant.
    Arrivals(Instant),
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
            Turns::WhenFree(first) => self.free = self.thread.pacer.wait(first).await,
            Turns::Every(..) => {}
            Turns::Arrivals(connect) => {
                self.thread.pacer.wait(connect).await;
                self.connect_ahead().await;
            }
        }
        while let Some(start) = self.next_start().await {
            self.iterate(start).await;
            self.iteration += 1;
        }
        if !self.served && !matches!(self.turns, Turns::Arrivals(_)) {
            self.thread.count(|counts| counts.record_unserved());
        }
        self.client
    }

    async fn connect_ahead(&mut self) {
        let thread = &self.thread;
        let open = self.client.link.open_ahead(thread.protocol, &thread.dialer);
        // Taken up again by the first request if it takes longer.
        let _ = tokio::time::timeout_at(thread.window.start.into(), open).await;
        self.free = Instant::now();
    }

    /// Waits for the next iteration that can still be begun.
    async fn next_start(&mut self) -> Option<Start> {
        loop {
            let due = match &mut self.turns {
                Turns::WhenFree(_) => self.free,
                Turns::Every(next, period) => {
                    let due = *next;
                    *next += *period;
                    due
                }
                Turns::Arrivals(_) => self.thread.next_arrival()?,
            };
            if due >= self.thread.window.end {
                return None;
            }
            if matches!(self.turns, Turns::WhenFree(_)) {
                return Some(Start { due, begun: due });
            }
            let begun = self.reach(due).await;
            if begun < due + self.thread.request_timeout {
                return Some(Start { due, begun });
            }
            self.thread.count(|counts| counts.record_not_begun(due));
        }
    }

    /// Waits until `due`, unless that has passed while the user was busy.
    async fn reach(&mut self, due: Instant) -> Instant {
        if due <= self.free {
            self.thread.note_queued(due);
        } else {
            self.free = self.thread.pacer.wait(due).await;
            self.thread.note_woken(due, self.free);
        }
        self.free
    }

    /// Makes the requests of the scenario once.
    async fn iterate(&mut self, start: Start) {
        let thread = Rc::clone(&self.thread);
        let Start { mut begun, .. } = start;
        let mut intended = start.due;
        for (route, request) in thread.scenario.requests.iter().enumerate() {
            let deadline = (intended + thread.request_timeout).min(thread.give_up);
            thread.set_values(self.index, self.iteration);
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
            thread.count(|counts| counts.record(&finished, &self.client.observed));
            self.served |= failure.is_none();
            self.free = ended;
            if failure.is_some() && matches!(self.turns, Turns::WhenFree(_)) {
                sleep(PAUSE_AFTER_FAILURE).await;
                self.free = Instant::now();
            }
            if self.free >= thread.give_up {
                thread.count(|counts| counts.record_unfinished(start.due));
                return;
            }
            (intended, begun) = (self.free, self.free);
        }
        thread.count(|counts| counts.record_iteration(start.due, self.free));
    }
}
