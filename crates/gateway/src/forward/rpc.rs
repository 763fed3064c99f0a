//! Calls of a method by its own path, `/package.Service/Method`, in the protocols that
//! gRPC's clients speak: gRPC itself, gRPC-Web, Connect. In: a request in one of them;
//! out: a gRPC call, whose bytes go through unread as far as the protocols have them in
//! the same form, and its answer in the protocol of the request. What a problem looks
//! like in each is decided here, too.

mod base64;
mod connect;
mod download;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod outgoing;
mod own;
mod proto;
mod spoken;
mod status;
mod upload;
mod web;

use std::{sync::Arc, task::Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, Version, header, request::Parts};
use hyper::body::Incoming;
use server::RequestId;
use telemetry::RpcId;
use tokio::time::{Instant, timeout_at};
use transcode::WriteOptions;

use super::{Call, body, served::Served, timed_out};
use crate::{
    counting::Passing,
    respond::{Body, Code, Problem, UpstreamFailure},
    server::InFlight,
    table::{Kind, Method, Table},
    upstream::grpc::{For, Opening, Passed, Sending},
};
use connect::EnvelopeWriter;
use download::{Download, Dress, Pump, Seen, Source};
use outgoing::Outgoing;
pub(crate) use own::Counted as CountedOwn;
use own::Own;
pub(crate) use spoken::Spoken;
use spoken::{Codec, Wrap};
use status::{GRPC_STATUS, Status};
use upload::{Broken, Envelopes, Shared, Unwrap, Upload, pump};

/// Milliseconds after which a client may make its call again (gRFC A6).
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// Answers a call. Must be called on the worker's runtime.
pub(super) async fn answer(
    served: Arc<Served>,
    spoken: Spoken,
    call: Call<'_>,
    body: Incoming,
) -> Result<Response<Body>, Problem> {
    if spoken == Spoken::Grpc && call.head.version != Version::HTTP_2 {
        return Err(Problem::NeedsHttp2);
    }
    let target = match target(&served, spoken, call.head) {
        Ok(target) => target,
        Err(problem) => {
            body::pass_over(call.head, body, served.options.body_bytes_max).await;
            return Err(problem);
        }
    };
    call.entry.calls(target.rpc);
    if matches!(spoken, Spoken::Connect(_) | Spoken::ConnectGet) {
        call.entry.is_plain();
    }
    match spoken {
        Spoken::Connect(codec) => connect::post(&served, &target, codec, call, body).await,
        Spoken::ConnectGet => connect::get(&served, &target, call).await,
        Spoken::Grpc | Spoken::Web { .. } | Spoken::ConnectStream(_) => {
            pass(&served, target, spoken, call, body).await
        }
    }
}

/// What is called.
struct Target {
    method: Arc<Method>,
    /// Which of the gateway's own it is, unless an upstream has it.
    own: Option<Own>,
    /// What metrics know it by.
    rpc: RpcId,
}

/// The method that is called, if it is and can be called so.
fn target(served: &Served, spoken: Spoken, head: &Parts) -> Result<Target, Problem> {
    if !matches!(spoken, Spoken::Grpc | Spoken::Web { .. }) {
        check_version(&head.headers)?;
    }
    let path = head.uri.path();
    let target = match served.table.method(path) {
        Some(method) => Target {
            method: Arc::clone(method),
            own: None,
            rpc: method.rpc,
        },
        None => {
            let (own, method) = own::find(path).ok_or_else(|| unknown(served, path))?;
            Target {
                method,
                own: Some(own),
                rpc: served.own.rpc(own),
            }
        }
    };
    match (spoken, target.method.kind) {
        (Spoken::Connect(_), kind) if kind != Kind::Unary => Err(connect::streams(head)),
        _ => Ok(target),
    }
}

/// There is one version of Connect.
fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(spoken::CONNECT_VERSION) {
        Some(version) if version != "1" => Err(Problem::BadHeader {
            name: "connect-protocol-version",
            value: String::from_utf8_lossy(version.as_bytes()).into_owned(),
            expected: "1",
        }),
        _ => Ok(()),
    }
}

