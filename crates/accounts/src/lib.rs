//! What processes cost, and how busy the machine was. In: names of roles with
//! their process ids; out: for each role, and for the generator (this process),
//! one [`Cost`] for the time between two readings. Everything is read from the
//! operating system (`/proc`, processor clocks, netlink), so that nothing has to
//! be built into the programs measured. Known on Linux; elsewhere every figure
//! is absent, and process ids are refused rather than ignored.
//!
//! Nothing here waits, starts a thread or judges a figure: who calls decides
//! when the window opens, and what a high steal share means for a result.
//!
//! - [`Accounts`]: the processes, held open and read;
//! - [`Cost`], [`MachineLoad`]: the figures;
//! - [`Machine`]: what the run took place on;
//! - [`affinity`]: which processors a thread may use.

mod accounts;
pub mod affinity;
mod cost;
mod machine;
mod sockets;

// One of the two, with the same items.
#[cfg_attr(target_os = "linux", path = "linux/mod.rs")]
#[cfg_attr(not(target_os = "linux"), path = "absent.rs")]
mod platform;

pub use accounts::{Accounts, GENERATOR, Glance, OpenError, Pids, Reading, RoleGlance};
pub use cost::{Bytes, Cost, Costs, MachineLoad, Switches};
pub use machine::Machine;
pub use platform::own_thread_cpu;
