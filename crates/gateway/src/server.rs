//! One request from head to answer: its id, its limits, its route, its log
//! line. What a route does is told in [`forward`](crate::forward).

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use server::{Handler, RequestId, admin::Readiness, query::Query};
use tokio::sync::Mutex;

use crate::{
    Limits, Settings,
    access_log::{AccessLog, Buffer},
    forward::{Call, Chain, Grpc, GrpcOptions, Rest},
    page::Page,
    respond::{self, Body, Problem},
    routes::{self, Route},
    upstream,
};

/// A gateway, as one worker runs it.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
}

struct Shared {
    chain: Chain,
    settings: Settings,
    page: Page,
    log: Arc<Buffer>,
    in_flight: Arc<AtomicUsize>,
    readiness: Mutex<Option<(Instant, Readiness)>>,
}

/// How long what the services said of themselves is taken to hold.
const READINESS_FOR: Duration = Duration::from_secs(1);

/// What all workers of a gateway have in common.
#[derive(Clone)]
pub struct Common {
    /// What the operator set.
    pub settings: Settings,
    /// Where request lines go.
    pub log: AccessLog,
    /// Calls in flight in all workers.
    pub in_flight: Arc<AtomicUsize>,
}

impl Gateway {
    /// Gateway P, in front of services A and B over gRPC. Must be called on the
    /// worker's runtime, which keeps the connections.
    #[must_use]
    pub fn grpc(options: GrpcOptions, common: Common) -> Self {
        Self::with(Chain::Grpc(Grpc::connect(options)), common)
    }

    /// Gateway P-REST, in front of A-REST and B-REST. Must be called on the
    /// worker's runtime, which keeps the connections.
    #[must_use]
    pub fn rest(a: upstream::rest::Options, b: upstream::rest::Options, common: Common) -> Self {
        Self::with(Chain::Rest(Rest::new(a, b)), common)
    }

    fn with(chain: Chain, common: Common) -> Self {
        let Common {
            settings,
            log,
            in_flight,
        } = common;
        Gateway {
            shared: Arc::new(Shared {
                page: Page::of(chain.kind()),
                chain,
                settings,
                log: log.for_worker(),
                in_flight,
                readiness: Mutex::new(None),
            }),
        }
    }

    /// Whether the services behind it answer.
    pub async fn readiness(&self) -> Readiness {
        self.shared.readiness().await
    }
}

impl Handler for Gateway {
    type Body = Body;

    async fn handle(&self, peer: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        let shared = &*self.shared;
        let (head, body) = request.into_parts();
        let id = RequestId::of(&head.headers);
        let mut entry = shared.log.begin(peer, &head.method, &head.uri, &id);

        let answer = shared.answer(&head, &id);
        let waits = head.headers.contains_key(header::EXPECT);
        let answer = if body.is_end_stream() || waits {
            // A client that waits to be asked for its body is not asked.
            answer.await
        } else {
            tokio::select! {
                biased;
                () = broken_off(body) => Err(Problem::BrokenBody),
                answer = answer => answer,
            }
        };

        let (mut response, cause) = match answer {
            Ok(response) => (response, None),
            Err(problem) => (problem.response(&id), problem.log_message()),
        };
        let headers = response.headers_mut();
        headers.insert(RequestId::HEADER, id.header_value());
        let origin = head.headers.get(header::ORIGIN);
        respond::allow_origin(&shared.settings.cors, origin, headers);
        entry.answered(response.status(), cause);
        response.map(|body| {
            let mut body = body.logged(entry);
            if head.method == Method::HEAD {
                body.finish();
            }
            body
        })
    }
}

impl Shared {
    async fn answer(
        &self,
        head: &http::request::Parts,
        id: &RequestId,
    ) -> Result<Response<Body>, Problem> {
        self.settings.limits.check_head(head)?;
        if let Some(response) = respond::preflight(&self.settings.cors, &head.method, &head.headers)
        {
            return Ok(response);
        }
        let route = routes::find(&head.method, head.uri.path())?;
        match route {
            Route::Page => return Ok(self.page.html()),
            Route::PageStyle => return Ok(Page::style()),
            Route::PageScript => return Ok(Page::script()),
            Route::Healthz => {
                let ok = Bytes::from_static(b"ok");
                return Ok(respond::whole(
                    StatusCode::OK,
                    "text/plain; charset=utf-8",
                    ok,
                ));
            }
            Route::Readyz => {
                let response = self.readiness().await.public().response();
                return Ok(response.map(|body| Body::whole(whole_bytes(body))));
            }
            Route::Hello | Route::Numbers => {}
        }
        let call = Call {
            query: Query::parse(head.uri.query().unwrap_or_default())?,
            headers: &head.headers,
            id,
            limits: &self.settings.limits,
            in_flight: self.enter()?,
        };
        match route {
            Route::Hello => self.chain.hello(call).await,
            _ => self.chain.numbers(call).await,
        }
    }

    /// Asks the services at most once in [`READINESS_FOR`], however many ask.
    async fn readiness(&self) -> Readiness {
        let mut known = self.readiness.lock().await;
        match &*known {
            Some((asked, readiness)) if asked.elapsed() < READINESS_FOR => readiness.clone(),
            _ => {
                let readiness = self.chain.readiness().await;
                *known = Some((Instant::now(), readiness.clone()));
                readiness
            }
        }
    }

    fn enter(&self) -> Result<InFlight, Problem> {
        let in_flight_max = self.settings.limits.in_flight_max;
        let place = InFlight(Arc::clone(&self.in_flight));
        if self.in_flight.fetch_add(1, Ordering::Relaxed) < in_flight_max {
            Ok(place)
        } else {
            Err(Problem::Overloaded { in_flight_max })
        }
    }
}

/// A call's place among those in flight, given back when dropped.
pub(crate) struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limits {
    fn check_head(&self, head: &http::request::Parts) -> Result<(), Problem> {
        let target = head
            .uri
            .path_and_query()
            .map_or(0, |target| target.as_str().len());
        let bytes = head.method.as_str().len() + target + header_bytes(&head.headers);
        let max = self.header_bytes_max;
        if bytes > max {
            return Err(Problem::HeadersTooLarge { bytes, max });
        }
        let count = head.headers.len();
        if count > HEADERS_MAX {
            return Err(Problem::TooManyHeaders {
                count,
                max: HEADERS_MAX,
            });
        }
        Ok(())
    }
}

/// Headers of one request; the parser below refuses more than 100 in its own way.
const HEADERS_MAX: usize = 96;

/// Reads a body that no route has use for; ready only when it is malformed or
/// the client leaves before it has sent all of it, which the connection notices
/// in no other way.
async fn broken_off(mut body: Incoming) {
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return;
        }
    }
    std::future::pending().await
}

/// Names, values and the four bytes of `: ` and the line's end.
fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

fn whole_bytes(body: server::Body) -> Bytes {
    body.into_inner().unwrap_or_default()
}
