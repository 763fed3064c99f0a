//! A gRPC client for the load engine: HTTP/2 in plain text with prior knowledge, or over TLS,
//! calls of all four kinds. In: prepared [`Call`]s and framed messages;
//! out: what was seen of each answer. It does not retry, balance, compress,
//! resolve names or decode the messages it gets: each of these would either hide
//! a failure or be a cost of the generator in the figures of the target. For the
//! same reason it is written on the `h2` crate and not on a gRPC library.
//!
//! A connection is driven by a task of its own, on the runtime that opened it;
//! its handles are clones, one for each user, and it closes once they are gone.

mod answer;
mod call;
mod counted;
mod sending;

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use h2::{Reason, SendStream, client::SendRequest};
use http::{HeaderValue, Request};
use tls::Speaks;

pub use call::{Call, CallError};
pub(crate) use sending::{InThread, Outgoing, Shared, Source};

use crate::{
    dialer::{self, Tls},
    exchange::{Observed, RequestError},
    traffic::Meter,
};
use answer::Shape;
use counted::Counted;

/// Bytes of one message, in either direction.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of an answer's head or trailers.
const HEADER_BYTES_MAX: u32 = 64 * 1024;
/// The largest flow-control window that HTTP/2 has.
const WINDOW_BYTES_MAX: u32 = (1 << 31) - 1;
/// Streams reset by this side that are still remembered, so that frames under way
/// for them are ignored. Calls that time out are reset, and an overloaded target
/// makes thousands of them at once; by default more than 50 count as errors, and
/// those would close the connection for the other users.
const RESETS_REMEMBERED_MAX: usize = 100_000;
/// gRPC's `DEADLINE_EXCEEDED`.
const DEADLINE_EXCEEDED: i32 = 4;

/// What the connection policy sets on a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Flow-control window of one stream: what the target may send on it before
    /// it waits to hear that it was read.
    pub(crate) stream_window_bytes: u32,
    /// The same for all streams of the connection together.
    pub(crate) connection_window_bytes: u32,
    /// Streams that may be open before the target has said how many it allows;
    /// from then on its own limit holds, and calls beyond it wait their turn.
    pub(crate) streams_max: u32,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// What the target is told, in a header that costs one byte as long as it is the
    /// same from call to call.
    pub(crate) timeout: Duration,
    /// When the caller gives up, which is no later than what the target was told.
    pub(crate) deadline: Instant,
}

/// A handle to one open connection, for one call at a time.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Bytes>,
    told: Told,
}

impl Connection {
    /// Connects, and drives the connection in a task until all handles are gone
    /// or it breaks. The caller bounds the wait. `meter` gets the bytes written to
    /// the socket and read from it: all of HTTP/2, without the headers of TCP and IP.
    /// Frames of several calls share a segment, and so nothing finer would be exact.
    ///
    /// HTTP/2 has no greeting that a client waits for: that the target speaks
    /// another protocol shows in the first call.
    pub(crate) async fn open(
        address: SocketAddr,
        tls: Option<&Tls>,
        settings: &Settings,
        meter: Arc<Meter>,
    ) -> Result<Connection, RequestError> {
        settings.check()?;
        let stream = dialer::open(address, tls, Speaks::Http2).await?;
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(settings.stream_window_bytes)
            .initial_connection_window_size(settings.connection_window_bytes)
            .initial_max_send_streams(settings.streams_max as usize)
            .max_header_list_size(HEADER_BYTES_MAX)
            .max_concurrent_reset_streams(RESETS_REMEMBERED_MAX)
            // An error ends the call that it is in, not those beside it.
            .max_local_error_reset_streams(None)
            // Streams of tiny messages are a normal load, and what arrives is
            // dropped at once: the library's budget for them protects nothing.
            .data_frame_budget(usize::MAX / 2)
            .enable_push(false)
            .handshake(Counted::new(stream, meter))
            .await
            .map_err(broken)?;
        tokio::spawn(async move {
            // The calls tell how it ended.
            let _ = connection.await;
        });
        Ok(Connection {
            sender,
            told: Told::default(),
        })
    }

    /// Whether it takes calls. A target that is about to stop says so, and from
    /// then on finishes the calls it has and takes no more.
    pub(crate) fn is_open(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let ready = self.sender.poll_ready(&mut context);
        !matches!(ready, Poll::Ready(Err(_)))
    }

    /// Makes one call with a message from [`Call::message`] and reads its answer.
    /// Messages of the answer are counted, noted in `observed` with their arrival
    /// when the method streams, and dropped. The caller gives the call up at its
    /// deadline by dropping this future, which cancels it at the target.
    pub(crate) async fn call(
        &mut self,
        call: &Call,
        message: Bytes,
        limits: Limits,
        observed: &mut Observed,
    ) -> Result<(), RequestError> {
        let head = call.head(self.told.header(limits.timeout));
        let outcome = exchange(&mut self.sender, head, message, call.shape(), observed).await;
        kept(limits, outcome)
    }

