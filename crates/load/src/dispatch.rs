//! Which worker of an open loop makes the next arrival: the one that was freed
//! last. In: a thread's schedule, and workers as they become free; out: each
//! arrival of the schedule exactly once, in order, until the first one that is due
//! at the window's end or later.
//!
//! Taking turns instead would spread a low rate over all workers, and their
//! connections would go cold and be closed as idle. So as many connections are
//! used as there are arrivals under way, and the others wait for a burst.
//!
//! A worker that is freed takes an overdue arrival itself; what waits for a worker
//! stays in the schedule and takes no memory.

use std::{cell::RefCell, time::Instant};

use tokio::sync::{Notify, oneshot};

use crate::{pacer::Pacer, schedule::Schedule};

/// The arrivals of one thread and the workers that wait for them.
#[derive(Debug)]
pub(crate) struct Dispatch {
    upcoming: RefCell<Upcoming>,
    /// The one that was freed last on top.
    idle: RefCell<Vec<oneshot::Sender<Instant>>>,
    /// A worker became idle, or the arrivals are over.
    changed: Notify,
}

#[derive(Debug)]
struct Upcoming {
    schedule: Schedule,
    /// None once the arrivals are over.
    next: Option<Instant>,
    end: Instant,
}

/// An arrival for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A worker was waiting when it was due.
    Awaited {
        due: Instant,
        /// When the worker could begin.
        begun: Instant,
    },
    /// All workers were busy when it was due.
    Queued { due: Instant },
}

impl Dispatch {
    /// The arrivals of `schedule` before `end`.
    pub(crate) fn new(mut schedule: Schedule, end: Instant) -> Self {
        let next = schedule.next().filter(|due| *due < end);
        Dispatch {
            upcoming: RefCell::new(Upcoming {
                schedule,
                next,
                end,
            }),
            idle: RefCell::default(),
            changed: Notify::new(),
        }
    }

    /// Hands arrivals to idle workers when they are due, until they are over.
    pub(crate) async fn run(&self, pacer: &Pacer) {
        while let Some(due) = self.next_due() {
            pacer.wait(due).await;
            // A worker that was freed meanwhile may have taken it.
            if self.next_due() != Some(due) {
                continue;
            }
            let idle = self.idle.borrow_mut().pop();
            match idle {
                Some(worker) => {
                    self.upcoming.borrow_mut().advance();
                    // Fails only when the run is being given up.
                    let _ = worker.send(due);
                }
                None => self.changed.notified().await,
            }
        }
        // Tells those who wait that nothing comes.
        self.idle.borrow_mut().clear();
    }

    /// The next arrival for a worker that is free since `free`; none when they are
    /// over.
    pub(crate) async fn next(&self, free: Instant) -> Option<Arrival> {
        let Some(due) = self.next_due() else {
            self.changed.notify_one();
            return None;
        };
        if due <= free {
            self.upcoming.borrow_mut().advance();
            // Who is idle was so before this was due, and only the thread is late.
            let awaited = !self.idle.borrow().is_empty();
            return Some(if awaited {
                Arrival::Awaited { due, begun: free }
            } else {
                Arrival::Queued { due }
            });
        }
        let (hand, handed) = oneshot::channel();
        self.idle.borrow_mut().push(hand);
        self.changed.notify_one();
        let due = handed.await.ok()?;
        Some(Arrival::Awaited {
            due,
            begun: Instant::now(),
        })
    }

    fn next_due(&self) -> Option<Instant> {
        self.upcoming.borrow().next
    }
}

impl Upcoming {
    fn advance(&mut self) {
        self.next = self.schedule.next().filter(|due| *due < self.end);
    }
}

#[cfg(test)]
mod tests {
    use std::{rc::Rc, time::Duration};

    use tokio::{
        runtime::{LocalOptions, LocalRuntime},
        task::{JoinSet, spawn_local, yield_now},
    };

    use super::*;
    use crate::{schedule::Share, shape::Arrivals};

    const GAP: Duration = Duration::from_millis(5);

