//! What the gateway makes of a request, for people: the rule that matches, what is
//! bound to which field, the message and the metadata that the service would get;
//! and, when the call is made, where its time went. The same code answers requests.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header};
use routing::{Found, NotFound, Values};
use server::{RequestId, Stop, query::Query};
use transcode::{Defaults, UnknownAny, WriteOptions};

use crate::{
    catalog::Catalog,
    counting::Counting,
    respond::UpstreamFailure,
    routes,
    table::{Answer, BodyPlan, Content, Endpoint, Listed, Received},
    upstream::grpc::{self, EndpointState, Metadata, Upstream, forwarded},
};

/// A request to explain.
#[derive(Debug, Clone)]
pub struct Question {
    /// HTTP method.
    pub method: Method,
    /// Path and query.
    pub target: Uri,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// What would be called, and with what.
pub struct Explanation {
    route: Arc<Listed>,
    /// Name, value and source of everything that is bound to a field.
    bindings: Vec<Binding>,
    /// The message as JSON.
    message: String,
    message_bytes: usize,
    metadata: Vec<(String, String)>,
    /// Where the upstream is, as it is configured.
    addresses: String,
    /// What the client may send, where that is more than one message.
    request: Option<&'static str>,
    answer: &'static str,
    found_in: Duration,
    written_in: Duration,
    call: Prepared,
}

struct Binding {
    field: String,
    value: String,
    source: &'static str,
}

struct Prepared {
    endpoint: Arc<Endpoint>,
    message: Bytes,
    headers: HeaderMap,
}

/// A call that was made.
pub struct Timing {
    connected: Duration,
    began: Duration,
    first: Option<Duration>,
    ended: Duration,
    json_written: Duration,
    messages: usize,
    failure: Option<String>,
    /// The beginning of the answer.
    answer: String,
    /// Where the service is.
    endpoints: Vec<EndpointState>,
}

/// Bytes of an answer that are shown.
const SHOWN_BYTES: usize = 2000;

/// Finds the route of a request and makes its message.
///
/// # Errors
///
/// In words for the operator: no route, or why no message can be made.
pub fn explain(catalog: &Catalog, question: &Question) -> Result<Explanation, String> {
    let table = catalog.table();
    let begin = Instant::now();
    let found = table.find(&question.method, question.target.path());
    let found_in = begin.elapsed();
    let Found {
        value: endpoint,
        variables,
    } = found.map_err(|not_found| match not_found {
        NotFound::Method { allowed } => format!(
            "{} is not served at this path; use one of {}",
            question.method,
            routes::allowed(&allowed)
        ),
        NotFound::BadEncoding { variable, .. } => {
            format!("the part of the path that is {variable:?} is not UTF-8 text")
        }
        NotFound::Path => "no route; `pspd gateway check` lists them".to_owned(),
    })?;
    let query = Query::parse(question.target.query().unwrap_or_default());
    let query = query.map_err(|error| error.to_string())?;
    let received = Received {
        variables: &variables,
        query: &query,
        body: &question.body,
        media_type: question
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default(),
    };
    let begin = Instant::now();
    let message = match endpoint.method.kind.takes_many() {
        true => first_of_many(endpoint, &received),
        false => endpoint
            .request(&received)
            .map_err(|problem| problem.message()),
    };
    let written_in = begin.elapsed();
    let message = message?;
    let services = catalog.services();
    let rules = &services.headers;
    Ok(Explanation {
        route: Arc::clone(&endpoint.listed),
        bindings: bindings(endpoint, &variables, &query, &question.body),
        message: as_json(endpoint, &message),
        message_bytes: message.len() - grpc::PREFIX_BYTES,
        metadata: forwarded(&question.headers, rules)
            .iter()
            .map(|(name, value)| (name.to_string(), format!("{value:?}")))
            .collect(),
        addresses: {
            let upstream = &services.upstreams[endpoint.method.upstream];
            upstream.policy.written_addresses()
        },
        request: match (endpoint.listed.kind.takes_many(), &endpoint.body) {
            (false, _) => None,
            (true, BodyPlan::None) => Some("a stream of messages, over a WebSocket"),
            (true, BodyPlan::Raw(_)) => Some("a stream of bytes of any type"),
            (true, _) => Some(
                "a stream of messages: application/x-ndjson, or a JSON array, or over a WebSocket",
            ),
        },
        answer: match (&endpoint.answer, endpoint.listed.kind.answers_many()) {
            (Answer::HttpBody, _) => "the bytes of google.api.HttpBody",
            (_, false) => "one JSON value",
            (_, true) => {
                "a JSON array, or by `accept` application/x-ndjson or text/event-stream; or over \
                 a WebSocket"
            }
        },
        found_in,
        written_in,
        call: Prepared {
            endpoint: Arc::clone(endpoint),
            message,
            headers: question.headers.clone(),
        },
    })
}

/// The message that a stream begins with, of which the body is one value.
fn first_of_many(endpoint: &Endpoint, received: &Received<'_>) -> Result<Bytes, String> {
    let bindings = endpoint.bindings(received);
    let bindings = bindings.map_err(|problem| problem.message())?;
    let content = match (&endpoint.body, received.body) {
        (BodyPlan::Raw(_), data) => Content::Bytes {
            media_type: received.media_type,
            data,
        },
        (_, []) => Content::Nothing,
        (_, json) => Content::Json(json),
    };
    let message = endpoint.message(content, &bindings);
    message.map_err(|error| error.to_string())
}

fn bindings(
    endpoint: &Endpoint,
    variables: &Values<'_>,
    query: &Query<'_>,
    body: &[u8],
) -> Vec<Binding> {
    let binding = |field: &str, value: &str, source| Binding {
        field: field.to_owned(),
        value: value.to_owned(),
        source,
    };
    let mut bindings = Vec::new();
    if !body.is_empty() {
        let field = match &endpoint.body {
            BodyPlan::None if endpoint.method.kind.takes_many() => "(a whole message)",
            BodyPlan::None => "(not used)",
            BodyPlan::Whole => "(the whole message)",
            BodyPlan::Field(_) => "(the rule's field)",
            BodyPlan::Raw(_) => "(google.api.HttpBody, as it is)",
        };
        bindings.push(binding(field, &format!("{} bytes", body.len()), "body"));
    }
    for (name, value) in endpoint.variable_names.iter().zip(variables) {
        bindings.push(binding(name, value, "path"));
    }
    for (name, value) in query.pairs() {
        bindings.push(binding(name, value, "query"));
    }
    for (name, value) in endpoint.missing(query) {
        bindings.push(binding(name, value, "default"));
    }
    bindings
}

fn as_json(endpoint: &Endpoint, framed: &Bytes) -> String {
    let options = WriteOptions {
        defaults: Defaults::Omit,
        unknown_any: UnknownAny::Base64,
        ..endpoint.write
    };
    let mut json = Vec::new();
    let message = &framed[grpc::PREFIX_BYTES..];
    match endpoint
        .method
        .schema
        .write_json(endpoint.method.input, message, &options, &mut json)
    {
        Ok(()) => String::from_utf8_lossy(&json).into_owned(),
        Err(error) => format!("({error})"),
    }
}

impl Explanation {
    /// Makes the call and measures it. Must be called on a runtime.
    pub async fn call(&self, catalog: &Catalog, options: grpc::Options, limit: Duration) -> Timing {
        let Prepared {
            endpoint,
            message,
            headers,
        } = &self.call;
        let services = catalog.services();
        let known = &services.upstreams[endpoint.method.upstream];
        let begin = Instant::now();
        let deadline = tokio::time::Instant::now() + limit;
        let (name, policy) = (Arc::clone(&known.name), known.policy.clone());
        let counting = Counting::of(catalog.telemetry());
        let suspicion = catalog.suspicion();
        let upstream = Upstream::connect(name, policy, options, suspicion, &counting, &Stop::new());
        let mut timing = Timing {
            connected: upstream
                .opened(deadline)
                .await
                .map(|()| begin.elapsed())
                .unwrap_or_default(),
            began: Duration::ZERO,
            first: None,
            ended: Duration::ZERO,
            json_written: Duration::ZERO,
            messages: 0,
            failure: None,
            answer: String::new(),
            endpoints: Vec::new(),
        };
        let id = RequestId::random();
        let metadata = Metadata {
            id: &id,
            headers,
            rules: &services.headers,
            deadline,
            rpc: None,
            trace: None,
        };
        let begin = Instant::now();
        let called = async {
            let mut messages = upstream
                .call(&endpoint.method.path, message, &metadata)
                .await?;
            timing.began = begin.elapsed();
            while let Some(message) = messages.next().await? {
                timing.first.get_or_insert(begin.elapsed());
                timing.messages += 1;
                timing.show(endpoint, message);
            }
            Ok::<_, UpstreamFailure>(())
        };
        let ended = tokio::time::timeout_at(deadline, called).await;
        timing.ended = begin.elapsed();
        timing.failure = match ended {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.explained(&known.name)),
            Err(_) => Some(format!("no end within {limit:?}")),
        };
        timing.endpoints = upstream.endpoints();
        timing
    }
}

