//! Who is not let in, and what the log says of it; what is wrong with settings.

use std::{
    process::Command,
    time::{Duration, SystemTime},
};

use contract::Role;
use testkit::{Program, Tool, http, need, run};
use tls::authority::{Authority, Existing, Pair, Subject};

use super::{Made, PSPD, curl, logged};
use crate::clients::script;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn subject(spiffe: &str) -> Subject {
    Subject {
        name: "somebody".to_owned(),
        dns: vec!["somebody".to_owned()],
        addresses: Vec::new(),
        spiffe: Some(spiffe.to_owned()),
    }
}

/// Certificates that are wrong, each for one reason, beside those that are right.
fn made_wrong() -> Made {
    let made = Made::new();
    let folder = made.path();
    let write = |pair: Pair, name: &str| {
        pair.write(folder, name, Existing::Keep).expect("written");
    };
    let ca = |end| folder.join(format!("ca.{end}"));
    let authority = Authority::read(&ca("crt"), &ca("key")).expect("an authority");
    let now = SystemTime::now();
    let gateway = subject("spiffe://pspd.local/gateway-rest");
    let expired = authority.sign_between(&gateway, now - 2 * DAY, now - DAY);
    write(expired.expect("a certificate"), "expired");
    let later = authority.sign_between(&gateway, now + DAY, now + 2 * DAY);
    write(later.expect("a certificate"), "later");
    let (other, _) = Authority::new("another", DAY).expect("an authority");
    write(
        other.sign(&gateway, DAY).expect("a certificate"),
        "stranger",
    );
    let stranger = subject("spiffe://pspd.local/gateway-rest-2");
    write(
        authority.sign(&stranger, DAY).expect("a certificate"),
        "wrong",
    );
    made
}

/// Who comes, and what the log of a service says.
const REFUSED: [(Option<&str>, &str, &str); 5] = [
    (None, "no_certificate", "no certificate was given"),
    (
        Some("expired"),
        "expired",
        "the certificate has expired at 20",
    ),
    (Some("later"), "not_yet_valid", "is not valid before 20"),
    (Some("stranger"), "unknown_authority", "unknown authority"),
    (
        Some("wrong"),
        "wrong_identity",
        "is of spiffe://pspd.local/gateway-rest-2, somebody; allowed: \
         spiffe://pspd.local/gateway-rest,",
    ),
];

#[test]
fn a_service_lets_in_who_is_allowed_and_says_why_it_refuses() {
    let Some(curl) = curl() else { return };
    let made = made_wrong();
    let service = made.start(Role::ARest, &[]);
    let url = made.url(&service, "/a/hello?name=x");
    let good = made.curl(&curl, Some("gateway-rest"), &[&url]);
    assert!(good.out.contains("Olá, x! [A-REST]"), "{}", good.err);
    for (who, reason, words) in REFUSED {
        let refused = made.curl(&curl, who, &[&url]);
        assert!(
            !refused.ok && refused.out.is_empty(),
            "{who:?}: {}",
            refused.out
        );
        let line = logged(&service, &["TLS connection refused", reason, words]);
        assert!(line.contains("127.0.0.1:"), "{line}");
    }
    let after = made.curl(&curl, Some("client"), &[&url]);
    assert!(after.ok, "{}", after.err);
}

#[test]
fn grpc_services_check_clients_of_another_program_alike() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let made = made_wrong();
    let [a, b] = [Role::A, Role::B].map(|role| made.start(role, &[]));
    // The gRPC chain's gateway is none of these; its own certificate is the one allowed.
    let ask = |who: &str| {
        let mut client = Command::new(&python);
        client
            .arg(script("tls_grpcio.py"))
            .arg(made.path())
            .arg(who);
        client.arg(a.address().port().to_string());
        run(client.arg(b.address().port().to_string()))
    };
    assert_eq!(ask("gateway").trim(), "Olá, x! [A]\n[1, 2, 3]\nSERVING");
    for (who, reason, _) in REFUSED {
        let who = who.unwrap_or("-");
        assert_eq!(ask(who).trim(), "UNAVAILABLE", "{who}");
        logged(&a, &["TLS connection refused", reason]);
    }
}

#[test]
fn health_needs_a_certificate_as_well() {
    let Some(curl) = curl() else { return };
    let made = Made::new();
    let service = made.start(Role::A, &[]);
    let url = format!(
        "https://localhost:{}/readyz",
        service.admin_address().port()
    );
    assert!(!made.curl(&curl, None, &[&url]).ok);
    logged(&service, &["no_certificate"]);
    let ready = made.curl(&curl, Some("client"), &[&url]);
    assert!(ready.out.contains("\"ready\":true"), "{}", ready.err);
}

