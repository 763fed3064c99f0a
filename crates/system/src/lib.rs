//! The roles of the laboratory as processes of this machine: started with
//! `pspd serve`, watched, and stopped. In comes the path of the executable and
//! what each role should listen on; out come addresses, process ids, log lines
//! and the news that a role has ended.
//!
//! One process a role, and not six tasks of one process, because what a role
//! costs (processor time, memory) is only known of a process, and because a
//! role that is killed must not take the others along. Nothing here speaks to
//! the roles over the network; readiness is a file that the role writes.

mod error;
mod interrupts;
mod launch;
mod logs;
mod ready;
mod running;
mod whole;

pub use error::{Error, LastLines};
pub use interrupts::Interrupts;
pub use launch::{Launch, inherited_settings, upstream_flags};
pub use logs::{Line, LogLines, Output, Source, channel};
pub use running::{Running, Stopped};
pub use whole::{Death, Options, System};
