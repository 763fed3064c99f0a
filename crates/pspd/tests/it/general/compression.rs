//! Compressed answers, bodies and messages, with clients and a service that were
//! written elsewhere, and with what only an attacker sends. The bodies are made with
//! the libraries themselves.

use std::process::Command;

use contract::Role;
use flate2::{Compress, Compression, FlushCompress};
use serde_json::json;
use testkit::{
    Process, Program, Tool,
    backend::{Gate, Reply, Step},
    http::{self, Response},
    need, run, until,
};

use super::{Library, PSPD, configuration, message, protos};
use crate::{
    clients::script,
    packing::{gzip, zstd},
    page::{all_ok, browser},
};

const BOOKS: &str = "/v1/books";
const ON: [&str; 2] = ["--compression", "zstd,gzip"];

/// A stream of `mebibytes` spaces, each byte of which is valid JSON, as gzip.
fn gzip_bomb(mebibytes: usize) -> Vec<u8> {
    let piece = vec![b' '; 1 << 20];
    let mut gzip = Compress::new_gzip(Compression::new(9), 15);
    let mut out = Vec::with_capacity(8192 * (1 + mebibytes));
    for _ in 0..mebibytes {
        gzip.compress_vec(&piece, &mut out, FlushCompress::None)
            .expect("compressed");
    }
    gzip.compress_vec(&[], &mut out, FlushCompress::Finish)
        .expect("compressed");
    out
}

impl Library {
    /// Posts a book, compressed.
    #[track_caller]
    fn post(&self, coding: &str, body: &[u8]) -> Response {
        let headers = [("Content-Encoding", coding)];
        let answer = http::request(self.address(), "POST", BOOKS, &headers, body);
        answer.expect("an answer")
    }

    /// From now on a shelf has a theme of so many bytes.
    fn with_theme(&self, bytes: usize) {
        let theme = "abcdefgh ".repeat(bytes / 9 + 1);
        self.answer("GetShelf", move |_| {
            Reply::message(message("Shelf", json!({"theme": &theme[..bytes]})))
        });
    }
}

/// Everything but what differs from one answer to the next.
fn lasting(mut answer: Response) -> Response {
    let differs = |name: &str| {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        is("date") || is("x-request-id")
    };
    answer.head.headers.retain(|(name, _)| !differs(name));
    answer
}

#[test]
fn who_does_not_ask_gets_what_was_always_sent() {
    let (off, on) = (Library::start(), Library::start_with("", &ON));
    for library in [&off, &on] {
        library.with_theme(5000);
    }
    for (method, target) in [
        ("GET", "/v1/shelves/7"),
        ("HEAD", "/v1/shelves/7"),
        ("GET", "/v1/nowhere"),
        ("GET", "/healthz"),
    ] {
        let id = ("X-Request-Id", "0123456789abcdef0123456789abcdef");
        let plain = lasting(off.request(method, target, &[id], ""));
        let asked = [id, ("Accept-Encoding", "gzip, zstd")];
        assert_eq!(lasting(off.request(method, target, &asked, "")), plain);
        let mut same = lasting(on.request(method, target, &[id], ""));
        same.head
            .headers
            .retain(|(name, value)| (name.as_str(), value.as_str()) != ("vary", "accept-encoding"));
        assert_eq!(same, plain, "{method} {target}");
        let refusing = [("Accept-Encoding", "*;q=0")];
        let refused = on.request(method, target, &refusing, "");
        assert_eq!(refused.status(), plain.status(), "never 406");
    }
}

#[test]
fn answers_say_what_they_are() {
    let library = Library::start_with("", &ON);
    library.with_theme(5000);
    let ask = |method, accept| {
        let headers = [("Accept-Encoding", accept)];
        library.request(method, "/v1/shelves/7", &headers, "")
    };
    for accept in ["gzip", "zstd"] {
        let get = ask("GET", accept);
        assert_eq!(get.header("content-encoding"), Some(accept));
        assert_eq!(get.header("vary"), Some("accept-encoding"));
        assert_eq!(get.header("content-type"), Some("application/json"));
        let length = get.body.len().to_string();
        assert_eq!(get.header("content-length"), Some(&*length));
        assert!(get.body.len() < 500, "{length}");
        let head = ask("HEAD", accept);
        let (mut get, head) = (lasting(get), lasting(head));
        get.body.clear();
        assert_eq!(head, get);
    }
    library.with_theme(500);
    assert_eq!(ask("GET", "gzip").header("content-encoding"), None);
}