/// Whether `path` leads to a method.
pub(super) fn is_method(table: &Table, path: &str) -> bool {
    table.method(path).is_some() || own::find(path).is_some()
}

fn unknown(served: &Served, path: &str) -> Problem {
    match served.table.undescribed().first() {
        Some(service) => Problem::NotDescribed {
            service: Arc::clone(service),
        },
        None => Problem::NoMethod {
            path: path.to_owned(),
        },
    }
}

/// How JSON is written for clients that are generated from the schema: as the mapping
/// has it, whatever the routes say.
fn write_options(served: &Served) -> WriteOptions {
    WriteOptions {
        bytes_max: Some(served.services.answer_bytes_max),
        ..WriteOptions::default()
    }
}

/// Passes a call through, message by message as they come.
async fn pass(
    served: &Arc<Served>,
    Target { method, own, rpc }: Target,
    spoken: Spoken,
    call: Call<'_>,
    body: Incoming,
) -> Result<Response<Body>, Problem> {
    let most = served.options.stream_timeout;
    let (limit, deadline) = outgoing::limit(spoken, &call.head.headers, most)?;
    let unwrap = unwrap(served, &method, spoken, &call.head.headers)?;
    let dress = dress(served, &method, spoken);
    let passing = Passing::beside(&served.counting.worker, rpc);
    let upload = Upload::new(body, unwrap, passing);
    if let Some(own) = own {
        let shared = Shared::new(call.in_flight.take());
        let (source, pump) = own.answer(Arc::clone(served), upload, deadline, Arc::clone(&shared));
        let passing = Passing::beside(&served.counting.worker, rpc);
        let service = Arc::clone(&method.service);
        let mut download = Download::new(service, source, dress, shared, passing);
        download.pump = Some(pump);
        let grpc = HeaderValue::from_static("application/grpc");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, grpc)]);
        return Ok(streamed(spoken, headers, download));
    }
    let head = Outgoing {
        trace: call.entry.trace(),
        ..Outgoing::of(spoken, call.head, call.id, deadline)
    };
    let called = begin(served, &method, &head, upload, call.in_flight);
    let Ok(called) = timeout_at(deadline, called).await else {
        return Err(timed_out(&method.service, limit));
    };
    let (passed, watch) = called?;
    outgoing::check(&passed).map_err(|failure| Problem::upstream(&method.service, failure))?;
    let place = call.in_flight;
    Ok(answered(&method, spoken, dress, deadline, passed, watch, place).await)
}

/// What makes the body of a request gRPC's framing.
fn unwrap(
    served: &Served,
    method: &Arc<Method>,
    spoken: Spoken,
    headers: &HeaderMap,
) -> Result<Unwrap, Problem> {
    Ok(match spoken {
        Spoken::Web {
            request: Wrap::Base64,
            ..
        } => Unwrap::Base64(base64::Unwrapper::default()),
        Spoken::ConnectStream(Codec::Json) => {
            let coding = connect::coding(headers.get(connect::CONTENT_ENCODING))?;
            let bytes_max = served.options.connection.message_bytes_max;
            let envelopes = Envelopes::new(Arc::clone(method), coding, bytes_max);
            Unwrap::Json(Box::new(envelopes))
        }
        _ => Unwrap::Plain,
    })
}

fn dress(served: &Served, method: &Arc<Method>, spoken: Spoken) -> Dress {
    match spoken {
        Spoken::Web { answer, .. } => Dress::Web(answer),
        Spoken::ConnectStream(codec) => Dress::Connect(Box::new(EnvelopeWriter::new(
            codec,
            Some(Arc::clone(method)),
            served.options.connection.message_bytes_max,
            write_options(served),
        ))),
        _ => Dress::Grpc,
    }
}

