//! JSON and query strings on one side, protobuf on the other: pure functions
//! over bytes, no IO and no clock.

pub(crate) mod frame;
pub(crate) mod hello;
pub(crate) mod numbers;
pub(crate) mod params;
