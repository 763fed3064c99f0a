//! What is answered to one call, as steps that are taken one after the other.

use std::{fmt, iter, sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage};
use prost_types::Any;
use tokio::sync::Semaphore;

/// An answer: metadata, steps, and how it ends.
pub struct Reply {
    pub(super) metadata: HeaderMap,
    pub(super) steps: Box<dyn Iterator<Item = Step> + Send>,
    pub(super) end: End,
    pub(super) trailers: HeaderMap,
}

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Step {
    /// Send the head of the answer, without waiting for a message.
    Head,
    /// Send a message.
    Message(DynamicMessage),
    /// Send these bytes as they are, frame or not.
    Raw(Bytes),
    /// Do nothing for a while.
    Pause(Duration),
    /// Do nothing until the test lets it through.
    Wait(Gate),
    /// Receive one message of a stream of requests, if there still is one. What no step
    /// receives is not read, so that the client finds no room for it.
    Take,
    /// Receive all messages.
    TakeAll,
    /// Receive all messages, and answer each with its own fields at once.
    EchoAll,
    /// Answer with the fields of the message that came last.
    EchoLast,
}

/// How an answer ends.
#[derive(Debug, Clone)]
pub enum End {
    /// With a status.
    Status(Status),
    /// The stream ends, and no status is sent.
    NoStatus,
    /// The stream is reset with this HTTP/2 error code.
    Reset(u32),
    /// The connection is closed.
    Disconnect,
    /// Nothing more is sent until the client gives up.
    Silence,
}

/// A gRPC status.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Its number.
    pub code: u32,
    /// What is said about it.
    pub message: String,
    /// What goes with it, in `grpc-status-details-bin`.
    pub details: Vec<Any>,
}

/// Where answers wait for the test, each until it is let through.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Reply {
    /// These steps, then the status OK.
    pub fn steps<I>(steps: I) -> Reply
    where
        I: IntoIterator<Item = Step>,
        I::IntoIter: Send + 'static,
    {
        Reply {
            metadata: HeaderMap::new(),
            steps: Box::new(steps.into_iter()),
            end: End::Status(Status::default()),
            trailers: HeaderMap::new(),
        }
    }

    /// One message.
    pub fn message(message: DynamicMessage) -> Reply {
        Reply::steps([Step::Message(message)])
    }

    /// A message after the other, without a pause.
    pub fn messages<I>(messages: I) -> Reply
    where
        I: IntoIterator<Item = DynamicMessage>,
        I::IntoIter: Send + 'static,
    {
        Reply::steps(messages.into_iter().map(Step::Message))
    }

    /// No message but this status.
    pub fn status(code: u32, message: &str) -> Reply {
        Reply::steps(iter::empty()).ending(End::Status(Status::new(code, message)))
    }

    /// The same with another end.
    #[must_use]
    pub fn ending(mut self, end: End) -> Reply {
        self.end = end;
        self
    }

    /// The same with metadata in its head. `-bin` values are given as they go over
    /// the wire, in base64.
    #[must_use]
    pub fn with_metadata(mut self, name: &str, value: &str) -> Reply {
        append(&mut self.metadata, name, value);
        self
    }

    /// The same with metadata at its end.
    #[must_use]
    pub fn with_trailer(mut self, name: &str, value: &str) -> Reply {
        append(&mut self.trailers, name, value);
        self
    }

    /// The same after a pause.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Reply {
        self.steps = Box::new(iter::once(Step::Pause(pause)).chain(self.steps));
        self
    }
}

impl Status {
    /// One without details.
    pub fn new(code: u32, message: &str) -> Status {
        Status {
            code,
            message: message.to_owned(),
            details: Vec::new(),
        }
    }

    /// The same with one more detail.
    #[must_use]
    pub fn with_detail(mut self, detail: &DynamicMessage) -> Status {
        let name = detail.descriptor().full_name().to_owned();
        self.details.push(Any {
            type_url: format!("type.googleapis.com/{name}"),
            value: detail.encode_to_vec(),
        });
        self
    }

    /// As trailers.
    pub(super) fn write(&self, trailers: &mut HeaderMap) {
        trailers.insert("grpc-status", self.code.into());
        if !self.message.is_empty() {
            append(trailers, "grpc-message", &percent_encoded(&self.message));
        }
        if !self.details.is_empty() {
            let status = RpcStatus {
                code: i32::try_from(self.code).unwrap_or(i32::MAX),
                message: self.message.clone(),
                details: self.details.clone(),
            };
            let value = STANDARD_NO_PAD.encode(status.encode_to_vec());
            append(trailers, "grpc-status-details-bin", &value);
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Gate(Arc::new(Semaphore::new(0)))
    }
}

impl Gate {
    /// Lets so many steps through, now or when they come.
    pub fn let_through(&self, steps: usize) {
        self.0.add_permits(steps);
    }

    pub(super) async fn pass(&self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply(… {:?})", self.end)
    }
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[track_caller]
fn append(headers: &mut HeaderMap, name: &str, value: &str) {
    let name: HeaderName = name.parse().expect("the name of a header");
    let value: HeaderValue = value.parse().expect("the value of a header");
    headers.append(name, value);
}

/// As gRPC writes messages of a status: what is not printable ASCII in `%XX`.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'%' => "%25".to_owned(),
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_in_trailers() {
        let mut trailers = HeaderMap::new();
        Status::new(5, "não: 100%").write(&mut trailers);
        assert_eq!(trailers["grpc-status"], "5");
        assert_eq!(trailers["grpc-message"], "n%C3%A3o: 100%25");
        assert_eq!(trailers.len(), 2);

        let detail = Any {
            type_url: "t".to_owned(),
            value: vec![1],
        };
        let status = Status {
            details: vec![detail],
            ..Status::new(3, "x")
        };
        status.write(&mut trailers);
        let bytes = STANDARD_NO_PAD.decode(&trailers["grpc-status-details-bin"]);
        let decoded = RpcStatus::decode(&bytes.expect("base64")[..]).expect("a status");
        assert_eq!((decoded.code, decoded.message.as_str()), (3, "x"));
        assert_eq!(decoded.details, status.details);
    }
}
