//! One WebSocket, message by message: what the client sends as texts, what it gets as
//! texts that wait in a small buffer, and signs of life. In: a connection that has
//! been handed over; out: texts, or how the socket ends. It never reads or writes
//! ahead of whoever uses it: back-pressure is theirs to decide on.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::Stream;
use futures_sink::Sink;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, Sleep, sleep_until},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Bytes, Error, Message, Utf8Bytes,
        error::ProtocolError,
        protocol::{Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::ending::{Ending, Farewell};

/// Messages that wait to be sent are joined up to about this many bytes.
pub(super) const CHUNK_BYTES: usize = 16 * 1024;
/// Bytes that are read at once; every socket has a buffer of this size.
const READ_BYTES: usize = 4 * 1024;
/// Pings that a client may send without reading the answers.
const PINGS_MAX: usize = 64;
/// Bytes that are read, and thrown away, of a client that is told to go.
const LINGER_BYTES_MAX: usize = 1024 * 1024;
/// How many intervals of keep-alive a client has for a sign of life once it is asked.
const ANSWER_INTERVALS: u32 = 2;

/// Limits of a socket.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) message_bytes_max: usize,
    pub(super) answer_bytes_max: usize,
    /// After this time without a sign of life the client is asked for one.
    pub(super) keep_alive: Duration,
}

pub(super) struct Socket {
    frames: WebSocketStream<TokioIo<Upgraded>>,
    message_bytes_max: usize,
    /// Bytes that have not been flushed.
    waiting: usize,
    /// Pings since everything was flushed.
    pings: usize,
    sent: usize,
    keep_alive: Duration,
    /// When there was a sign of life; or when it began to be looked for.
    heard: Instant,
    /// When it was asked for.
    asked: Option<Instant>,
    /// Due when a sign of life has to be asked for, or has not come.
    silence: Pin<Box<Sleep>>,
}

