//! The span of a request that came. In: what was kept since it began and how it ended;
//! out: OpenTelemetry's data, by its semantic conventions for HTTP and RPC (1.37). Only
//! what is sampled gets here, so that only that allocates.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Instant, SystemTime},
};

use http::{Uri, Version};
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId,
    trace::{Link, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::{Context, Head, Inner, Queue, Scheme, TRACESTATE};
use crate::{
    names::{Names, Route, Rpc, RpcId},
    worker::HttpMethod,
};

/// Bytes of a path that a span keeps.
const PATH_BYTES_MAX: usize = 1024;

/// What is kept of a request until its end.
pub(crate) struct Recorded {
    context: Context,
    parent: Option<Context>,
    link: Option<Context>,
    state: TraceState,
    clock: Clock,
    method: HttpMethod,
    uri: Uri,
    version: Version,
    scheme: Scheme,
    queue: Arc<Queue>,
}

/// When something began.
pub(super) struct Clock {
    started: SystemTime,
    began: Instant,
}

impl Clock {
    pub(super) fn now() -> Self {
        Clock {
            started: SystemTime::now(),
            began: Instant::now(),
        }
    }

    /// Beginning and end, which no change of the system's clock tears apart.
    pub(super) fn times(&self) -> (SystemTime, SystemTime) {
        (self.started, self.started + self.began.elapsed())
    }
}

/// Which of RPC's protocols the client spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RpcSystem {
    /// gRPC, or gRPC-Web.
    Grpc,
    /// Connect.
    Connect,
}

impl RpcSystem {
    fn name(self) -> &'static str {
        match self {
            RpcSystem::Grpc => "grpc",
            RpcSystem::Connect => "connect_rpc",
        }
    }
}

/// What a request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A route.
    Route(Route),
    /// A method by its own path, which ended with the status of this number.
    Call {
        /// Which method.
        rpc: RpcId,
        /// In which protocol.
        system: RpcSystem,
        /// The number of gRPC's status.
        code: u32,
    },
}

/// How a request that came has ended.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// What it asked for.
    pub asked: Asked,
    /// The status of its answer, if there was one.
    pub status: Option<u16>,
    /// Who asked.
    pub client: IpAddr,
    /// Whether the answer went wrong after it had begun.
    pub broke: bool,
    /// Whether the client left, or was cut off, before the end.
    pub aborted: bool,
}

impl Recorded {
    pub(super) fn of(context: Context, head: Head<'_>, traces: &Inner) -> Self {
        Recorded {
            context,
            parent: None,
            link: None,
            state: TraceState::default(),
            clock: Clock::now(),
            method: HttpMethod::of(head.method.as_str()),
            uri: head.uri.clone(),
            version: head.version,
            scheme: traces.scheme,
            queue: Arc::clone(&traces.queue),
        }
        .with_state(head)
    }

    fn with_state(self, head: Head<'_>) -> Self {
        let given = head
            .headers
            .get(TRACESTATE)
            .and_then(|state| state.to_str().ok());
        let state = given
            .and_then(|state| state.parse().ok())
            .unwrap_or_default();
        Recorded { state, ..self }
    }

    pub(super) fn with_parent(self, parent: Context) -> Self {
        Recorded {
            parent: Some(parent),
            ..self
        }
    }

    /// A new trace has nothing of what others keep of the caller's.
    pub(super) fn linked_to(self, caller: Context) -> Self {
        Recorded {
            link: Some(caller),
            state: TraceState::default(),
            ..self
        }
    }

