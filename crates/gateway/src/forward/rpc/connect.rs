//! The Connect protocol: messages in envelopes whose last one says how the call ended,
//! errors as JSON, and metadata where HTTP's caches and browsers can see them. Behind
//! it is always gRPC. What both have in the same form, binary messages and their
//! compression, goes through as it is.

pub(super) mod query;
mod unary;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use prost::Message as _;
use serde_json::{Map, Value, json, value::RawValue};
use transcode::{UnknownAny, WriteOptions};

use super::{proto, spoken::Codec, status::Status};
use crate::{
    compression::Coding,
    respond::{Code, Problem},
    table::Method,
    upstream::grpc::{Decoder, PREFIX_BYTES},
};

pub(super) use unary::{get, post, problem, streams};

pub(super) const TIMEOUT: HeaderName = HeaderName::from_static("connect-timeout-ms");
pub(super) const CONTENT_ENCODING: HeaderName = HeaderName::from_static("connect-content-encoding");
pub(super) const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("connect-accept-encoding");

/// How messages in JSON are compressed, by the value of a header.
pub(super) fn coding(value: Option<&HeaderValue>) -> Result<Option<Coding>, Problem> {
    let Some(value) = value.filter(|value| *value != "identity") else {
        return Ok(None);
    };
    let name = value.to_str().ok();
    let refused = || Problem::Encoding {
        given: String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    name.and_then(Coding::named).map(Some).ok_or_else(refused)
}

/// The flag of the last envelope.
const END_STREAM: u8 = 2;

/// Messages on their way to a client, in envelopes.
pub(super) struct EnvelopeWriter {
    codec: Codec,
    method: Option<Arc<Method>>,
    decoder: Decoder,
    write: WriteOptions,
}

impl EnvelopeWriter {
    /// `method` is `None` for services of the gateway's own.
    pub(super) fn new(
        codec: Codec,
        method: Option<Arc<Method>>,
        message_bytes_max: usize,
        write: WriteOptions,
    ) -> Self {
        EnvelopeWriter {
            codec,
            method,
            decoder: Decoder::new(message_bytes_max),
            write,
        }
    }

    /// The messages that `data`, in gRPC's framing, completes.
    pub(super) fn push(&mut self, data: Bytes) -> Result<Bytes, Status> {
        let (Codec::Json, Some(method)) = (self.codec, &self.method) else {
            // An envelope is framed as gRPC frames a message.
            return Ok(data);
        };
        self.decoder.push(data);
        let mut out = BytesMut::new();
        while let Some(complete) = self.decoder.complete().map_err(|error| broken(&error))? {
            let mut json = Vec::new();
            let message = self.decoder.take(complete);
            let written = method
                .schema
                .write_json(method.output, message, &self.write, &mut json);
            written.map_err(|error| broken(&error))?;
            envelope(0, &json, &mut out);
        }
        Ok(out.freeze())
    }

    /// The envelope that says how the call ended.
    pub(super) fn end(&mut self, trailers: &HeaderMap) -> Bytes {
        let status = Status::of_trailers(trailers).unwrap_or_else(Status::ok);
        end_of_stream(&status, self.method.as_deref(), trailers)
    }
}

fn broken(error: &dyn std::fmt::Display) -> Status {
    let message = format!("the service sent a message that cannot be passed on: {error}");
    Status::new(Code::Internal, message)
}

/// The last envelope.
pub(super) fn end_of_stream(
    status: &Status,
    method: Option<&Method>,
    trailers: &HeaderMap,
) -> Bytes {
    let mut end = Map::new();
    if status.code.is_some() {
        end.insert("error".to_owned(), error(status, method));
    }
    let metadata = metadata(trailers);
    if !metadata.is_empty() {
        end.insert("metadata".to_owned(), metadata.into());
    }
    let mut out = BytesMut::new();
    envelope(
        END_STREAM,
        Value::from(end).to_string().as_bytes(),
        &mut out,
    );
    out.freeze()
}

fn envelope(flag: u8, bytes: &[u8], out: &mut BytesMut) {
    out.reserve(PREFIX_BYTES + bytes.len());
    out.put_u8(flag);
    // Answers are limited far below 4 GiB.
    out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
}

/// A service's own metadata, name by name.
fn metadata(trailers: &HeaderMap) -> Map<String, Value> {
    let mut metadata = Map::new();
    for name in trailers.keys().filter(|name| !is_protocols(name)) {
        let values = trailers.get_all(name).iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        metadata.insert(name.to_string(), values.collect());
    }
    metadata
}

/// Whether the name belongs to gRPC or to HTTP.
pub(super) fn is_protocols(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "grpc-status"
            | "grpc-message"
            | "grpc-status-details-bin"
            | "grpc-encoding"
            | "grpc-accept-encoding"
            | "content-type"
            | "content-length"
            | "trailer"
            | "te"
    )
}

