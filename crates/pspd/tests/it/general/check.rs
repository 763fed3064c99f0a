//! `pspd gateway check` and `pspd gateway explain`: what an operator is told before
//! anything listens.

use std::fs;

use prost_reflect::{
    prost::Message,
    prost_types::{FileDescriptorProto, FileDescriptorSet},
};
use serde_json::json;
use testkit::{
    Ended, Program,
    backend::{Backend, End, Reply, Status},
};

use super::{PSPD, SCHEMA, configuration, data, message, method, protos, upstream};

/// Nobody is asked, so that nobody needs to be there.
const NOBODY: &str = "127.0.0.1:9";

fn check(text: &str) -> Ended {
    let (_folder, path) = configuration(text);
    Program::start(PSPD, &["gateway", "check", "--config", &path]).finish()
}

fn check_protos(names: &[&str], more: &str) -> Ended {
    let address = NOBODY.parse().expect("an address");
    check(&(upstream(address, &protos(names)) + more))
}

#[test]
fn every_route_is_listed_with_its_origin() {
    let ended = check_protos(&["library.proto", "desk.proto"], "");
    let expected = fs::read_to_string(data("check.txt")).expect("a file of text");
    assert_eq!(ended.out, expected);
    assert_eq!((ended.code(), ended.err.as_str()), (Some(0), ""));
}

#[test]
fn routes_of_the_configuration_and_of_a_service_configuration() {
    let more = format!(
        "service-config = {:?}\nunannotated = \"refuse\"\n\
         [[gateway.routes]]\nrpc = \"desk.v1.Desk.Ask\"\nput = \"/ask\"\nbody = \"*\"\n",
        data("desk.yaml")
    );
    let ended = check_protos(&["desk.proto"], &more);
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    let lines: Vec<_> = ended.out.lines().collect();
    assert_eq!(lines.len(), 5, "{}", ended.out);
    for (line, route, origin) in [
        (
            lines[0],
            "GET  /desk/ask/{text}  desk.v1.Desk.Ask at backend (",
            "desk.yaml, http.rules[0]",
        ),
        (
            lines[1],
            "POST /desk/ask         desk.v1.Desk.Ask at backend (",
            "additional_bindings[0])",
        ),
        (
            lines[2],
            "GET  /desk/follow      stream of desk.v1.Desk.Follow at backend (",
            "http.rules[1]",
        ),
        (
            lines[3],
            "PUT  /ask              desk.v1.Desk.Ask at backend (",
            "routes[0]",
        ),
    ] {
        assert!(line.starts_with(route), "{line}");
        assert!(line.contains(origin), "{line}");
    }
    assert_eq!(lines[4], "4 routes");
}

#[test]
fn settings_and_files_are_listed_with_where_they_come_from() {
    let address = NOBODY.parse().expect("an address");
    let text = "[gateway]\nvalues-max = 5\n".to_owned();
    let (_folder, path) = configuration(&(text + &upstream(address, &protos(&["other.proto"]))));
    let args = [
        "gateway",
        "check",
        "--settings",
        "--call-timeout",
        "9s",
        "--config",
        &path,
    ];
    let ended = Program::start_with(PSPD, &args, &[("PSPD_KEEP_ALIVE", "7s")]).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    for line in [
        "setting: call-timeout = \"9s\" (on the command line)".to_owned(),
        "setting: keep-alive = \"7s\" (in the environment variable PSPD_KEEP_ALIVE)".to_owned(),
        format!("setting: values-max = \"5\" (in {path}:2)"),
        "setting: port = \"8080\" (the default)".to_owned(),
        format!("read: {}", data("other.proto").display()),
    ] {
        assert!(
            ended.out.lines().any(|told| told == line),
            "{line}\n{}",
            ended.out
        );
    }
}

/// The only problem, which ends with 64.
#[track_caller]
fn refused(ended: &Ended) -> &str {
    assert_eq!(
        (ended.code(), ended.out.as_str()),
        (Some(64), ""),
        "{}",
        ended.err
    );
    ended.err.trim_end()
}

#[test]
fn a_conflict_is_told_with_both_origins() {
    let ended = check_protos(&["conflict.proto"], "");
    assert_eq!(
        refused(&ended),
        "error: GET /v1/things/{name} is given twice, by conflict.proto, option \
         (google.api.http) of conflict.v1.Conflict.One (upstream backend) and by \
         conflict.proto, option (google.api.http) of conflict.v1.Conflict.Other (upstream \
         backend); change the path of one of them or leave it out"
    );
    let more = "[[gateway.routes]]\nrpc = \"desk.v1.Desk.Ask\"\npost = \"/desk.v1.Desk/Follow\"\n";
    let ended = check_protos(&["desk.proto"], more);
    let told = refused(&ended);
    assert!(
        told.contains("POST /desk.v1.Desk/Follow is given twice, by "),
        "{told}"
    );
    assert!(
        told.contains("desk.v1.Desk.Follow, which has no rule of its own"),
        "{told}"
    );
    assert!(told.contains("routes[0]"), "{told}");
}

