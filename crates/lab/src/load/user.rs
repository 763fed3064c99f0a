//! One virtual user: repeats the scenario's requests on a connection of its own,
//! one at a time, and reports each as it finishes. In: what all users of a
//! thread share; out: counts. A request begins the moment the user is free for
//! it, so that a reconnect, and a wait for the generator itself, are part of its
//! latency. It never retries: a retried request would be a hidden failure.
//!
//! What a request costs here is a write, a read and a share of an `epoll_wait`:
//! the request's bytes are ready made, the read buffer is kept, one clock
//! reading serves as the end of one request and the start of the next, and the
//! timeout is a timer that is moved only when it fires (see [`Alarm`]).

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Sleep, sleep, sleep_until},
};

use super::{
    Shared,
    counts::{Failure, Finished},
    response::{Answer, Limits, Malformed, Parser},
};

/// How long a user waits after a failure, so that a target that refuses
/// connections costs 10 attempts a second and user, not a busy loop.
pub(crate) const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What an answer may be; the largest of the published routes is far below.
pub(crate) const LIMITS: Limits = Limits {
    head_bytes_max: 16 * 1024,
    body_bytes_max: 64 * 1024 * 1024,
};

/// Holds a whole answer of the published routes.
const BUFFER_BYTES_MIN: usize = 4 * 1024;
/// Grown to when answers are larger; not smaller than the largest head.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Runs one user from `first` until the window closes.
pub(super) async fn run(shared: Arc<Shared>, first: Instant) {
    sleep_until(first.into()).await;
    let mut client = Client::new(shared.target, shared.request_timeout);
    let mut free = Instant::now();
    let mut served = false;
    loop {
        for (route, request) in shared.scenario.requests.iter().enumerate() {
            if free >= shared.window.end {
                if !served {
                    shared.count_unserved();
                }
                return;
            }
            let outcome = client.request(&request.bytes, free).await;
            let ended = Instant::now();
            let failure = outcome.err().map(|error| error.kind());
            served |= failure.is_none();
            shared.count(Finished {
                route,
                started: free,
                ended,
                failure,
            });
            free = ended;
            if failure.is_some() {
                sleep(PAUSE_AFTER_FAILURE).await;
                free = Instant::now();
            }
        }
    }
}

/// Why one request failed, in detail; reports keep the kind alone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("no connection can leave this machine: {0}")]
    LocalPort(io::Error),
    #[error("the connection broke before the answer was complete: {0}")]
    Closed(io::Error),
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    #[error("the answer's status is {0}")]
    Status(u16),
    #[error("the answer is malformed: {0}")]
    Malformed(#[from] Malformed),
}

impl RequestError {
    fn connect(error: io::Error) -> RequestError {
        match error.kind() {
            io::ErrorKind::AddrNotAvailable => RequestError::LocalPort(error),
            _ => RequestError::Connect(error),
        }
    }

    fn kind(&self) -> Failure {
        match self {
            RequestError::Connect(_) => Failure::Connect,
            RequestError::LocalPort(_) => Failure::LocalPort,
            RequestError::Closed(_) => Failure::Closed,
            RequestError::Timeout(_) => Failure::Timeout,
            RequestError::Status(_) => Failure::Status,
            RequestError::Malformed(_) => Failure::Malformed,
        }
    }
}

/// An HTTP/1.1 client with one connection, kept while the server allows it.
pub(crate) struct Client {
    target: SocketAddr,
    timeout: Duration,
    connection: Option<TcpStream>,
    buffer: Vec<u8>,
    alarm: Alarm,
}

impl Client {
    pub(crate) fn new(target: SocketAddr, timeout: Duration) -> Self {
        Client {
            target,
            timeout,
            connection: None,
            buffer: vec![0; BUFFER_BYTES_MIN],
            alarm: Alarm::new(),
        }
    }

