//! The line by itself, without a clock: workers become free and the task that hands
//! out comes round at any times.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{schedule::Share, shape::Arrivals};

const ALONE: Share = Share {
    thread: 0,
    threads: 1,
};

/// An arrival each 10 ms from `start`, so many of them.
fn line(start: Instant, arrivals: u32, workers: usize) -> Line {
    let schedule = Schedule::new(Arrivals::Constant, start, 100.0, ALONE, 1);
    let end = start + Duration::from_millis(10) * arrivals;
    Queue::new(schedule, end, workers).line.into_inner()
}

fn ms(start: Instant, ms: u64) -> Instant {
    start + Duration::from_millis(ms)
}

fn due(arrival: Arrival) -> Instant {
    match arrival {
        Arrival::Awaited(due) | Arrival::Queued(due) => due,
    }
}

impl Line {
    /// A worker that is free: what it has at once, or else it is idle.
    fn free(&mut self, worker: usize, at: Instant) -> Option<Given> {
        let taken = self.take_overdue(at);
        if taken.is_none() {
            let waker = Waker::noop().clone();
            self.idle.push(Idle { worker, waker });
        }
        taken
    }
}

#[test]
fn the_worker_freed_last_is_next() {
    let start = Instant::now();
    let mut line = line(ms(start, 10), 100, 4);
    for worker in [2, 0, 3, 1] {
        assert_eq!(line.free(worker, start), None);
    }
    line.give(ms(start, 10));
    assert_eq!(line.given[1], Some(Some(Arrival::Awaited(ms(start, 10)))));
    assert_eq!(line.idle.len(), 3, "and nobody else");
    // It is done before the next arrival, and so it has that one too.
    line.given[1] = None;
    assert_eq!(line.free(1, ms(start, 11)), None);
    let due = line.next.expect("more");
    line.give(due);
    assert_eq!(line.given[1], Some(Some(Arrival::Awaited(due))));
}

#[test]
fn an_arrival_that_idle_workers_wait_for_was_not_queued() {
    let start = Instant::now();
    let mut line = line(start, 3, 2);
    assert_eq!(
        line.take_overdue(ms(start, 1)),
        Some(Some(Arrival::Queued(start))),
        "nobody was waiting"
    );
    assert_eq!(line.free(0, ms(start, 2)), None);
    // The thread was held up: the idle one has not been woken yet.
    assert_eq!(
        line.take_overdue(ms(start, 15)),
        Some(Some(Arrival::Awaited(ms(start, 10))))
    );
    line.give(ms(start, 30));
    assert_eq!(line.given[0], Some(Some(Arrival::Awaited(ms(start, 20)))));
    assert_eq!(line.free(1, ms(start, 30)), Some(None), "there are no more");
}

#[tokio::test]
async fn workers_are_woken_when_due_and_dismissed_at_the_end() {
    let pacer = Pacer::new().expect("a timer");
    let start = Instant::now() + Duration::from_millis(5);
    let schedule = Schedule::new(Arrivals::Constant, start, 200.0, ALONE, 1);
    let queue = Queue::new(schedule, start + Duration::from_millis(50), 3);
    let worker = async |worker: usize| {
        let mut taken = Vec::new();
        let mut free = Instant::now();
        while let Some(arrival) = queue.next(worker, free).await {
            assert!(Instant::now() >= due(arrival));
            taken.push(due(arrival));
            free = Instant::now();
        }
        taken
    };
    let all = async {
        let (one, two, three, ()) =
            tokio::join!(worker(0), worker(1), worker(2), queue.hand_out(&pacer));
        [one, two, three]
    };
    let taken = tokio::select! {
        taken = all => taken,
        () = pacer.run() => unreachable!("it goes on for ever"),
    };
    let mut all = taken.concat();
    all.sort_unstable();
    let expected: Vec<_> = (0..10).map(|index| ms(start, index * 5)).collect();
    assert_eq!(all, expected);
}

proptest! {
    /// Whatever happens when: each arrival begins once, in order, not before it is
    /// due, and none waits while a worker is idle once the line was served.
    #[test]
    fn every_arrival_is_begun_once_and_in_order(
        workers in 1usize..6,
        steps in prop::collection::vec((0u64..40, 0usize..6, any::<bool>()), 1..200),
    ) {
        let start = Instant::now();
        let arrivals = 60;
        let mut line = line(start, arrivals, workers);
        let mut busy: BTreeSet<usize> = (0..workers).collect();
        let mut begun = Vec::new();
        let mut now = start;
        // In the end everyone becomes free, again and again.
        let rest = (0..200).map(|step| (40, step % workers, step % 2 == 0));
        for (wait, worker, hands_out) in steps.into_iter().chain(rest) {
            now += Duration::from_millis(wait);
            if hands_out {
                line.give(now);
                let mut woken = Vec::new();
                for worker in 0..workers {
                    if let Some(given) = line.given[worker].take() {
                        prop_assert!(busy.insert(worker), "{} was idle", worker);
                        woken.extend(given);
                    }
                }
                // They are woken in the order of their arrivals.
                woken.sort_by_key(|arrival| due(*arrival));
                begun.extend(woken);
                let waits = line.next.is_some_and(|due| due <= now);
                prop_assert!(!waits || line.idle.is_empty());
            }
            if busy.contains(&(worker % workers)) {
                match line.free(worker % workers, now) {
                    Some(given) => begun.extend(given),
                    None => _ = busy.remove(&(worker % workers)),
                }
            }
            prop_assert!(begun.iter().all(|arrival| due(*arrival) <= now));
        }
        line.dismiss();
        let due: Vec<_> = begun.into_iter().map(due).collect();
        let expected: Vec<_> = (0..u64::from(arrivals)).map(|index| ms(start, index * 10)).collect();
        prop_assert_eq!(due, expected);
    }
}
