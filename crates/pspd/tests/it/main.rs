//! Drives the real program over real sockets, with clients and peers that were
//! written elsewhere. One binary, one module a topic.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[cfg(target_os = "linux")]
mod attacks;
mod burst;
#[cfg(target_os = "linux")]
mod churn;
mod clients;
mod configuration;
mod containers;
mod docs;
#[cfg(unix)]
mod drain;
mod errors;
mod failures;
mod general;
mod golden;
mod grpc_peer;
mod guard;
#[cfg(target_os = "linux")]
mod k8s;
mod kill;
mod lab;
mod malformed;
mod metrics;
mod original;
mod packing;
mod page;
mod raw_client;
mod raw_peer;
mod rpc;
mod schema;
mod serve;
mod streaming;
mod tcp_peer;
mod tls;
mod traces;
mod unread;
mod up;
mod upstreams;