/// Makes the call, and waits for the head of the answer. The caller bounds the wait.
async fn begin(
    served: &Served,
    method: &Method,
    head: &Outgoing<'_>,
    mut upload: Upload,
    in_flight: &mut Option<InFlight>,
) -> Result<(Passed, Watch), Problem> {
    let Method { service, path, .. } = method;
    let opening = opening(&mut upload).await.map_err(|broken| match broken {
        Broken::Left => Problem::BrokenBody,
        Broken::Wrong(status) => of_status(service, status),
    })?;
    let upstream = &served.upstreams[method.upstream];
    let (headers, deadline) = (|| head.headers(), head.deadline);
    let made = For {
        rpc: method.rpc,
        trace: head.trace,
    };
    let failed = |failure| Problem::upstream(service, failure);
    if let Opening::Whole(message) = opening {
        let called = upstream.pass_whole(path, &headers, message, deadline, made);
        let (passed, sending) = called.await.map_err(failed)?;
        return Ok((passed, Watch::Later(sending)));
    }
    let begun = upstream
        .pass(path, &headers, &opening, deadline, made)
        .await;
    let (sending, waiting) = begun.map_err(failed)?.split();
    let shared = Shared::new(in_flight.take());
    let pumped = pump(Some(upload), sending, deadline, Arc::clone(&shared));
    let pump = Pump(tokio::spawn(pumped).abort_handle());
    match waiting.passed(service).await {
        Ok(passed) => Ok((passed, Watch::Since(pump, shared))),
        Err(failure) => Err(match shared.fault() {
            Some(status) => of_status(service, status.clone()),
            None => failed(failure),
        }),
    }
}

/// The client's answer to what a service has begun to answer.
async fn answered(
    method: &Method,
    spoken: Spoken,
    dress: Dress,
    deadline: Instant,
    passed: Passed,
    watch: Watch,
    place: &mut Option<InFlight>,
) -> Response<Body> {
    let Passed {
        head,
        mut stream,
        busy,
    } = passed;
    let mut headers = head.headers;
    let number = Status::number_in(&headers).filter(|_| stream.is_end_stream());
    let mut seen = match number {
        // Connect tells the end in the body.
        Some(_) if matches!(dress, Dress::Connect(_)) => {
            Seen::ended_with(std::mem::take(&mut headers))
        }
        Some(number) => {
            busy.judge(Code::from_number(number));
            return only_head(spoken, headers, number);
        }
        None => Seen::of(&mut stream).await,
    };
    if let Dress::Grpc = dress
        && let Some((bytes, trailers, number)) = seen.take_whole(&busy, method.rpc)
    {
        if let Watch::Since(_, shared) = watch {
            *place = shared.leave_place();
        }
        let mut response = Response::new(Body::told(bytes, trailers, number));
        *response.headers_mut() = headers;
        return response;
    }
    let (shared, pump) = watch.over(&seen, deadline, place);
    let passing = Passing::of(&busy, method.rpc);
    shared.keep(busy);
    let service = Arc::clone(&method.service);
    let source = Source::Remote(stream);
    let mut download = Download::new(service, source, dress, shared, passing);
    download.pump = pump;
    download.begin_with(seen);
    streamed(spoken, headers, download)
}

fn streamed(spoken: Spoken, mut headers: HeaderMap, download: Download) -> Response<Body> {
    dress_head(spoken, &mut headers);
    let mut response = Response::new(Body::streamed(download));
    *response.headers_mut() = headers;
    response
}

/// Who keeps a call's time, and notices that its client leaves.
enum Watch {
    /// A task that has sent the rest of the request since the call began.
    Since(Pump, Arc<Shared>),
    /// One that is begun if the answer does not come at once.
    Later(Sending),
}