/// curl, which decompresses what it gets.
fn curl(library: &Library, accept: &str, target: &str) -> Option<Command> {
    let mut curl = Command::new(need(Tool::Curl)?);
    curl.args(["--silent", "--show-error", "--compressed", "--no-buffer"])
        .args(["-H", &format!("Accept-Encoding: {accept}")])
        .arg(format!("http://{}{target}", library.address()));
    Some(curl)
}

#[test]
fn curl_decompresses_answers() {
    let library = Library::start_with("", &ON);
    library.with_theme(100_000);
    for accept in ["gzip", "zstd", "gzip;q=0.5, zstd;q=0.4", "br, *"] {
        let Some(mut curl) = curl(&library, accept, "/v1/shelves/7") else {
            return;
        };
        let printed = run(curl.args(["-w", "\n%header{content-encoding} %{size_download}"]));
        let (body, said) = printed.rsplit_once('\n').expect("two parts");
        let (coding, bytes) = said.split_once(' ').expect("two words");
        assert_eq!(body, library.get("/v1/shelves/7").text());
        assert_eq!(
            coding,
            if accept.starts_with("gzip") {
                "gzip"
            } else {
                "zstd"
            }
        );
        assert!(bytes.parse::<usize>().expect("a number") < 5000, "{bytes}");
    }
}

#[test]
fn curl_sees_each_message_of_a_compressed_stream_at_once() {
    for (coding, accept) in [
        ("gzip", "application/x-ndjson"),
        ("gzip", "text/event-stream"),
        ("zstd", "application/x-ndjson"),
        ("zstd", "text/event-stream"),
    ] {
        let library = Library::start_with("", &ON);
        let gate = Gate::default();
        let waits = gate.clone();
        library.answer("WatchShelf", move |_| {
            let gate = waits.clone();
            Reply::steps((1..=3).flat_map(move |sequence| {
                let event = message("Event", json!({"sequence": sequence, "text": "olá"}));
                [Step::Wait(gate.clone()), Step::Message(event)]
            }))
        });
        let Some(mut curl) = curl(&library, coding, "/v1/shelves/7:watch") else {
            return;
        };
        let curl = Program::spawn(curl.args(["-i", "-H", &format!("Accept: {accept}")]));
        for sequence in 1..=3 {
            gate.let_through(1);
            let shown = format!("{{\"sequence\":\"{sequence}\",\"text\":\"olá\"}}\n");
            until("the message", || curl.out().contains(&shown).then_some(()));
        }
        let ended = curl.finish();
        assert_eq!(ended.code(), Some(0), "{}", ended.err);
        let head = format!("content-encoding: {coding}\r\n");
        assert!(ended.out.contains(&head), "{}", ended.out);
    }
}

#[test]
fn keep_alive_comments_are_not_kept_back() {
    let args = [&ON[..], &["--keep-alive", "50ms"]].concat();
    let library = Library::start_with("", &args);
    let gate = Gate::default();
    let waits = gate.clone();
    library.answer("WatchShelf", move |_| {
        Reply::steps([Step::Wait(waits.clone())])
    });
    let Some(mut curl) = curl(&library, "gzip", "/v1/shelves/7:watch") else {
        return;
    };
    let curl = Program::spawn(curl.args(["-H", "Accept: text/event-stream"]));
    until("two comments", || {
        curl.out().starts_with(":\n\n:\n\n").then_some(())
    });
    gate.let_through(1);
    assert_eq!(curl.finish().code(), Some(0));
}

