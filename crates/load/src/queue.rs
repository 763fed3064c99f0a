//! Arrivals of an open loop, and the workers that make them. In: a thread's
//! schedule, and workers that are free; out: each arrival once, in order, to one
//! worker. It measures no lateness: the worker that begins does.
//!
//! Among idle workers the one that was freed last is next. Workers keep their
//! connections, and with turns for all of them each connection of a large reserve
//! would be used every few seconds or minutes: cold, or closed by the target as
//! idle, which no system that keeps connections does to itself. So a load is made
//! by as few workers as it needs, and the others are there for bursts and stalls.
//!
//! One task a thread, [`Queue::hand_out`], waits for the next arrival and wakes the
//! worker for it. When none is idle, arrivals wait at the schedule's cursor, where
//! they take no memory, and a worker takes the next overdue one as soon as it is
//! free.

use std::{
    cell::RefCell,
    future::poll_fn,
    task::{Poll, Waker},
    time::Instant,
};

use tokio::sync::Notify;

use crate::{pacer::Pacer, schedule::Schedule};

/// The arrivals of one thread.
#[derive(Debug)]
pub(crate) struct Queue {
    line: RefCell<Line>,
    /// Told when there is an idle worker again.
    idled: Notify,
}

/// What a worker is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A worker was waiting when it was due, at this instant.
    Awaited(Instant),
    /// It was due when all workers were busy.
    Queued(Instant),
}

#[derive(Debug)]
struct Line {
    schedule: Schedule,
    end: Instant,
    /// The first one that nobody has; none when there are no more before the end.
    next: Option<Instant>,
    /// The one freed last on top.
    idle: Vec<Idle>,
    /// What idle workers were given, by worker.
    given: Vec<Option<Given>>,
}

#[derive(Debug)]
struct Idle {
    worker: usize,
    waker: Waker,
}

/// An arrival, or that there are no more.
type Given = Option<Arrival>;

impl Queue {
    /// The arrivals of `schedule` before `end`, for so many workers.
    pub(crate) fn new(mut schedule: Schedule, end: Instant, workers: usize) -> Self {
        let next = schedule.next().filter(|due| *due < end);
        Queue {
            line: RefCell::new(Line {
                schedule,
                end,
                next,
                idle: Vec::new(),
                given: vec![None; workers],
            }),
            idled: Notify::new(),
        }
    }

    /// The next arrival for this worker, which has been free since `free`; none when
    /// there are no more. Needs [`Queue::hand_out`] beside it.
    pub(crate) async fn next(&self, worker: usize, free: Instant) -> Option<Arrival> {
        let mut entered = false;
        poll_fn(|context| {
            let line = &mut *self.line.borrow_mut();
            if entered {
                return line.given[worker].take().map_or(Poll::Pending, Poll::Ready);
            }
            if let Some(given) = line.take_overdue(free) {
                return Poll::Ready(given);
            }
            entered = true;
            let waker = context.waker().clone();
            line.idle.push(Idle { worker, waker });
            if line.idle.len() == 1 {
                self.idled.notify_one();
            }
            Poll::Pending
        })
        .await
    }

    /// Wakes an idle worker for each arrival when it is due, until there are no more.
    pub(crate) async fn hand_out(&self, pacer: &Pacer) {
        loop {
            let (next, idle) = {
                let line = self.line.borrow();
                (line.next, !line.idle.is_empty())
            };
            match next {
                Some(due) if idle => {
                    let now = pacer.wait(due).await;
                    self.line.borrow_mut().give(now);
                }
                Some(_) => self.idled.notified().await,
                None => {
                    self.line.borrow_mut().dismiss();
                    return;
                }
            }
        }
    }
}

impl Line {
    /// What a worker that has just become free need not wait for.
    fn take_overdue(&mut self, free: Instant) -> Option<Given> {
        let Some(due) = self.next else {
            return Some(None);
        };
        if due > free {
            return None;
        }
        self.advance();
        // Where others are idle, they are about to be woken: the thread is late.
        Some(Some(if self.idle.is_empty() {
            Arrival::Queued(due)
        } else {
            Arrival::Awaited(due)
        }))
    }

    /// Gives what is due to those who are idle.
    fn give(&mut self, now: Instant) {
        while let Some(due) = self.next.filter(|due| *due <= now) {
            let Some(idle) = self.idle.pop() else {
                return;
            };
            self.advance();
            self.given[idle.worker] = Some(Some(Arrival::Awaited(due)));
            idle.waker.wake();
        }
    }

    /// Tells all who are idle that there is nothing more.
    fn dismiss(&mut self) {
        for idle in self.idle.drain(..) {
            self.given[idle.worker] = Some(None);
            idle.waker.wake();
        }
    }

    fn advance(&mut self) {
        self.next = self.schedule.next().filter(|due| *due < self.end);
    }
}

#[cfg(test)]
mod tests;
