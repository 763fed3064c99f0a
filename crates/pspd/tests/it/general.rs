//! Gateway P in front of services that it has never heard of: our own schemas with
//! every kind of rule, Google's published ones, plain clients, curl, a browser. The
//! services are played by a backend of the tests' own, which says exactly what came
//! and answers what a test wants.

mod bindings;
mod check;
mod clients;
mod compression;
mod errors;
mod forms;
mod google;
mod headers;
mod json;
mod load;
mod methods;
mod openapi;
mod parameters;
mod refresh;
mod reload;
mod requests;
mod shaping;
mod streams;

use std::{fs, net::SocketAddr, path::PathBuf, sync::LazyLock};

use contract::Role;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{
    Process,
    backend::{self, Backend, Received, Reply},
    http::{self, Connection, Response},
    until,
};

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

/// The services of `library.proto` and `desk.proto`.
static SCHEMA: LazyLock<DescriptorPool> =
    LazyLock::new(|| backend::compile(&[data("library.proto"), data("desk.proto")]));

/// A gateway with the library behind it.
struct Library {
    gateway: Process,
    backend: Backend,
    _folder: TempDir,
}

/// A method of the library by its name in full.
fn method(name: &str) -> String {
    format!("library.v1.Library.{name}")
}

/// One of the files beside these tests.
fn data(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/general");
    PathBuf::from(folder).join(name)
}

/// The beginning of a configuration: one upstream.
fn upstream(address: SocketAddr, rest: &str) -> String {
    format!("[[gateway.upstreams]]\nname = \"backend\"\naddress = \"{address}\"\n{rest}\n")
}

/// `protos = [...]` for files beside these tests.
fn protos(names: &[&str]) -> String {
    let paths: Vec<_> = names.iter().map(|name| data(name)).collect();
    format!("protos = {paths:?}\n")
}

/// A configuration file in a folder of its own.
fn configuration(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pspd.toml");
    fs::write(&path, text).expect("written");
    let path = path.to_str().expect("a plain path").to_owned();
    (folder, path)
}

impl Library {
    #[track_caller]
    fn start() -> Library {
        Library::start_with("", &[])
    }

    /// Starts it with more in its configuration, and with these flags.
    #[track_caller]
    fn start_with(more: &str, args: &[&str]) -> Library {
        Library::start_upstream("", more, args)
    }

    /// Starts it with more in the configuration of its upstream, and at the end of all.
    #[track_caller]
    fn start_upstream(keys: &str, more: &str, args: &[&str]) -> Library {
        let backend = Backend::start(SCHEMA.clone());
        let known = protos(&["library.proto", "desk.proto"]) + keys;
        let (folder, path) = configuration(&(upstream(backend.address(), &known) + more));
        let mut all = vec!["--config", &path];
        all.extend(args);
        Library {
            gateway: Process::start(PSPD, Role::Gateway, &all),
            backend,
            _folder: folder,
        }
    }

    /// The gateway's address.
    fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    #[track_caller]
    fn get(&self, target: &str) -> Response {
        self.request("GET", target, &[], "")
    }

    #[track_caller]
    fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let answer = http::request(self.address(), method, target, headers, body.as_bytes());
        answer.expect("an answer")
    }

    /// Opens a connection and asks; the answer is left to be read.
    #[track_caller]
    fn ask(&self, target: &str, accept: &str) -> Connection {
        let mut connection = Connection::open(self.address()).expect("connected");
        let sent = connection.send_request("GET", target, &[("Accept", accept)], b"");
        sent.expect("sent");
        connection
    }

    /// From now on the library's `name` is answered so.
    fn answer(&self, name: &str, with: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        self.backend.answer(&method(name), with);
    }

    /// The one call that came since this was last asked.
    #[track_caller]
    fn received(&self) -> Received {
        let mut received = self.backend.take_received();
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }

    /// Waits until the service is told that its call is not wanted any more.
    #[track_caller]
    fn cancelled(&self, name: &str) {
        until("the cancellation", || {
            (self.backend.cancelled() == [method(name)]).then_some(())
        });
    }
}

/// A message of the library by its short name.
#[track_caller]
fn message(name: &str, fields: Value) -> DynamicMessage {
    backend::message(&SCHEMA, &format!("library.v1.{name}"), fields)
}

/// Asserts that `answer` is an error of the general kind, and gives its body
/// without the request id.
#[track_caller]
fn error(answer: &Response, status: u16) -> Value {
    assert_eq!(answer.status(), status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let mut body = answer.json();
    without_request_id(&mut body, answer.header("x-request-id").expect("an id"));
    body
}

/// Takes the detail that says the request's id out of an error.
#[track_caller]
fn without_request_id(error: &mut Value, id: &str) {
    let details = error["details"].as_array_mut().expect("details");
    let info = details.pop().expect("at least one");
    assert_eq!(info["@type"], "type.googleapis.com/google.rpc.RequestInfo");
    assert_eq!(info["requestId"], id);
}

/// The field and the description of the violation that an error tells.
#[track_caller]
fn violation(error: &Value) -> (String, String) {
    let detail = &error["details"][0];
    assert_eq!(
        detail["@type"], "type.googleapis.com/google.rpc.BadRequest",
        "{error}"
    );
    let violation = &detail["fieldViolations"][0];
    let text = |name: &str| violation[name].as_str().expect("a text").to_owned();
    (text("field"), text("description"))
}
