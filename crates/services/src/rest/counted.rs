//! A REST service whose requests are counted, by route, method and status.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use server::Handler;
use telemetry::{
    Ended, HttpMethod, Route, Telemetry, Trace, Worker,
    traces::{Asked, Head, Served},
};

use super::Rest;

/// A service and what one worker counts of it.
#[derive(Clone)]
pub struct Counted {
    service: Rest,
    worker: Arc<Worker>,
    routes: Arc<[(&'static str, Route)]>,
}

impl Counted {
    pub(super) fn of(service: Rest, telemetry: &Telemetry) -> Self {
        let routes = service.routes();
        let routes = routes.map(|path| (path, telemetry.route(path)));
        Counted {
            routes: routes.into(),
            service,
            worker: telemetry.worker(),
        }
    }
}

impl Handler for Counted {
    type Body = Outbound;

    async fn handle(&self, peer: SocketAddr, request: Request<Incoming>) -> Response<Outbound> {
        let path = request.uri().path();
        let known = self.routes.iter().find(|(known, _)| *known == path);
        let method = HttpMethod::of(request.method().as_str());
        self.worker.begin(method);
        let mut counting = Counting {
            trace: self.worker.traces().begin(Head::of(&request)),
            peer,
            worker: Arc::clone(&self.worker),
            began: Instant::now(),
            ended: Ended {
                method,
                route: known.map_or(Route::UNMATCHED, |(_, route)| *route),
                // That of a client that left.
                status: 499,
                nanos: 0,
                request_bytes: request.body().size_hint().exact(),
                response_bytes: 0,
                aborted: true,
            },
        };
        let is_head = *request.method() == Method::HEAD;
        let response = self.service.answer(request).await;
        counting.ended.status = response.status().as_u16();
        response.map(|body| {
            counting.ended.aborted = !(is_head || body.is_end_stream());
            Outbound { body, counting }
        })
    }
}

/// The body of an answer, whose end is counted.
pub struct Outbound {
    body: server::Body,
    counting: Counting,
}

impl http_body::Body for Outbound {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let data = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref());
        let bytes = data.map_or(0, Bytes::len) as u64;
        let ended = &mut self.counting.ended;
        ended.response_bytes += bytes;
        // Bodies are whole.
        ended.aborted = false;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request from its head to the end of its answer.
struct Counting {
    worker: Arc<Worker>,
    began: Instant,
    ended: Ended,
    peer: SocketAddr,
    trace: Trace,
}

impl Drop for Counting {
    fn drop(&mut self) {
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.worker.leave(self.ended.method);
        self.worker.ended(&Ended {
            nanos,
            ..self.ended
        });
        if self.trace.is_recorded() {
            let served = Served {
                asked: Asked::Route(self.ended.route),
                status: Some(self.ended.status),
                client: self.peer.ip(),
                broke: false,
                aborted: self.ended.aborted,
            };
            self.worker.served(&mut self.trace, &served);
        }
    }
}
