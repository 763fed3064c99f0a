//! The experiment: load on targets, accounts of what they cost, results. In: an
//! experiment as a file or as flags ([`Options`]); out: a folder of results and
//! a report. `plan` says what will be measured, `schedule` in which order, `run`
//! tells the story, `measuring` takes a block and `block` measures once, `summary` turns a sample into figures
//! and `marks` says which of them to doubt. Nothing here reads a command line or
//! ends the process.

mod block;
mod calibrate;
mod descriptors;
mod error;
mod marks;
mod measuring;
mod options;
mod output;
mod plan;
mod ports;
mod preview;
mod progress;
mod roles;
mod run;
mod schedule;
mod search;
mod summary;
mod target;

pub use calibrate::calibrate;
pub use error::Error;
pub use options::Options;
pub use output::{Compared, Report, compare, render};
pub use plan::{File, Plan, Problems};
pub use progress::Show;
pub use run::{End, Goal, Outcome, Setting, run};