#[test]
fn an_event_source_gets_each_message_at_once() {
    for coding in ["gzip", "zstd"] {
        let Some(mut browser) = browser("event_source_compressed.mjs") else {
            return;
        };
        let library = Library::start_with("", &["--compression", coding]);
        let gate = Gate::default();
        let waits = gate.clone();
        library.answer("WatchShelf", move |_| {
            let gate = waits.clone();
            Reply::steps((1..=20).flat_map(move |sequence| {
                let event = message("Event", json!({"sequence": sequence, "text": "olá"}));
                [Step::Wait(gate.clone()), Step::Message(event)]
            }))
        });
        // The page asks for a message when it has seen the one before.
        library.answer("GetShelf", move |_| {
            gate.let_through(1);
            Reply::message(message("Shelf", json!({})))
        });
        let url = format!("http://{}", library.address());
        let printed = run(browser.env("GATEWAY_URL", url).env("CODING", coding));
        assert!(
            printed.contains("ok each message comes before"),
            "{printed}"
        );
    }
}

#[test]
fn urllib_and_zlib() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let library = Library::start_with("", &ON);
    library.answer("CreateBook", |call| {
        let book = call.json()["book"].clone();
        let book = if book.is_null() { json!({}) } else { book };
        Reply::message(message("Book", book))
    });
    let client = script("compression_client.py");
    let url = format!("http://{}", library.address());
    all_ok(&run(Command::new(python)
        .arg(client)
        .env("GATEWAY_URL", url)));
}

#[test]
fn compressed_bodies_are_read() {
    let library = Library::start();
    let body = format!("{{\"parent\": \"{}\"}}", "p".repeat(50_000));
    let body = body.as_bytes();
    for (coding, sent) in [
        ("gzip", gzip(body)),
        ("X-Gzip", gzip(body)),
        ("zstd", zstd(body)),
        ("identity", body.to_vec()),
        ("zstd", [zstd(&body[..100]), zstd(&body[100..])].concat()),
        ("gzip", [gzip(&body[..100]), gzip(&body[100..])].concat()),
    ] {
        let answer = library.post(coding, &sent);
        assert_eq!(answer.status(), 200, "{coding}: {}", answer.text());
        let parent = library.received().json()["parent"].clone();
        assert_eq!(parent.as_str().map(str::len), Some(50_000));
    }
    // No bytes are an empty message, whatever is said of them.
    assert_eq!(library.post("gzip", b"").status(), 200);
}

#[test]
fn curl_sends_compressed_bodies() {
    let Some(curl) = need(Tool::Curl) else { return };
    let library = Library::start();
    let folder = tempfile::tempdir().expect("a folder");
    for (coding, sent) in [
        ("gzip", gzip(b"{\"parent\": \"p\"}")),
        ("zstd", zstd(b"{\"parent\": \"p\"}")),
    ] {
        let file = folder.path().join(coding);
        std::fs::write(&file, sent).expect("written");
        for framing in ["Content-Encoding;", "Transfer-Encoding: chunked"] {
            let printed = run(Command::new(&curl)
                .args(["-sS", "-H", "Content-Type: application/json", "-H", framing])
                .args(["-H", &format!("Content-Encoding: {coding}")])
                .args(["-w", "%{http_code}", "--data-binary"])
                .arg(format!("@{}", file.display()))
                .arg(format!("http://{}{BOOKS}", library.address())));
            assert!(printed.ends_with("200"), "{coding} {framing}: {printed}");
            assert_eq!(library.received().json(), json!({"parent": "p"}));
        }
    }
}

#[test]
fn codings_that_are_not_read() {
    let library = Library::start();
    for coding in ["br", "deflate", "gzip, gzip", "gzip, zstd", "compress"] {
        let answer = library.post(coding, b"{}");
        assert_eq!(answer.status(), 415, "{coding}");
        assert_eq!(answer.header("accept-encoding"), Some("gzip, zstd"));
        let body = answer.json();
        assert_eq!(body["code"], 3);
        let message = body["message"].as_str().expect("a text");
        assert!(message.contains(coding), "{message}");
    }
    assert_eq!(library.backend.received().len(), 0);
}

