//! One connection, encrypted or not: HTTP/1.1 or HTTP/2 with every limit set on purpose, until
//! the client goes, an error ends it, or the role stops. A connection that a
//! handler has taken over (`Upgrade`) keeps its place until the handler lets go.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, StatusCode, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use telemetry::{Closed, Listener};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::{Handler, Stop, detach::detached, pieces::Pieces, streams::Streams};

/// What a role speaks on its port.
#[derive(Debug, Clone)]
pub enum Protocol {
    /// HTTP/1.1 with keep-alive.
    Http1(Http1),
    /// HTTP/2 with prior knowledge, as gRPC clients open it.
    Http2(Http2),
    /// Whichever of the two the client begins with.
    Either(Http1, Http2),
}

/// Limits of an HTTP/1.1 connection.
#[derive(Debug, Clone)]
pub struct Http1 {
    /// How long a client may take to send a request's head, and how long an
    /// idle connection is kept.
    pub header_read_timeout: Duration,
    /// Bytes of a request's head beyond which the parser itself answers a bare
    /// 431 and closes. A handler's own limit sits below it.
    pub head_bytes_max: usize,
    /// How long a connection is still listened to at a stop: a request that is on its
    /// way by then is answered, with the word that it was the last one.
    pub last_request_within: Duration,
    /// How long a connection is used, give or take a tenth, before the next answer says
    /// that it was the last one; `None` is for ever. One without a request is not closed
    /// for its age: a request may be on its way.
    pub age_max: Option<Duration>,
}

impl Default for Http1 {
    fn default() -> Self {
        Http1 {
            header_read_timeout: Duration::from_secs(60),
            last_request_within: Duration::from_secs(1),
            age_max: None,
            head_bytes_max: 64 * 1024,
        }
    }
}

/// Limits of an HTTP/2 connection. A gateway shares one connection among many
/// clients, so the limits that close a connection for everybody are far above
/// what a burst of those clients leaving can reach.
#[derive(Debug, Clone)]
pub struct Http2 {
    /// How long a client may take to send the preface that opens a connection.
    pub preface_timeout: Duration,
    /// Streams open at once on one connection.
    pub concurrent_streams_max: u32,
    /// Streams the peer reset before they were accepted; one more closes the
    /// connection (`ENHANCE_YOUR_CALM`). The library's own default is 20.
    pub pending_resets_max: usize,
    /// Streams reset here because of the peer's errors; one more closes the
    /// connection. The library's own default is 1,024.
    pub error_resets_max: usize,
    /// Flow-control window of one stream, in bytes.
    pub stream_window_bytes: u32,
    /// Flow-control window of the connection, in bytes. Half of it bounds the
    /// unread small DATA frames of all streams together.
    pub connection_window_bytes: u32,
    /// Bytes of a request's header list.
    pub header_bytes_max: u32,
    /// Bytes of a stream that may wait to be written; one piece
    /// ([`PIECE_BYTES`](crate::PIECE_BYTES)) may come on top. Once the reader's window is
    /// full, no more than a piece waits.
    pub send_buffer_bytes_max: usize,
    /// How long a stream may wait for its reader to take the next piece of its answer,
    /// before it is reset.
    pub unread_timeout: Duration,
    /// How long a connection without an open stream is kept.
    pub idle_timeout: Duration,
    /// How long a connection is used, give or take a tenth, before its client is asked
    /// to open another (GOAWAY); `None` is for ever. Clients that balance by connections
    /// find new instances that way.
    pub age_max: Option<Duration>,
    /// How long the streams of a connection that is too old may go on.
    pub age_grace: Duration,
    /// How often an otherwise silent peer is pinged.
    pub ping_every: Duration,
    /// How long a ping may stay unanswered before the connection is closed.
    pub ping_timeout: Duration,
}

impl Default for Http2 {
    fn default() -> Self {
        Http2 {
            preface_timeout: Duration::from_secs(10),
            concurrent_streams_max: 4096,
            pending_resets_max: 10_000,
            error_resets_max: 10_000,
            stream_window_bytes: 1024 * 1024,
            connection_window_bytes: 16 * 1024 * 1024,
            header_bytes_max: 16 * 1024,
            send_buffer_bytes_max: 64 * 1024,
            unread_timeout: Duration::from_secs(5 * 60),
            idle_timeout: Duration::from_secs(60 * 60),
            age_max: None,
            age_grace: Duration::from_secs(5 * 60),
            ping_every: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(20),
        }
    }
}

