//! The connection policy, as the target sees it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::*;

fn with(count: ConnectionCount, reuse: Reuse, address: SocketAddr) -> Load {
    let mut load = load(address);
    load.connections.count = count;
    load.connections.reuse = reuse;
    load
}

#[tokio::test]
async fn each_user_keeps_a_connection_of_its_own() {
    let target = Target::start(Behaviour::After(Duration::from_millis(2))).await;
    let sample = measure(with(ConnectionCount::PerUser, Reuse::Keep, target.address)).await;
    assert!(sample.counts.overall().count() > u64::from(USERS) * 4);
    assert_eq!(target.seen.connections.load(Relaxed), u64::from(USERS));
    assert_eq!(sample.traffic.connections_opened, 0, "in the warm-up");
}

#[tokio::test]
async fn shared_connections_carry_one_http_request_at_a_time() {
    let delay = Duration::from_millis(20);
    let target = Target::start(Behaviour::After(delay)).await;
    let sample = measure(with(
        ConnectionCount::Shared(2),
        Reuse::Keep,
        target.address,
    ))
    .await;
    assert_eq!(target.seen.connections.load(Relaxed), 2);
    assert_eq!(sample.counts.failures().total(), 0);
    // Three users take turns on each, and only the latency they see has the wait.
    let (all, uncorrected) = (sample.counts.overall(), sample.counts.overall_uncorrected());
    assert!(
        all.quantile(0.5) >= Some(delay * 2),
        "{:?}",
        all.quantile(0.5)
    );
    let waited = all.total() - uncorrected.total();
    assert!(waited >= delay.mul_f64(all.count() as f64), "{waited:?}");
}

#[tokio::test]
async fn a_new_connection_for_each_request_means_each() {
    for count in [ConnectionCount::PerUser, ConnectionCount::Shared(4)] {
        let target = Target::start(Behaviour::After(Duration::from_millis(5))).await;
        let sample = measure(with(count, Reuse::NewEachRequest, target.address)).await;
        assert_eq!(sample.counts.failures().total(), 0, "{count:?}");
        let requests = target.seen.requests.load(Relaxed);
        assert_eq!(target.seen.connections.load(Relaxed), requests, "{count:?}");
        let opened = sample.traffic.connections_opened;
        let completed = sample.counts.completed;
        assert!(opened.abs_diff(completed) <= u64::from(USERS), "{count:?}");
    }
}

#[tokio::test]
async fn shared_connections_that_break_are_opened_again() {
    let target = Target::start(Behaviour::ClosesPolitely).await;
    let sample = measure(with(
        ConnectionCount::Shared(2),
        Reuse::Keep,
        target.address,
    ))
    .await;
    assert_eq!(sample.counts.failures().total(), 0);
    assert!(sample.counts.overall().count() > 0);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced_and_no_request_lost() {
    let target = Target::start(Behaviour::ClosesIdle(Duration::from_millis(40))).await;
    let sample = measure(Load {
        shape: Shape::Closed {
            users: 4,
            pace: Some(Duration::from_millis(200)),
        },
        duration: Duration::from_secs(1),
        ..single(load(target.address))
    })
    .await;
    assert_eq!(sample.counts.failures().total(), 0);
    assert_eq!(sample.counts.overall().count(), 20);
    let requests = target.seen.requests.load(Relaxed);
    let connections = target.seen.connections.load(Relaxed);
    // Those that were opened ahead may have been closed before they were used.
    assert!(
        (requests..=requests + 4).contains(&connections),
        "{connections} for {requests}"
    );
}

#[tokio::test]
async fn every_byte_of_the_window_is_counted_and_no_other() {
    let target = Target::start(Behaviour::After(Duration::ZERO)).await;
    // One request each half second from the warm-up's start, so that the edges of
    // the window are a quarter of a second away from any.
    let sample = measure(Load {
        shape: Shape::Closed {
            users: 20,
            pace: Some(Duration::from_secs(10)),
        },
        warm_up: Duration::from_millis(750),
        duration: Duration::from_secs(2),
        ..single(load(target.address))
    })
    .await;
    let seen = &target.seen;
    let (inside, all) = (sample.counts.completed, seen.requests.load(Relaxed));
    assert_eq!((inside, all), (4, 6));
    let each = |bytes: &AtomicU64| bytes.load(Relaxed) / all;
    assert_eq!(sample.traffic.bytes_sent, 4 * each(&seen.bytes_received));
    assert_eq!(sample.traffic.bytes_received, 4 * each(&seen.bytes_sent));
    // A paced user connects before its turn, however late in the window that is.
    assert_eq!(sample.traffic.connections_opened, 0);
    assert_eq!(seen.connections.load(Relaxed), 20);
}

#[tokio::test]
async fn connections_are_closed_when_a_load_has_finished() {
    let target = Target::start(Behaviour::After(Duration::ZERO)).await;
    let generator = Load {
        warm_up: Duration::from_millis(200),
        ..load(target.address)
    }
    .start()
    .expect("threads can be started");
    let window = generator.window();
    tokio::time::sleep_until(window.start.into()).await;
    assert_eq!(target.open(), u64::from(USERS));
    generator.finish().await.expect("orderly");
    // The target has only to notice.
    let deadline = Instant::now() + Duration::from_secs(20);
    while target.open() > 0 {
        assert!(Instant::now() < deadline, "{} are open", target.open());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_single_try_says_what_is_wrong() {
    let timeout = Duration::from_millis(300);
    let request = get("hello", "/a");
    let good = Target::start(Behaviour::After(Duration::ZERO)).await;
    fn on_any_thread<T: Send>(task: T) -> T {
        task
    }
    on_any_thread(crate::try_once(good.address, None, &request, timeout))
        .await
        .expect("answered");
    for (behaviour, part) in [
        (Behaviour::Answers500, "status is 500"),
        (Behaviour::Stalls, "no complete answer within 300ms"),
        (Behaviour::Babbles, "not HTTP/1"),
    ] {
        let target = Target::start(behaviour).await;
        let error = crate::try_once(target.address, None, &request, timeout).await;
        let error = error.expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
}
