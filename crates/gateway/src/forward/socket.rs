//! WebSocket: a call of any kind over one socket (RFC 6455), its messages as JSON
//! texts in both directions. In: a handshake on the path of any route, or on a
//! method's own; out: the answer to it, and a task of its own that talks until the
//! call or the client ends. The client's messages are read no faster than the
//! service takes them, the service's no faster than the client does.
//!
//! Compression (permessage-deflate) is not offered: it costs each socket a window of
//! up to 32 KiB a direction, and memory that a stranger decides on. Over HTTP/2
//! (RFC 8441) it is not offered either.

mod ending;
mod frames;
mod handshake;
mod talk;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Response, request::Parts};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use routing::{NotFound, Values};
use server::{Hold, RequestId};
use telemetry::traces::Context;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until, timeout},
};

use self::{ending::Ending, frames::Socket, handshake::Handshake, talk::Talk};
use super::{
    Call,
    grpc::{failed, time_limit},
    many::bindings,
    served::Served,
    stream::{Asking, Live},
    timed_out,
};
use crate::{
    access_log::Entry,
    respond::{self, Body, Problem},
    server::InFlight,
    services::{HeaderRules, OwnPaths},
    table::{BodyPlan, Content, Endpoint},
    upstream::grpc::{Metadata, Sending, Upstream},
};

pub(crate) use handshake::is_asked_for;

/// How long the connection may take to be handed over.
const HANDOVER: Duration = Duration::from_secs(10);
/// How long a client may take to read the end and to close.
const CLOSING: Duration = Duration::from_secs(5);

/// A socket before it is open.
struct Session {
    endpoint: Arc<Endpoint>,
    upstream: Arc<Upstream>,
    bindings: Bytes,
    id: RequestId,
    headers: HeaderMap,
    rules: HeaderRules,
    /// What the call is made under; `None` with traces off.
    trace: Option<Context>,
    /// When the socket has to be closed, and the limit that says so.
    deadline: Instant,
    limit: Duration,
    /// How long the first message may take where there is only one, and how long the
    /// service's first sign after it.
    patience: Duration,
    options: frames::Options,
    hold: Hold,
    _in_flight: Option<InFlight>,
}

impl Served {
    /// Opens a socket, or says why not.
    pub(super) fn socket(&self, call: Call<'_>) -> Result<Response<Body>, Problem> {
        let Call {
            head,
            id,
            limits,
            cors,
            in_flight,
            entry,
        } = call;
        let (endpoint, variables) = self.find_for_socket(head)?;
        entry.asks_for(endpoint.route);
        let handshake = Handshake::read(head)?;
        respond::check_origin(cors, &head.headers)?;
        let extensions = &head.extensions;
        let (Some(on_upgrade), Some(hold)) = (extensions.get(), extensions.get()) else {
            return Err(Problem::UpgradeRequired { why: NOT_HERE });
        };
        let (on_upgrade, hold): (&OnUpgrade, &Hold) = (on_upgrade, hold);
        let (limit, deadline) = time_limit(&head.headers, self.options.stream_timeout)?;
        let session = Session {
            bindings: bindings(&endpoint, &variables, head)?,
            upstream: Arc::clone(&self.upstreams[endpoint.method.upstream]),
            endpoint,
            id: id.clone(),
            headers: head.headers.clone(),
            rules: self.rules().clone(),
            trace: entry.trace(),
            deadline,
            limit,
            patience: limits.call_timeout,
            options: frames::Options {
                message_bytes_max: self.options.body_bytes_max,
                answer_bytes_max: self.services.answer_bytes_max,
                keep_alive: self.options.keep_alive,
            },
            hold: hold.clone(),
            _in_flight: in_flight.take(),
        };
        let (hand_over, entry) = oneshot::channel();
        tokio::spawn(session.run(on_upgrade.clone(), entry));
        Ok(handshake.response(Body::upgraded(hand_over)))
    }

