//! A service that changes while it is used: the gateway learns of it by itself, and
//! no request that the service could have answered fails.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use contract::Role;
use prost_reflect::DescriptorPool;
use serde_json::json;
use testkit::{
    Process,
    backend::{Backend, compile},
    http, low_port, until,
};

use super::{PSPD, data, error, load::Load};

/// Servers are asked every half minute in any case; what changes when a connection
/// is lost has to be seen much sooner.
const MUCH_SOONER: Duration = Duration::from_secs(15);

/// The service as it is, and as it will be.
fn schemas() -> [DescriptorPool; 2] {
    ["notes_before.proto", "notes_after.proto"].map(|name| compile(&[data(name)]))
}

/// Where a service finds its port free again when it comes back.
fn place() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, low_port()).into()
}

fn gateway(backend: &Backend) -> Process {
    let address = backend.address().to_string();
    Process::start(PSPD, Role::Gateway, &["--upstream", &address])
}

#[track_caller]
fn write(gateway: &Process) -> http::Response {
    let address = gateway.address();
    http::request(address, "PUT", "/v1/notes/a", &[], br#"{"text": "t"}"#).expect("an answer")
}

/// Clients that read a note.
fn load_on(gateway: &Process, clients: usize) -> Load {
    let is_right = |answer: &http::Response| answer.text() == r#"{"name":"a"}"#;
    Load::on(gateway.address(), clients, "/v1/notes/a", is_right)
}

#[test]
fn a_service_that_is_replaced_without_a_gap() {
    let [before, after] = schemas();
    let backend = Backend::start(before.clone());
    let gateway = gateway(&backend);
    error(&write(&gateway), 405);
    let load = load_on(&gateway, 4);
    load.go_on(50);
    backend.replace(after);
    let replaced = Instant::now();
    let answer = until("the new method", || {
        Some(write(&gateway)).filter(|answer| answer.status() == 200)
    });
    assert!(replaced.elapsed() < MUCH_SOONER, "{:?}", replaced.elapsed());
    assert_eq!(answer.text(), r#"{"name":"a","text":"t"}"#);
    load.go_on(50);
    // And back, which takes the method away again.
    backend.replace(before);
    until("the end of the new method", || {
        (write(&gateway).status() == 405).then_some(())
    });
    load.go_on(50);
    assert_eq!(load.stop(), Vec::<String>::new());
    let written = backend
        .received()
        .into_iter()
        .find(|call| call.method == "notes.v1.Notes.Write");
    assert_eq!(
        written.expect("a call").json(),
        json!({"name": "a", "text": "t"})
    );
}

#[test]
fn a_service_that_is_killed_and_comes_back_different() {
    let [before, after] = schemas();
    let address = place();
    let backend = Backend::start_at(address, before);
    let gateway = gateway(&backend);
    let load = load_on(&gateway, 2);
    load.go_on(50);
    drop(backend);
    let read = || http::get(gateway.address(), "/v1/notes/a").expect("an answer");
    until("the loss", || (read().status() != 200).then_some(()));
    // What it served is known still.
    error(&write(&gateway), 405);
    let backend = Backend::start_at(address, after);
    until("the new method", || {
        (write(&gateway).status() == 200).then_some(())
    });
    load.go_on(50);
    // While it was away there was nothing to be had but 502 (broken off) and 503.
    let failures = load.stop();
    let odd = failures.iter().find(|failure| !failure.starts_with("50"));
    assert_eq!(odd, None);
    drop(backend);
}

#[test]
fn a_service_that_comes_after_the_gateway() {
    let [before, _] = schemas();
    let address = place();
    let gateway = Process::start(PSPD, Role::Gateway, &["--upstream", &address.to_string()]);
    let get = || http::get(gateway.address(), "/v1/notes/a").expect("an answer");
    let answer = get();
    assert_eq!(error(&answer, 503)["code"], 14);
    let ready = http::get(gateway.address(), "/readyz").expect("an answer");
    assert_eq!(ready.status(), 503, "{}", ready.text());
    let backend = Backend::start_at(address, before);
    until("the first route", || (get().status() == 200).then_some(()));
    drop(backend);
}
