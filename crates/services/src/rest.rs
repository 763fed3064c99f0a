//! A-REST and B-REST: the same logic as [`grpc`](crate::grpc) behind HTTP/1.1
//! JSON. A bad parameter is 422 with a `detail` list that names each one, in
//! the shape that clients of the published services already read.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::json;
use server::{
    Body, Stop,
    answer::{json, protect_page, with_type},
    query::{NotUtf8, Query},
};
use telemetry::Telemetry;
use tokio::time::Instant;

use crate::{
    Limits, integer,
    logic::{BeyondLimit, DEFAULT_COUNT, Sequence, rest_greeting},
    openapi,
};

mod counted;

pub use counted::Counted;

/// One of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    A,
    B,
}

/// A REST service.
#[derive(Clone)]
pub struct Rest {
    service: Service,
    limits: Limits,
    openapi: Arc<Bytes>,
    stop: Stop,
}

impl Rest {
    /// The greeting.
    #[must_use]
    pub fn service_a(stop: Stop) -> Self {
        Rest::with(Service::A, Limits::default(), &openapi::service_a(), stop)
    }

    /// The numbers.
    #[must_use]
    pub fn service_b(limits: Limits, stop: Stop) -> Self {
        Rest::with(Service::B, limits, &openapi::service_b(&limits), stop)
    }

    fn with(service: Service, limits: Limits, openapi: &serde_json::Value, stop: Stop) -> Self {
        let openapi = Arc::new(openapi.to_string().into());
        Rest {
            service,
            limits,
            openapi,
            stop,
        }
    }

    /// The same, for one worker, whose requests `telemetry` tells.
    #[must_use]
    pub fn counted(&self, telemetry: &Telemetry) -> Counted {
        Counted::of(self.clone(), telemetry)
    }

    fn route(&self) -> &'static str {
        match self.service {
            Service::A => "/a/hello",
            Service::B => "/b/numbers",
        }
    }

    async fn numbers(&self, query: &Query<'_>) -> Result<Response<Body>, Invalid> {
        let start = Instant::now();
        let sequence = requested(query, &self.limits)?;
        let wait = sequence.due_after(sequence.count());
        if let Some(end) = wait.and_then(|wait| start.checked_add(wait)) {
            tokio::select! {
                () = tokio::time::sleep_until(end) => {}
                () = self.stop.over() => return Ok(stopping()),
            }
        }
        Ok(with_type(
            StatusCode::OK,
            "application/json",
            values(sequence.count()),
        ))
    }
}

