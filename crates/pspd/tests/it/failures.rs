//! What a client of the general gateway gets when something fails: a service
//! that breaks off, is slow, speaks nonsense or is not there, and other clients
//! that take everything, send nothing, or leave. An answer where one is possible,
//! whole and in its own form, nothing lost or repeated; and the next one is well.
//! `errors` and `streaming` have the same for the published routes.

mod absent;
mod asking;
mod bodies;
#[cfg(target_os = "linux")]
mod clients;
mod frames;
mod garbage;
mod moments;
mod slow;
mod statuses;
mod traps;

use std::{net::SocketAddr, path::Path};

use testkit::{Process, http};

use asking::{Ask, Got, Seen};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
/// The header that tells a peer, as metadata, which case is wanted.
const CASE: &str = "grpc-metadata-case";
/// How much a gateway may grow by what one service sends it.
const GROWTH_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// A gateway in front of a library that is at this address.
#[track_caller]
fn gateway_before(library: SocketAddr, args: &[&str]) -> Process {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gateway.toml");
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/failures/books.proto");
    let text = format!(
        "[[gateway.upstreams]]\nname = \"library\"\naddress = \"{library}\"\nprotos = [{proto:?}]\n"
    );
    std::fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("a path of text");
    // One worker, so that its connections are all there are.
    let mut all = vec!["--config", file, "--workers", "1"];
    all.extend(args);
    Process::start(PSPD, contract::Role::Gateway, &all)
}

/// A gateway in front of everything that the servers at these addresses describe
/// of themselves.
#[track_caller]
fn reflecting(upstreams: &[SocketAddr], args: &[&str]) -> Process {
    let upstreams: Vec<_> = upstreams.iter().map(ToString::to_string).collect();
    let upstreams = upstreams.join(",");
    let mut all = vec!["--upstream", &upstreams, "--workers", "1"];
    all.extend(args);
    Process::start(PSPD, contract::Role::Gateway, &all)
}

/// Asserts that the gateway runs and that nothing in it has panicked.
#[track_caller]
fn assert_unharmed(gateway: &Process) {
    assert_eq!(gateway.ended(), None, "the gateway has ended");
    let log = gateway.last_lines().join("\n");
    assert!(!log.contains("panicked"), "{log}");
    let answer = http::get(gateway.address(), "/healthz").expect("an answer");
    assert_eq!(answer.text(), "ok");
}

/// The most memory that a gateway has had, where that is told.
#[cfg(target_os = "linux")]
fn peak_bytes(gateway: &Process) -> u64 {
    testkit::proc::peak_resident_bytes(gateway.pid())
}

#[cfg(not(target_os = "linux"))]
fn peak_bytes(_: &Process) -> u64 {
    0
}
