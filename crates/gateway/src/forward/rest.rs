//! Gateway P-REST: HTTP/JSON in, HTTP/JSON out. The service's own JSON, and its
//! own complaints about a request, are passed on as they are.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use server::admin::{Check, Readiness};

use super::{Call, READINESS_TIMEOUT, in_time};
use crate::{
    respond::{Body, Problem, UpstreamFailure},
    transcode::{hello::DEFAULT_NAME, params},
    upstream::{
        rest::{Options, Upstream},
        traceparent,
    },
};

/// What must be encoded: everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Services A-REST and B-REST.
pub(crate) struct Rest {
    a: Upstream,
    b: Upstream,
}

impl Rest {
    /// Must be called on the worker's runtime.
    pub(crate) fn new(a: Options, b: Options) -> Self {
        Rest {
            a: Upstream::new("A-REST", a),
            b: Upstream::new("B-REST", b),
        }
    }

    pub(crate) async fn hello(&self, call: Call<'_>) -> Result<Response<Body>, Problem> {
        let name = params::text(&call.query, "name")?.unwrap_or(DEFAULT_NAME);
        let name = utf8_percent_encode(name, RESERVED);
        pass_on(&self.a, &format!("/a/hello?name={name}"), &call).await
    }

    pub(crate) async fn numbers(&self, call: Call<'_>) -> Result<Response<Body>, Problem> {
        let count = params::text(&call.query, "count")?.unwrap_or("5");
        let delay_ms = params::text(&call.query, "delay_ms")?.unwrap_or("0");
        let max = call.limits.values_max;
        // What is not a number is the service's to complain about.
        if count
            .trim_ascii()
            .parse()
            .is_ok_and(|count: u128| count > max as u128)
        {
            let advice = "ask for fewer, or ask the gRPC gateway, which can stream them";
            return Err(Problem::TooManyValues { max, advice });
        }
        let count = utf8_percent_encode(count, RESERVED);
        let delay_ms = utf8_percent_encode(delay_ms, RESERVED);
        let target = format!("/b/numbers?count={count}&delay_ms={delay_ms}");
        pass_on(&self.b, &target, &call).await
    }

    pub(crate) async fn readiness(&self) -> Readiness {
        let (a, b) = tokio::join!(check(&self.a), check(&self.b));
        Readiness::of(vec![a, b])
    }
}

async fn pass_on(
    upstream: &Upstream,
    target: &str,
    call: &Call<'_>,
) -> Result<Response<Body>, Problem> {
    let service = upstream.name();
    in_time(service, call.limits.call_timeout, async |_| {
        let traceparent = traceparent(call.headers);
        let failed = |failure| Problem::Upstream { service, failure };
        let answer = upstream
            .get(target, call.id, traceparent)
            .await
            .map_err(failed)?;
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
    let id = server::RequestId::random();
    let asked = in_time(upstream.name(), READINESS_TIMEOUT, async |_| {
        let service = upstream.name();
        let failed = |failure| Problem::Upstream { service, failure };
        upstream
            .get("/openapi.json", &id, None)
            .await
            .map_err(failed)
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
        name: upstream.name().to_owned(),
        address: Some(upstream.base().to_string()),
        problem,
    }
}
