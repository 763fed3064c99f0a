//! The settings of TLS. In: files and identities as they are typed; out: what encrypts a
//! role's ports and its connections to services, the files read, or every problem.

use std::path::PathBuf;

use tls::{Acceptor, Client, Connector, RawClient, RawServer, Server};

use super::{Values, parse};

/// Handshakes at once, at most.
const HANDSHAKES_MAX: usize = 100_000;

/// What encrypts a role's own ports.
pub(super) struct Ports {
    pub(super) main: Option<Acceptor>,
    pub(super) admin: Option<Acceptor>,
}

/// Reads what concerns the role's own ports.
pub(super) fn ports(values: &mut Values) -> Option<Ports> {
    let client_allow = values.take("tls-client-allow", parse::identities);
    let min_version = values.take("tls-min-version", parse::tls_version);
    let handshake_timeout = values.take("tls-handshake-timeout", parse::duration);
    let handshakes_max = values.take("tls-handshakes-max", parse::count(HANDSHAKES_MAX));
    let admin = values.take("admin-tls", parse::switch);
    let raw = RawServer {
        cert: file(values, "tls-cert"),
        key: file(values, "tls-key"),
        client_ca: file(values, "tls-client-ca"),
        client_allow: client_allow?,
        min_version: min_version?,
        handshake_timeout: handshake_timeout?,
        handshakes_max: handshakes_max?,
    };
    let checked = Server::checked("tls-", raw);
    let opened = checked.and_then(|checked| checked.as_ref().map(Acceptor::open).transpose());
    let main = opened
        .map_err(|problems| values.problems.extend(problems))
        .ok()?;
    let admin = match (admin?, &main) {
        (false, _) => None,
        (true, Some(acceptor)) => Some(acceptor.clone()),
        (true, None) => {
            values.problems.push(
                "admin-tls = \"on\": there is no certificate; give tls-cert and tls-key".to_owned(),
            );
            return None;
        }
    };
    Some(Ports { main, admin })
}

/// Reads what concerns connections to services; the inner `None` when they are plain.
pub(super) fn upstreams(values: &mut Values) -> Option<Option<Connector>> {
    let allow = values.take("upstream-tls-allow", parse::identities);
    let server_name = values.take("upstream-tls-server-name", parse::optional);
    let raw = RawClient {
        ca: file(values, "upstream-tls-ca"),
        cert: file(values, "upstream-tls-cert"),
        key: file(values, "upstream-tls-key"),
        allow: allow?,
        server_name: server_name?,
    };
    let checked = Client::checked("upstream-tls-", raw);
    let opened = checked.and_then(|checked| checked.as_ref().map(Connector::open).transpose());
    opened
        .map_err(|problems| values.problems.extend(problems))
        .ok()
}

/// A file that a setting names.
fn file(values: &mut Values, key: &str) -> Option<PathBuf> {
    values.take_path(key).flatten()
}
