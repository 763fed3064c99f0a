//! What the tests of the workspace share, and nothing that is shipped: real
//! processes on free ports, an HTTP/1.1 client that hides nothing, a gRPC server of
//! any services, a collector of traces, a DNS server, a load balancer, network
//! namespaces, the foreign tools of this machine, and the check that
//! ARCHITECTURE.md tells the truth. Everything blocks and everything has a deadline,
//! so that a test reads from top to bottom and never hangs.

#![allow(clippy::panic, reason = "a panic is how a test fails")]

pub mod architecture;
pub mod backend;
mod background;
mod balancer;
mod chain;
pub mod collector;
pub mod http;
mod namespace;
#[cfg(target_os = "linux")]
pub mod proc;
mod processes;
mod program;
mod resolver;
mod script;
mod tools;
mod until;

pub use balancer::Balancer;
pub use chain::{Chain, Service, low_port};
pub use namespace::Namespace;
pub use processes::{Process, Whole};
pub use program::{Ended, Program};
#[cfg(unix)]
pub use program::{exists, signal};
pub use resolver::{Mood, Resolver};
pub use script::run;
pub use tools::{Tool, need};
pub use until::until;

use std::time::Duration;

/// For what is expected to happen: long enough for a machine that is busy.
pub const IN_TIME: Duration = Duration::from_secs(30);