    /// The route of a path, whatever its verb; else the method whose own path it is,
    /// where methods are called by those.
    fn find_for_socket<'h>(&self, head: &'h Parts) -> Result<(Arc<Endpoint>, Values<'h>), Problem> {
        let path = head.uri.path();
        match self.table.find_for_socket(path) {
            Ok(found) => Ok((Arc::clone(found.value), found.variables)),
            Err(not_found) => {
                let by_own_path = self.services.grpc == OwnPaths::Serve;
                match self.table.method(path).filter(|_| by_own_path) {
                    Some(method) if matches!(not_found, NotFound::Path) => {
                        let own = Endpoint::of_method(method, &self.services);
                        Ok((Arc::new(own), Values::new()))
                    }
                    _ => Err(self.problem(not_found, head)),
                }
            }
        }
    }
}

const NOT_HERE: &str = "a WebSocket can be opened only over HTTP/1.1, with `Connection: upgrade`";

impl Session {
    /// Talks until the end, and notes it in the log.
    async fn run(self, on_upgrade: OnUpgrade, entry: oneshot::Receiver<Entry>) {
        let Ok(Ok(upgraded)) = timeout(HANDOVER, on_upgrade).await else {
            return;
        };
        let mut entry = entry.await.ok();
        let mut socket = Socket::new(TokioIo::new(upgraded), &self.options).await;
        let ending = tokio::select! {
            biased;
            () = self.hold.stop.over() => Ending::GoingAway,
            () = sleep_until(self.deadline) => {
                Ending::Problem(timed_out(&self.endpoint.method.service, self.limit))
            }
            ending = self.talk(&mut socket) => ending,
        };
        let farewell = ending.farewell(&self.id);
        // A client that does not read it is not waited for.
        let closed = timeout(CLOSING, socket.close(farewell)).await.is_ok();
        if let Some(entry) = &mut entry {
            entry.sent(socket.bytes_sent());
            if let Some(cause) = ending.log_message() {
                entry.failed(cause);
            }
            if closed && !ending.client_left() {
                entry.finished();
            }
        }
    }

    async fn talk(&self, socket: &mut Socket) -> Ending {
        match self.call(socket).await {
            Ok((live, sending)) => {
                let bindings = self.bindings.clone();
                Talk::new(&self.endpoint, live, sending, bindings)
                    .run(socket)
                    .await
            }
            Err(ending) => ending,
        }
    }

    /// Makes the call: at once, or with the client's only message.
    async fn call(&self, socket: &mut Socket) -> Result<(Live, Option<Sending>), Ending> {
        let metadata = Metadata {
            id: &self.id,
            headers: &self.headers,
            rules: &self.rules,
            deadline: self.deadline,
            rpc: Some(self.endpoint.method.rpc),
            trace: self.trace,
        };
        let endpoint = &self.endpoint;
        let path = &endpoint.method.path;
        if endpoint.method.kind.takes_many() {
            let begun = self.upstream.begin(path, &metadata).await;
            let (sending, answering) =
                begun.map_err(|failure| Ending::Problem(failed(endpoint, failure)))?;
            let live = Live::calling(Arc::clone(endpoint), answering.messages(), None);
            return Ok((live, Some(sending)));
        }
        let message = self.only_message(socket).await?;
        let live = Live::asking(Asking {
            upstream: Arc::clone(&self.upstream),
            endpoint: Arc::clone(endpoint),
            message,
            id: self.id.clone(),
            headers: self.headers.clone(),
            rules: self.rules.clone(),
            trace: self.trace,
            deadline: self.deadline,
            patience: self.patience,
        });
        Ok((live, None))
    }

    /// The message of a method that takes one: of path and query where the rule has no
    /// body, else the client's first text.
    async fn only_message(&self, socket: &mut Socket) -> Result<Bytes, Ending> {
        let framed = |content| {
            let message = self.endpoint.message(content, &self.bindings);
            message.map_err(|error| ending::bad_message(1, error))
        };
        if let BodyPlan::None = self.endpoint.body {
            return framed(Content::Nothing);
        }
        let limit = self.patience;
        match timeout(limit, socket.text()).await {
            Ok(Ok(text)) if text.is_empty() => framed(Content::Nothing),
            Ok(Ok(text)) => framed(Content::Json(text.as_bytes())),
            Ok(Err(ending)) => Err(ending),
            Err(_) => Err(Ending::Problem(Problem::BodyTooSlow { limit })),
        }
    }
}