impl Timing {
    /// Whether the service, or the way to it, failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Writes the message's JSON, and keeps it while there is room.
    fn show(&mut self, endpoint: &Endpoint, message: &[u8]) {
        let begin = Instant::now();
        let mut json = Vec::new();
        let written = endpoint.write(message, &mut json);
        self.json_written += begin.elapsed();
        if self.answer.len() < SHOWN_BYTES {
            match written {
                Ok(()) => self.answer += &String::from_utf8_lossy(&json),
                Err(error) => self.answer += &format!("({error})"),
            }
            self.answer.push('\n');
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Listed {
            verb,
            path,
            rpc,
            upstream,
            origin,
            ..
        } = &*self.route;
        writeln!(f, "route     {verb} {path}")?;
        writeln!(f, "written   {origin}")?;
        writeln!(f, "method    {rpc} at upstream {upstream}")?;
        writeln!(f, "address   {}", self.addresses)?;
        if let Some(request) = self.request {
            writeln!(f, "request   {request}; shown is the first message")?;
        }
        writeln!(f, "answer    {}", self.answer)?;
        for Binding {
            field,
            value,
            source,
        } in &self.bindings
        {
            writeln!(f, "{source:<9} {field} = {value:?}")?;
        }
        writeln!(
            f,
            "message   {} ({} bytes)",
            self.message, self.message_bytes
        )?;
        for (name, value) in &self.metadata {
            writeln!(f, "metadata  {name}: {value}")?;
        }
        write!(
            f,
            "time      {:?} to find the route, {:?} to make the message",
            self.found_in, self.written_in
        )
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of one endpoint the rest says enough.
        let several = self.endpoints.iter().filter(|_| self.endpoints.len() > 1);
        for EndpointState { address, problem } in several {
            let problem = problem.as_deref().unwrap_or("connected");
            writeln!(f, "endpoint  {address}: {problem}")?;
        }
        writeln!(f, "          {:?} to open a connection", self.connected)?;
        if !self.began.is_zero() {
            writeln!(
                f,
                "          {:?} from the call to the answer's head",
                self.began
            )?;
        }
        if let Some(first) = self.first {
            writeln!(f, "          {first:?} to the first message")?;
        }
        writeln!(f, "          {:?} to the end", self.ended)?;
        writeln!(
            f,
            "          {:?} of it to write {} messages as JSON",
            self.json_written, self.messages
        )?;
        if let Some(failure) = &self.failure {
            writeln!(f, "failed    {failure}")?;
        }
        write!(f, "{}", self.answer.trim_end())
    }
}
