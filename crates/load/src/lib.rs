//! The load engine: closed and open loops against HTTP/1.1 and gRPC targets. In: a
//! [`Load`], which says what to do to which address; out: a [`Sample`], with every
//! latency in histograms. It starts no target, reads no accounts of other
//! processes, and judges no figure.
//!
//! - `engine`, `shape`: a load from its start to its sample, and what may be asked
//! - `thread`: one thread of the generator
//! - `user`: one virtual user, or one worker of an open loop
//! - `schedule`, `pacer`: when iterations are due, and waiting for that
//! - `queue`: which worker of an open loop makes which of them
//! - `client`, `link`, `dialer`: a request, on which connection, and opening it
//! - `exchange`, `alarm`: what is seen of a request, and how long it may take
//! - `http1`, `grpc`: what is spoken on a connection
//! - `scenario`, `template`: the requests; `messages`: those that one call sends
//! - `counts`, `latencies`: what is counted, with the rule of what counts
//! - `traffic`: bytes and connections
//! - `self_check`: the generator's watch on itself

mod alarm;
mod client;
mod counts;
mod dialer;
mod engine;
mod exchange;
mod grpc;
mod http1;
mod latencies;
mod link;
mod messages;
mod pacer;
mod queue;
mod scenario;
mod schedule;
mod self_check;
mod shape;
mod template;
mod thread;
mod traffic;
mod user;

pub use client::try_once;
pub use counts::{Counts, Failure, Failures, Interval, Iterations, Route, Window};
pub use dialer::Tls;
pub use engine::{Generator, LatestInterval, Load, Sample, SoFar, StartError};
pub use exchange::RequestError;
pub use grpc::{Call, CallError};
pub use http1::Malformed;
pub use latencies::{Latencies, PackedLatencies, SIGNIFICANT_DIGITS};
pub use messages::{MESSAGES_MAX, MessagesError, Pace, Sending};
pub use scenario::{Protocol, Request, RequestTextError, Scenario};
pub use self_check::{LATE, ThreadCheck};
pub use shape::{Arrivals, ConnectionCount, Connections, Reuse, Shape};
pub use template::{Template, TemplateError, Values};
pub use traffic::Traffic;
pub use user::PAUSE_AFTER_FAILURE;
