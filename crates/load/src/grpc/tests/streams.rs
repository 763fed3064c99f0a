//! Calls that send streams, against targets that answer them in different ways.

use super::*;
use crate::{
    counts::{Ledger, Recorder, Window},
    messages::{Pace, Sending},
    template::Values,
};

/// Messages of these tests are empty: five bytes each.
const MESSAGE_BYTES: usize = 5;

/// The next message at the target; false at the end of the stream.
async fn next(body: &mut RecvStream, unread: &mut usize) -> bool {
    while *unread < MESSAGE_BYTES {
        match body.data().await {
            Some(data) => {
                let bytes = data.expect("the client is there").len();
                let _ = body.flow_control().release_capacity(bytes);
                *unread += bytes;
            }
            None => return false,
        }
    }
    *unread -= MESSAGE_BYTES;
    true
}

/// Answers each message after a while.
async fn echo(mut call: Answering, delay: Duration) {
    let mut stream = call.head();
    let body = call.request.body_mut();
    let mut unread = 0;
    while next(body, &mut unread).await {
        sleep(delay).await;
        send(&mut stream, MESSAGE);
    }
    end(&mut stream, "0");
}

/// Counts the messages to their end and answers once.
async fn sum_up(mut call: Answering, tell: mpsc::Sender<u32>) {
    let body = call.request.body_mut();
    let (mut unread, mut messages) = (0, 0);
    while next(body, &mut unread).await {
        messages += 1;
    }
    tell.send(messages).await.expect("the test listens");
    let mut stream = call.head();
    send(&mut stream, MESSAGE);
    end(&mut stream, "0");
}

async fn stream(
    connection: &mut Connection,
    method: &str,
    messages: u32,
    pace: Pace,
    timeout: Duration,
) -> (Result<(), RequestError>, Observed) {
    let mut observed = Observed::default();
    let outcome = observe(connection, method, messages, pace, timeout, &mut observed);
    (outcome.await, observed)
}

async fn observe(
    connection: &mut Connection,
    method: &str,
    messages: u32,
    pace: Pace,
    timeout: Duration,
    observed: &mut Observed,
) -> Result<(), RequestError> {
    let sending = Sending::new(messages, pace).expect("some");
    let call = call(method).sending(sending).expect("it takes a stream");
    let mut outgoing = Outgoing::new(&call, sending, Values::new(0, 0)).expect("constant");
    let outcome = within(timeout, async |limits| {
        let outcome = connection.stream(&call, &mut outgoing, limits, observed);
        outcome.await
    });
    outcome.await
}

#[tokio::test]
async fn a_stream_of_requests_is_sent_to_its_end() {
    let (tell, mut told) = mpsc::channel(10);
    let (address, _) =
        target(move |server| answer(server, move |call| sum_up(call, tell.clone()))).await;
    let mut connection = open(address).await;
    let every = Pace::Every(Duration::from_millis(1));
    // More than a window holds, in one piece or paced.
    for (messages, pace) in [(1, Pace::AtOnce), (30_000, Pace::AtOnce), (20, every)] {
        let (outcome, observed) = stream(&mut connection, "Up", messages, pace, LONG).await;
        outcome.expect("a right answer");
        assert_eq!(told.recv().await, Some(messages));
        assert_eq!(observed.progress.sent_in_all(), u64::from(messages));
        assert_eq!(observed.messages, 1);
        assert_eq!(observed.first_message, None, "its answer is no stream");
        assert!(observed.round_trips().is_empty());
    }
}

#[tokio::test]
async fn each_message_waits_for_the_answer_to_the_one_before() {
    let delay = Duration::from_millis(5);
    let (address, _) = target(move |server| answer(server, move |call| echo(call, delay))).await;
    let mut connection = open(address).await;
    let (outcome, observed) = stream(&mut connection, "Both", 8, Pace::WhenAnswered, LONG).await;
    outcome.expect("a right answer");
    assert_eq!((observed.progress.sent_in_all(), observed.messages), (8, 8));
    assert_eq!(observed.round_trips().len(), 8);
    // Were they sent at once, the last would have waited for all the others.
    let least = observed.round_trips().iter().min();
    assert!(least >= Some(&delay), "{least:?}");
    let (all, gaps): (Duration, Duration) = (
        observed.round_trips()[1..].iter().sum(),
        observed.gaps().iter().sum(),
    );
    assert_eq!(all, gaps, "one ends where the next begins");
}

