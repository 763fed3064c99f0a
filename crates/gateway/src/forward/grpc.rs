//! Gateway P: HTTP/JSON in, gRPC out.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use server::admin::{Check, Readiness};
use tokio::time::Instant;

use super::{
    Call, READINESS_TIMEOUT, in_time,
    numbers_stream::{End, NumbersStream},
};
use crate::{
    respond::{self, Accepted, Body, Code, Problem, UpstreamFailure},
    transcode::{
        hello,
        numbers::{self, Form, GatherError, Gathered},
    },
    upstream::{
        self,
        grpc::{Metadata, Method, Upstream},
    },
};

const SAY_HELLO: Method = Method("/pspd.ServiceA/SayHello");
const STREAM_NUMBERS: Method = Method("/pspd.ServiceB/StreamNumbers");
const HEALTH_CHECK: Method = Method("/grpc.health.v1.Health/Check");

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Services A and B over gRPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Service A.
    pub a: upstream::grpc::Options,
    /// Service B.
    pub b: upstream::grpc::Options,
    /// How long a call whose answer is streamed may take in all; beyond it the
    /// stream ends with an error of its own form.
    pub stream_timeout: Duration,
}

/// Services A and B behind gRPC.
pub(crate) struct Grpc {
    a: Upstream,
    b: Upstream,
    stream_timeout: Duration,
}

impl Grpc {
    /// Connects to both services and keeps the connections. Must be called on
    /// the worker's runtime.
    pub(crate) fn connect(options: Options) -> Self {
        Grpc {
            a: Upstream::connect("A", options.a),
            b: Upstream::connect("B", options.b),
            stream_timeout: options.stream_timeout,
        }
    }

    async fn gather(
        &self,
        request: numbers::Request,
        call: &Call<'_>,
    ) -> Result<Response<Body>, Problem> {
        let max = call.limits.values_max;
        if request.values > max {
            return Err(too_many(max));
        }
        in_time("B", call.limits.call_timeout, async |deadline| {
            let metadata = Metadata::of(call.id, call.headers, deadline);
            let mut gathered = Gathered::new(max);
            let mut messages = self
                .b
                .call(STREAM_NUMBERS, &request.message, &metadata)
                .await
                .map_err(of_b)?;
            while let Some(message) = messages.next().await.map_err(of_b)? {
                gathered.push(message).map_err(|error| match error {
                    GatherError::TooMany => too_many(max),
                    GatherError::Malformed(error) => of_b(malformed(&error)),
                })?;
            }
            Ok(respond::json(gathered.finish()))
        })
        .await
    }

    async fn stream(
        &self,
        request: numbers::Request,
        form: Form,
        call: Call<'_>,
    ) -> Result<Response<Body>, Problem> {
        if form == Form::Events && has_ended(&call) {
            let mut response = Response::new(Body::whole(bytes::Bytes::new()));
            *response.status_mut() = StatusCode::NO_CONTENT;
            return Ok(response);
        }
        let deadline = Instant::now() + self.stream_timeout;
        let messages = in_time("B", call.limits.call_timeout, async |_| {
            let metadata = Metadata::of(call.id, call.headers, deadline);
            let called = self.b.call(STREAM_NUMBERS, &request.message, &metadata);
            called.await.map_err(of_b)
        })
        .await?;
        let end = End {
            deadline,
            limit: self.stream_timeout,
        };
        let stream = NumbersStream::new(messages, form, call.id.clone(), end, call.in_flight);
        let mut response = Response::new(Body::streamed(stream));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(form.media_type()),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(response)
    }

    pub(crate) async fn hello(&self, call: Call<'_>) -> Result<Response<Body>, Problem> {
        let request = hello::request(&call.query)?;
        in_time("A", call.limits.call_timeout, async |deadline| {
            let metadata = Metadata::of(call.id, call.headers, deadline);
            let messages = self
                .a
                .call(SAY_HELLO, &request, &metadata)
                .await
                .map_err(of_a)?;
            let message = messages.only().await.map_err(of_a)?;
            let answer = hello::answer(message).map_err(|error| of_a(malformed(&error)))?;
            Ok(respond::json(answer))
        })
        .await
    }

    pub(crate) async fn numbers(&self, call: Call<'_>) -> Result<Response<Body>, Problem> {
        let request = numbers::request(&call.query)?;
        let mut response = match respond::accepted(call.headers) {
            Accepted::WholeJson => self.gather(request, &call).await,
            Accepted::Streamed(form) => self.stream(request, form, call).await,
        }?;
        // One address has several forms; caches must know what decides.
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("accept"));
        Ok(response)
    }

    pub(crate) async fn readiness(&self) -> Readiness {
        let (a, b) = tokio::join!(check(&self.a), check(&self.b));
        Readiness::of(vec![a, b])
    }
}

/// Asks the standard health service; one that does not exist still shows that
/// the server answers.
async fn check(upstream: &Upstream) -> Check {
    let id = server::RequestId::random();
    let headers = http::HeaderMap::new();
    let asked = in_time(upstream.name(), READINESS_TIMEOUT, async |deadline| {
        let metadata = Metadata::of(&id, &headers, deadline);
        let empty = bytes::Bytes::from_static(&[0, 0, 0, 0, 0]);
        let asked = async {
            let messages = upstream.call(HEALTH_CHECK, &empty, &metadata).await?;
            messages.only().await
        };
        asked.await.map_err(|failure| Problem::Upstream {
            service: upstream.name(),
            failure,
        })
    })
    .await;
    let problem = match asked {
        // HealthCheckResponse { status: SERVING }
        Ok(message) if message[..] == [8, 1] => None,
        Ok(_) => Some("says that it is not serving".to_owned()),
        Err(Problem::Upstream {
            failure:
                UpstreamFailure::Status {
                    code: Code::Unimplemented,
                    ..
                },
            ..
        }) => None,
        Err(problem) => problem.log_message(),
    };
    Check {
        name: upstream.name().to_owned(),
        address: Some(upstream.address().to_string()),
        problem,
    }
}

/// Whether a browser's `EventSource` asks again for a stream it has seen end.
fn has_ended(call: &Call<'_>) -> bool {
    call.headers
        .get(LAST_EVENT_ID)
        .is_some_and(|id| id == "end")
}

fn too_many(max: usize) -> Problem {
    let advice = "ask for fewer, or send `Accept: application/x-ndjson` (or text/event-stream) \
                  to get them one by one";
    Problem::TooManyValues { max, advice }
}

fn of_a(failure: UpstreamFailure) -> Problem {
    Problem::Upstream {
        service: "A",
        failure,
    }
}

fn of_b(failure: UpstreamFailure) -> Problem {
    Problem::Upstream {
        service: "B",
        failure,
    }
}

fn malformed(error: &prost::DecodeError) -> UpstreamFailure {
    UpstreamFailure::Broken {
        cause: format!("a malformed message: {error}"),
    }
}
