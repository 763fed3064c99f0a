//! The experiment: load on chains of services, accounts of what they cost,
//! tables and results. In: options as typed ([`Arguments`]); out: a folder of
//! results and a report. It goes one way, from samples (`load`) over figures
//! (`summary`) to text (`report`) and files (`results`); `run` tells the story.
//! Nothing here reads a command line or ends the process.

mod account;
mod descriptors;
mod error;
mod load;
mod machine;
mod plan;
mod ports;
mod progress;
mod published;
mod report;
mod results;
mod roles;
mod run;
mod summary;
mod target;

pub use error::Error;
pub use plan::{Arguments, Plan, Problems};
pub use run::{End, Outcome, Setting, run};
