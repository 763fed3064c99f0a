//! Headers that become metadata and metadata that become headers; how long a call
//! may take; and who asked.

use std::time::Duration;

use contract::grpc_timeout;
use serde_json::json;
use testkit::{
    backend::{End, Received, Reply, Step},
    until,
};

use super::{Library, error, message};

/// What the service got with a request that has these headers.
#[track_caller]
fn sent(library: &Library, headers: &[(&str, &str)]) -> Received {
    let answer = library.request("GET", "/v1/shelves/7", headers, "");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    library.received()
}

#[test]
fn headers_become_metadata() {
    let library = Library::start();
    let call = sent(
        &library,
        &[
            ("Authorization", "Bearer x"),
            ("Accept-Language", "pt-BR"),
            ("Cookie", "a=b"),
            ("Tracestate", "v=1"),
            ("Grpc-Metadata-Tenant", "t1"),
            ("Grpc-Metadata-Key-Bin", "AAEC/w"),
            ("Grpc-Metadata-Other-Bin", "no base64!"),
            ("Grpc-Metadata-Te", "x"),
            ("Grpc-Metadata-Grpc-Status", "3"),
            ("X-Request-Id", "request-1"),
            ("User-Agent", "curl"),
        ],
    );
    for (name, expected) in [
        ("authorization", Some("Bearer x")),
        ("accept-language", Some("pt-BR")),
        ("tracestate", Some("v=1")),
        ("tenant", Some("t1")),
        ("key-bin", Some("AAEC/w")),
        ("other-bin", None),
        ("grpc-status", None),
        ("cookie", None),
        ("te", Some("trailers")),
        ("x-request-id", Some("request-1")),
        ("content-type", Some("application/grpc")),
    ] {
        assert_eq!(call.metadata(name), expected, "{name}");
    }
}

#[test]
fn a_header_may_come_several_times() {
    let library = Library::start();
    let headers = [("Grpc-Metadata-Tag", "a"), ("grpc-metadata-tag", "b, c")];
    let call = sent(&library, &headers);
    let values: Vec<_> = call.metadata.get_all("tag").iter().collect();
    assert_eq!(values, ["a", "b, c"]);
}

#[test]
fn which_headers_go_on_is_configured() {
    let more = "[gateway.metadata]\nforward = [\"x-tenant\"]\nbackward = [\"etag\"]\n";
    let library = Library::start_with(more, &[]);
    let call = sent(
        &library,
        &[("X-Tenant", "t1"), ("Authorization", "Bearer x")],
    );
    assert_eq!(call.metadata("x-tenant"), Some("t1"));
    assert_eq!(call.metadata("authorization"), None);

    library.answer("GetShelf", |_| {
        Reply::message(message("Shelf", json!({})))
            .with_metadata("etag", "\"v1\"")
            .with_metadata("shard", "7")
            .with_trailer("cost", "3")
    });
    let answer = library.get("/v1/shelves/7");
    assert_eq!(answer.header("etag"), Some("\"v1\""));
    assert_eq!(answer.header("grpc-metadata-etag"), None);
    assert_eq!(answer.header("grpc-metadata-shard"), Some("7"));
    assert_eq!(answer.header("grpc-trailer-cost"), Some("3"));
}

#[test]
fn metadata_become_headers() {
    let library = Library::start();
    let reply = |steps: Vec<Step>| {
        Reply::steps(steps)
            .with_metadata("shard", "7")
            .with_metadata("key-bin", "AAEC/w")
            .with_metadata("server", "backend")
            .with_trailer("cost", "3")
            .with_trailer("cost", "4")
    };
    let shelf = Step::Message(message("Shelf", json!({})));
    library.answer("GetShelf", move |_| reply(vec![shelf.clone()]));
    let event = Step::Message(message("Event", json!({})));
    library.answer("WatchShelf", move |_| reply(vec![event.clone()]));
    for (target, accept, trailers) in [
        ("/v1/shelves/7", "*/*", vec!["3", "4"]),
        ("/v1/shelves/7:watch", "*/*", vec!["3", "4"]),
        ("/v1/shelves/7:watch", "application/x-ndjson", vec![]),
        ("/v1/shelves/7:watch", "text/event-stream", vec![]),
    ] {
        let answer = library.request("GET", target, &[("Accept", accept)], "");
        assert_eq!(
            answer.header("grpc-metadata-shard"),
            Some("7"),
            "{target} {accept}"
        );
        assert_eq!(answer.header("grpc-metadata-key-bin"), Some("AAEC/w"));
        assert_eq!(answer.header("grpc-metadata-server"), None);
        assert_eq!(answer.header("grpc-metadata-content-type"), None);
        let cost = answer
            .head
            .headers
            .iter()
            .filter(|(name, _)| name == "grpc-trailer-cost");
        let cost: Vec<_> = cost.map(|(_, value)| value.as_str()).collect();
        assert_eq!(cost, trailers, "{target} {accept}");
    }
}

