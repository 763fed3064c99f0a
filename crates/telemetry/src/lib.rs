//! What a role tells of itself while it runs. In: what happens to requests, calls and
//! connections, counted where it happens, in cells of the worker's own; out: sums of
//! those cells in Prometheus' text format, made when somebody asks. Every metric there
//! is has a line in [`table`], from which exposition, documentation, dashboard and rules
//! are made or checked; and what is recorded of single requests, which is sent to a
//! collector where an operator wants that ([`traces`]). It knows nothing of the roles.

mod buckets;
mod cells;
mod frames;
mod gather;
mod growing;
mod listener;
mod names;
#[cfg(target_os = "linux")]
mod process;
mod registry;
mod reloads;
pub mod table;
pub mod traces;
mod upstream;
mod worker;

pub use buckets::{BYTES, SECONDS};
pub use frames::Frames;
pub use gather::{Gathered, Value};
pub use listener::{Closed, Listener};
pub use names::{ClientId, Route, Rpc, RpcId, RpcType};
pub use registry::{Limits, Source, Telemetry};
pub use reloads::Reloads;
pub use traces::{Trace, Traces};
pub use upstream::Upstream;
pub use worker::{Ended, HttpMethod, Outcome, Side, Worker};
