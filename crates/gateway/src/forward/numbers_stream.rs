//! `/b/numbers` value by value: what the service has sent goes out at once,
//! what the client has not taken is not asked for, and an error that comes
//! after the first byte is told in the stream's own form.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use server::RequestId;
use tokio::time::{Instant, Sleep, sleep_until};

use super::timed_out;
use crate::{
    respond::{Chunks, Problem, UpstreamFailure},
    server::InFlight,
    transcode::numbers::Form,
    upstream::grpc::Messages,
};

/// Values that have already arrived are joined up to about this many bytes.
const CHUNK_BYTES: usize = 16 * 1024;

pub(super) struct NumbersStream {
    messages: Messages,
    form: Form,
    id: RequestId,
    timer: Pin<Box<Sleep>>,
    limit: Duration,
    ended: bool,
    _in_flight: InFlight,
}

impl NumbersStream {
    pub(super) fn new(
        messages: Messages,
        form: Form,
        id: RequestId,
        deadline: Instant,
        limit: Duration,
        in_flight: InFlight,
    ) -> Self {
        NumbersStream {
            messages,
            form,
            id,
            timer: Box::pin(sleep_until(deadline)),
            limit,
            ended: false,
            _in_flight: in_flight,
        }
    }

    /// Writes what has arrived; ready once nothing follows.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Vec<u8>,
    ) -> Poll<Result<(), UpstreamFailure>> {
        while out.len() < CHUNK_BYTES {
            match std::task::ready!(self.messages.poll_next(cx))? {
                None => return Poll::Ready(Ok(())),
                Some(message) => self.form.write_value(message, out).map_err(|error| {
                    let cause = format!("a malformed message: {error}");
                    UpstreamFailure::Broken { cause }
                })?,
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
        let written = self.poll_write(cx, &mut out);
        let timed_out = written.is_pending() && self.timer.as_mut().poll(cx).is_ready();
        let end = match written {
            Poll::Ready(Ok(())) => Some(Ok(())),
            Poll::Ready(Err(failure)) => Some(Err(Problem::Upstream {
                service: "B",
                failure,
            })),
            Poll::Pending if timed_out => Some(Err(timed_out_problem(self.limit))),
            Poll::Pending => None,
        };
        self.ended = end.is_some();
        match end {
            Some(Ok(())) => self.form.write_end(&mut out),
            Some(Err(problem)) => self.form.write_error(&problem.body(&self.id), &mut out),
            // Nothing has arrived: whoever has something will wake this task.
            None if out.is_empty() => return Poll::Pending,
            None => {}
        }
        if out.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(out.into()))
    }
}

fn timed_out_problem(limit: Duration) -> Problem {
    timed_out("B", limit)
}
