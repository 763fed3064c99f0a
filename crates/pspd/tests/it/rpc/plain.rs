//! gRPC-Web and Connect byte by byte over HTTP/1.1, and what browsers ask before.

mod bombs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use contract::Role;
use serde_json::{Value, json};
use testkit::{
    Process,
    backend::{Backend, Reply, compile},
    http,
};

use super::{PSPD, proto};

/// A gateway before a service that says what it was asked.
struct Plain {
    gateway: Process,
    backend: Backend,
    _folder: tempfile::TempDir,
}

impl Plain {
    fn start(more: &str) -> Plain {
        Plain::start_with(more, "")
    }

    /// `of_upstream` are keys of the service.
    fn start_with(more: &str, of_upstream: &str) -> Plain {
        let proto = proto();
        let backend = Backend::start(compile(std::slice::from_ref(&proto)));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pspd.toml");
        let address = backend.address();
        let text = format!(
            "{more}\n[[gateway.upstreams]]\nname = \"kinds\"\naddress = \"{address}\"\n\
             protos = [{proto:?}]\n{of_upstream}\n"
        );
        std::fs::write(&path, text).expect("written");
        let args = ["--config", path.to_str().expect("a plain path")];
        Plain {
            gateway: Process::start(PSPD, Role::Gateway, &args),
            backend,
            _folder: folder,
        }
    }

    fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> http::Response {
        http::request(self.gateway.address(), method, target, headers, body).expect("an answer")
    }

    fn post(&self, name: &str, headers: &[(&str, &str)], body: &[u8]) -> http::Response {
        self.request("POST", &format!("/kinds.v1.Kinds/{name}"), headers, body)
    }
}

const CONNECT: [(&str, &str); 2] = [
    ("Content-Type", "application/json"),
    ("Connect-Protocol-Version", "1"),
];

/// `text: "a"`, framed.
const ASK: &[u8] = &[0, 0, 0, 0, 3, 0x0a, 1, b'a'];
const OK: &[u8] = b"\x80\0\0\0\x10grpc-status: 0\r\n";

#[test]
fn web_in_both_forms() {
    let plain = Plain::start("");
    let binary = [("Content-Type", "application/grpc-web+proto")];
    let answer = plain.post("Once", &binary, ASK);
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/grpc-web+proto")
    );
    assert_eq!(answer.body, [ASK, OK].concat());

    let text = [("Content-Type", "application/grpc-web-text")];
    let answer = plain.post("Once", &text, STANDARD.encode(ASK).as_bytes());
    assert_eq!(
        answer.header("content-type"),
        Some("application/grpc-web-text+proto")
    );
    let expected = STANDARD.encode(ASK) + &STANDARD.encode(OK);
    assert_eq!(String::from_utf8_lossy(&answer.body), expected);

    let answer = plain.post("Once", &text, b"!!!!");
    assert_eq!(answer.header("grpc-status"), Some("3"));
    let exposed = answer.header("access-control-expose-headers");
    assert!(exposed.is_some_and(|names| names.contains("grpc-message")));
}

