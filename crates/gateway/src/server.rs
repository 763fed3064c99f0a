//! One request from head to answer: its id, its limits, its route, its log
//! line. What a route does is told in [`forward`](crate::forward).

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, header, request::Parts};
use http_body::Body as _;
use hyper::body::Incoming;
use server::{Handler, RequestId, Stop, admin::Readiness};
use telemetry::Telemetry;
use tokio::sync::watch;

use crate::{
    Limits, RestPlan, StatusPage,
    access_log::{AccessLog, Buffer, Entry},
    catalog::Catalog,
    counting::{Counting, Load},
    forward::{Asks, Call, Chain, Now, Rest, Served, Spoken, without_body},
    guard::Rates,
    page::Page,
    respond::{self, Body, Problem},
    routes::{Counted, Own},
    status::Status,
};

/// A gateway, as one worker runs it.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
}

struct Shared {
    chain: Chain,
    page: Page,
    log: Arc<Buffer>,
    counted: Counted,
    load: Arc<Load>,
    rates: Arc<Rates>,
    status: Status,
    stop: Stop,
}

/// What all workers of a gateway have in common.
#[derive(Clone)]
pub struct Common {
    log: AccessLog,
    telemetry: Telemetry,
    load: Arc<Load>,
    rates: Arc<Rates>,
    status: Status,
    stop: Stop,
}

impl Common {
    /// Request lines go to `log`; what is counted, `telemetry` tells. The gateway goes when
    /// `stop` says so.
    #[must_use]
    pub fn new(log: AccessLog, telemetry: Telemetry, stop: Stop) -> Self {
        let load = Arc::new(Load::of(&log));
        telemetry.ask(&load);
        Common {
            status: Status::of(&telemetry),
            log,
            telemetry,
            load,
            rates: Arc::default(),
            stop,
        }
    }
}

impl Gateway {
    /// Gateway P, in front of the gRPC services of `catalog`. Must be called on the
    /// worker's runtime, which keeps the connections.
    #[must_use]
    pub fn grpc(catalog: &Catalog, common: Common) -> Self {
        let counting = Counting::of(&common.telemetry);
        let chain = Chain::Grpc(Served::follow(catalog, &counting, &common.stop));
        Self::with(chain, common, &counting)
    }

    /// Gateway P-REST, in front of A-REST and B-REST, as the plans say. Must be called on
    /// the worker's runtime, which keeps the connections.
    #[must_use]
    pub fn rest(plans: watch::Receiver<Arc<RestPlan>>, common: Common) -> Self {
        let counting = Counting::of(&common.telemetry);
        let chain = Chain::Rest(Rest::follow(plans, &counting, &common.stop));
        Self::with(chain, common, &counting)
    }

    fn with(chain: Chain, common: Common, counting: &Counting) -> Self {
        let Common {
            log,
            load,
            rates,
            status,
            stop,
            ..
        } = common;
        Gateway {
            shared: Arc::new(Shared {
                page: Page::of(chain.kind()),
                chain,
                log: log.for_worker(Arc::clone(&counting.worker)),
                counted: Counted::of(&counting.telemetry),
                load,
                rates,
                status,
                stop,
            }),
        }
    }

    /// Whether the services behind it answer.
    pub async fn readiness(&self) -> Readiness {
        self.shared.readiness().await
    }
}

/// A request, but for its body.
struct Asked<'r> {
    peer: SocketAddr,
    head: &'r Parts,
    id: &'r RequestId,
    /// Whether it calls a method by its own path, and in which protocol.
    spoken: Option<Spoken>,
}

/// What goes on with a request until its answer has been sent.
struct Going {
    entry: Entry,
    place: Option<InFlight>,
}

impl Handler for Gateway {
    type Body = Body;

