//! The answer's side of a call: what the service sends goes out as it comes, in the
//! clothes of the client's protocol, and so does how it ends. What the client does not
//! take is not asked for.

use std::{
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use h2::RecvStream;
use http::HeaderMap;
use telemetry::{Frames, RpcId};
use tokio::{sync::mpsc, task::AbortHandle};

use super::{base64, connect::EnvelopeWriter, spoken::Wrap, status::Status, upload::Shared, web};
use crate::{
    counting::Passing,
    respond::{Aborted, Chunks, Code, Problem, UpstreamFailure},
    upstream::grpc::{Busy, broken_off},
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
enum Piece {
    Data(Bytes),
    /// The status is in these trailers.
    End(HeaderMap),
    Failed(Status),
}

impl Source {
    fn poll(&mut self, cx: &mut Context<'_>, service: &str, shared: &Shared) -> Poll<Piece> {
        Poll::Ready(match self {
            Source::Remote(stream) => match ready!(poll_remote(stream, cx)) {
                Next::Data(bytes) => Piece::Data(bytes),
                Next::End(end) => Piece::of_end(end, service, shared),
            },
            Source::Own(pieces) => match ready!(pieces.poll_recv(cx)) {
                Some(Ok(bytes)) => Piece::Data(bytes),
                Some(Err(status)) => Piece::End(status.trailers()),
                None => Piece::End(Status::ok().trailers()),
            },
            Source::Ended => Piece::End(HeaderMap::new()),
        })
    }
}

/// What comes next of a service's answer.
enum Next {
    Data(Bytes),
    End(Result<HeaderMap, h2::Error>),
}

fn poll_remote(stream: &mut RecvStream, cx: &mut Context<'_>) -> Poll<Next> {
    Poll::Ready(match ready!(stream.poll_data(cx)) {
        Some(Ok(chunk)) => {
            // Fails only for a stream that is gone, which the next poll tells.
            let _ = stream.flow_control().release_capacity(chunk.len());
            Next::Data(chunk)
        }
        Some(Err(error)) => Next::End(Err(error)),
        None => Next::End(ready!(stream.poll_trailers(cx)).map(Option::unwrap_or_default)),
    })
}

impl Piece {
    /// The end of a service's answer, which is judged by it.
    fn of_end(end: Result<HeaderMap, h2::Error>, service: &str, shared: &Shared) -> Self {
        match end {
            Ok(trailers) => {
                shared.judge(judgement(&trailers));
                Piece::End(trailers)
            }
            Err(error) => Piece::Failed(broken(service, &error, shared)),
        }
    }
}

/// What the end of an answer says of the service.
fn judgement(trailers: &HeaderMap) -> Option<Code> {
    Status::number_in(trailers).map_or(Some(Code::Internal), Code::from_number)
}

/// What of an answer came together with its head.
#[derive(Default)]
pub(super) struct Seen {
    first: Bytes,
    end: Option<Result<HeaderMap, h2::Error>>,
}

impl Seen {
    /// Takes it without waiting.
    pub(super) async fn of(stream: &mut RecvStream) -> Self {
        let mut seen = Seen::default();
        poll_fn(|cx| {
            while let Poll::Ready(next) = poll_remote(stream, cx) {
                match next {
                    Next::Data(bytes) if seen.first.is_empty() => seen.first = bytes,
                    Next::Data(bytes) => {
                        // Rare: a message in two pieces that are both there.
                        seen.first = [mem::take(&mut seen.first), bytes].concat().into();
                        break;
                    }
                    Next::End(end) => {
                        seen.end = Some(end);
                        break;
                    }
                }
            }
            Poll::Ready(())
        })
        .await;
        seen
    }

    /// Nothing but the end.
    pub(super) fn ended_with(trailers: HeaderMap) -> Self {
        Seen {
            first: Bytes::new(),
            end: Some(Ok(trailers)),
        }
    }

    pub(super) fn is_all(&self) -> bool {
        self.end.is_some()
    }

    /// Takes the whole of an answer that goes out as it is, if it is there: its bytes,
    /// its trailers, and the number of its status, by which the call is judged.
    pub(super) fn take_whole(
        &mut self,
        busy: &Busy,
        rpc: RpcId,
    ) -> Option<(Bytes, HeaderMap, u32)> {
        let Some(Ok(trailers)) = &mut self.end else {
            return None;
        };
        let number = Status::number_in(trailers)?;
        busy.judge(Code::from_number(number));
        busy.passed_on(rpc, Frames::default().count(&self.first));
        Some((mem::take(&mut self.first), mem::take(trailers), number))
    }
}

/// What a stream that broke off means: what was found wrong here, if that is why.
fn broken(service: &str, error: &h2::Error, shared: &Shared) -> Status {
    if let Some(status) = shared.fault() {
        return status.clone();
    }
    if shared.is_over() {
        let problem = Problem::upstream(&service.into(), UpstreamFailure::Stopping);
        return Status::new(problem.code(), problem.message());
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
    first: Option<Bytes>,
    end: Option<Piece>,
    pub(super) pump: Option<Pump>,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) status: Option<u32>,
    pub(super) cause: Option<String>,
    pub(super) done: bool,
    passing: Passing,
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
        passing: Passing,
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
            passing,
        }
    }

    /// What came with the head goes out first.
    pub(super) fn begin_with(&mut self, seen: Seen) {
        let Seen { first, end } = seen;
        self.first = Some(first).filter(|first| !first.is_empty());
        if let Some(end) = end {
            self.end = Some(Piece::of_end(end, &self.service, &self.shared));
            self.let_go();
        }
    }

    /// Gives back what only a call that goes on needs.
    fn let_go(&mut self) {
        self.source = Source::Ended;
        self.pump = None;
        self.shared.leave_connection();
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        if let Some(first) = self.first.take() {
            self.passing.through(&first);
            return Poll::Ready(Piece::Data(first));
        }
        if let Some(end) = self.end.take() {
            return Poll::Ready(end);
        }
        let piece = ready!(self.source.poll(cx, &self.service, &self.shared));
        if let Piece::Data(bytes) = &piece {
            match &self.source {
                Source::Own(_) => self.passing.of_own(bytes),
                Source::Remote(_) | Source::Ended => self.passing.through(bytes),
            }
        }
        Poll::Ready(piece)
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

impl Drop for Download {
    fn drop(&mut self) {
        // The task that sends, if there is one, ends only later.
        self.shared.let_go();
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
