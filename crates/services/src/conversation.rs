//! The answers of one conversation. In: the requests as they arrive; out: an answer
//! to each, with the running totals. It is pulled: a request is read only when the
//! transport has room for its answer, so that one answer is in hand at a time. A
//! client that sends and does not read is held back by HTTP/2's flow control, and
//! memory stays flat; a queue between reading and answering would only fill first.
//!
//! It ends when the client has sent its last request, with an error when the
//! requests do, at the caller's deadline, and at the limit on messages. The deadline
//! is looked at whenever the transport asks, as it is of [`Numbers`](crate::numbers).

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use contract::pspd::{EchoReply, EchoRequest};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

/// Answers to the requests of `S`.
pub(crate) struct Conversation<S> {
    requests: S,
    messages_max: u64,
    messages: u64,
    bytes: u64,
    deadline: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl<S> Conversation<S> {
    /// Takes at most `messages_max` requests; ends with `DEADLINE_EXCEEDED` at
    /// `deadline`.
    pub(crate) fn new(requests: S, messages_max: i32, deadline: Option<Instant>) -> Self {
        Conversation {
            requests,
            messages_max: messages_max.unsigned_abs().into(),
            messages: 0,
            bytes: 0,
            deadline: deadline.map(|deadline| Box::pin(sleep_until(deadline))),
            ended: false,
        }
    }

    /// The answer to `text`, within the limit.
    fn answer(&mut self, text: String) -> Result<EchoReply, Status> {
        if self.messages == self.messages_max {
            return Err(beyond(self.messages_max));
        }
        self.messages += 1;
        self.bytes = self.bytes.saturating_add(text.len() as u64);
        Ok(EchoReply {
            text,
            messages: i64::try_from(self.messages).unwrap_or(i64::MAX),
            bytes: i64::try_from(self.bytes).unwrap_or(i64::MAX),
        })
    }

    fn expired(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        match &mut self.deadline {
            Some(deadline) => {
                ready!(deadline.as_mut().poll(context));
                let messages = self.messages;
                let message = format!("the deadline passed after {messages} messages");
                Poll::Ready(Status::deadline_exceeded(message))
            }
            None => Poll::Pending,
        }
    }
}

/// What a stream of more messages than the limit ends with.
pub(crate) fn beyond(messages_max: u64) -> Status {
    Status::invalid_argument(format!(
        "the stream has more than {messages_max} messages, which is all that this service takes \
         (count-max); send several streams"
    ))
}

impl<S> Stream for Conversation<S>
where
    S: Stream<Item = Result<EchoRequest, Status>> + Unpin,
{
    type Item = Result<EchoReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let answer = match self.expired(context) {
            Poll::Ready(expired) => Some(Err(expired)),
            Poll::Pending => {
                let request = ready!(Pin::new(&mut self.requests).poll_next(context));
                request.map(|request| self.answer(request?.text))
            }
        };
        self.ended = !matches!(answer, Some(Ok(_)));
        Poll::Ready(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;
    use tokio_stream::{StreamExt, iter, wrappers::ReceiverStream};
    use tonic::Code;

    use super::*;

    fn request(text: &str) -> Result<EchoRequest, Status> {
        Ok(EchoRequest {
            text: text.to_owned(),
        })
    }

    fn reply(text: &str, messages: i64, bytes: i64) -> EchoReply {
        EchoReply {
            text: text.to_owned(),
            messages,
            bytes,
        }
    }

    #[tokio::test]
    async fn each_request_is_answered_with_the_totals_so_far() {
        let requests = iter([request("a"), request(""), request("é日")]);
        let answers: Vec<_> = Conversation::new(requests, 3, None)
            .map(|answer| answer.expect("within the limit"))
            .collect()
            .await;
        let expected = [reply("a", 1, 1), reply("", 2, 1), reply("é日", 3, 6)];
        assert_eq!(answers, expected);
    }

    #[tokio::test]
    async fn no_request_is_read_before_the_answer_before_it_is_taken() {
        let (sender, requests) = mpsc::channel(8);
        for text in ["a", "b", "c"] {
            sender.try_send(request(text)).expect("room");
        }
        let mut answers = Conversation::new(ReceiverStream::new(requests), 9, None);
        assert_eq!(sender.capacity(), 5, "nobody has asked for an answer");
        answers.next().await.expect("an answer").expect("no error");
        assert_eq!(sender.capacity(), 6, "one request, one answer");
    }

    #[tokio::test]
    async fn the_limit_and_the_requests_own_error_end_it() {
        let many = iter([request("a"), request("b"), request("c")]);
        let broken = iter([request("a"), request("b"), Err(Status::cancelled("gone"))]);
        for (mut answers, expected) in [
            (Conversation::new(many, 2, None), Code::InvalidArgument),
            (Conversation::new(broken, 9, None), Code::Cancelled),
        ] {
            for _ in 0..2 {
                answers.next().await.expect("an answer").expect("no error");
            }
            let error = answers.next().await.expect("an end").expect_err("an error");
            assert_eq!(error.code(), expected);
            assert!(answers.next().await.is_none(), "and no more");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_it_whether_or_not_the_client_sends() {
        let start = Instant::now();
        let deadline = start + Duration::from_millis(25);
        let requests = tokio_stream::pending();
        let mut silent = Conversation::new(requests, 9, Some(deadline));
        let error = silent.next().await.expect("an end").expect_err("an error");
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert_eq!(start.elapsed(), Duration::from_millis(25));

        let endless = iter(std::iter::repeat_with(|| request("a")));
        let mut late = Conversation::new(endless, 9, Some(deadline));
        let error = late.next().await.expect("an end").expect_err("an error");
        assert_eq!(error.code(), Code::DeadlineExceeded);
    }
}