    async fn handle(&self, peer: SocketAddr, request: Request<Incoming>) -> Response<Body> {
        let shared = &*self.shared;
        let (head, body) = request.into_parts();
        let id = RequestId::of(&head.headers);
        let mut entry = shared.log.begin(peer, &head, &id);
        entry.brings(body.size_hint().exact());
        let now = shared.chain.now();
        let spoken = now.spoken(&head);

        let mut going = Going { entry, place: None };
        let asked = Asked {
            peer,
            head: &head,
            id: &id,
            spoken,
        };
        let answered = shared.answer(&now, asked, body, &mut going).await;
        let Going { mut entry, place } = going;
        let is_passed_on = spoken == Some(Spoken::Grpc) && answered.is_ok();
        let (mut response, cause) = match answered {
            Ok(response) => (response, None),
            Err(problem) => {
                shared.load.refused(&problem);
                let response = match spoken {
                    None => problem.response(now.errors(), &id),
                    Some(spoken) => spoken.problem(&problem, &id),
                };
                (response, problem.log_message())
            }
        };
        // What a service answers in gRPC goes through as it is, and no page can read it.
        if !is_passed_on {
            let headers = response.headers_mut();
            headers.insert(RequestId::HEADER, id.header_value());
            let origin = head.headers.get(header::ORIGIN);
            respond::allow_origin(&now.settings().cors, origin, headers);
        }
        let compression = &now.settings().compression;
        if !compression.codings.is_empty() {
            response = respond::compress(response, compression, &head.headers);
        }
        if head.method == Method::HEAD && head.version == Version::HTTP_2 {
            respond::leave_out_body(&mut response);
        }
        entry.answered(response.status(), cause);
        response.map(|body| {
            let mut body = body.logged(entry);
            body.keep(place, head.version);
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
        now: &Now,
        asked: Asked<'_>,
        body: Incoming,
        going: &mut Going,
    ) -> Result<Response<Body>, Problem> {
        let Asked {
            peer,
            head,
            id,
            spoken,
        } = asked;
        let Going { entry, place } = going;
        let limits = &now.settings().limits;
        if let Some(spoken) = spoken {
            // Until it is known which.
            entry.is_call(spoken.system());
        }
        limits.check_head(head)?;
        if spoken.is_none() {
            if let Some(response) = preflight(now, head) {
                entry.asks_for(self.counted.preflight);
                return Ok(response);
            }
            let (method, path) = (&head.method, head.uri.path());
            let own = match self.status_page(now) {
                StatusPage::Serve => now.pages().find_with_status(method, path)?,
                StatusPage::Refuse => now.pages().find(method, path)?,
            };
            if let Some(own) = own {
                entry.asks_for(self.counted.own(own));
                let answer = async { Ok(self.own(now, own, &head.headers).await) };
                return Box::pin(without_body(head, body, answer)).await;
            }
        }
        let guard = &now.settings().guard;
        if !guard.is_open() {
            guard.check(peer, head, &self.rates)?;
        }
        *place = Some(self.enter(limits.in_flight_max)?);
        let call = Call {
            head,
            id,
            limits,
            cors: &now.settings().cors,
            in_flight: place,
            entry,
        };
        match now {
            Now::Grpc(served) => match spoken {
                None => served.answer(call, body).await,
                Some(spoken) => crate::forward::call(served, spoken, call, body).await,
            },
            Now::Rest(rest) => rest.answer(call, &self.counted, body).await,
        }
    }

    /// Whether there is one; without metrics it would have nothing to show.
    fn status_page(&self, now: &Now) -> StatusPage {
        match self.status.is_on() {
            true => now.settings().status,
            false => StatusPage::Refuse,
        }
    }

    async fn own(&self, now: &Now, own: Own, headers: &HeaderMap) -> Response<Body> {
        match own {
            Own::Page => self.page.html(now.pages(), self.status_page(now)),
            Own::PageStyle => Page::style(),
            Own::PageScript => Page::script(),
            Own::OpenApi => match now.docs() {
                Some(docs) => docs.answer(headers).await,
                None => respond::no_content(),
            },
            Own::Docs => Page::docs(),
            Own::DocsStyle => Page::docs_style(),
            Own::DocsScript => Page::docs_script(),
            Own::Status => self.page.status(),
            Own::StatusStyle => Page::status_style(),
            Own::StatusScript => Page::status_script(),
            Own::StatusJson => Page::status_json(self.status.json()),
            Own::Healthz => {
                let ok = Bytes::from_static(b"ok");
                respond::whole(StatusCode::OK, "text/plain; charset=utf-8", ok)
            }
            Own::Readyz => {
                let response = self.readiness().await.public().response();
                response.map(|body| Body::whole(whole_bytes(body)))
            }
        }
    }

    /// Nobody is to come any more once the gateway leaves.
    async fn readiness(&self) -> Readiness {
        match self.stop.is_leaving() {
            true => Readiness::leaving("gateway"),
            false => self.chain.readiness().await,
        }
    }

    fn enter(&self, in_flight_max: usize) -> Result<InFlight, Problem> {
        let place = InFlight(Arc::clone(&self.load));
        match self.load.enter(in_flight_max) {
            true => Ok(place),
            false => Err(Problem::Overloaded { in_flight_max }),
        }
    }
}

/// The answer to `OPTIONS`, unless a service has a route for it and the question
/// is not a browser's.
fn preflight(now: &Now, head: &Parts) -> Option<Response<Body>> {
    if head.method != Method::OPTIONS {
        return None;
    }
    let asks = match head
        .headers
        .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    {
        true => Asks::Preflight,
        false => Asks::Client,
    };
    let allowed = now.allowed(head.uri.path(), asks)?;
    let cors = &now.settings().cors;
    Some(respond::preflight(cors, &head.headers, &allowed))
}

/// A call's place among those in flight, given back when dropped.
pub(crate) struct InFlight(Arc<Load>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Limits {
    fn check_head(&self, head: &Parts) -> Result<(), Problem> {
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
