//! Asks a server what it serves, by gRPC's server reflection. In: a target; out:
//! the files that describe its services, as the bytes of a descriptor set. It
//! asks for each service's file, then for whatever those import and the server
//! did not send along, as some servers send one file at a time.
//!
//! The two versions of the protocol, v1 and v1alpha, have the same messages under
//! different names, so that one client speaks both. It is the gRPC library's
//! generic client over an HTTP client that this program has anyway, rather than
//! the library's own transport, which would bring load balancing along.

mod files;

use std::{collections::BTreeSet, error::Error, fmt::Display, time::Duration};

use http::uri::{Authority, PathAndQuery, Uri};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use prost_reflect::DescriptorPool;
use tls::{Connector, Http, Speaks};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, Streaming, body::Body, client::Grpc};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, ServerReflectionResponse, server_reflection_request::MessageRequest,
    server_reflection_response::MessageResponse,
};

use crate::DescribeError;
use files::{Files, Import, Unreadable};

/// The method of both versions, the newer first.
const PATHS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// What a server may take and send to describe itself.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the whole conversation.
    pub timeout: Duration,
    /// Of all files together.
    pub bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            timeout: Duration::from_secs(10),
            bytes_max: 64 * 1024 * 1024,
        }
    }
}

/// What a server said of itself.
pub(crate) struct Reflected {
    /// A serialized `FileDescriptorSet`.
    pub(crate) files: Vec<u8>,
    /// The services that it names. A file may describe others, which it lacks.
    pub(crate) services: BTreeSet<String>,
    /// Services that it names but does not describe, with the reason.
    pub(crate) undescribed: Vec<String>,
}

/// Asks the server at `target`.
pub(crate) async fn fetch(
    target: &str,
    tls: Option<&Connector>,
    limits: &Limits,
) -> Result<Reflected, DescribeError> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let origin = origin(scheme, target)?;
    let conversation = async {
        let mut client = client(origin, tls, limits);
        for path in PATHS {
            match Conversation::begin(&mut client, path, limits).await {
                Err(Failure::Status(status)) if status.code() == Code::Unimplemented => {}
                begun => {
                    let (mut conversation, services) = begun?;
                    return conversation.describe(services).await;
                }
            }
        }
        Err(Failure::None)
    };
    match timeout(limits.timeout, conversation).await {
        Ok(reflected) => reflected.map_err(|failure| failure.at(target, limits)),
        Err(_) => Err(DescribeError::Timeout {
            target: target.to_owned(),
            timeout: limits.timeout,
        }),
    }
}

fn origin(scheme: &str, target: &str) -> Result<Uri, DescribeError> {
    let wrong = |reason: &dyn Display| DescribeError::Target {
        given: target.to_owned(),
        reason: reason.to_string(),
    };
    let authority: Authority = target.parse().map_err(|error| wrong(&error))?;
    if authority.port().is_none() {
        return Err(wrong(&"there is no port"));
    }
    let origin = Uri::builder().scheme(scheme).authority(authority);
    origin
        .path_and_query("/")
        .build()
        .map_err(|error| wrong(&error))
}

type HttpClient = Client<Http, Body>;

fn client(origin: Uri, tls: Option<&Connector>, limits: &Limits) -> Grpc<HttpClient> {
    let connector = Http {
        plain: HttpConnector::new(),
        tls: tls.cloned(),
        speaks: Speaks::Http2,
        handshake_timeout: limits.timeout,
    };
    let http = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build(connector);
    Grpc::with_origin(http, origin).max_decoding_message_size(limits.bytes_max)
}

/// Why the conversation came to nothing.
enum Failure {
    /// The call failed.
    Status(Status),
    /// No version is spoken.
    None,
    /// The answers do not add up.
    Answers(String),
    TooLarge,
}

impl From<Unreadable> for Failure {
    fn from(Unreadable(error): Unreadable) -> Self {
        Failure::Answers(format!("a file cannot be read: {error}"))
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Failure::Status(status)
    }
}

impl Failure {
    fn at(self, target: &str, limits: &Limits) -> DescribeError {
        let target = target.to_owned();
        match self {
            Failure::None => DescribeError::NoReflection { target },
            Failure::Answers(reason) => DescribeError::Reflection { target, reason },
            Failure::TooLarge => DescribeError::TooLarge {
                target,
                bytes_max: limits.bytes_max,
            },
            Failure::Status(status) => match (status.source(), status.code()) {
                // How the library says that a message is larger than the limit.
                (None, Code::OutOfRange) => Failure::TooLarge.at(&target, limits),
                // A proxy in front of a server that is not there yet, or one that starts.
                (None, Code::Unavailable) => DescribeError::Unreachable {
                    reason: format!("it is unavailable, {:?}", status.message()),
                    target,
                },
                (None, code) => DescribeError::Reflection {
                    reason: format!("{code:?}, {:?}", status.message()),
                    target,
                },
                (Some(cause), _) => DescribeError::Unreachable {
                    reason: chain(cause),
                    target,
                },
            },
        }
    }
}

