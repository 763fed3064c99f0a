//! The whole system over mutual TLS: `pspd certs` and `pspd up --mtls`.

use std::process::Command;

use contract::Role;
use testkit::{Program, Tool, need, run, until};

use super::{Made, PSPD, curl};
use crate::clients::script;

/// A system that runs with these certificates, and the ports of its roles.
fn up(args: &[&str]) -> (Program, impl Fn(Role) -> u16 + use<>) {
    let program = Program::start(PSPD, &[&["up", "--free-ports", "--mtls"], args].concat());
    let out = until("the table of addresses", || {
        let out = program.out();
        out.contains("Mutual TLS").then_some(out)
    });
    let port = move |role: Role| {
        let mut lines = out.lines();
        let row = lines.find(|line| line.split_whitespace().next() == Some(role.name()));
        let mut words = row.expect("a row").split_whitespace();
        let address = words
            .find(|word| word.contains("127.0.0.1:"))
            .expect("an address");
        let (_, port) = address.rsplit_once(':').expect("a port");
        port.parse().expect("a number")
    };
    (program, port)
}

#[test]
fn a_folder_without_certificates_is_refused_with_the_way_to_make_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_str().expect("a plain path");
    let refused = Program::start(PSPD, &["up", "--free-ports", "--mtls", folder]).finish();
    assert_eq!(refused.code(), Some(64), "{}", refused.err);
    let way = format!("`pspd certs {folder}`");
    assert!(refused.err.contains(&way), "{}", refused.err);
}

#[test]
fn the_published_routes_answer_over_tls_on_every_hop() {
    let Some(curl) = curl() else { return };
    let made = Made::new();
    let (_up, port) = up(&[made.path().to_str().expect("a plain path")]);
    for (role, from) in [(Role::Gateway, "[A]"), (Role::GatewayRest, "[A-REST]")] {
        for version in ["--http1.1", "--http2"] {
            let url = |path: &str| format!("https://localhost:{}{path}", port(role));
            let hello = made.curl(&curl, None, &[version, &url("/a/hello?name=x")]);
            assert!(
                hello.out.contains(&format!("Olá, x! {from}")),
                "{}",
                hello.err
            );
            let numbers = made.curl(&curl, None, &[version, &url("/b/numbers?count=3")]);
            assert!(numbers.out.contains("[1,2,3]"), "{}", numbers.err);
            let ready = made.curl(&curl, None, &[version, &url("/readyz")]);
            assert!(
                ready.out.contains("\"ready\":true"),
                "{} {}",
                ready.out,
                ready.err
            );
            let used = made.curl(
                &curl,
                None,
                &[
                    version,
                    "-o",
                    "/dev/null",
                    "-w",
                    "%{http_version}",
                    &url("/"),
                ],
            );
            assert_eq!(used.out, version.trim_start_matches("--http"));
        }
    }
    // The services let nobody in without a certificate.
    let service = format!("https://localhost:{}/a/hello", port(Role::ARest));
    assert!(!made.curl(&curl, None, &[&service]).ok);
    assert!(made.curl(&curl, Some("client"), &[&service]).ok);
}

#[test]
fn without_a_folder_certificates_are_made_for_the_run() {
    let Some(curl) = curl() else { return };
    let (up, port) = up(&["--mtls-front"]);
    let out = up.out();
    let (_, after) = out.split_once("the authority is ").expect("it is told");
    let authority = after
        .lines()
        .next()
        .expect("a line")
        .trim_end_matches('.')
        .to_owned();
    let folder = std::path::Path::new(&authority)
        .parent()
        .expect("a folder")
        .to_owned();
    let url = format!("https://localhost:{}/a/hello", port(Role::Gateway));
    let ask = |who: &[&str]| {
        let mut command = Command::new(&curl);
        command.args(["-s", "--cacert", &authority]).args(who);
        command
            .arg(&url)
            .output()
            .expect("curl runs")
            .status
            .success()
    };
    // Here a client needs a certificate, too.
    assert!(!ask(&[]));
    let file = |name: &str| folder.join(name).display().to_string();
    assert!(ask(&[
        "--cert",
        &file("client.crt"),
        "--key",
        &file("client.key")
    ]));
    up.signal("INT");
    let ended = up.finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    assert!(!folder.exists(), "{}", folder.display());
}

#[test]
fn a_websocket_and_grpc_through_a_gateway() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let made = Made::new();
    let b = made.start(Role::B, &[]);
    let upstream = format!("localhost:{}", b.address().port());
    let gateway = made.start(Role::Gateway, &["--upstream", &upstream]);
    let mut client = Command::new(python);
    client.arg(script("tls_websocket.py")).arg(made.path());
    let printed = run(client.arg(gateway.address().port().to_string()));
    assert_eq!(printed.trim(), "ok websocket\nok grpc");
}

#[test]
fn the_lab_sets_the_plain_chain_beside_the_encrypted_one() {
    let made = Made::new();
    let (_up, port) = up(&[made.path().to_str().expect("a plain path")]);
    let output = tempfile::tempdir().expect("a folder");
    let output = output.path().join("run").display().to_string();
    let against = |name: &str, role| format!("{name}=https://localhost:{}", port(role));
    let (grpc, rest) = (
        against("grpc-mtls", Role::Gateway),
        against("rest-mtls", Role::GatewayRest),
    );
    let ca = made.certificates.authority().display().to_string();
    let args = [
        "lab",
        "--users",
        "2",
        "--duration",
        "300ms",
        "--warm-up",
        "100ms",
        "--repetitions",
        "2",
        "--against",
        &grpc,
        "--against",
        &rest,
        "--tls-ca",
        &ca,
        "--out",
        &output,
    ];
    let ended = Program::start(PSPD, &args).working().finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    for name in ["grpc-mtls", "rest-mtls"] {
        assert!(ended.out.contains(name), "{}", ended.out);
    }
    let without = Program::start(PSPD, &["lab", "--against", &grpc]).finish();
    assert_eq!(without.code(), Some(64));
    assert!(without.err.contains("--tls-ca"), "{}", without.err);
}

#[test]
fn certificates_are_not_replaced_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("new");
    let folder = folder.to_str().expect("a plain path");
    let certs = |more: &[&str]| Program::start(PSPD, &[&["certs", folder], more].concat()).finish();
    let made = certs(&["--valid-for", "1h"]);
    assert_eq!(made.code(), Some(0), "{}", made.err);
    assert!(
        made.out.contains("spiffe://pspd.local/gateway-rest"),
        "{}",
        made.out
    );
    let again = certs(&[]);
    assert_eq!(again.code(), Some(1));
    assert!(again.err.contains("--force"), "{}", again.err);
    assert_eq!(certs(&["--renew"]).code(), Some(0));
    assert_eq!(certs(&["--force"]).code(), Some(0));
    let wrong = certs(&[
        "--force",
        "--valid-for",
        "9999days",
        "--trust-domain",
        "A b",
        "--host",
        "*",
    ]);
    assert_eq!(wrong.code(), Some(64));
    for part in ["--valid-for 9999days", "--trust-domain A b", "--host *"] {
        assert!(wrong.err.contains(part), "{part}: {}", wrong.err);
    }
}
