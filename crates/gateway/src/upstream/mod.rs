//! The connections behind the gateway. Each worker has its own, so a call never
//! leaves the core that accepted it.

pub mod grpc;
pub mod rest;
