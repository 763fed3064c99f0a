//! How spans come: over HTTP/2 as a gRPC call, or over HTTP/1.1 as a `POST` of protobuf.
//! The first bytes of a connection say which.

use std::sync::{Arc, atomic::Ordering};

use ::http::{HeaderMap, HeaderValue, Request, Response};
use bytes::Bytes;
use h2::{RecvStream, server::SendResponse};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::Shared;

/// Serves one connection, and counts it.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    shared.connections.fetch_add(1, Ordering::Relaxed);
    converse(stream, &shared).await;
    shared.connections.fetch_sub(1, Ordering::Relaxed);
}

/// Serves one connection. The exporter may go away at any moment, so that no step has to
/// succeed.
async fn converse(stream: TcpStream, shared: &Arc<Shared>) {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1) if first == *b"P" => {}
        _ => return,
    }
    // `PRI * HTTP/2.0` or `POST /v1/traces HTTP/1.1`.
    let mut two = [0; 2];
    while let Ok(1) = stream.peek(&mut two).await {
        tokio::task::yield_now().await;
    }
    match &two {
        b"PR" => over_http2(stream, shared).await,
        _ => {
            let _ = over_http1(stream, shared).await;
        }
    }
}

async fn over_http2(stream: TcpStream, shared: &Arc<Shared>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(call(request, respond, Arc::clone(shared)));
    }
}

async fn call(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, shared: Arc<Shared>) {
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert_eq!(request.uri().path(), path);
    let mut body = request.into_body();
    let mut bytes = Vec::new();
    while let Some(Ok(chunk)) = body.data().await {
        let _ = body.flow_control().release_capacity(chunk.len());
        bytes.extend_from_slice(&chunk);
    }
    let message = bytes.get(5..).expect("a framed message");
    keep(message, &shared);
    if shared.is_silent.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    let mut head = Response::new(());
    let grpc = HeaderValue::from_static("application/grpc");
    head.headers_mut().insert("content-type", grpc);
    if let Ok(mut stream) = respond.send_response(head, false) {
        let _ = stream.send_data(Bytes::from_static(&[0; 5]), false);
        let ok = ("grpc-status", HeaderValue::from_static("0"));
        let trailers = HeaderMap::from_iter([(ok.0.parse().expect("a name"), ok.1)]);
        let _ = stream.send_trailers(trailers);
    }
}

async fn over_http1(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
        assert!(
            head.contains("content-type: application/x-protobuf"),
            "{head}"
        );
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length = length.and_then(|length| length.trim().parse().ok());
        let mut body = vec![0; length.expect("a length")];
        stream.read_exact(&mut body).await?;
        keep(&body, shared);
        if shared.is_silent.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n\
                       content-length: 0\r\n\r\n";
        stream.write_all(answer).await?;
    }
}

fn keep(message: &[u8], shared: &Shared) {
    match ExportTraceServiceRequest::decode(message) {
        Ok(request) => shared.take(request),
        Err(error) => panic!("not spans: {error}"),
    }
}
