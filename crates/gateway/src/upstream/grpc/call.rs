//! One call: the request's head and its messages out, the messages of the answer
//! in, and the status at its end. Dropping the answering part of it resets the
//! stream, which cancels the call at the service.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream, client::ResponseFuture};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header, uri::PathAndQuery,
};
use percent_encoding::percent_decode;
use server::RequestId;
use telemetry::{RpcId, traces};
use tokio::time::Instant;

use super::{
    Upstream,
    compression::{Compression, NotRead, Sent},
    endpoint::Standing,
    frame::{Complete, Decoder},
    link::{Busy, For},
    metadata::{self, AnswerMetadata},
    pool::Place,
    retry::Pushback,
};
use crate::{
    counting::Passing,
    respond::{Code, UpstreamFailure},
    services::HeaderRules,
    upstream::{GRPC_TIMEOUT, TRACEPARENT, traceparent},
};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// Says how often a call was made before that may have begun.
const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// What goes along with the message.
pub(crate) struct Metadata<'r> {
    pub(crate) id: &'r RequestId,
    /// The client's headers, of which `rules` says which go on.
    pub(crate) headers: &'r HeaderMap,
    pub(crate) rules: &'r HeaderRules,
    pub(crate) deadline: Instant,
    /// What metrics know the method by; `None` is not counted.
    pub(crate) rpc: Option<RpcId>,
    /// What it is made under; `None` with traces off.
    pub(crate) trace: Option<traces::Context>,
}

/// How often a call has been made before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    /// In all.
    pub(super) made: u32,
    /// So that the service may have begun it.
    pub(super) begun: u32,
}

impl Upstream {
    /// Calls `method` with one framed message; returns once the service has
    /// begun to answer. What becomes of a call that fails before is decided in
    /// [`repeat`](super::repeat).
    ///
    /// The caller bounds the wait; the deadline is told to the service.
    pub(crate) async fn call(
        &self,
        method: &PathAndQuery,
        message: &Bytes,
        metadata: &Metadata<'_>,
    ) -> Result<Messages, UpstreamFailure> {
        if let Some(hedge) = self.hedge(method.path()) {
            let hedged = Box::pin(self.call_hedged(hedge, method, message, metadata));
            return hedged.await.map_err(|failure| self.told(failure));
        }
        let place = self.place(&[], metadata.deadline).await?;
        match self
            .attempt(place, method, message, Before::default(), metadata)
            .await
        {
            Ok(messages) => Ok(messages),
            // Boxed, so that a call that goes well has no room for it.
            Err(failed) => {
                let again = Box::pin(self.call_again(failed, method, message, metadata));
                again.await.map_err(|failure| self.told(failure))
            }
        }
    }

    /// Begins a call of `method` whose messages follow, of which the first may wait
    /// for the client. Before one has been sent, a call that could not begin is begun
    /// on another connection.
    ///
    /// The caller bounds the wait; the deadline is told to the service.
    pub(crate) async fn begin(
        &self,
        method: &PathAndQuery,
        metadata: &Metadata<'_>,
    ) -> Result<(Sending, Answering), UpstreamFailure> {
        let place = self.place(&[], metadata.deadline).await?;
        let head = self.head(place, method, None, Before::default(), metadata);
        let begun = match head.await {
            Ok(begun) => Ok(begun),
            Err(failed) => Box::pin(self.begin_again(failed, method, metadata)).await,
        };
        let begun = begun.map_err(|failure| self.told(failure));
        begun.map(|(stream, answering)| {
            let passing = metadata.rpc.map(|rpc| Passing::of(&answering.busy, rpc));
            (Sending { stream, passing }, answering)
        })
    }

    /// One attempt.
    pub(super) async fn attempt(
        &self,
        place: Place,
        method: &PathAndQuery,
        message: &Bytes,
        before: Before,
        metadata: &Metadata<'_>,
    ) -> Result<Messages, Failed> {
        let sent = self.head(place, method, Some(message), before, metadata);
        let (_stream, answering) = sent.await?;
        answering.answer().await
    }