#[test]
fn the_time_that_is_left_goes_on() {
    let library = Library::start_with("", &["--call-timeout", "20s", "--stream-timeout", "40s"]);
    let left = |target: &str, headers: &[(&str, &str)]| {
        let answer = library.request("GET", target, headers, "");
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let call = library.received();
        let text = call.metadata("grpc-timeout").expect("a time").to_owned();
        grpc_timeout::parse(&text).expect("a time of gRPC")
    };
    let check = |target: &str, headers: &[(&str, &str)], limit: u64| {
        let left = left(target, headers);
        let limit = Duration::from_secs(limit);
        // Some of it has gone by, and no more than this test takes.
        assert!(left < limit && left > limit / 2, "{left:?} of {limit:?}");
    };
    let shelf = "/v1/shelves/7";
    check(shelf, &[], 20);
    check(shelf, &[("Grpc-Timeout", "10S")], 10);
    check(shelf, &[("Grpc-Timeout", "1H")], 20);
    let watch = "/v1/shelves/7:watch";
    check(watch, &[], 20);
    check(watch, &[("Accept", "text/event-stream")], 40);
    let both = [("Accept", "text/event-stream"), ("Grpc-Timeout", "30000m")];
    check(watch, &both, 30);

    for bad in ["10", "S", "-1S", "123456789S", "10 S", "1.5S"] {
        let body = error(
            &library.request("GET", shelf, &[("Grpc-Timeout", bad)], ""),
            400,
        );
        let message = body["message"].as_str().expect("a text");
        assert!(
            message.contains("grpc-timeout") && message.contains(bad),
            "{message}"
        );
    }
}

#[test]
fn a_call_that_takes_too_long_is_given_up() {
    let library = Library::start();
    library.answer("GetShelf", |_| Reply::steps([]).ending(End::Silence));
    // Long enough for the service to be called.
    let headers = [("Grpc-Timeout", "2000m")];
    let answer = library.request("GET", "/v1/shelves/7", &headers, "");
    let body = error(&answer, 504);
    assert_eq!(body["code"], 4);
    library.cancelled("GetShelf");
}

#[test]
fn a_stream_that_takes_too_long_is_given_up() {
    let library = Library::start();
    library.answer("WatchShelf", |_| {
        Reply::message(message("Event", json!({}))).ending(End::Silence)
    });
    for (count, accept) in ["application/x-ndjson", "text/event-stream"]
        .iter()
        .enumerate()
    {
        // Long enough for the first message to come.
        let headers = [("Grpc-Timeout", "2000m"), ("Accept", accept)];
        let answer = library.request("GET", "/v1/shelves/7:watch", &headers, "");
        assert_eq!(answer.status(), 200);
        let text = answer.text();
        assert!(text.contains("\"code\":4,"), "{text}");
        until("the cancellation", || {
            (library.backend.cancelled().len() == count + 1).then_some(())
        });
    }
}

#[test]
fn who_asked_goes_on() {
    let library = Library::start();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let call = sent(&library, &[("Traceparent", parent)]);
    assert_eq!(call.metadata("traceparent"), Some(parent));
    let call = sent(&library, &[("Traceparent", "00-xyz-01")]);
    assert_eq!(call.metadata("traceparent"), None);

    // Without an id one is made, and it is the same everywhere.
    let answer = library.get("/v1/shelves/7");
    let id = answer.header("x-request-id").expect("an id").to_owned();
    assert_eq!(library.received().metadata("x-request-id"), Some(&id[..]));
}
