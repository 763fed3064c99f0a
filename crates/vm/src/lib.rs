//! The system on virtual machines: which machines there are, what boots in them, and QEMU or
//! libvirt, as they are installed, to run them.

mod topology;

pub use topology::{Machine, Memory, Name, Problem, Problems, Topology};
