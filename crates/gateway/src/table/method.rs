//! One method of one upstream, as every way of calling it needs it.

use std::sync::Arc;

use http::uri::PathAndQuery;
use prost_reflect::{
    MethodDescriptor,
    prost_types::{MethodOptions, method_options::IdempotencyLevel},
};
use telemetry::{Route, RpcId, RpcType};
use transcode::{FieldPath, MessageId, Schema};

/// A method of one upstream.
#[derive(Debug)]
pub(crate) struct Method {
    /// Index among the upstreams.
    pub(crate) upstream: usize,
    /// The upstream's name.
    pub(crate) service: Arc<str>,
    /// What metrics know it by, and its own path.
    pub(crate) rpc: RpcId,
    pub(crate) route: Route,
    /// `/package.Service/Method`.
    pub(crate) path: PathAndQuery,
    pub(crate) kind: Kind,
    /// Its description says that calling it twice does what calling it once does.
    pub(crate) idempotent: bool,
    pub(crate) side_effects: SideEffects,
    pub(crate) schema: Arc<Schema>,
    pub(crate) input: MessageId,
    pub(crate) output: MessageId,
    /// `details` of `google.rpc.Status`.
    pub(crate) details: Option<FieldPath>,
}

/// How many messages go each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One each way.
    Unary,
    /// One there, any number back.
    ServerStreaming,
    /// Any number there, one back.
    ClientStreaming,
    /// Any number each way, at the same time.
    Bidirectional,
}

/// Whether the option `idempotency_level` says that a call may be made twice.
pub(super) fn is_idempotent(method: &MethodDescriptor) -> bool {
    use prost_reflect::prost_types::method_options::IdempotencyLevel;
    let options = method.method_descriptor_proto().options.as_ref();
    options.is_some_and(|options| {
        matches!(
            options.idempotency_level(),
            IdempotencyLevel::NoSideEffects | IdempotencyLevel::Idempotent
        )
    })
}

/// What a method says of itself (`idempotency_level`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SideEffects {
    /// None, so that it may be called by GET.
    None,
    /// Some, or it does not say.
    Some,
}

impl SideEffects {
    pub(crate) fn of(method: &MethodDescriptor) -> Self {
        let options = method.method_descriptor_proto().options.as_ref();
        match options.map(MethodOptions::idempotency_level) {
            Some(IdempotencyLevel::NoSideEffects) => SideEffects::None,
            _ => SideEffects::Some,
        }
    }
}

impl Kind {
    pub(crate) fn of(method: &MethodDescriptor) -> Self {
        match (method.is_client_streaming(), method.is_server_streaming()) {
            (false, false) => Kind::Unary,
            (false, true) => Kind::ServerStreaming,
            (true, false) => Kind::ClientStreaming,
            (true, true) => Kind::Bidirectional,
        }
    }

    /// As metrics call it.
    pub(crate) fn rpc_type(self) -> RpcType {
        match self {
            Kind::Unary => RpcType::Unary,
            Kind::ServerStreaming => RpcType::ServerStream,
            Kind::ClientStreaming => RpcType::ClientStream,
            Kind::Bidirectional => RpcType::BidiStream,
        }
    }

    /// Whether the client sends any number of messages.
    #[must_use]
    pub fn takes_many(self) -> bool {
        matches!(self, Kind::ClientStreaming | Kind::Bidirectional)
    }

    /// Whether the service sends any number of messages.
    #[must_use]
    pub fn answers_many(self) -> bool {
        matches!(self, Kind::ServerStreaming | Kind::Bidirectional)
    }
}
