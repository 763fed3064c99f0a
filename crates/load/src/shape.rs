//! The shape of a load: who begins an iteration when, and over which connections.
//! Plain data, checked by [`Load::start`](crate::Load::start).

use std::time::Duration;

/// Who begins an iteration, and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Users that wait for their answers: a slow target is asked less often.
    Closed {
        /// How many.
        users: u32,
        /// One iteration a user in this time, whatever the answers take; without
        /// it the next one begins when a user is free.
        pace: Option<Duration>,
    },
    /// Iterations that arrive whether or not those before were answered, as they
    /// do from users who do not know of each other.
    Open {
        /// On average.
        iterations_per_second: f64,
        /// How they follow each other.
        arrivals: Arrivals,
        /// So many are made at once, each by a worker. More arrivals wait, in
        /// order, and their waiting is part of their latency.
        in_flight_max: u32,
    },
}

impl Shape {
    /// Users, or the workers of an open loop.
    #[must_use]
    pub fn users(&self) -> u32 {
        match *self {
            Shape::Closed { users, .. } => users,
            Shape::Open { in_flight_max, .. } => in_flight_max,
        }
    }
}

/// How the iterations of an open loop follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly, at multiples of the rate's reciprocal.
    Constant,
    /// As those of many independent users do: the gaps are exponentially
    /// distributed, and so there are bursts, which queues have to absorb.
    Poisson,
}

/// How users and connections go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// How many there are.
    pub count: ConnectionCount,
    /// How many requests a shared connection carries at once; HTTP/1.1 always
    /// carries one.
    pub streams_max: u32,
    /// What happens after a request.
    pub reuse: Reuse,
    /// HTTP/2 flow-control window of a stream.
    pub stream_window_bytes: u32,
    /// HTTP/2 flow-control window of a connection.
    pub connection_window_bytes: u32,
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionCount {
    /// Each user, or worker of an open loop, has its own.
    PerUser,
    /// So many for all users of all threads.
    Shared(u32),
}

/// What happens to a connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It is kept for the next request, if the target allows that.
    Keep,
    /// The generator closes it.
    NewEachRequest,
}
