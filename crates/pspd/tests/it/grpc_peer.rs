//! A gRPC service that does only what the test tells it to, and that sees what
//! a gateway does to its calls: the metadata they carry and how they are reset.
//! It speaks HTTP/2 well, whatever it says in it; see [`crate::raw_peer`] for one
//! that need not.

use std::{
    future::poll_fn,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use bytes::{BufMut, Bytes, BytesMut};
use contract::pspd::{HelloReply, NumberReply};
use h2::{
    Reason, SendStream,
    server::{Connection, SendResponse},
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, request::Parts};
use prost::Message;
use testkit::IN_TIME;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc as tokio_mpsc, oneshot, watch},
};

/// The service. Dropping it closes its connections.
pub(crate) struct Peer {
    address: SocketAddr,
    calls: mpsc::Receiver<Call>,
    open: Arc<AtomicUsize>,
    cancelled: Arc<AtomicUsize>,
    leaving: Arc<watch::Sender<bool>>,
    _running: oneshot::Sender<()>,
}

/// A service that answers every call by the same rule, until the tests end.
pub(crate) struct Answering {
    address: SocketAddr,
    open: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    cancelled: Arc<AtomicUsize>,
    leaving: Arc<watch::Sender<bool>>,
}

/// A call that was received and waits for the test's orders. Dropping it
/// resets the stream, unless it has ended.
pub(crate) struct Call {
    /// Its head.
    pub(crate) request: Parts,
    /// Counts the connections of the peer.
    pub(crate) connection: usize,
    orders: tokio_mpsc::UnboundedSender<Order>,
    reset: mpsc::Receiver<Result<Reason, String>>,
}

enum Order {
    Head(Response<()>),
    OnlyHead(Response<()>),
    Data(Bytes),
    LastData(Bytes),
    Endlessly(Bytes),
    Trailers(HeaderMap),
    Reset(Reason),
    Disconnect,
    Hold,
}

impl Peer {
    pub(crate) fn start() -> Peer {
        Peer::taking(u32::MAX)
    }

    /// A service that takes no more calls at once than that on a connection.
    pub(crate) fn taking(calls_max: u32) -> Peer {
        Peer::at(SocketAddr::from(([127, 0, 0, 1], 0)), calls_max)
    }