impl Watch {
    fn over(
        self,
        seen: &Seen,
        deadline: Instant,
        in_flight: &mut Option<InFlight>,
    ) -> (Arc<Shared>, Option<Pump>) {
        let sending = match self {
            Watch::Since(pump, shared) => return (shared, Some(pump)),
            Watch::Later(sending) => sending,
        };
        let shared = Shared::new(in_flight.take());
        let pump = (!seen.is_all()).then(|| {
            let watched = pump(None, sending, deadline, Arc::clone(&shared));
            Pump(tokio::spawn(watched).abort_handle())
        });
        (shared, pump)
    }
}

/// What of the body has come with the head.
async fn opening(upload: &mut Upload) -> Result<Opening, Broken> {
    let first = std::future::poll_fn(|cx| Poll::Ready(upload.poll_next(cx))).await;
    let bytes = match first {
        Poll::Ready(Some(bytes)) => bytes?,
        Poll::Ready(None) | Poll::Pending => Bytes::new(),
    };
    Ok(match upload.is_ended() {
        true => Opening::Whole(bytes),
        false => Opening::Part(bytes),
    })
}

/// What was found wrong here, as if the service had said so.
fn of_status(service: &Arc<str>, status: Status) -> Problem {
    let Some(code) = status.code else {
        return Problem::BrokenBody;
    };
    let failure = UpstreamFailure::Status {
        code,
        message: status.message,
        details: status.details,
    };
    Problem::upstream(service, failure)
}

/// An answer that ended with its head.
fn only_head(spoken: Spoken, mut headers: HeaderMap, number: u32) -> Response<Body> {
    dress_head(spoken, &mut headers);
    let mut response = Response::new(Body::whole(Bytes::new()).with_grpc_status(number));
    *response.headers_mut() = headers;
    response
}

/// Makes a service's headers the client's.
fn dress_head(spoken: Spoken, headers: &mut HeaderMap) {
    match spoken {
        Spoken::Web { answer, .. } => {
            let media_type = outgoing::web_media_type(answer, headers.get(header::CONTENT_TYPE));
            headers.insert(header::CONTENT_TYPE, media_type);
            headers.remove(header::CONTENT_LENGTH);
            outgoing::expose(headers);
        }
        Spoken::ConnectStream(codec) => {
            let media_type = match codec {
                Codec::Proto => "application/connect+proto",
                Codec::Json => "application/connect+json",
            };
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            headers.remove(header::CONTENT_LENGTH);
            for (theirs, ours) in [
                ("grpc-encoding", connect::CONTENT_ENCODING),
                ("grpc-accept-encoding", connect::ACCEPT_ENCODING),
            ] {
                if let Some(value) = headers.remove(theirs) {
                    headers.insert(ours, value);
                }
            }
            outgoing::expose(headers);
        }
        Spoken::Grpc | Spoken::Connect(_) | Spoken::ConnectGet => {}
    }
}

impl Spoken {
    /// The answer to a request that cannot be answered as asked.
    pub(crate) fn problem(self, problem: &Problem, id: &RequestId) -> Response<Body> {
        let status = Status::of_problem(problem, id);
        let number = status.number();
        let mut response = match self {
            Spoken::Connect(_) | Spoken::ConnectGet => connect::problem(problem, &status),
            Spoken::ConnectStream(_) => {
                let end = connect::end_of_stream(&status, None, &HeaderMap::new());
                let mut response = Response::new(Body::whole(end));
                dress_head(self, response.headers_mut());
                response
            }
            Spoken::Grpc | Spoken::Web { .. } => {
                let mut response = Response::new(Body::whole(Bytes::new()));
                let headers = response.headers_mut();
                headers.insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/grpc"),
                );
                status.write(headers);
                if problem.is_for_a_moment() {
                    // What gRPC's own retries go by.
                    headers.insert(PUSHBACK, HeaderValue::from_static("1000"));
                }
                dress_head(self, headers);
                response
            }
        };
        if let Problem::NeedsHttp2 = problem {
            *response.status_mut() = problem.status();
        }
        debug_assert!(number > 0 || response.headers().contains_key(GRPC_STATUS));
        response.map(|body| body.with_grpc_status(number))
    }
}
