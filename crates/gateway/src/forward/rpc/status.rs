//! The status that ends a call, as each protocol tells it: `grpc-status` and its
//! companions in headers or trailers, and as `google.rpc.Status` beside them. In: a
//! service's trailers or a problem of the gateway's own; out: headers.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};
use prost::Message;
use server::RequestId;

use super::proto;
use crate::{
    respond::{Code, Problem, UpstreamFailure},
    upstream::grpc::decode_binary,
};

pub(super) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(super) const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
pub(super) const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// What `grpc-message` must escape; everything that is not ASCII is escaped anyway.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    /// `None` is `OK`.
    pub(super) code: Option<Code>,
    pub(super) message: String,
    /// A serialized `google.rpc.Status`, or nothing.
    pub(super) details: Bytes,
}

impl Status {
    /// One of the gateway's own.
    pub(super) fn new(code: Code, message: String) -> Self {
        Status {
            code: Some(code),
            message,
            details: Bytes::new(),
        }
    }

    /// That all went well.
    pub(super) fn ok() -> Self {
        Status {
            code: None,
            message: String::new(),
            details: Bytes::new(),
        }
    }

    /// The number in `trailers`; `None` when they have no status.
    pub(super) fn number_in(trailers: &HeaderMap) -> Option<u32> {
        let number = trailers.get(GRPC_STATUS)?;
        let number = number.to_str().ok().and_then(|text| text.parse().ok());
        Some(number.unwrap_or_else(|| Code::Unknown.number()))
    }

    /// What `trailers` say; `None` when they have no status.
    pub(super) fn of_trailers(trailers: &HeaderMap) -> Option<Self> {
        let number = Status::number_in(trailers)?;
        let message = trailers.get(GRPC_MESSAGE).map(HeaderValue::as_bytes);
        let message = percent_decode(message.unwrap_or_default());
        let details = trailers.get(GRPC_DETAILS).map(HeaderValue::as_bytes);
        Some(Status {
            code: Code::from_number(number),
            message: message.decode_utf8_lossy().into_owned(),
            details: details.and_then(decode_binary).unwrap_or_default(),
        })
    }

    /// What a client is told of `problem`: a service's own words as they are, the
    /// gateway's with the id of the request.
    pub(crate) fn of_problem(problem: &Problem, id: &RequestId) -> Self {
        if let Problem::Upstream {
            failure:
                UpstreamFailure::Status {
                    code,
                    message,
                    details,
                },
            ..
        } = problem
        {
            return Status {
                code: Some(*code),
                message: message.clone(),
                details: details.clone(),
            };
        }
        let (code, message) = (problem.code(), problem.message());
        let may_retry = problem.is_for_a_moment();
        let details = proto::Status {
            code: i32::try_from(code.number()).unwrap_or_default(),
            message: message.clone(),
            details: [Some(proto::request_info(id.as_str()))]
                .into_iter()
                .chain([may_retry.then(proto::retry_in_a_second)])
                .flatten()
                .collect(),
        };
        Status {
            code: Some(code),
            message,
            details: details.encode_to_vec().into(),
        }
    }

    /// The number that ends the call.
    pub(super) fn number(&self) -> u32 {
        self.code.map_or(0, Code::number)
    }

    /// Adds it to headers or trailers.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(GRPC_STATUS, HeaderValue::from(self.number()));
        if !self.message.is_empty() {
            let message = utf8_percent_encode(&self.message, ESCAPED).to_string();
            headers.extend(
                HeaderValue::try_from(message)
                    .ok()
                    .map(|value| (GRPC_MESSAGE, value)),
            );
        }
        if !self.details.is_empty() {
            let details = STANDARD_NO_PAD.encode(&self.details);
            headers.extend(
                HeaderValue::try_from(details)
                    .ok()
                    .map(|value| (GRPC_DETAILS, value)),
            );
        }
    }

    /// As trailers.
    pub(super) fn trailers(&self) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        self.write(&mut trailers);
        trailers
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(message: &str, written: &str) {
        let status = Status::new(Code::NotFound, message.to_owned());
        let trailers = status.trailers();
        let got = trailers.get(GRPC_MESSAGE).map(HeaderValue::as_bytes);
        assert_eq!(got.unwrap_or_default(), written.as_bytes(), "{message}");
    }

    #[test]
    fn messages_are_escaped() {
        check("", "");
        check("no such shelf", "no such shelf");
        check("100 % olá\n", "100 %25 ol%C3%A1%0A");
    }

    #[test]
    fn a_number_that_is_none_is_unknown() {
        let mut trailers = HeaderMap::new();
        assert_eq!(Status::of_trailers(&trailers), None);
        trailers.insert(GRPC_STATUS, HeaderValue::from_static("x"));
        let status = Status::of_trailers(&trailers).expect("a status");
        assert_eq!(status.code, Some(Code::Unknown));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number in 0u32..17, message in ".*", details in prop::collection::vec(any::<u8>(), 0..40)) {
            let status = Status { code: Code::from_number(number), message, details: details.into() };
            prop_assert_eq!(Status::of_trailers(&status.trailers()), Some(status));
        }
    }
}
