//! Certificates that change while requests are under way.

use std::{fs, process::Command};

use contract::Role;
use testkit::{Program, Tool, need, until};

use super::{Made, PSPD, logged};
use crate::clients::script;

#[test]
fn new_certificates_are_taken_up_and_nothing_is_lost() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let made = Made::new();
    let service = made.start(Role::ARest, &[]);
    let port = service.address().port().to_string();
    // Asks over one connection that is kept and over new ones, until those have shown it
    // a second certificate; every failure ends it.
    let mut client = Command::new(python);
    client
        .arg(script("tls_rotation.py"))
        .arg(made.path())
        .arg(port);
    let client = Program::spawn(&mut client);
    until("requests", || client.out().contains("asking").then_some(()));
    let folder = made.path().to_str().expect("a plain path");
    let renewed = Program::start(PSPD, &["certs", folder, "--renew"]).finish();
    assert_eq!(renewed.code(), Some(0), "{}", renewed.err);
    logged(&service, &["certificates have changed"]);
    let ended = client.finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    assert!(
        ended.out.contains("two certificates, one connection kept"),
        "{}",
        ended.out
    );
}

#[test]
fn a_pair_that_does_not_fit_is_refused_and_the_one_before_stays() {
    let Some(curl) = super::curl() else { return };
    let made = Made::new();
    let service = made.start(Role::ARest, &[]);
    let key = made.path().join("a-rest.key");
    let right = fs::read(&key).expect("a key");
    fs::copy(made.path().join("b.key"), &key).expect("copied");
    logged(
        &service,
        &["it is not the key of that certificate", "a-rest.key"],
    );
    logged(&service, &["going on with the ones before"]);
    let url = made.url(&service, "/a/hello");
    assert!(made.curl(&curl, Some("client"), &[&url]).ok);
    fs::write(&key, right).expect("written");
    assert!(made.curl(&curl, Some("client"), &[&url]).ok);
}
