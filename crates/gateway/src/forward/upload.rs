//! The messages of a request's body, sent on while they arrive: one as soon as all of
//! it is there, and the next piece of the body is read only when the service has
//! taken what came before. In: a body that is a list, lines, or bytes of any type;
//! out: framed messages, or the first thing that is wrong. What the service answers
//! meanwhile is somebody else's to read.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use tokio::{task::JoinHandle, time::timeout};
use transcode::{Separated, SplitError, Splitter, Text};

use super::body::{self, Pieces};
use crate::{
    respond::Problem,
    table::{BodyPlan, Content, Endpoint},
    upstream::grpc::{Closed, Sending},
};

/// Messages that came together are sent on together, up to about this many bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// What a body is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Json(Separated),
    /// Parts of a `google.api.HttpBody` of this type.
    Bytes(String),
}

impl Form {
    /// The form of a body with these headers.
    pub(super) fn of(endpoint: &Endpoint, headers: &HeaderMap) -> Result<Self, Problem> {
        let media_type = body::media_type(headers);
        if let BodyPlan::Raw(_) = endpoint.body {
            return Ok(Form::Bytes(media_type.to_owned()));
        }
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is = |known: &&str| essence.eq_ignore_ascii_case(known);
        if LINES.iter().any(is) {
            return Ok(Form::Json(Separated::Lines));
        }
        match body::media_type_is_json(headers) {
            true => Ok(Form::Json(Separated::Elements)),
            false => Err(body::not_json(headers)),
        }
    }
}

/// Types of a message a line; the first is ours, the others are in use for the same.
const LINES: [&str; 3] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
];

/// A body on its way.
pub(super) struct Upload {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) body: Pieces,
    pub(super) form: Form,
    /// The end of the first message.
    pub(super) bindings: Bytes,
    /// Bytes of one message.
    pub(super) message_bytes_max: usize,
    /// How long the client may be silent.
    pub(super) patience: Duration,
}

impl Upload {
    /// Sends everything. Ends early, and well, when the service takes nothing more.
    pub(super) async fn run(mut self, mut sending: Sending) -> Result<(), Problem> {
        let sent = match std::mem::replace(&mut self.form, Form::Bytes(String::new())) {
            Form::Json(separated) => self.texts(separated, &mut sending).await?,
            Form::Bytes(media_type) => self.bytes(&media_type, &mut sending).await?,
        };
        if sent.is_ok() {
            sending.finish();
        }
        Ok(())
    }

    async fn texts(
        &mut self,
        separated: Separated,
        sending: &mut Sending,
    ) -> Result<Result<(), Closed>, Problem> {
        let mut splitter = Splitter::new(separated, self.message_bytes_max);
        let mut number = 0;
        let mut framed = BytesMut::new();
        loop {
            let arrived = self.next().await?;
            match &arrived {
                Some(bytes) => splitter.push(bytes),
                None => splitter.end(),
            }
            loop {
                let text = splitter.next_value();
                number += 1;
                let Some(text) = text.map_err(|error| unsplit(error, number))? else {
                    number -= 1;
                    break;
                };
                framed.extend_from_slice(&self.message(text, number)?);
                if framed.len() >= CHUNK_BYTES
                    && let Err(closed) = sending.send(framed.split().freeze()).await
                {
                    return Ok(Err(closed));
                }
            }
            if let Err(closed) = sending.send(framed.split().freeze()).await {
                return Ok(Err(closed));
            }
            if arrived.is_none() {
                return Ok(Ok(()));
            }
        }
    }

    fn message(&mut self, text: Text<'_>, number: usize) -> Result<Bytes, Problem> {
        let Text { json, place } = text;
        let bindings = std::mem::take(&mut self.bindings);
        let message = self.endpoint.message(Content::Json(json), &bindings);
        message.map_err(|error| Problem::BadMessage {
            number,
            error: Box::new(place.of(error)),
        })
    }

    /// A message for each piece that arrives, and one at least.
    async fn bytes(
        &mut self,
        media_type: &str,
        sending: &mut Sending,
    ) -> Result<Result<(), Closed>, Problem> {
        let (mut media_type, mut number) = (media_type, 0);
        loop {
            let arrived = self.next().await?;
            if arrived.is_none() && number > 0 {
                return Ok(Ok(()));
            }
            let mut data = arrived.unwrap_or_default();
            loop {
                number += 1;
                let piece = data.split_to(data.len().min(self.message_bytes_max.max(1)));
                let content = Content::Bytes {
                    media_type: std::mem::take(&mut media_type),
                    data: &piece,
                };
                let bindings = std::mem::take(&mut self.bindings);
                let message = self.endpoint.message(content, &bindings);
                let message = message.map_err(|error| Problem::BadMessage {
                    number,
                    error: Box::new(error),
                })?;
                if let Err(closed) = sending.send(message).await {
                    return Ok(Err(closed));
                }
                if data.is_empty() {
                    break;
                }
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let limit = self.patience;
        let next = timeout(limit, self.body.next()).await;
        next.unwrap_or(Err(Problem::BodyTooSlow { limit }))
    }
}

fn unsplit(error: SplitError, number: usize) -> Problem {
    match error {
        SplitError::Malformed(error) => Problem::BadBody(Box::new(error)),
        SplitError::TooLarge { max } => Problem::MessageTooLarge { number, max },
    }
}

/// An upload that goes on by itself while the answer is taken; dropping it ends it.
pub(super) struct Uploading(JoinHandle<Result<(), Problem>>);

impl Uploading {
    /// Must be called on the worker's runtime.
    pub(super) fn start(upload: Upload, sending: Sending) -> Self {
        Uploading(tokio::spawn(upload.run(sending)))
    }

    /// Ready when nothing more is sent.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Problem>> {
        // It is not aborted before it is dropped, and does not panic.
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|ended| ended.unwrap_or(Ok(())))
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        self.0.abort();
    }
}
