//! One REST service behind the gateway, over kept HTTP/1.1 connections of the
//! worker's own. The pool is `hyper-util`'s; what a call may cost is bounded
//! here and by the calls in flight.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, Uri, header, uri::PathAndQuery};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use server::RequestId;
use telemetry::{ClientId, Gathered, HttpMethod, Outcome, Source, Worker, table};

use super::TRACEPARENT;
use crate::{counting::Counting, respond::UpstreamFailure};

/// Where a service is and how it is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Such as `http://localhost:50061`.
    pub base: BaseUrl,
    /// Idle connections that each worker keeps.
    pub idle_connections_max: usize,
    /// How long an idle connection is kept; shorter than the service keeps it,
    /// or a call may meet a connection that is just being closed.
    pub idle_timeout: Duration,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// Bytes of an answer's body; a larger one breaks the call.
    pub answer_bytes_max: usize,
}

/// `http://HOST:PORT`, optionally with a path that every request begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    authority: http::uri::Authority,
    path: String,
}

/// What is wrong with a base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an http:// URL; write it like http://localhost:50061")]
pub struct BadUrl;

impl FromStr for BaseUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let uri: Uri = text.parse().map_err(|_| BadUrl)?;
        let authority = uri.authority().ok_or(BadUrl)?;
        let plain = uri.scheme_str() == Some("http")
            && uri.query().is_none()
            && !authority.host().is_empty()
            && !authority.as_str().contains('@');
        if !plain {
            return Err(BadUrl);
        }
        Ok(BaseUrl {
            authority: authority.clone(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

/// A service with the worker's connections to it.
pub(crate) struct Upstream {
    name: Arc<str>,
    options: Options,
    client: Client<HttpConnector, Empty<Bytes>>,
    number: ClientId,
    worker: Arc<Worker>,
    figures: Arc<Figures>,
}

/// What the service is like at the moment, as one worker sees it.
struct Figures {
    name: Arc<str>,
    in_flight: AtomicUsize,
    counts: Arc<telemetry::Upstream>,
}

impl Source for Figures {
    fn tell(&self, to: &mut Gathered) {
        let name = &[&*self.name];
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        to.count(&table::UPSTREAM_IN_FLIGHT, name, in_flight as u64);
        let is_up = u64::from(self.counts.answered());
        to.count(&table::UPSTREAM_UP, name, is_up);
    }
}

/// One request, counted when it ends or is given up.
struct Counted<'u> {
    upstream: &'u Upstream,
    began: Instant,
    outcome: Outcome,
}

impl<'u> Counted<'u> {
    fn begin(upstream: &'u Upstream) -> Self {
        upstream.figures.in_flight.fetch_add(1, Ordering::Relaxed);
        Counted {
            upstream,
            began: Instant::now(),
            outcome: Outcome::GivenUp,
        }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let Upstream {
            figures,
            worker,
            number,
            ..
        } = self.upstream;
        figures.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.outcome != Outcome::GivenUp {
            let is_up = matches!(self.outcome, Outcome::Status(_));
            figures.counts.answers(is_up);
        }
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        worker.asked(*number, HttpMethod::GET, self.outcome, nanos);
    }
}

impl Upstream {
    /// A pool without a connection yet. Must be called on the worker's runtime.
    pub(crate) fn new(name: Arc<str>, options: Options, counting: &Counting) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(options.connect_timeout));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(options.idle_connections_max)
            .pool_idle_timeout(options.idle_timeout)
            .build(connector);
        let figures = Arc::new(Figures {
            name: Arc::clone(&name),
            in_flight: AtomicUsize::new(0),
            counts: counting.telemetry.upstream(&name),
        });
        counting.telemetry.ask(&figures);
        Upstream {
            number: counting.telemetry.client(&name),
            worker: Arc::clone(&counting.worker),
            figures,
            name,
            options,
            client,
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn base(&self) -> &BaseUrl {
        &self.options.base
    }

    /// GETs `path_and_query` and returns the whole answer, whatever its status.
    /// A request that failed on a connection is made once more: the method is
    /// safe (RFC 9110, section 9.2.2), and the connection may have been closing.
    pub(crate) async fn get(
        &self,
        path_and_query: &str,
        id: &RequestId,
        traceparent: Option<&HeaderValue>,
    ) -> Result<Response<Bytes>, UpstreamFailure> {
        let mut counted = Counted::begin(self);
        let request = || self.request(path_and_query, id, traceparent);
        let answer = match self.client.request(request()?).await {
            Err(error) if !error.is_connect() => {
                self.figures.counts.retried();
                self.client.request(request()?).await
            }
            answer => answer,
        };
        let answer = match answer {
            Ok(answer) => self.whole(answer).await,
            Err(error) => Err(self.failure(&error)),
        };
        counted.outcome = match &answer {
            Ok(answer) => Outcome::Status(answer.status().as_u16()),
            Err(UpstreamFailure::Unreachable { .. }) => Outcome::Unreachable,
            Err(_) => Outcome::Broken,
        };
        answer
    }

    fn request(
        &self,
        path_and_query: &str,
        id: &RequestId,
        traceparent: Option<&HeaderValue>,
    ) -> Result<Request<Empty<Bytes>>, UpstreamFailure> {
        let BaseUrl { authority, path } = &self.options.base;
        let target: PathAndQuery = format!("{path}{path_and_query}")
            .parse()
            .map_err(|error| broken(&error))?;
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(http::uri::Scheme::HTTP);
        uri.authority = Some(authority.clone());
        uri.path_and_query = Some(target);
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = Uri::from_parts(uri).map_err(|error| broken(&error))?;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(RequestId::HEADER, id.header_value());
        if let Some(traceparent) = traceparent {
            headers.insert(TRACEPARENT, traceparent.clone());
        }
        Ok(request)
    }

    async fn whole(&self, answer: Response<Incoming>) -> Result<Response<Bytes>, UpstreamFailure> {
        let max = self.options.answer_bytes_max;
        let too_large = || UpstreamFailure::Broken {
            cause: format!("an answer of more than the limit of {max} bytes"),
        };
        let (head, mut body) = answer.into_parts();
        if body.size_hint().lower() > max as u64 {
            return Err(too_large());
        }
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken(&error))?;
            let Ok(chunk) = frame.into_data() else {
                continue;
            };
            if whole.len() + chunk.len() > max {
                return Err(too_large());
            }
            if whole.is_empty() && body.is_end_stream() {
                return Ok(Response::from_parts(head, chunk));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(Response::from_parts(head, whole.freeze()))
    }

    fn failure(&self, error: &Error) -> UpstreamFailure {
        let cause = error.to_string();
        let cause = format!("{}: {}", self.options.base, chain(error, cause));
        if error.is_connect() {
            UpstreamFailure::Unreachable { cause }
        } else {
            UpstreamFailure::Broken { cause }
        }
    }
}

fn broken(error: &dyn std::error::Error) -> UpstreamFailure {
    UpstreamFailure::Broken {
        cause: error.to_string(),
    }
}

/// `text` with the errors that `error` comes from.
fn chain(error: &dyn std::error::Error, mut text: String) -> String {
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        for (text, shown) in [
            ("http://localhost:50061", "http://localhost:50061"),
            ("http://a-rest", "http://a-rest"),
            ("http://[::1]:8000/api/", "http://[::1]:8000/api"),
        ] {
            assert_eq!(
                text.parse::<BaseUrl>().map(|url| url.to_string()),
                Ok(shown.to_owned())
            );
        }
        for text in [
            "",
            "localhost:50061",
            "https://a",
            "http://",
            "http://a?x=1",
            "http://u@a",
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(BadUrl), "{text}");
        }
    }
}
