//! Keeps one connection open: connects, encrypted where that is wanted, watches it, and connects
//! again as soon as it is lost, with a short back-off while that fails. A
//! service that comes back is used again within a quarter of a second.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use h2::{Ping, PingPong, Reason, client::SendRequest};
use socket2::{SockRef, TcpKeepalive};
use tls::{Connector, Speaks, Stream};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{
    endpoint::Target,
    link::{Link, State},
};

const BACK_OFF_MIN: Duration = Duration::from_millis(20);
const BACK_OFF_MAX: Duration = Duration::from_millis(250);
/// A connection that lasted less than this counts as a failed attempt, so that
/// a peer that accepts and closes is not asked in a busy loop.
const LASTED: Duration = Duration::from_secs(1);

/// When a silent connection is first probed, how often then, and (on Linux) how
/// long sent bytes may stay unacknowledged before it is given up. TCP's own
/// means are used: gRPC servers close connections that send HTTP/2 pings more
/// often than every five minutes (`too_many_pings`).
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(10);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(5);
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(20);

/// Flow-control window of one stream: the bytes a slow client may leave unread
/// here before the service is held back.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// Flow-control window of a connection: the largest that HTTP/2 has, more than
/// 30,000 stalled streams can fill, so that they do not hold back the others.
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// Bytes of the headers or trailers of an answer: what most HTTP servers and
/// clients accept at the most. The library's own limit is 16 MiB.
const HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;
/// Streams reset by this side that are still remembered, so that frames under
/// way for them are ignored. The library's own default of 50 is passed by any
/// burst of clients leaving; each forgotten stream's frame then counts as an
/// error, and enough of those close the connection for everybody.
const RESETS_REMEMBERED_MAX: usize = 100_000;

/// How long an answer to a ping may take, at most.
const PING_TIMEOUT_MAX: Duration = Duration::from_secs(20);

/// Keeps the connection of `link` open until the link is retired; calls that are on the
/// connection then go on to their ends.
pub(super) async fn keep(link: Arc<Link>, connect_timeout: Duration, keep_alive: Option<Duration>) {
    let standing = Arc::clone(&link.standing);
    let (target, common) = (&standing.target, &standing.common);
    let service = &common.name;
    let mut back_off = BACK_OFF_MIN;
    loop {
        if common.stop.is_over() {
            return link.set(State::Down("the gateway stops".into()));
        }
        let opened = tokio::select! {
            biased;
            () = link.retired() => return,
            opened = timeout(connect_timeout, open(target, common.tls.as_ref())) => opened,
        };
        let (why, lasted) = match opened {
            Ok(Ok((sender, connection))) => {
                if standing.down.swap(false, Ordering::Relaxed) {
                    tracing::info!(%service, address = %target, "connected again");
                    common.described.notify_one();
                }
                common.counts.connected();
                link.set(State::Open(sender.clone()));
                let opened = Instant::now();
                let driven = drive(connection, Arc::clone(&link), keep_alive);
                let Some(end) = while_taking_calls(&link, sender, Box::pin(driven)).await else {
                    return;
                };
                link.set(State::Opening);
                common.described.notify_one();
                common.lost.tell();
                let (why, lasted) = (end.why, opened.elapsed());
                if end.in_order && lasted >= LASTED {
                    tracing::debug!(%service, address = %target, %why, "connecting anew");
                    back_off = BACK_OFF_MIN;
                    continue;
                }
                (why, lasted)
            }
            Ok(Err(error)) => (error.to_string(), Duration::ZERO),
            Err(_) => {
                let why = format!("no answer within {connect_timeout:?}");
                (why, Duration::ZERO)
            }
        };
        if !standing.down.swap(true, Ordering::Relaxed) {
            tracing::warn!(%service, address = %target, %why, "not connected; trying on");
            common.lost.tell();
        }
        if lasted < LASTED {
            common.counts.not_connected();
        }
        if lasted >= LASTED {
            back_off = BACK_OFF_MIN;
            continue;
        }
        // Calls wait for the successor of a connection that was there, as long as they
        // would for a first one.
        if lasted.is_zero() {
            link.set(State::Down(why.into()));
        }
        tokio::select! {
            biased;
            () = link.retired() => return,
            () = sleep(back_off.mul_f64(0.75 + 0.5 * jitter())) => {}
        }
        back_off = (back_off * 2).min(BACK_OFF_MAX);
    }
}

type Connection = h2::client::Connection<Stream, Bytes>;