    fn runtime() -> LocalRuntime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .expect("a runtime")
    }

    /// So many arrivals from `start` on, one each gap.
    fn dispatch(start: Instant, arrivals: u32) -> Rc<Dispatch> {
        let share = Share {
            thread: 0,
            threads: 1,
        };
        let rate = 1.0 / GAP.as_secs_f64();
        let schedule = Schedule::new(Arrivals::Constant, start, rate, share, 7);
        Rc::new(Dispatch::new(schedule, start + GAP * arrivals - GAP / 2))
    }

    /// Lets the dispatch run in the background.
    fn run(dispatch: &Rc<Dispatch>) {
        let pacer = Rc::new(Pacer::new().expect("a timer"));
        let (runs, dispatch) = (Rc::clone(&pacer), Rc::clone(dispatch));
        spawn_local(async move { runs.run().await });
        spawn_local(async move { dispatch.run(&pacer).await });
    }

    #[test]
    fn the_worker_that_was_freed_last_is_next_and_the_others_hear_of_the_end() {
        runtime().block_on(async {
            let start = Instant::now() + Duration::from_millis(50);
            let dispatch = dispatch(start, 2);
            run(&dispatch);
            let handed = Rc::new(RefCell::new(Vec::new()));
            let mut workers = JoinSet::new();
            for worker in 0..4 {
                let (dispatch, handed) = (Rc::clone(&dispatch), Rc::clone(&handed));
                workers.spawn_local(async move {
                    // Makes one arrival and is never free again.
                    let arrival = dispatch.next(start - GAP).await;
                    handed.borrow_mut().push((worker, arrival));
                });
                yield_now().await;
            }
            workers.join_all().await;
            let due = |worker: i32| {
                let handed = handed.borrow();
                let found = handed.iter().find(|(other, _)| *other == worker);
                match found.and_then(|(_, arrival)| *arrival) {
                    Some(Arrival::Awaited { due, begun }) => {
                        assert!(begun >= due);
                        Some(due)
                    }
                    other => {
                        assert_eq!(other, None);
                        None
                    }
                }
            };
            let expected = [None, None, Some(start + GAP), Some(start)];
            assert_eq!([0, 1, 2, 3].map(due), expected);
        });
    }

    #[test]
    fn each_arrival_is_made_once_and_in_order() {
        runtime().block_on(async {
            let start = Instant::now() + GAP;
            let dispatch = dispatch(start, 20);
            run(&dispatch);
            let made = Rc::new(RefCell::new(Vec::new()));
            let mut workers = JoinSet::new();
            for worker in 0..3 {
                let (dispatch, made) = (Rc::clone(&dispatch), Rc::clone(&made));
                workers.spawn_local(async move {
                    while let Some(arrival) = dispatch.next(Instant::now()).await {
                        let (Arrival::Awaited { due, .. } | Arrival::Queued { due }) = arrival;
                        made.borrow_mut().push(due);
                        // Longer than a gap, so that they are busy at times.
                        tokio::time::sleep(GAP * (worker + 1)).await;
                    }
                });
            }
            workers.join_all().await;
            made.borrow_mut().sort_unstable();
            let expected: Vec<_> = (0..20).map(|index| start + GAP * index).collect();
            assert_eq!(*made.borrow(), expected);
        });
    }

    #[test]
    fn a_freed_worker_takes_what_is_overdue_at_once() {
        runtime().block_on(async {
            let start = Instant::now();
            // Nothing runs it: nobody else hands anything out.
            let dispatch = dispatch(start, 3);
            let free = start + GAP;
            for index in 0..2 {
                let due = start + GAP * index;
                assert_eq!(dispatch.next(free).await, Some(Arrival::Queued { due }));
            }
            let waits = Rc::clone(&dispatch);
            spawn_local(async move { waits.next(free).await });
            yield_now().await;
            let free = start + GAP * 2;
            let due = free;
            assert_eq!(
                dispatch.next(free).await,
                Some(Arrival::Awaited { due, begun: free }),
                "the thread was late, another worker was idle"
            );
            assert_eq!(dispatch.next(free).await, None);
        });
    }
}