#[test]
fn bodies_that_are_torn_or_bad() {
    let library = Library::start();
    let body = br#"{"parent": "p", "book": {"title": "T"}}"#;
    for (coding, sent) in [("gzip", gzip(body)), ("zstd", zstd(body))] {
        for end in 1..sent.len() {
            let answer = library.post(coding, &sent[..end]);
            assert_eq!(answer.status(), 400, "{coding} {end}: {}", answer.text());
        }
        let mut longer = sent.clone();
        longer.extend_from_slice(b"{}");
        assert_eq!(library.post(coding, &longer).status(), 400, "{coding}");
        assert_eq!(library.post(coding, body).status(), 400, "{coding}");
        assert_eq!(library.post(coding, &sent).status(), 200);
    }
}

/// What a bomb may take for the moment: the limit and buffers, never what it stands for.
#[cfg(target_os = "linux")]
const BOMB_BYTES: u64 = 48 << 20;

#[cfg(target_os = "linux")]
#[test]
fn bombs_in_bodies() {
    use testkit::proc::peak_resident_bytes;

    let library = Library::start();
    assert_eq!(library.post("gzip", &gzip(b"{}")).status(), 200);
    let before = peak_resident_bytes(library.gateway.pid());
    let gigabyte = gzip_bomb(1024);
    assert!(gigabyte.len() < 1_100_000, "{}", gigabyte.len());
    let spaces = zstd(&vec![b' '; 256 << 20]);
    for _ in 0..5 {
        for (coding, bomb) in [("gzip", &gigabyte), ("zstd", &spaces)] {
            let answer = library.post(coding, bomb);
            assert_eq!(answer.status(), 413, "{coding}: {}", answer.text());
        }
    }
    // Heads of zstd frames that ask for windows of 16 MiB, of 1 GiB and of 3.75 TiB.
    for window in [14 << 3, 20 << 3, 0xff] {
        let head = [0x28, 0xb5, 0x2f, 0xfd, 0, window];
        let answer = library.post("zstd", &[&head[..], &[0; 100]].concat());
        assert_eq!(answer.status(), 400);
        let message = answer.json()["message"].clone();
        assert!(message.to_string().contains("8 MiB"), "{message}");
    }
    // Nothing, 200,000 times.
    let nothing = gzip(b"").repeat(200_000);
    assert_eq!(library.post("gzip", &nothing).status(), 200);
    let grown = peak_resident_bytes(library.gateway.pid()) - before;
    assert!(grown < BOMB_BYTES, "{grown}");
}

/// One frame of gRPC whose message is compressed.
fn framed(compressed: &[u8]) -> Step {
    let length = u32::try_from(compressed.len()).expect("small");
    let head = [&[1][..], &length.to_be_bytes()].concat();
    Step::Raw([&head, compressed].concat().into())
}

/// A `Shelf` with a theme of so many bytes.
fn shelf(bytes: usize) -> Vec<u8> {
    use prost::Message as _;
    let theme = "t".repeat(bytes);
    message("Shelf", json!({"theme": theme})).encode_to_vec()
}

/// A library whose messages are compressed with `coding`.
#[track_caller]
fn compressing(coding: &str, args: &[&str]) -> Library {
    Library::start_upstream(&format!("compression = \"{coding}\"\n"), "", args)
}

#[cfg(target_os = "linux")]
#[test]
fn compressed_messages_of_a_service() {
    use testkit::proc::peak_resident_bytes;

    let library = compressing("gzip", &[]);
    for (coding, sent) in [("gzip", gzip(&shelf(9000))), ("zstd", zstd(&shelf(9000)))] {
        library.answer("GetShelf", move |_| {
            Reply::steps([framed(&sent)]).with_metadata("grpc-encoding", coding)
        });
        let answer = library.get("/v1/shelves/7");
        assert_eq!(answer.json()["theme"].as_str().map(str::len), Some(9000));
        let received = library.received();
        assert_eq!(received.metadata("grpc-accept-encoding"), Some("zstd,gzip"));
        assert_eq!(received.metadata("grpc-encoding"), None, "it is small");
        assert_eq!(answer.header("grpc-metadata-grpc-encoding"), None);
    }
    let before = peak_resident_bytes(library.gateway.pid());
    let bomb = gzip_bomb(1024);
    for sent in [bomb, b"no gzip at all".to_vec(), gzip(&shelf(5 << 20))] {
        library.answer("GetShelf", move |_| {
            Reply::steps([framed(&sent)]).with_metadata("grpc-encoding", "gzip")
        });
        assert_eq!(library.get("/v1/shelves/7").status(), 502);
    }
    library.answer("GetShelf", |_| {
        Reply::steps([framed(b"x")]).with_metadata("grpc-encoding", "snappy")
    });
    assert_eq!(library.get("/v1/shelves/7").status(), 502);
    let grown = peak_resident_bytes(library.gateway.pid()) - before;
    assert!(grown < BOMB_BYTES, "{grown}");
}

