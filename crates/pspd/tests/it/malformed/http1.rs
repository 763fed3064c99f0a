//! Requests that are malformed in known ways.

use std::{io::Write, thread, time::Duration};

use contract::Role;
use testkit::http::{self, Connection};

use super::{HTTP_ROLES, Thrown, status, target};

/// Throws `bytes` at every role that speaks HTTP/1.1 and gives each one's
/// first status, 0 for none.
#[track_caller]
fn throw(bytes: &[u8]) -> [u16; 4] {
    let thrown = HTTP_ROLES.map(|role| Thrown::at(target().address(role), bytes));
    thrown.map(|thrown| status(&thrown.until_ended()).unwrap_or(0))
}

/// Throws `bytes` at every role; each must answer with this very status.
#[track_caller]
fn check(bytes: impl AsRef<[u8]>, expected: u16) {
    let bytes = bytes.as_ref();
    let shown = &bytes[..bytes.len().min(100)];
    assert_eq!(throw(bytes), [expected; 4], "{}", shown.escape_ascii());
}

/// A request whose lines end with LF here, and with CRLF when sent.
fn lines(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

#[test]
fn what_is_no_request_is_400() {
    for request in [
        "\0\n\n",
        "nonsense\n\n",
        "GET\n\n",
        "GET /\n\n",
        "GET  / HTTP/1.1\n\n",
        "GET / HTTP/1.1 more\n\n",
        "GET / HTTP/9.9\n\n",
        "GET / HTTP/1.10\n\n",
        "GET / http/1.1\n\n",
        "GET / HTP/1.1\n\n",
        "G(T / HTTP/1.1\n\n",
        " GET / HTTP/1.1\n\n",
        "GET /\x00 HTTP/1.1\n\n",
        "GET / HTTP/1.1\nno colon\n\n",
        "GET / HTTP/1.1\n: no name\n\n",
        "GET / HTTP/1.1\nNa me: x\n\n",
        "GET / HTTP/1.1\nName : x\n\n",
        "GET / HTTP/1.1\nName: x\n folded\n\n",
        "GET / HTTP/1.1\nName: a\x00b\n\n",
        "GET / HTTP/1.1\nName: a\x01b\n\n",
        "GET / HTTP/1.1\nNa\x00me: x\n\n",
        "GET / HTTP/1.1\nContent-Length: x\n\n",
        "GET / HTTP/1.1\nContent-Length: -1\n\n",
        "GET / HTTP/1.1\nContent-Length: +1\n\n",
        "GET / HTTP/1.1\nContent-Length: 1, 2\n\n",
        "GET / HTTP/1.1\nContent-Length: 1\nContent-Length: 2\n\n",
        "GET / HTTP/1.1\nContent-Length: 99999999999999999999\n\n",
        "GET / HTTP/1.1\nTransfer-Encoding: gzip\n\n",
        "GET / HTTP/1.1\nTransfer-Encoding: chunked, gzip\n\n",
        "GET http:// HTTP/1.1\n\n",
        "GET a/hello HTTP/1.1\n\n",
        "GET [::1 HTTP/1.1\n\n",
        "GET /?<x> HTTP/1.1\n\n",
    ] {
        check(lines(request), 400);
    }
    // A CR alone ends no line.
    check(b"GET / HTTP/1.1\rName: x\r\r", 400);
    check(b"GET / HTTP/1.1\r\nName: a\rb\r\n\r\n", 400);
    check(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400);
    target().assert_unharmed();
}

#[test]
fn what_is_merely_odd_is_answered() {
    let own = |role| match role {
        Role::BRest => "/b/numbers",
        _ => "/a/hello",
    };
    for odd in [
        // Empty lines before a request, LF alone, no version's Host.
        "\r\n\r\nGET PATH HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET PATH HTTP/1.1\nHost: x\n\n",
        "GET PATH HTTP/1.0\r\n\r\n",
        "GET PATH HTTP/1.1\r\n\r\n",
        "GET PATH HTTP/1.1\r\nHost:\r\nHost: two\r\n\r\n",
        "GET PATH HTTP/1.1\r\nName: \t caf\u{e9} \r\n\r\n",
        // The absolute form, as a proxy is asked.
        "GET http://elsewhere.example:1PATH HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET PATH?%%%zz%1=%&&==&%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET PATH?|{}[]^ HTTP/1.1\r\nHost: x\r\n\r\n",
        // Bodies that nobody asked for.
        "GET PATH HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        "GET PATH HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "GET PATH HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "GET PATH HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "GET PATH HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\nabc",
        "GET PATH HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
        "GET PATH HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        "GET PATH HTTP/1.1\r\nConnection: close, keep-alive, \r\n\r\n",
    ] {
        for role in HTTP_ROLES {
            let request = odd.replace("PATH", own(role));
            let came = Thrown::at(target().address(role), request.as_bytes()).until_answered();
            assert_eq!(status(&came), Some(200), "{role}: {request:?}");
        }
    }
    // Answered, or refused, whichever is first.
    for body in ["zz\r\nabc", "ffffffffffffffffff\r\n"] {
        for role in HTTP_ROLES {
            let path = own(role);
            let request =
                format!("GET {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
            let came = Thrown::at(target().address(role), request.as_bytes()).until_answered();
            assert!(
                matches!(status(&came), Some(200 | 400)),
                "{role}: {request:?}"
            );
        }
    }
    target().assert_unharmed();
}

#[test]
fn unknown_methods_and_targets_are_refused() {
    for (request, expected) in [
        ("POST / HTTP/1.1\n\n", [405, 405, 404, 404]),
        ("get / HTTP/1.1\n\n", [405, 405, 404, 404]),
        ("!#$%&'*+-.^_`|~ / HTTP/1.1\n\n", [405, 405, 404, 404]),
        ("GET * HTTP/1.1\n\n", [404; 4]),
        ("OPTIONS * HTTP/1.1\n\n", [204, 204, 404, 404]),
        ("GET //a//hello HTTP/1.1\n\n", [404; 4]),
        ("GET /a/../a/hello HTTP/1.1\n\n", [404; 4]),
        ("GET /%2e%2e/%00 HTTP/1.1\n\n", [404; 4]),
        ("GET /\u{e9} HTTP/1.1\n\n", [404; 4]),
        ("CONNECT / HTTP/1.1\n\n", [405, 405, 404, 404]),
        ("CONNECT a:1 HTTP/1.1\n\n", [404; 4]),
    ] {
        assert_eq!(throw(&lines(request)), expected, "{request:?}");
    }
    target().assert_unharmed();
}

#[test]
fn what_is_too_large_is_refused_or_cut_off() {
    let x = |count| "x".repeat(count);
    check(
        lines(&format!("GET / HTTP/1.1\nLarge: {}\n\n", x(200_000))),
        431,
    );
    check(
        lines(&format!("GET / HTTP/1.1\n{}: x\n\n", x(200_000))),
        431,
    );
    check(
        lines(&format!("GET / HTTP/1.1\n{}\n", "A: b\n".repeat(500))),
        431,
    );
    check(lines(&format!("GET /{} HTTP/1.1\n\n", x(70_000))), 431);
    // Without end: the limit is on what is kept, not on what has come.
    let large = format!("GET /{}", x(2_000_000));
    for status in throw(large.as_bytes()) {
        assert!([0, 431].contains(&status), "{status}");
    }
    for endless in ["x", "\r\n", "A: b\r\n", "\0"] {
        let status = throw(endless.repeat(500_000).as_bytes());
        for status in status {
            assert!([0, 400, 431].contains(&status), "{endless:?}: {status}");
        }
    }
    target().assert_unharmed();
}

#[test]
fn what_is_cut_short_ends_with_the_client() {
    let request = lines("GET /a/hello?name=x HTTP/1.1\nHost: x\nContent-Length: 0\n\n");
    for length in 0..request.len() {
        let thrown = HTTP_ROLES.map(|role| Thrown::at(target().address(role), &request[..length]));
        for thrown in thrown {
            let status = status(&thrown.ended());
            assert!(
                [None, Some(400)].contains(&status),
                "{length} bytes: {status:?}"
            );
        }
    }
    target().assert_unharmed();
}

#[test]
fn a_client_that_never_ends_its_request_is_left() {
    let unfinished = [
        "",
        "GET",
        "GET / HTTP/1.1\r\nHost: x\r\n",
        "\r\n\r\n",
        // Answered before the body has come, which then does not come.
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        // A connection that stays idle after its answer.
        "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n",
    ];
    // All at once: each waits for the same timeout.
    let thrown: Vec<_> = unfinished
        .iter()
        .flat_map(|bytes| {
            HTTP_ROLES.map(|role| Thrown::at(target().address(role), bytes.as_bytes()))
        })
        .collect();
    for thrown in thrown {
        status(&thrown.until_ended_by_server());
    }
    target().assert_unharmed();
}

#[test]
fn a_body_is_never_taken_for_a_request() {
    let hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    let length = hidden.len();
    for request in [
        format!("GET /no HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{hidden}"),
        format!(
            "GET /no HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
             {length:x}\r\n{hidden}\r\n0\r\n\r\n"
        ),
    ] {
        for role in HTTP_ROLES {
            let next = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
            let bytes = format!("{request}{next}");
            let came = Thrown::at(target().address(role), bytes.as_bytes()).until_answered();
            let came = String::from_utf8_lossy(&came);
            assert!(came.contains("no route /no;"), "{role}: {came}");
            assert!(!came.contains("/hidden"), "{role}: {came}");
        }
    }
}

#[test]
fn requests_sent_together_are_answered_in_order() {
    for role in [Role::Gateway, Role::GatewayRest] {
        let mut connection = Connection::open(target().address(role)).expect("connected");
        let count = 50;
        let mut bytes = Vec::new();
        for index in 0..count {
            let target = format!("/a/hello?name={index}");
            write!(bytes, "GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").expect("memory");
        }
        bytes.extend_from_slice(b"\0garbage\r\n\r\n");
        connection.send(&bytes).expect("sent");
        for index in 0..count {
            let answer = connection.read_response("GET").expect("an answer");
            let message = answer.json()["message"].as_str().map(str::to_owned);
            let message = message.expect("a greeting");
            assert!(message.starts_with(&format!("Olá, {index}!")), "{message}");
        }
        let last = connection.read_response("GET").expect("an answer");
        assert_eq!(last.status(), 400);
        assert_eq!(connection.read_to_end().expect("the end"), b"");
    }
}

#[test]
fn a_request_that_comes_byte_by_byte_is_answered() {
    let clients = HTTP_ROLES.map(|role| {
        let path = match role {
            Role::BRest => "/b/numbers",
            _ => "/a/hello",
        };
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut connection = Connection::open(target().address(role)).expect("connected");
        thread::spawn(move || {
            for byte in request.into_bytes() {
                connection.send(&[byte]).expect("sent");
                // So that it leaves by itself; nothing depends on how long.
                thread::sleep(Duration::from_millis(1));
            }
            connection.read_response("GET").expect("an answer").status()
        })
    });
    for client in clients {
        assert_eq!(client.join().expect("it is answered"), 200);
    }
}

#[test]
fn clients_that_leave_at_once_do_no_harm() {
    for role in HTTP_ROLES {
        for _ in 0..100 {
            let request = b"GET /a/hello HTTP/1.1\r\nHost: x\r\n\r\n";
            drop(Thrown::at(target().address(role), request));
        }
        let answer = http::get(target().address(role), "/no").expect("an answer");
        assert_eq!(answer.status(), 404);
    }
    target().assert_unharmed();
}
