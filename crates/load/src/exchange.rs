//! What one request is to the engine, whatever its protocol: what was seen of it
//! while it went on, and why it failed.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    counts::{Failure, Ledger, Window},
    grpc::Shared,
    http1::Malformed,
    messages::{Pace, Progress, Sending},
};

/// How many gaps of a stream are kept before they are counted: a stream may have any
/// number of messages.
const GAPS_MAX: usize = 256;

/// What a client notes of a request and its answer. Kept by a user from one request
/// to the next, so that nothing is allocated for it.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// When the request had a connection, if it had to wait for one.
    pub(crate) sent: Option<Instant>,
    /// Arrival of the first message of a stream.
    pub(crate) first_message: Option<Instant>,
    /// Arrival of its latest message.
    latest_message: Option<Instant>,
    /// From one message of a stream to the next: those that are not counted yet.
    gaps: Vec<Duration>,
    /// Messages of the answer.
    pub(crate) messages: u64,
    /// Those of a stream that arrived in the window.
    pub(crate) received_in_window: u64,
    /// Of a call that sends a stream: what it sends, and when it should have begun.
    sends: Option<(Sending, Instant)>,
    /// What its sending half tells.
    pub(crate) progress: Arc<Progress>,
    /// From when a message was due to its answer: those that are not counted yet.
    round_trips: Vec<Duration>,
    /// Where many gaps are counted while a stream goes on; without it they are lost.
    counted: Option<Counted>,
}

/// Where the gaps of a stream belong.
#[derive(Debug)]
struct Counted {
    ledger: Ledger,
    window: Window,
    route: usize,
    intended: Instant,
}

impl Observed {
    /// Of requests that are counted in `ledger`.
    pub(crate) fn counted_in(ledger: Ledger) -> Observed {
        let window = ledger.lock().window();
        Observed {
            counted: Some(Counted {
                ledger,
                window,
                route: 0,
                intended: Instant::now(),
            }),
            ..Observed::default()
        }
    }

    /// Forgets everything for a request of this route that should begin at this
    /// instant, keeping the memory.
    pub(crate) fn begin(&mut self, route: usize, intended: Instant) {
        if let Some(counted) = &mut self.counted {
            (counted.route, counted.intended) = (route, intended);
        }
        (self.sent, self.first_message, self.latest_message) = (None, None, None);
        self.gaps.clear();
        self.round_trips.clear();
        (self.messages, self.received_in_window) = (0, 0);
        if self.sends.take().is_some() {
            self.progress.reset();
        }
    }

    /// The call is about to send a stream of messages.
    pub(crate) fn sends(&mut self, sending: Sending) -> Shared {
        let intended = self.counted.as_ref().map(|counted| counted.intended);
        let start = intended.unwrap_or_else(Instant::now);
        self.sends = Some((sending, start));
        Shared {
            progress: Arc::clone(&self.progress),
            window: self.counted.as_ref().map(|counted| counted.window),
            start,
        }
    }

    /// When the message was due that the next one of the answer is taken for the
    /// answer to.
    fn due(&self, index: u64) -> Option<Instant> {
        let (sending, start) = self.sends?;
        let index = u32::try_from(index).ok()?;
        let is_sent = index < sending.messages();
        sending
            .due(index, start, self.latest_message)
            .filter(|_| is_sent)
    }

    /// A message of a stream has arrived, whole.
    pub(crate) fn message(&mut self, at: Instant) {
        if self.sends.is_some() {
            // One that is there before it was due is no answer.
            let due = self.due(self.messages);
            if let Some(trip) = due.and_then(|due| at.checked_duration_since(due)) {
                if self.round_trips.len() == GAPS_MAX {
                    self.count_round_trips();
                }
                self.round_trips.push(trip);
            }
            self.progress.answered_one();
        }
        if self
            .counted
            .as_ref()
            .is_some_and(|counted| counted.window.holds(at))
        {
            self.received_in_window += 1;
        }
        self.messages += 1;
        match self.latest_message.replace(at) {
            Some(before) => {
                if self.gaps.len() == GAPS_MAX {
                    self.count_gaps();
                }
                self.gaps.push(at - before);
            }
            None => self.first_message = Some(at),
        }
    }

