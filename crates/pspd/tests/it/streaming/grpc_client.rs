//! A gRPC client of service B that takes from a stream exactly what the test
//! lets it take.

use std::net::SocketAddr;

use bytes::{Buf, Bytes, BytesMut};
use contract::pspd::{NumberReply, StreamRequest};
use h2::{
    RecvStream,
    client::{Builder, SendRequest},
};
use http::{HeaderValue, Request};
use prost::Message;
use tokio::net::TcpStream;

use super::grpc_peer::framed;

/// Runs a test's calls. Processes are started and dropped outside, where it is
/// allowed to block.
pub(super) fn run(calls: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(calls);
}

/// Connects with these windows; the connection lives until the sender and all
/// its streams are dropped.
pub(super) async fn connect(address: SocketAddr, builder: &Builder) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.expect("connected");
    let (sender, connection) = builder.handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

/// The numbers of one call.
pub(super) struct Numbers {
    stream: RecvStream,
    unread: BytesMut,
}

impl Numbers {
    /// Calls service B and waits for the head of its answer.
    pub(super) async fn ask(
        sender: &SendRequest<Bytes>,
        address: SocketAddr,
        request: &StreamRequest,
    ) -> Numbers {
        let uri = format!("http://{address}/pspd.ServiceB/StreamNumbers");
        let mut head = Request::post(uri).body(()).expect("a request");
        let grpc = HeaderValue::from_static("application/grpc");
        head.headers_mut().insert("content-type", grpc);
        let trailers = HeaderValue::from_static("trailers");
        head.headers_mut().insert("te", trailers);
        let mut sender = sender.clone().ready().await.expect("room for a stream");
        let (answer, mut body) = sender.send_request(head, false).expect("sent");
        // A call that is refused may have been answered before.
        let _ = body.send_data(framed(request), true);
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.status(), 200);
        Numbers {
            stream: answer.into_body(),
            unread: BytesMut::new(),
        }
    }

    /// Takes what arrives until the stream's window is used up, gives nothing
    /// of it back, and returns how many bytes the window took.
    pub(super) async fn fill_window(&mut self, window: usize) -> usize {
        let mut taken = 0;
        while taken < window {
            let data = self.stream.data().await.expect("not the end");
            let data = data.expect("data");
            taken += data.len();
            self.unread.extend_from_slice(&data);
        }
        taken
    }

    /// Gives taken bytes back to the service, which may then send as many.
    pub(super) fn release(&mut self, bytes: usize) {
        let flow = self.stream.flow_control();
        flow.release_capacity(bytes).expect("bytes that were taken");
    }

    /// The next number; `None` once the service has ended the call with `OK`.
    pub(super) async fn next(&mut self) -> Option<i32> {
        loop {
            if let Some(value) = self.take() {
                return Some(value);
            }
            let Some(data) = self.stream.data().await else {
                let trailers = self.stream.trailers().await.expect("an end");
                let trailers = trailers.expect("trailers");
                assert_eq!(trailers["grpc-status"], "0");
                assert!(self.unread.is_empty(), "half a message");
                return None;
            };
            let data = data.expect("data");
            self.unread.extend_from_slice(&data);
            self.release(data.len());
        }
    }

    fn take(&mut self) -> Option<i32> {
        let mut frame = self.unread.get(..)?;
        if frame.len() < 5 {
            return None;
        }
        assert_eq!(frame.get_u8(), 0, "a compressed message");
        let length = frame.get_u32() as usize;
        let message = frame.get(..length)?;
        let reply = NumberReply::decode(message).expect("a number");
        self.unread.advance(5 + length);
        Some(reply.value)
    }
}
