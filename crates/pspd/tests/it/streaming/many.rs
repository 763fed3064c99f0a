//! Thousands of delayed streams at once cost service B timers, not threads.

use contract::{Role, pspd::StreamRequest};
use h2::client::Builder;
use testkit::{Process, http};
use tokio::task::JoinSet;

use super::{
    PSPD,
    grpc_client::{Numbers, connect, run},
};

const CONNECTIONS: usize = 4;
const STREAMS_OF_EACH: usize = 500;

#[test]
fn two_thousand_delayed_streams_take_no_thread() {
    let b = Process::start(PSPD, Role::B, &[]);
    run(two_thousand_streams(&b));
}

async fn two_thousand_streams(b: &Process) {
    let mut options = Builder::new();
    // Many tiny messages are what this client asks for; by default it would
    // take them for an attack and close its connection.
    options.data_frame_budget(usize::MAX / 2);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(b.address(), &options).await);
    }
    // Both ports answer, so every thread that the role has for itself is there.
    let once = StreamRequest {
        count: 1,
        delay_ms: 0,
    };
    let mut first = Numbers::ask(&connections[0], b.address(), &once).await;
    assert_eq!(first.next().await, Some(1));
    http::get(b.admin_address(), "/livez").expect("an answer");
    let threads_before = threads(b);

    // All at once: each has its first value, and a minute to wait for the next.
    let waiting = StreamRequest {
        count: 2,
        delay_ms: 60_000,
    };
    let mut streams = Vec::new();
    for connection in &connections {
        for _ in 0..STREAMS_OF_EACH {
            let mut numbers = Numbers::ask(connection, b.address(), &waiting).await;
            assert_eq!(numbers.next().await, Some(1));
            streams.push(numbers);
        }
    }
    assert_eq!(threads(b), threads_before);
    drop(streams);

    // And all of as many delayed ones come to their end.
    let delayed = StreamRequest {
        count: 3,
        delay_ms: 200,
    };
    let mut calls = JoinSet::new();
    for connection in &connections {
        for _ in 0..STREAMS_OF_EACH {
            let (connection, address) = (connection.clone(), b.address());
            calls.spawn(async move {
                let mut numbers = Numbers::ask(&connection, address, &delayed).await;
                for expected in [Some(1), Some(2), Some(3), None] {
                    assert_eq!(numbers.next().await, expected);
                }
            });
        }
    }
    while let Some(done) = calls.join_next().await {
        done.expect("a whole stream");
        assert_eq!(threads(b), threads_before);
    }
}

#[cfg(target_os = "linux")]
fn threads(process: &Process) -> u64 {
    testkit::proc::threads(process.pid())
}

/// Elsewhere the streams alone are looked at.
#[cfg(not(target_os = "linux"))]
fn threads(_: &Process) -> u64 {
    0
}
