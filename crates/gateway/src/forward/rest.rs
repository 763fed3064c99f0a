//! Gateway P-REST: HTTP/JSON in, HTTP/JSON out. The service's own JSON, and its
//! own complaints about a request, are passed on as they are.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use server::{
    Stop,
    admin::{Check, Readiness},
    query::Query,
};
use tokio::sync::watch;
use transcode::BadParameter;

use super::{Call, Current, READINESS_TIMEOUT, in_time, readiness, without_body};
use crate::{
    Settings,
    counting::Counting,
    respond::{Body, Problem, UpstreamFailure},
    routes,
    upstream::rest::{Along, Options, Upstream},
};

/// Who is greeted when nobody is named.
const DEFAULT_NAME: &str = "mundo";

/// What must be encoded: everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Everything of gateway P-REST that may change while it runs.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Service A-REST.
    pub a: Options,
    /// Service B-REST.
    pub b: Options,
    /// Limits and policies.
    pub settings: Settings,
}

/// Services A-REST and B-REST, from one change of the plan to the next.
pub(crate) struct Rest {
    a: Arc<Upstream>,
    b: Arc<Upstream>,
    settings: Settings,
    readiness: readiness::Known,
}

impl Rest {
    /// What the plans say. Must be called on the worker's runtime, which keeps the
    /// connections.
    pub(crate) fn follow(
        plans: watch::Receiver<Arc<Plan>>,
        counting: &Counting,
        stop: &Stop,
    ) -> Current<Rest> {
        let (counting, stop) = (counting.clone(), stop.clone());
        Current::follow(plans, move |plan: &Plan, before| {
            Rest::of(plan, before, &counting, &stop)
        })
    }

    /// With the connections of `before`, where they lead to the same place.
    fn of(plan: &Plan, before: Option<&Rest>, counting: &Counting, stop: &Stop) -> Self {
        let upstream = |name: &str, wanted: &Options, before: Option<&Arc<Upstream>>| {
            let same = before.filter(|before| *before.options() == *wanted);
            same.cloned().unwrap_or_else(|| {
                Arc::new(Upstream::new(name.into(), wanted.clone(), counting, stop))
            })
        };
        Rest {
            a: upstream("A-REST", &plan.a, before.map(|before| &before.a)),
            b: upstream("B-REST", &plan.b, before.map(|before| &before.b)),
            settings: plan.settings.clone(),
            readiness: readiness::Known::default(),
        }
    }

    /// Limits and policies.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers a request that belongs to no page of the gateway's own.
    pub(crate) async fn answer(
        &self,
        call: Call<'_>,
        counted: &routes::Counted,
        body: Incoming,
    ) -> Result<Response<Body>, Problem> {
        let head = call.head;
        let route = routes::rest(&head.method, head.uri.path())?;
        call.entry.asks_for(counted.rest(route));
        let query = Query::parse(head.uri.query().unwrap_or_default())?;
        let (upstream, target) = match route {
            routes::Rest::Hello => (&self.a, hello(&query)?),
            routes::Rest::Numbers => (&self.b, numbers(&query, call.limits.values_max)?),
        };
        without_body(head, body, pass_on(upstream, &target, &call)).await
    }

    pub(crate) async fn readiness(&self) -> Readiness {
        let asked = async {
            let (a, b) = tokio::join!(check(&self.a), check(&self.b));
            Readiness::of(vec![a, b])
        };
        self.readiness.or(asked).await
    }
}

fn hello(query: &Query<'_>) -> Result<String, Problem> {
    let name = text(query, "name")?.unwrap_or(DEFAULT_NAME);
    let name = utf8_percent_encode(name, RESERVED);
    Ok(format!("/a/hello?name={name}"))
}

fn numbers(query: &Query<'_>, values_max: usize) -> Result<String, Problem> {
    let count = text(query, "count")?.unwrap_or("5");
    let delay_ms = text(query, "delay_ms")?.unwrap_or("0");
    // What is not a number is the service's to complain about.
    if count
        .trim_ascii()
        .parse()
        .is_ok_and(|count: u128| count > values_max as u128)
    {
        return Err(Problem::TooManyValues {
            max: values_max,
            advice: "ask for fewer, or ask the gRPC gateway, which can stream them",
        });
    }
    let count = utf8_percent_encode(count, RESERVED);
    let delay_ms = utf8_percent_encode(delay_ms, RESERVED);
    Ok(format!("/b/numbers?count={count}&delay_ms={delay_ms}"))
}

/// The value of a parameter; `None` when missing or empty, as both mean the
/// default on the published routes.
fn text<'q>(query: &'q Query<'_>, name: &'static str) -> Result<Option<&'q str>, Problem> {
    let mut values = query.all(name);
    match (values.next(), values.next()) {
        (Some(first), Some(second)) => Err(Problem::BadParameter(BadParameter {
            name: name.to_owned(),
            value: format!("{first}, {second}"),
            expected: "one value; it was given more than once".to_owned(),
        })),
        (first, _) => Ok(first.filter(|value| !value.is_empty())),
    }
}

async fn pass_on(
    upstream: &Upstream,
    target: &str,
    call: &Call<'_>,
) -> Result<Response<Body>, Problem> {
    let service = upstream.name();
    let limit = call.limits.call_timeout;
    in_time(service, limit, async {
        let along = Along {
            id: call.id,
            headers: Some(&call.head.headers),
            trace: call.entry.trace(),
        };
        let failed = |failure| Problem::upstream(service, failure);
        let answer = upstream.get(target, &along).await.map_err(failed)?;
        passed_on(answer).map_err(failed)
    })
    .await
}

/// The service's answer as the gateway's, unless it is a failure of the service.
fn passed_on(answer: Response<Bytes>) -> Result<Response<Body>, UpstreamFailure> {
    let (head, bytes) = answer.into_parts();
    let status = head.status;
    if !(status == StatusCode::OK || status.is_client_error()) {
        return Err(UpstreamFailure::Http { status });
    }
    let media_type = head.headers.get(header::CONTENT_TYPE);
    if status == StatusCode::OK && !media_type.is_some_and(is_json) {
        let cause = format!("content type {media_type:?} instead of application/json");
        return Err(UpstreamFailure::Broken { cause });
    }
    let mut response = Response::new(Body::whole(bytes));
    *response.status_mut() = status;
    if let Some(media_type) = media_type {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, media_type.clone());
    }
    Ok(response)
}

fn is_json(media_type: &HeaderValue) -> bool {
    media_type.as_bytes().starts_with(b"application/json")
}

/// Any HTTP answer shows that the service is there.
async fn check(upstream: &Upstream) -> Check {
    let along = Along {
        id: &server::RequestId::random(),
        headers: None,
        trace: None,
    };
    let asked = in_time(upstream.name(), READINESS_TIMEOUT, async {
        let failed = |failure| Problem::upstream(upstream.name(), failure);
        upstream.get("/openapi.json", &along).await.map_err(failed)
    })
    .await;
    let problem = match asked {
        Ok(answer) if answer.status().is_server_error() => {
            Some(format!("answered {}", answer.status()))
        }
        Ok(_) => None,
        Err(problem) => problem.log_message(),
    };
    Check {
        name: upstream.name().to_string(),
        address: Some(upstream.bases()),
        problem,
        endpoints: Vec::new(),
    }
}