#[test]
fn serving_refuses_what_checking_refuses() {
    let address = NOBODY.parse().expect("an address");
    let (_folder, path) = configuration(&upstream(address, &protos(&["conflict.proto"])));
    let ended = Program::start(PSPD, &["serve", "gateway", "--config", &path]).finish();
    assert_eq!(ended.code(), Some(64));
    assert!(ended.err.contains("is given twice"), "{}", ended.err);
}

#[test]
fn every_rule_that_does_not_fit_is_told_at_once() {
    let ended = check_protos(&["mistakes.proto"], "");
    let told = refused(&ended);
    for (name, said) in [
        ("NoSuchVariable", "\"nmae\""),
        ("RepeatedVariable", "tags is repeated"),
        ("NoSuchBody", "\"thing\""),
        ("NoSuchResponseBody", "\"thing\""),
        ("NoTemplate", "\"/v1/{name=things/*\" is no path template"),
    ] {
        let line = told
            .lines()
            .find(|line| line.contains(&format!("mistakes.v1.Mistakes.{name}:")));
        let line = line.unwrap_or_else(|| panic!("nothing of {name}: {told}"));
        assert!(line.contains(said), "{line}");
        assert!(
            line.contains("mistakes.proto, option (google.api.http)"),
            "{line}"
        );
    }
    assert_eq!(told.lines().count(), 5, "{told}");
}

#[test]
fn what_cannot_be_served_is_named() {
    let ended = check_protos(&["group.proto"], "");
    let told = refused(&ended);
    assert!(
        told.contains("group.v1.Old cannot be served: its field inner is a group"),
        "{told}"
    );

    let ended = check_protos(&["edition.proto"], "");
    let told = refused(&ended);
    assert!(told.contains("edition.proto:3:1"), "{told}");
    assert!(told.contains("edition"), "{told}");
}

#[test]
fn an_edition_in_a_descriptor_set_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = FileDescriptorProto {
        name: Some("newer.proto".to_owned()),
        package: Some("newer.v1".to_owned()),
        syntax: Some("editions".to_owned()),
        ..FileDescriptorProto::default()
    };
    let set = FileDescriptorSet { file: vec![file] }.encode_to_vec();
    let path = folder.path().join("set.binpb");
    fs::write(&path, set).expect("written");
    let address = NOBODY.parse().expect("an address");
    let ended = check(&upstream(address, &format!("descriptor-set = {path:?}")));
    let told = refused(&ended);
    assert!(told.contains("edition"), "{told}");
    assert!(told.contains("newer.proto"), "{told}");
}

#[test]
fn names_that_nothing_has_are_told() {
    let more = "services = [\"desk.v1.Desks\"]\n[[gateway.routes]]\nrpc = \"desk.v1.Desk.Aks\"\nget = \"/x\"\n";
    let ended = check_protos(&["desk.proto"], more);
    let told = refused(&ended);
    assert!(
        told.contains("there is no service \"desk.v1.Desks\"; it has desk.v1.Desk"),
        "{told}"
    );
    assert!(told.contains("desk.v1.Desk.Aks"), "{told}");
}

#[test]
fn a_server_that_cannot_be_asked_is_a_failure() {
    let ended = Program::start(PSPD, &["gateway", "check", "--upstream", NOBODY]).finish();
    assert_eq!(ended.code(), Some(1), "{}{}", ended.out, ended.err);
    let expected =
        format!("unknown: upstream {NOBODY} could not be asked for its services\n0 routes\n");
    assert!(ended.out.ends_with(&expected), "{}", ended.out);
}

#[test]
fn a_running_server_is_checked_by_its_reflection() {
    let backend = Backend::start(SCHEMA.clone());
    let address = backend.address().to_string();
    let ended = Program::start(PSPD, &["gateway", "check", "--upstream", &address]).finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    // The same routes, in whatever order the server names its services.
    let routes = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let expected = fs::read_to_string(data("check.txt")).expect("a file of text");
    let expected = expected.replace(" at backend (", &format!(" at {address} ("));
    assert_eq!(routes(&ended.out), routes(&expected));
}

/// Explains `request` to the library at `address`.
fn explain(address: &str, request: &str, args: &[&str]) -> Ended {
    let known = protos(&["library.proto", "desk.proto"]);
    let address = address.parse().expect("an address");
    let (_folder, path) = configuration(&upstream(address, &known));
    let mut all = vec!["gateway", "explain", request, "--config", &path];
    all.extend(args);
    Program::start(PSPD, &all).finish()
}

/// The lines that are the same each time.
fn without_times(text: &str) -> Vec<&str> {
    let lines = text.lines();
    lines
        .filter(|line| !line.starts_with("time ") && !line.starts_with("     "))
        .collect()
}

