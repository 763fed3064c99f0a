//! A stream message by message: what the service has sent goes out at once, what
//! the client has not taken is not asked for, and an error that comes after the
//! first byte is told in the stream's own form.
//!
//! A client that does not read is not asked either whether its time is over, so
//! the end of the time is watched by a task of its own: it lets go of the call
//! and of its place in flight, and the client finds the error when it reads on.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use server::RequestId;
use telemetry::traces;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use transcode::{Malformed, bytes_field};

use super::{
    grpc::{broken, failed},
    timed_out,
    upload::Uploading,
};
use crate::{
    respond::{Aborted, Body, Chunks, Form, Problem, UpstreamFailure},
    server::InFlight,
    services::HeaderRules,
    table::Endpoint,
    upstream::grpc::{Messages, Metadata, Upstream},
};

/// Messages that have already arrived are joined up to about this many bytes.
const CHUNK_BYTES: usize = 16 * 1024;

type Calling = Pin<Box<dyn Future<Output = Result<Messages, UpstreamFailure>> + Send>>;

/// A call with one message, for whoever outlives the request that asked for it.
pub(super) struct Asking {
    pub(super) upstream: Arc<Upstream>,
    pub(super) endpoint: Arc<Endpoint>,
    /// Framed.
    pub(super) message: Bytes,
    pub(super) id: RequestId,
    pub(super) headers: HeaderMap,
    pub(super) rules: HeaderRules,
    /// What the call is made under; `None` with traces off.
    pub(super) trace: Option<traces::Context>,
    pub(super) deadline: Instant,
    pub(super) patience: Duration,
}

impl Asking {
    /// A service that begins to answer may take its time; one that does not is not
    /// waited for.
    async fn messages(self) -> Result<Messages, UpstreamFailure> {
        let metadata = Metadata {
            id: &self.id,
            headers: &self.headers,
            rules: &self.rules,
            deadline: self.deadline,
            rpc: Some(self.endpoint.method.rpc),
            trace: self.trace,
        };
        let path = &self.endpoint.method.path;
        let begun = self.upstream.call(path, &self.message, &metadata);
        timeout(self.patience, begun).await.unwrap_or_else(|_| {
            let millis = self.patience.as_millis();
            Err(UpstreamFailure::TimedOut { millis })
        })
    }
}

/// A call that is being made, or whose messages arrive, with what the client still
/// sends for it.
pub(super) struct Live {
    endpoint: Arc<Endpoint>,
    stage: Stage,
    uploading: Option<Uploading>,
}

#[allow(clippy::large_enum_variant)] // Every call that goes well becomes the large one.
enum Stage {
    Calling(Calling),
    Reading(Messages),
}

impl Live {
    /// A call that `calling` makes.
    pub(super) fn calling(
        endpoint: Arc<Endpoint>,
        calling: impl Future<Output = Result<Messages, UpstreamFailure>> + Send + 'static,
        uploading: Option<Uploading>,
    ) -> Self {
        Live {
            endpoint,
            stage: Stage::Calling(Box::pin(calling)),
            uploading,
        }
    }

    /// A call with one message, made while its answer is waited for.
    pub(super) fn asking(asking: Asking) -> Self {
        Live::calling(Arc::clone(&asking.endpoint), asking.messages(), None)
    }

    /// The next message once the call has begun to be answered.
    pub(super) async fn next(&mut self) -> Result<Option<&[u8]>, Problem> {
        match std::future::poll_fn(|cx| self.poll_arrived(cx)).await? {
            true => Ok(self.arrived()),
            false => Ok(None),
        }
    }

    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<&[u8]>, Problem>> {
        match ready!(self.poll_arrived(cx))? {
            true => Poll::Ready(Ok(self.arrived())),
            false => Poll::Ready(Ok(None)),
        }
    }

