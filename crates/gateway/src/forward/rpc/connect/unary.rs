//! Connect with one message each way, by POST or by GET: an HTTP exchange that anybody
//! can read. A binary message keeps the compression that it came with, in both
//! directions; JSON is not compressed here.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use h2::RecvStream;
use http::{HeaderMap, HeaderName, HeaderValue, Method as Verb, Response, StatusCode, header};
use hyper::body::Incoming;
use tokio::time::{timeout, timeout_at};
use transcode::Builder;

use super::{
    super::{
        Target,
        outgoing::{self, MediaType, Outgoing},
        own::Own,
        spoken::Codec,
        status::Status,
        upload::{READ, frame},
        write_options,
    },
    coding, error, is_protocols, query,
};
use crate::{
    compression::{coding::READ as CODINGS, decode::Decoder},
    forward::{Call, body, served::Served, timed_out},
    respond::{Body, Code, Problem, UpstreamFailure, json, whole},
    table::{Kind, Method, SideEffects},
    upstream::grpc::For,
    upstream::grpc::{PREFIX_BYTES, Passed, broken_off},
};

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPTED: &str = "application/proto, application/json";

/// One message, as the client sent it.
struct Asked {
    codec: Codec,
    message: Bytes,
    /// Its compression, unless it is none.
    encoding: Option<HeaderValue>,
}

pub(in super::super) async fn post(
    served: &Served,
    target: &Target,
    codec: Codec,
    call: Call<'_>,
    body: Incoming,
) -> Result<Response<Body>, Problem> {
    let limit = call.limits.call_timeout;
    let read = body::whole(body, served.options.body_bytes_max, |_| Problem::BrokenBody);
    let read = timeout(limit, read).await;
    let message = read.unwrap_or(Err(Problem::BodyTooSlow { limit }))?;
    let encoding = call.head.headers.get(header::CONTENT_ENCODING);
    let encoding = encoding.filter(|encoding| *encoding != "identity").cloned();
    let asked = Asked {
        codec,
        message,
        encoding,
    };
    answer(served, target, asked, call).await
}

pub(in super::super) async fn get(
    served: &Served,
    target: &Target,
    call: Call<'_>,
) -> Result<Response<Body>, Problem> {
    let method = &target.method;
    if method.kind != Kind::Unary || method.side_effects == SideEffects::Some {
        return Err(Problem::MethodNotAllowed {
            method: Verb::GET,
            allowed: Verb::POST.to_string(),
        });
    }
    let asked = query::parse(call.head.uri.query().unwrap_or_default());
    let asked = asked.map_err(|wrong| {
        Problem::BadParameter(transcode::BadParameter {
            name: wrong.name.to_owned(),
            value: wrong.value,
            expected: wrong.expected.to_owned(),
        })
    })?;
    let asked = Asked {
        codec: asked.codec,
        message: asked.message.into_owned().into(),
        encoding: asked
            .compression
            .and_then(|name| HeaderValue::try_from(name).ok()),
    };
    answer(served, target, asked, call).await
}

/// The client took the method for one with a message each way.
pub(in super::super) fn streams(head: &http::request::Parts) -> Problem {
    let given = head.headers.get(header::CONTENT_TYPE);
    let given = given.map(HeaderValue::as_bytes).unwrap_or_default();
    Problem::MediaType {
        given: format!(
            "{} for a method that streams",
            String::from_utf8_lossy(given)
        ),
    }
}

