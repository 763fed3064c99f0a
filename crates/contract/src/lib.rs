//! What is fixed about the laboratory: the messages and services of
//! `proto/services.proto` (as published) and `proto/streams.proto` (the other two
//! kinds of call), and the roles with their published names and ports.
//! No behaviour lives here; see the `services` and `gateway` crates for that.

pub mod grpc_timeout;
mod role;

pub use role::{PUBLISHED_VARIABLES, Role, UnknownRole, VARIABLE_PREFIX};

/// Messages and server traits of package `pspd`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod pspd {
    tonic::include_proto!("pspd");
}

/// The compiled `services.proto` and `streams.proto` with their comments, as a
/// serialized `google.protobuf.FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/services.bin"));

/// Full name of the unary service.
pub const SERVICE_A: &str = "pspd.ServiceA";
/// Full name of the server-streaming service.
pub const SERVICE_B: &str = "pspd.ServiceB";
/// Full name of the client-streaming service, which role B serves as well.
pub const SERVICE_STATISTICS: &str = "pspd.Statistics";
/// Full name of the bidirectional service, which role B serves as well.
pub const SERVICE_ECHO: &str = "pspd.Echo";
