//! The least that an HTTP/2 proxy can be with the libraries that the gateway has: what
//! passing gRPC through costs is measured against it. In: a port to listen on and the
//! address of a gRPC server; out: every call, passed on over one connection. It has no
//! limits, no log, no deadlines, no retries and no routes, and serves nobody in earnest.

use std::{
    convert::Infallible,
    env,
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::{RecvStream, client::SendRequest};
use http::{Request, Response, Uri};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

/// The program's own.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let (Some(port), Some(server)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bare_hop PORT HOST:PORT".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(port.parse()?, server))
}

async fn serve(port: u16, server: String) -> Result<(), Failure> {
    let upstream = TcpStream::connect(&server).await?;
    upstream.set_nodelay(true)?;
    let (sender, connection) = h2::client::Builder::new()
        .initial_connection_window_size((1 << 31) - 1)
        .handshake(upstream)
        .await?;
    tokio::spawn(connection);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (sender, server) = (sender.clone(), server.clone());
        let service = service_fn(move |request| {
            let passed = pass(sender.clone(), server.clone(), request);
            async move { Ok::<_, Infallible>(passed.await.unwrap_or_default()) }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .max_concurrent_streams(4096)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

async fn pass(
    sender: SendRequest<Bytes>,
    server: String,
    request: Request<Incoming>,
) -> Result<Response<Passed>, Failure> {
    let (mut head, mut body) = request.into_parts();
    let mut uri = head.uri.into_parts();
    uri.scheme = Some(http::uri::Scheme::HTTP);
    uri.authority = Some(server.parse()?);
    head.uri = Uri::from_parts(uri)?;
    let mut sender = sender.ready().await?;
    let (answer, mut sending) = sender.send_request(Request::from_parts(head, ()), false)?;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            sending.send_data(data, body.is_end_stream())?;
        }
    }
    Ok(answer.await?.map(|stream| Passed(Some(stream))))
}

/// An answer on its way.
#[derive(Default)]
struct Passed(Option<RecvStream>);

impl Body for Passed {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let Some(stream) = &mut self.0 else {
            return Poll::Ready(None);
        };
        if let Some(chunk) = ready!(stream.poll_data(cx)) {
            let chunk = chunk?;
            stream.flow_control().release_capacity(chunk.len())?;
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        let trailers = ready!(stream.poll_trailers(cx))?;
        self.0 = None;
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }
}
