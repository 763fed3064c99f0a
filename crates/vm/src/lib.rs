//! The system on virtual machines: which machines there are, and what runs their instructions.

mod acceleration;
mod topology;

pub use acceleration::{Acceleration, Finding, try_kvm};
pub use topology::{Machine, Memory, Name, Problem, Problems, Topology};