    fn count_gaps(&mut self) {
        if let Some(counted) = &self.counted {
            let mut ledger = counted.ledger.lock();
            ledger.record_gaps(counted.route, counted.intended, &self.gaps);
        }
        self.gaps.clear();
    }

    fn count_round_trips(&mut self) {
        if let Some(counted) = &self.counted {
            let mut ledger = counted.ledger.lock();
            ledger.record_round_trips(counted.route, counted.intended, &self.round_trips);
        }
        self.round_trips.clear();
    }

    /// Round trips that are not counted yet.
    pub(crate) fn round_trips(&self) -> &[Duration] {
        &self.round_trips
    }

    /// How long the messages had been due at `ended` that had no answer by then.
    pub(crate) fn unanswered(&self, ended: Instant) -> impl Iterator<Item = Duration> {
        let last = match self.sends {
            // One at a time.
            Some((sending, _)) if sending.pace == Pace::WhenAnswered => self.messages + 1,
            Some((sending, _)) => sending.messages().into(),
            None => 0,
        };
        (self.messages..last).map_while(move |index| ended.checked_duration_since(self.due(index)?))
    }

    /// Gaps that are not counted yet.
    pub(crate) fn gaps(&self) -> &[Duration] {
        &self.gaps
    }

    /// How long there had been no message at `ended`, if there was one before.
    pub(crate) fn since_latest_message(&self, ended: Instant) -> Option<Duration> {
        Some(ended - self.latest_message?)
    }
}

/// Why one request failed, in detail; reports keep the kind alone.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The target did not take the connection.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// The generator's own machine had nothing to connect from.
    #[error("no connection can leave this machine: {0}")]
    LocalPort(io::Error),
    /// The generator's own machine had no descriptor or memory for a connection.
    #[error("this machine has no room for a connection: {0}; raise its limits (ulimit -n)")]
    Unsent(io::Error),
    /// The connection, or the stream on it, ended early.
    #[error("the connection broke before the answer was complete: {0}")]
    Closed(io::Error),
    /// The answer took too long.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// The HTTP status is not 2xx.
    #[error("the answer's status is {0}")]
    Status(u16),
    /// The gRPC status is not OK.
    #[error("the answer's gRPC status is {code}: {message}")]
    GrpcStatus {
        /// The number of the status, 1 to 16, or what the peer sent instead.
        code: i32,
        /// Its message, percent-decoded.
        message: String,
    },
    /// The request itself cannot be made from its template.
    #[error("the request cannot be made: {0}")]
    Unmade(String),
    /// The answer breaks its protocol.
    #[error("the answer is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// The answer breaks gRPC.
    #[error("the answer is malformed: {0}")]
    MalformedGrpc(String),
}

impl RequestError {
    pub(crate) fn connect(error: io::Error) -> RequestError {
        match error.raw_os_error() {
            Some(code) if NO_ROOM.contains(&code) => RequestError::Unsent(error),
            _ if error.kind() == io::ErrorKind::AddrNotAvailable => RequestError::LocalPort(error),
            _ => RequestError::Connect(error),
        }
    }

    /// The peer is gone, in the middle of things.
    pub(crate) fn gone() -> RequestError {
        RequestError::Closed(io::ErrorKind::UnexpectedEof.into())
    }

    pub(crate) fn kind(&self) -> Failure {
        match self {
            RequestError::Connect(_) => Failure::Connect,
            RequestError::LocalPort(_) => Failure::LocalPort,
            RequestError::Unsent(_) | RequestError::Unmade(_) => Failure::Unsent,
            RequestError::Closed(_) => Failure::Closed,
            RequestError::Timeout(_) => Failure::Timeout,
            RequestError::Status(_) | RequestError::GrpcStatus { .. } => Failure::Status,
            RequestError::Malformed(_) | RequestError::MalformedGrpc(_) => Failure::Malformed,
        }
    }
}