    /// Hands the span over.
    pub(crate) fn end(self, served: &Served, names: &Names) {
        let (start_time, end_time) = self.clock.times();
        let mut attributes = Vec::with_capacity(12);
        let (name, status) = match served.asked {
            Asked::Route(route) => self.of_route(names.route_name(route), served, &mut attributes),
            Asked::Call { rpc, system, code } => {
                let rpc = names.rpc_of(rpc);
                attributes.push(KeyValue::new("rpc.system", system.name()));
                of_call(rpc.as_ref(), code, SpanKind::Server, &mut attributes)
            }
        };
        attributes.push(KeyValue::new("http.request.method", self.method.name()));
        attributes.push(KeyValue::new("url.scheme", self.scheme.name()));
        attributes.push(KeyValue::new("url.path", cut(self.uri.path()).to_owned()));
        attributes.push(KeyValue::new("network.protocol.name", "http"));
        attributes.push(KeyValue::new(
            "network.protocol.version",
            version(self.version),
        ));
        let client = served.client.to_canonical().to_string();
        attributes.push(KeyValue::new("client.address", client));
        if let Some(status) = served.status {
            attributes.push(KeyValue::new(
                "http.response.status_code",
                i64::from(status),
            ));
        }
        let mut links = SpanLinks::default();
        if let Some(link) = self.link {
            let caller = link.exported(TraceState::default());
            links.links.push(Link::with_context(caller));
        }
        let data = SpanData {
            parent_span_id: self
                .parent
                .map_or(SpanId::INVALID, |parent| parent.span_id()),
            parent_span_is_remote: self.parent.is_some(),
            span_kind: SpanKind::Server,
            name: name.into(),
            start_time,
            end_time,
            attributes,
            links,
            status,
            ..empty(self.context, self.state)
        };
        self.queue.push(data);
    }

    fn of_route(
        &self,
        route: Option<String>,
        served: &Served,
        attributes: &mut Vec<KeyValue>,
    ) -> (String, Status) {
        let method = self.method.name();
        let method = if method == "_OTHER" { "HTTP" } else { method };
        let name = match &route {
            Some(route) => format!("{method} {route}"),
            None => method.to_owned(),
        };
        if let Some(route) = route {
            attributes.push(KeyValue::new("http.route", route));
        }
        let error = match served.status {
            Some(status @ 500..) => Some(status.to_string()),
            _ if served.broke => Some("broken_off".to_owned()),
            _ if served.aborted => Some("client_left".to_owned()),
            _ => None,
        };
        let status = match error {
            None => Status::Unset,
            Some(error) => {
                attributes.push(KeyValue::new("error.type", error));
                Status::error("")
            }
        };
        (name, status)
    }
}

/// Name and status of a call of a method that may not be known.
pub(super) fn of_call(
    rpc: Option<&Rpc>,
    code: u32,
    kind: SpanKind,
    attributes: &mut Vec<KeyValue>,
) -> (String, Status) {
    let name = match rpc {
        Some(Rpc {
            service, method, ..
        }) => {
            attributes.push(KeyValue::new("rpc.service", service.clone()));
            attributes.push(KeyValue::new("rpc.method", method.clone()));
            format!("{service}/{method}")
        }
        None => {
            attributes.push(KeyValue::new("rpc.method", "_OTHER"));
            "_OTHER".to_owned()
        }
    };
    attributes.push(KeyValue::new("rpc.grpc.status_code", i64::from(code)));
    let is_error = match kind {
        // What its client did wrong is no error of a server.
        SpanKind::Server => matches!(code, 2 | 4 | 12 | 13 | 14 | 15),
        _ => code != 0,
    };
    if !is_error {
        return (name, Status::Unset);
    }
    let code = usize::try_from(code).ok().and_then(|code| CODES.get(code));
    attributes.push(KeyValue::new("error.type", *code.unwrap_or(&CODES[2])));
    (name, Status::error(""))
}

/// gRPC's statuses, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

pub(super) fn empty(context: Context, state: TraceState) -> SpanData {
    SpanData {
        span_context: context.exported(state),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "".into(),
        start_time: SystemTime::UNIX_EPOCH,
        end_time: SystemTime::UNIX_EPOCH,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope(),
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("pspd")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// As much of `path` as a span keeps.
pub(super) fn cut(path: &str) -> &str {
    let mut end = path.len().min(PATH_BYTES_MAX);
    while !path.is_char_boundary(end) {
        end -= 1;
    }
    &path[..end]
}
