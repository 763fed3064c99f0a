//! Loops with due times: open ones, and closed ones with a pace.

use std::sync::atomic::Ordering::Relaxed;

use super::*;

fn open(address: SocketAddr, rate: f64, in_flight_max: u32) -> Load {
    Load {
        shape: Shape::Open {
            iterations_per_second: rate,
            arrivals: Arrivals::Constant,
            in_flight_max,
        },
        ..single(load(address))
    }
}

#[tokio::test]
async fn an_open_loop_makes_exactly_the_arrivals_of_its_schedule() {
    let target = Target::start(Behaviour::After(Duration::from_millis(3))).await;
    let generator = Load {
        warm_up: Duration::from_millis(400),
        duration: Duration::from_secs(1),
        ..open(target.address, 200.0, 50)
    }
    .start()
    .expect("threads can be started");
    let sample = generator.finish().await.expect("orderly");
    let counts = &sample.counts;
    // 0, 5, 10 ... ms, of which the first 40 are in the warm-up's second half.
    assert_eq!(counts.overall().count(), 200);
    assert_eq!(counts.failures().total() + counts.not_begun, 0);
    assert_eq!(target.seen.requests.load(Relaxed), 240);
    // No worker has to connect when its first arrival comes.
    assert_eq!(sample.traffic.connections_opened, 0);
    assert_eq!(target.seen.connections.load(Relaxed), 50);
    // One or two are enough, unless the machine stands still for long.
    let used = target.seen.used.load(Relaxed);
    assert!(
        used < 40,
        "{used} connections were used, as if all took turns"
    );
    let awaited: u64 = sample.threads.iter().map(|check| check.awaited).sum();
    let queued: u64 = sample.threads.iter().map(|check| check.queued).sum();
    assert_eq!(awaited + queued, 200);
}

#[tokio::test]
async fn without_a_warm_up_connections_are_opened_by_requests_alone() {
    let target = Target::start(Behaviour::After(Duration::ZERO)).await;
    let sample = measure(Load {
        warm_up: Duration::ZERO,
        ..open(target.address, 20.0, 50)
    })
    .await;
    assert_eq!(sample.counts.overall().count(), 6);
    let (opened, used) = (&target.seen.connections, &target.seen.used);
    assert_eq!(opened.load(Relaxed), used.load(Relaxed));
}

/// The generator's thread is held up, as by a machine that has no time for it.
#[tokio::test]
async fn a_thread_that_is_held_up_says_so() {
    let target = Target::start(Behaviour::After(Duration::ZERO)).await;
    let load = open(target.address, 1_000.0, 20);
    let share = Share {
        thread: 0,
        threads: 1,
    };
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = set_up(&load, share).expect("a runtime");
        runtime.block_on(async {
            let pacer = Rc::new(Pacer::new().expect("a timer"));
            let running = Rc::clone(&pacer);
            tokio::task::spawn_local(async move { running.run().await });
            let begin = Instant::now();
            let start = begin + load.warm_up;
            let end = start + load.duration;
            let window = Window { start, end };
            let ledger = Ledger::new(Recorder::new(window, 1, load.request_timeout));
            let holding = Rc::clone(&pacer);
            tokio::task::spawn_local(async move {
                holding.wait(start + WINDOW / 2).await;
                thread::sleep(Duration::from_millis(50));
            });
            let times = Times { begin, window };
            let run = crate::thread::run(&load, share, times, pacer, Duration::ZERO, ledger);
            run.await.0
        })
    });
    let check = thread.await.expect("no panic").check;
    // At least those for which workers were waiting when it came to itself.
    assert!(check.late >= 15, "{check:?}");
    assert!(
        check.lag.max() >= Some(Duration::from_millis(45)),
        "{check:?}"
    );
    assert_eq!(check.awaited + check.queued, 300);
}

#[tokio::test]
async fn poisson_arrivals_are_as_many_as_the_rate_says() {
    let target = Target::start(Behaviour::After(Duration::ZERO)).await;
    let sample = measure(Load {
        shape: Shape::Open {
            iterations_per_second: 1_000.0,
            arrivals: Arrivals::Poisson,
            in_flight_max: 100,
        },
        duration: Duration::from_secs(1),
        ..single(load(target.address))
    })
    .await;
    // Of a pinned seed; five standard deviations for when that changes.
    let found = sample.counts.overall().count();
    assert!(found.abs_diff(1_000) < 160, "{found}");
    assert_eq!(sample.counts.failures().total(), 0);
}

