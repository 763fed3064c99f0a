//! The half of a call that sends a stream of messages. In: the call, and when its
//! messages are due; out: messages on the wire, none before the connection has room
//! for it, and the end of the stream with the last of them. What the target makes
//! of it is the other half's to tell: a target may answer, or give up, before it
//! has read everything.

use std::{cell::RefCell, future::poll_fn, sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use h2::SendStream;
use tokio::task::yield_now;

use super::{Call, CallError};
use crate::{
    counts::Window,
    exchange::RequestError,
    messages::{Pace, Progress, Sending},
    pacer::Pacer,
    template::Values,
};

/// What of messages that are sent at once goes into one frame of HTTP/2: frames of a
/// few bytes each cost both sides more than the messages, and servers take too many
/// of them for an attack.
const TOGETHER_BYTES: usize = 8 * 1024;

/// Makes the messages of one call and knows when it is time for them.
pub(crate) trait Source {
    /// The message of this index.
    fn message(&mut self, call: &Call, index: u32) -> Result<Bytes, CallError>;

    /// Waits until then.
    async fn wait(&self, due: Instant);
}

/// In a generator thread.
pub(crate) struct InThread<'a> {
    values: &'a RefCell<Values>,
    /// Of this request: those of the thread are others by the second message.
    of_call: (u32, u64, u64),
    pacer: &'a Pacer,
}

impl<'a> InThread<'a> {
    /// For the request whose values are set now.
    pub(crate) fn new(values: &'a RefCell<Values>, pacer: &'a Pacer) -> Self {
        let now = values.borrow();
        InThread {
            values,
            of_call: (now.user, now.iteration, now.request),
            pacer,
        }
    }
}

impl Source for InThread<'_> {
    fn message(&mut self, call: &Call, index: u32) -> Result<Bytes, CallError> {
        let mut values = self.values.borrow_mut();
        (values.user, values.iteration, values.request) = self.of_call;
        values.message = index;
        call.message(&mut values)
    }

    async fn wait(&self, due: Instant) {
        self.pacer.wait(due).await;
    }
}

/// Of a single request, before any load: nothing is measured by its waits.
impl Source for Values {
    fn message(&mut self, call: &Call, index: u32) -> Result<Bytes, CallError> {
        self.message = index;
        call.message(self)
    }

    async fn wait(&self, due: Instant) {
        tokio::time::sleep_until(due.into()).await;
    }
}

/// What one call sends.
pub(crate) struct Outgoing<S> {
    pub(super) sending: Sending,
    /// Made already, because a message that cannot be made is a call never made.
    first: Option<Bytes>,
    source: S,
}

impl<S: Source> Outgoing<S> {
    /// The messages of one request.
    ///
    /// # Errors
    ///
    /// When the first cannot be made.
    pub(crate) fn new(call: &Call, sending: Sending, mut source: S) -> Result<Self, CallError> {
        Ok(Outgoing {
            sending,
            first: Some(source.message(call, 0)?),
            source,
        })
    }

    fn message(&mut self, call: &Call, index: u32) -> Result<Bytes, RequestError> {
        match self.first.take() {
            Some(first) => Ok(first),
            None => self
                .source
                .message(call, index)
                .map_err(|error| RequestError::Unmade(error.to_string())),
        }
    }

    /// This message and those after it that go into the same frame, and how many
    /// they are.
    fn together(
        &mut self,
        call: &Call,
        index: u32,
        first: Bytes,
    ) -> Result<(Bytes, u32), RequestError> {
        let left = self.sending.messages() - index;
        if left == 1 || first.len() >= TOGETHER_BYTES {
            return Ok((first, 1));
        }
        let mut all = BytesMut::with_capacity(TOGETHER_BYTES);
        all.extend_from_slice(&first);
        let mut messages = 1;
        while messages < left && all.len() < TOGETHER_BYTES {
            all.extend_from_slice(&self.message(call, index + messages)?);
            messages += 1;
        }
        Ok((all.freeze(), messages))
    }

    /// Waits until the message of this index is due.
    async fn wait(&self, index: u32, shared: &Shared) {
        match self.sending.pace {
            Pace::AtOnce => {}
            Pace::WhenAnswered => shared.progress.answered(index.into()).await,
            Pace::Every(_) => {
                if let Some(due) = self.sending.due(index, shared.start, None) {
                    self.source.wait(due).await;
                }
            }
        }
    }
}

/// What the sending half shares with the reading one.
pub(crate) struct Shared {
    pub(crate) progress: Arc<Progress>,
    pub(crate) window: Option<Window>,
    /// When the call should have begun.
    pub(crate) start: Instant,
}

/// Sends all messages. A stream that takes no more ends it early and quietly.
///
/// # Errors
///
/// Only when a message cannot be made.
pub(super) async fn send<S: Source>(
    stream: &mut SendStream<Bytes>,
    call: &Call,
    outgoing: &mut Outgoing<S>,
    shared: &Shared,
) -> Result<(), RequestError> {
    let count = outgoing.sending.messages();
    let mut index = 0;
    while index < count {
        outgoing.wait(index, shared).await;
        let mut message = outgoing.message(call, index)?;
        let mut messages = 1;
        if outgoing.sending.pace == Pace::AtOnce {
            (message, messages) = outgoing.together(call, index, message)?;
        }
        index += messages;
        let is_last = index == count;
        if !has_room(stream, message.len()).await || stream.send_data(message, is_last).is_err() {
            return Ok(());
        }
        let window = shared.window.as_ref();
        shared.progress.sent(messages, Instant::now(), window);
        if outgoing.sending.pace == Pace::AtOnce {
            // Others of the thread are not to wait until a large window is full.
            yield_now().await;
        }
    }
    Ok(())
}

/// Waits until some of so many bytes may be sent, or says that none ever will. What
/// is over waits in the library: one message, because the next has no room before.
async fn has_room(stream: &mut SendStream<Bytes>, bytes: usize) -> bool {
    stream.reserve_capacity(bytes);
    while stream.capacity() == 0 {
        match poll_fn(|context| stream.poll_capacity(context)).await {
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return false,
        }
    }
    true
}

/// Reads and sends at the same time, until the answer is there.
pub(super) async fn both(
    sending: impl Future<Output = Result<(), RequestError>>,
    reading: impl Future<Output = Result<(), RequestError>>,
) -> Result<(), RequestError> {
    tokio::pin!(sending, reading);
    tokio::select! {
        // What has arrived is noted before more is sent.
        biased;
        outcome = &mut reading => outcome,
        sent = &mut sending => {
            sent?;
            reading.await
        }
    }
}