#[test]
fn without_the_key_nothing_is_said_of_compression() {
    let library = Library::start();
    library.answer("GetShelf", |_| {
        Reply::steps([framed(&gzip(&shelf(1)))]).with_metadata("grpc-encoding", "gzip")
    });
    assert_eq!(library.get("/v1/shelves/7").status(), 502);
    let received = library.received();
    assert_eq!(received.metadata("grpc-accept-encoding"), None);
}

#[test]
fn a_stream_of_messages_of_which_some_are_compressed() {
    let library = compressing("zstd", &[]);
    library.answer("WatchShelf", |_| {
        let event = |sequence| message("Event", json!({"sequence": sequence}));
        let squeezed = |sequence| {
            use prost::Message as _;
            framed(&gzip(&event(sequence).encode_to_vec()))
        };
        let steps = [
            squeezed(1),
            Step::Message(event(2)),
            squeezed(3),
            squeezed(4),
        ];
        Reply::steps(steps).with_metadata("grpc-encoding", "gzip")
    });
    let answer = library.get("/v1/shelves/7:watch").json();
    let sequences: Vec<_> = (1..=4)
        .map(|n| json!({"sequence": n.to_string()}))
        .collect();
    assert_eq!(answer, json!(sequences));
}

#[test]
fn a_service_that_cannot_read_it_gets_messages_as_they_are() {
    // The library's backend knows no coding, and says so.
    for coding in ["gzip", "zstd"] {
        let args = ["--compress-bytes-min", "100", "--workers", "1"];
        let library = compressing(coding, &args);
        let body = format!("{{\"parent\": \"{}\"}}", "p".repeat(1000));
        for _ in 0..2 {
            let answer = library.request("POST", BOOKS, &[], &body);
            assert_eq!(answer.status(), 200, "{}", answer.text());
            let received = library.received();
            assert_eq!(received.metadata("grpc-encoding"), None);
        }
        assert_eq!(library.backend.unread(), 1, "each worker asks once");
        until("the warning", || {
            let lines = library.gateway.last_lines();
            let told = |line: &String| line.contains("cannot read compressed messages");
            lines.iter().any(told).then_some(())
        });
    }
}

#[test]
fn a_grpcio_service_compresses_and_decompresses() {
    let Some(python) = need(Tool::Python) else {
        return;
    };
    let mut command = Command::new(python);
    let mut server = Program::spawn(command.arg(script("compressing_server.py")));
    let address = until("the server", || {
        let out = server.out();
        out.strip_suffix('\n').map(ToOwned::to_owned)
    });
    let known = protos(&["library.proto"]);
    let upstream =
        format!("[[gateway.upstreams]]\naddress = \"{address}\"\ncompression = \"gzip\"\n{known}");
    let (_folder, path) = configuration(&upstream);
    let args = ["--config", &path];
    let gateway = Process::start(PSPD, Role::Gateway, &args);
    let title = "the same again ".repeat(1000);
    let body = json!({"book": {"title": title}}).to_string();
    let answer = http::request(gateway.address(), "POST", BOOKS, &[], body.as_bytes());
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.json()["title"], title);
    drop(gateway);
    server.close_stdin();
    let printed = server.finish().out;
    let counts = printed.lines().last().expect("a line").split(' ');
    let counts: Vec<usize> = counts
        .map(|count| count.parse().expect("a number"))
        .collect();
    assert!(
        counts.iter().all(|bytes| (100..5000).contains(bytes)),
        "{printed}"
    );
}
