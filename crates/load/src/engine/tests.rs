//! The engine against targets whose behaviour is known.

mod connections;
mod due;
mod grpc;
mod streams;
mod target;

use super::*;
use crate::{
    counts::Failure,
    scenario::Request,
    self_check::ThreadCheck,
    shape::{Arrivals, Reuse},
    user::PAUSE_AFTER_FAILURE,
};
use target::{Behaviour, Target};

const WINDOW: Duration = Duration::from_millis(300);
const USERS: u32 = 6;

fn get(name: &str, path: &str) -> Request {
    Request::http(name, "fake", "GET", path, &[], None).expect("valid")
}

/// A closed loop of a few users against `address`.
fn load(address: SocketAddr) -> Load {
    let requests = vec![get("hello", "/a"), get("numbers", "/b")];
    Load {
        address,
        tls: None,
        scenario: Arc::new(Scenario { requests }),
        shape: Shape::Closed {
            users: USERS,
            pace: None,
        },
        connections: Connections {
            count: ConnectionCount::PerUser,
            streams_max: 100,
            reuse: Reuse::Keep,
            stream_window_bytes: 65_535,
            connection_window_bytes: 65_535,
        },
        threads: 2,
        cpus: Vec::new(),
        warm_up: Duration::from_millis(50),
        duration: WINDOW,
        request_timeout: Duration::from_secs(10),
        seed: 1,
    }
}

/// The same with a single request an iteration.
fn single(load: Load) -> Load {
    Load {
        scenario: Arc::new(Scenario {
            requests: vec![get("hello", "/a")],
        }),
        ..load
    }
}

async fn measure(load: Load) -> Sample {
    let generator = load.start().expect("threads can be started");
    generator.finish().await.expect("the threads end orderly")
}

/// All of the counted requests must have failed, and in this way.
async fn check_failure(behaviour: Behaviour, timeout: Duration, kind: Failure) {
    let sample = measure(Load {
        request_timeout: timeout,
        ..load(Target::start(behaviour).await.address)
    })
    .await;
    let failures = sample.counts.failures();
    assert!(failures.of(kind) > 0, "{behaviour:?}: {failures:?}");
    assert_eq!(failures.of(kind), failures.total(), "{behaviour:?}");
    assert_eq!(sample.counts.overall().count(), 0, "{behaviour:?}");
    assert_eq!(sample.counts.completed, 0, "{behaviour:?}");
    let iterations = &sample.counts.iterations;
    assert_eq!(iterations.failed, iterations.completed, "{behaviour:?}");
    // Each user pauses after a failure.
    let most = u64::from(USERS) * (1 + WINDOW.as_millis() / PAUSE_AFTER_FAILURE.as_millis()) as u64;
    assert!(failures.total() <= most, "{behaviour:?}: {failures:?}");
}

#[tokio::test]
async fn users_keep_the_target_busy_and_every_request_is_counted_once() {
    let delay = Duration::from_millis(20);
    let target = Target::start(Behaviour::After(delay)).await;
    let sample = measure(load(target.address)).await;
    let all = sample.counts.overall();
    assert_eq!(sample.counts.failures().total(), 0);
    assert!(all.quantile(0.0) >= Some(delay), "{:?}", all.quantile(0.0));

    // The two sets differ only by the users' first and last requests.
    let edges = u64::from(USERS);
    assert!(sample.counts.completed.abs_diff(all.count()) <= edges);
    // Each user's latencies lie end to end across the window.
    let (max, mean) = (all.max().expect("some"), all.mean().expect("some"));
    let total = mean.mul_f64(all.count() as f64);
    assert!(total >= (WINDOW.saturating_sub(max)) * USERS, "{total:?}");
    assert!(total <= (WINDOW + max) * USERS, "{total:?}");
    // The two routes take turns.
    let [hello, numbers] = [0, 1].map(|route: usize| sample.counts.routes[route].latency.count());
    assert!(hello.abs_diff(numbers) <= edges, "{hello} {numbers}");
    // An iteration is two requests.
    let iterations = &sample.counts.iterations;
    assert!(iterations.durations.quantile(0.0) >= Some(delay * 2));
    assert!(iterations.durations.count().abs_diff(hello) <= edges);
    assert_eq!((iterations.unfinished, sample.counts.not_begun), (0, 0));
    assert_eq!(sample.threads.len(), 2);
    assert!(sample.threads.iter().all(|thread| thread.lag.count() > 0));
    assert!(sample.threads.iter().all(|thread| thread.awaited == 0));
    assert_eq!(iterations.failed, 0);
    if cfg!(target_os = "linux") {
        let busy = |thread: &ThreadCheck| thread.busy.is_some_and(|busy| busy > 0.0);
        assert!(sample.threads.iter().all(busy), "{:?}", sample.threads);
    }
}

