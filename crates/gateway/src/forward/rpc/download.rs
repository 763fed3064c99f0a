//! The answer's side of a call: what the service sends goes out as it comes, in the
//! clothes of the client's protocol, and so does how it ends. What the client does not
//! take is not asked for.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::RecvStream;
use http::HeaderMap;
use tokio::{sync::mpsc, task::AbortHandle};

use super::{base64, connect::EnvelopeWriter, spoken::Wrap, status::Status, upload::Shared, web};
use crate::{
    respond::{Aborted, Chunks, Code, Problem, UpstreamFailure},
    upstream::grpc::broken_off,
};

/// Where an answer comes from.
pub(super) enum Source {
    /// A service.
    Remote(RecvStream),
    /// The gateway itself: framed messages, and a status if it is not `OK`.
    Own(mpsc::Receiver<Result<Bytes, Status>>),
    /// There is no more of it.
    Ended,
}

/// What comes next of an answer.
pub(super) enum Piece {
    Data(Bytes),
    /// The status is in these trailers.
    End(HeaderMap),
    Failed(Status),
}

impl Source {
    fn poll(&mut self, cx: &mut Context<'_>, service: &str, shared: &Shared) -> Poll<Piece> {
        match self {
            Source::Remote(stream) => match ready!(stream.poll_data(cx)) {
                Some(Ok(chunk)) => {
                    // Fails only for a stream that is gone, which the next poll tells.
                    let _ = stream.flow_control().release_capacity(chunk.len());
                    Poll::Ready(Piece::Data(chunk))
                }
                Some(Err(error)) => Poll::Ready(Piece::Failed(broken(service, &error, shared))),
                None => Poll::Ready(match ready!(stream.poll_trailers(cx)) {
                    Ok(trailers) => {
                        let trailers = trailers.unwrap_or_default();
                        let number = Status::number_in(&trailers);
                        shared.judge(number.map_or(Some(Code::Internal), Code::from_number));
                        Piece::End(trailers)
                    }
                    Err(error) => Piece::Failed(broken(service, &error, shared)),
                }),
            },
            Source::Own(pieces) => Poll::Ready(match ready!(pieces.poll_recv(cx)) {
                Some(Ok(bytes)) => Piece::Data(bytes),
                Some(Err(status)) => Piece::End(status.trailers()),
                None => Piece::End(Status::ok().trailers()),
            }),
            Source::Ended => Poll::Ready(Piece::End(HeaderMap::new())),
        }
    }
}

/// What a stream that broke off means: what was found wrong here, if that is why.
fn broken(service: &str, error: &h2::Error, shared: &Shared) -> Status {
    if let Some(status) = shared.fault() {
        return status.clone();
    }
    match broken_off(service, error) {
        UpstreamFailure::Status { code, message, .. } => {
            shared.judge(Some(code));
            Status::new(code, message)
        }
        _ => Status::new(Code::Internal, error.to_string()),
    }
}

/// How an answer looks to its client.
pub(super) enum Dress {
    Grpc,
    Web(Wrap),
    Connect(Box<EnvelopeWriter>),
}

/// An answer on its way.
pub(super) struct Download {
    pub(super) service: Arc<str>,
    pub(super) source: Source,
    pub(super) dress: Dress,
    pub(super) shared: Arc<Shared>,
    /// What was there at once, not sent yet.
    pub(super) first: Option<Bytes>,
    pub(super) end: Option<Piece>,
    pub(super) pump: Option<Pump>,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) status: Option<u32>,
    pub(super) cause: Option<String>,
    pub(super) done: bool,
}

/// A task that ends with what it is for.
pub(super) struct Pump(pub(super) AbortHandle);

impl Drop for Pump {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Download {
    pub(super) fn new(
        service: Arc<str>,
        source: Source,
        dress: Dress,
        shared: Arc<Shared>,
    ) -> Self {
        Download {
            service,
            source,
            dress,
            shared,
            first: None,
            end: None,
            pump: None,
            trailers: None,
            status: None,
            cause: None,
            done: false,
        }
    }

    /// Takes what has come already, without waiting. Says whether that is all of it.
    pub(super) async fn look(&mut self) -> bool {
        std::future::poll_fn(|cx| {
            for _ in 0..2 {
                match self.source.poll(cx, &self.service, &self.shared) {
                    Poll::Ready(Piece::Data(bytes)) if self.first.is_none() => {
                        self.first = Some(bytes);
                    }
                    Poll::Ready(Piece::Data(bytes)) => {
                        // Rare: a message in two pieces that are both there.
                        let first = self.first.take().unwrap_or_default();
                        self.first = Some([first, bytes].concat().into());
                        break;
                    }
                    Poll::Ready(end) => {
                        self.end = Some(end);
                        self.let_go();
                        return Poll::Ready(true);
                    }
                    Poll::Pending => break,
                }
            }
            Poll::Ready(false)
        })
        .await
    }

    /// Gives back what only a call that goes on needs.
    fn let_go(&mut self) {
        self.source = Source::Ended;
        self.pump = None;
        self.shared.let_go();
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Piece::Data(first));
        }
        if let Some(end) = self.end.take() {
            return Poll::Ready(end);
        }
        self.source.poll(cx, &self.service, &self.shared)
    }

    /// What the client gets of the end beside trailers.
    fn ended(&mut self, trailers: HeaderMap) -> Option<Bytes> {
        self.let_go();
        self.done = true;
        let (trailers, status) = match Status::number_in(&trailers) {
            Some(number) => (trailers, number),
            None => {
                let problem = Problem::upstream(
                    &self.service,
                    UpstreamFailure::Broken {
                        cause: "the answer ended without a grpc-status".to_owned(),
                    },
                );
                self.cause = problem.log_message();
                let status = Status::new(problem.code(), problem.message());
                (status.trailers(), status.number())
            }
        };
        self.status = Some(status);
        match &mut self.dress {
            Dress::Grpc => {
                self.trailers = Some(trailers);
                None
            }
            Dress::Web(wrap) => Some(dressed(*wrap, web::trailers(&trailers))),
            Dress::Connect(writer) => Some(writer.end(&trailers)),
        }
    }
}

fn dressed(wrap: Wrap, bytes: Bytes) -> Bytes {
    match wrap {
        Wrap::Binary => bytes,
        Wrap::Base64 => base64::wrap(&bytes),
    }
}

impl Chunks for Download {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Aborted>>> {
        while !self.done {
            let bytes = match ready!(self.poll_piece(cx)) {
                Piece::Data(bytes) => match &mut self.dress {
                    Dress::Grpc => bytes,
                    Dress::Web(wrap) => dressed(*wrap, bytes),
                    Dress::Connect(writer) => match writer.push(bytes) {
                        Ok(bytes) => bytes,
                        Err(status) => {
                            self.cause = Some(status.message.clone());
                            self.ended(status.trailers()).unwrap_or_default()
                        }
                    },
                },
                Piece::End(trailers) => self.ended(trailers).unwrap_or_default(),
                Piece::Failed(status) => {
                    self.cause = Some(status.message.clone());
                    self.ended(status.trailers()).unwrap_or_default()
                }
            };
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
        Poll::Ready(None)
    }

    fn cause(&mut self) -> Option<String> {
        self.cause.take()
    }

    fn trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()
    }

    fn grpc_status(&self) -> Option<u32> {
        self.status
    }
}