    /// Sends the head of a call, and its only message if it is there.
    pub(super) async fn head(
        &self,
        mut place: Place,
        method: &PathAndQuery,
        message: Option<&Bytes>,
        before: Before,
        metadata: &Metadata<'_>,
    ) -> Result<(SendStream<Bytes>, Answering), Failed> {
        place.0.count(metadata.rpc);
        let mut request = bare_request(place.0.standing(), method);
        let headers = request.headers_mut();
        if before.begun > 0 {
            headers.insert(PREVIOUS_ATTEMPTS, before.begun.into());
        }
        if let Some(timeout) = metadata::timeout(metadata.deadline) {
            headers.insert(GRPC_TIMEOUT, timeout);
        }
        headers.insert(RequestId::HEADER, metadata.id.header_value());
        if let Some(traceparent) = traceparent(metadata.headers) {
            headers.insert(TRACEPARENT, traceparent.clone());
        }
        metadata::forward(metadata.headers, metadata.rules, headers);
        if let (Some(trace), Some(rpc)) = (metadata.trace, metadata.rpc) {
            place.0.trace(
                For {
                    rpc,
                    trace: Some(trace),
                },
                before.made,
                headers,
            );
        }
        place.0.sent(u64::from(message.is_some()));
        let message_bytes_max = self.pool.options.message_bytes_max;
        let Some(compression) = &self.pool.compression else {
            return send(place, request, message, message_bytes_max).await;
        };
        let compressed = compression.apply(message, request.headers_mut());
        let (sent, message) = match &compressed {
            Some(compressed) => (Sent::Compressed, Some(compressed)),
            None => (Sent::Plain, message),
        };
        let sending = Box::pin(send(place, request, message, message_bytes_max));
        let (stream, mut answering) = sending.await?;
        answering.compression = Some((Arc::clone(compression), sent));
        Ok((stream, answering))
    }
}

/// The head of a call with what every call has.
pub(super) fn bare_request(standing: &Standing, method: &PathAndQuery) -> Request<()> {
    let mut request = request(standing, method);
    let headers = request.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    request
}

/// The head of a call without headers.
pub(super) fn request(standing: &Standing, method: &PathAndQuery) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = http::Method::POST;
    *request.version_mut() = http::Version::HTTP_2;
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(standing.common.scheme());
    uri.authority = Some(standing.target.address.authority().clone());
    uri.path_and_query = Some(method.clone());
    // All three parts are there and valid by construction.
    *request.uri_mut() = http::Uri::from_parts(uri).unwrap_or_default();
    request
}

/// Sends `request`, and its only message if it is there.
pub(super) async fn send(
    (busy, sender): Place,
    request: Request<()>,
    message: Option<&Bytes>,
    message_bytes_max: usize,
) -> Result<(SendStream<Bytes>, Answering), Failed> {
    let mut sender = match sender.ready().await {
        Ok(sender) => sender,
        Err(error) => return Err(Failed::of(AttemptError::NotSent(error), &busy)),
    };
    let (answer, mut stream) = match sender.send_request(request, false) {
        Ok(sent) => sent,
        Err(error) => return Err(Failed::of(AttemptError::NotSent(error), &busy)),
    };
    if let Some(message) = message {
        // A stream that is gone already has been answered, or says why it was not.
        let _ = stream.send_data(message.clone(), true);
    }
    let answering = Answering {
        answer,
        busy,
        message_bytes_max,
        compression: None,
    };
    Ok((stream, answering))
}

/// An attempt that failed, and where.
pub(super) struct Failed {
    pub(super) error: AttemptError,
    pub(super) standing: Arc<Standing>,
}

/// Why an attempt failed, and so whether another may be made.
pub(super) enum AttemptError {
    NotSent(h2::Error),
    Sent(h2::Error),
    /// The service does not know the compression of the message.
    NotRead,
    Answered(UpstreamFailure, Pushback),
}

impl Failed {
    fn of(error: AttemptError, busy: &Busy) -> Self {
        match error.has_not_begun() {
            true => busy.ended(Some(error.code())),
            false => busy.judge(Some(error.code())),
        }
        Failed {
            error,
            standing: Arc::clone(busy.standing()),
        }
    }
}