#[tokio::test]
async fn the_round_trips_of_a_paced_call_count_from_when_its_messages_were_due() {
    const HELD_UP: Duration = Duration::from_millis(60);
    let (address, _) = target(|server| {
        answer(server, |mut call| async move {
            // Whoever waits for this must not have been sent late for that.
            sleep(HELD_UP).await;
            let _ = call.request.body_mut();
            echo(call, Duration::ZERO).await;
        })
    })
    .await;
    let mut connection = open(address).await;
    let every = Duration::from_millis(10);
    let (outcome, observed) = stream(&mut connection, "Both", 4, Pace::Every(every), LONG).await;
    outcome.expect("a right answer");
    let trips = observed.round_trips();
    assert_eq!(trips.len(), 4);
    for (index, trip) in (0u32..).zip(trips) {
        assert!(*trip >= HELD_UP - every * index, "{index}: {trip:?}");
    }
}

#[tokio::test]
async fn the_messages_of_a_call_that_begins_late_were_due_all_the_same() {
    const LATE: Duration = Duration::from_secs(5);
    let (address, _) = target(|server| answer(server, |call| echo(call, Duration::ZERO))).await;
    let mut connection = open(address).await;
    let intended = Instant::now();
    let window = Window {
        start: intended,
        end: intended + LATE * 2,
    };
    let every = Duration::from_millis(10);
    for (pace, step) in [(Pace::Every(every), every), (Pace::WhenAnswered, LATE)] {
        let recorder = Recorder::new(window, 1, LATE);
        let mut observed = Observed::counted_in(Ledger::new(recorder));
        // As if there had been no connection for it until now.
        let due = intended - LATE;
        observed.begin(0, due);
        let outcome = observe(&mut connection, "Both", 3, pace, LONG, &mut observed);
        outcome.await.expect("a right answer");
        let trips = observed.round_trips();
        assert_eq!(trips.len(), 3);
        assert!(trips[0] >= LATE, "{trips:?}");
        // Only the first one waited where each waits for the one before.
        assert!(trips[2] >= LATE.saturating_sub(step * 2), "{trips:?}");
        assert_eq!(observed.progress.sent_in_window(), 3);
        assert_eq!(observed.received_in_window, 3);
    }
}

#[tokio::test]
async fn messages_at_once_need_no_answer_and_have_no_round_trip() {
    let (address, _) = target(|server| {
        answer(server, |mut call| async move {
            let (mut unread, mut messages) = (0, 0);
            while next(call.request.body_mut(), &mut unread).await {
                messages += 1;
            }
            let mut stream = call.head();
            for _ in 0..messages {
                send(&mut stream, MESSAGE);
            }
            end(&mut stream, "0");
        })
    })
    .await;
    let mut connection = open(address).await;
    let (outcome, observed) = stream(&mut connection, "Both", 500, Pace::AtOnce, LONG).await;
    outcome.expect("a right answer");
    assert_eq!(
        (observed.progress.sent_in_all(), observed.messages),
        (500, 500)
    );
    assert!(observed.round_trips().is_empty());
    // The same target never answers one that waits for it.
    let (outcome, observed) = stream(&mut connection, "Both", 2, Pace::WhenAnswered, SHORT).await;
    assert!(matches!(outcome, Err(RequestError::Timeout(SHORT))));
    assert_eq!(observed.progress.sent_in_all(), 1);
    assert_eq!(observed.unanswered(Instant::now()).count(), 1);
}

#[tokio::test]
async fn a_target_may_end_a_call_before_it_has_all() {
    let (address, _) = target(|server| {
        answer(server, |mut call| async move {
            next(call.request.body_mut(), &mut 0).await;
            end(&mut call.head(), "3");
        })
    })
    .await;
    let mut connection = open(address).await;
    let slow = Pace::Every(Duration::from_secs(3600));
    for (method, pace) in [("Up", slow), ("Both", slow), ("Both", Pace::WhenAnswered)] {
        let (outcome, _) = stream(&mut connection, method, 2, pace, LONG).await;
        let refused = matches!(outcome, Err(RequestError::GrpcStatus { code: 3, .. }));
        assert!(refused, "{method}: {outcome:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_that_the_target_has_no_room_for() {
    let (tell, mut told) = mpsc::channel(10);
    let (address, _) = target(move |server| {
        answer(server, move |mut call| {
            let tell = tell.clone();
            async move {
                let reason = std::future::poll_fn(|cx| call.response.poll_reset(cx)).await;
                tell.send(reason.ok()).await.expect("the test listens");
            }
        })
    })
    .await;
    let mut connection = open(address).await;
    let (outcome, observed) = stream(&mut connection, "Up", 100_000, Pace::AtOnce, SHORT).await;
    assert!(matches!(outcome, Err(RequestError::Timeout(SHORT))));
    let bytes = observed.progress.sent_in_all() as usize * MESSAGE_BYTES;
    assert!(bytes < 65_535 + 16 * 1024, "{bytes} bytes");
    assert_eq!(told.recv().await, Some(Some(Reason::CANCEL)));
}