/// The JSON of an error; `method` knows the types of its details.
pub(super) fn error(status: &Status, method: Option<&Method>) -> Value {
    let mut error = json!({ "code": code_name(status.code) });
    if !status.message.is_empty() {
        error["message"] = Value::from(status.message.as_str());
    }
    let known = proto::Status::decode(status.details.clone()).unwrap_or_default();
    if !known.details.is_empty() {
        let details = known.details.iter().map(|any| detail(any, method));
        error["details"] = details.collect();
    }
    error
}

fn detail(any: &proto::Any, method: Option<&Method>) -> Value {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let mut detail = json!({ "type": name, "value": STANDARD_NO_PAD.encode(&any.value) });
    // For people; clients read the value.
    if let Some(method) = method
        && let Some(id) = method.schema.message(name)
    {
        let mut written = Vec::new();
        let options = WriteOptions {
            unknown_any: UnknownAny::Base64,
            bytes_max: Some(DEBUG_BYTES_MAX),
            ..WriteOptions::default()
        };
        let done = method
            .schema
            .write_json(id, &any.value, &options, &mut written);
        if done.is_ok()
            && let Ok(debug) = serde_json::from_slice::<Box<RawValue>>(&written)
            && let Ok(debug) = serde_json::from_str(debug.get())
        {
            detail["debug"] = debug;
        }
    }
    detail
}

/// Bytes that the readable form of a detail may have.
const DEBUG_BYTES_MAX: usize = 16 * 1024;

/// The code as Connect writes it.
pub(super) fn code_name(code: Option<Code>) -> String {
    match code {
        // Connect has a spelling of its own.
        Some(Code::Cancelled) => "canceled".to_owned(),
        Some(code) => code.name().to_ascii_lowercase(),
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn names_of_codes() {
        let names: Vec<_> = (1..=16)
            .map(|number| code_name(Code::from_number(number)))
            .collect();
        let expected = [
            "canceled",
            "unknown",
            "invalid_argument",
            "deadline_exceeded",
            "not_found",
            "already_exists",
            "permission_denied",
            "resource_exhausted",
            "failed_precondition",
            "aborted",
            "out_of_range",
            "unimplemented",
            "internal",
            "unavailable",
            "data_loss",
            "unauthenticated",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_end_of_a_stream() {
        let mut trailers = Status::new(Code::NotFound, "no shelf".to_owned()).trailers();
        trailers.append("cost", HeaderValue::from_static("3"));
        trailers.append("cost", HeaderValue::from_static("4"));
        let status = Status::of_trailers(&trailers).expect("a status");
        let end = end_of_stream(&status, None, &trailers);
        assert_eq!(end[0], END_STREAM);
        let json: Value = serde_json::from_slice(&end[PREFIX_BYTES..]).expect("JSON");
        let expected = json!({
            "error": { "code": "not_found", "message": "no shelf" },
            "metadata": { "cost": ["3", "4"] },
        });
        assert_eq!(json, expected);
        let end = end_of_stream(&Status::ok(), None, &HeaderMap::new());
        assert_eq!(&end[..], b"\x02\0\0\0\x02{}");
    }

    #[test]
    fn details_are_in_base64() {
        let details = proto::Status {
            code: 5,
            message: String::new(),
            details: vec![proto::request_info("r1")],
        };
        let status = Status {
            details: details.encode_to_vec().into(),
            ..Status::new(Code::NotFound, String::new())
        };
        let expected = json!({
            "code": "not_found",
            "details": [{ "type": "google.rpc.RequestInfo", "value": "CgJyMQ" }],
        });
        assert_eq!(error(&status, None), expected);
    }
}