impl AttemptError {
    /// Whether the service provably did not begin the call, so that repeating it is
    /// safe.
    pub(super) fn has_not_begun(&self) -> bool {
        match self {
            AttemptError::NotSent(_) | AttemptError::NotRead => true,
            AttemptError::Sent(error) => is_unread(error),
            AttemptError::Answered(..) => false,
        }
    }

    /// What a policy knows it by.
    pub(super) fn code(&self) -> Code {
        match self {
            AttemptError::NotSent(_) => Code::Unavailable,
            AttemptError::Sent(error) => code_of(error),
            AttemptError::NotRead => Code::Unimplemented,
            AttemptError::Answered(failure, _) => failure.code(),
        }
    }

    pub(super) fn pushback(&self) -> Pushback {
        match self {
            AttemptError::Answered(_, pushback) => *pushback,
            AttemptError::NotSent(_) | AttemptError::Sent(_) | AttemptError::NotRead => {
                Pushback::None
            }
        }
    }
}

/// Whether the service says that it has not begun the call (RFC 9113, sections 6.8
/// and 8.7).
pub(super) fn is_unread(error: &h2::Error) -> bool {
    let refused = error.reason() == Some(Reason::REFUSED_STREAM);
    error.is_remote() && (refused || error.is_go_away())
}

/// The code that stands for a broken call (gRPC over HTTP/2, "HTTP2 Transport
/// Mapping").
pub(super) fn code_of(error: &h2::Error) -> Code {
    if error.is_io() || error.is_go_away() {
        return Code::Unavailable;
    }
    match error.reason() {
        Some(Reason::REFUSED_STREAM) => Code::Unavailable,
        Some(Reason::CANCEL) => Code::Cancelled,
        Some(Reason::ENHANCE_YOUR_CALM) => Code::ResourceExhausted,
        Some(Reason::INADEQUATE_SECURITY) => Code::PermissionDenied,
        _ => Code::Internal,
    }
}

impl From<Failed> for UpstreamFailure {
    fn from(failed: Failed) -> Self {
        failed.error.into()
    }
}

impl From<AttemptError> for UpstreamFailure {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::NotSent(error) => UpstreamFailure::Unreachable {
                cause: format!("the connection closed before the call: {error}"),
            },
            AttemptError::Sent(error) => broken(&error),
            AttemptError::NotRead => UpstreamFailure::Broken {
                cause: NotRead.to_string(),
            },
            AttemptError::Answered(failure, _) => failure,
        }
    }
}

fn broken(error: &h2::Error) -> UpstreamFailure {
    UpstreamFailure::Broken {
        cause: format!("the call broke off: {error}"),
    }
}

/// The requests' side of a call. Dropping it together with the answering side resets
/// the call.
pub(crate) struct Sending {
    pub(super) stream: SendStream<Bytes>,
    pub(super) passing: Option<Passing>,
}

/// The service takes nothing more; its answer says why.
#[derive(Debug)]
pub(crate) struct Closed;

impl Sending {
    /// Sends `bytes`, of one framed message or of several or a part of one, as far and
    /// as soon as the service has room for them.
    pub(crate) async fn send(&mut self, mut bytes: Bytes) -> Result<(), Closed> {
        std::future::poll_fn(|cx| self.poll_send(cx, &mut bytes)).await
    }

