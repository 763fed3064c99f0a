//! Why a service or a method could not be described, and what to do about it.

use std::time::Duration;

/// Why there is no description.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// The target's name is not one.
    #[error("cannot ask {given:?} for its services: {reason}; give a host and a port, host:port")]
    Target {
        /// The target as given.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The target does not answer as a gRPC server does.
    #[error(
        "cannot ask {target} for its services: {reason}; check that it serves gRPC in plain text \
         there, or describe it by its .proto files or a descriptor set"
    )]
    Unreachable {
        /// Host and port.
        target: String,
        /// What went wrong.
        reason: String,
    },
    /// The target serves gRPC without reflection.
    #[error(
        "{target} has no reflection, neither v1 nor v1alpha; switch it on there, or describe \
         the service by its .proto files or a descriptor set"
    )]
    NoReflection {
        /// Host and port.
        target: String,
    },
    /// The target's reflection does not describe its services.
    #[error(
        "the reflection of {target} does not describe its services: {reason}; describe them \
         by its .proto files or a descriptor set"
    )]
    Reflection {
        /// Host and port.
        target: String,
        /// What is wrong with its answers.
        reason: String,
    },
    /// The target's reflection took too long.
    #[error(
        "{target} has not described its services within {timeout:?}; check that it serves gRPC \
         there, or describe it by its .proto files or a descriptor set"
    )]
    Timeout {
        /// Host and port.
        target: String,
        /// How long it was waited for.
        timeout: Duration,
    },
    /// The target's description is too large.
    #[error(
        "the description of {target} has more than {bytes_max} bytes; describe the one service \
         that matters by its .proto files or a descriptor set"
    )]
    TooLarge {
        /// Host and port.
        target: String,
        /// The limit.
        bytes_max: usize,
    },
    /// A `.proto` file cannot be used.
    #[error(
        "cannot read the .proto files: {reason}; imports and files are looked for in the \
         include directories: {includes}"
    )]
    Proto {
        /// What is wrong, and where.
        reason: String,
        /// Where files were looked for.
        includes: String,
    },
    /// The bytes are not a descriptor set.
    #[error(
        "cannot read the descriptor set: {reason}; make one with \
         `protoc --include_imports --descriptor_set_out=FILE`"
    )]
    DescriptorSet {
        /// What is wrong with it.
        reason: String,
    },
    /// The description has no such method.
    #[error("no method is called {given:?}; {hint}")]
    NoMethod {
        /// The name as given.
        given: String,
        /// What there is instead.
        hint: String,
    },
}
