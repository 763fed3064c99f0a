//! Calls that are still in flight when the time of a stop is over. In: a call, or the body
//! of its answer; out: the same, or, once the time is over, the status `UNAVAILABLE` in
//! its place. What is answered at once never waits for that and costs nothing more.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use server::Stop;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Status, body::Body};

/// The end of the time, waited for from the first time that something else is.
struct TimeIsOver {
    stop: Stop,
    waited_for: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl TimeIsOver {
    fn of(stop: Stop) -> Self {
        TimeIsOver {
            stop,
            waited_for: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let stop = &self.stop;
        let over = || Box::pin(stop.end_of_time().cancelled_owned());
        self.waited_for.get_or_insert_with(over).as_mut().poll(cx)
    }
}

/// Waits for the answer of a call.
pub(super) async fn answered(
    mut call: impl Future<Output = Result<Response<Body>, Infallible>> + Unpin,
    stop: &Stop,
) -> Response<Farewell> {
    let mut over = TimeIsOver::of(stop.clone());
    let response = poll_fn(|cx| match Pin::new(&mut call).poll(cx) {
        Poll::Pending => over.poll(cx).map(|()| status().into_http()),
        Poll::Ready(Ok(response)) => Poll::Ready(response),
    })
    .await;
    response.map(|body| Farewell {
        body,
        over,
        ended: false,
    })
}

/// The body of an answer that ends when the time is over.
pub(super) struct Farewell {
    body: Body,
    over: TimeIsOver,
    ended: bool,
}

impl Farewell {
    /// An answer that is there.
    pub(super) fn of(response: Response<Body>, stop: &Stop) -> Response<Self> {
        response.map(|body| Farewell {
            body,
            over: TimeIsOver::of(stop.clone()),
            ended: false,
        })
    }
}

impl http_body::Body for Farewell {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => {}
            frame => return frame,
        }
        std::task::ready!(self.over.poll(cx));
        self.ended = true;
        let mut trailers = HeaderMap::new();
        // Of a code and a plain text, which headers can hold.
        let _ = status().add_header(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn status() -> Status {
    Status::unavailable("the service stops; make the call again")
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;

    async fn ended(mut body: Farewell) -> (Vec<u8>, Option<String>) {
        let (mut bytes, mut status) = (Vec::new(), None);
        while let Some(frame) = body.frame().await {
            match frame.expect("a frame").into_data() {
                Ok(data) => bytes.extend_from_slice(&data),
                Err(frame) => {
                    let trailers = frame.into_trailers().expect("trailers");
                    let told = trailers["grpc-status"].to_str().expect("text");
                    status = Some(told.to_owned());
                }
            }
        }
        (bytes, status)
    }

    fn of(body: Body, stop: &Stop) -> Farewell {
        Farewell::of(Response::new(body), stop).into_body()
    }

    #[tokio::test]
    async fn what_is_there_is_sent_even_then() {
        let stop = Stop::new();
        stop.end();
        let whole = of(Body::new(Full::new(Bytes::from("all"))), &stop);
        assert_eq!(ended(whole).await, (b"all".to_vec(), None));
    }

    #[tokio::test]
    async fn what_is_waited_for_ends_with_a_status() {
        let stop = Stop::new();
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, Status>>(1);
        let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
        let body = of(Body::new(StreamBody::new(stream)), &stop);
        let first = Frame::data(Bytes::from("first"));
        sender.send(Ok(first)).await.expect("taken");
        let ending = stop.clone();
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            ending.end();
        });
        let expected = (b"first".to_vec(), Some("14".to_owned()));
        assert_eq!(ended(body).await, expected);
    }

    #[tokio::test]
    async fn a_call_that_is_not_answered_is_answered_then() {
        let stop = Stop::new();
        stop.end();
        let never = Box::pin(std::future::pending());
        let response = answered(never, &stop).await;
        assert_eq!(response.headers()["grpc-status"], "14");
    }
}
