//! Service B's stream. It is pulled: a number is made only when the transport
//! has room for it, so a slow reader holds back the producer and memory stays
//! flat, and a stream that nobody reads any more is dropped with its timer. It
//! costs no thread. A reader that fell behind the schedule gets what is overdue
//! at once.
//!
//! The deadline is looked at whenever the transport asks. A reader that grants no
//! flow control at all is not asked for anything: its stream then holds its place
//! and one small struct, and does no work, until the client resets it (as every
//! gRPC client does at its own deadline) or the connection ends.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use contract::pspd::NumberReply;
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use crate::logic::Sequence;

/// The numbers of one request, each when it is due.
pub(crate) struct Numbers {
    sequence: Sequence,
    start: Instant,
    deadline: Option<Instant>,
    sent: i32,
    ended: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Numbers {
    /// Starts the schedule now; ends with `DEADLINE_EXCEEDED` at `deadline`.
    pub(crate) fn new(sequence: Sequence, deadline: Option<Instant>) -> Self {
        Numbers {
            sequence,
            start: Instant::now(),
            deadline,
            sent: 0,
            ended: false,
            timer: None,
        }
    }

    /// Waits for what follows the numbers sent so far, or for the deadline if
    /// that comes first.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.sequence.due_after(self.sent) else {
            return Poll::Ready(());
        };
        let due = self.start + due;
        let wake = self.deadline.map_or(due, |deadline| due.min(deadline));
        let timer = match &mut self.timer {
            Some(timer) => {
                if timer.deadline() != wake {
                    timer.as_mut().reset(wake);
                }
                timer
            }
            None if wake <= Instant::now() => return Poll::Ready(()),
            None => self.timer.insert(Box::pin(sleep_until(wake))),
        };
        timer.as_mut().poll(cx)
    }

    fn expired(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl Stream for Numbers {
    type Item = Result<NumberReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        std::task::ready!(self.poll_due(cx));
        if self.expired() {
            self.ended = true;
            let sent = self.sent;
            let message = format!("the deadline passed after {sent} numbers");
            return Poll::Ready(Some(Err(Status::deadline_exceeded(message))));
        }
        if self.sent == self.sequence.count() {
            self.ended = true;
            return Poll::Ready(None);
        }
        self.sent += 1;
        Poll::Ready(Some(Ok(NumberReply { value: self.sent })))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio_stream::StreamExt;

    use super::*;
    use crate::logic::Limits;

    const MS: Duration = Duration::from_millis(1);

    fn numbers(count: i32, delay_ms: i32, deadline: Option<Instant>) -> Numbers {
        let sequence =
            Sequence::requested(count, delay_ms, &Limits::default()).expect("within limits");
        Numbers::new(sequence, deadline)
    }

    #[tokio::test(start_paused = true)]
    async fn each_number_comes_when_it_is_due() {
        let start = Instant::now();
        let mut stream = numbers(3, 10, None);
        let mut arrivals = Vec::new();
        while let Some(reply) = stream.next().await {
            arrivals.push((reply.expect("no error").value, start.elapsed()));
        }
        assert_eq!(arrivals, [(1, Duration::ZERO), (2, 10 * MS), (3, 20 * MS)]);
        assert_eq!(start.elapsed(), 30 * MS, "the end keeps the schedule too");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_fell_behind_catches_up() {
        let start = Instant::now();
        let mut stream = numbers(5, 10, None);
        stream.next().await;
        tokio::time::sleep(35 * MS).await;
        for _ in 0..3 {
            stream.next().await;
        }
        assert_eq!(start.elapsed(), 35 * MS);
        stream.next().await;
        assert_eq!(start.elapsed(), 40 * MS);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_it() {
        let start = Instant::now();
        let mut stream = numbers(100, 10, Some(start + 25 * MS));
        let mut values = 0;
        let error = loop {
            match stream.next().await.expect("it ends with an error") {
                Ok(_) => values += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(values, 3);
        assert_eq!(error.code(), tonic::Code::DeadlineExceeded);
        assert_eq!(start.elapsed(), 25 * MS);
        assert!(stream.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_delay_no_time_passes() {
        let start = Instant::now();
        let values: Vec<_> = numbers(1000, 0, None)
            .map(|reply| reply.expect("no error").value)
            .collect()
            .await;
        assert_eq!(values, (1..=1000).collect::<Vec<_>>());
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
