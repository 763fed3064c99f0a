//! Both directions of a socket at once: the client's texts to the service, the
//! service's messages to the client. Each goes on only when the other end of it has
//! room, and neither waits for the other.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use transcode::ReadError;

use super::{
    ending::{Ending, bad_message},
    frames::{CHUNK_BYTES, Socket},
};
use crate::{
    forward::{grpc::broken, stream::Live},
    respond::Problem,
    respond::UpstreamFailure,
    table::{BodyPlan, Content, Endpoint},
    upstream::grpc::Sending,
};

pub(super) struct Talk<'t> {
    endpoint: &'t Endpoint,
    live: Live,
    /// The way to the service, for as long as it takes messages.
    sending: Option<Sending>,
    /// Whether the client may send more.
    takes_more: bool,
    /// The end of the first message.
    bindings: Bytes,
    /// Messages that came together, which are sent together: many small frames cost the
    /// service more than their bytes, and some servers close the connection over them.
    gathered: BytesMut,
    /// Whether the client is not listened to.
    deaf: bool,
    /// What the service has no room for yet.
    unsent: Bytes,
    /// The client's messages so far.
    number: usize,
    /// The single message of an answer, until it is known that the call ends well.
    answer: Option<Vec<u8>>,
}

impl<'t> Talk<'t> {
    pub(super) fn new(
        endpoint: &'t Endpoint,
        live: Live,
        sending: Option<Sending>,
        bindings: Bytes,
    ) -> Self {
        Talk {
            endpoint,
            live,
            takes_more: sending.is_some(),
            sending,
            bindings,
            gathered: BytesMut::new(),
            deaf: false,
            unsent: Bytes::new(),
            number: 0,
            answer: None,
        }
    }

    /// Goes on until the call or the client ends.
    pub(super) async fn run(mut self, socket: &mut Socket) -> Ending {
        std::future::poll_fn(|cx| self.poll(cx, socket)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<Ending> {
        if let Poll::Ready(Err(ending)) = self.poll_in(cx, socket) {
            return Poll::Ready(ending);
        }
        loop {
            let ended = match self.poll_out(cx, socket) {
                Ok(ended) => ended,
                Err(ending) => return Poll::Ready(ending),
            };
            if let Some(ending) = ended {
                return Poll::Ready(ending);
            }
            if socket.has_room() {
                // There is nothing more at the moment.
                return match socket.poll_flush(cx) {
                    Poll::Ready(Err(ending)) => Poll::Ready(ending),
                    _ => Poll::Pending,
                };
            }
            match socket.poll_flush(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(ending)) => return Poll::Ready(ending),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes messages of the service while there is room for them.
    fn poll_out(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
    ) -> Result<Option<Ending>, Ending> {
        while socket.has_room() {
            let message = match self.live.poll_next(cx) {
                Poll::Pending => return Ok(None),
                Poll::Ready(Err(problem)) => return Err(Ending::Problem(problem)),
                Poll::Ready(Ok(message)) => message,
            };
            let many = self.endpoint.method.kind.answers_many();
            let Some(message) = message else {
                match self.answer.take() {
                    Some(json) => socket.put(json)?,
                    None if many => {}
                    None => return Err(self.odd("an answer without a message")),
                }
                return Ok(Some(Ending::Complete));
            };
            let mut json = Vec::with_capacity(64 + 2 * message.len());
            self.endpoint
                .write(message, &mut json)
                .map_err(|error| Ending::Problem(broken(self.endpoint, &error)))?;
            if many {
                socket.put(json)?;
            } else if self.answer.replace(json).is_some() {
                return Err(self.odd("more than one message in a unary answer"));
            }
        }
        Ok(None)
    }

    /// Takes texts of the client while the service has room for them; never ready but
    /// with the end.
    fn poll_in(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<Result<(), Ending>> {
        loop {
            let mut all_read = false;
            while self.gathered.len() < CHUNK_BYTES && !all_read {
                match socket.poll_text(cx) {
                    Poll::Ready(Ok(text)) => self.take(text.as_bytes())?,
                    Poll::Ready(Err(ending)) => return Poll::Ready(Err(ending)),
                    Poll::Pending => all_read = true,
                }
            }
            let sent = self.poll_send(cx);
            if std::mem::replace(&mut self.deaf, sent.is_pending() && !all_read) {
                // It was not listened to, so that its silence meant nothing.
                socket.hear();
            }
            if sent.is_pending() || all_read {
                return Poll::Pending;
            }
        }
    }

    /// Sends what has been gathered; ready when the service has taken all of it.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(sending) = &mut self.sending {
            if self.unsent.is_empty() {
                self.unsent = self.gathered.split().freeze();
            }
            if self.unsent.is_empty() {
                break;
            }
            if ready!(sending.poll_send(cx, &mut self.unsent)).is_err() {
                // What the service has to say about it is on its way.
                self.sending = None;
            }
        }
        if !self.takes_more
            && let Some(mut sending) = self.sending.take()
        {
            sending.finish();
        }
        self.gathered.clear();
        Poll::Ready(())
    }

    /// Takes one text of the client.
    fn take(&mut self, text: &[u8]) -> Result<(), Ending> {
        if text.is_empty() {
            self.takes_more = false;
            return Ok(());
        }
        self.number += 1;
        if !self.takes_more {
            return Err(bad_message(self.number, self.unwanted()));
        }
        let bindings = std::mem::take(&mut self.bindings);
        let message = self.endpoint.message(Content::Json(text), &bindings);
        let message = message.map_err(|error| bad_message(self.number, error))?;
        if self.sending.is_some() {
            self.gathered.extend_from_slice(&message);
        }
        Ok(())
    }

    /// Why there should be no further message.
    fn unwanted(&self) -> ReadError {
        let expected = match (&self.endpoint.body, self.endpoint.method.kind.takes_many()) {
            (_, true) => "nothing after the empty message that ends them",
            (BodyPlan::None, false) => "no message: path and query say everything",
            (_, false) => "nothing after the one message that the method takes",
        };
        ReadError {
            path: String::new(),
            value: "another message".to_owned(),
            expected: expected.to_owned(),
            line: 1,
            column: 1,
        }
    }

    fn odd(&self, cause: &str) -> Ending {
        let cause = cause.to_owned();
        let failure = UpstreamFailure::Broken { cause };
        Ending::Problem(Problem::upstream(&self.endpoint.method.service, failure))
    }
}
