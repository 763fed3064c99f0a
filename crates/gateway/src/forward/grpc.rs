//! Gateway P: HTTP/JSON in, gRPC out, for every route of the table.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use contract::grpc_timeout;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header, request::Parts};
use hyper::body::Incoming;
use routing::{Found, NotFound, Values};
use server::query::Query;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Asks, Call,
    body::{self, Takes},
    gather::Gathered,
    is_unread, rpc,
    served::Served,
    socket,
    stream::{self, Asking, First, Live, Opened},
    timed_out, while_connected,
};
use crate::{
    respond::{self, Accepted, Body, Form, Problem, UpstreamFailure},
    routes,
    services::OwnPaths,
    table::{Answer, BodyPlan, Endpoint, Kind, Received},
    upstream::{
        self,
        grpc::{Messages, Metadata},
    },
};

/// The methods that a browser may use where every method has a route.
const ANY: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
/// Those that call a method by its own path.
const METHODS: &str = "GET, POST, OPTIONS";
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How calls are made and their answers given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How each upstream is connected to.
    pub connection: upstream::grpc::Options,
    /// How long a call whose answer is streamed may take in all; beyond it the
    /// stream ends with an error of its own form.
    pub stream_timeout: Duration,
    /// How long a streamed answer may be silent before something is sent to show
    /// that it goes on; and how long its beginning waits for the first message.
    pub keep_alive: Duration,
    /// Bytes of a request's body; beyond it 413.
    pub body_bytes_max: usize,
    /// Bytes of a message below which it is not compressed for a service.
    pub compress_bytes_min: usize,
}

impl Served {
    /// The protocol of a request that calls a method by its own path.
    pub(crate) fn spoken(&self, head: &Parts) -> Option<rpc::Spoken> {
        let spoken = rpc::Spoken::of(head)?;
        let path = head.uri.path();
        // On a route a parameter may have any name, and a body any type.
        let is_call = match spoken {
            rpc::Spoken::ConnectGet => rpc::is_method(&self.table, path),
            rpc::Spoken::Connect(_) => {
                rpc::is_method(&self.table, path) || self.table.find(&Method::POST, path).is_err()
            }
            _ => true,
        };
        (is_call && self.services.grpc == OwnPaths::Serve).then_some(spoken)
    }

    /// The methods of `path`; `None` when `OPTIONS` is one of a service's own.
    pub(crate) fn allowed(&self, path: &str, asks: Asks) -> Option<String> {
        let is_method = self.services.grpc == OwnPaths::Serve && rpc::is_method(&self.table, path);
        if is_method && asks == Asks::Preflight {
            return Some(METHODS.to_owned());
        }
        match self.table.find(&Method::OPTIONS, path) {
            Ok(_) if asks == Asks::Client => None,
            Err(NotFound::Method { allowed }) => Some(routes::allowed(&allowed)),
            // Of a path with a route for any method, or with none, nothing is known.
            Ok(_) => Some(ANY.to_owned()),
            Err(_) => Some(routes::ALLOWED.to_owned()),
        }
    }

    /// Answers a request that belongs to no page of the gateway's own.
    pub(crate) async fn answer(
        &self,
        call: Call<'_>,
        body: Incoming,
    ) -> Result<Response<Body>, Problem> {
        if !call.head.extensions.is_empty() && socket::is_asked_for(call.head) {
            return self.socket(call);
        }
        let (endpoint, variables) = self.find(call.head)?;
        call.entry.asks_for(endpoint.route);
        if endpoint.method.kind.takes_many() {
            return Box::pin(self.take_many(endpoint, variables, call, body)).await;
        }
        // What is boxed here is rare; a request that has no body, or none that its
        // route has use for, needs no room for it.
        if let BodyPlan::None = endpoint.body {
            let message = request(&endpoint, &variables, &call, &[])?;
            drop(variables);
            if is_unread(call.head, &body) {
                return self.call(endpoint, message, call).await;
            }
            let left = Box::pin(body::broken_off(body));
            return while_connected(left, Box::pin(self.call(endpoint, message, call))).await;
        }
        let takes = match &endpoint.body {
            BodyPlan::Raw(_) => Takes::Anything,
            _ => Takes::Json,
        };
        let read = body::read(&call.head.headers, takes, body, self.options.body_bytes_max);
        let limit = call.limits.call_timeout;
        let read = Box::pin(timeout(limit, read)).await;
        let sent = read.unwrap_or(Err(Problem::BodyTooSlow { limit }))?;
        let message = request(&endpoint, &variables, &call, &sent)?;
        drop((variables, sent));
        Box::pin(self.call(endpoint, message, call)).await
    }

