//! The messages that one call sends: how many, when each is due, and what was seen
//! of them. In: [`Sending`], as an experiment has it; out: due times for the half
//! of a call that sends, and the length of each round trip for the half that
//! reads. It sends nothing itself.
//!
//! The n-th message of an answer is taken for the answer to the n-th that was sent:
//! what a method answers otherwise has a latency as a whole, and its round trips
//! mean nothing. A round trip counts from when its message was *due*, which for a
//! paced call is the call's intended start and so many steps after it, sent by then
//! or not; so an answer that is late makes those behind it late as well, and none
//! of that is left out. A call that sends all its messages at once has no round
//! trips: they would be the length of the queue that it makes.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::counts::Window;

/// Messages of one call at the most: with a pace of a millisecond a quarter of an
/// hour.
pub const MESSAGES_MAX: u32 = 1_000_000;

/// What a call to a method that takes a stream sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sending {
    messages: u32,
    pub(crate) pace: Pace,
}

/// When each message of a call is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// When the one before has been answered.
    WhenAnswered,
    /// As soon as the connection has room for it.
    AtOnce,
    /// One every so long, from the call's intended start.
    Every(Duration),
}

/// Not a number of messages that a call can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} messages a call; give 1 to {MESSAGES_MAX}")]
pub struct MessagesError(u32);

impl Sending {
    /// So many messages at this pace.
    ///
    /// # Errors
    ///
    /// [`MessagesError`] for none and for more than [`MESSAGES_MAX`].
    pub fn new(messages: u32, pace: Pace) -> Result<Sending, MessagesError> {
        match messages {
            1..=MESSAGES_MAX => Ok(Sending { messages, pace }),
            _ => Err(MessagesError(messages)),
        }
    }

    /// How many.
    #[must_use]
    pub fn messages(&self) -> u32 {
        self.messages
    }

    /// Whether it is known when each message is due.
    pub(crate) fn has_round_trips(&self) -> bool {
        self.pace != Pace::AtOnce
    }

    /// When the message of this index is due, in a call that should have begun at
    /// `start` and had its latest answer at `answered`; none where it is not known.
    pub(crate) fn due(
        &self,
        index: u32,
        start: Instant,
        answered: Option<Instant>,
    ) -> Option<Instant> {
        match self.pace {
            Pace::WhenAnswered => Some(answered.unwrap_or(start)),
            Pace::AtOnce => None,
            // Beyond what the clock can express it is not due.
            Pace::Every(every) => start.checked_add(every.saturating_mul(index)),
        }
    }
}

/// What the sending half of a call tells the reading one, and the other way round.
/// Kept by a user from call to call; only one of them writes at a time.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    sent: AtomicU64,
    sent_in_window: AtomicU64,
    answered: AtomicU64,
    another: Notify,
}

impl Progress {
    pub(crate) fn reset(&self) {
        for count in [&self.sent, &self.sent_in_window, &self.answered] {
            count.store(0, Relaxed);
        }
    }

    /// So many messages have been handed to the connection.
    pub(crate) fn sent(&self, messages: u32, at: Instant, window: Option<&Window>) {
        add(&self.sent, messages);
        if window.is_some_and(|window| window.holds(at)) {
            add(&self.sent_in_window, messages);
        }
    }

    /// A message of the answer has arrived.
    pub(crate) fn answered_one(&self) {
        add(&self.answered, 1);
        self.another.notify_one();
    }

    /// Waits until so many messages have been answered.
    pub(crate) async fn answered(&self, messages: u64) {
        while self.answered.load(Relaxed) < messages {
            self.another.notified().await;
        }
    }

    #[cfg(test)]
    pub(crate) fn sent_in_all(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    pub(crate) fn sent_in_window(&self) -> u64 {
        self.sent_in_window.load(Relaxed)
    }
}

/// For a single writer.
fn add(count: &AtomicU64, more: u32) {
    count.store(count.load(Relaxed) + u64::from(more), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_sends_one_message_or_more() {
        for (messages, expected) in [(0, false), (1, true), (MESSAGES_MAX, true)] {
            let sending = Sending::new(messages, Pace::AtOnce);
            assert_eq!(sending.is_ok(), expected, "{messages}");
        }
        let error = Sending::new(MESSAGES_MAX + 1, Pace::AtOnce).expect_err("too many");
        assert_eq!(
            error.to_string(),
            "1000001 messages a call; give 1 to 1000000"
        );
    }

    #[test]
    fn a_message_is_due_by_the_calls_own_clock() {
        let start = Instant::now();
        let late = start + Duration::from_millis(70);
        let due = |pace, index, answered| {
            let sending = Sending::new(9, pace).expect("some");
            sending.due(index, start, answered)
        };
        let every = Pace::Every(Duration::from_millis(5));
        // Whatever came of those before it.
        let third = start + Duration::from_millis(10);
        assert_eq!(due(every, 2, Some(late)), Some(third));
        assert_eq!(due(every, 0, None), Some(start));
        assert_eq!(due(Pace::WhenAnswered, 0, None), Some(start));
        assert_eq!(due(Pace::WhenAnswered, 3, Some(late)), Some(late));
        assert_eq!(due(Pace::AtOnce, 3, Some(late)), None);
        assert_eq!(due(Pace::Every(Duration::MAX), 2, None), None);
    }

    #[tokio::test]
    async fn whoever_waits_for_an_answer_hears_of_it() {
        let progress = Progress::default();
        progress.answered(0).await;
        progress.answered_one();
        // Told before anybody waited.
        progress.answered(1).await;
        tokio::join!(progress.answered(2), async { progress.answered_one() });
        progress.reset();
        let again = std::pin::pin!(progress.answered(1));
        tokio::join!(again, async { progress.answered_one() });
    }
}
