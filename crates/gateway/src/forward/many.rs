//! A call that takes a stream of messages, from the body of a plain request: the body
//! goes to the service while the answer is waited for, or already given. How the body
//! becomes messages is told in [`upload`](super::upload), how the answer is given where
//! it is for all calls.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, request::Parts};
use hyper::body::Incoming;
use routing::Values;
use server::query::Query;
use tokio::time::timeout_at;

use super::{
    Call,
    body::Pieces,
    grpc::{failed, form_of, has_forms, time_limit, vary},
    in_time,
    served::Served,
    stream::Live,
    timed_out,
    upload::{self, Upload, Uploading},
};
use crate::{
    respond::{Body, Problem},
    table::{BodyPlan, Endpoint, Received},
    upstream::grpc::{Metadata, Sending},
};

/// What is to be done where a stream of messages has no place in the request.
const NO_BODY: &str = "this method takes a stream of messages, and its rule has no body for them; \
                       open a WebSocket at this address and send each as a text message";

impl Served {
    /// A call whose messages come one after the other in the body.
    pub(super) async fn take_many(
        &self,
        endpoint: Arc<Endpoint>,
        variables: Values<'_>,
        call: Call<'_>,
        body: Incoming,
    ) -> Result<Response<Body>, Problem> {
        if let BodyPlan::None = endpoint.body {
            return Err(Problem::UpgradeRequired { why: NO_BODY });
        }
        let headers = &call.head.headers;
        let form = upload::Form::of(&endpoint, headers)?;
        let body = Pieces::of(headers, body)?;
        let bindings = bindings(&endpoint, &variables, call.head)?;
        let (limit, deadline) = time_limit(headers, self.options.stream_timeout)?;
        let late = || timed_out(&endpoint.method.service, limit);
        let metadata = Metadata {
            id: call.id,
            headers,
            rules: self.rules(),
            deadline,
            rpc: Some(endpoint.method.rpc),
            trace: call.entry.trace(),
        };
        let upstream = &self.upstreams[endpoint.method.upstream];
        let begun = upstream.begin(&endpoint.method.path, &metadata);
        let begun = timeout_at(deadline, begun).await.map_err(|_| late())?;
        let (sending, answering) = begun.map_err(|failure| failed(&endpoint, failure))?;
        let upload = Upload {
            endpoint: Arc::clone(&endpoint),
            body,
            form,
            bindings,
            message_bytes_max: self.options.body_bytes_max,
            patience: call.limits.call_timeout,
        };
        let mut response = match form_of(&endpoint, headers) {
            Some(form) => {
                let uploading = Some(Uploading::start(upload, sending));
                let calling = answering.messages();
                let live = Live::calling(Arc::clone(&endpoint), calling, uploading);
                let endpoint = Arc::clone(&endpoint);
                self.streamed(endpoint, live, form, call, (limit, deadline))
                    .await?
            }
            None => {
                let answer = async {
                    let messages = answering.messages().await;
                    let messages = messages.map_err(|failure| failed(&endpoint, failure))?;
                    self.in_one_piece(&endpoint, messages, call.limits.values_max)
                        .await
                };
                let answered = while_sending(upload, sending, answer);
                timeout_at(deadline, answered)
                    .await
                    .unwrap_or_else(|_| Err(late()))?
            }
        };
        if has_forms(&endpoint) {
            vary(response.headers_mut());
        }
        Ok(response)
    }
}

/// What path and query add to the first of several messages.
pub(super) fn bindings(
    endpoint: &Endpoint,
    variables: &Values<'_>,
    head: &Parts,
) -> Result<Bytes, Problem> {
    let query = Query::parse(head.uri.query().unwrap_or_default())?;
    endpoint.bindings(&Received {
        variables,
        query: &query,
        body: &[],
        media_type: "",
    })
}

/// Waits for `answer` while the client's messages are sent. A service that answers
/// before it has them all is not sent the others.
async fn while_sending(
    upload: Upload,
    sending: Sending,
    answer: impl Future<Output = Result<Response<Body>, Problem>>,
) -> Result<Response<Body>, Problem> {
    let limit = upload.patience;
    let service = Arc::clone(&upload.endpoint.method.service);
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        biased;
        answer = answer.as_mut() => return answer,
        sent = upload.run(sending) => sent?,
    }
    in_time(&service, limit, answer).await
}