#[tokio::test]
async fn the_users_of_a_closed_loop_obey_littles_law() {
    let target = Target::start(Behaviour::After(Duration::from_millis(10))).await;
    let sample = measure(Load {
        duration: Duration::from_secs(1),
        ..load(target.address)
    })
    .await;
    let iterations = &sample.counts.iterations;
    let rate = iterations.completed as f64 / sample.window.length().as_secs_f64();
    let mean = iterations.durations.mean().expect("some").as_secs_f64();
    let users = rate * mean;
    // Off by an iteration a user at the most, of about fifty.
    assert!((users / f64::from(USERS) - 1.0).abs() < 0.1, "{users}");
}

#[tokio::test]
async fn chunked_answers_and_polite_closes_are_successes() {
    for behaviour in [Behaviour::Chunked, Behaviour::ClosesPolitely] {
        let sample = measure(load(Target::start(behaviour).await.address)).await;
        assert_eq!(sample.counts.failures().total(), 0, "{behaviour:?}");
        assert!(sample.counts.overall().count() > 0, "{behaviour:?}");
    }
}

#[tokio::test]
async fn every_failure_has_its_kind() {
    let long = Duration::from_secs(10);
    check_failure(Behaviour::ClosesMidBody, long, Failure::Closed).await;
    check_failure(Behaviour::Answers500, long, Failure::Status).await;
    check_failure(Behaviour::Babbles, long, Failure::Malformed).await;
    check_failure(
        Behaviour::Stalls,
        Duration::from_millis(30),
        Failure::Timeout,
    )
    .await;
}

#[tokio::test]
async fn a_target_that_is_not_there_is_counted_and_not_hammered() {
    let absent = target::absent().await;
    let sample = measure(load(absent)).await;
    let failures = sample.counts.failures();
    assert!(failures.of(Failure::Connect) > 0);
    assert_eq!(failures.of(Failure::Connect), failures.total());
    assert!(failures.total() <= u64::from(USERS) * 4, "{failures:?}");

    // A schedule limits the attempts as well: 10 a user and second.
    let paced = measure(Load {
        shape: Shape::Closed {
            users: USERS,
            pace: Some(Duration::from_millis(100)),
        },
        ..single(load(absent))
    })
    .await;
    let failures = paced.counts.failures();
    assert!(failures.of(Failure::Connect) > 0);
    assert!(failures.total() <= u64::from(USERS) * 4, "{failures:?}");
}

#[tokio::test]
async fn answers_slower_than_the_window_are_waited_for() {
    let delay = WINDOW * 2;
    let target = Target::start(Behaviour::After(delay)).await;
    let sample = measure(Load {
        warm_up: Duration::ZERO,
        ..load(target.address)
    })
    .await;
    let all = sample.counts.overall();
    assert_eq!(sample.counts.completed, 0, "none ends inside the window");
    assert_eq!(all.count(), u64::from(USERS), "each user started one");
    assert!(all.quantile(0.0) >= Some(delay));
    // The iteration was carried on for its duration's sake.
    let durations = &sample.counts.iterations.durations;
    assert_eq!(durations.count(), u64::from(USERS));
    assert!(durations.quantile(0.0) >= Some(delay * 2));
}

#[tokio::test]
async fn an_iteration_that_takes_too_long_is_given_up_one_timeout_after_the_window() {
    let delay = WINDOW * 2;
    let target = Target::start(Behaviour::After(delay)).await;
    let generator = Load {
        warm_up: Duration::ZERO,
        // Enough for the first request, not for the second.
        request_timeout: WINDOW * 3,
        ..load(target.address)
    }
    .start()
    .expect("threads can be started");
    let window = generator.window();
    let sample = generator.finish().await.expect("orderly");
    assert!(window.end.elapsed() < WINDOW * 3 + Duration::from_secs(2));
    assert_eq!(sample.counts.overall().count(), u64::from(USERS));
    assert_eq!(sample.counts.failures().total(), 0);
    let iterations = &sample.counts.iterations;
    let found = (iterations.durations.count(), iterations.unfinished);
    assert_eq!(found, (0, u64::from(USERS)));
}