/// What a handler keeps that takes a connection over: its place among the
/// connections, and the sign that the role stops. Among the extensions of every
/// request with an `Upgrade` header.
#[derive(Clone)]
pub struct Hold {
    /// Says when what is in flight has to end.
    pub stop: Stop,
    _place: TaskTrackerToken,
}

/// That a request came over TLS, and of whom. Among the extensions of every such request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// Who the client is by its certificate, if it has shown one: its SPIFFE ID, or a DNS
    /// name.
    pub identity: Option<Arc<str>>,
}

/// What is spoken on a port, and what encrypts it.
pub(crate) struct Spoken {
    pub(crate) protocol: Protocol,
    pub(crate) tls: Option<tls::Acceptor>,
}

impl Protocol {
    /// What clients are told in TLS's handshake.
    pub(crate) fn told(&self) -> tls::Speaks {
        match self {
            Protocol::Http1(_) => tls::Speaks::Http1,
            Protocol::Http2(_) => tls::Speaks::Http2,
            Protocol::Either(..) => tls::Speaks::Either,
        }
    }
}

/// Serves `stream` until it ends; once `stop` has begun, finishes what is in
/// flight and takes nothing new but what is on its way.
pub(crate) async fn serve<H: Handler>(
    stream: TcpStream,
    peer: SocketAddr,
    spoken: &Spoken,
    handler: H,
    stop: &Stop,
    counts: &Arc<Listener>,
) {
    let protocol = &spoken.protocol;
    if let Some(tls) = &spoken.tls {
        // Boxed, so that a plain connection has no room for it.
        return Box::pin(encrypted(
            stream, peer, tls, protocol, handler, stop, counts,
        ))
        .await;
    }
    let Some(speaks) = speaks(&stream, protocol, stop).await else {
        counts.closed(match stop.has_begun() {
            true => Closed::Stopping,
            false => Closed::SlowBeginning,
        });
        return;
    };
    match speaks {
        Speaks::Http1(limits) => {
            over_http1(stream, peer, None, limits, handler, stop, counts).await;
        }
        Speaks::Http2(limits) => {
            over_http2(stream, peer, None, limits, handler, stop, counts).await;
        }
    }
}

/// The same behind a handshake. A client that is refused is told so by TLS, and the log
/// why.
async fn encrypted<H: Handler>(
    stream: TcpStream,
    peer: SocketAddr,
    tls: &tls::Acceptor,
    protocol: &Protocol,
    handler: H,
    stop: &Stop,
    counts: &Arc<Listener>,
) {
    let accepted = tokio::select! {
        accepted = tls.accept(stream) => accepted,
        () = too_late(protocol, stop) => return counts.closed(Closed::Stopping),
    };
    let mut accepted = match accepted {
        Ok(accepted) => accepted,
        Err(refusal) => {
            if refusal.reason == tls::Reason::TimedOut {
                counts.closed(Closed::SlowBeginning);
            }
            counts.handshake_refused(refusal.reason.name());
            return tell_refusal(peer, &refusal);
        }
    };
    let encrypted = Some(Encrypted {
        identity: accepted.identity.take(),
    });
    let Some(speaks) = speaks_within(&mut accepted, protocol, stop).await else {
        return counts.closed(match stop.has_begun() {
            true => Closed::Stopping,
            false => Closed::SlowBeginning,
        });
    };
    let stream = accepted.stream;
    match speaks {
        Speaks::Http1(limits) => {
            over_http1(stream, peer, encrypted, limits, handler, stop, counts).await;
        }
        Speaks::Http2(limits) => {
            over_http2(stream, peer, encrypted, limits, handler, stop, counts).await;
        }
    }
}

fn tell_refusal(peer: SocketAddr, refusal: &tls::Refusal) {
    let reason = refusal.reason.name();
    match refusal.reason {
        // As port scans and checks of load balancers do.
        tls::Reason::Gone => tracing::debug!(%peer, reason, why = %refusal, "no TLS connection"),
        _ => tracing::warn!(%peer, reason, why = %refusal, "TLS connection refused"),
    }
}

