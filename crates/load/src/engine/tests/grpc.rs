//! The connection policy and streams, over gRPC.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ::bytes::Bytes;
use ::http::{HeaderMap, HeaderValue, Response};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::*;
use crate::grpc::Call;

/// A target that answers each call after a delay, with messages and pauses between.
#[derive(Debug, Clone, Copy)]
struct Answers {
    delay: Duration,
    messages: usize,
    pause: Duration,
    status: &'static str,
}

const QUICK: Answers = Answers {
    delay: Duration::from_millis(5),
    messages: 1,
    pause: Duration::ZERO,
    status: "0",
};

#[derive(Debug, Default)]
struct Seen {
    connections: AtomicU64,
    calls: AtomicU64,
    /// The most calls that were open on one connection.
    open_max: AtomicU64,
}

async fn target(answers: Answers) -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    let seen = Arc::new(Seen::default());
    let counting = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counting.connections.fetch_add(1, Relaxed);
            tokio::spawn(serve(stream, answers, Arc::clone(&counting)));
        }
    });
    (address, seen)
}

/// A target that does this with every call.
pub(super) async fn target_of<F>(
    script: impl Fn(::http::Request<h2::RecvStream>, h2::server::SendResponse<Bytes>) -> F
    + Clone
    + Send
    + 'static,
) -> SocketAddr
where
    F: Future<Output = Result<(), h2::Error>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let script = script.clone();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await?;
                while let Some(call) = connection.accept().await {
                    let (request, respond) = call?;
                    tokio::spawn(script(request, respond));
                }
                Ok::<_, h2::Error>(())
            });
        }
    });
    address
}

async fn serve(stream: TcpStream, answers: Answers, seen: Arc<Seen>) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(stream).await?;
    let open = Arc::new(AtomicU64::new(0));
    while let Some(call) = connection.accept().await {
        let (_, mut respond) = call?;
        seen.calls.fetch_add(1, Relaxed);
        seen.open_max
            .fetch_max(open.fetch_add(1, Relaxed) + 1, Relaxed);
        let open = Arc::clone(&open);
        tokio::spawn(async move {
            sleep(answers.delay).await;
            let head = Response::builder().header("content-type", "application/grpc");
            let head = head.body(()).expect("a right head");
            let mut body = respond.send_response(head, false)?;
            for message in 0..answers.messages {
                if message > 0 {
                    sleep(answers.pause).await;
                }
                body.send_data(Bytes::from_static(&[0; 5]), false)?;
            }
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static(answers.status));
            // Before the client can hear of it and send the next.
            open.fetch_sub(1, Relaxed);
            body.send_trailers(trailers)
        });
    }
    Ok(())
}

pub(super) fn method(name: &str) -> MethodDescriptor {
    let proto = r#"
        syntax = "proto3";
        package t;
        service S {
            rpc One(M) returns (M);
            rpc Many(M) returns (stream M);
            rpc Both(stream M) returns (stream M);
        }
        message M { string name = 1; }
    "#;
    let file = protox::file::File::from_source("t.proto", proto).expect("right");
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_proto(file.file_descriptor_proto().clone())
        .expect("needs no other");
    let service = pool.get_service_by_name("t.S").expect("there");
    let mut methods = service.methods();
    methods.find(|method| method.name() == name).expect("there")
}

pub(super) fn calls(address: SocketAddr, name: &str) -> Load {
    let message = r#"{"name": "user {{user}}"}"#;
    let call = Call::new("fake", &method(name), message, &[]).expect("right");
    Load {
        scenario: Arc::new(Scenario {
            requests: vec![Request::grpc(name, call)],
        }),
        ..load(address)
    }
}

#[tokio::test]
async fn a_shared_connection_never_carries_more_than_it_may() {
    let (address, seen) = target(QUICK).await;
    let mut load = calls(address, "One");
    load.shape = Shape::Closed {
        users: 40,
        pace: None,
    };
    load.connections.count = ConnectionCount::Shared(2);
    load.connections.streams_max = 7;
    let sample = measure(load).await;
    assert_eq!(sample.counts.failures().total(), 0);
    assert_eq!(seen.connections.load(Relaxed), 2);
    assert_eq!(seen.open_max.load(Relaxed), 7, "all of it is used");
    // Twenty users for seven places: each waits twice as long as it is served.
    let corrected = sample.counts.overall().mean().expect("some");
    let uncorrected = sample.counts.overall_uncorrected().mean().expect("some");
    assert!(corrected > uncorrected * 2, "{corrected:?} {uncorrected:?}");
    assert!(sample.traffic.bytes_sent > sample.counts.completed * 20);
    assert!(sample.traffic.bytes_received > sample.counts.completed * 20);
}

