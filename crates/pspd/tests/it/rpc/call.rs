//! A gRPC client that says and takes exactly what a test lets it, over HTTP/2 as the
//! library has it.

use std::{net::SocketAddr, thread, time::Duration};

use bytes::Bytes;
use h2::{
    RecvStream, SendStream,
    client::{Builder, ResponseFuture, SendRequest},
};
use http::{HeaderMap, Request, Response};
use tokio::{net::TcpStream, runtime::Handle, sync::oneshot, time::timeout};

use testkit::IN_TIME;

pub(crate) const NUMBERS: &str = "/pspd.ServiceB/StreamNumbers";
pub(crate) const HELLO: &str = "/pspd.ServiceA/SayHello";
/// An empty message.
pub(crate) const EMPTY: Bytes = Bytes::from_static(&[0, 0, 0, 0, 0]);

/// A connection.
pub(crate) struct Caller {
    handle: Handle,
    sender: SendRequest<Bytes>,
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

/// A call that was begun.
pub(crate) struct Begun {
    pub(crate) sending: SendStream<Bytes>,
    answer: ResponseFuture,
}

/// What goes out with the head.
enum Opening {
    Head,
    Part(Bytes),
    Whole(Bytes),
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: http::response::Parts,
    pub(crate) bytes: Vec<u8>,
    /// Those of the head, where there are no others.
    pub(crate) trailers: HeaderMap,
}

impl Answer {
    #[track_caller]
    pub(crate) fn status(&self) -> &str {
        self.trailer("grpc-status")
    }

    #[track_caller]
    pub(crate) fn trailer(&self, name: &str) -> &str {
        let value = self.trailers.get(name).expect(name);
        value.to_str().expect("text")
    }
}

impl Caller {
    pub(crate) fn connect(address: SocketAddr) -> Caller {
        Caller::connect_as(address, &Builder::new())
    }

    /// One that has no room for the messages of answers, so that it takes heads alone.
    pub(crate) fn without_room(address: SocketAddr) -> Caller {
        Caller::connect_as(address, Builder::new().initial_window_size(0))
    }

    fn connect_as(address: SocketAddr, options: &Builder) -> Caller {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let handle = runtime.handle().clone();
        // The connection goes on while the test does something else.
        let (stop, stopped) = oneshot::channel::<()>();
        thread::spawn(move || drop(runtime.block_on(stopped)));
        let sender = handle.block_on(async {
            let stream = TcpStream::connect(address).await.expect("connected");
            let (sender, connection) = options.handshake(stream).await.expect("HTTP/2");
            tokio::spawn(connection);
            sender
        });
        Caller {
            handle,
            sender,
            address,
            _stop: stop,
        }
    }

    pub(crate) fn in_time<T>(&self, future: impl Future<Output = T>) -> T {
        let limited = async { timeout(IN_TIME, future).await };
        self.handle.block_on(limited).expect("in time")
    }

    /// Sends the head of a call.
    pub(crate) fn begin(&self, path: &str, headers: &[(&str, &str)]) -> Begun {
        self.open(path, headers, Opening::Head)
    }

    /// Begins a call with these bytes; others may follow.
    pub(crate) fn say(&self, path: &str, headers: &[(&str, &str)], first: Bytes) -> Begun {
        self.open(path, headers, Opening::Part(first))
    }

    /// Makes a call of one empty message; the answer is taken later.
    pub(crate) fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Begun {
        self.ask_with(path, headers, EMPTY)
    }

    /// The same with this message.
    pub(crate) fn ask_with(&self, path: &str, headers: &[(&str, &str)], message: Bytes) -> Begun {
        self.open(path, headers, Opening::Whole(message))
    }

    /// Head and message go out in one piece: nothing can come back in between, and
    /// whoever reads the one has the other.
    fn open(&self, path: &str, headers: &[(&str, &str)], opening: Opening) -> Begun {
        let mut request = Request::post(format!("http://{}{path}", self.address));
        let own = [("content-type", "application/grpc"), ("te", "trailers")];
        for (name, value) in own.iter().chain(headers) {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).expect("a request");
        if let Some((_, media_type)) = headers.iter().find(|(name, _)| *name == "content-type") {
            let media_type = media_type.parse().expect("a value");
            request.headers_mut().insert("content-type", media_type);
        }
        let sender = self.sender.clone();
        // Beside the connection, which then waits until all of it is there.
        let sent = self.handle.spawn(async move {
            let mut sender = sender.ready().await.expect("a stream");
            let (answer, mut sending) = sender.send_request(request, false).expect("sent");
            match opening {
                Opening::Head => {}
                Opening::Part(bytes) => sending.send_data(bytes, false).expect("sent"),
                Opening::Whole(bytes) => sending.send_data(bytes, true).expect("sent"),
            }
            Begun { sending, answer }
        });
        self.in_time(sent).expect("a call")
    }

    pub(crate) fn head(&self, begun: Begun) -> (Response<RecvStream>, SendStream<Bytes>) {
        let answer = self.in_time(begun.answer).expect("a head");
        (answer, begun.sending)
    }

    pub(crate) fn answer(&self, begun: Begun) -> Answer {
        let (answer, _sending) = self.head(begun);
        self.rest(answer)
    }

    pub(crate) fn rest(&self, answer: Response<RecvStream>) -> Answer {
        let (head, mut stream) = answer.into_parts();
        self.in_time(async {
            let mut bytes = Vec::new();
            while let Some(chunk) = stream.data().await {
                let chunk = chunk.expect("data");
                let _ = stream.flow_control().release_capacity(chunk.len());
                bytes.extend_from_slice(&chunk);
            }
            let trailers = stream.trailers().await.expect("an end");
            Answer {
                trailers: trailers.unwrap_or_else(|| head.headers.clone()),
                head,
                bytes,
            }
        })
    }

    /// Sends as much as there is room for, and says how many bytes that was; returns when
    /// there is no room for so long.
    pub(crate) fn fill(&self, sending: &mut SendStream<Bytes>, patience: Duration) -> usize {
        self.handle.block_on(async {
            let mut sent = 0;
            let piece = Bytes::from(vec![0; 16 * 1024]);
            loop {
                sending.reserve_capacity(piece.len());
                let room = std::future::poll_fn(|cx| sending.poll_capacity(cx));
                match timeout(patience, room).await {
                    Ok(Some(Ok(room))) => {
                        let part = piece.slice(..room.min(piece.len()));
                        sent += part.len();
                        if sending.send_data(part, false).is_err() {
                            return sent;
                        }
                    }
                    Ok(_) => return sent,
                    Err(_) => return sent,
                }
            }
        })
    }
}