/// Connects, and waits until the service has said how many calls it takes: one that
/// accepts and says nothing is not there.
async fn open(
    target: &Target,
    tls: Option<&Connector>,
) -> io::Result<(SendRequest<Bytes>, Connection)> {
    let stream = match target.at {
        Some(at) => TcpStream::connect(at).await?,
        None => TcpStream::connect((target.address.host(), target.address.port())).await?,
    };
    stream.set_nodelay(true)?;
    keep_alive_by_tcp(&stream)?;
    let stream = match tls {
        Some(tls) => {
            tls.connect(target.address.host(), stream, Speaks::Http2)
                .await?
        }
        None => Stream::Plain(stream),
    };
    let (sender, mut connection) = h2::client::Builder::new()
        .initial_max_send_streams(0)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_reset_streams(RESETS_REMEMBERED_MAX)
        // The service is trusted: its errors end calls, not connections.
        .max_local_error_reset_streams(None)
        // Many slow streams of tiny messages are the normal case here, and each
        // is bounded by its window; the library's budget for small frames
        // would close the connection for all of them.
        .data_frame_budget(usize::MAX / 2)
        .enable_push(false)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .handshake(stream)
        .await
        .map_err(io::Error::other)?;
    poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
        Poll::Ready(Err(error)) => Poll::Ready(Err(io::Error::other(error))),
        Poll::Ready(Ok(())) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
        Poll::Pending if connection.max_concurrent_send_streams() > 0 => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    })
    .await?;
    Ok((sender, connection))
}

/// Why a connection takes no more calls.
struct End {
    why: String,
    /// Whether that is worth no warning: the service said goodbye, or nobody used the
    /// connection. If it cannot be connected to again, that will be told.
    in_order: bool,
}

/// Whether the service asks for another connection, as it does before it stops and when
/// it wants its clients to look for other instances.
fn said_goodbye(error: &h2::Error) -> bool {
    error.is_remote() && error.is_go_away() && error.reason() == Some(Reason::NO_ERROR)
}

/// Drives the connection for as long as it takes calls, and says why it does not any
/// more; nothing when the link was retired. A service that stops says so, then finishes
/// the calls it has; they go on in a task of their own, so that new calls, which belong
/// to the service's successor, do not wait for their end.
async fn while_taking_calls(
    link: &Link,
    mut sender: SendRequest<Bytes>,
    mut driven: Pin<Box<impl Future<Output = String> + Send + 'static>>,
) -> Option<End> {
    let refusing = poll_fn(|cx| match sender.poll_ready(cx) {
        Poll::Ready(Err(error)) => Poll::Ready(error),
        // Only a frame can change that, and with it both are polled again.
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
    });
    let why = tokio::select! {
        biased;
        why = &mut driven => why,
        error = refusing => {
            tokio::spawn(driven);
            return Some(End {
                why: format!("no more calls are taken: {error}"),
                in_order: link.calls() == 0 || said_goodbye(&error),
            });
        }
        () = link.retired() => {
            tokio::spawn(driven);
            return None;
        }
    };
    // All of it may have come at once, a goodbye first.
    let said = poll_fn(|cx| Poll::Ready(sender.poll_ready(cx))).await;
    let goodbye = matches!(said, Poll::Ready(Err(error)) if said_goodbye(&error));
    Some(End {
        why,
        in_order: goodbye || link.calls() == 0,
    })
}

/// Drives the connection until it ends and says why it did.
async fn drive(
    mut connection: Connection,
    link: Arc<Link>,
    keep_alive: Option<Duration>,
) -> String {
    let pings = keep_alive.zip(connection.ping_pong());
    let driven = async {
        tokio::select! {
            ended = connection => match ended {
                Ok(()) => "closed by the service".to_owned(),
                Err(error) => error.to_string(),
            },
            // Without it, what is still in flight fails, and each call tells its client in
            // the way of its own protocol.
            () = link.standing.common.stop.over() => "the gateway stops".to_owned(),
        }
    };
    match pings {
        None => driven.await,
        Some((every, pings)) => tokio::select! {
            biased;
            why = driven => why,
            why = ping(pings, every, &link) => why,
        },
    }
}

/// Asks every now and then whether the other side lives, as long as calls depend on it;
/// returns when it does not.
async fn ping(mut pings: PingPong, every: Duration, link: &Link) -> String {
    let patience = every.min(PING_TIMEOUT_MAX);
    loop {
        sleep(every).await;
        if link.calls() == 0 {
            continue;
        }
        match timeout(patience, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return format!("no answer to a ping within {patience:?}"),
        }
    }
}

/// Lets TCP notice a service that is gone without a word.
fn keep_alive_by_tcp(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new()
        .with_time(KEEP_ALIVE_AFTER)
        .with_interval(KEEP_ALIVE_EVERY);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    Ok(())
}

/// A number from 0 to 1 that differs between connections, so that they do not
/// all come back at the same instant.
fn jitter() -> f64 {
    fastrand::f64()
}