#[test]
fn what_is_for_the_next_hop_alone_is_not_passed_on() {
    let plain = Plain::start("");
    let mut headers = CONNECT.to_vec();
    headers.extend([
        ("Connection", "keep-alive, X-Hop"),
        ("X-Hop", "1"),
        ("Proxy-Authorization", "Basic x"),
        ("Grpc-Accept-Encoding", "gzip"),
        ("X-Own", "2"),
    ]);
    let answer = plain.post("Once", &headers, br#"{"text": "a"}"#);
    assert_eq!(answer.status(), 200);
    let received = plain.backend.take_received();
    let told = |name| received[0].metadata(name);
    assert_eq!(told("x-own"), Some("2"));
    for name in [
        "connection",
        "x-hop",
        "proxy-authorization",
        "grpc-accept-encoding",
    ] {
        assert_eq!(told(name), None, "{name}");
    }
}

#[test]
fn web_tells_an_error_in_its_last_frame() {
    let plain = Plain::start("");
    plain
        .backend
        .answer("kinds.v1.Kinds.Once", |_| Reply::status(5, "no one"));
    let binary = [("Content-Type", "application/grpc-web+proto")];
    let answer = plain.post("Once", &binary, ASK);
    assert_eq!(answer.status(), 200);
    let told = answer.header("grpc-status").map(ToOwned::to_owned);
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(
        told.as_deref() == Some("5") || body.contains("grpc-status: 5"),
        "{body}"
    );
}

#[test]
fn connect_with_one_message() {
    let plain = Plain::start("");
    let answer = plain.post("Once", &CONNECT, br#"{"text": "a", "unknown": 1}"#);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), json!({"text": "a"}));

    let proto = [("Content-Type", "application/proto")];
    let answer = plain.post("Once", &proto, &ASK[5..]);
    assert_eq!(answer.header("content-type"), Some("application/proto"));
    assert_eq!(answer.body, &ASK[5..]);

    let get = "/kinds.v1.Kinds/Once?connect=v1&encoding=json&message=%7B%22text%22:%22a%22%7D";
    assert_eq!(
        plain.request("GET", get, &[], b"").json(),
        json!({"text": "a"})
    );
    let get = "/kinds.v1.Kinds/Once?connect=v1&encoding=proto&base64=1&message=CgFh";
    assert_eq!(plain.request("GET", get, &[], b"").body, &ASK[5..]);
}

fn check_error(answer: &http::Response, status: u16, code: &str) {
    assert_eq!(
        answer.status(),
        status,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert_eq!(answer.json()["code"], code);
    assert!(answer.json()["message"].is_string());
}

#[test]
fn connect_tells_errors() {
    let plain = Plain::start("");
    check_error(&plain.post("Once", &CONNECT, b"{"), 400, "invalid_argument");
    check_error(
        &plain.post("Nothing", &CONNECT, b"{}"),
        501,
        "unimplemented",
    );
    let version = [CONNECT[0], ("Connect-Protocol-Version", "2")];
    check_error(
        &plain.post("Once", &version, b"{}"),
        400,
        "invalid_argument",
    );
    let timeout = [CONNECT[0], CONNECT[1], ("Connect-Timeout-Ms", "soon")];
    check_error(
        &plain.post("Once", &timeout, b"{}"),
        400,
        "invalid_argument",
    );
    let answer = plain.post("Many", &CONNECT, b"{}");
    check_error(&answer, 415, "invalid_argument");
    assert!(answer.header("accept-post").is_some());
    let odd = [CONNECT[0], CONNECT[1], ("Content-Encoding", "snappy")];
    let answer = plain.post("Once", &odd, b"{}");
    check_error(&answer, 501, "unimplemented");
    assert_eq!(answer.header("accept-encoding"), Some("gzip, zstd"));
    // It has side effects, for all that it says.
    let get = "/kinds.v1.Kinds/Refuse?connect=v1&encoding=json&message=%7B%7D";
    let answer = plain.request("GET", get, &[], b"");
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.header("allow"), Some("POST"));
    let get = "/kinds.v1.Kinds/Once?connect=v1&encoding=xml&message=%7B%7D";
    check_error(
        &plain.request("GET", get, &[], b""),
        400,
        "invalid_argument",
    );
    plain
        .backend
        .answer("kinds.v1.Kinds.Once", |_| Reply::status(5, "no one"));
    let answer = plain.post("Once", &CONNECT, b"{}");
    check_error(&answer, 404, "not_found");
    assert_eq!(answer.json()["message"], "no one");
}

fn envelope(flag: u8, text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("small");
    [&[flag], &length.to_be_bytes()[..], text.as_bytes()].concat()
}

#[test]
fn connect_in_envelopes() {
    let plain = Plain::start("");
    let json = [("Content-Type", "application/connect+json")];
    let answer = plain.post("Once", &json, &envelope(0, r#"{"text":"a"}"#));
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/connect+json")
    );
    let expected = [envelope(0, r#"{"text":"a"}"#), envelope(2, "{}")].concat();
    assert_eq!(
        String::from_utf8_lossy(&answer.body),
        String::from_utf8_lossy(&expected)
    );

    let proto = [("Content-Type", "application/connect+proto")];
    let answer = plain.post("Once", &proto, ASK);
    assert_eq!(answer.body, [ASK, &envelope(2, "{}")].concat());

    for (path, body) in [("Once", envelope(0, "{")), ("Nothing", envelope(0, "{}"))] {
        let answer = plain.post(path, &json, &body);
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.body[0], 2);
        let end: Value = serde_json::from_slice(&answer.body[5..]).expect("JSON");
        assert!(end["error"]["code"].is_string(), "{end}");
    }
}

#[test]
fn browsers_may_ask_before() {
    let plain = Plain::start("");
    let asked = [
        ("Origin", "https://page.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type,x-grpc-web"),
    ];
    let answer = plain.request("OPTIONS", "/kinds.v1.Kinds/Once", &asked, b"");
    assert_eq!(answer.status(), 204);
    let methods = answer.header("access-control-allow-methods");
    assert_eq!(methods, Some("GET, POST, OPTIONS"));
    let headers = answer.header("access-control-allow-headers");
    assert_eq!(headers, Some("content-type,x-grpc-web"));
}

#[test]
fn grpc_needs_http_2() {
    let plain = Plain::start("");
    let answer = plain.post("Once", &[("Content-Type", "application/grpc")], ASK);
    assert_eq!(answer.status(), 505);
    assert_eq!(answer.header("grpc-status"), Some("12"));
}

#[test]
fn all_of_it_can_be_refused() {
    let plain = Plain::start("[gateway]\ngrpc = \"refuse\"");
    for media_type in ["application/grpc-web+proto", "application/proto"] {
        let answer = plain.post("Once", &[("Content-Type", media_type)], ASK);
        assert_eq!(answer.status(), 415, "{media_type}");
    }
    // With a route of its own, JSON is still JSON.
    let answer = plain.post("Once", &CONNECT, br#"{"text": "a"}"#);
    assert_eq!(answer.json(), json!({"text": "a"}));
    let answer = plain.post("Once", &CONNECT, b"{");
    assert_eq!(answer.json()["code"], 3);
}

#[test]
fn a_method_that_is_not_served_is_not_there_for_sockets_either() {
    const UPGRADE: [(&str, &str); 4] = [
        ("Connection", "upgrade"),
        ("Upgrade", "websocket"),
        // A version that there is not is told of only where something is served.
        ("Sec-WebSocket-Version", "12"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (grpc, status) in [("serve", 426), ("refuse", 404)] {
        let more = format!("[gateway]\ngrpc = {grpc:?}");
        let plain = Plain::start_with(&more, "unannotated = \"refuse\"");
        let answer = plain.request("GET", "/kinds.v1.Kinds/Once", &UPGRADE, b"");
        assert_eq!(answer.status(), status, "{grpc}");
    }
}
