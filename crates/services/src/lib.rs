//! The two services of the laboratory. [`logic`] decides what they answer;
//! [`grpc`] and [`rest`] are thin adapters that say it over gRPC and over
//! HTTP/1.1 JSON, so that a comparison of the two compares protocols alone.

pub mod grpc;
mod integer;
pub mod logic;
mod numbers;
mod openapi;
pub mod rest;

pub use logic::Limits;
