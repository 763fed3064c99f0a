//! The load engine: closed and open loops against HTTP/1.1 and gRPC targets. In: a
//! [`Load`], which says what to do to which address; out: a [`Sample`], with every
//! latency in histograms. It starts no target, reads no accounts of other
//! processes, and judges no figure.
//!
//! - `engine`: a load from its start to its sample
//! - `thread`: one thread of the generator
//! - `user`: one virtual user, or one worker of an open loop
//! - `schedule`, `pacer`: when iterations are due, and waiting for that
//! - `client`, `link`, `dialer`: a request, on which connection, and opening it
//! - `http1`, `grpc`: what is spoken on it
//! - `scenario`, `template`: the requests
//! - `counts`, `latencies`: what is counted, with the rule of what counts
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
mod pacer;
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
pub use engine::{Generator, LatestInterval, Load, Sample, SoFar, StartError};
pub use exchange::RequestError;
pub use grpc::{Call, CallError};
pub use http1::Malformed;
pub use latencies::{Latencies, PackedLatencies, SIGNIFICANT_DIGITS};
pub use scenario::{Protocol, Request, RequestTextError, Scenario};
pub use self_check::{LATE, ThreadCheck};
pub use shape::{Arrivals, ConnectionCount, Connections, Reuse, Shape};
pub use template::{Template, TemplateError, Values};
pub use traffic::Traffic;
pub use user::PAUSE_AFTER_FAILURE;
