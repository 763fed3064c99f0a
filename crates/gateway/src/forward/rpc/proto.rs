//! The few messages of `google.rpc` that the gateway itself writes or reads beside
//! what services send.

use prost::Message;

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Status {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: bytes::Bytes,
}

/// `google.rpc.RequestInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RequestInfo {
    #[prost(string, tag = "1")]
    request_id: String,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Duration>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, prost::Message)]
struct Duration {
    #[prost(int64, tag = "1")]
    seconds: i64,
}

/// Which request it was.
pub(super) fn request_info(id: &str) -> Any {
    let info = RequestInfo {
        request_id: id.to_owned(),
    };
    any("google.rpc.RequestInfo", &info)
}

/// That another attempt may do better soon.
pub(super) fn retry_in_a_second() -> Any {
    let info = RetryInfo {
        retry_delay: Some(Duration { seconds: 1 }),
    };
    any("google.rpc.RetryInfo", &info)
}

fn any(name: &str, message: &impl Message) -> Any {
    Any {
        type_url: format!("type.googleapis.com/{name}"),
        value: message.encode_to_vec().into(),
    }
}