    /// Sends `request` and reads the whole answer; the timeout counts from
    /// `started`. After a failure the next request connects anew, unless the
    /// answer was complete and only its status was not a success.
    pub(crate) async fn request(
        &mut self,
        request: &[u8],
        started: Instant,
    ) -> Result<(), RequestError> {
        // Taken out, so that a request that is given up takes it along.
        let connection = self.connection.take();
        let exchange = exchange(self.target, connection, &mut self.buffer, request);
        let (connection, answer) = self
            .alarm
            .within(started + self.timeout, exchange)
            .await
            .unwrap_or(Err(RequestError::Timeout(self.timeout)))?;
        if answer.keep_alive {
            self.connection = Some(connection);
        }
        match answer.status {
            200..=299 => Ok(()),
            status => Err(RequestError::Status(status)),
        }
    }
}

async fn exchange(
    target: SocketAddr,
    connection: Option<TcpStream>,
    buffer: &mut Vec<u8>,
    request: &[u8],
) -> Result<(TcpStream, Answer), RequestError> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => connect(target).await.map_err(RequestError::connect)?,
    };
    connection
        .write_all(request)
        .await
        .map_err(RequestError::Closed)?;
    let answer = answer(&mut connection, buffer).await?;
    Ok((connection, answer))
}

async fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    let connection = TcpStream::connect(target).await?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

async fn answer(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Answer, RequestError> {
    let mut parser = Parser::new(LIMITS);
    // Bytes at the front of the buffer that the parser wants to see again.
    let mut kept = 0;
    loop {
        let room = buffer.len() - kept;
        let read = connection
            .read(&mut buffer[kept..])
            .await
            .map_err(RequestError::Closed)?;
        if read == 0 {
            return parser
                .closed()
                .ok_or_else(|| RequestError::Closed(io::ErrorKind::UnexpectedEof.into()));
        }
        let filled = kept + read;
        let fed = parser.feed(&buffer[..filled])?;
        kept = filled - fed.used;
        match fed.answer {
            Some(_) if kept > 0 => return Err(Malformed::Excess.into()),
            Some(answer) => return Ok(answer),
            None => buffer.copy_within(fed.used..filled, 0),
        }
        if read == room && buffer.len() < BUFFER_BYTES_MAX {
            buffer.resize(BUFFER_BYTES_MAX, 0);
        }
    }
}

/// A timeout for one request after the other that costs next to nothing while
/// none expires: the timer stays where an earlier request put it and is moved
/// to the current deadline only when it fires. Deadlines must not go back.
struct Alarm {
    timer: Pin<Box<Sleep>>,
}

impl Alarm {
    fn new() -> Self {
        Alarm {
            timer: Box::pin(sleep(Duration::ZERO)),
        }
    }

    /// The result of `work`, or nothing when `deadline` comes first.
    async fn within<T>(&mut self, deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
        let deadline = tokio::time::Instant::from_std(deadline);
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            while self.timer.as_mut().poll(context).is_ready() {
                if self.timer.deadline() >= deadline {
                    return Poll::Ready(None);
                }
                self.timer.as_mut().reset(deadline);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_rings_at_each_deadline_and_not_before() {
        let mut alarm = Alarm::new();
        let begin = tokio::time::Instant::now();
        for second in 1..=5 {
            let deadline = begin + Duration::from_secs(second * 10);
            let in_time = sleep(Duration::from_secs(1));
            assert!(
                alarm.within(deadline.into_std(), in_time).await.is_some(),
                "work that is done in time"
            );
            let late = alarm.within(deadline.into_std(), pending::<()>()).await;
            assert_eq!(late, None);
            assert_eq!(begin.elapsed().as_secs(), second * 10);
        }
    }

    #[test]
    fn a_machine_without_local_ports_is_not_the_targets_failure() {
        for (error, expected) in [
            (io::ErrorKind::AddrNotAvailable, Failure::LocalPort),
            (io::ErrorKind::ConnectionRefused, Failure::Connect),
        ] {
            assert_eq!(RequestError::connect(error.into()).kind(), expected);
        }
    }

    #[test]
    fn the_buffer_can_hold_the_largest_head() {
        const { assert!(BUFFER_BYTES_MAX > LIMITS.head_bytes_max) };
    }
}
