//! Waits that end when they should. In: due times; out: the instant of waking, a
//! few tens of microseconds after. The timers of the runtime count whole
//! milliseconds, which would put up to one of them into every latency of an open
//! loop. One pacer serves all users of a generator thread with one timer of the
//! kernel, which is set anew only when the earliest due time changes: ten thousand
//! waiting users cost a heap entry each. It does not spin: the processor time
//! would be taken from the target.
//!
//! A wait that is dropped leaves its entry behind until it is due; nothing here
//! gives up a wait but the end of a run.

#[cfg_attr(target_os = "linux", path = "pacer/timer_fd.rs")]
#[cfg_attr(not(target_os = "linux"), path = "pacer/absent.rs")]
mod timer;

use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::BinaryHeap,
    future::poll_fn,
    io,
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use timer::Timer;

/// Wakes the users of one thread.
#[derive(Debug)]
pub(crate) struct Pacer {
    timer: Timer,
    waiting: RefCell<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The earliest on top.
    heap: BinaryHeap<Reverse<Waiter>>,
    /// When the timer fires next.
    armed: Option<Instant>,
}

#[derive(Debug)]
struct Waiter {
    due: Instant,
    waker: Waker,
}

impl Pacer {
    /// Must be called within the runtime of the thread.
    pub(crate) fn new() -> io::Result<Pacer> {
        Ok(Pacer {
            timer: Timer::new()?,
            waiting: RefCell::default(),
        })
    }

    /// Waits until `due` and returns when that was noticed; a due time that has
    /// passed is noticed at once. Needs [`Pacer::run`] beside it.
    pub(crate) async fn wait(&self, due: Instant) -> Instant {
        let mut entered = false;
        poll_fn(|context| {
            let now = Instant::now();
            if now >= due {
                return Poll::Ready(now);
            }
            if !entered {
                entered = true;
                self.enter(due, context.waker().clone(), now);
            }
            Poll::Pending
        })
        .await
    }

    fn enter(&self, due: Instant, waker: Waker, now: Instant) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.heap.push(Reverse(Waiter { due, waker }));
        if waiting.armed.is_none_or(|armed| due < armed) {
            waiting.armed = Some(due);
            self.timer.set(due.saturating_duration_since(now));
        }
    }

    /// Wakes whoever is due, for ever.
    pub(crate) async fn run(&self) {
        loop {
            self.timer.fired().await;
            self.wake_due();
            // Those woken, and whom they wake, come first: they are late already, and
            // may wait for what is due next. Then the timer is set once, for all,
            // because it is a system call.
            step_aside().await;
            step_aside().await;
            let mut waiting = self.waiting.borrow_mut();
            waiting.armed = waiting.heap.peek().map(|Reverse(next)| next.due);
            if let Some(next) = waiting.armed {
                self.timer
                    .set(next.saturating_duration_since(Instant::now()));
            }
        }
    }

    fn wake_due(&self) {
        let mut waiting = self.waiting.borrow_mut();
        let now = Instant::now();
        while let Some(Reverse(next)) = waiting.heap.peek() {
            if next.due > now {
                break;
            }
            if let Some(Reverse(due)) = waiting.heap.pop() {
                due.waker.wake();
            }
        }
        // Nobody who waits from now on is earlier, and so sets the timer.
        waiting.armed = Some(now);
    }

    /// How late a short wait ends while the thread has nothing else to do: the
    /// median of a few.
    pub(crate) async fn resolution(&self) -> Duration {
        const WAITS: usize = 11;
        const WAIT: Duration = Duration::from_micros(200);
        let mut late = [Duration::ZERO; WAITS];
        for late in &mut late {
            let due = Instant::now() + WAIT;
            *late = self.wait(due).await - due;
        }
        late.sort_unstable();
        late[WAITS / 2]
    }
}

/// Lets the tasks that are ready run, without a look at the sockets.
async fn step_aside() {
    let mut aside = false;
    poll_fn(|context| {
        if std::mem::replace(&mut aside, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Waiter {}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tokio::{
        runtime::{LocalOptions, LocalRuntime},
        task::JoinSet,
    };

    use super::*;

    fn runtime() -> LocalRuntime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .expect("a runtime")
    }

    fn pacer() -> Rc<Pacer> {
        let pacer = Rc::new(Pacer::new().expect("a timer"));
        let runs = Rc::clone(&pacer);
        tokio::task::spawn_local(async move { runs.run().await });
        pacer
    }

    #[test]
    fn everyone_is_woken_once_due_and_in_order() {
        runtime().block_on(async {
            let pacer = pacer();
            let begin = Instant::now();
            let woken = Rc::new(RefCell::new(Vec::new()));
            let mut waits = JoinSet::new();
            // Entered in an order in which the earliest changes several times.
            for ms in [40, 30, 50, 10, 20, 0, 30] {
                let (pacer, woken) = (Rc::clone(&pacer), Rc::clone(&woken));
                waits.spawn_local(async move {
                    let due = begin + Duration::from_millis(ms);
                    assert!(pacer.wait(due).await >= due);
                    woken.borrow_mut().push(ms);
                });
            }
            waits.join_all().await;
            assert_eq!(*woken.borrow(), [0, 10, 20, 30, 30, 40, 50]);
            assert_eq!(pacer.waiting.borrow().heap.len(), 0);
        });
    }

    #[test]
    fn a_wait_that_is_dropped_disturbs_nobody() {
        runtime().block_on(async {
            let pacer = pacer();
            let due = Instant::now() + Duration::from_millis(20);
            let dropped = pacer.wait(due - Duration::from_millis(10));
            let given_up = tokio::time::timeout(Duration::from_millis(1), dropped);
            assert!(given_up.await.is_err());
            assert!(pacer.wait(due).await >= due);
        });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn waits_are_finer_than_the_runtimes_timers() {
        runtime().block_on(async {
            let pacer = pacer();
            // The best of several, since the machine may be busy with other tests.
            let mut best = Duration::MAX;
            for _ in 0..20 {
                best = best.min(pacer.resolution().await);
            }
            assert!(best < Duration::from_micros(500), "{best:?}");
        });
    }
}
