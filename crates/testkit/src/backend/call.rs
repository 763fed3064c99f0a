//! One call: the request is read whole and kept, or, where it is a stream, message by
//! message as the answer's steps say; the answer is sent step by step, never faster
//! than the client takes it.

use std::{
    future::poll_fn,
    sync::{Arc, atomic::Ordering},
};

use ::http::{HeaderMap, HeaderValue, Request, Response, header::CONTENT_TYPE};
use bytes::{BufMut, Bytes, BytesMut};
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use tokio::sync::Notify;

use super::{End, Received, Reply, Shared, Status, Step, lock, pool, reflection};

/// gRPC's own numbers.
const UNIMPLEMENTED: u32 = 12;
const INTERNAL: u32 = 13;

/// What a call needs to know.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) pool: DescriptorPool,
    /// Told to close the connection.
    pub(super) hang_up: Arc<Notify>,
}

/// The client is not there any more, or does not want the answer.
pub(super) struct Gone;

impl Call {
    pub(super) async fn serve(self, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let mut out = Out::new(respond);
        if path == reflection::PATH {
            // A client that leaves has heard enough.
            let _ = reflection::converse(&self.pool, body, &mut out).await;
            return;
        }
        let method = path.trim_start_matches('/').replace('/', ".");
        let (mut reply, mut requests) = match find(&self.pool, &method) {
            Some(known) if known.is_client_streaming() => {
                let requests = Requests::new(known, head.headers, body);
                (self.converse(&requests), Some(requests))
            }
            _ => {
                let Ok(sent) = whole(body).await else {
                    lock(&self.shared.cancelled).push(method);
                    return;
                };
                (self.reply(&method, head.headers, &sent), None)
            }
        };
        match self.give(&mut reply, &mut out, requests.as_mut()).await {
            Ok(()) if matches!(reply.end, End::Disconnect) => self.hang_up.notify_one(),
            Ok(()) => {}
            Err(Gone) => lock(&self.shared.cancelled).push(method),
        }
    }

    fn reply(&self, name: &str, metadata: HeaderMap, sent: &Bytes) -> Reply {
        let Some(method) = find(&self.pool, name) else {
            return Reply::status(UNIMPLEMENTED, &format!("there is no {name}"));
        };
        if sent.first() == Some(&1) {
            self.shared.unread.fetch_add(1, Ordering::Relaxed);
            let refused = Reply::status(UNIMPLEMENTED, "no compression is known here");
            return refused.with_metadata("grpc-accept-encoding", "identity");
        }
        let message = sent.get(PREFIX_BYTES..).unwrap_or_default();
        let message = match DynamicMessage::decode(method.input(), message) {
            Ok(message) => message,
            Err(error) => return Reply::status(INTERNAL, &format!("unreadable: {error}")),
        };
        let received = Received {
            method: name.to_owned(),
            metadata,
            message,
        };
        let reply = self.shared.answer_for(&received);
        let echo = || Reply::message(pool::echo(&received.message, method.output()));
        let reply = reply.unwrap_or_else(echo);
        lock(&self.shared.received).push(received);
        reply
    }

    /// What is answered to a stream, of which no message has come yet.
    fn converse(&self, requests: &Requests) -> Reply {
        let received = requests.received(DynamicMessage::new(requests.method.input()));
        let reply = self.shared.answer_for(&received);
        reply.unwrap_or_else(|| match requests.method.is_server_streaming() {
            true => Reply::steps([Step::EchoAll]),
            false => Reply::steps([Step::TakeAll, Step::EchoLast]),
        })
    }

    /// Receives the next message of a stream.
    async fn take(&self, requests: Option<&mut Requests>) -> Result<bool, Gone> {
        let Some(requests) = requests else {
            return Ok(false);
        };
        let taken = requests.take().await?;
        if taken {
            let received = requests.received(requests.last.clone());
            lock(&self.shared.received).push(received);
        }
        Ok(taken)
    }

    async fn send(&self, message: &DynamicMessage, out: &mut Out) -> Result<(), Gone> {
        out.send(framed(&message.encode_to_vec())).await?;
        self.shared.messages_sent.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn give(
        &self,
        reply: &mut Reply,
        out: &mut Out,
        mut requests: Option<&mut Requests>,
    ) -> Result<(), Gone> {
        out.metadata = std::mem::take(&mut reply.metadata);
        for step in reply.steps.by_ref() {
            match step {
                Step::Head => out.begin()?,
                Step::Message(message) => self.send(&message, out).await?,
                Step::Take => drop(self.take(requests.as_deref_mut()).await?),
                Step::TakeAll => while self.take(requests.as_deref_mut()).await? {},
                Step::EchoAll => {
                    while self.take(requests.as_deref_mut()).await? {
                        if let Some(requests) = requests.as_deref() {
                            self.send(&requests.echo(), out).await?;
                        }
                    }
                }
                Step::EchoLast => {
                    if let Some(requests) = requests.as_deref() {
                        self.send(&requests.echo(), out).await?;
                    }
                }
                Step::Raw(bytes) => out.send(bytes).await?,
                Step::Pause(pause) => out.unless_gone(tokio::time::sleep(pause)).await?,
                Step::Wait(gate) => out.unless_gone(gate.pass()).await?,
            }
        }
        match &reply.end {
            End::Status(status) => out.end(status, std::mem::take(&mut reply.trailers)),
            End::NoStatus => out.stop(),
            End::Reset(code) => {
                out.reset(Reason::from(*code));
                Ok(())
            }
            End::Disconnect => Ok(()),
            End::Silence => out.unless_gone(std::future::pending()).await,
        }
    }
}

/// Flag and length before a message.
const PREFIX_BYTES: usize = 5;

pub(super) fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).expect("less than 4 GiB"));
    frame.put_slice(message);
    frame.freeze()
}

