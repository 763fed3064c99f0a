//! The first process of a small virtual machine.
