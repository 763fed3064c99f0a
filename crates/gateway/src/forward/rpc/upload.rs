//! The requests' side of a call: bytes of the client's body in, bytes of gRPC's
//! framing out, and on to the service as fast as it takes them. The next piece of the
//! body is read when the piece before has gone out, so that a client is held back by
//! the service and not by memory here.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::{BufMut, Bytes, BytesMut};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};
use transcode::{Builder, ReadOptions, Unknown};

use super::{base64::Unwrapper, status::Status};
use crate::{
    compression::{Coding, decoded::unpacked_max},
    counting::Passing,
    respond::Code,
    server::InFlight,
    table::Method,
    upstream::grpc::{Busy, Decoder, PREFIX_BYTES, Sending},
};

/// Connect's clients may know fields that a service does not.
pub(super) const READ: ReadOptions = ReadOptions {
    unknown: Unknown::Ignore,
};

/// What both sides of a call have.
pub(super) struct Shared {
    /// Why it was given up on this side; told to the client where it is still there.
    fault: OnceLock<Status>,
    held: Mutex<Held>,
}

/// What a call takes up of the gateway and of its connection.
struct Held {
    in_flight: Option<InFlight>,
    busy: Option<Busy>,
}

impl Shared {
    pub(super) fn new(in_flight: Option<InFlight>) -> Arc<Self> {
        Arc::new(Shared {
            fault: OnceLock::new(),
            held: Mutex::new(Held {
                in_flight,
                busy: None,
            }),
        })
    }

    pub(super) fn fault(&self) -> Option<&Status> {
        self.fault.get()
    }

    /// Keeps the call's place on its connection.
    pub(super) fn keep(&self, busy: Busy) {
        self.held().busy = Some(busy);
    }

    /// Tells what became of the call, unless its places have been given back.
    pub(super) fn judge(&self, code: Option<Code>) {
        if let Some(busy) = &self.held().busy {
            busy.judge(code);
        }
    }

    /// Gives back the call's place on its connection, where it has ended. That in flight
    /// is kept until the client has the answer.
    pub(super) fn leave_connection(&self) {
        self.held().busy = None;
    }

    /// Leaves the call's place in flight to whoever has the answer.
    pub(super) fn leave_place(&self) -> Option<InFlight> {
        self.held().in_flight.take()
    }

    /// Whether the gateway has ended the call for lack of time.
    pub(super) fn is_over(&self) -> bool {
        self.held().busy.as_ref().is_some_and(Busy::is_over)
    }

    /// Gives back the call's place in flight and that on its connection. A client that
    /// does not read must not keep them beyond the call's time.
    pub(super) fn let_go(&self) {
        let mut held = self.held();
        held.in_flight = None;
        held.busy = None;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why nothing more comes.
#[derive(Debug)]
pub(super) enum Broken {
    /// The client has left.
    Left,
    /// What it sent is wrong.
    Wrong(Status),
}

/// The body of a request.
pub(super) struct Upload {
    body: Incoming,
    unwrap: Unwrap,
    passing: Passing,
    ended: bool,
}

/// How the body becomes gRPC's framing.
pub(super) enum Unwrap {
    /// It is that already.
    Plain,
    Base64(Unwrapper),
    /// Envelopes with JSON.
    Json(Box<Envelopes>),
}

impl Upload {
    pub(super) fn new(body: Incoming, unwrap: Unwrap, passing: Passing) -> Self {
        Upload {
            body,
            unwrap,
            passing,
            ended: false,
        }
    }

    /// Whether the client has sent everything and all of it was taken.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        while !self.ended {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
            let unwrapped = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.ended = self.body.is_end_stream();
                        self.unwrap.push(data)
                    }
                    // gRPC has no trailers of requests.
                    Err(_) => continue,
                },
                Some(Err(_)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(Broken::Left)));
                }
                None => {
                    self.ended = true;
                    Ok(Bytes::new())
                }
            };
            let unwrapped = unwrapped.and_then(|bytes| match self.ended {
                true => self.unwrap.end(bytes),
                false => Ok(bytes),
            });
            match unwrapped {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => {
                    self.passing.of_client(&bytes);
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Err(status) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(Broken::Wrong(status))));
                }
            }
        }
        Poll::Ready(None)
    }
}

impl Unwrap {
    pub(super) fn push(&mut self, data: Bytes) -> Result<Bytes, Status> {
        match self {
            Unwrap::Plain => Ok(data),
            Unwrap::Base64(unwrapper) => unwrapper.push(&data).map_err(wrong),
            Unwrap::Json(envelopes) => envelopes.push(data),
        }
    }

    /// What the end adds to the last `bytes`.
    pub(super) fn end(&mut self, bytes: Bytes) -> Result<Bytes, Status> {
        match self {
            Unwrap::Plain => Ok(bytes),
            Unwrap::Base64(unwrapper) => match unwrapper.end().map_err(wrong)? {
                last if last.is_empty() => Ok(bytes),
                last => Ok([bytes, last].concat().into()),
            },
            Unwrap::Json(envelopes) => match envelopes.decoder.end() {
                Ok(()) => Ok(bytes),
                Err(error) => Err(wrong(error)),
            },
        }
    }
}

fn wrong(error: impl std::fmt::Display) -> Status {
    Status::new(Code::InvalidArgument, error.to_string())
}