impl Rest {
    fn routes(&self) -> [&'static str; 5] {
        [
            self.route(),
            "/openapi.json",
            "/docs",
            "/docs.css",
            "/docs.js",
        ]
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path();
        let known = self.routes();
        if !known.contains(&path) {
            let known = known.join(", ");
            return detail(
                StatusCode::NOT_FOUND,
                &format!("no route {path}; the routes are {known}"),
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = detail(StatusCode::METHOD_NOT_ALLOWED, "only GET is served here");
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match path {
            "/openapi.json" => with_type(
                StatusCode::OK,
                "application/json",
                Bytes::clone(&self.openapi),
            ),
            "/docs" => page(
                "text/html; charset=utf-8",
                include_str!("../assets/docs.html"),
            ),
            "/docs.css" => page(
                "text/css; charset=utf-8",
                include_str!("../assets/docs.css"),
            ),
            "/docs.js" => page(
                "text/javascript; charset=utf-8",
                include_str!("../assets/docs.js"),
            ),
            _ => {
                let answer = match Query::parse(request.uri().query().unwrap_or_default()) {
                    Err(not_utf8) => Err(Invalid::text(&not_utf8)),
                    Ok(query) => match self.service {
                        Service::A => Ok(hello(&query)),
                        Service::B => self.numbers(&query).await,
                    },
                };
                answer.unwrap_or_else(|invalid| json(StatusCode::UNPROCESSABLE_ENTITY, &invalid))
            }
        }
    }
}

/// The answer to a request that the service cannot stay for.
fn stopping() -> Response<Body> {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = detail(status, "the service stops; ask again");
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn hello(query: &Query<'_>) -> Response<Body> {
    let message = rest_greeting(query.last("name"));
    json(StatusCode::OK, &json!({ "message": message }))
}

/// `{"values":[1,...,count]}`.
fn values(count: i32) -> Bytes {
    let mut text = Vec::with_capacity(16 + 4 * count.unsigned_abs() as usize);
    text.extend_from_slice(b"{\"values\":[");
    let mut digits = itoa::Buffer::new();
    for value in 1..=count {
        if value > 1 {
            text.push(b',');
        }
        text.extend_from_slice(digits.format(value).as_bytes());
    }
    text.extend_from_slice(b"]}");
    text.into()
}

/// The sequence that the query asks for, or everything that is wrong with it.
fn requested(query: &Query<'_>, limits: &Limits) -> Result<Sequence, Invalid> {
    let mut invalid = Invalid::default();
    let mut integer = |name, default| match query.last(name) {
        None => default,
        Some(text) => integer::parse(text).unwrap_or_else(|| {
            invalid.detail.push(Problem::not_an_integer(name, text));
            default
        }),
    };
    let count = integer("count", DEFAULT_COUNT.into());
    let delay_ms = integer("delay_ms", 0);
    // Each parameter is held against its limit apart, so that all are reported.
    for alone in [
        Sequence::within(count, 0, limits),
        Sequence::within(0, delay_ms, limits),
    ] {
        if let Err(beyond) = alone {
            let input = query.last(beyond.parameter).unwrap_or_default();
            invalid.detail.push(Problem::beyond(&beyond, input));
        }
    }
    match Sequence::within(count, delay_ms, limits) {
        Ok(sequence) if invalid.detail.is_empty() => Ok(sequence),
        _ => Err(invalid),
    }
}

/// The body of a 422.
#[derive(Debug, Default, Serialize)]
struct Invalid {
    detail: Vec<Problem>,
}

/// One parameter that is wrong.
#[derive(Debug, Serialize)]
struct Problem {
    r#type: &'static str,
    loc: [String; 2],
    msg: String,
    input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<serde_json::Value>,
}

impl Invalid {
    fn text(error: &NotUtf8) -> Self {
        Invalid {
            detail: vec![Problem {
                r#type: "string_unicode",
                loc: ["query".to_owned(), error.name.clone()],
                msg: "Input should be UTF-8 text, percent-encoded".to_owned(),
                input: error.raw_value.clone(),
                ctx: None,
            }],
        }
    }
}

impl Problem {
    fn not_an_integer(name: &str, input: &str) -> Self {
        Problem {
            r#type: "int_parsing",
            loc: ["query".to_owned(), name.to_owned()],
            msg: "Input should be a valid integer, unable to parse string as an integer".to_owned(),
            input: input.to_owned(),
            ctx: None,
        }
    }

    fn beyond(beyond: &BeyondLimit, input: &str) -> Self {
        Problem {
            r#type: "less_than_equal",
            loc: ["query".to_owned(), beyond.parameter.to_owned()],
            msg: format!("Input should be less than or equal to {}", beyond.max),
            input: input.to_owned(),
            ctx: Some(json!({ "le": beyond.max })),
        }
    }
}

fn detail(status: StatusCode, text: &str) -> Response<Body> {
    json(status, &json!({ "detail": text }))
}

fn page(media_type: &'static str, text: &'static str) -> Response<Body> {
    let mut response = with_type(
        StatusCode::OK,
        media_type,
        Bytes::from_static(text.as_bytes()),
    );
    protect_page(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: Result<i32, serde_json::Value>) {
        let limits = Limits {
            count_max: 100,
            delay_ms_max: 50,
        };
        let query = Query::parse(query).expect("UTF-8");
        let got = requested(&query, &limits)
            .map(|sequence| sequence.count())
            .map_err(|invalid| json!(invalid));
        assert_eq!(got, expected);
    }

    #[test]
    fn counts() {
        check("", Ok(5));
        check("count=3", Ok(3));
        check("count=0", Ok(0));
        check("count=-7&delay_ms=-7", Ok(0));
        check("count=1&count=2", Ok(2));
    }

    #[test]
    fn every_bad_parameter_is_reported() {
        check(
            "count=abc&delay_ms=51",
            Err(json!({ "detail": [
                {
                    "type": "int_parsing",
                    "loc": ["query", "count"],
                    "msg": "Input should be a valid integer, unable to parse string as an integer",
                    "input": "abc",
                },
                {
                    "type": "less_than_equal",
                    "loc": ["query", "delay_ms"],
                    "msg": "Input should be less than or equal to 50",
                    "input": "51",
                    "ctx": { "le": 50 },
                },
            ]})),
        );
    }

    #[test]
    fn values_are_counted_from_one() {
        assert_eq!(values(0), r#"{"values":[]}"#);
        assert_eq!(values(3), r#"{"values":[1,2,3]}"#);
    }
}