#[tokio::test]
async fn each_user_or_each_call_has_a_connection_where_the_policy_says_so() {
    let (address, seen) = target(QUICK).await;
    let sample = measure(calls(address, "One")).await;
    assert_eq!(sample.counts.failures().total(), 0);
    assert_eq!(seen.connections.load(Relaxed), u64::from(USERS));
    assert!(seen.calls.load(Relaxed) > u64::from(USERS) * 4);
    assert_eq!(sample.traffic.connections_opened, 0, "in the warm-up");

    let (address, seen) = target(QUICK).await;
    let mut load = calls(address, "One");
    load.connections.reuse = Reuse::NewEachRequest;
    let sample = measure(load).await;
    assert_eq!(sample.counts.failures().total(), 0);
    let calls = seen.calls.load(Relaxed);
    assert!(calls > u64::from(USERS) * 4, "{calls}");
    assert_eq!(seen.connections.load(Relaxed), calls);
    // What closed connections carried is not forgotten.
    assert!(sample.traffic.bytes_received > sample.counts.completed * 20);
}

#[tokio::test]
async fn streams_are_measured_message_by_message() {
    let pause = Duration::from_millis(10);
    let (address, _) = target(Answers {
        messages: 4,
        pause,
        ..QUICK
    })
    .await;
    let sample = measure(calls(address, "Many")).await;
    let route = &sample.counts.routes[0];
    assert_eq!(route.failures.total(), 0);
    let streams = route.latency.count();
    assert!(streams > 0);
    assert_eq!(route.messages, streams * 4);
    assert_eq!(route.first_message.count(), streams);
    assert_eq!(route.gaps.count(), streams * 3);
    assert!(route.first_message.quantile(0.0) >= Some(QUICK.delay));
    // A message that arrives late shortens the gap after it.
    assert!(route.gaps.mean() >= Some(pause / 2));
    assert!(route.latency.quantile(0.0) >= Some(QUICK.delay + pause * 3));
}

#[tokio::test]
async fn a_status_that_is_not_ok_is_a_failure() {
    let (address, _) = target(Answers {
        status: "14",
        ..QUICK
    })
    .await;
    let load = calls(address, "One");
    let error = crate::try_once(address, None, &load.scenario.requests[0], WINDOW).await;
    let error = error.expect_err("unavailable").to_string();
    assert!(error.contains("14"), "{error}");
    let sample = measure(load).await;
    assert_eq!(sample.counts.overall().count(), 0);
    let failures = sample.counts.failures();
    assert!(failures.of(Failure::Status) > 0);
    assert_eq!(failures.of(Failure::Status), failures.total());
}

#[tokio::test]
async fn a_call_that_times_out_leaves_its_connection_to_the_others() {
    let (address, seen) = target(Answers {
        delay: Duration::from_secs(60),
        ..QUICK
    })
    .await;
    let sample = measure(Load {
        request_timeout: Duration::from_millis(30),
        ..calls(address, "One")
    })
    .await;
    let failures = sample.counts.failures();
    assert!(failures.of(Failure::Timeout) > 0);
    assert_eq!(failures.of(Failure::Timeout), failures.total());
    assert!(seen.calls.load(Relaxed) > u64::from(USERS));
    assert_eq!(seen.connections.load(Relaxed), u64::from(USERS));
}

#[tokio::test]
async fn requests_of_two_protocols_share_no_scenario() {
    let (address, _) = target(QUICK).await;
    let call = Call::new("fake", &method("One"), "{}", &[]).expect("right");
    let requests = vec![get("hello", "/a"), Request::grpc("call", call)];
    let mixed = Load {
        scenario: Arc::new(Scenario { requests }),
        ..load(address)
    };
    let error = mixed.start().expect_err("mixed").to_string();
    assert!(error.contains("the request call is gRPC"), "{error}");
}
