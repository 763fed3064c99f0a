//! What one request is to the engine, whatever its protocol: what was seen of it
//! while it went on, and why it failed.

use std::{
    io,
    time::{Duration, Instant},
};

use crate::{counts::Failure, http1::Malformed};

/// What a client notes of a request and its answer. Kept and cleared by a user
/// from one request to the next, so that nothing is allocated for it.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// When the request had a connection, if it had to wait for one.
    pub(crate) sent: Option<Instant>,
    /// Arrival of the first message of a stream.
    pub(crate) first_message: Option<Instant>,
    /// Arrival of its latest message.
    latest_message: Option<Instant>,
    /// From one message of a stream to the next.
    pub(crate) gaps: Vec<Duration>,
    /// Messages of the answer.
    pub(crate) messages: u64,
}

impl Observed {
    /// Forgets everything, keeping the memory.
    pub(crate) fn clear(&mut self) {
        let mut gaps = std::mem::take(&mut self.gaps);
        gaps.clear();
        *self = Observed {
            gaps,
            ..Observed::default()
        };
    }

    /// A message of a stream has arrived, whole.
    pub(crate) fn message(&mut self, at: Instant) {
        self.messages += 1;
        match self.latest_message.replace(at) {
            Some(before) => self.gaps.push(at - before),
            None => self.first_message = Some(at),
        }
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
        match error.kind() {
            io::ErrorKind::AddrNotAvailable => RequestError::LocalPort(error),
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
            RequestError::Closed(_) => Failure::Closed,
            RequestError::Timeout(_) => Failure::Timeout,
            RequestError::Status(_) | RequestError::GrpcStatus { .. } => Failure::Status,
            RequestError::Malformed(_)
            | RequestError::MalformedGrpc(_)
            | RequestError::Unmade(_) => Failure::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_local_ports_is_not_the_targets_failure() {
        for (error, expected) in [
            (io::ErrorKind::AddrNotAvailable, Failure::LocalPort),
            (io::ErrorKind::ConnectionRefused, Failure::Connect),
        ] {
            assert_eq!(RequestError::connect(error.into()).kind(), expected);
        }
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
        assert_eq!(observed.gaps, [3, 12].map(Duration::from_millis));
        assert_eq!(observed.messages, 3);
        observed.clear();
        assert_eq!(observed.first_message, None);
        observed.message(at(30));
        assert_eq!(observed.gaps, [], "the stream before is forgotten");
    }
}
