//! The roles of the laboratory as processes of this machine: started with
//! `pspd serve`, watched, and stopped. In comes the path of the executable and
//! what each role should listen on; out come addresses, process ids, log lines
//! and the news that a role has ended.
//!
//! One process a role, and not six tasks of one process, because what a role
//! costs (processor time, memory) is only known of a process, and because a
//! role that is killed must not take the others along. Nothing here speaks to
//! the roles over the network; readiness is a file that the role writes. Certificates for
//! all of them are made here, too, since who may call whom is known here.

mod error;
mod interrupts;
mod launch;
mod logs;
pub mod mutual;
mod ready;
mod running;
mod whole;

pub use error::{Error, LastLines};
pub use interrupts::Interrupts;
pub use launch::{Launch, Scheme, inherited_settings, upstream_flags, upstream_flags_over};
pub use logs::{Line, LogLines, Output, Source, channel};
pub use running::{Running, Stopped};
pub use whole::{Death, Options, System};
