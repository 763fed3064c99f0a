//! One REST service behind the gateway, at one place or at several, over kept HTTP/1.1
//! connections of the worker's own. The pool is `hyper-util`'s; what a call may cost is
//! bounded here and by the calls in flight. Places take calls in turn; one that cannot be
//! connected to is left out for a while; of a name with several addresses each new
//! connection takes the next one. Health is not asked for, and nothing is looked
//! at but whether a connection could be had: that is the gRPC side's work.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderValue, Request, Response, Uri, header,
    uri::{PathAndQuery, Scheme},
};
use http_body::Body as _;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::TokioTimer,
};
use server::{RequestId, Stop};
use telemetry::{
    ClientId, Gathered, HttpMethod, Outcome, Source, Worker, table,
    traces::{Called, Client as Recorded, Context, TRACESTATE},
};
use tls::{Connector, Http, Speaks};
use tokio::time::Instant;

use super::{TRACEPARENT, in_turn::InTurn, tell_trace, traceparent};
use crate::{counting::Counting, respond::UpstreamFailure};

/// How long a place that cannot be connected to gets no calls while another does.
const LEFT_OUT_FOR: Duration = Duration::from_secs(1);

/// Where a service is and how it is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Such as `http://localhost:50061`; one at least.
    pub bases: Vec<BaseUrl>,
    /// Idle connections that each worker keeps.
    pub idle_connections_max: usize,
    /// How long an idle connection is kept; shorter than the service keeps it,
    /// or a call may meet a connection that is just being closed.
    pub idle_timeout: Duration,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// Bytes of an answer's body; a larger one breaks the call.
    pub answer_bytes_max: usize,
    /// What encrypts the connections, where the URL begins with `https`.
    pub tls: Option<Connector>,
}

/// `http://HOST:PORT` or `https://HOST:PORT`, optionally with a path that every request begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: http::uri::Authority,
    path: String,
}

/// What is wrong with a base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an http:// or https:// URL; write it like http://localhost:50061")]
pub struct BadUrl;