/// What is spoken inside of TLS: what was agreed on in the handshake, else whichever the
/// client's first bytes are. Those are waited for here, as the library would wait for a
/// preface without a limit.
async fn speaks_within<'p>(
    accepted: &mut tls::Accepted,
    protocol: &'p Protocol,
    stop: &Stop,
) -> Option<Speaks<'p>> {
    let limit = match protocol {
        Protocol::Http2(limits) => limits.preface_timeout,
        Protocol::Http1(limits) | Protocol::Either(limits, _) => limits.header_read_timeout,
    };
    let first = tokio::select! {
        first = timeout(limit, accepted.stream.fill_buf()) => first.ok()?.ok()?,
        () = too_late(protocol, stop) => return None,
    };
    let http2 = match accepted.speaks {
        Some(agreed) => agreed == tls::Speaks::Http2,
        // One record has all of a preface.
        None => first.starts_with(PREFACE),
    };
    Some(match protocol {
        Protocol::Http1(limits) => Speaks::Http1(limits),
        Protocol::Http2(limits) => Speaks::Http2(limits),
        Protocol::Either(_, limits) if http2 => Speaks::Http2(limits),
        Protocol::Either(limits, _) => Speaks::Http1(limits),
    })
}

async fn over_http1<H: Handler>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    encrypted: Option<Encrypted>,
    limits: &Http1,
    handler: H,
    stop: &Stop,
    counts: &Listener,
) {
    let called = AtomicBool::new(false);
    let closing = AtomicBool::new(false);
    let old = AtomicBool::new(false);
    let taken_over = TaskTracker::new();
    let service = service_fn(|request: http::Request<Incoming>| {
        called.store(true, Ordering::Relaxed);
        let mut request = detached(request);
        if let Some(encrypted) = &encrypted {
            request.extensions_mut().insert(encrypted.clone());
        }
        if request.headers().contains_key(header::UPGRADE) {
            request.extensions_mut().insert(Hold {
                stop: stop.clone(),
                _place: taken_over.token(),
            });
        }
        let (handler, closing, old) = (handler.clone(), &closing, &old);
        async move {
            let mut response = handler.handle(peer, request).await;
            if closing.load(Ordering::Relaxed) {
                say_goodbye(&mut response);
            } else if old.load(Ordering::Relaxed) && say_goodbye(&mut response) {
                counts.closed(Closed::Aged);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_header_size(limits.head_bytes_max)
        .max_buf_size(limits.head_bytes_max.max(8192))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ages = async {
        aged(limits.age_max).await;
        old.store(true, Ordering::Relaxed);
        std::future::pending::<Infallible>().await
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        never = ages => match never {},
        () = stop.begun() => {
            counts.closed(Closed::Stopping);
            closing.store(true, Ordering::Relaxed);
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = sleep(limits.last_request_within) => {
                    if !called.load(Ordering::Relaxed) {
                        // There was no request, and part of one is not waited for.
                        return;
                    }
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if ended.as_ref().is_err_and(hyper::Error::is_timeout) {
        counts.closed(Closed::SlowBeginning);
    }
    tell(peer, ended);
    taken_over.close();
    taken_over.wait().await;
}

async fn over_http2<H: Handler>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    encrypted: Option<Encrypted>,
    limits: &Http2,
    handler: H,
    stop: &Stop,
    counts: &Arc<Listener>,
) {
    // The library moves a request's future about before it is at its place in a task of
    // its own. It reads into one buffer for all requests, so that no head keeps one.
    let service = service_fn(|mut request: http::Request<Incoming>| {
        let handler = handler.clone();
        if let Some(encrypted) = &encrypted {
            request.extensions_mut().insert(encrypted.clone());
        }
        Box::pin(async move {
            let response = handler.handle(peer, request).await;
            Ok::<_, Infallible>(response.map(Pieces::of))
        })
    });
    let streams = Streams::new(peer, limits.unread_timeout, Arc::clone(counts));
    let connection = hyper::server::conn::http2::Builder::new(streams.clone())
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.concurrent_streams_max)
        .max_pending_accept_reset_streams(limits.pending_resets_max)
        .max_local_error_reset_streams(limits.error_resets_max)
        .initial_stream_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .max_header_list_size(limits.header_bytes_max)
        .max_send_buf_size(limits.send_buffer_bytes_max)
        .keep_alive_interval(limits.ping_every)
        .keep_alive_timeout(limits.ping_timeout)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let grace = tokio::select! {
        ended = connection.as_mut() => return tell(peer, ended),
        () = stop.begun() => {
            counts.closed(Closed::Stopping);
            None
        }
        () = streams.idle(limits.idle_timeout) => {
            counts.closed(Closed::Idle);
            None
        }
        () = aged(limits.age_max) => {
            counts.closed(Closed::Aged);
            Some(limits.age_grace)
        }
    };
    // Streams that the client opens before it knows of this are answered, too.
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection => tell(peer, ended),
        // What keeps it open then is the ends of answers that nobody reads.
        () = streams.idle(limits.unread_timeout) => {}
        () = unused(&streams) => {}
        () = after(grace) => tracing::debug!(%peer, "streams outlived their connection's time"),
    }
}

/// How long a client that has never asked for anything may take to hear of the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Returns after a while if there has been no stream: who says nothing may not have
/// heard anything either.
async fn unused(streams: &Streams) {
    sleep(FAREWELL).await;
    if streams.have_begun() {
        std::future::pending().await
    }
}

/// Waits until a connection is too old, not all of them at once.
async fn aged(age_max: Option<Duration>) {
    after(age_max.map(|age| age.mul_f64(0.9 + 0.2 * fastrand::f64()))).await;
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Tells the client that this was the last answer of the connection, if it was; one that
/// goes over to another protocol goes on.
fn say_goodbye<B>(response: &mut http::Response<B>) -> bool {
    let is_last = response.status() != StatusCode::SWITCHING_PROTOCOLS;
    if is_last {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    is_last
}

fn tell(peer: SocketAddr, ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended early");
    }
}

/// What one connection speaks, and its limits.
enum Speaks<'p> {
    Http1(&'p Http1),
    Http2(&'p Http2),
}

/// Waits for the beginning of the client's first bytes where they have to be seen;
/// nothing when they do not come in time.
async fn speaks<'p>(stream: &TcpStream, protocol: &'p Protocol, stop: &Stop) -> Option<Speaks<'p>> {
    let limit = match protocol {
        Protocol::Http1(limits) => return Some(Speaks::Http1(limits)),
        Protocol::Http2(limits) => limits.preface_timeout,
        Protocol::Either(limits, _) => limits.header_read_timeout,
    };
    let begins = tokio::select! {
        begins = timeout(limit, begins(stream)) => begins.ok()?,
        () = too_late(protocol, stop) => return None,
    };
    match (protocol, begins) {
        (Protocol::Http1(limits), _) | (Protocol::Either(limits, _), Begins::Otherwise) => {
            Some(Speaks::Http1(limits))
        }
        // What is no preface is the library's to refuse.
        (Protocol::Http2(limits), _) | (Protocol::Either(_, limits), Begins::WithPreface) => {
            Some(Speaks::Http2(limits))
        }
    }
}

/// Waits until a client that has not begun when the role stops is not waited for.
async fn too_late(protocol: &Protocol, stop: &Stop) {
    stop.begun().await;
    sleep(match protocol {
        Protocol::Http2(_) => FAREWELL,
        Protocol::Http1(limits) | Protocol::Either(limits, _) => limits.last_request_within,
    })
    .await;
}

/// What every HTTP/2 client sends first (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Pause before a preface that came in part is looked at again.
const PREFACE_PAUSE: Duration = Duration::from_millis(20);

/// How a client begins.
enum Begins {
    WithPreface,
    Otherwise,
}

/// Waits until the preface has arrived, or something that is none, and leaves
/// it to be read. The library itself would wait for it without a limit.
async fn begins(stream: &TcpStream) -> Begins {
    let mut seen = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut seen).await {
            Ok(bytes) if bytes == seen.len() && seen == *PREFACE => return Begins::WithPreface,
            Ok(bytes @ 1..) if bytes < seen.len() && PREFACE.starts_with(&seen[..bytes]) => {
                sleep(PREFACE_PAUSE).await;
            }
            // Not a preface, the end, or an error: all the library's to tell.
            _ => return Begins::Otherwise,
        }
    }
}