/// JSON messages in Connect's envelopes, cut anywhere.
pub(super) struct Envelopes {
    decoder: Decoder,
    method: Arc<Method>,
    message: Builder,
    /// Bytes that the client has sent, and what has become of them.
    received: u64,
    unpacked: u64,
}

impl Envelopes {
    /// Messages may be compressed with `coding`.
    pub(super) fn new(
        method: Arc<Method>,
        coding: Option<Coding>,
        message_bytes_max: usize,
    ) -> Self {
        Envelopes {
            decoder: Decoder::new(message_bytes_max).with_coding(coding),
            received: 0,
            unpacked: 0,
            method,
            message: Builder::new(),
        }
    }

    /// The messages that `data` completes, in gRPC's framing.
    fn push(&mut self, data: Bytes) -> Result<Bytes, Status> {
        self.received += data.len() as u64;
        self.decoder.push(data);
        let mut out = BytesMut::new();
        while let Some(complete) = self.decoder.seek().map_err(wrong)? {
            let json = self.decoder.take(complete);
            self.unpacked += json.len() as u64;
            if self.unpacked > unpacked_max(self.received) {
                let message =
                    "the messages are compressed too well to be read; send them as they are";
                return Err(Status::new(Code::ResourceExhausted, message.to_owned()));
            }
            self.message.clear();
            let Method { schema, input, .. } = &*self.method;
            schema
                .read_json(*input, json, READ, &mut self.message)
                .map_err(wrong)?;
            frame(&self.message, &mut out);
        }
        Ok(out.freeze())
    }
}

/// Appends a message in gRPC's framing.
pub(super) fn frame(message: &Builder, out: &mut BytesMut) {
    let length = message.len();
    out.reserve(PREFIX_BYTES + length);
    out.put_u8(0);
    // Requests are limited far below 4 GiB.
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.write_to(out);
}

/// Sends on what the client still sends, and gives the call up when it leaves, when it
/// sends something wrong, or when the call's time is over.
pub(super) async fn pump(
    upload: Option<Upload>,
    mut sending: Sending,
    deadline: Instant,
    shared: Arc<Shared>,
) {
    let sent = timeout_at(deadline, send_all(upload, &mut sending)).await;
    let status = match sent {
        Ok(Broken::Wrong(status)) => status,
        Ok(Broken::Left) => Status::new(Code::Cancelled, "the client left".to_owned()),
        Err(_) => {
            shared.judge(Some(Code::DeadlineExceeded));
            Status::new(Code::DeadlineExceeded, TIME_IS_OVER.to_owned())
        }
    };
    let _ = shared.fault.set(status);
    shared.let_go();
    // The call's other side notices.
    sending.cancel();
}

/// What is said of a call whose time is over.
pub(super) const TIME_IS_OVER: &str = "the call did not end in time; ask for less, or allow more";

/// Returns when something breaks; never when all is well.
async fn send_all(upload: Option<Upload>, sending: &mut Sending) -> Broken {
    if let Some(mut upload) = upload {
        while let Some(bytes) = upload.next().await {
            let sent = match bytes {
                Ok(bytes) => sending.send(bytes).await,
                Err(broken) => return broken,
            };
            if sent.is_err() {
                // The service takes nothing more; its answer says why.
                return std::future::pending().await;
            }
        }
        sending.finish();
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;
    use tonic_health::pb::HealthCheckRequest;

    use super::{super::own, *};

    /// Any message will do.
    fn envelopes() -> Envelopes {
        let (_, method) = own::find("/grpc.health.v1.Health/Check").expect("it is there");
        Envelopes::new(method, None, 1000)
    }

    fn enveloped(bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).expect("small");
        [&[0], &length.to_be_bytes()[..], bytes].concat()
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [
            &enveloped(b"{")[..],
            &enveloped(b"[]"),
            &[1, 0, 0, 0, 0],
            &[2, 0, 0, 0, 2, b'{', b'}'],
            &[0, 0, 1, 0, 0],
        ] {
            let refused = envelopes().push(Bytes::copy_from_slice(bytes));
            let status = refused.expect_err("no message");
            assert_eq!(status.code, Some(Code::InvalidArgument), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn messages_survive_any_chunking(
            names in prop::collection::vec("[a-zé\"]{1,20}", 0..8),
            cut in 1usize..30,
        ) {
            let mut sent = Vec::new();
            let mut expected = Vec::new();
            for service in names {
                let json = serde_json::json!({ "service": service, "other": 1 }).to_string();
                sent.extend(enveloped(json.as_bytes()));
                expected.extend(enveloped(&HealthCheckRequest { service }.encode_to_vec()));
            }
            let mut envelopes = envelopes();
            let mut got = Vec::new();
            for chunk in sent.chunks(cut) {
                got.extend(envelopes.push(Bytes::copy_from_slice(chunk)).expect("well formed"));
            }
            prop_assert_eq!(got, expected);
            prop_assert!(envelopes.decoder.end().is_ok());
        }

        #[test]
        fn garbage_is_refused_or_read(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..9)) {
            let mut envelopes = envelopes();
            for chunk in chunks {
                if envelopes.push(chunk.into()).is_err() {
                    break;
                }
            }
        }
    }
}