    /// What is wrong with what the client sends comes before what the service makes of
    /// its end.
    fn poll_arrived(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Problem>> {
        if let Some(uploading) = &mut self.uploading
            && let Poll::Ready(ended) = uploading.poll(cx)
        {
            self.uploading = None;
            ended?;
        }
        loop {
            let polled = match &mut self.stage {
                Stage::Reading(messages) => {
                    let arrived = ready!(messages.poll_arrived(cx));
                    return Poll::Ready(arrived.map_err(|failure| failed(&self.endpoint, failure)));
                }
                Stage::Calling(calling) => ready!(calling.as_mut().poll(cx)),
            };
            let messages = polled.map_err(|failure| failed(&self.endpoint, failure))?;
            self.stage = Stage::Reading(messages);
        }
    }

    fn arrived(&mut self) -> Option<&[u8]> {
        match &mut self.stage {
            Stage::Reading(messages) => messages.arrived(),
            Stage::Calling(_) => None,
        }
    }

    fn metadata(&self) -> Option<&crate::upstream::grpc::AnswerMetadata> {
        match &self.stage {
            Stage::Calling(_) => None,
            Stage::Reading(messages) => Some(messages.metadata()),
        }
    }
}

/// How a stream begins.
pub(super) enum First {
    /// With a message, as it is sent, of a media type that may be its own.
    Message(Vec<u8>, Option<HeaderValue>),
    /// It ends at once.
    End,
}

impl First {
    /// Writes the message before the answer begins, so that one that cannot be
    /// written decides its status.
    pub(super) fn of(
        endpoint: &Endpoint,
        form: Form,
        message: Option<&[u8]>,
    ) -> Result<Self, Problem> {
        let Some(message) = message else {
            return Ok(First::End);
        };
        let mut written = Vec::new();
        write(endpoint, form, message, &mut written)?;
        let media_type = (form == Form::Raw).then(|| media_type_of(message));
        Ok(First::Message(written, media_type))
    }
}

/// Appends a message in its form.
fn write(
    endpoint: &Endpoint,
    form: Form,
    message: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    if form == Form::Raw {
        let data = bytes_field(message, HTTP_BODY_DATA);
        out.extend_from_slice(data.map_err(|error| broken(endpoint, &error))?);
        return Ok(());
    }
    let begin = out.len();
    form.begin_message(out);
    if let Err(error) = endpoint.write(message, out) {
        // Half a message must not go out before the error.
        out.truncate(begin);
        return Err(broken(endpoint, &error));
    }
    form.end_message(out);
    Ok(())
}

/// What is known of a stream when its answer begins.
pub(super) struct Opened {
    pub(super) form: Form,
    /// Nothing when neither message nor end has come in time.
    pub(super) first: Option<First>,
    pub(super) id: RequestId,
    /// When the stream has to be over, and the limit that says so.
    pub(super) deadline: Instant,
    pub(super) limit: Duration,
    pub(super) keep_alive: Duration,
}

/// The answer that begins with what is known. Must be called on the worker's
/// runtime.
pub(super) fn response(
    endpoint: Arc<Endpoint>,
    live: Live,
    opened: Opened,
    in_flight: Option<InFlight>,
    rules: &HeaderRules,
) -> Response<Body> {
    let media_type = match (opened.form.media_type(), &opened.first) {
        (Some(media_type), _) => HeaderValue::from_static(media_type),
        (None, Some(First::Message(_, Some(media_type)))) => media_type.clone(),
        (None, _) => OCTETS,
    };
    let mut response = Response::new(Body::whole(Bytes::new()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    if let Some(metadata) = live.metadata() {
        metadata.backward(rules, headers);
    }
    let stream = MessageStream::new(endpoint, live, opened, in_flight);
    *response.body_mut() = Body::streamed(stream);
    response
}

/// Fields of `google.api.HttpBody`.
const HTTP_BODY_CONTENT_TYPE: u32 = 1;
const HTTP_BODY_DATA: u32 = 2;

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

fn media_type_of(message: &[u8]) -> HeaderValue {
    let named = bytes_field(message, HTTP_BODY_CONTENT_TYPE).unwrap_or_default();
    match HeaderValue::from_bytes(named) {
        Ok(media_type) if !named.is_empty() => media_type,
        _ => OCTETS,
    }
}

/// Media type and data of a `google.api.HttpBody`.
pub(super) fn http_body(message: &Bytes) -> Result<(HeaderValue, Bytes), Malformed> {
    let data = message.slice_ref(bytes_field(message, HTTP_BODY_DATA)?);
    Ok((media_type_of(message), data))
}

/// Whether the connection is to be closed, because the form has no place for an
/// error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Abort {
    No,
    /// Once what was written before, the answer's head at least, has gone out: the
    /// HTTP library sends it when it has to wait.
    AfterFlush,
    Now,
}

struct MessageStream {
    endpoint: Arc<Endpoint>,
    call: Arc<Mutex<Call>>,
    watchdog: tokio::task::AbortHandle,
    opened: Opened,
    ended: bool,
    abort: Abort,
    cause: Option<String>,
    /// Due at the earliest time at which something may have to be sent to show that
    /// the stream goes on.
    silence: Pin<Box<Sleep>>,
    sent: Instant,
}

/// The call behind the stream, until it is over.
struct Call {
    live: Option<(Live, Option<InFlight>)>,
    waiting: Option<Waker>,
}

impl MessageStream {
    fn new(
        endpoint: Arc<Endpoint>,
        live: Live,
        opened: Opened,
        in_flight: Option<InFlight>,
    ) -> Self {
        let call = Arc::new(Mutex::new(Call {
            live: Some((live, in_flight)),
            waiting: None,
        }));
        let watched = Arc::clone(&call);
        let deadline = opened.deadline;
        let watchdog = tokio::spawn(async move {
            sleep_until(deadline).await;
            let mut call = watched.lock().unwrap_or_else(PoisonError::into_inner);
            call.live = None;
            if let Some(waiting) = call.waiting.take() {
                waiting.wake();
            }
        });
        let now = Instant::now();
        MessageStream {
            endpoint,
            call,
            watchdog: watchdog.abort_handle(),
            silence: Box::pin(sleep_until(now + opened.keep_alive)),
            opened,
            ended: false,
            abort: Abort::No,
            cause: None,
            sent: now,
        }
    }

    /// Writes what has arrived; ready once nothing follows.
    fn poll_write(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<Result<(), Problem>> {
        if let Some(first) = self.opened.first.take() {
            match first {
                First::Message(written, _) => out.extend_from_slice(&written),
                First::End => return Poll::Ready(Ok(())),
            }
        }
        let call = Arc::clone(&self.call);
        let mut call = call.lock().unwrap_or_else(PoisonError::into_inner);
        let Call { live, waiting } = &mut *call;
        let Some((live, _)) = live else {
            return Poll::Ready(Err(timed_out(
                &self.endpoint.method.service,
                self.opened.limit,
            )));
        };
        while out.len() < CHUNK_BYTES {
            match live.poll_next(cx)? {
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(message)) => {
                    write(&self.endpoint, self.opened.form, message, out)?;
                }
                Poll::Pending => {
                    *waiting = Some(cx.waker().clone());
                    break;
                }
            }
        }
        Poll::Pending
    }

    /// What shows, after a time of silence, that the stream goes on.
    fn poll_keep_alive(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) {
        let Some(comment) = self.opened.form.keep_alive() else {
            return;
        };
        while self.silence.as_mut().poll(cx).is_ready() {
            let due = self.sent + self.opened.keep_alive;
            if due <= Instant::now() {
                out.extend_from_slice(comment);
                self.silence
                    .as_mut()
                    .reset(Instant::now() + self.opened.keep_alive);
                return;
            }
            self.silence.as_mut().reset(due);
        }
    }
}

impl Chunks for MessageStream {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Aborted>>> {
        match self.abort {
            Abort::No => {}
            Abort::AfterFlush => {
                self.abort = Abort::Now;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Abort::Now => return Poll::Ready(Some(Err(Aborted))),
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let mut out = Vec::new();
        match self.poll_write(cx, &mut out) {
            Poll::Ready(Ok(())) => {
                self.ended = true;
                self.opened.form.end_stream(&self.endpoint, &mut out);
            }
            Poll::Ready(Err(problem)) => {
                self.ended = true;
                self.cause = problem.log_message();
                if self.opened.form == Form::Raw {
                    self.abort = Abort::AfterFlush;
                    return match out.is_empty() {
                        true => self.poll_chunk(cx),
                        false => Poll::Ready(Some(Ok(out.into()))),
                    };
                }
                let body = problem.body(self.endpoint.errors, &self.opened.id);
                self.opened
                    .form
                    .error(self.endpoint.errors, &body, &mut out);
            }
            Poll::Pending if out.is_empty() => self.poll_keep_alive(cx, &mut out),
            Poll::Pending => {}
        }
        if out.is_empty() && !self.ended {
            // Whoever has something, or ends it, will wake this task.
            return Poll::Pending;
        }
        self.sent = Instant::now();
        Poll::Ready((!out.is_empty()).then(|| Ok(out.into())))
    }

    fn cause(&mut self) -> Option<String> {
        self.cause.take()
    }
}

impl Drop for MessageStream {
    fn drop(&mut self) {
        self.watchdog.abort();
    }
}
