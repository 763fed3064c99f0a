//! Who may call a gateway, and how often: bearer tokens that another program has made,
//! and rates of clients, in every protocol. Health and pages stay open.

use std::{collections::BTreeMap, fs, net::SocketAddr, path::Path, process::Command};

use contract::Role;
use serde_json::Value;
use tempfile::TempDir;
use testkit::{
    Chain, Tool,
    http::{self, Response},
    need, run, until,
};

use crate::clients::script;

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");

#[track_caller]
fn ask(address: SocketAddr, target: &str, headers: &[(&str, &str)]) -> Response {
    http::request(address, "GET", target, headers, b"").expect("an answer")
}

/// The greeting, asked with a token.
#[track_caller]
fn hello(address: SocketAddr, token: &str) -> Response {
    let bearer = format!("Bearer {token}");
    ask(address, "/a/hello", &[("Authorization", &bearer)])
}

/// Keys in a folder, and tokens by their names.
fn made(python: &Path) -> (TempDir, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut make = Command::new(python);
    make.arg(script("tokens.py")).arg("make").arg(folder.path());
    let tokens = serde_json::from_str(&run(&mut make)).expect("JSON");
    (folder, tokens)
}

const ALGORITHMS: [&str; 12] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256",
    "HS384", "HS512",
];

#[test]
fn tokens_of_another_program_are_checked() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let (folder, tokens) = made(&python);
    let keys = folder.path().join("keys.json");
    let keys = keys.to_str().expect("a plain path");
    let named = [
        ["--jwt-keys", keys],
        ["--jwt-issuer", "https://issuer.example"],
        ["--jwt-audience", "pspd"],
    ];
    for role in [Role::Gateway, Role::GatewayRest] {
        let guarded = Chain::start(PSPD, role, named.as_flattened());
        for algorithm in ALGORITHMS {
            let answer = hello(guarded.address(), &tokens[algorithm]);
            assert_eq!(answer.status(), 200, "{algorithm}: {}", answer.text());
        }
        for (name, reason) in [
            ("expired", "has expired"),
            ("other-audience", "is meant for another audience"),
            ("stranger", "has a signature that is wrong"),
            ("unsigned", "is no signed JSON Web Token"),
        ] {
            let answer = hello(guarded.address(), &tokens[name]);
            assert_eq!(answer.status(), 401, "{name}");
            let challenge = answer.header("www-authenticate").expect("a challenge");
            assert!(
                challenge.starts_with("Bearer error=\"invalid_token\"")
                    && challenge.contains(reason),
                "{challenge}"
            );
            assert!(answer.text().contains(reason), "{}", answer.text());
        }
        let without = ask(guarded.address(), "/a/hello", &[]);
        assert_eq!(without.status(), 401);
        assert_eq!(without.header("www-authenticate"), Some("Bearer"));
        assert_eq!(without.header("access-control-allow-origin"), Some("*"));
        for open in ["/", "/healthz", "/readyz"] {
            assert_eq!(ask(guarded.address(), open, &[]).status(), 200, "{open}");
        }
        let before = ("Access-Control-Request-Method", "GET");
        let preflight = [("Origin", "https://a.example"), before];
        let preflight = http::request(guarded.address(), "OPTIONS", "/a/hello", &preflight, b"");
        assert_eq!(preflight.expect("an answer").status(), 204);

        // The reason is logged, and no part of a token.
        let lines = until("the last line", || {
            let lines = guarded.access_log();
            let is_last = |line: &Value| line["path"] == "/readyz";
            lines.iter().any(is_last).then_some(lines)
        });
        let lines = lines
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n");
        assert!(lines.contains("the token has expired"), "{lines}");
        for token in tokens.values() {
            for part in token.split('.').filter(|part| !part.is_empty()) {
                assert!(!lines.contains(part), "{part} in {lines}");
            }
        }
    }
}