impl Socket {
    pub(super) async fn new(io: TokioIo<Upgraded>, options: &Options) -> Self {
        let Options {
            message_bytes_max,
            answer_bytes_max,
            keep_alive,
        } = *options;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(CHUNK_BYTES)
            // One message, what waits before it, and some pongs.
            .max_write_buffer_size(answer_bytes_max.saturating_add(8 * CHUNK_BYTES))
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max));
        let now = Instant::now();
        Socket {
            frames: WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await,
            message_bytes_max,
            waiting: 0,
            pings: 0,
            sent: 0,
            keep_alive,
            heard: now,
            asked: None,
            silence: Box::pin(sleep_until(now + keep_alive)),
        }
    }

    /// Bytes of all messages so far.
    pub(super) fn bytes_sent(&self) -> usize {
        self.sent
    }

    /// The client's next text.
    pub(super) async fn text(&mut self) -> Result<Utf8Bytes, Ending> {
        std::future::poll_fn(|cx| self.poll_text(cx)).await
    }

    /// The same; signs of life are looked for meanwhile.
    pub(super) fn poll_text(&mut self, cx: &mut Context<'_>) -> Poll<Result<Utf8Bytes, Ending>> {
        loop {
            if let Poll::Ready(flushed) = self.poll_flush(cx) {
                flushed?;
            }
            match Pin::new(&mut self.frames).poll_next(cx) {
                Poll::Ready(Some(Ok(message))) => {
                    self.hear();
                    match message {
                        Message::Text(text) => return Poll::Ready(Ok(text)),
                        Message::Binary(_) => return Poll::Ready(Err(Ending::Binary)),
                        Message::Close(_) => return Poll::Ready(Err(Ending::Closed)),
                        Message::Ping(_) => self.ping()?,
                        Message::Pong(_) | Message::Frame(_) => {}
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(self.ending(error))),
                Poll::Ready(None) => return Poll::Ready(Err(lost("the connection closed"))),
                Poll::Pending => break,
            }
        }
        self.poll_silence(cx).map(Err)
    }

    /// Says that the client was not listened to until now, so that its silence means
    /// nothing.
    pub(super) fn hear(&mut self) {
        self.heard = Instant::now();
        self.asked = None;
    }

    /// Whether another message may be put in.
    pub(super) fn has_room(&self) -> bool {
        self.waiting < CHUNK_BYTES
    }

    /// Puts a message in; it goes out with `poll_flush`.
    pub(super) fn put(&mut self, json: Vec<u8>) -> Result<(), Ending> {
        let bytes = json.len();
        let text = Utf8Bytes::try_from(Bytes::from(json));
        let text = text.map_err(|_| lost("the answer is not UTF-8"))?;
        self.start(Message::Text(text))?;
        self.waiting += bytes.max(1);
        self.sent += bytes;
        Ok(())
    }

    /// Ready when the connection has taken everything.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        if self.waiting == 0 && self.pings == 0 {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(Pin::new(&mut self.frames).poll_flush(cx));
        if self.waiting > 0 {
            // While the client did not read it could not be asked either.
            self.hear();
        }
        (self.waiting, self.pings) = (0, 0);
        Poll::Ready(flushed.map_err(|error| self.ending(error)))
    }

    /// Says the last things, and waits until the client has closed. The caller bounds
    /// the wait.
    pub(super) async fn close(&mut self, farewell: Farewell) {
        let Farewell { status, close } = farewell;
        if let Some(status) = status {
            self.sent += status.len();
            // A client that is gone needs to be told nothing.
            let _ = self.start(Message::Text(status.into()));
        }
        if let Some(close) = close {
            let _ = self.start(Message::Close(Some(close)));
        }
        let flush = |cx: &mut Context<'_>| Pin::new(&mut self.frames).poll_flush(cx);
        if std::future::poll_fn(flush).await.is_err() {
            return;
        }
        let next = |cx: &mut Context<'_>| Pin::new(&mut self.frames).poll_next(cx);
        let mut next = next;
        while let Some(Ok(_)) = std::future::poll_fn(&mut next).await {}
        self.linger().await;
    }

    /// Closes our side and reads until the client's is closed: what is left unread would
    /// reset the connection, and the client would not see why.
    async fn linger(&mut self) {
        let io = self.frames.get_mut();
        let mut left = LINGER_BYTES_MAX;
        let mut thrown_away = [0; 1024];
        if io.shutdown().await.is_err() {
            return;
        }
        while let Ok(read @ 1..) = io.read(&mut thrown_away).await {
            left = left.saturating_sub(read);
            if left == 0 {
                return;
            }
        }
    }

    fn start(&mut self, message: Message) -> Result<(), Ending> {
        let started = Pin::new(&mut self.frames).start_send(message);
        started.map_err(|error| self.ending(error))
    }

    fn ping(&mut self) -> Result<(), Ending> {
        self.pings += 1;
        match self.pings > PINGS_MAX {
            true => Err(Ending::Protocol {
                code: CloseCode::Policy,
                why: "pings whose answers are not read".to_owned(),
            }),
            false => Ok(()),
        }
    }

    /// Ready when the client has given no sign of life for too long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        while self.silence.as_mut().poll(cx).is_ready() {
            let due = match self.asked {
                None => self.heard + self.keep_alive,
                Some(asked) => asked + ANSWER_INTERVALS * self.keep_alive,
            };
            let now = Instant::now();
            if due > now {
                self.silence.as_mut().reset(due);
                continue;
            }
            if self.waiting > 0 {
                // It has not read everything; whether it still will is the
                // connection's own limit to say.
                self.hear();
            } else if self.asked.is_some() {
                return Poll::Ready(Ending::Silent);
            } else {
                self.asked = Some(now);
                if let Err(ending) = self.start(Message::Ping(Bytes::new())) {
                    return Poll::Ready(ending);
                }
                if let Poll::Ready(Err(error)) = Pin::new(&mut self.frames).poll_flush(cx) {
                    return Poll::Ready(self.ending(error));
                }
            }
            let next = now + self.keep_alive;
            self.silence.as_mut().reset(next);
        }
        Poll::Pending
    }

    fn ending(&self, error: Error) -> Ending {
        match error {
            Error::Capacity(_) => Ending::TooLarge {
                max: self.message_bytes_max,
            },
            Error::Utf8(_) => Ending::Protocol {
                code: CloseCode::Invalid,
                why: "text that is not UTF-8".to_owned(),
            },
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
            | Error::ConnectionClosed
            | Error::AlreadyClosed => lost("the connection closed"),
            Error::Protocol(error) => Ending::Protocol {
                code: CloseCode::Protocol,
                why: error.to_string(),
            },
            error => lost(&format!("the connection broke off: {error}")),
        }
    }
}

fn lost(why: &str) -> Ending {
    Ending::Lost {
        why: why.to_owned(),
    }
}