/// An error with all its causes, each said once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text += ": ";
            text += &more;
        }
        cause = error.source();
    }
    text
}

/// Questions and answers, in turn, on one stream.
struct Conversation {
    questions: mpsc::Sender<ServerReflectionRequest>,
    answers: Streaming<ServerReflectionResponse>,
    /// What the files may still take.
    bytes_left: usize,
}

impl Conversation {
    /// Asks for the names of the services.
    async fn begin(
        client: &mut Grpc<HttpClient>,
        path: &'static str,
        limits: &Limits,
    ) -> Result<(Self, Vec<String>), Failure> {
        let (questions, asked) = mpsc::channel(1);
        // Asked before there is an answer to the call: many servers do not begin
        // to answer before the first question.
        let _ = questions.try_send(question(MessageRequest::ListServices(String::new())));
        client
            .ready()
            .await
            .map_err(|error| Status::from_error(error.into()))?;
        let call = Request::new(ReceiverStream::new(asked));
        let codec = ProstCodec::default();
        let answers = client
            .streaming(call, PathAndQuery::from_static(path), codec)
            .await?;
        let mut conversation = Conversation {
            questions,
            answers: answers.into_inner(),
            bytes_left: limits.bytes_max,
        };
        match conversation.answer().await? {
            MessageResponse::ListServicesResponse(list) => {
                let names = list.service.into_iter().map(|service| service.name);
                Ok((conversation, names.collect()))
            }
            other => Err(unexpected("the list of services", &other)),
        }
    }

    /// Fetches the files of the services and all that they import. A service that
    /// the server cannot describe is left out, since another may be meant.
    async fn describe(&mut self, services: Vec<String>) -> Result<Reflected, Failure> {
        let mut files = Files::default();
        let mut undescribed = Vec::new();
        for service in &services {
            let symbol = MessageRequest::FileContainingSymbol(service.clone());
            if let Err(reason) = self.files(symbol, &mut files).await? {
                undescribed.push(format!("{service} ({reason})"));
            }
        }
        if files.is_empty() && !undescribed.is_empty() {
            return Err(Failure::Answers(undescribed.join(", ")));
        }
        self.complete(&mut files).await?;
        Ok(Reflected {
            files: files.into_set(),
            services: services.into_iter().collect(),
            undescribed,
        })
    }

    /// Fetches what is imported and not there, until nothing is missing.
    async fn complete(&mut self, files: &mut Files) -> Result<(), Failure> {
        while let Some(Import { name, by }) = files.missing() {
            let asked = MessageRequest::FileByFilename(name.clone());
            let answered = self.files(asked, files).await?;
            if files.contains(&name) {
                continue;
            }
            // Some servers leave out the files that everybody has.
            match DescriptorPool::global().get_file_by_name(&name) {
                Some(known) => files.add(known.encode_to_vec())?,
                None => {
                    let reason = answered.err();
                    let reason = reason.unwrap_or_else(|| "another file came".to_owned());
                    return Err(Failure::Answers(format!(
                        "{by} imports {name}, which the server does not send ({reason})"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Asks for files and adds those that are new; the inner error is the server's
    /// own reason for sending none.
    async fn files(
        &mut self,
        asked: MessageRequest,
        files: &mut Files,
    ) -> Result<Result<(), String>, Failure> {
        // Fails when the server has ended the call, which its answer tells.
        let _ = self.questions.send(question(asked)).await;
        let sent = match self.answer().await? {
            MessageResponse::FileDescriptorResponse(sent) => sent.file_descriptor_proto,
            MessageResponse::ErrorResponse(error) => return Ok(Err(error.error_message)),
            other => return Err(unexpected("a file", &other)),
        };
        for bytes in sent {
            let left = self.bytes_left.checked_sub(bytes.len());
            self.bytes_left = left.ok_or(Failure::TooLarge)?;
            files.add(bytes)?;
        }
        Ok(Ok(()))
    }

    async fn answer(&mut self) -> Result<MessageResponse, Failure> {
        let answer = self.answers.message().await?;
        let answer = answer.ok_or_else(|| {
            Failure::Answers("the server ended the call before it had answered".to_owned())
        })?;
        answer
            .message_response
            .ok_or_else(|| Failure::Answers("an answer is empty".to_owned()))
    }
}

fn question(asked: MessageRequest) -> ServerReflectionRequest {
    ServerReflectionRequest {
        host: String::new(),
        message_request: Some(asked),
    }
}

fn unexpected(asked: &str, answer: &MessageResponse) -> Failure {
    Failure::Answers(match answer {
        MessageResponse::ErrorResponse(error) => format!(
            "asked for {asked}, it answers with error {}, {:?}",
            error.error_code, error.error_message
        ),
        _ => format!("asked for {asked}, it answers with something else"),
    })
}

#[cfg(test)]
mod tests;