async fn answer(
    served: &Served,
    Target { method, own, .. }: &Target,
    asked: Asked,
    call: Call<'_>,
) -> Result<Response<Body>, Problem> {
    let most = served.options.stream_timeout;
    let (limit, deadline) = outgoing::time_limit_of_connect(&call.head.headers, most)?;
    let message = framed(method, &asked, served.options.body_bytes_max)?;
    if let Some(own) = own {
        return of_own(served, method, *own, asked.codec, message).await;
    }
    let head = Outgoing {
        head: call.head,
        id: call.id,
        deadline,
        trace: call.entry.trace(),
        media_type: MediaType::Grpc(HeaderValue::from_static("application/grpc")),
        encoding: asked.encoding.clone(),
        accepted: match asked.codec {
            Codec::Proto => call.head.headers.get(header::ACCEPT_ENCODING).cloned(),
            Codec::Json => None,
        },
    };
    let upstream = &served.upstreams[method.upstream];
    let failed = |failure| Problem::upstream(&method.service, failure);
    let answered = timeout_at(deadline, async {
        let headers = || head.headers();
        let made = For {
            rpc: method.rpc,
            trace: head.trace,
        };
        let called = upstream.pass_whole(&method.path, &headers, message, deadline, made);
        let (mut passed, _sending) = called.await.map_err(failed)?;
        outgoing::check(&passed).map_err(failed)?;
        let bytes_max = served.options.connection.message_bytes_max;
        let (bytes, trailers) = read(&method.service, &mut passed.stream, bytes_max)
            .await
            .map_err(|failure| {
                passed.busy.judge(Some(failure.code()));
                failed(failure)
            })?;
        written(served, method, asked.codec, passed, &bytes, &trailers)
    });
    answered
        .await
        .unwrap_or_else(|_| Err(timed_out(&method.service, limit)))
}

/// The gateway's own answer.
async fn of_own(
    served: &Served,
    method: &Arc<Method>,
    own: Own,
    codec: Codec,
    mut message: Bytes,
) -> Result<Response<Body>, Problem> {
    let compressed = message.first() != Some(&0);
    if compressed {
        let given = "a compression".to_owned();
        return Err(Problem::Encoding { given });
    }
    message.advance(PREFIX_BYTES);
    let answer = match own.once(served, message).await {
        Ok(answer) => answer.slice(PREFIX_BYTES..),
        Err(status) => {
            let number = status.number();
            let response = refused(&status, Some(method));
            return Ok(response.map(|body| body.with_grpc_status(number)));
        }
    };
    let response = sent(served, method, codec, 0, answer, &HeaderMap::new())?;
    Ok(response.map(|body| body.with_grpc_status(0)))
}

/// The message in gRPC's framing.
fn framed(method: &Method, asked: &Asked, bytes_max: usize) -> Result<Bytes, Problem> {
    let mut out = BytesMut::new();
    match asked.codec {
        Codec::Proto => {
            out.reserve(PREFIX_BYTES + asked.message.len());
            out.put_u8(u8::from(asked.encoding.is_some()));
            // Requests are limited far below 4 GiB.
            out.put_u32(u32::try_from(asked.message.len()).unwrap_or(u32::MAX));
            out.put_slice(&asked.message);
        }
        Codec::Json => {
            let unpacked = match coding(asked.encoding.as_ref())? {
                None => asked.message.clone(),
                Some(coding) => {
                    let mut unpacked = Vec::new();
                    Decoder::new(coding)?.whole(&asked.message, &mut unpacked, bytes_max)?;
                    unpacked.into()
                }
            };
            let mut message = Builder::new();
            let Method { schema, input, .. } = method;
            schema.read_json(*input, &unpacked, READ, &mut message)?;
            frame(&message, &mut out);
        }
    }
    Ok(out.freeze())
}

/// All of an answer.
async fn read(
    service: &str,
    stream: &mut RecvStream,
    bytes_max: usize,
) -> Result<(Bytes, HeaderMap), UpstreamFailure> {
    let broken = |error: h2::Error| broken_off(service, &error);
    let mut whole = Bytes::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk.map_err(broken)?;
        let _ = stream.flow_control().release_capacity(chunk.len());
        whole = match whole.is_empty() {
            true => chunk,
            false => {
                let mut joined = whole
                    .try_into_mut()
                    .unwrap_or_else(|whole| BytesMut::from(&whole[..]));
                joined.extend_from_slice(&chunk);
                joined.freeze()
            }
        };
        if whole.len() > PREFIX_BYTES + bytes_max {
            let cause = format!("an answer of more than {bytes_max} bytes");
            return Err(UpstreamFailure::Broken { cause });
        }
    }
    let trailers = stream.trailers().await.map_err(broken)?;
    Ok((whole, trailers.unwrap_or_default()))
}