/// What systems say when they have no descriptor, buffer or memory for a socket:
/// `EMFILE`, `ENFILE`, `ENOBUFS` and `ENOMEM`.
#[cfg(target_os = "linux")]
const NO_ROOM: [i32; 4] = [24, 23, 105, 12];
#[cfg(all(unix, not(target_os = "linux")))]
const NO_ROOM: [i32; 4] = [24, 23, 55, 12];
/// `WSAEMFILE`, `WSAENOBUFS` and `ERROR_NOT_ENOUGH_MEMORY`.
#[cfg(windows)]
const NO_ROOM: [i32; 3] = [10_024, 10_055, 8];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::{Counts, Recorder, Window};

    #[test]
    fn what_this_machine_lacks_is_not_the_targets_failure() {
        for (error, expected) in [
            (io::ErrorKind::AddrNotAvailable, Failure::LocalPort),
            (io::ErrorKind::ConnectionRefused, Failure::Connect),
        ] {
            assert_eq!(RequestError::connect(error.into()).kind(), expected);
        }
        for code in NO_ROOM {
            let error = RequestError::connect(io::Error::from_raw_os_error(code));
            assert_eq!(error.kind(), Failure::Unsent, "{error}");
        }
        let unmade = RequestError::Unmade("no room for -1".to_owned());
        assert_eq!(unmade.kind(), Failure::Unsent);
        assert!(!Failure::Unsent.is_the_targets());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_codes_are_those_of_the_system() {
        use nix::errno::Errno;
        let codes = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
        assert_eq!(NO_ROOM, codes.map(|code| code as i32));
    }

    #[test]
    fn a_stream_of_messages_is_its_first_arrival_and_the_gaps() {
        let mut observed = Observed::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        for ms in [5, 8, 20] {
            observed.message(at(ms));
        }
        assert_eq!(observed.first_message, Some(at(5)));
        assert_eq!(observed.gaps(), [3, 12].map(Duration::from_millis));
        assert_eq!(observed.messages, 3);
        let open = observed.since_latest_message(at(25));
        assert_eq!(open, Some(Duration::from_millis(5)));
        observed.begin(0, at(28));
        assert_eq!(observed.first_message, None);
        assert_eq!(observed.since_latest_message(at(29)), None);
        observed.message(at(30));
        assert!(observed.gaps().is_empty(), "the stream before is forgotten");
    }

    #[test]
    fn a_stream_without_end_takes_no_memory_and_loses_no_gap() {
        let start = Instant::now();
        let window = Window {
            start,
            end: start + Duration::from_secs(60),
        };
        let ledger = Ledger::new(Recorder::new(window, 2, Duration::from_secs(1)));
        let mut observed = Observed::counted_in(ledger.clone());
        observed.begin(1, start);
        for ms in 0..100_000 {
            observed.message(start + Duration::from_millis(ms));
        }
        assert!(observed.gaps.capacity() <= GAPS_MAX);
        ledger.lock().record_gaps(1, start, observed.gaps());
        let gaps = Counts::of(&window, &[&ledger.lock()]).routes[1]
            .gaps
            .clone();
        assert_eq!(gaps.count(), 99_999);
        assert_eq!(gaps.max(), Some(Duration::from_millis(1)));

        // Of a stream of the warm-up none counts.
        observed.begin(0, start - Duration::from_secs(1));
        for ms in 0..1_000 {
            observed.message(start + Duration::from_millis(ms));
        }
        let gaps = Counts::of(&window, &[&ledger.lock()]).routes[0]
            .gaps
            .clone();
        assert_eq!(gaps.count(), 0);
    }
}