#[test]
fn plain_http_is_told_what_is_spoken() {
    let made = Made::new();
    let gateway = made.start(Role::Gateway, &[]);
    let answer = http::get(gateway.address(), "/").expect("an answer");
    assert_eq!(answer.status(), 400);
    assert!(
        answer.text().contains("call it by https"),
        "{}",
        answer.text()
    );
    logged(&gateway, &["plain_http"]);
}

#[test]
fn an_older_version_is_refused_unless_it_is_wanted() {
    let Some(curl) = curl() else { return };
    let made = Made::new();
    let old = ["--tls-max", "1.2"];
    for (more, is_served) in [(&[][..], false), (&["--tls-min-version", "1.2"][..], true)] {
        let service = made.start(Role::ARest, more);
        let url = made.url(&service, "/a/hello");
        let asked = made.curl(&curl, Some("client"), &[&old[..], &[&url]].concat());
        assert_eq!(asked.ok, is_served, "{}", asked.err);
        if !is_served {
            logged(&service, &["nothing_in_common"]);
        }
    }
}

#[test]
fn a_client_that_says_nothing_is_cut_off() {
    use std::io::Read;

    let made = Made::new();
    let service = made.start(Role::ARest, &["--tls-handshake-timeout", "50ms"]);
    let mut silent = std::net::TcpStream::connect(service.address()).expect("it listens");
    assert_eq!(silent.read(&mut [0]).expect("the end"), 0);
    logged(&service, &["timed_out", "was not done within 50ms"]);
}

#[test]
fn a_gateway_refuses_a_service_that_is_another() {
    let made = Made::new();
    let [a, b] = [Role::A, Role::B].map(|role| made.start(role, &[]));
    let (a_at, b_at) = (a.address().to_string(), b.address().to_string());
    // Service A is none of those that are allowed.
    let mut arguments = made.arguments(Role::Gateway);
    let allow = arguments
        .iter()
        .position(|one| one == "--upstream-tls-allow");
    arguments[allow.expect("it is there") + 1] = "spiffe://pspd.local/b".to_owned();
    let more = [
        ["--a-addr", a_at.as_str()],
        ["--b-addr", b_at.as_str()],
        ["--admin-tls", "off"],
    ]
    .concat();
    let off = arguments
        .iter()
        .position(|one| one == "--admin-tls")
        .expect("it is there");
    arguments.drain(off..off + 2);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let gateway = testkit::Process::start(PSPD, Role::Gateway, &[&arguments[..], &more].concat());
    logged(
        &gateway,
        &["not connected", "wrong identity", "spiffe://pspd.local/a"],
    );
    let ready = http::get(gateway.admin_address(), "/readyz").expect("an answer");
    assert_eq!(ready.status(), 503);
    assert!(ready.text().contains("wrong identity"), "{}", ready.text());
}

#[test]
fn settings_that_cannot_be_used_are_all_named() {
    let made = Made::new();
    let file = |name: &str| made.path().join(name).display().to_string();
    let args = [
        "serve",
        "gateway",
        "--tls-cert",
        &file("a.crt"),
        "--tls-key",
        &file("b.key"),
        "--upstream-tls-cert",
        &file("none.crt"),
        "--admin-tls",
        "yes",
        "--port",
        "x",
        "--tls-client-allow",
        "127.0.0.1",
    ];
    let ended = Program::start(PSPD, &args).finish();
    assert_eq!(ended.code(), Some(64), "{}", ended.err);
    for part in [
        "tls-client-allow = \"127.0.0.1\"",
        "admin-tls = \"yes\"",
        "port = \"x\"",
        "upstream-tls-cert and upstream-tls-key belong together",
        "upstream-tls-ca is missing",
    ] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    let args = [
        "serve",
        "a-rest",
        "--tls-cert",
        &file("a.crt"),
        "--tls-key",
        &file("b.key"),
        "--tls-client-ca",
        &file("a.key"),
    ];
    let ended = Program::start(PSPD, &args).finish();
    assert_eq!(ended.code(), Some(64), "{}", ended.err);
    for part in [
        "it is not the key of that certificate",
        "has no certificate",
    ] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    let ended =
        Program::start(PSPD, &["serve", "gateway-rest", "--a-rest", "https://a:1"]).finish();
    assert!(ended.err.contains("needs upstream-tls-ca"), "{}", ended.err);
}
