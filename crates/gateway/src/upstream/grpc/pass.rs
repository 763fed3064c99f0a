//! A call whose bytes go through as they are: the head that the caller made and the
//! first bytes out, the head and the stream of the answer back. Nothing is decoded
//! here and nothing is decided but which connection is used, and whether a call that
//! the service provably did not begin is begun on another.

use std::sync::Arc;

use bytes::Bytes;
use h2::{RecvStream, client::ResponseFuture};
use http::{HeaderMap, response::Parts, uri::PathAndQuery};
use tokio::time::Instant;

use super::{
    Sending, Upstream,
    call::{code_of, is_unread, request},
    endpoint::Standing,
    link::{Busy, For},
    repeat::ATTEMPTS_MAX,
};
use crate::{
    counting::Passing,
    respond::{Code, UpstreamFailure},
};

/// What goes out first.
#[derive(Debug, Clone)]
pub(crate) enum Opening {
    /// The whole of the request; it can be sent again.
    Whole(Bytes),
    /// Its first bytes, or none; more follow.
    Part(Bytes),
}

/// A call that the service has begun to answer.
pub(crate) struct Passed {
    pub(crate) head: Parts,
    pub(crate) stream: RecvStream,
    pub(crate) busy: Busy,
}

/// A call whose head has been sent.
pub(crate) struct Begun {
    answer: ResponseFuture,
    sending: Sending,
    busy: Busy,
}

impl Upstream {
    /// Begins a call of `method`, with the headers that `head` makes. While no byte of
    /// it could be sent it is tried on other connections.
    ///
    /// The caller bounds the wait.
    pub(crate) async fn pass(
        &self,
        method: &PathAndQuery,
        head: &(impl Fn() -> HeaderMap + Sync),
        opening: &Opening,
        deadline: Instant,
        made: For,
    ) -> Result<Begun, UpstreamFailure> {
        self.pass_elsewhere((made, &mut Vec::new()), method, head, opening, deadline)
            .await
    }

    /// The same, where others than those `tried` are preferred.
    async fn pass_elsewhere(
        &self,
        (made, tried): (For, &mut Vec<Arc<Standing>>),
        method: &PathAndQuery,
        head: &(impl Fn() -> HeaderMap + Sync),
        opening: &Opening,
        deadline: Instant,
    ) -> Result<Begun, UpstreamFailure> {
        loop {
            let (mut busy, sender) = self.place(tried, deadline).await?;
            busy.count(Some(made.rpc));
            let sent = match sender.ready().await {
                Ok(mut sender) => {
                    let mut request = request(busy.standing(), method);
                    *request.headers_mut() = head();
                    let resent = u32::try_from(tried.len()).unwrap_or(u32::MAX);
                    busy.trace(made, resent, request.headers_mut());
                    sender.send_request(request, false)
                }
                Err(error) => Err(error),
            };
            let error = match sent {
                Ok((answer, mut stream)) => {
                    let mut passing = Passing::of(&busy, made.rpc);
                    let (first, is_whole) = match opening {
                        Opening::Whole(bytes) => (bytes, true),
                        Opening::Part(bytes) => (bytes, false),
                    };
                    if is_whole || !first.is_empty() {
                        passing.for_upstream(first);
                        // The answer tells what became of a stream that is gone.
                        let _ = stream.send_data(first.clone(), is_whole);
                    }
                    return Ok(Begun {
                        answer,
                        sending: Sending {
                            stream,
                            passing: Some(passing),
                        },
                        busy,
                    });
                }
                Err(error) => error,
            };
            busy.ended(Some(Code::Unavailable));
            tried.push(Arc::clone(busy.standing()));
            if tried.len() >= ATTEMPTS_MAX {
                return Err(UpstreamFailure::Unreachable {
                    cause: format!("the connection closed before the call: {error}"),
                });
            }
            self.pool.common.counts.retried();
            // Lets the connection's keeper notice that it is closing.
            tokio::task::yield_now().await;
        }
    }

    /// Makes a call whose request is there whole, and waits until the service has
    /// begun to answer. One that the service refused unread is made again.
    pub(crate) async fn pass_whole(
        &self,
        method: &PathAndQuery,
        head: &(impl Fn() -> HeaderMap + Sync),
        message: Bytes,
        deadline: Instant,
        made: For,
    ) -> Result<(Passed, Sending), UpstreamFailure> {
        let opening = Opening::Whole(message);
        let mut tried = Vec::new();
        loop {
            let begun = self.pass_elsewhere((made, &mut tried), method, head, &opening, deadline);
            let begun = begun.await?;
            let Begun {
                answer,
                sending,
                busy,
            } = begun;
            let standing = Arc::clone(busy.standing());
            match answered(answer, busy).await {
                Ok(passed) => return Ok((passed, sending)),
                Err(error) if tried.len() + 1 < ATTEMPTS_MAX && is_unread(&error) => {
                    tried.push(standing);
                    self.pool.common.counts.retried();
                    tokio::task::yield_now().await;
                }
                Err(error) => return Err(self.told(broken_off(self.name(), &error))),
            }
        }
    }
}

impl Begun {
    /// Takes the request's side out, and leaves what waits for the answer.
    pub(crate) fn split(self) -> (Sending, Waiting) {
        let waiting = Waiting {
            answer: self.answer,
            busy: self.busy,
        };
        (self.sending, waiting)
    }
}

/// A call of which the answer is awaited.
pub(crate) struct Waiting {
    answer: ResponseFuture,
    busy: Busy,
}

impl Waiting {
    /// Waits until the service has begun to answer.
    pub(crate) async fn passed(self, service: &str) -> Result<Passed, UpstreamFailure> {
        let standing = Arc::clone(self.busy.standing());
        let answered = answered(self.answer, self.busy).await;
        answered.map_err(|error| match standing.common.stop.is_over() {
            true => UpstreamFailure::Stopping,
            false => broken_off(service, &error),
        })
    }
}

async fn answered(answer: ResponseFuture, mut busy: Busy) -> Result<Passed, h2::Error> {
    let (head, stream) = match answer.await {
        Ok(answer) => answer.into_parts(),
        Err(error) => {
            match is_unread(&error) {
                true => busy.ended(Some(Code::Unavailable)),
                false => busy.judge(Some(code_of(&error))),
            }
            return Err(error);
        }
    };
    busy.answered();
    Ok(Passed { head, stream, busy })
}

/// What a stream or a connection that broke off means to a gRPC client.
pub(crate) fn broken_off(service: &str, error: &h2::Error) -> UpstreamFailure {
    UpstreamFailure::Status {
        code: code_of(error),
        message: format!("service {service} broke the call off: {error}"),
        details: Bytes::new(),
    }
}
