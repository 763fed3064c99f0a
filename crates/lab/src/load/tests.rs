//! The engine against targets whose behaviour is known.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::{counts::Failure, *};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const WINDOW: Duration = Duration::from_millis(300);
const USERS: u32 = 6;

/// What the fake target does with each request.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    /// Answers after this long.
    After(Duration),
    /// Answers in two chunks with a pause between.
    Chunked,
    /// Says `connection: close`, answers and closes.
    ClosesPolitely,
    /// Announces more than it sends, and closes.
    ClosesMidBody,
    Answers500,
    Stalls,
    Babbles,
}

impl Behaviour {
    /// True when the connection goes on.
    async fn answer(self, stream: &mut TcpStream) -> std::io::Result<bool> {
        match self {
            Behaviour::After(delay) => {
                sleep(delay).await;
                stream.write_all(OK).await?;
            }
            Behaviour::Chunked => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no")
                    .await?;
                sleep(Duration::from_millis(5)).await;
                stream.write_all(b"\r\n1\r\nk\r\n0\r\n\r\n").await?;
            }
            Behaviour::ClosesPolitely => {
                stream
                    .write_all(
                        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
                    )
                    .await?;
                return Ok(false);
            }
            Behaviour::ClosesMidBody => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
                    .await?;
                return Ok(false);
            }
            Behaviour::Answers500 => {
                stream
                    .write_all(b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno")
                    .await?;
            }
            Behaviour::Stalls => std::future::pending().await,
            Behaviour::Babbles => stream.write_all(b"hello?\r\n\r\n").await?,
        }
        Ok(true)
    }
}

/// A target on loopback; it ends with the test's runtime.
async fn target(behaviour: Behaviour) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, behaviour));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, behaviour: Behaviour) -> std::io::Result<()> {
    let mut received = Vec::new();
    loop {
        while !received.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        }
        received.clear();
        if !behaviour.answer(&mut stream).await? {
            return Ok(());
        }
    }
}

fn load(target: SocketAddr) -> Load {
    Load {
        target,
        scenario: Arc::new(Scenario::published("fake", "")),
        users: USERS,
        threads: 2,
        warm_up: Duration::from_millis(50),
        duration: WINDOW,
        request_timeout: Duration::from_secs(10),
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
        ..load(target(behaviour).await)
    })
    .await;
    let failures = sample.counts.failures;
    assert!(failures.of(kind) > 0, "{behaviour:?}: {failures:?}");
    assert_eq!(failures.of(kind), failures.total(), "{behaviour:?}");
    assert_eq!(sample.counts.overall().count(), 0, "{behaviour:?}");
    assert_eq!(sample.counts.completed, 0, "{behaviour:?}");
    // Each user pauses after a failure.
    let most = u64::from(USERS) * (1 + WINDOW.as_millis() / PAUSE_AFTER_FAILURE.as_millis()) as u64;
    assert!(failures.total() <= most, "{behaviour:?}: {failures:?}");
}

#[tokio::test]
async fn users_keep_the_target_busy_and_every_request_is_counted_once() {
    let delay = Duration::from_millis(20);
    let sample = measure(load(target(Behaviour::After(delay)).await)).await;
    let all = sample.counts.overall();
    assert_eq!(sample.counts.failures.total(), 0);
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
    let [hello, numbers] = [0, 1].map(|route: usize| sample.counts.routes[route].count());
    assert!(hello.abs_diff(numbers) <= edges, "{hello} {numbers}");
    assert_eq!(sample.threads.len(), 2);
    assert!(sample.threads.iter().all(|thread| thread.lag.count() > 0));
}

#[tokio::test]
async fn chunked_answers_and_polite_closes_are_successes() {
    for behaviour in [Behaviour::Chunked, Behaviour::ClosesPolitely] {
        let sample = measure(load(target(behaviour).await)).await;
        assert_eq!(sample.counts.failures.total(), 0, "{behaviour:?}");
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
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let sample = measure(load(address)).await;
    let failures = sample.counts.failures;
    assert!(failures.of(Failure::Connect) > 0);
    assert_eq!(failures.of(Failure::Connect), failures.total());
    assert!(failures.total() <= u64::from(USERS) * 4, "{failures:?}");
}

#[tokio::test]
async fn answers_slower_than_the_window_are_waited_for() {
    let delay = WINDOW * 2;
    let sample = measure(Load {
        warm_up: Duration::ZERO,
        ..load(target(Behaviour::After(delay)).await)
    })
    .await;
    let all = sample.counts.overall();
    assert_eq!(sample.counts.completed, 0, "none ends inside the window");
    assert_eq!(all.count(), u64::from(USERS), "each user started one");
    assert!(all.quantile(0.0) >= Some(delay));
}

#[tokio::test]
async fn users_stuck_since_the_warm_up_are_seen() {
    // The users start in its first half; no answer comes before the window is over.
    let warm_up = Duration::from_secs(1);
    let late = warm_up + 2 * WINDOW;
    let answered = measure(Load {
        warm_up,
        ..load(target(Behaviour::After(late)).await)
    });
    let never_answered = measure(Load {
        warm_up,
        request_timeout: late,
        ..load(target(Behaviour::Stalls).await)
    });
    let (answered, never_answered) = tokio::join!(answered, never_answered);

    let users = u64::from(USERS);
    let counts = answered.counts;
    assert_eq!((counts.stalled, counts.unserved), (users, 0));
    assert_eq!((counts.completed, counts.overall().count()), (0, 0));
    assert_eq!(counts.failures.total(), 0);

    let counts = never_answered.counts;
    assert_eq!((counts.stalled, counts.unserved), (users, users));
    assert_eq!(counts.failures.of(Failure::Timeout), users);
}

#[tokio::test]
async fn a_load_given_up_stops_its_users() {
    let load = load(target(Behaviour::Stalls).await);
    let mut generator = load.start().expect("threads can be started");
    let threads = std::mem::take(&mut generator.threads);
    drop(generator);
    for thread in threads {
        assert!(thread.done.await.is_err(), "it ends without a report");
    }
}
