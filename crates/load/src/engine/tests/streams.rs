//! Streams of requests under load: what is counted of their messages.

use super::{
    grpc::{calls, method, target_of},
    *,
};
use crate::{
    grpc::Call,
    messages::{Pace, Sending},
};

const MESSAGES: u32 = 4;
const MESSAGE_BYTES: usize = 5;

/// Answers each empty message after a delay, and ends when the client does.
async fn echo(
    request: ::http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<::bytes::Bytes>,
    delay: Duration,
) -> Result<(), h2::Error> {
    let head = ::http::Response::builder().header("content-type", "application/grpc");
    let mut answers = respond.send_response(head.body(()).expect("a right head"), false)?;
    let mut body = request.into_body();
    let mut unread = 0;
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        unread += data.len();
        while unread >= MESSAGE_BYTES {
            unread -= MESSAGE_BYTES;
            tokio::time::sleep(delay).await;
            answers.send_data(::bytes::Bytes::from_static(&[0; MESSAGE_BYTES]), false)?;
        }
    }
    let mut trailers = ::http::HeaderMap::new();
    trailers.insert("grpc-status", ::http::HeaderValue::from_static("0"));
    answers.send_trailers(trailers)
}

fn conversations(address: SocketAddr, pace: Pace) -> Load {
    let call = Call::new("fake", &method("Both"), "{}", &[]).expect("right");
    let call = call.sending(Sending::new(MESSAGES, pace).expect("some"));
    let request = Request::grpc("both", call.expect("it takes a stream"));
    let requests = vec![request];
    Load {
        scenario: Arc::new(Scenario { requests }),
        ..calls(address, "One")
    }
}

#[tokio::test]
async fn round_trips_are_measured_message_by_message() {
    let delay = Duration::from_millis(5);
    let address = target_of(move |request, respond| echo(request, respond, delay)).await;
    let load = conversations(address, Pace::WhenAnswered);
    let request = &load.scenario.requests[0];
    let tried = crate::try_once(address, None, request, Duration::from_secs(10));
    tried.await.expect("a right answer");
    let sample = measure(load).await;
    let route = &sample.counts.routes[0];
    assert_eq!(route.failures.total(), 0);
    let calls = route.latency.count();
    assert!(calls > 0);
    assert_eq!(route.round_trips.count(), calls * u64::from(MESSAGES));
    assert_eq!(route.first_message.count(), calls);
    assert!(route.round_trips.quantile(0.0) >= Some(delay));
    assert!(route.latency.quantile(0.0) >= Some(delay * MESSAGES));
    // Those of the window, whichever call they belong to: nothing but those at its
    // ends differ, at most one a user each way.
    let users = u64::from(USERS);
    assert!(route.messages_received.abs_diff(route.messages_sent) <= users);
    let of_whole_calls = sample.counts.completed * u64::from(MESSAGES);
    let differ = route.messages_received.abs_diff(of_whole_calls);
    assert!(differ <= users * u64::from(MESSAGES), "{differ}");
}

#[tokio::test]
async fn messages_that_a_timeout_leaves_without_an_answer_count() {
    let address =
        target_of(|request, respond| echo(request, respond, Duration::from_secs(3600))).await;
    let timeout = Duration::from_millis(60);
    let every = Duration::from_millis(10);
    let sample = measure(Load {
        request_timeout: timeout,
        ..conversations(address, Pace::Every(every))
    })
    .await;
    let route = &sample.counts.routes[0];
    let failed = route.failures.of(Failure::Timeout);
    assert!(failed > 0);
    assert_eq!(route.messages_received, 0);
    assert!(route.messages_sent > 0);
    // Of the calls of the window each message was due, and had waited.
    let trips = &route.round_trips;
    assert!(trips.count() > 0);
    assert_eq!(trips.count() % u64::from(MESSAGES), 0);
    assert!(trips.quantile(0.0) >= Some(timeout - every * MESSAGES));
}