/// The service's answer as Connect has it.
fn written(
    served: &Served,
    method: &Arc<Method>,
    codec: Codec,
    passed: Passed,
    bytes: &Bytes,
    trailers: &HeaderMap,
) -> Result<Response<Body>, Problem> {
    let head = &passed.head.headers;
    let broken = |cause: &str| {
        let cause = cause.to_owned();
        Problem::upstream(&method.service, UpstreamFailure::Broken { cause })
    };
    let status = Status::of_trailers(trailers).or_else(|| Status::of_trailers(head));
    let Some(status) = status else {
        passed.busy.judge(Some(Code::Internal));
        return Err(broken("the answer ended without a grpc-status"));
    };
    passed.busy.judge(status.code);
    let mut response = match status.code {
        Some(_) => refused(&status, Some(method)),
        None => {
            let Some((&[flag, a, b, c, d], message)) = bytes.split_first_chunk::<PREFIX_BYTES>()
            else {
                return Err(broken("an answer without a message"));
            };
            if message.len() != u32::from_be_bytes([a, b, c, d]) as usize {
                return Err(broken("more or less than one message in a unary answer"));
            }
            let message = bytes.slice_ref(message);
            sent(served, method, codec, flag, message, head)?
        }
    };
    let headers = response.headers_mut();
    for (name, value) in head.iter().filter(|(name, _)| !is_protocols(name)) {
        headers.append(name, value.clone());
    }
    for (name, value) in trailers.iter().filter(|(name, _)| !is_protocols(name)) {
        if let Ok(name) = HeaderName::try_from(format!("trailer-{name}")) {
            headers.append(name, value.clone());
        }
    }
    outgoing::expose(headers);
    let number = status.number();
    Ok(response.map(|body| body.with_grpc_status(number)))
}

/// The one message of an answer.
fn sent(
    served: &Served,
    method: &Arc<Method>,
    codec: Codec,
    flag: u8,
    message: Bytes,
    head: &HeaderMap,
) -> Result<Response<Body>, Problem> {
    let broken =
        |cause: String| Problem::upstream(&method.service, UpstreamFailure::Broken { cause });
    match codec {
        Codec::Proto => {
            let mut response = whole(StatusCode::OK, "application/proto", message);
            if flag != 0
                && let Some(encoding) = head.get(GRPC_ENCODING)
            {
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_ENCODING, encoding.clone());
            }
            Ok(response)
        }
        Codec::Json if flag != 0 => Err(broken(
            "a compressed message, though none was asked for".to_owned(),
        )),
        Codec::Json => {
            let mut text = Vec::with_capacity(64 + 2 * message.len());
            method
                .schema
                .write_json(method.output, &message, &write_options(served), &mut text)
                .map_err(|error| broken(format!("a malformed message: {error}")))?;
            Ok(json(text.into()))
        }
    }
}

/// An error as Connect tells it.
pub(in super::super) fn refused(status: &Status, method: Option<&Method>) -> Response<Body> {
    let mut response = json(error(status, method).to_string().into());
    if let Some(code) = status.code {
        *response.status_mut() = code.http();
    }
    response
}

/// The same for a problem of the gateway's own.
pub(in super::super) fn problem(problem: &Problem, status: &Status) -> Response<Body> {
    let mut response = refused(status, None);
    match problem {
        Problem::MethodNotAllowed { allowed, .. } => {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let allowed = HeaderValue::try_from(allowed);
            response
                .headers_mut()
                .extend(allowed.ok().map(|allowed| (header::ALLOW, allowed)));
        }
        Problem::MediaType { .. } => {
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let accepted = HeaderValue::from_static(ACCEPTED);
            response.headers_mut().insert(ACCEPT_POST, accepted);
        }
        Problem::Encoding { .. } => {
            let accepted = HeaderValue::from_static(CODINGS);
            response
                .headers_mut()
                .insert(header::ACCEPT_ENCODING, accepted);
        }
        problem if problem.is_for_a_moment() => {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}
