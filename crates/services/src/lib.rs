//! The two services of the laboratory. [`logic`] decides what they answer;
//! [`grpc`] and [`rest`] are thin adapters that say it over gRPC and over
//! HTTP/1.1 JSON, so that a comparison of the two compares protocols alone.
//! [`statistics`] and `conversation` are what gRPC's B does beside that, with
//! streams of requests, for which REST has no call.

mod conversation;
pub mod grpc;
mod integer;
pub mod logic;
mod numbers;
mod openapi;
pub mod rest;
pub mod statistics;

pub use logic::Limits;
