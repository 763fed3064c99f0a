//! Makes the requests of one user, one at a time, within their deadlines. In: a
//! request of the scenario; out: success or why not, and what was observed. It
//! never retries: a retried request would be a hidden failure.
//!
//! What an HTTP request costs here is a write, a read and a share of an
//! `epoll_wait`: the request's bytes are ready made, the read buffer is kept, and
//! the timeout is a timer that is moved only when it fires (see [`Alarm`]).

use std::{
    cell::RefCell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    alarm::Alarm,
    counts::Ledger,
    dialer::{Dialer, Tls},
    exchange::{Observed, RequestError},
    grpc::{self, InThread, Outgoing, Source},
    http1::{Answer, Buffer},
    link::Link,
    pacer::Pacer,
    scenario::{Kind, Request},
    template::Values,
};

/// What a user keeps from request to request.
#[derive(Debug)]
pub(crate) struct Client {
    dialer: Rc<Dialer>,
    pacer: Rc<Pacer>,
    pub(crate) link: Link,
    /// From a request's intended start; told to gRPC targets.
    timeout: Duration,
    alarm: Alarm,
    kept: Kept,
    /// Of the latest request.
    pub(crate) observed: Observed,
}

/// Memory that is used again.
#[derive(Debug)]
struct Kept {
    buffer: Buffer,
    text: String,
}

impl Client {
    /// What it observes of streams is counted in `ledger`.
    pub(crate) fn new(
        dialer: Rc<Dialer>,
        pacer: Rc<Pacer>,
        link: Link,
        timeout: Duration,
        ledger: Ledger,
    ) -> Self {
        Client {
            dialer,
            pacer,
            link,
            timeout,
            alarm: Alarm::new(),
            kept: Kept {
                buffer: Buffer::new(),
                text: String::new(),
            },
            observed: Observed::counted_in(ledger),
        }
    }

    /// Sends `request` and reads the whole answer, or gives up at `deadline`; begin
    /// [`Client::observed`] anew before. `values` are those of this request when this is
    /// called; later ones only for later messages of a stream.
    pub(crate) async fn request(
        &mut self,
        request: &Request,
        values: &RefCell<Values>,
        deadline: Instant,
    ) -> Result<(), RequestError> {
        let exchange = async {
            match &request.kind {
                Kind::Http(http) => {
                    let bytes = http.bytes(&mut values.borrow_mut(), &mut self.kept.text);
                    let lease = self.link.lease(&mut self.observed).await;
                    let mut connection = lease.http1(&self.dialer, &mut self.observed).await?;
                    let (buffer, meter) = (&mut self.kept.buffer, &self.dialer.meter);
                    let answer = connection.exchange(bytes, http.answer(), buffer, meter);
                    let answer = answer.await?;
                    if answer.keep_alive {
                        lease.keep_http1(connection);
                    }
                    judge(answer)
                }
                Kind::Grpc(call) => {
                    let message = Message::of(call, InThread::new(values, &self.pacer))?;
                    let lease = self.link.lease(&mut self.observed).await;
                    let (mut handle, _single) =
                        lease.grpc(&self.dialer, &mut self.observed).await?;
                    let connection = &mut handle.connection;
                    let limits = grpc::Limits {
                        timeout: self.timeout,
                        deadline,
                    };
                    let observed = &mut self.observed;
                    let outcome = message.exchange(connection, call, limits, observed).await;
                    lease.keep_grpc(handle);
                    outcome
                }
            }
        };
        let outcome = self.alarm.within(deadline, exchange).await;
        outcome.unwrap_or(Err(RequestError::Timeout(self.timeout)))
    }
}

/// What HTTP/2 is told where no policy says more: windows as the protocol has them.
const CHECK_SETTINGS: grpc::Settings = grpc::Settings {
    stream_window_bytes: 65_535,
    connection_window_bytes: 65_535,
    streams_max: 1,
};

/// Makes one request on a connection of its own, before any load, and says what is
/// wrong if it does not succeed.
///
/// # Errors
///
/// [`RequestError`]: whatever would have been counted as a failure.
pub async fn try_once(
    address: SocketAddr,
    tls: Option<&Tls>,
    request: &Request,
    timeout: Duration,
) -> Result<(), RequestError> {
    let deadline = Instant::now() + timeout;
    let dialer = Dialer::new(address, tls.cloned(), CHECK_SETTINGS);
    let mut values = Values::new(0, 0);
    let exchange = async {
        match &request.kind {
            Kind::Http(http) => {
                let mut text = String::new();
                let bytes = http.bytes(&mut values, &mut text);
                let mut connection = dialer.http1().await?;
                let mut buffer = Buffer::new();
                let meter = &dialer.meter;
                let answer = connection.exchange(bytes, http.answer(), &mut buffer, meter);
                judge(answer.await?)
            }
            Kind::Grpc(call) => {
                let message = Message::of(call, values)?;
                let mut connection = dialer.grpc().await?;
                let handle = connection.handle().ok_or_else(RequestError::gone)?;
                let mut observed = Observed::default();
                let mut connection = handle.connection;
                let limits = grpc::Limits { timeout, deadline };
                let observed = &mut observed;
                message
                    .exchange(&mut connection, call, limits, observed)
                    .await
            }
        }
    };
    let outcome = tokio::time::timeout_at(deadline.into(), exchange).await;
    outcome.unwrap_or(Err(RequestError::Timeout(timeout)))
}

fn judge(answer: Answer) -> Result<(), RequestError> {
    match answer.status {
        200..=299 => Ok(()),
        status => Err(RequestError::Status(status)),
    }
}

/// What a gRPC call sends.
enum Message<S> {
    One(Bytes),
    /// Boxed, as is their exchange: most calls send one message, and each user has
    /// room for this.
    Stream(Box<Outgoing<S>>),
}

impl<S: Source> Message<S> {
    fn of(call: &grpc::Call, mut source: S) -> Result<Self, RequestError> {
        let message = match call.sends() {
            None => source.message(call, 0).map(Message::One),
            Some(sending) => {
                let outgoing = Outgoing::new(call, sending, source);
                outgoing.map(|outgoing| Message::Stream(Box::new(outgoing)))
            }
        };
        message.map_err(|error| RequestError::Unmade(error.to_string()))
    }

    async fn exchange(
        self,
        connection: &mut grpc::Connection,
        call: &grpc::Call,
        limits: grpc::Limits,
        observed: &mut Observed,
    ) -> Result<(), RequestError> {
        match self {
            Message::One(message) => connection.call(call, message, limits, observed).await,
            Message::Stream(mut outgoing) => {
                Box::pin(connection.stream(call, &mut outgoing, limits, observed)).await
            }
        }
    }
}
