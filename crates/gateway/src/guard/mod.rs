//! Who may call the routes of services, and how often. In: a request's head and where
//! it comes from; out: nothing, or the problem that its client is told. The gateway's
//! own pages, its health over HTTP and gRPC, and a browser's question before a call are
//! not asked here. Off by default, and then nothing of it is on the path of a request.

mod client;
mod rates;
mod token;
mod verifier;

use std::{net::SocketAddr, sync::Arc};

use http::request::Parts;

pub use client::{BadProxies, TrustedProxies};
pub(crate) use rates::Rates;
pub use rates::{BadRate, Rate};
pub(crate) use token::TokenProblem;
pub use token::{BadKeys, Tokens};

use crate::respond::Problem;

/// What a client has to bring, and how often it may come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// Bearer tokens that are accepted; without, none is asked for.
    pub tokens: Option<Arc<Tokens>>,
    /// Requests of one client; without, as many as it likes.
    pub rate: Option<Rate>,
    /// Whose word is taken for where a request comes from.
    pub trusted_proxies: TrustedProxies,
}

/// Calls of this service are no business of a guard: what asks for the health of a
/// gateway has no token.
const HEALTH: &str = "/grpc.health.v1.Health/";

impl Guard {
    /// Whether every request may pass.
    pub(crate) fn is_open(&self) -> bool {
        self.tokens.is_none() && self.rate.is_none()
    }

    /// Lets a call pass, or says why not.
    pub(crate) fn check(
        &self,
        peer: SocketAddr,
        head: &Parts,
        rates: &Rates,
    ) -> Result<(), Problem> {
        if head.uri.path().starts_with(HEALTH) {
            return Ok(());
        }
        // The cheaper question first: it is what holds back who tries tokens out.
        if let Some(rate) = &self.rate {
            let client = self.trusted_proxies.client(peer.ip(), &head.headers);
            rates
                .admit(client, rate)
                .map_err(|wait| Problem::TooOften { wait })?;
        }
        match &self.tokens {
            None => Ok(()),
            Some(tokens) => tokens
                .check(&head.headers)
                .map_err(Problem::Unauthenticated),
        }
    }
}
