//! Clients that were written elsewhere: curl for streams that are flushed, and a
//! real browser's `EventSource`.

use std::process::Command;

use serde_json::json;
use testkit::{
    Program, Tool,
    backend::{End, Gate, Reply, Status, Step},
    need, run, until,
};

use super::{Library, message};
use crate::page::{all_ok, browser};

fn event(sequence: u32) -> Step {
    Step::Message(message(
        "Event",
        json!({"sequence": sequence, "text": "olá"}),
    ))
}

/// curl on the shelf's stream, in the form that `accept` names.
fn curl(library: &Library, accept: &str) -> Option<Program> {
    let curl = need(Tool::Curl)?;
    let url = format!("http://{}/v1/shelves/7:watch", library.address());
    let accept = format!("Accept: {accept}");
    let args = [
        "--silent",
        "--show-error",
        "--no-buffer",
        "--fail",
        "-H",
        &accept,
        &url,
    ];
    Some(Program::start(curl, &args))
}

/// What curl shows grows message by message, each sent when the one before it has
/// been seen.
fn grows(accept: &str, one: impl Fn(u32) -> String, end: &str) {
    let library = Library::start();
    let gate = Gate::default();
    let steps: Vec<_> = (1..=3)
        .flat_map(|sequence| [Step::Wait(gate.clone()), event(sequence)])
        .chain([Step::Wait(gate.clone())])
        .collect();
    library.answer("WatchShelf", move |_| Reply::steps(steps.clone()));
    let Some(curl) = curl(&library, accept) else {
        return;
    };
    let mut shown = String::new();
    for sequence in 1..=3 {
        gate.let_through(1);
        shown += &one(sequence);
        until("the message", || (curl.out() == shown).then_some(()));
    }
    gate.let_through(1);
    let ended = curl.finish();
    assert_eq!((ended.code(), ended.err.as_str()), (Some(0), ""));
    assert_eq!(ended.out, shown + end);
}

fn json_of(sequence: u32) -> String {
    format!(r#"{{"sequence":"{sequence}","text":"olá"}}"#)
}

#[test]
fn curl_sees_lines_one_by_one() {
    grows(
        "application/x-ndjson",
        |sequence| json_of(sequence) + "\n",
        "",
    );
}

#[test]
fn curl_sees_events_one_by_one() {
    let one = |sequence| format!("data: {}\n\n", json_of(sequence));
    grows(
        "text/event-stream",
        one,
        "id: end\nevent: end\ndata: {}\n\n",
    );
}

#[test]
fn curl_posts_as_people_do() {
    let Some(curl) = need(Tool::Curl) else { return };
    let library = Library::start();
    library.answer("CreateBook", |call| {
        let book = call.json()["book"].clone();
        Reply::message(message("Book", book))
    });
    let base = format!("http://{}", library.address());
    let post = run(Command::new(&curl)
        .args(["-sS", "-d", r#"{"title": "T"}"#])
        .arg(format!("{base}/v1/shelves/1/books")));
    assert_eq!(post, r#"{"title":"T"}"#);
    // More than a megabyte makes curl ask first.
    let title = "x".repeat(1_100_000);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("body");
    std::fs::write(&file, format!("{{\"title\": \"{title}\"}}")).expect("written");
    let post = run(Command::new(&curl)
        .args(["-sS", "--json"])
        .arg(format!("@{}", file.display()))
        .arg(format!("{base}/v1/shelves/1/books")));
    assert_eq!(post, format!("{{\"title\":\"{title}\"}}"));
}

#[test]
fn an_event_source_in_a_browser() {
    let Some(mut browser) = browser("event_source.mjs") else {
        return;
    };
    let library = Library::start_with("", &["--keep-alive", "2s"]);
    library.answer("WatchShelf", |call| {
        let name = call.json()["name"].as_str().unwrap_or_default().to_owned();
        match name.as_str() {
            "shelves/ends" | "shelves/lines" => Reply::steps((1..=3).map(event)),
            "shelves/silent" => {
                let pause = Step::Pause(std::time::Duration::from_secs(5));
                Reply::steps([event(1), pause, event(2)])
            }
            "shelves/fails" => {
                Reply::steps([event(1)]).ending(End::Status(Status::new(5, "the shelf is gone")))
            }
            _ => Reply::status(5, "no such shelf"),
        }
    });
    let printed = run(browser.env("GATEWAY_URL", format!("http://{}", library.address())));
    all_ok(&printed);
    let mut called: Vec<_> = library
        .backend
        .received()
        .iter()
        .map(|call| call.json())
        .collect();
    called.sort_by_key(ToString::to_string);
    let once = ["ends", "fails", "lines", "nosuch", "silent"]
        .map(|name| json!({"name": format!("shelves/{name}")}));
    assert_eq!(called, once, "each call is made once");
}
