//! A gRPC service whose calls are counted: when they begin and end, how, and the messages
//! each way, as they go by in the bodies of request and answer.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use server::Handler;
use telemetry::{
    Frames, HttpMethod, Rpc, RpcId, RpcType, Side, Telemetry, Trace, Worker,
    traces::{Asked, Head, RpcSystem, Served},
};

use super::{Grpc, farewell::Farewell};

/// Every method of services A and B, and of the services that each has for tools.
const METHODS: [(&str, &str, RpcType); 8] = [
    ("pspd.ServiceA", "SayHello", RpcType::Unary),
    ("pspd.ServiceB", "StreamNumbers", RpcType::ServerStream),
    ("pspd.Statistics", "Summarize", RpcType::ClientStream),
    ("pspd.Echo", "Converse", RpcType::BidiStream),
    ("grpc.health.v1.Health", "Check", RpcType::Unary),
    ("grpc.health.v1.Health", "Watch", RpcType::ServerStream),
    (
        "grpc.reflection.v1.ServerReflection",
        "ServerReflectionInfo",
        RpcType::BidiStream,
    ),
    (
        "grpc.reflection.v1alpha.ServerReflection",
        "ServerReflectionInfo",
        RpcType::BidiStream,
    ),
];

/// The numbers of gRPC's statuses for calls that ended without one.
const CANCELLED: u32 = 1;
const UNKNOWN: u32 = 2;

/// A service and what one worker counts of it.
#[derive(Clone)]
pub struct Counted {
    service: Grpc,
    worker: Arc<Worker>,
    methods: Arc<[(String, RpcId)]>,
}

impl Counted {
    pub(super) fn of(service: Grpc, telemetry: &Telemetry) -> Self {
        let served = METHODS.iter().filter(|(of, ..)| {
            let mut services = service.services.iter();
            services.any(|(name, _)| name == of)
        });
        let methods = served.map(|(service, method, rpc_type)| {
            let rpc = telemetry.rpc(Rpc {
                rpc_type: *rpc_type,
                service: (*service).to_owned(),
                method: (*method).to_owned(),
                upstream: String::new(),
            });
            (format!("/{service}/{method}"), rpc)
        });
        Counted {
            methods: methods.collect(),
            service,
            worker: telemetry.worker(),
        }
    }
}

impl Handler for Counted {
    type Body = Outbound;

    async fn handle(
        &self,
        peer: SocketAddr,
        request: http::Request<Incoming>,
    ) -> http::Response<Outbound> {
        let trace = self.worker.traces().begin(Head::of(&request));
        let path = request.uri().path();
        let known = self.methods.iter().find(|(known, _)| known == path);
        let rpc = known.map_or(RpcId::UNMATCHED, |(_, rpc)| *rpc);
        let mut call = Call::begin(&self.worker, rpc, request.method().as_str(), (peer, trace));
        let request = request.map(|body| Inbound {
            body,
            worker: Arc::clone(&self.worker),
            rpc,
            frames: Frames::default(),
        });
        let response = self.service.answer(request).await;
        call.status = Some(response.status().as_u16());
        call.tells(response.headers());
        response.map(|body| {
            call.finished = http_body::Body::is_end_stream(&body);
            Outbound {
                body,
                call,
                frames: Frames::default(),
            }
        })
    }
}

/// The body of a request, whose messages are counted.
pub(super) struct Inbound {
    body: Incoming,
    worker: Arc<Worker>,
    rpc: RpcId,
    frames: Frames,
}

impl http_body::Body for Inbound {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            let messages = self.frames.count(data);
            self.worker.received(Side::Server, self.rpc, messages);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer, whose messages and whose end are counted.
pub struct Outbound {
    body: Farewell,
    call: Call,
    frames: Frames,
}

impl http_body::Body for Outbound {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            None => self.call.finished = true,
            Some(Err(_)) => {}
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    let messages = self.frames.count(data);
                    let Call { worker, rpc, .. } = &self.call;
                    worker.sent(Side::Server, *rpc, messages);
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.call.tells(trailers);
                    self.call.finished = true;
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A call from its head to the end of its answer.
struct Call {
    worker: Arc<Worker>,
    rpc: RpcId,
    method: HttpMethod,
    began: Instant,
    status: Option<u16>,
    code: Option<u32>,
    finished: bool,
    peer: SocketAddr,
    trace: Trace,
}

impl Call {
    fn begin(
        worker: &Arc<Worker>,
        rpc: RpcId,
        method: &str,
        (peer, trace): (SocketAddr, Trace),
    ) -> Self {
        let method = HttpMethod::of(method);
        worker.begin(method);
        worker.call_started(Side::Server, rpc);
        Call {
            worker: Arc::clone(worker),
            rpc,
            method,
            began: Instant::now(),
            status: None,
            code: None,
            finished: false,
            peer,
            trace,
        }
    }

    /// The status may be among these.
    fn tells(&mut self, headers: &HeaderMap) {
        if let Some(status) = headers.get("grpc-status") {
            let number = status.to_str().ok().and_then(|text| text.parse().ok());
            self.code = Some(number.unwrap_or(UNKNOWN));
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Call { worker, rpc, .. } = self;
        worker.leave(self.method);
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let without = if self.finished { UNKNOWN } else { CANCELLED };
        let code = self.code.unwrap_or(without);
        worker.call_ended(Side::Server, *rpc, code, nanos);
        if !self.finished {
            worker.call_aborted(Side::Server, *rpc);
        }
        if self.trace.is_recorded() {
            let served = Served {
                asked: Asked::Call {
                    rpc: *rpc,
                    system: RpcSystem::Grpc,
                    code,
                },
                status: self.status,
                client: self.peer.ip(),
                broke: false,
                aborted: !self.finished,
            };
            worker.served(&mut self.trace, &served);
        }
    }
}