    /// The same with a stream of messages, sent while the answer is read.
    pub(crate) async fn stream<S: Source>(
        &mut self,
        call: &Call,
        outgoing: &mut Outgoing<S>,
        limits: Limits,
        observed: &mut Observed,
    ) -> Result<(), RequestError> {
        let head = call.head(self.told.header(limits.timeout));
        poll_fn(|context| self.sender.poll_ready(context))
            .await
            .map_err(broken)?;
        let (answer, body) = self.sender.send_request(head, false).map_err(broken)?;
        let mut sent = Sent(Some(body));
        let Some(stream) = &mut sent.0 else {
            return Ok(());
        };
        let shared = observed.sends(outgoing.sending);
        let sending = sending::send(stream, call, outgoing, &shared);
        let reading = answer::read(answer, call.shape(), observed);
        let outcome = sending::both(sending, reading).await;
        // Where nothing was lost the stream has ended by itself, or the target has
        // said that it needs no more.
        if !matches!(outcome, Err(RequestError::Unmade(_))) {
            sent.finish();
        }
        kept(limits, outcome)
    }
}

/// The outcome of a call within its limits. The target keeps a deadline as well and
/// may be first to say so: that is the same failure, and its kind must not depend
/// on the race.
fn kept(limits: Limits, outcome: Result<(), RequestError>) -> Result<(), RequestError> {
    match outcome {
        Err(RequestError::GrpcStatus { code, .. })
            if code == DEADLINE_EXCEEDED && Instant::now() >= limits.deadline =>
        {
            Err(RequestError::Timeout(limits.timeout))
        }
        done => done,
    }
}
async fn exchange(
    sender: &mut SendRequest<Bytes>,
    head: Request<()>,
    message: Bytes,
    shape: Shape,
    observed: &mut Observed,
) -> Result<(), RequestError> {
    poll_fn(|context| sender.poll_ready(context))
        .await
        .map_err(broken)?;
    let (answer, body) = sender.send_request(head, false).map_err(broken)?;
    let mut sent = Sent(Some(body));
    sent.send(message)?;
    let outcome = answer::read(answer, shape, observed).await;
    sent.finish();
    outcome
}

impl Settings {
    fn check(&self) -> Result<(), RequestError> {
        let windows = [self.stream_window_bytes, self.connection_window_bytes];
        match windows.into_iter().find(|&bytes| bytes > WINDOW_BYTES_MAX) {
            None => Ok(()),
            Some(bytes) => Err(RequestError::Unmade(format!(
                "a window of {bytes} bytes; HTTP/2 has at most {WINDOW_BYTES_MAX}"
            ))),
        }
    }
}

/// The sent half of a call, which is cancelled when it is dropped before the
/// answer was read. Letting go of the stream alone would do, but for a call that
/// still waits for its turn on a full connection: the library would send it when
/// that comes, and the target would work for nobody.
struct Sent(Option<SendStream<Bytes>>);

impl Sent {
    fn send(&mut self, message: Bytes) -> Result<(), RequestError> {
        match &mut self.0 {
            Some(stream) => stream.send_data(message, true).map_err(broken),
            None => Ok(()),
        }
    }

    fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if let Some(stream) = &mut self.0 {
            stream.send_reset(Reason::CANCEL);
        }
    }
}

/// The `grpc-timeout` header of the latest timeout, kept because the next call
/// most often has the same.
#[derive(Debug, Clone)]
struct Told {
    timeout: Duration,
    header: HeaderValue,
}

impl Default for Told {
    fn default() -> Self {
        Told {
            timeout: Duration::ZERO,
            header: HeaderValue::from_static("0m"),
        }
    }
}

impl Told {
    fn header(&mut self, timeout: Duration) -> HeaderValue {
        if self.timeout != timeout {
            *self = Told {
                timeout,
                header: grpc_timeout(timeout),
            };
        }
        self.header.clone()
    }
}

/// At most eight digits and a unit (gRPC over HTTP/2, "Timeout"), rounded up so
/// that the target does not give up before its caller.
fn grpc_timeout(timeout: Duration) -> HeaderValue {
    const VALUE_MAX: u128 = 99_999_999;
    let text = match timeout.as_nanos().div_ceil(1_000_000) {
        milliseconds @ ..=VALUE_MAX => format!("{milliseconds}m"),
        milliseconds => format!("{}S", milliseconds.div_ceil(1_000).min(VALUE_MAX)),
    };
    // Digits and a letter are a header value.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("99999999S"))
}

/// What an error of the HTTP/2 library says about the target.
fn broken(error: h2::Error) -> RequestError {
    if error.is_library() {
        return RequestError::MalformedGrpc(format!(
            "it breaks HTTP/2 ({error}); check that the target speaks gRPC in plain text there"
        ));
    }
    match error.get_io().map(io::Error::kind) {
        Some(kind) => RequestError::Closed(io::Error::new(kind, error)),
        None => RequestError::Closed(io::Error::other(error)),
    }
}

#[cfg(test)]
mod tests;
