//! Bytes that no client should send, at every port. Whatever comes, the
//! connection ends or is answered with a status, in bounded time; the process
//! goes on and nothing in it has panicked.

mod grpc;
mod http1;
mod random;

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::LazyLock,
    time::Duration,
};

use contract::Role;
use proptest::{prelude::ProptestConfig, test_runner::RngSeed};
use serde_json::json;
use system::{Options, Output};
use tempfile::TempDir;
use testkit::{IN_TIME, Whole, http};

/// The roles that speak HTTP/1.1.
const HTTP_ROLES: [Role; 4] = [Role::Gateway, Role::GatewayRest, Role::ARest, Role::BRest];
/// The roles that speak gRPC.
const GRPC_ROLES: [Role; 2] = [Role::A, Role::B];

/// How long an answer is waited for before the client ends its side; only a
/// matter of the test's own duration.
const PATIENCE: Duration = Duration::from_millis(50);

/// The system that everything is thrown at, and what it logs.
struct Target {
    whole: Whole,
    logs: TempDir,
}

fn target() -> &'static Target {
    static TARGET: LazyLock<Target> = LazyLock::new(|| {
        let logs = tempfile::tempdir().expect("a folder");
        let quick: Vec<_> = ["--header-timeout", "2s"].map(Into::into).into();
        let options = Options {
            args: HTTP_ROLES.map(|role| (role, quick.clone())).into(),
            stderr: Output::Folder(logs.path().to_owned()),
            ready_within: IN_TIME,
            ..Options::new(env!("CARGO_BIN_EXE_pspd"))
        };
        let whole = Whole::start_with(&options).expect("it starts");
        Target { whole, logs }
    });
    &TARGET
}

impl Target {
    fn address(&self, role: Role) -> SocketAddr {
        self.whole.address(role)
    }

    /// Asserts that every role still runs, works, and has not panicked.
    #[track_caller]
    fn assert_unharmed(&self) {
        for role in Role::ALL {
            assert_eq!(self.whole.role(role).ended(), None, "{role} has ended");
            let log = self.logs.path().join(format!("{role}.err.log"));
            let log = fs::read_to_string(log).expect("a log");
            assert!(log.contains("listening"), "this is the log of {role}");
            assert!(!log.contains("panicked"), "{role}: {log}");
        }
        for role in HTTP_ROLES {
            if role != Role::BRest {
                let answer = http::get(self.address(role), "/a/hello?name=x").expect("an answer");
                assert_eq!(answer.status(), 200, "{role}");
            }
            if role != Role::ARest {
                let answer = http::get(self.address(role), "/b/numbers").expect("an answer");
                assert_eq!(answer.json()["values"], json!([1, 2, 3, 4, 5]), "{role}");
            }
        }
    }
}

/// The same cases at every run.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    }
}

/// A connection on which bytes have been sent, without waiting for anything.
struct Thrown {
    stream: TcpStream,
    what: String,
}

impl Thrown {
    #[track_caller]
    fn at(address: SocketAddr, bytes: &[u8]) -> Thrown {
        let mut stream = TcpStream::connect_timeout(&address, IN_TIME).expect("it is accepted");
        stream.set_write_timeout(Some(IN_TIME)).expect("a time");
        // The server may have closed before it has read everything.
        let _ = stream.write_all(bytes);
        let beginning = &bytes[..bytes.len().min(200)];
        let what = format!("{} ({} bytes)", beginning.escape_ascii(), bytes.len());
        Thrown { stream, what }
    }

    /// Ends the client's side, unless an answer comes first, and gives all that
    /// came until the server ended the connection. Fails the test when it does
    /// not.
    #[track_caller]
    fn until_ended(mut self) -> Vec<u8> {
        let mut all = vec![0; 4096];
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time");
        let first = self.stream.read(&mut all).unwrap_or(0);
        all.truncate(first);
        self.end(&mut all);
        all
    }

    /// The same for what is answered, however long that takes: a client that ends its
    /// side before gives up the call that it is answered with.
    #[track_caller]
    fn until_answered(mut self) -> Vec<u8> {
        self.stream.set_read_timeout(Some(IN_TIME)).expect("a time");
        let mut all = vec![0; 4096];
        let first = self.stream.read(&mut all).expect("an answer");
        all.truncate(first);
        self.end(&mut all);
        all
    }

    /// The same, but the client's side ends at once.
    #[track_caller]
    fn ended(mut self) -> Vec<u8> {
        let mut all = Vec::new();
        self.end(&mut all);
        all
    }

    #[track_caller]
    fn end(&mut self, all: &mut Vec<u8>) {
        // Fails when the server has ended the connection before.
        let _ = self.stream.shutdown(Shutdown::Write);
        self.read_all(all);
    }

    /// The same, but the client's side stays open: the server has to end the
    /// connection by itself.
    #[track_caller]
    fn until_ended_by_server(mut self) -> Vec<u8> {
        let mut all = Vec::new();
        self.read_all(&mut all);
        all
    }

    #[track_caller]
    fn read_all(&mut self, all: &mut Vec<u8>) {
        self.stream.set_read_timeout(Some(IN_TIME)).expect("a time");
        match self.stream.read_to_end(all) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection does not end ({error}) after {}", self.what),
        }
    }
}

/// The status of the first answer in what came; `None` when nothing did. Fails
/// the test when it is something else.
#[track_caller]
fn status(came: &[u8]) -> Option<u16> {
    if came.is_empty() {
        return None;
    }
    let text = String::from_utf8_lossy(came);
    let status = ["HTTP/1.1 ", "HTTP/1.0 "]
        .iter()
        .find_map(|version| text.strip_prefix(version))
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .filter(|status| (200..600).contains(status));
    assert!(status.is_some(), "no answer of HTTP/1: {text}");
    status
}