#[test]
fn tokens_are_asked_for_in_every_protocol() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let (folder, tokens) = made(&python);
    let keys = folder.path().join("keys.json");
    let keys = keys.to_str().expect("a plain path");
    let guarded = Chain::start(PSPD, Role::Gateway, &["--jwt-keys", keys]);
    let address = guarded.address().to_string();
    let call = |token: Option<&str>| {
        let mut call = Command::new(&python);
        call.arg(script("tokens.py")).args(["call", &address]);
        run(call.args(token)).trim().to_owned()
    };
    assert_eq!(call(Some(&tokens["EdDSA"])), "Olá, world! [A]");
    let refused = call(None);
    assert!(
        refused.starts_with("UNAUTHENTICATED: no token came"),
        "{refused}"
    );
    let refused = call(Some(&tokens["expired"]));
    assert!(
        refused.starts_with("UNAUTHENTICATED: the token has expired"),
        "{refused}"
    );

    // Connect has it as a status of HTTP, gRPC-Web at the end of an answer.
    let post = |media_type: &str, body: &[u8]| {
        let version = ("Connect-Protocol-Version", "1");
        let headers = [("Content-Type", media_type), version];
        let path = "/pspd.ServiceA/SayHello";
        http::request(guarded.address(), "POST", path, &headers, body).expect("an answer")
    };
    let connect = post("application/json", b"{}");
    assert_eq!(connect.status(), 401);
    assert_eq!(connect.json()["code"], "unauthenticated");
    let web = post("application/grpc-web+proto", &[0; 5]);
    assert_eq!((web.status(), web.header("grpc-status")), (200, Some("16")));
    let socket = ask(
        guarded.address(),
        "/b/echo",
        &[
            ("Connection", "upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13"),
        ],
    );
    assert_eq!(socket.status(), 401);
}

#[test]
fn keys_that_change_are_taken_up_and_bad_ones_are_not() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let (folder, tokens) = made(&python);
    let path = folder.path().join("keys.json");
    let keys = path.to_str().expect("a plain path");
    let guarded = Chain::start(PSPD, Role::GatewayRest, &["--jwt-keys", keys]);
    assert_eq!(hello(guarded.address(), &tokens["ES256"]).status(), 200);

    let write = |text: &str| {
        let new = folder.path().join("new");
        fs::write(&new, text).expect("written");
        fs::rename(new, &path).expect("renamed");
    };
    let before = fs::read_to_string(&path).expect("there");
    write(r#"{"keys": [{"kty": "oct", "k": "c2hvcnQ"}]}"#);
    until("a refusal", || {
        let lines = guarded.gateway.last_lines().join("\n");
        (lines.contains("keys[0]: is too short") && lines.contains("going on with the one before"))
            .then_some(())
    });
    assert_eq!(hello(guarded.address(), &tokens["ES256"]).status(), 200);

    let mut set: Value = serde_json::from_str(&before).expect("JSON");
    let all = set["keys"].as_array_mut().expect("keys");
    all.retain(|key| key["kid"] == "ed");
    write(&set.to_string());
    until("the other keys", || {
        (hello(guarded.address(), &tokens["ES256"]).status() == 401).then_some(())
    });
    assert_eq!(hello(guarded.address(), &tokens["EdDSA"]).status(), 200);
}

#[test]
fn a_client_that_comes_too_often_waits_and_others_do_not() {
    for role in [Role::Gateway, Role::GatewayRest] {
        let args = [
            ["--client-rate", "2/h"],
            ["--client-burst", "3"],
            ["--trusted-proxies", "127.0.0.0/8"],
        ];
        let guarded = Chain::start(PSPD, role, args.as_flattened());
        let asks = |client: &str| {
            ask(
                guarded.address(),
                "/a/hello",
                &[("X-Forwarded-For", client)],
            )
        };
        for client in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
            for _ in 0..3 {
                assert_eq!(asks(client).status(), 200, "{client}");
            }
            let answer = asks(client);
            assert_eq!(answer.status(), 429, "{client}");
            let wait = answer
                .header("retry-after")
                .and_then(|wait| wait.parse().ok());
            assert!((1..=1800).contains(&wait.unwrap_or(0)), "{wait:?}");
            assert!(answer.text().contains("try again in"), "{}", answer.text());
        }
        // What the client wrote itself before its proxy did says nothing.
        assert_eq!(asks("192.0.2.9, 192.0.2.1").status(), 429);
        for open in ["/", "/healthz", "/readyz"] {
            let answer = ask(guarded.address(), open, &[("X-Forwarded-For", "192.0.2.1")]);
            assert_eq!(answer.status(), 200, "{open}");
        }
    }
}

#[test]
fn without_a_proxy_that_is_trusted_a_client_is_its_address() {
    let args = ["--client-rate", "1/h"];
    let guarded = Chain::start(PSPD, Role::Gateway, &args);
    let asks = |client| {
        ask(
            guarded.address(),
            "/a/hello",
            &[("X-Forwarded-For", client)],
        )
    };
    assert_eq!(asks("192.0.2.1").status(), 200);
    assert_eq!(asks("192.0.2.2").status(), 429);
    let headers = [("Content-Type", "application/grpc-web+proto")];
    let path = "/pspd.ServiceA/SayHello";
    let web = http::request(guarded.address(), "POST", path, &headers, &[0; 5]);
    assert_eq!(web.expect("an answer").header("grpc-status"), Some("8"));
}
