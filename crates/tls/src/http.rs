//! Connections for the HTTP client library, encrypted where there is a [`Connector`].

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector, dns::GaiResolver},
    rt::TokioIo,
};
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

use crate::{Connector, Refusal, Speaks, Stream};

/// Opens connections, to where `R` says that names lead.
#[derive(Clone)]
pub struct Http<R = GaiResolver> {
    /// What opens the sockets.
    pub plain: HttpConnector<R>,
    /// What encrypts those of `https` URLs.
    pub tls: Option<Connector>,
    /// What is spoken.
    pub speaks: Speaks,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<R, F, E> Service<Uri> for Http<R>
where
    HttpConnector<R>: Service<Uri, Response = TokioIo<TcpStream>, Error = E, Future = F>,
    F: Future<Output = Result<TokioIo<TcpStream>, E>> + Send + 'static,
    E: Into<BoxError>,
{
    type Response = Opened;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Opened, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.plain.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (limit, speaks) = (self.handshake_timeout, self.speaks);
        let encrypts = to.scheme_str() == Some("https");
        let tls = self.tls.clone().filter(|_| encrypts);
        self.plain.enforce_http(false);
        let host = to.host().unwrap_or_default();
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let opened = self.plain.call(to);
        Box::pin(async move {
            let socket = opened.await.map_err(Into::into)?.into_inner();
            let stream = match tls {
                Some(tls) => {
                    let encrypted = tls.connect(&host, socket, speaks);
                    let done = timeout(limit, encrypted).await;
                    done.map_err(|_| Refusal::timed_out(limit))??
                }
                None => Stream::Plain(socket),
            };
            Ok(Opened(TokioIo::new(stream)))
        })
    }
}

/// A connection that was opened.
pub struct Opened(TokioIo<Stream>);

impl Connection for Opened {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Opened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Opened {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