#[tokio::test]
async fn users_stuck_since_the_warm_up_are_seen() {
    // The users start in its first half; no answer comes before the window is over.
    let warm_up = Duration::from_secs(1);
    let late = warm_up + 2 * WINDOW;
    let answers = Target::start(Behaviour::After(late)).await;
    let stalls = Target::start(Behaviour::Stalls).await;
    let answered = measure(Load {
        warm_up,
        ..load(answers.address)
    });
    let never_answered = measure(Load {
        warm_up,
        request_timeout: late,
        ..load(stalls.address)
    });
    let (answered, never_answered) = tokio::join!(answered, never_answered);

    let users = u64::from(USERS);
    let counts = answered.counts;
    assert_eq!((counts.stalled, counts.unserved), (users, 0));
    assert_eq!((counts.completed, counts.overall().count()), (0, 0));
    assert_eq!(counts.failures().total(), 0);

    let counts = never_answered.counts;
    assert_eq!((counts.stalled, counts.unserved), (users, users));
    assert_eq!(counts.failures().of(Failure::Timeout), users);
}

#[tokio::test]
async fn a_load_given_up_stops_its_users() {
    let target = Target::start(Behaviour::Stalls).await;
    let mut generator = load(target.address)
        .start()
        .expect("threads can be started");
    let threads = generator.take_threads();
    drop(generator);
    for thread in threads {
        assert!(thread.done.await.is_err(), "it ends without a report");
    }
}

#[tokio::test]
async fn the_latest_second_is_shown_while_the_load_goes_on() {
    let target = Target::start(Behaviour::After(Duration::from_millis(5))).await;
    let generator = Load {
        duration: Duration::from_millis(2_500),
        ..load(target.address)
    }
    .start()
    .expect("threads can be started");
    let window = generator.window();
    assert_eq!(generator.so_far(), SoFar::default(), "still warming up");
    tokio::time::sleep_until((window.start + Duration::from_millis(1_500)).into()).await;
    let so_far = generator.so_far();
    let latest = so_far.latest.expect("a second is over");
    assert!(latest.p50 >= Duration::from_millis(5), "{latest:?}");
    assert!(latest.p99 >= latest.p50, "{latest:?}");
    assert!(so_far.completed > 0);
    let sample = generator.finish().await.expect("orderly");
    assert!(sample.counts.completed > so_far.completed);
    assert_eq!(sample.counts.intervals.len(), 3);
}

#[tokio::test]
async fn the_latest_second_shows_a_slow_target_when_its_answers_come() {
    let delay = Duration::from_millis(1_200);
    let target = Target::start(Behaviour::After(delay)).await;
    let generator = Load {
        duration: Duration::from_secs(4),
        ..load(target.address)
    }
    .start()
    .expect("threads can be started");
    let window = generator.window();
    let at = |ms| tokio::time::sleep_until((window.start + Duration::from_millis(ms)).into());
    at(1_100).await;
    assert_eq!(generator.so_far().latest, None, "no answer came yet");
    // All began within the first 0.1 s, and none of them had ended at second 1.
    at(2_100).await;
    let latest = generator.so_far().latest.expect("answers came");
    assert!(latest.p50 >= delay, "{latest:?}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let address = target::absent().await;
    let refused = |load: Load, part: &str| {
        let error = load.start().expect_err(part);
        assert!(error.to_string().contains(part), "{error}");
    };
    let requests = Vec::new();
    refused(
        Load {
            scenario: Arc::new(Scenario { requests }),
            ..load(address)
        },
        "has no request",
    );
    let closed = |users, pace| Load {
        shape: Shape::Closed { users, pace },
        ..load(address)
    };
    refused(closed(0, None), "the number of users");
    refused(closed(1, Some(Duration::ZERO)), "the pace is 0");
    for iterations_per_second in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let shape = Shape::Open {
            iterations_per_second,
            arrivals: Arrivals::Constant,
            in_flight_max: 1,
        };
        refused(
            Load {
                shape,
                ..load(address)
            },
            "is not a rate",
        );
    }
    refused(
        Load {
            threads: 0,
            ..load(address)
        },
        "the number of threads",
    );
    refused(
        Load {
            duration: Duration::ZERO,
            ..load(address)
        },
        "the duration",
    );
    let mut shared = load(address);
    shared.connections.count = ConnectionCount::Shared(1);
    refused(shared, "1 connections cannot be shared out to 2 threads");
    let mut shared = load(address);
    shared.connections.count = ConnectionCount::Shared(3);
    refused(shared, "use a multiple of 2 connections");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn threads_are_pinned_in_turn_or_the_load_is_refused() {
    let target = Target::start(Behaviour::After(Duration::ZERO)).await;
    let cpus = accounts::affinity::allowed_cpus().expect("known on Linux");
    let sample = measure(Load {
        cpus,
        ..load(target.address)
    })
    .await;
    assert!(sample.counts.completed > 0);
    let absent = Load {
        cpus: vec![1023],
        ..load(target.address)
    };
    let error = absent.start().expect_err("no such processor").to_string();
    assert!(error.contains("1023"), "{error}");
}
