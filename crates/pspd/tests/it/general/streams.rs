//! Methods of all four kinds: streams of requests over plain HTTP, and every kind
//! over a WebSocket.

mod bytes;
mod clients;
mod crowds;
mod frames;
mod peer;
mod sockets;
mod uploads;

use std::{net::SocketAddr, sync::LazyLock};

use contract::Role;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{
    Process,
    backend::{self, Backend, Received, Reply},
    http::{self, Response},
    until,
};

use super::{PSPD, configuration, data, protos, upstream};
use peer::Peer;

static SCHEMA: LazyLock<DescriptorPool> =
    LazyLock::new(|| backend::compile(&[data("streams.proto")]));

/// A gateway with the services of `streams.proto` behind it.
struct Talks {
    gateway: Process,
    backend: Backend,
    _folder: TempDir,
}

const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");
const JSON: (&str, &str) = ("Content-Type", "application/json");

impl Talks {
    #[track_caller]
    fn start() -> Talks {
        Talks::start_with("", &[])
    }

    #[track_caller]
    fn start_with(more: &str, args: &[&str]) -> Talks {
        let backend = Backend::start(SCHEMA.clone());
        let known = protos(&["streams.proto"]);
        let (folder, path) = configuration(&(upstream(backend.address(), &known) + more));
        let mut all = vec!["--config", &path];
        all.extend(args);
        Talks {
            gateway: Process::start(PSPD, Role::Gateway, &all),
            backend,
            _folder: folder,
        }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    #[track_caller]
    fn post(&self, target: &str, headers: &[(&str, &str)], body: &str) -> Response {
        self.request("POST", target, headers, body.as_bytes())
    }

    #[track_caller]
    fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        http::request(self.address(), method, target, headers, body).expect("an answer")
    }

    #[track_caller]
    fn open(&self, target: &str) -> Peer {
        Peer::open(self.address(), target)
    }

    fn answer(&self, name: &str, with: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        self.backend
            .answer(&format!("streams.v1.Talks.{name}"), with);
    }

    /// The messages that came since this was last asked.
    fn received(&self) -> Vec<Value> {
        let received = self.backend.take_received();
        received.iter().map(Received::json).collect()
    }

    #[track_caller]
    fn cancelled(&self, name: &str, times: usize) {
        let name = format!("streams.v1.Talks.{name}");
        until("the cancellation", || {
            let cancelled = self.backend.cancelled();
            let those = cancelled.iter().filter(|known| **known == name).count();
            (those == times).then_some(())
        });
    }
}

/// A message of the schema by its short name.
#[track_caller]
fn message(name: &str, fields: Value) -> DynamicMessage {
    backend::message(&SCHEMA, &format!("streams.v1.{name}"), fields)
}