#[tokio::test]
async fn a_stall_of_one_second_is_in_the_corrected_latency_and_not_in_the_other() {
    let target = Target::start(Behaviour::Held).await;
    let generator = Load {
        duration: Duration::from_secs(4),
        threads: 1,
        // Few workers: as soon as these wait, nobody is left to send.
        ..open(target.address, 500.0, 4)
    }
    .start()
    .expect("threads can be started");
    let window = generator.window();
    tokio::time::sleep_until((window.start + Duration::from_secs(1)).into()).await;
    target.held(Duration::from_secs(1)).await;
    let sample = generator.finish().await.expect("orderly");
    let counts = &sample.counts;
    assert_eq!(counts.failures().total(), 0);
    assert_eq!(counts.overall().count(), 2_000, "none was left out");
    // A quarter of the arrivals were due during the stall.
    let corrected = counts.overall().quantile(0.99).expect("some");
    assert!(corrected > Duration::from_millis(850), "{corrected:?}");
    // Of 2,000 requests 4 were under way and saw it.
    let uncorrected = counts.overall_uncorrected();
    let p99 = uncorrected.quantile(0.99).expect("some");
    assert!(p99 < Duration::from_millis(425), "{p99:?}");
    assert!(uncorrected.max() > Some(Duration::from_millis(850)));
    let queued: u64 = sample.threads.iter().map(|check| check.queued).sum();
    assert!(queued > 350, "{queued}");
    // It is there in the second in which it was.
    let p50 = |second: usize| counts.intervals[second].overall().quantile(0.5);
    assert!(p50(1) > Some(Duration::from_millis(300)), "{:?}", p50(1));
}

#[tokio::test]
async fn arrivals_that_find_no_worker_in_time_are_failures_and_none_is_lost() {
    let target = Target::start(Behaviour::Stalls).await;
    let timeout = Duration::from_millis(100);
    let open = open(target.address, 100.0, 2);
    let generator = Load {
        // An iteration takes two timeouts, so that workers fall behind.
        scenario: load(target.address).scenario,
        warm_up: Duration::ZERO,
        duration: Duration::from_secs(1),
        request_timeout: timeout,
        threads: 1,
        ..open
    }
    .start()
    .expect("threads can be started");
    let window = generator.window();
    let sample = generator.finish().await.expect("orderly");
    let over = window.end.elapsed();
    assert!(over < timeout + Duration::from_secs(2), "{over:?}");
    let counts = &sample.counts;
    assert_eq!(counts.overall().count(), 0);
    // All of them, made or not.
    let first = counts.routes[0].failures;
    assert_eq!(first.of(Failure::Timeout), 100);
    assert_eq!(first.total(), 100);
    // Two workers begin at most one iteration each in 100 ms.
    let begun = 100 - counts.not_begun;
    assert!((2..=24).contains(&begun), "{begun}");
}

#[tokio::test]
async fn arrivals_due_in_the_window_are_made_after_it() {
    // Takes 20 ms for each, one at a time, of 100 a second: half are left over.
    let delay = Duration::from_millis(20);
    let target = Target::start(Behaviour::OneByOne(delay)).await;
    let sample = measure(Load {
        warm_up: Duration::ZERO,
        duration: Duration::from_secs(1),
        threads: 1,
        ..open(target.address, 100.0, 3)
    })
    .await;
    let counts = &sample.counts;
    assert_eq!(counts.overall().count(), 100, "all of them, late");
    assert_eq!((counts.failures().total(), counts.not_begun), (0, 0));
    assert!(counts.completed <= 50, "{}", counts.completed);
    // The last was due at the end, and 50 others were before it.
    assert!(counts.overall().max() > Some(Duration::from_millis(900)));
    assert!(counts.overall_uncorrected().quantile(0.5) < Some(Duration::from_millis(300)));
}

#[tokio::test]
async fn paced_users_keep_their_times() {
    let target = Target::start(Behaviour::After(Duration::ZERO)).await;
    let users = 50;
    let sample = measure(Load {
        shape: Shape::Closed {
            users,
            pace: Some(Duration::from_millis(200)),
        },
        warm_up: Duration::from_millis(200),
        duration: Duration::from_secs(1),
        ..single(load(target.address))
    })
    .await;
    let counts = &sample.counts;
    // Five times each, spread out over the period.
    assert_eq!(counts.overall().count(), u64::from(users) * 5);
    assert_eq!(counts.failures().total(), 0);
    assert_eq!((counts.stalled, counts.unserved), (0, 0));
    let awaited: u64 = sample.threads.iter().map(|check| check.awaited).sum();
    assert!(awaited > u64::from(users) * 4, "{awaited}");
}

#[tokio::test]
async fn a_paced_user_that_is_late_catches_up_and_counts_from_when_it_was_due() {
    // Due every 20 ms, and each takes 40 ms: lateness grows by 20 ms each time.
    let delay = Duration::from_millis(40);
    let target = Target::start(Behaviour::After(delay)).await;
    let sample = measure(Load {
        shape: Shape::Closed {
            users: 1,
            pace: Some(Duration::from_millis(20)),
        },
        warm_up: Duration::ZERO,
        duration: Duration::from_millis(400),
        ..single(load(target.address))
    })
    .await;
    let counts = &sample.counts;
    assert_eq!(counts.overall().count(), 20);
    let corrected = counts.overall();
    assert!(corrected.quantile(0.0) >= Some(delay));
    // The last one: due at 380 ms, begun at 760 ms or later.
    assert!(corrected.max() >= Some(Duration::from_millis(420)));
    let uncorrected = counts.overall_uncorrected();
    assert!(uncorrected.quantile(0.5) < Some(Duration::from_millis(200)));
}