    /// The same; what has been sent is taken off `bytes`.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut Bytes,
    ) -> Poll<Result<(), Closed>> {
        while !bytes.is_empty() {
            self.stream.reserve_capacity(bytes.len());
            let Some(Ok(room)) = std::task::ready!(self.stream.poll_capacity(cx)) else {
                return Poll::Ready(Err(Closed));
            };
            let part = bytes.split_to(room.min(bytes.len()));
            if let Some(passing) = &mut self.passing {
                passing.for_upstream(&part);
            }
            if self.stream.send_data(part, false).is_err() {
                return Poll::Ready(Err(Closed));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Cancels the call.
    pub(crate) fn cancel(mut self) {
        self.stream.send_reset(Reason::CANCEL);
    }

    /// Says that all messages have been sent.
    pub(crate) fn finish(&mut self) {
        // A stream that is gone has been finished by the service.
        let _ = self.stream.send_data(Bytes::new(), true);
    }
}

/// The other side of it, before the service has begun to answer.
pub(crate) struct Answering {
    answer: ResponseFuture,
    busy: Busy,
    message_bytes_max: usize,
    /// How messages are compressed, if they may be, and whether the one that was sent is.
    compression: Option<(Arc<Compression>, Sent)>,
}

impl Answering {
    /// Waits until the service has begun to answer.
    pub(crate) async fn messages(self) -> Result<Messages, UpstreamFailure> {
        let standing = Arc::clone(self.busy.standing());
        self.answer()
            .await
            .map_err(|failed| match standing.common.stop.is_over() {
                true => UpstreamFailure::Stopping,
                false => failed.into(),
            })
    }

    async fn answer(mut self) -> Result<Messages, Failed> {
        let answer = match (&mut self.answer).await {
            Ok(answer) => answer,
            Err(error) => return Err(Failed::of(AttemptError::Sent(error), &self.busy)),
        };
        self.busy.answered();
        let decoder = Decoder::new(self.message_bytes_max);
        let decoder = match &self.compression {
            None => decoder,
            Some((compression, sent)) => match compression.of_answer(*sent, answer.headers()) {
                Ok(coding) => decoder.with_coding(coding),
                Err(NotRead) => return Err(Failed::of(AttemptError::NotRead, &self.busy)),
            },
        };
        Messages::of(answer, decoder, self.busy)
    }
}

/// The messages of an answer, in order, as they arrive.
pub(crate) struct Messages {
    stream: RecvStream,
    decoder: Decoder,
    /// A message that is there and has not been taken.
    found: Option<Complete>,
    /// The status came with the head, as it does when there is no message.
    ended_in_head: bool,
    /// What the service said beside its messages.
    metadata: AnswerMetadata,
    busy: Busy,
}

impl Messages {
    fn of(answer: Response<RecvStream>, decoder: Decoder, busy: Busy) -> Result<Self, Failed> {
        let (head, stream) = answer.into_parts();
        let ended_in_head = head.headers.contains_key(GRPC_STATUS);
        if let Err(failure) = check_head(&head, ended_in_head) {
            let pushback = head.headers.get(PUSHBACK).map(HeaderValue::as_bytes);
            let error = AttemptError::Answered(failure, Pushback::of(pushback));
            return Err(Failed::of(error, &busy));
        }
        Ok(Messages {
            stream,
            decoder,
            found: None,
            ended_in_head,
            metadata: AnswerMetadata::of(&head.headers),
            busy,
        })
    }

    /// Metadata of the answer: what came with its head, and, once it has ended,
    /// with its end.
    pub(crate) fn metadata(&self) -> &AnswerMetadata {
        &self.metadata
    }

    /// The next message; `None` once the service has ended the call with `OK`.
    pub(crate) async fn next(&mut self) -> Result<Option<&[u8]>, UpstreamFailure> {
        let complete = std::future::poll_fn(|cx| self.poll_complete(cx)).await?;
        Ok(complete.map(|complete| self.decoder.take(complete)))
    }

    /// The single message of a unary answer.
    pub(crate) async fn only(&mut self) -> Result<Bytes, UpstreamFailure> {
        let broken = |cause: &str| UpstreamFailure::Broken {
            cause: cause.to_owned(),
        };
        let Some(first) = std::future::poll_fn(|cx| self.poll_complete(cx)).await? else {
            return Err(broken("an answer without a message"));
        };
        let message = self.decoder.take_whole(first);
        match self.next().await? {
            None => Ok(message),
            Some(_) => Err(broken("more than one message in a unary answer")),
        }
    }

    /// Ready when a message has arrived; with `false` once the service has ended the call
    /// with `OK`, after which it must not be asked again.
    pub(crate) fn poll_arrived(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool, UpstreamFailure>> {
        if self.found.is_none() {
            self.found = std::task::ready!(self.poll_complete(cx))?;
        }
        Poll::Ready(Ok(self.found.is_some()))
    }

    /// The message that has arrived.
    pub(crate) fn arrived(&mut self) -> Option<&[u8]> {
        let complete = self.found.take()?;
        Some(self.decoder.take(complete))
    }

    /// Receives until a message is there whole, or the call has ended.
    fn poll_complete(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Complete>, UpstreamFailure>> {
        loop {
            let unreadable = |error| UpstreamFailure::Broken {
                cause: format!("{error}"),
            };
            // In two steps, of which the first is all that most messages need.
            if let Ok(Some(complete)) = self.decoder.complete() {
                self.busy.received(1);
                return Poll::Ready(Ok(Some(complete)));
            }
            if let Some(complete) = self.decoder.seek().map_err(unreadable)? {
                self.busy.received(1);
                return Poll::Ready(Ok(Some(complete)));
            }
            match std::task::ready!(self.stream.poll_data(cx)) {
                Some(Ok(chunk)) => {
                    // Fails only for a stream that is gone, which the next poll tells.
                    let _ = self.stream.flow_control().release_capacity(chunk.len());
                    self.decoder.push(chunk);
                }
                Some(Err(error)) => return Poll::Ready(Err(self.broken(&error))),
                None => {
                    let trailers = std::task::ready!(self.stream.poll_trailers(cx));
                    let trailers = trailers.map_err(|error| self.broken(&error))?;
                    if !self.ended_in_head {
                        let trailers = trailers.unwrap_or_default();
                        self.metadata.end_with(&trailers);
                        if let Err(failure) = status(&trailers) {
                            self.busy.judge(Some(failure.code()));
                            return Poll::Ready(Err(failure));
                        }
                    }
                    self.busy.judge(None);
                    self.decoder.end().map_err(unreadable)?;
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }
}

impl Messages {
    fn broken(&self, error: &h2::Error) -> UpstreamFailure {
        if self.busy.is_over() {
            return UpstreamFailure::Stopping;
        }
        self.busy.judge(Some(code_of(error)));
        broken(error)
    }
}

/// Fails unless the head is one of an answer that goes well so far.
fn check_head(head: &http::response::Parts, ended_in_head: bool) -> Result<(), UpstreamFailure> {
    if ended_in_head {
        status(&head.headers)?;
    }
    if head.status != StatusCode::OK {
        return Err(UpstreamFailure::NotGrpc {
            status: head.status,
        });
    }
    let media_type = head.headers.get(header::CONTENT_TYPE);
    if !media_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc")) {
        let cause = format!("content type {media_type:?} instead of application/grpc");
        return Err(UpstreamFailure::Broken { cause });
    }
    Ok(())
}

/// Fails unless `headers` say that the call ended well.
fn status(headers: &HeaderMap) -> Result<(), UpstreamFailure> {
    let Some(number) = headers.get(GRPC_STATUS) else {
        let cause = "the answer ended without a grpc-status".to_owned();
        return Err(UpstreamFailure::Broken { cause });
    };
    let number = number.to_str().ok().and_then(|text| text.parse().ok());
    let Some(number) = number else {
        let cause = "the grpc-status is not a number".to_owned();
        return Err(UpstreamFailure::Broken { cause });
    };
    match Code::from_number(number) {
        None => Ok(()),
        Some(code) => {
            let message = headers.get("grpc-message").map(HeaderValue::as_bytes);
            let message = percent_decode(message.unwrap_or_default())
                .decode_utf8_lossy()
                .into_owned();
            Err(UpstreamFailure::Status {
                code,
                message,
                details: details(headers),
            })
        }
    }
}

/// The serialized `google.rpc.Status` that a service may send beside the code;
/// empty when there is none, or none that can be read.
fn details(headers: &HeaderMap) -> Bytes {
    let Some(value) = headers.get("grpc-status-details-bin") else {
        return Bytes::new();
    };
    metadata::decode_binary(value.as_bytes()).unwrap_or_default()
}