    /// The same at this address.
    pub(crate) fn at(address: SocketAddr, calls_max: u32) -> Peer {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind(address))
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (sender, calls) = mpsc::channel();
        let (running, dropped) = oneshot::channel();
        let cancelled = Arc::<AtomicUsize>::default();
        let open = Arc::<AtomicUsize>::default();
        let leaving = Arc::new(watch::Sender::new(false));
        let mut left = leaving.subscribe();
        let counted = Counted {
            open: Arc::clone(&open),
            cancelled: Arc::clone(&cancelled),
        };
        thread::spawn(move || {
            runtime.block_on(async {
                let taken = accept(listener, calls_max, sender, counted, left.clone());
                let serving = async {
                    tokio::select! {
                        () = taken => {}
                        _ = left.wait_for(|left| *left) => {}
                    }
                    // The listener is gone, the connections are not.
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    () = serving => {}
                    _ = dropped => {}
                }
            });
        });
        Peer {
            address,
            calls,
            open,
            cancelled,
            leaving,
            _running: running,
        }
    }

    /// A service that lets `answer` order what becomes of each call.
    pub(crate) fn answering(answer: impl Fn(&Call) + Send + 'static) -> Answering {
        Peer::start().answering_with(answer)
    }

    /// Lets `answer` order what becomes of each call.
    pub(crate) fn answering_with(self, answer: impl Fn(&Call) + Send + 'static) -> Answering {
        let peer = self;
        let answering = Answering {
            address: peer.address,
            open: Arc::clone(&peer.open),
            asked: Arc::default(),
            cancelled: Arc::clone(&peer.cancelled),
            leaving: Arc::clone(&peer.leaving),
        };
        let asked = Arc::clone(&answering.asked);
        thread::spawn(move || {
            // All of it, so that it runs on.
            let peer = peer;
            for call in &peer.calls {
                asked.fetch_add(1, Ordering::SeqCst);
                answer(&call);
            }
        });
        answering
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next call, as soon as its head is here.
    #[track_caller]
    pub(crate) fn next_call(&self) -> Call {
        self.calls.recv_timeout(IN_TIME).expect("a call")
    }

    /// Whether a call is here that was not taken.
    pub(crate) fn has_call(&self) -> bool {
        self.try_call().is_some()
    }

    /// A call that is here and was not taken.
    pub(crate) fn try_call(&self) -> Option<Call> {
        self.calls.try_recv().ok()
    }

    /// Connections that are open.
    pub(crate) fn open_connections(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

impl Answering {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that are open.
    pub(crate) fn open_connections(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Calls that came so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Takes no connections any more, and says goodbye on those that there are: each
    /// ends with the calls that it has (GOAWAY).
    pub(crate) fn leave(&self) {
        self.leaving.send_replace(true);
    }

    /// Those of them that the caller has reset because it has no use for them.
    pub(crate) fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::SeqCst)
    }
}

/// A way to say more of a call later, when the call itself is in other hands.
pub(crate) struct Line(tokio_mpsc::UnboundedSender<Order>);

impl Line {
    /// Sends bytes that need not be messages.
    pub(crate) fn send_bytes(&self, bytes: Bytes) {
        // A call that was reset takes no orders.
        let _ = self.0.send(Order::Data(bytes));
    }

    /// Ends the call with `OK`.
    pub(crate) fn end(&self) {
        let trailers = trailers(&[("grpc-status", "0")]);
        let _ = self.0.send(Order::Trailers(trailers));
    }
}

impl Call {
    /// A way to say more later; the call goes on for as long as it is there.
    pub(crate) fn line(&self) -> Line {
        Line(self.orders.clone())
    }

    pub(crate) fn send_head(&self) {
        self.order(Order::Head(head()));
    }

    pub(crate) fn send_other_head(&self, head: Response<()>) {
        self.order(Order::Head(head));
    }

    /// Sends a head that is the end as well.
    pub(crate) fn send_only_head(&self, head: Response<()>) {
        self.order(Order::OnlyHead(head));
    }

    pub(crate) fn send_value(&self, value: i32) {
        self.send_bytes(framed(&NumberReply { value }));
    }

    pub(crate) fn send_greeting(&self, message: &str) {
        let message = message.to_owned();
        self.send_bytes(framed(&HelloReply { message }));
    }

    /// Sends bytes that need not be messages.
    pub(crate) fn send_bytes(&self, bytes: Bytes) {
        self.order(Order::Data(bytes));
    }

    /// Sends bytes that are the end as well.
    pub(crate) fn send_last_bytes(&self, bytes: Bytes) {
        self.order(Order::LastData(bytes));
    }

    /// Sends these bytes again and again, as the caller has room for them, for
    /// as long as it takes them.
    pub(crate) fn send_endlessly(&self, bytes: Bytes) {
        self.order(Order::Endlessly(bytes));
    }

    /// Ends the call with `OK`.
    pub(crate) fn end(&self) {
        self.end_with(trailers(&[("grpc-status", "0")]));
    }

    pub(crate) fn end_with(&self, trailers: HeaderMap) {
        self.order(Order::Trailers(trailers));
    }

    pub(crate) fn reset(&self, reason: Reason) {
        self.order(Order::Reset(reason));
    }

    /// Closes the connection with all its calls.
    pub(crate) fn disconnect(&self) {
        self.order(Order::Disconnect);
    }

    /// Does nothing more, also when this is dropped.
    pub(crate) fn hold(&self) {
        self.order(Order::Hold);
    }

    /// Waits until the caller resets the call, and says with which reason.
    #[track_caller]
    pub(crate) fn wait_for_reset(&self) -> Reason {
        let reset = self.reset.recv_timeout(IN_TIME).expect("a reset");
        reset.expect("a reset of the stream, not the end of the connection")
    }

    fn order(&self, order: Order) {
        // A call that was reset takes no orders.
        let _ = self.orders.send(order);
    }
}

/// What a service counts.
#[derive(Clone)]
struct Counted {
    open: Arc<AtomicUsize>,
    cancelled: Arc<AtomicUsize>,
}

async fn accept(
    listener: TcpListener,
    calls_max: u32,
    calls: mpsc::Sender<Call>,
    counted: Counted,
    left: watch::Receiver<bool>,
) {
    for connection in 0.. {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("set");
        let (calls, counted, left) = (calls.clone(), counted.clone(), left.clone());
        tokio::spawn(async move {
            counted.open.fetch_add(1, Ordering::SeqCst);
            let mut options = h2::server::Builder::new();
            options.max_concurrent_streams(calls_max);
            // The gateway may go away at any moment, also before it has said a word.
            if let Ok(opened) = options.handshake(stream).await {
                serve(opened, connection, calls, counted.cancelled, left).await;
            }
            counted.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn serve(
    mut connection: Connection<TcpStream, Bytes>,
    number: usize,
    calls: mpsc::Sender<Call>,
    cancelled: Arc<AtomicUsize>,
    mut left: watch::Receiver<bool>,
) {
    let closing = Arc::new(Notify::new());
    let mut stays = true;
    loop {
        let accepted = tokio::select! {
            accepted = connection.accept() => accepted,
            () = closing.notified() => return,
            Ok(_) = left.wait_for(|left| *left), if stays => {
                stays = false;
                connection.graceful_shutdown();
                continue;
            }
        };
        let Some(Ok((request, respond))) = accepted else {
            return;
        };
        let (request, body) = request.into_parts();
        let (orders, received) = tokio_mpsc::unbounded_channel();
        let (report, reset) = mpsc::channel();
        let closing = Arc::clone(&closing);
        let cancelled = Arc::clone(&cancelled);
        tokio::spawn(async move {
            // The caller's message is of no interest but is part of the call.
            let _body = body;
            if let Some(reset) = obey(respond, received, &closing).await {
                if reset == Ok(Reason::CANCEL) {
                    cancelled.fetch_add(1, Ordering::SeqCst);
                }
                // Nobody waits for it when the test is over.
                let _ = report.send(reset);
            }
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

/// Does what is ordered, and says how the caller ended the call, if it did.
/// Whatever is sent may fail, since the caller may just have done that.
async fn obey(
    mut respond: SendResponse<Bytes>,
    mut orders: tokio_mpsc::UnboundedReceiver<Order>,
    closing: &Notify,
) -> Option<Result<Reason, String>> {
    let mut body: Option<SendStream<Bytes>> = None;
    loop {
        let order = tokio::select! {
            reset = reset_of(&mut respond, &mut body) => return Some(reset),
            order = orders.recv() => order?,
        };
        match (order, &mut body) {
            (Order::Head(head), None) => body = respond.send_response(head, false).ok(),
            (Order::OnlyHead(head), None) => {
                let _ = respond.send_response(head, true);
                return None;
            }
            (Order::Data(bytes), Some(body)) => {
                let _ = body.send_data(bytes, false);
            }
            (Order::LastData(bytes), Some(body)) => {
                let _ = body.send_data(bytes, true);
                return None;
            }
            (Order::Endlessly(bytes), Some(stream)) => {
                repeat(stream, &bytes).await;
                return Some(reset_of(&mut respond, &mut body).await);
            }
            (Order::Trailers(trailers), Some(body)) => {
                let _ = body.send_trailers(trailers);
                return None;
            }
            (Order::Reset(reason), Some(body)) => {
                body.send_reset(reason);
                return None;
            }
            (Order::Reset(reason), None) => {
                respond.send_reset(reason);
                return None;
            }
            (Order::Disconnect, _) => {
                closing.notify_one();
                return None;
            }
            (Order::Hold, _) => return Some(reset_of(&mut respond, &mut body).await),
            // The caller has reset the call before its head was sent.
            (_, _) => {}
        }
    }
}

/// Waits until the caller ends the call.
async fn reset_of(
    respond: &mut SendResponse<Bytes>,
    body: &mut Option<SendStream<Bytes>>,
) -> Result<Reason, String> {
    let reset = poll_fn(|cx| match body {
        Some(body) => body.poll_reset(cx),
        None => respond.poll_reset(cx),
    });
    reset.await.map_err(|error| error.to_string())
}

/// Sends for as long as the caller takes something.
async fn repeat(body: &mut SendStream<Bytes>, bytes: &Bytes) {
    loop {
        body.reserve_capacity(bytes.len());
        while body.capacity() < bytes.len() {
            match poll_fn(|cx| body.poll_capacity(cx)).await {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
        if body.send_data(bytes.clone(), false).is_err() {
            return;
        }
        // There may always be room, and others have work to do as well.
        tokio::task::yield_now().await;
    }
}

/// The head of an answer that goes well.
pub(crate) fn head() -> Response<()> {
    let mut head = Response::new(());
    let grpc = HeaderValue::from_static("application/grpc");
    head.headers_mut().insert("content-type", grpc);
    head
}

/// What comes after the last message.
pub(crate) fn trailers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, &str)| {
        let value = HeaderValue::from_str(value).expect("a value");
        (HeaderName::from_static(name), value)
    };
    fields.iter().map(field).collect()
}

/// A message as gRPC frames it.
pub(crate) fn framed(message: &impl Message) -> Bytes {
    framed_bytes(&message.encode_to_vec())
}

/// What might be a message, framed: not compressed, its length, itself.
pub(crate) fn framed_bytes(message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(5 + message.len());
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.len()).expect("a small message"));
    bytes.put_slice(message);
    bytes.freeze()
}