    /// The route of a request, and the texts of its path's variables.
    fn find<'h>(&self, head: &'h Parts) -> Result<(Arc<Endpoint>, Values<'h>), Problem> {
        match self.table.find(&head.method, head.uri.path()) {
            Ok(Found { value, variables }) => Ok((Arc::clone(value), variables)),
            Err(not_found) => Err(self.problem(not_found, head)),
        }
    }

    /// What a client is told of a path that leads nowhere.
    pub(super) fn problem(&self, not_found: NotFound, head: &Parts) -> Problem {
        match not_found {
            NotFound::Method { allowed } => Problem::MethodNotAllowed {
                method: head.method.clone(),
                allowed: routes::allowed(&allowed),
            },
            NotFound::BadEncoding { variable, .. } => Problem::BadPath { variable },
            NotFound::Path => match self.table.undescribed().first() {
                Some(service) => Problem::NotDescribed {
                    service: Arc::clone(service),
                },
                None => Problem::NoRoute {
                    path: head.uri.path().to_owned(),
                    routes: routes::listed(&self.table, self.pages()),
                },
            },
        }
    }

    async fn call(
        &self,
        endpoint: Arc<Endpoint>,
        message: Bytes,
        call: Call<'_>,
    ) -> Result<Response<Body>, Problem> {
        if !endpoint.method.kind.answers_many() {
            return self.whole(&endpoint, &message, &call).await;
        }
        let has_forms = has_forms(&endpoint);
        let mut response = match form_of(&endpoint, &call.head.headers) {
            None => self.whole(&endpoint, &message, &call).await?,
            // Boxed, so that answers in one piece need no room for this.
            Some(form) => Box::pin(self.stream(endpoint, message, form, call)).await?,
        };
        if has_forms {
            vary(response.headers_mut());
        }
        Ok(response)
    }

    /// The answer in one piece: of one message, or of all that a stream had.
    async fn whole(
        &self,
        endpoint: &Endpoint,
        message: &Bytes,
        call: &Call<'_>,
    ) -> Result<Response<Body>, Problem> {
        let (limit, deadline) = time_limit(&call.head.headers, call.limits.call_timeout)?;
        let metadata = Metadata {
            id: call.id,
            headers: &call.head.headers,
            rules: self.rules(),
            deadline,
            rpc: Some(endpoint.method.rpc),
            trace: call.entry.trace(),
        };
        let upstream = &self.upstreams[endpoint.method.upstream];
        let answered = timeout_at(deadline, async {
            let called = upstream.call(&endpoint.method.path, message, &metadata);
            let messages = called.await.map_err(|failure| failed(endpoint, failure))?;
            self.in_one_piece(endpoint, messages, call.limits.values_max)
                .await
        });
        answered
            .await
            .unwrap_or_else(|_| Err(timed_out(&endpoint.method.service, limit)))
    }

    pub(super) async fn in_one_piece(
        &self,
        endpoint: &Endpoint,
        mut messages: Messages,
        values_max: usize,
    ) -> Result<Response<Body>, Problem> {
        let failed = |failure| failed(endpoint, failure);
        let mut response = match endpoint.method.kind {
            Kind::Unary | Kind::ClientStreaming => {
                let reply = messages.only().await.map_err(failed)?;
                of_one(endpoint, &reply)?
            }
            Kind::ServerStreaming | Kind::Bidirectional => {
                let mut gathered = Gathered::new(endpoint);
                let bytes_max = self.options.connection.message_bytes_max;
                while let Some(message) = messages.next().await.map_err(failed)? {
                    gathered.push(message, values_max, bytes_max)?;
                }
                respond::json(gathered.finish())
            }
        };
        messages
            .metadata()
            .backward(self.rules(), response.headers_mut());
        Ok(response)
    }

    async fn stream(
        &self,
        endpoint: Arc<Endpoint>,
        message: Bytes,
        form: Form,
        call: Call<'_>,
    ) -> Result<Response<Body>, Problem> {
        if form == Form::Events && has_ended(&call.head.headers) {
            return Ok(respond::no_content());
        }
        let (limit, deadline) = time_limit(&call.head.headers, self.options.stream_timeout)?;
        let live = Live::asking(Asking {
            upstream: Arc::clone(&self.upstreams[endpoint.method.upstream]),
            endpoint: Arc::clone(&endpoint),
            message,
            id: call.id.clone(),
            headers: call.head.headers.clone(),
            rules: self.rules().clone(),
            trace: call.entry.trace(),
            deadline,
            patience: call.limits.call_timeout,
        });
        self.streamed(endpoint, live, form, call, (limit, deadline))
            .await
    }

    /// The answer of a call that is being made, message by message.
    pub(super) async fn streamed(
        &self,
        endpoint: Arc<Endpoint>,
        mut live: Live,
        form: Form,
        call: Call<'_>,
        (limit, deadline): (Duration, Instant),
    ) -> Result<Response<Body>, Problem> {
        let patience = deadline.min(Instant::now() + self.options.keep_alive);
        let first = match timeout_at(patience, live.next()).await {
            Ok(first) => Some(First::of(&endpoint, form, first?)?),
            Err(_) if patience == deadline => {
                return Err(timed_out(&endpoint.method.service, limit));
            }
            Err(_) => None,
        };
        let opened = Opened {
            form,
            first,
            id: call.id.clone(),
            limit,
            deadline,
            keep_alive: self.options.keep_alive,
        };
        Ok(stream::response(
            endpoint,
            live,
            opened,
            call.in_flight.take(),
            self.rules(),
        ))
    }
}

