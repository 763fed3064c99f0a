//! Routes that the configuration adds, and rules that are written beside a schema.

use serde_json::json;
use testkit::{
    Process, Program,
    backend::{Backend, Reply},
    http,
};

use super::{Library, PSPD, SCHEMA, configuration, data, error, message, protos, upstream};

#[test]
fn a_route_of_the_configuration() {
    let library = Library::start_with(
        r#"
[[gateway.routes]]
rpc = "library.v1.Library.ListBooks"
get = "/books"
query-defaults = { page_size = "20" }
constants = { from = "library", version = 2 }
json = { defaults = "write", unknown-query = "ignore" }

[[gateway.routes]]
rpc = "library.v1.Library.WatchShelf"
custom = { kind = "WATCH", path = "/watch/{name}" }
gather = { field = "text", as = "texts" }
constants = { from = "library" }
"#,
        &[],
    );
    let list = |target: &str| {
        let answer = library.get(target);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        (answer.text(), library.received().json())
    };
    let (answer, call) = list("/books?parent=p&utm=x");
    assert_eq!(call, json!({"parent": "p", "page_size": 20}));
    let expected = r#"{"from":"library","version":2,"books":[],"nextPageToken":"","titles":[]}"#;
    assert_eq!(answer, expected);
    let (_, call) = list("/books?pageSize=3");
    assert_eq!(call, json!({"page_size": 3}));
    let (_, call) = list("/books?page_size=");
    assert_eq!(call, json!({"page_size": 20}));
    // The method's own rule is still there, and not shaped.
    let (answer, call) = list("/v1/shelves/1/books");
    assert_eq!(
        (answer.as_str(), call),
        ("{}", json!({"parent": "shelves/1"}))
    );

    library.answer("WatchShelf", |_| {
        Reply::messages(["a", "b"].map(|text| message("Event", json!({"text": text}))))
    });
    let answer = library.request("WATCH", "/watch/x", &[], "");
    assert_eq!(answer.text(), r#"{"from":"library","texts":["a","b"]}"#);
    let lines = library.request(
        "WATCH",
        "/watch/x",
        &[("Accept", "application/x-ndjson")],
        "",
    );
    let expected = "{\"from\":\"library\",\"text\":\"a\"}\n{\"from\":\"library\",\"text\":\"b\"}\n";
    assert_eq!(lines.text(), expected);
    let events = library.request("WATCH", "/watch/x", &[("Accept", "text/event-stream")], "");
    assert!(
        events
            .text()
            .ends_with("event: end\ndata: {\"from\":\"library\"}\n\n")
    );
}

#[test]
fn rules_beside_the_schema() {
    let backend = Backend::start(SCHEMA.clone());
    let rules = format!(
        "service-config = {:?}\nservices = [\"desk.v1.Desk\"]\n",
        data("desk.yaml")
    );
    let text = upstream(backend.address(), &(protos(&["desk.proto"]) + &rules));
    let (_folder, path) = configuration(&text);
    let gateway = Process::start(PSPD, contract::Role::Gateway, &["--config", &path]);
    let ask = |verb: &str, target: &str, body: &str| {
        http::request(gateway.address(), verb, target, &[], body.as_bytes()).expect("an answer")
    };
    for (verb, target, body) in [
        ("GET", "/desk/ask/why%3F?urgency=2", ""),
        ("POST", "/desk/ask", r#"{"text": "why?", "urgency": 2}"#),
    ] {
        assert_eq!(ask(verb, target, body).text(), r#"{"text":"why?"}"#);
        let call = backend.take_received().remove(0);
        assert_eq!(call.method, "desk.v1.Desk.Ask");
        assert_eq!(call.json(), json!({"text": "why?", "urgency": 2}));
    }
    assert_eq!(
        ask("GET", "/desk/follow?text=x", "").text(),
        r#"[{"text":"x"}]"#
    );
    // A method with a rule has no other route.
    error(&ask("POST", "/desk.v1.Desk/Ask", "{}"), 404);
}

#[test]
fn methods_without_a_rule_may_be_left_out() {
    let backend = Backend::start(SCHEMA.clone());
    let known = protos(&["library.proto", "desk.proto"]) + "unannotated = \"refuse\"\n";
    let (_folder, path) = configuration(&upstream(backend.address(), &known));
    let gateway = Process::start(PSPD, contract::Role::Gateway, &["--config", &path]);
    let post = http::request(gateway.address(), "POST", "/desk.v1.Desk/Ask", &[], b"{}");
    error(&post.expect("an answer"), 404);
    let get = http::get(gateway.address(), "/v1/shelves/7").expect("an answer");
    assert_eq!(get.status(), 200);
}

#[test]
fn several_services_behind_one_gateway() {
    let [library, desk] = [(); 2].map(|()| Backend::start(SCHEMA.clone()));
    let one = |backend: &Backend, name: &str, service: &str| {
        format!(
            "[[gateway.upstreams]]\nname = \"{name}\"\naddress = \"{}\"\nservices = [\"{service}\"]\n",
            backend.address()
        )
    };
    let text = one(&library, "one", "library.v1.Library") + &one(&desk, "two", "desk.v1.Desk");
    let (_folder, path) = configuration(&text);
    let gateway = Process::start(PSPD, contract::Role::Gateway, &["--config", &path]);
    let get = http::get(gateway.address(), "/v1/shelves/7").expect("an answer");
    assert_eq!(get.status(), 200, "{}", get.text());
    let post = http::request(gateway.address(), "POST", "/desk.v1.Desk/Ask", &[], b"{}");
    assert_eq!(post.expect("an answer").status(), 200);
    let methods = |backend: &Backend| {
        let calls = backend.received().into_iter();
        calls.map(|call| call.method).collect::<Vec<_>>()
    };
    assert_eq!(methods(&library), ["library.v1.Library.GetShelf"]);
    assert_eq!(methods(&desk), ["desk.v1.Desk.Ask"]);
}

#[test]
fn reflection_is_enough() {
    let backend = Backend::start(SCHEMA.clone());
    let address = backend.address().to_string();
    let gateway = Process::start(PSPD, contract::Role::Gateway, &["--upstream", &address]);
    for (verb, target, expected) in [
        (
            "GET",
            "/v1/shelves/7?owner.name=x",
            "library.v1.Library.GetShelf",
        ),
        ("POST", "/v1/books:search", "library.v1.Library.SearchBooks"),
        ("POST", "/desk.v1.Desk/Ask", "desk.v1.Desk.Ask"),
    ] {
        let answer = http::request(gateway.address(), verb, target, &[], b"");
        assert_eq!(answer.expect("an answer").status(), 200, "{target}");
        assert_eq!(backend.take_received().remove(0).method, expected);
    }
}

#[test]
fn a_descriptor_set_is_enough() {
    let backend = Backend::start(SCHEMA.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pspd.toml");
    std::fs::write(folder.path().join("all.binpb"), SCHEMA.encode_to_vec()).expect("written");
    // Paths in the file start from where it is.
    let text = upstream(backend.address(), "descriptor-set = \"all.binpb\"");
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("a plain path");
    let gateway = Process::start(PSPD, contract::Role::Gateway, &["--config", path]);
    let get = http::get(gateway.address(), "/v1/shelves/7").expect("an answer");
    assert_eq!(
        (get.status(), get.text().as_str()),
        (200, r#"{"name":"shelves/7"}"#)
    );
}

#[test]
fn a_wrong_configuration_is_told_whole() {
    let text = r#"
[[gateway.upstreams]]
address = "nowhere"
[[gateway.upstreams]]
name = "x"
[[gateway.routes]]
rpc = "a.B.C"
get = "/x"
post = "/y"
"#;
    let (_folder, path) = configuration(text);
    let ended = Program::start(PSPD, &["serve", "gateway", "--config", &path]).finish();
    assert_eq!(ended.code(), Some(64), "{}", ended.err);
    for part in [
        "upstreams[0]",
        "\"nowhere\"",
        "upstreams[1]",
        "routes[0]",
        "get",
        "post",
    ] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
}
