//! The streams of one HTTP/2 connection, each in a task of its own. In: the futures that
//! the library makes of requests; out: tasks that end with them, or before, when the
//! client has taken nothing of an answer for too long: then the future is dropped, which
//! resets the stream (`CANCEL`) and gives back what it held. TCP cannot notice such a
//! client, whose kernel reads everything and whose pings are answered. Handlers, and
//! bodies that have nothing to give, have all the time that they take themselves; which
//! of them is waited for, [`pieces`](crate::pieces) knows.
//!
//! What counts is that a piece is taken, not a byte: a client that opens its window byte
//! by byte could otherwise hold an answer for days.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::Executor;
use telemetry::{Closed, Listener};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::pieces::Note;

/// How often a connection is looked at in the time after which it is idle. No request
/// has to read a clock for that, and the time is kept to an eighth.
const LOOKS: u32 = 8;

/// The streams of a connection: starts their tasks and counts them.
#[derive(Clone)]
pub(crate) struct Streams(Arc<Connection>);

struct Connection {
    peer: SocketAddr,
    unread_timeout: Duration,
    counts: Arc<Listener>,
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Streams {
    /// Those of `peer`, each of which may wait so long for a reader.
    pub(crate) fn new(peer: SocketAddr, unread_timeout: Duration, counts: Arc<Listener>) -> Self {
        Streams(Arc::new(Connection {
            peer,
            unread_timeout,
            counts,
            begun: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
        }))
    }

    /// Whether there has been any.
    pub(crate) fn have_begun(&self) -> bool {
        self.counts().0 > 0
    }

    /// Returns once no stream has been open for `time`.
    pub(crate) async fn idle(&self, time: Duration) {
        let mut before = self.counts();
        let mut quiet = 0;
        while quiet < LOOKS {
            sleep(time / LOOKS).await;
            let now @ (begun, ended) = self.counts();
            quiet = match begun == ended && now == before {
                true => quiet + 1,
                false => 0,
            };
            before = now;
        }
    }

    fn counts(&self) -> (usize, usize) {
        let Connection { begun, ended, .. } = &*self.0;
        (begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed))
    }
}

impl<F: Future<Output = ()> + Unpin + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(Watched {
            stream,
            unread: None,
            connection: Open(Arc::clone(&self.0)),
        });
    }
}

/// A connection's count of a stream that has not ended.
struct Open(Arc<Connection>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A stream that is given up when it waits too long for its reader.
struct Watched<F> {
    stream: F,
    unread: Option<Unread>,
    connection: Open,
}

/// The wait for a reader.
struct Unread {
    since: Option<Instant>,
    /// Made when the first wait begins, and kept for those that follow: a reader that
    /// keeps up costs nothing, and one that is waited for again and again a look at the
    /// clock each time.
    timer: Pin<Box<Sleep>>,
}

impl<F: Future<Output = ()> + Unpin> Future for Watched<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Watched {
            stream,
            unread,
            connection: Open(connection),
        } = &mut *self;
        Note::NotAsked.leave();
        if Pin::new(stream).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let limit = connection.unread_timeout;
        match (Note::take(), &mut *unread) {
            (Note::Given, waits) => Unread::begin(waits, limit),
            (Note::NothingYet, Some(waits)) => waits.since = None,
            (Note::NothingYet | Note::NotAsked, _) => {}
        }
        let Some(waits) = unread else {
            return Poll::Pending;
        };
        ready!(waits.poll_over(limit, cx));
        connection.counts.closed(Closed::Unread);
        tracing::debug!(peer = %connection.peer, ?limit, "an answer was not read; its stream is reset");
        Poll::Ready(())
    }
}

impl Unread {
    fn begin(waits: &mut Option<Unread>, limit: Duration) {
        let now = Instant::now();
        match waits {
            Some(waits) => waits.since = Some(now),
            None => {
                *waits = Some(Unread {
                    since: Some(now),
                    timer: Box::pin(sleep_until(now + limit)),
                });
            }
        }
    }

    /// Ready when the reader has been waited for longer than `limit`.
    fn poll_over(&mut self, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let Some(since) = self.since else {
            return Poll::Pending;
        };
        let over = since + limit;
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if over <= Instant::now() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(over);
        }
    }
}

#[cfg(test)]
mod tests;
