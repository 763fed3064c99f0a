//! A gRPC service that does only what the test tells it to, and that sees what
//! a gateway does to its calls: the metadata they carry and how they are reset.

use std::{future::poll_fn, net::SocketAddr, sync::mpsc, thread};

use bytes::{BufMut, Bytes, BytesMut};
use contract::pspd::{HelloReply, NumberReply};
use h2::{Reason, SendStream, server::SendResponse};
use http::{HeaderMap, HeaderValue, Response, request::Parts};
use prost::Message;
use testkit::IN_TIME;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc as tokio_mpsc, oneshot},
};

/// The service. Dropping it closes its connections.
pub(super) struct Peer {
    address: SocketAddr,
    calls: mpsc::Receiver<Call>,
    _running: oneshot::Sender<()>,
}

/// A call that was received and waits for the test's orders. Dropping it
/// resets the stream.
pub(super) struct Call {
    /// Its head.
    pub(super) request: Parts,
    /// Counts the connections of the peer.
    pub(super) connection: usize,
    orders: tokio_mpsc::UnboundedSender<Order>,
    reset: mpsc::Receiver<Result<Reason, String>>,
}

enum Order {
    Head,
    Message(Bytes),
    End,
}

impl Peer {
    pub(super) fn start() -> Peer {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (sender, calls) = mpsc::channel();
        let (running, dropped) = oneshot::channel();
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, sender) => {}
                    _ = dropped => {}
                }
            });
        });
        Peer {
            address,
            calls,
            _running: running,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next call, as soon as its head is here.
    #[track_caller]
    pub(super) fn next_call(&self) -> Call {
        self.calls.recv_timeout(IN_TIME).expect("a call")
    }

    /// Whether a call is here that was not taken.
    pub(super) fn has_call(&self) -> bool {
        self.calls.try_recv().is_ok()
    }
}

impl Call {
    pub(super) fn send_head(&self) {
        self.order(Order::Head);
    }

    pub(super) fn send_value(&self, value: i32) {
        self.order(Order::Message(framed(&NumberReply { value })));
    }

    pub(super) fn send_greeting(&self, message: &str) {
        let message = message.to_owned();
        self.order(Order::Message(framed(&HelloReply { message })));
    }

    /// Ends the call with `OK`.
    pub(super) fn end(&self) {
        self.order(Order::End);
    }

    /// Waits until the caller resets the call, and says with which reason.
    #[track_caller]
    pub(super) fn wait_for_reset(&self) -> Reason {
        let reset = self.reset.recv_timeout(IN_TIME).expect("a reset");
        reset.expect("a reset of the stream, not the end of the connection")
    }

    fn order(&self, order: Order) {
        // A call that was reset takes no orders.
        let _ = self.orders.send(order);
    }
}

async fn accept(listener: TcpListener, calls: mpsc::Sender<Call>) {
    for connection in 0.. {
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio::spawn(serve(stream, connection, calls.clone()));
    }
}

async fn serve(stream: TcpStream, number: usize, calls: mpsc::Sender<Call>) {
    let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
    while let Some(Ok((request, respond))) = connection.accept().await {
        let (request, body) = request.into_parts();
        let (orders, received) = tokio_mpsc::unbounded_channel();
        let (report, reset) = mpsc::channel();
        tokio::spawn(async move {
            // The caller's message is of no interest but is part of the call.
            let _body = body;
            obey(respond, received, report).await;
        });
        let call = Call {
            request,
            connection: number,
            orders,
            reset,
        };
        // The test may be over.
        let _ = calls.send(call);
    }
}

async fn obey(
    mut respond: SendResponse<Bytes>,
    mut orders: tokio_mpsc::UnboundedReceiver<Order>,
    report: mpsc::Sender<Result<Reason, String>>,
) {
    let mut body: Option<SendStream<Bytes>> = None;
    loop {
        let reset = poll_fn(|cx| match &mut body {
            Some(body) => body.poll_reset(cx),
            None => respond.poll_reset(cx),
        });
        tokio::select! {
            reset = reset => {
                // Nobody waits for it when the test is over.
                let _ = report.send(reset.map_err(|error| error.to_string()));
                return;
            }
            order = orders.recv() => match (order, &mut body) {
                (Some(Order::Head), _) => body = respond.send_response(head(), false).ok(),
                (Some(Order::Message(message)), Some(body)) => {
                    // Fails when the caller has just reset the call.
                    let _ = body.send_data(message, false);
                }
                (Some(Order::End), Some(body)) => {
                    let _ = body.send_trailers(status_ok());
                    return;
                }
                // The caller has reset the call before its head was sent.
                (Some(_), None) => {}
                (None, _) => return,
            },
        }
    }
}

fn head() -> Response<()> {
    let mut head = Response::new(());
    let grpc = HeaderValue::from_static("application/grpc");
    head.headers_mut().insert("content-type", grpc);
    head
}

fn status_ok() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers
}

/// A message as gRPC frames it: not compressed, its length, itself.
pub(super) fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(5 + length);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).expect("a small message"));
    message.encode(&mut bytes).expect("room for the message");
    bytes.freeze()
}