#[test]
fn a_request_is_explained() {
    let args = [
        "-H",
        "Authorization: Bearer x",
        "-H",
        "Cookie: a=b",
        "-d",
        r#"{"title": "T"}"#,
    ];
    let ended = explain(
        NOBODY,
        "PATCH /v1/shelves/1/books/2?update_mask=title",
        &args,
    );
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    assert_eq!(
        without_times(&ended.out),
        [
            "route     PATCH /v1/{book.name=shelves/*/books/*}",
            "written   library.proto, option (google.api.http) of library.v1.Library.UpdateBook",
            "method    library.v1.Library.UpdateBook at upstream backend",
            "address   127.0.0.1:9",
            "answer    one JSON value",
            "body      (the rule's field) = \"14 bytes\"",
            "path      book.name = \"shelves/1/books/2\"",
            "query     update_mask = \"title\"",
            "message   {\"book\":{\"name\":\"shelves/1/books/2\",\"title\":\"T\"},\"updateMask\":\"title\"} (35 bytes)",
            "metadata  authorization: \"Bearer x\"",
        ]
    );
    let time = ended.out.lines().last().expect("a line");
    assert!(
        time.contains(" to find the route, ") && time.ends_with(" to make the message"),
        "{time}"
    );

    let ended = explain(NOBODY, "GET /v1/shelves/7:watch", &[]);
    let stream = "answer    a JSON array, or by `accept` application/x-ndjson or text/event-stream";
    assert!(ended.out.contains(stream), "{}", ended.out);
    let ended = explain(NOBODY, "GET /v1/shelves/1/books/2:cover", &[]);
    assert!(
        ended
            .out
            .contains("answer    the bytes of google.api.HttpBody"),
        "{}",
        ended.out
    );
}

#[test]
fn what_cannot_be_asked_is_explained() {
    for (request, code, said) in [
        (
            "GET /nowhere",
            1,
            "no route; `pspd gateway check` lists them\n",
        ),
        (
            "POST /v1/shelves/7",
            1,
            "POST is not served at this path; use one of GET, HEAD, PUT, OPTIONS\n",
        ),
        (
            "GET /v1/kinds?an_int32=x",
            1,
            "parameter \"an_int32\" is \"x\"; expected a whole number",
        ),
        (
            "GET /v1/shelf-of/%FF",
            1,
            "the part of the path that is \"owner.name\" is not UTF-8 text",
        ),
    ] {
        let ended = explain(NOBODY, request, &[]);
        assert_eq!(ended.code(), Some(code), "{request}: {}", ended.err);
        assert!(ended.out.starts_with(said), "{request}: {}", ended.out);
    }
    for request in ["GET", "/v1/shelves/7", "GET nowhere"] {
        let ended = explain(NOBODY, request, &[]);
        assert_eq!(ended.code(), Some(64), "{request}: {}", ended.out);
        assert!(
            ended.err.contains("is no request"),
            "{request}: {}",
            ended.err
        );
    }
}

#[test]
fn a_call_is_made_and_measured() {
    let backend = Backend::start(SCHEMA.clone());
    let address = backend.address().to_string();
    backend.answer(&method("WatchShelf"), |_| {
        Reply::messages(["a", "b"].map(|text| message("Event", json!({"text": text}))))
    });
    let ended = explain(
        &address,
        "GET /v1/shelves/7:watch",
        &["--call", "-H", "grpc-metadata-tenant: t1"],
    );
    assert_eq!(ended.code(), Some(0), "{}", ended.err);
    let lines: Vec<_> = ended.out.lines().map(str::trim).collect();
    let at = lines
        .iter()
        .position(|line| line.starts_with("time "))
        .expect("the times");
    for (line, end) in lines[at + 1..].iter().zip([
        " to open a connection",
        " from the call to the answer's head",
        " to the first message",
        " to the end",
        " of it to write 2 messages as JSON",
    ]) {
        assert!(line.ends_with(end), "{end}: {}", ended.out);
    }
    assert_eq!(lines[at + 6..], [r#"{"text":"a"}"#, r#"{"text":"b"}"#]);
    let call = backend.received().remove(0);
    assert_eq!(call.json(), json!({"name": "shelves/7"}));
    assert_eq!(call.metadata("tenant"), Some("t1"));
}

#[test]
fn a_call_that_fails_is_told() {
    let backend = Backend::start(SCHEMA.clone());
    let address = backend.address().to_string();
    backend.answer(&method("GetShelf"), |_| {
        Reply::steps([]).ending(End::Status(Status::new(5, "no such shelf")))
    });
    let ended = explain(&address, "GET /v1/shelves/7", &["--call"]);
    assert!(
        ended
            .out
            .contains("failed    service backend answered NOT_FOUND: no such shelf"),
        "{}",
        ended.out
    );
    assert_ne!(ended.code(), Some(0), "a script has to notice");
}
