//! `/b/numbers` value by value: what the service has sent goes out at once,
//! what the client has not taken is not asked for, and an error that comes
//! after the first byte is told in the stream's own form.
//!
//! A client that does not read is not asked either whether its time is over, so
//! the end of the time is watched by a task of its own: it lets go of the call
//! and of its place in flight, and the client finds the error when it reads on.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use server::RequestId;
use tokio::time::{Instant, sleep_until};

use super::timed_out;
use crate::{
    respond::{Chunks, Problem, UpstreamFailure},
    server::InFlight,
    transcode::numbers::Form,
    upstream::grpc::Messages,
};

/// Values that have already arrived are joined up to about this many bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// When a stream has to be over, and the limit that says so.
pub(super) struct End {
    pub(super) deadline: Instant,
    pub(super) limit: Duration,
}

pub(super) struct NumbersStream {
    call: Arc<Mutex<Call>>,
    watchdog: tokio::task::AbortHandle,
    form: Form,
    id: RequestId,
    limit: Duration,
    ended: bool,
    cause: Option<String>,
}

/// The call behind the stream, until it is over.
struct Call {
    live: Option<(Messages, InFlight)>,
    waiting: Option<Waker>,
}

impl NumbersStream {
    /// Must be called on the worker's runtime.
    pub(super) fn new(
        messages: Messages,
        form: Form,
        id: RequestId,
        end: End,
        in_flight: InFlight,
    ) -> Self {
        let call = Arc::new(Mutex::new(Call {
            live: Some((messages, in_flight)),
            waiting: None,
        }));
        let watched = Arc::clone(&call);
        let watchdog = tokio::spawn(async move {
            sleep_until(end.deadline).await;
            let mut call = watched.lock().unwrap_or_else(PoisonError::into_inner);
            call.live = None;
            if let Some(waiting) = call.waiting.take() {
                waiting.wake();
            }
        });
        NumbersStream {
            call,
            watchdog: watchdog.abort_handle(),
            form,
            id,
            limit: end.limit,
            ended: false,
            cause: None,
        }
    }

    /// Writes what has arrived; ready once nothing follows.
    fn poll_write(&self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<Result<(), Problem>> {
        let mut call = self.call.lock().unwrap_or_else(PoisonError::into_inner);
        let Call { live, waiting } = &mut *call;
        let Some((messages, _)) = live else {
            return Poll::Ready(Err(timed_out("B", self.limit)));
        };
        let broken = |failure| Problem::Upstream {
            service: "B",
            failure,
        };
        while out.len() < CHUNK_BYTES {
            match messages.poll_next(cx).map_err(broken)? {
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(message)) => {
                    self.form.write_value(message, out).map_err(|error| {
                        let cause = format!("a malformed message: {error}");
                        broken(UpstreamFailure::Broken { cause })
                    })?;
                }
                Poll::Pending => {
                    *waiting = Some(cx.waker().clone());
                    break;
                }
            }
        }
        Poll::Pending
    }
}

impl Chunks for NumbersStream {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut out = Vec::new();
        match self.poll_write(cx, &mut out) {
            Poll::Ready(Ok(())) => {
                self.ended = true;
                self.form.write_end(&mut out);
            }
            Poll::Ready(Err(problem)) => {
                self.ended = true;
                self.cause = problem.log_message();
                self.form.write_error(&problem.body(&self.id), &mut out);
            }
            // Whoever has something, or ends it, will wake this task.
            Poll::Pending if out.is_empty() => return Poll::Pending,
            Poll::Pending => {}
        }
        Poll::Ready((!out.is_empty()).then(|| out.into()))
    }

    fn cause(&mut self) -> Option<String> {
        self.cause.take()
    }
}

impl Drop for NumbersStream {
    fn drop(&mut self) {
        self.watchdog.abort();
    }
}