fn find(pool: &DescriptorPool, name: &str) -> Option<MethodDescriptor> {
    let (service, method) = name.rsplit_once('.')?;
    let service = pool.get_service_by_name(service)?;
    service.methods().find(|known| known.name() == method)
}

/// A stream of requests.
struct Requests {
    method: MethodDescriptor,
    metadata: HeaderMap,
    body: RecvStream,
    /// What came and has not been taken.
    arrived: BytesMut,
    last: DynamicMessage,
}

impl Requests {
    fn new(method: MethodDescriptor, metadata: HeaderMap, body: RecvStream) -> Requests {
        Requests {
            last: DynamicMessage::new(method.input()),
            method,
            metadata,
            body,
            arrived: BytesMut::new(),
        }
    }

    /// Whether there was another message; it is then the last one.
    async fn take(&mut self) -> Result<bool, Gone> {
        loop {
            if let Some(&[_, a, b, c, d]) = self.arrived.first_chunk::<PREFIX_BYTES>() {
                let end = PREFIX_BYTES + u32::from_be_bytes([a, b, c, d]) as usize;
                if self.arrived.len() >= end {
                    let message = self.arrived.split_to(end).split_off(PREFIX_BYTES);
                    let message = DynamicMessage::decode(self.method.input(), message);
                    self.last = message.map_err(|_| Gone)?;
                    return Ok(true);
                }
            }
            let Some(piece) = self.body.data().await else {
                return Ok(false);
            };
            let piece = piece.map_err(|_| Gone)?;
            let released = self.body.flow_control().release_capacity(piece.len());
            released.map_err(|_| Gone)?;
            self.arrived.extend_from_slice(&piece);
        }
    }

    fn received(&self, message: DynamicMessage) -> Received {
        Received {
            method: self.method.full_name().to_owned(),
            metadata: self.metadata.clone(),
            message,
        }
    }

    fn echo(&self) -> DynamicMessage {
        pool::echo(&self.last, self.method.output())
    }
}

async fn whole(mut body: RecvStream) -> Result<Bytes, h2::Error> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

/// The answer's way out: nothing of it is sent until something must be.
pub(super) struct Out {
    metadata: HeaderMap,
    respond: SendResponse<Bytes>,
    stream: Option<SendStream<Bytes>>,
}

impl Out {
    fn new(respond: SendResponse<Bytes>) -> Out {
        Out {
            metadata: HeaderMap::new(),
            respond,
            stream: None,
        }
    }

    fn head(&mut self) -> Response<()> {
        let mut head = Response::new(());
        *head.headers_mut() = std::mem::take(&mut self.metadata);
        let media_type = HeaderValue::from_static("application/grpc");
        head.headers_mut().insert(CONTENT_TYPE, media_type);
        head
    }

    fn begin(&mut self) -> Result<(), Gone> {
        if self.stream.is_none() {
            let head = self.head();
            self.stream = Some(self.respond.send_response(head, false).map_err(|_| Gone)?);
        }
        Ok(())
    }

    pub(super) async fn send(&mut self, mut bytes: Bytes) -> Result<(), Gone> {
        self.begin()?;
        let stream = self.stream.as_mut().ok_or(Gone)?;
        while !bytes.is_empty() {
            stream.reserve_capacity(bytes.len());
            let room = poll_fn(|cx| stream.poll_capacity(cx)).await;
            let room = room.ok_or(Gone)?.map_err(|_| Gone)?;
            let piece = bytes.split_to(room.min(bytes.len()));
            stream.send_data(piece, false).map_err(|_| Gone)?;
        }
        Ok(())
    }

    /// A status alone goes in the head, as gRPC servers send it.
    pub(super) fn end(&mut self, status: &Status, mut trailers: HeaderMap) -> Result<(), Gone> {
        status.write(&mut trailers);
        if let Some(stream) = &mut self.stream {
            return stream.send_trailers(trailers).map_err(|_| Gone);
        }
        self.metadata.extend(trailers);
        let head = self.head();
        let sent = self.respond.send_response(head, true);
        sent.map(drop).map_err(|_| Gone)
    }

    fn stop(&mut self) -> Result<(), Gone> {
        self.begin()?;
        let stream = self.stream.as_mut().ok_or(Gone)?;
        stream.send_data(Bytes::new(), true).map_err(|_| Gone)
    }

    fn reset(&mut self, reason: Reason) {
        match &mut self.stream {
            Some(stream) => stream.send_reset(reason),
            None => self.respond.send_reset(reason),
        }
    }

    /// Waits for `what`, or until the client gives up.
    async fn unless_gone(&mut self, what: impl Future<Output = ()>) -> Result<(), Gone> {
        let gone = poll_fn(|cx| match &mut self.stream {
            Some(stream) => stream.poll_reset(cx),
            None => self.respond.poll_reset(cx),
        });
        tokio::select! {
            biased;
            _ = gone => Err(Gone),
            () = what => Ok(()),
        }
    }
}
