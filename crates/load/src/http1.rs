//! One HTTP/1.1 connection of the load engine: in, the bytes of a request; out,
//! the status of its answer, read to the end and dropped. It never retries: a
//! retried request would be a hidden failure. It opens no connection by itself
//! and knows no timeout, both of which are its caller's.

mod response;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Waker},
};

use tls::{Speaks, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use crate::{
    dialer::{self, Tls},
    exchange::RequestError,
    traffic::Meter,
};

pub use response::Malformed;
pub(crate) use response::{Answer, Body};
use response::{Limits, Parser};

/// What an answer may be.
pub(crate) const LIMITS: Limits = Limits {
    head_bytes_max: 16 * 1024,
    body_bytes_max: 64 * 1024 * 1024,
};

/// Holds a whole answer of the published routes.
const BUFFER_BYTES_MIN: usize = 4 * 1024;
/// Grown to when answers are larger; not smaller than the largest head.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// What answers are read into, one for each user, kept between requests.
#[derive(Debug)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    pub(crate) fn new() -> Self {
        Buffer(vec![0; BUFFER_BYTES_MIN])
    }
}

/// An open connection without a request under way.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
}

impl Connection {
    /// Connects. The caller bounds the wait.
    pub(crate) async fn open(
        address: SocketAddr,
        tls: Option<&Tls>,
    ) -> Result<Connection, RequestError> {
        let stream = dialer::open(address, tls, Speaks::Http1).await?;
        Ok(Connection { stream })
    }

    /// Whether the peer has neither closed it nor sent anything since the last
    /// answer. Costs no system call while nothing has happened.
    pub(crate) fn is_idle(&mut self) -> bool {
        match &mut self.stream {
            Stream::Plain(stream) => match stream.try_read(&mut [0]) {
                Ok(_) => false,
                Err(error) => error.kind() == io::ErrorKind::WouldBlock,
            },
            // Messages of TLS itself, such as tickets, are no answer.
            encrypted => {
                let mut context = Context::from_waker(Waker::noop());
                let (mut byte, stream) = ([0], Pin::new(encrypted));
                stream
                    .poll_read(&mut context, &mut ReadBuf::new(&mut byte))
                    .is_pending()
            }
        }
    }

    /// Sends a request and reads the whole answer. After an error, or when it is
    /// dropped before its end, the connection must not be used again.
    ///
    /// A target may answer before it has read all of a request, such as that it is too
    /// large, and close: then the answer says more than the broken connection does.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        body: Body,
        buffer: &mut Buffer,
        meter: &Meter,
    ) -> Result<Answer, RequestError> {
        let written = self.write(request, meter).await;
        let answer = self.read(body, buffer, meter).await;
        match (written, answer) {
            (Ok(()), answer) => answer,
            (Err(_), Ok(answer)) => Ok(Answer {
                keep_alive: false,
                ..answer
            }),
            (Err(error), Err(_)) => Err(RequestError::Closed(error)),
        }
    }

    async fn read(
        &mut self,
        body: Body,
        buffer: &mut Buffer,
        meter: &Meter,
    ) -> Result<Answer, RequestError> {
        let buffer = &mut buffer.0;
        let mut parser = Parser::new(LIMITS, body);
        // Bytes at the front of the buffer that the parser wants to see again.
        let mut kept = 0;
        loop {
            let room = buffer.len() - kept;
            let read = self.stream.read(&mut buffer[kept..]).await;
            let read = read.map_err(RequestError::Closed)?;
            meter.received(read);
            if read == 0 {
                return parser.closed().ok_or_else(RequestError::gone);
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

    /// Writes everything; counted as it goes, because a large body takes a while.
    async fn write(&mut self, mut bytes: &[u8], meter: &Meter) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.stream.write(bytes).await?;
            meter.sent(written);
            bytes = &bytes[written..];
        }
        match &mut self.stream {
            Stream::Plain(_) => Ok(()),
            encrypted => encrypted.flush().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn the_buffer_can_hold_the_largest_head() {
        const { assert!(BUFFER_BYTES_MAX > LIMITS.head_bytes_max) };
    }

    #[tokio::test]
    async fn an_answer_that_comes_before_the_request_is_sent_is_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            stream.read_exact(&mut [0; 100]).await.expect("its head");
            let answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.expect("it is there");
            // Closed with unread bytes, which resets the connection.
        });
        let mut connection = Connection::open(address, None).await.expect("it listens");
        // More than the socket buffers of both sides hold.
        let request = vec![b'x'; 64 * 1024 * 1024];
        let (mut buffer, meter) = (Buffer::new(), Meter::default());
        let answer = connection.exchange(&request, Body::AsStated, &mut buffer, &meter);
        let answer = answer.await.expect("it was answered");
        assert_eq!((answer.status, answer.keep_alive), (413, false));
    }
}