impl FromStr for BaseUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let uri: Uri = text.parse().map_err(|_| BadUrl)?;
        let authority = uri.authority().ok_or(BadUrl)?;
        let scheme = uri.scheme().ok_or(BadUrl)?;
        let plain = (*scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)
            && uri.query().is_none()
            && !authority.host().is_empty()
            && !authority.as_str().contains('@');
        if !plain {
            return Err(BadUrl);
        }
        Ok(BaseUrl {
            scheme: scheme.clone(),
            authority: authority.clone(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl BaseUrl {
    /// Whether it begins with `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

/// A service with the worker's connections to it.
pub(crate) struct Upstream {
    name: Arc<str>,
    options: Options,
    places: Places,
    client: Client<Http<InTurn>, Empty<Bytes>>,
    /// The same, with a new connection for each request: where one connection broke, others
    /// that were kept may be as broken, and not known to be.
    anew: Client<Http<InTurn>, Empty<Bytes>>,
    stop: Stop,
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

/// What goes along with a request.
pub(crate) struct Along<'r> {
    pub(crate) id: &'r RequestId,
    /// The client's headers, where there is a client.
    pub(crate) headers: Option<&'r HeaderMap>,
    /// What it is made under; `None` with traces off.
    pub(crate) trace: Option<Context>,
}

/// One request, counted when it ends or is given up.
struct Counted<'u> {
    upstream: &'u Upstream,
    path_and_query: &'u str,
    /// Where it is asked now, and how often it was before.
    place: usize,
    resent: u32,
    began: Instant,
    outcome: Outcome,
    /// The span of this time, where it is recorded.
    client: Option<Box<Recorded>>,
}

impl<'u> Counted<'u> {
    fn begin(upstream: &'u Upstream, path_and_query: &'u str, along: &Along<'_>) -> Self {
        upstream.figures.in_flight.fetch_add(1, Ordering::Relaxed);
        Counted {
            upstream,
            path_and_query,
            place: 0,
            resent: 0,
            began: Instant::now(),
            outcome: Outcome::GivenUp,
            client: upstream.worker.traces().call(along.trace, 0),
        }
    }

    /// It is made once more, at this `place`; each time is a span of its own.
    fn again(&mut self, place: usize, outcome: Outcome, along: &Along<'_>) {
        self.record(outcome);
        self.place = place;
        self.resent += 1;
        self.client = self.upstream.worker.traces().call(along.trace, self.resent);
    }

    /// What the service is told of the trace.
    fn told(&self, along: &Along<'_>) -> Option<Context> {
        let own = self.client.as_ref().map(|client| client.context());
        own.or(along.trace)
    }

    fn record(&mut self, outcome: Outcome) {
        let Some(client) = self.client.take() else {
            return;
        };
        let BaseUrl {
            scheme,
            authority,
            path,
        } = &self.upstream.options.bases[self.place];
        let asked = self.path_and_query.split('?').next().unwrap_or_default();
        let ended = match outcome {
            Outcome::Status(status) => Ok(status),
            Outcome::Unreachable => Err("unreachable"),
            Outcome::Broken => Err("broken"),
            Outcome::GivenUp => Err("given_up"),
        };
        let called = Called::Http(scheme.as_str(), &format!("{path}{asked}"), ended);
        self.upstream
            .worker
            .called(&client, called, authority.as_str());
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.record(self.outcome);
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

/// Where the service is, and which place is next.
struct Places {
    /// Until when each is left out.
    left_out: Vec<Mutex<Option<Instant>>>,
    turn: AtomicUsize,
}

impl Places {
    fn new(count: usize) -> Self {
        Places {
            left_out: (0..count).map(|_| Mutex::new(None)).collect(),
            turn: AtomicUsize::new(fastrand::usize(..)),
        }
    }

    /// The next one that is not left out, else simply the next one. Another than `not`
    /// where there is one.
    fn next(&self, not: Option<usize>) -> usize {
        let count = self.left_out.len();
        if count <= 1 {
            return 0;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let others = || {
            let all = (0..count).map(|offset| turn.wrapping_add(offset) % count);
            all.filter(|place| Some(*place) != not)
        };
        let now = Instant::now();
        let well = others().find(|place| self.until(*place).is_none_or(|until| until <= now));
        well.or_else(|| others().next()).unwrap_or_default()
    }

    fn until(&self, place: usize) -> Option<Instant> {
        *self.left_out[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn leave_out(&self, place: usize) {
        *self.left_out[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + LEFT_OUT_FOR);
    }
}

/// Runs the connections until the gateway's time is over; calls that are still on them
/// then fail.
#[derive(Clone)]
struct Until(Stop);

impl<F> hyper::rt::Executor<F> for Until
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, connection: F) {
        let stop = self.0.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = connection => {}
                () = stop.over() => {}
            }
        });
    }
}

impl Upstream {
    /// A pool without a connection yet. Must be called on the worker's runtime.
    pub(crate) fn new(name: Arc<str>, options: Options, counting: &Counting, stop: &Stop) -> Self {
        let mut connector = HttpConnector::new_with_resolver(InTurn::new());
        connector.set_connect_timeout(Some(options.connect_timeout));
        connector.set_nodelay(true);
        let connector = Http {
            plain: connector,
            tls: options.tls.clone(),
            speaks: Speaks::Http1,
            handshake_timeout: options.connect_timeout,
        };
        let client = Client::builder(Until(stop.clone()))
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(options.idle_connections_max)
            .pool_idle_timeout(options.idle_timeout)
            .build(connector.clone());
        let anew = Client::builder(Until(stop.clone()))
            .pool_max_idle_per_host(0)
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
            places: Places::new(options.bases.len()),
            options,
            client,
            anew,
            stop: stop.clone(),
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Its places as they are configured.
    pub(crate) fn bases(&self) -> String {
        let bases = self.options.bases.iter().map(BaseUrl::to_string);
        bases.collect::<Vec<_>>().join(", ")
    }

    /// GETs `path_and_query` and returns the whole answer, whatever its status.
    /// A request that failed on a connection is made once more, on a new one, and elsewhere
    /// if the service is elsewhere too: the method is safe (RFC 9110, section 9.2.2), and the connection
    /// may have been closing. One that found no connection is made at every place once.
    pub(crate) async fn get(
        &self,
        path_and_query: &str,
        along: &Along<'_>,
    ) -> Result<Response<Bytes>, UpstreamFailure> {
        let mut counted = Counted::begin(self, path_and_query, along);
        let answer = self.got(path_and_query, along, &mut counted).await;
        counted.outcome = match &answer {
            Ok(answer) => Outcome::Status(answer.status().as_u16()),
            Err(UpstreamFailure::Unreachable { .. }) => Outcome::Unreachable,
            Err(_) => Outcome::Broken,
        };
        answer
    }

    async fn got(
        &self,
        path_and_query: &str,
        along: &Along<'_>,
        counted: &mut Counted<'_>,
    ) -> Result<Response<Bytes>, UpstreamFailure> {
        let mut place = self.places.next(None);
        counted.place = place;
        let mut unconnected = 0;
        let mut broken = 0;
        loop {
            let request = self.request(place, path_and_query, along, counted.told(along))?;
            let client = if broken == 0 {
                &self.client
            } else {
                &self.anew
            };
            let error = match client.request(request).await {
                Ok(answer) => {
                    let whole = self.whole(answer).await;
                    return whole.map_err(|failure| self.told(failure));
                }
                Err(error) => error,
            };
            let outcome = if error.is_connect() {
                unconnected += 1;
                self.places.leave_out(place);
                Outcome::Unreachable
            } else {
                broken += 1;
                Outcome::Broken
            };
            if self.stop.is_over() || broken > 1 || unconnected >= self.options.bases.len() {
                return Err(self.told(self.failure(place, &error)));
            }
            self.figures.counts.retried();
            place = self.places.next(Some(place));
            counted.again(place, outcome, along);
        }
    }

    /// Why a call failed: if the gateway ended it, that.
    fn told(&self, failure: UpstreamFailure) -> UpstreamFailure {
        match self.stop.is_over() {
            true => UpstreamFailure::Stopping,
            false => failure,
        }
    }

    fn request(
        &self,
        place: usize,
        path_and_query: &str,
        along: &Along<'_>,
        told: Option<Context>,
    ) -> Result<Request<Empty<Bytes>>, UpstreamFailure> {
        let BaseUrl {
            scheme,
            authority,
            path,
        } = &self.options.bases[place];
        let target: PathAndQuery = format!("{path}{path_and_query}")
            .parse()
            .map_err(|error| broken(&error))?;
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(scheme.clone());
        uri.authority = Some(authority.clone());
        uri.path_and_query = Some(target);
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = Uri::from_parts(uri).map_err(|error| broken(&error))?;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(RequestId::HEADER, along.id.header_value());
        if let Some(traceparent) = along.headers.and_then(traceparent) {
            headers.insert(TRACEPARENT, traceparent.clone());
        }
        if let Some(told) = told {
            let given = along
                .headers
                .iter()
                .flat_map(|given| given.get_all(TRACESTATE));
            for state in given {
                headers.append(TRACESTATE, state.clone());
            }
            tell_trace(told, headers);
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

    fn failure(&self, place: usize, error: &Error) -> UpstreamFailure {
        let cause = error.to_string();
        let cause = format!("{}: {}", self.options.bases[place], chain(error, cause));
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

    #[tokio::test(start_paused = true)]
    async fn places_take_turns_and_those_that_fail_are_left_out_for_a_while() {
        let places = Places::new(3);
        let next = |not| (0..6).map(|_| places.next(not)).collect::<Vec<_>>();
        let count = |of: &[usize], place| of.iter().filter(|next| **next == place).count();
        let all = next(None);
        assert_eq!([0, 1, 2].map(|place| count(&all, place)), [2, 2, 2]);
        assert_eq!(count(&next(Some(1)), 1), 0);
        places.leave_out(0);
        assert_eq!(count(&next(None), 0), 0);
        // None is well, and still somebody has to be asked.
        (0..3).for_each(|place| places.leave_out(place));
        assert_eq!(count(&next(Some(2)), 2), 0);
        tokio::time::advance(LEFT_OUT_FOR).await;
        assert_eq!(count(&next(None), 0), 2);
    }

    #[test]
    fn where_there_is_one_place_it_is_taken() {
        let places = Places::new(1);
        places.leave_out(0);
        assert_eq!(places.next(Some(0)), 0);
    }

    #[test]
    fn base_urls() {
        for (text, shown) in [
            ("http://localhost:50061", "http://localhost:50061"),
            ("http://a-rest", "http://a-rest"),
            ("https://a-rest:1/x", "https://a-rest:1/x"),
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
            "ftp://a",
            "http://",
            "http://a?x=1",
            "http://u@a",
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(BadUrl), "{text}");
        }
    }
}
