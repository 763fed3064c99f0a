use std::{borrow::Cow, sync::Arc, time::Duration};

use bytes::Bytes;
use contract::pspd::{HelloReply, HelloRequest, NumberReply, StreamRequest};
use http::Method;
use proptest::prelude::*;
use prost::Message;
use server::query::Query;

use super::*;
use crate::{
    Compression, Cors, GrpcOptions, Limits, Plan, Settings,
    catalog::Catalog,
    respond::{Form, Problem},
    services::Services,
    upstream,
};

fn built_in() -> Arc<Table> {
    let address = || "localhost:1".parse().expect("an address");
    let services = Services::built_in(address(), address()).expect("the built-in text is right");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let second = Duration::from_secs(1);
    let connection = upstream::grpc::Options {
        connections: 1,
        tls: None,
        connect_timeout: second,
        message_bytes_max: 1 << 20,
        compression: None,
    };
    let plan = Plan {
        services,
        options: GrpcOptions {
            connection,
            stream_timeout: second,
            keep_alive: second,
            body_bytes_max: 1 << 20,
            compress_bytes_min: 1024,
        },
        settings: Settings {
            limits: Limits::default(),
            cors: Cors::Off,
            guard: crate::guard::Guard::default(),
            compression: Compression {
                codings: Vec::new(),
                bytes_min: 1024,
            },
            status: crate::StatusPage::Serve,
        },
    };
    let catalog = runtime
        .block_on(Catalog::open(plan, telemetry::Telemetry::off()))
        .expect("it can be served");
    catalog.table()
}

fn endpoint(path: &str) -> Arc<Endpoint> {
    let table = built_in();
    let found = table
        .find(&Method::GET, path)
        .unwrap_or_else(|_| unreachable!("a route"));
    Arc::clone(found.value)
}

fn framed(message: &impl Message) -> Bytes {
    let mut framed = vec![0];
    let length = u32::try_from(message.encoded_len()).expect("small");
    framed.extend_from_slice(&length.to_be_bytes());
    message.encode(&mut framed).expect("room");
    framed.into()
}

fn request(endpoint: &Endpoint, query: &str) -> Result<Bytes, Problem> {
    let query = Query::parse(query).expect("UTF-8");
    endpoint.request(&Received {
        variables: &[] as &[Cow<'_, str>],
        query: &query,
        body: &[],
        media_type: "",
    })
}

#[test]
fn a_missing_or_empty_name_is_the_default() {
    let hello = endpoint("/a/hello");
    for query in ["", "name=", "other=x"] {
        let name = "mundo".to_owned();
        assert_eq!(
            request(&hello, query),
            Ok(framed(&HelloRequest { name })),
            "{query}"
        );
    }
}

#[test]
fn counts_and_delays() {
    let numbers = endpoint("/b/numbers");
    let check = |query: &str, count, delay_ms| {
        let got = request(&numbers, query).expect("well formed");
        let got = StreamRequest::decode(&got[5..]).expect("a message");
        assert_eq!(got, StreamRequest { count, delay_ms }, "{query}");
    };
    check("", 5, 0);
    check("count=&delay_ms=", 5, 0);
    check("count=3&delay_ms=7", 3, 7);
    check("count=3&delayMs=7", 3, 7);
    check("count=-3&delay_ms=-7", -3, -7);
    check("count=+12", 12, 0);
    check("count=%2B12", 12, 0);
    for (query, value) in [("count=2147483648", "2147483648"), ("count=1.5", "1.5")] {
        match request(&numbers, query) {
            Err(Problem::BadParameter(bad)) => {
                assert_eq!((bad.name.as_str(), bad.value.as_str()), ("count", value))
            }
            other => unreachable!("{query}: {other:?}"),
        }
    }
}

#[test]
fn gathered_and_one_by_one() {
    let numbers = endpoint("/b/numbers");
    let mut json = Vec::new();
    numbers.gather_begin(&mut json);
    for value in [1, 0] {
        if value == 0 {
            json.push(b',');
        }
        let message = NumberReply { value }.encode_to_vec();
        numbers
            .gather_message(&message, &mut json)
            .expect("well formed");
    }
    numbers.gather_end(&mut json);
    assert_eq!(json, br#"{"from":"B","values":[1,0]}"#);

    let mut events = Vec::new();
    Form::Events.begin_message(&mut events);
    let message = NumberReply { value: 1 }.encode_to_vec();
    numbers.write(&message, &mut events).expect("well formed");
    Form::Events.end_message(&mut events);
    Form::Events.end_stream(&numbers, &mut events);
    assert_eq!(
        String::from_utf8(events).expect("UTF-8"),
        "data: {\"from\":\"B\",\"value\":1}\n\nid: end\nevent: end\ndata: {\"from\":\"B\"}\n\n"
    );
}

proptest! {
    #[test]
    fn any_text_comes_through(message in ".*") {
        let hello = endpoint("/a/hello");
        let mut json = Vec::new();
        hello
            .write(&HelloReply { message: message.clone() }.encode_to_vec(), &mut json)
            .expect("well formed");
        let read: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        prop_assert_eq!(read, serde_json::json!({ "from": "A", "message": message }));
    }
}