/// The framed message that a request asks to send.
fn request(
    endpoint: &Endpoint,
    variables: &Values<'_>,
    call: &Call<'_>,
    body: &[u8],
) -> Result<Bytes, Problem> {
    let query = Query::parse(call.head.uri.query().unwrap_or_default())?;
    endpoint.request(&Received {
        variables,
        query: &query,
        body,
        media_type: match &endpoint.body {
            BodyPlan::Raw(_) => body::media_type(&call.head.headers),
            _ => "",
        },
    })
}

/// The form in which many messages are answered; none is all of them in one piece.
pub(super) fn form_of(endpoint: &Endpoint, headers: &HeaderMap) -> Option<Form> {
    match (&endpoint.answer, respond::accepted(headers)) {
        _ if !endpoint.method.kind.answers_many() => None,
        (Answer::HttpBody, _) => Some(Form::Raw),
        (_, Accepted::Streamed(form)) => Some(form),
        (_, Accepted::WholeJson) => None,
    }
}

/// Whether the client chooses the answer's form.
pub(super) fn has_forms(endpoint: &Endpoint) -> bool {
    endpoint.method.kind.answers_many() && !matches!(endpoint.answer, Answer::HttpBody)
}

/// How long a call may take: what the client says, at most `most`.
pub(super) fn time_limit(
    headers: &HeaderMap,
    most: Duration,
) -> Result<(Duration, Instant), Problem> {
    let limit = match headers.get(upstream::GRPC_TIMEOUT) {
        None => most,
        Some(value) => match value.to_str().ok().and_then(grpc_timeout::parse) {
            Some(asked) => asked.min(most),
            None => {
                return Err(Problem::BadHeader {
                    name: grpc_timeout::GRPC_TIMEOUT,
                    value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    expected: "at most eight digits and one of H, M, S, m, u, n, such as 500m",
                });
            }
        },
    };
    Ok((limit, Instant::now() + limit))
}

/// The answer that is one message.
fn of_one(endpoint: &Endpoint, message: &Bytes) -> Result<Response<Body>, Problem> {
    let unreadable = |error: &dyn std::fmt::Display| broken(endpoint, error);
    if let Answer::HttpBody = endpoint.answer {
        let (media_type, data) = stream::http_body(message).map_err(|error| unreadable(&error))?;
        return Ok(respond::raw(media_type, data));
    }
    let mut json = Vec::with_capacity(64 + 2 * message.len());
    endpoint
        .write(message, &mut json)
        .map_err(|error| unreadable(&error))?;
    Ok(respond::json(json.into()))
}

/// A message that cannot be written as JSON.
pub(super) fn broken(endpoint: &Endpoint, error: &dyn std::fmt::Display) -> Problem {
    let cause = format!("a malformed message: {error}");
    Problem::upstream(&endpoint.method.service, UpstreamFailure::Broken { cause })
}

/// The failure with its details as JSON, as far as the schema knows their types.
pub(super) fn failed(endpoint: &Endpoint, failure: UpstreamFailure) -> Problem {
    let mut json = Vec::new();
    if let UpstreamFailure::Status { details, .. } = &failure
        && !details.is_empty()
        && endpoint.write_details(details, &mut json).is_err()
    {
        json.clear();
    }
    Problem::Upstream {
        service: Arc::clone(&endpoint.method.service),
        failure,
        details: String::from_utf8(json).unwrap_or_default(),
    }
}

/// Whether a browser's `EventSource` asks again for a stream it has seen end.
fn has_ended(headers: &HeaderMap) -> bool {
    headers.get(LAST_EVENT_ID).is_some_and(|id| id == "end")
}

/// One address has several forms; caches must know what decides.
pub(super) fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("accept"));
}
