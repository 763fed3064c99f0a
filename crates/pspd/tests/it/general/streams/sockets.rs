//! Calls of every kind over a WebSocket: what goes each way, how they end, and who
//! may open one.

use std::time::Duration;

use contract::Role;
use serde_json::{Value, json};
use system::{Launch, channel};
use testkit::{
    Process,
    backend::{Backend, End, Gate, Reply, Status, Step},
    until,
};

use super::{
    PSPD, Talks, configuration, message,
    peer::{BINARY, PING, PONG, Peer, upgrade},
    protos, upstream,
};

fn line(fields: Value) -> Step {
    Step::Message(message("Line", fields))
}

#[test]
fn one_message_each_way() {
    let talks = Talks::start();
    let mut socket = talks.open("/v1/rooms/7:say");
    socket.text("{\"text\":\"a\"}");
    let end = socket.end();
    assert_eq!(end.ok(), [r#"{"room":"rooms/7","text":"a"}"#]);
    // An empty text is a message without fields.
    let mut socket = talks.open("/v1/rooms/7:say");
    socket.text("");
    assert_eq!(socket.end().ok(), [r#"{"room":"rooms/7"}"#]);
}

#[test]
fn a_stream_from_path_and_query() {
    let talks = Talks::start();
    talks.answer("Watch", |_| {
        Reply::steps((1..=3).map(|number| line(json!({"number": number}))))
    });
    let end = talks.open("/v1/rooms/7:watch?text=a%20b").end();
    let expected = [1, 2, 3].map(|number| format!("{{\"number\":\"{number}\"}}"));
    assert_eq!(end.ok(), expected);
    assert_eq!(
        talks.received(),
        [json!({"room": "rooms/7", "text": "a b"})]
    );
}

#[test]
fn a_stream_to_the_service() {
    let talks = Talks::start();
    let mut socket = talks.open("/v1/rooms/7:collect");
    for number in 1..=3 {
        socket.text(&format!("{{\"number\":{number}}}"));
        until("the message", || {
            (talks.backend.received().len() == number).then_some(())
        });
    }
    socket.text("");
    assert_eq!(socket.end().ok(), [r#"{"number":"3"}"#]);
    let expected = [
        json!({"room": "rooms/7", "number": "1"}),
        json!({"number": "2"}),
        json!({"number": "3"}),
    ];
    assert_eq!(talks.received(), expected);
}

#[test]
fn both_directions_at_once() {
    let talks = Talks::start();
    // With a body, without one, and on the method's own path.
    for (target, room) in [
        ("/v1/rooms/7:converse", "\"room\":\"rooms/7\","),
        ("/v1/rooms/7/talk", "\"room\":\"rooms/7\","),
        ("/streams.v1.Talks/Converse", ""),
        ("/streams.v1.Talks/Chat", ""),
    ] {
        let mut socket = talks.open(target);
        for number in 1..=3 {
            socket.text(&format!("{{\"number\":{number}}}"));
            let room = if number == 1 { room } else { "" };
            assert_eq!(socket.next(), format!("{{{room}\"number\":\"{number}\"}}"));
        }
        socket.text("");
        assert_eq!(socket.end().ok(), &[] as &[String], "{target}");
    }
}

#[test]
fn the_service_may_speak_first_and_end_first() {
    let talks = Talks::start();
    talks.answer("Converse", |_| {
        Reply::steps([
            line(json!({"text": "welcome"})),
            Step::Take,
            line(json!({"text": "bye"})),
        ])
    });
    let mut socket = talks.open("/v1/rooms/7:converse");
    assert_eq!(socket.next(), r#"{"text":"welcome"}"#);
    socket.text("{}");
    assert_eq!(socket.end().ok(), [r#"{"text":"bye"}"#]);
}

#[test]
fn errors_are_told_with_all_they_say() {
    let talks = Talks::start();
    let status = Status::new(5, &"no such room, ü".repeat(20));
    let refused = status.clone();
    talks.answer("Say", move |_| {
        Reply::steps([]).ending(End::Status(refused.clone()))
    });
    let mut socket = talks.open("/v1/rooms/7:say");
    socket.text("{}");
    let end = socket.end();
    assert_eq!(end.failed(5), status.message);
    let told = format!("NOT_FOUND: {}", status.message);
    assert!(
        told.starts_with(&end.reason) && end.reason.len() > 115,
        "{}",
        end.reason
    );
    let id = &end.status().0["details"][0];
    assert_eq!(id["@type"], "type.googleapis.com/google.rpc.RequestInfo");

    // After messages of a stream they stand; the one of a unary answer does not.
    for name in ["Watch", "Collect"] {
        talks.answer(name, |_| {
            Reply::steps([line(json!({}))]).ending(End::Status(Status::new(10, "x")))
        });
    }
    let end = talks.open("/v1/rooms/7:watch").end();
    end.failed(10);
    assert_eq!(end.texts.len(), 2);
    let end = talks.open("/v1/rooms/7:collect").end();
    end.failed(10);
    assert_eq!(end.texts.len(), 1);
}

#[test]
fn what_the_client_sends_wrong() {
    let talks = Talks::start();
    let check = |target: &str, texts: &[&str], expected: &str| {
        let mut socket = talks.open(target);
        for text in texts {
            socket.text(text);
        }
        assert_eq!(socket.end().failed(3), expected, "{target}");
    };
    let converse = "/v1/rooms/7:converse";
    check(
        converse,
        &["{}", "{\"text\": 1}"],
        "message 2: text is 1 (line 1, column 10); expected a string",
    );
    check(
        converse,
        &["", "{}"],
        "message 1: the JSON text has another message at line 1, column 1; expected nothing after \
         the empty message that ends them",
    );
    check(
        "/v1/rooms/7:say",
        &["["],
        "message 1: the JSON text has [ at line 1, column 1; expected an object",
    );
    // One message is taken, the answer is not there yet.
    talks.answer("Say", |_| Reply::steps([]).ending(End::Silence));
    talks.answer("Watch", |_| Reply::steps([]).ending(End::Silence));
    check(
        "/v1/rooms/7:say",
        &["{}", "{}"],
        "message 1: the JSON text has another message at line 1, column 1; expected nothing after \
         the one message that the method takes",
    );
    check(
        "/v1/rooms/7:watch",
        &["{}"],
        "message 1: the JSON text has another message at line 1, column 1; expected no message: \
         path and query say everything",
    );
    let mut socket = talks.open(converse);
    socket.send(BINARY, b"{}").expect("sent");
    let end = socket.end();
    assert_eq!((end.code, end.status().0["code"].clone()), (1003, json!(3)));
}

#[test]
fn messages_are_limited() {
    let talks = Talks::start_with("", &["--body-bytes-max", "1000"]);
    let mut socket = talks.open("/v1/rooms/7:converse");
    socket.text(&format!("{{\"text\":\"{}\"}}", "x".repeat(900)));
    socket.next();
    socket.text(&format!("{{\"text\":\"{}\"}}", "x".repeat(1000)));
    let end = socket.end();
    assert_eq!((end.code, end.status().0["code"].clone()), (1009, json!(8)));
    talks.cancelled("Converse", 1);
}

#[test]
fn a_client_that_closes_or_leaves_cancels_the_call() {
    let talks = Talks::start();
    let hello = |socket: &mut Peer| {
        socket.text("{}");
        socket.next();
    };
    let mut socket = talks.open("/v1/rooms/7:converse");
    hello(&mut socket);
    socket.close(1000);
    let end = socket.end();
    assert_eq!(
        (end.texts.len(), end.code),
        (0, 1000),
        "the close is answered"
    );
    talks.cancelled("Converse", 1);
    let mut socket = talks.open("/v1/rooms/7:converse");
    hello(&mut socket);
    drop(socket);
    talks.cancelled("Converse", 2);
}

#[test]
fn pings_are_answered_and_silence_is_asked_about() {
    let talks = Talks::start_with("", &["--keep-alive", "1s"]);
    let mut socket = talks.open("/v1/rooms/7:converse");
    socket.send(PING, b"abc").expect("sent");
    // Whichever comes first: the answer, or a question.
    let (mut answered, mut asked) = (false, 0);
    while !answered || asked < 4 {
        match socket.frame().expect("a frame") {
            (PONG, payload) => answered = payload == b"abc",
            (PING, payload) => {
                asked += 1;
                socket.send(PONG, &payload).expect("sent");
            }
            other => panic!("{other:?}"),
        }
    }
    // It still works, and ends when no sign of life comes.
    socket.text("{}");
    let mut frames = 0;
    while socket.frame().is_ok() {
        frames += 1;
    }
    assert!(frames <= 3, "{frames} frames to one who says nothing");
    talks.cancelled("Converse", 1);
}

#[test]
fn a_deadline() {
    let talks = Talks::start_with("", &["--stream-timeout", "2s"]);
    let socket = talks.open("/v1/rooms/7:converse");
    let message = socket.end().failed(4);
    assert!(
        message.contains("did not finish within 2000 ms"),
        "{message}"
    );
    talks.cancelled("Converse", 1);
}

#[test]
fn the_only_message_is_not_waited_for_longer_than_a_body() {
    let talks = Talks::start_with("", &["--call-timeout", "200ms"]);
    let message = talks.open("/v1/rooms/7:say").end().failed(4);
    assert!(message.contains("did not come within 200ms"), "{message}");
}

#[test]
fn a_stop_is_told() {
    let mut talks = Talks::start();
    let mut socket = talks.open("/v1/rooms/7:converse");
    socket.text("{}");
    socket.next();
    talks.gateway.ask_to_stop();
    let end = socket.end();
    assert_eq!(
        (end.code, end.status().0["code"].clone()),
        (1001, json!(14))
    );
    let stopped = talks.gateway.stop(testkit::IN_TIME);
    assert!(!format!("{stopped:?}").contains("Killed"), "{stopped:?}");
}

#[test]
fn places_in_flight_are_held() {
    let talks = Talks::start_with("", &["--in-flight-max", "2"]);
    let first = talks.open("/v1/rooms/7:converse");
    let second = talks.open("/v1/rooms/7:converse");
    let request = upgrade("/v1/rooms/7:converse", &[]);
    let (head, _) = Peer::shake_hands(talks.address(), &request);
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    drop((first, second));
    until("a place", || {
        let (head, _) = Peer::shake_hands(talks.address(), &request);
        head.starts_with("HTTP/1.1 101 ").then_some(())
    });
}

#[test]
fn handshakes_that_are_refused() {
    let talks = Talks::start_with("", &["--cors", "https://a.example"]);
    let check = |target: &str, changes: &[(&str, &str)], status: &str, header: &str| {
        let (head, _) = Peer::shake_hands(talks.address(), upgrade(target, changes));
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{changes:?}: {head}"
        );
        assert!(head.contains(header), "{changes:?}: {head}");
    };
    let converse = "/v1/rooms/7:converse";
    let version = "sec-websocket-version: 13\r\n";
    check(converse, &[("Sec-WebSocket-Version", "8")], "426", version);
    check(
        converse,
        &[("Sec-WebSocket-Version", "8")],
        "426",
        "upgrade: websocket\r\n",
    );
    check(converse, &[("Sec-WebSocket-Key", "")], "400", "");
    check(converse, &[("Sec-WebSocket-Key", "AAAA")], "400", "");
    check(converse, &[("Connection", "keep-alive")], "400", "");
    check(converse, &[("Grpc-Timeout", "soon")], "400", "");
    check("/v1/nothing", &[], "404", "");
    check("/streams.v1.Talks/Nothing", &[], "404", "");
    check("/v1/rooms/7:watch?number=x", &[], "400", "");
    check(converse, &[("Origin", "https://evil.example")], "403", "");
    check(converse, &[("Origin", "null")], "403", "");
    check(converse, &[("Origin", "https://a.example")], "101", "");
    check(converse, &[("Origin", "http://gateway.test")], "101", "");
    // Not a WebSocket at all: answered as if nobody had asked.
    check("/v1/rooms/7/talk", &[("Upgrade", "h2c")], "426", "");
    let protocols = ("Sec-WebSocket-Protocol", "chat, pspd.json");
    check(
        converse,
        &[protocols],
        "101",
        "sec-websocket-protocol: pspd.json\r\n",
    );
    let deflate = ("Sec-WebSocket-Extensions", "permessage-deflate");
    let (head, _) = Peer::shake_hands(talks.address(), upgrade(converse, &[deflate]));
    assert!(!head.contains("extensions"), "{head}");
}

#[test]
fn a_service_that_dies() {
    let talks = Talks::start();
    for name in ["Say", "Watch", "Collect", "Converse"] {
        talks.answer(name, |_| Reply::steps([Step::Take]).ending(End::Disconnect));
        let mut socket = talks.open(&format!("/v1/rooms/7:{}", name.to_lowercase()));
        if name != "Watch" {
            socket.text("{}");
        }
        let end = socket.end();
        let (status, _) = end.status();
        assert!(
            [13, 14].contains(&status["code"].as_u64().expect("a number")),
            "{end:?}"
        );
    }
}

#[test]
fn headers_become_metadata() {
    let talks = Talks::start();
    let headers = [
        ("Authorization", "Bearer t"),
        ("Grpc-Metadata-Tenant", "t1"),
        ("X-Request-Id", "socket-1"),
    ];
    let request = upgrade("/v1/rooms/7:converse", &headers);
    let (head, mut socket) = Peer::shake_hands(talks.address(), &request);
    assert!(head.contains("x-request-id: socket-1\r\n"), "{head}");
    socket.text("{}");
    socket.next();
    let [call] = &talks.backend.take_received()[..] else {
        panic!("one call");
    };
    assert_eq!(call.metadata("authorization"), Some("Bearer t"));
    assert_eq!(call.metadata("tenant"), Some("t1"));
    assert_eq!(call.metadata("x-request-id"), Some("socket-1"));
    assert_eq!(call.metadata("sec-websocket-key"), None);
}

#[test]
fn one_line_of_the_log() {
    let backend = Backend::start(super::SCHEMA.clone());
    let known = protos(&["streams.proto"]);
    let (_folder, path) = configuration(&upstream(backend.address(), &known));
    let (stdout, mut lines) = channel();
    let launch = Launch {
        args: vec!["--config".into(), path.into()],
        stdout,
        ready_within: testkit::IN_TIME,
        ..Launch::new(PSPD, Role::Gateway)
    };
    let gateway = Process::launch(&launch).expect("it starts");
    let mut next = || -> Value {
        let line = until("a line of the log", || lines.try_recv().ok());
        line.text.parse().expect("JSON")
    };

    let mut socket = Peer::open(gateway.address(), "/v1/rooms/7/talk?number=1");
    socket.text("{\"text\":1}");
    socket.end().failed(3);
    let line = next();
    let expected = [
        json!(101),
        json!("GET"),
        json!("/v1/rooms/7/talk"),
        json!(null),
    ];
    let names = ["status", "method", "path", "client_left"];
    assert_eq!(names.map(|name| line[name].clone()), expected, "{line}");
    let cause = "message 1, line 1, column 9: expected a string";
    assert_eq!(line["cause"], cause);

    let mut socket = Peer::open(gateway.address(), "/v1/rooms/7:converse");
    socket.text("{}");
    let bytes = socket.next().len();
    socket.close(1000);
    drop(socket.end());
    let line = next();
    assert_eq!(
        (&line["bytes"], &line["client_left"]),
        (&json!(bytes), &json!(true))
    );
    assert_eq!(line["cause"], Value::Null);
}

/// A client that does not read: the service is not asked for more than fits.
#[test]
fn a_client_that_stops_reading_stops_the_service() {
    let talks = Talks::start();
    let text = "x".repeat(10_000);
    let many = message("Line", json!({"text": text}));
    talks.answer("Watch", move |_| {
        Reply::messages(std::iter::repeat_n(many.clone(), 5000))
    });
    let mut socket = talks.open("/v1/rooms/7:watch");
    socket.next();
    let mut last = 0;
    until("no more messages", || {
        let sent = talks.backend.messages_sent();
        let still = sent == last;
        last = sent;
        std::thread::sleep(Duration::from_millis(100));
        still.then_some(())
    });
    assert!(last < 2500, "{last} messages were sent to nobody");
    let resident = testkit::proc::resident_bytes(talks.gateway.pid());
    assert!(resident < 60 * 1024 * 1024, "{resident} bytes");
    let end = socket.end();
    assert_eq!(end.ok().len(), 4999);
}

/// A service that does not read: the client is not read either, and is not taken for
/// dead meanwhile.
#[test]
fn a_service_that_stops_reading_stops_the_client() {
    let talks = Talks::start_with("", &["--keep-alive", "1s"]);
    let gate = Gate::default();
    let wait = Step::Wait(gate.clone());
    talks.answer("Collect", move |_| {
        Reply::steps([Step::Take, wait.clone(), Step::TakeAll, Step::EchoLast])
    });
    let mut socket = talks.open("/v1/rooms/7:collect");
    socket.text("{}");
    let text = format!("{{\"text\":\"{}\"}}", "x".repeat(60_000));
    let mut writer = socket.stream().try_clone().expect("a socket");
    let writing = std::thread::spawn(move || {
        use std::io::Write;
        let frame = super::peer::frame(super::peer::TEXT, text.as_bytes());
        for _ in 0..500 {
            writer.write_all(&frame).expect("sent");
        }
        writer
            .write_all(&super::peer::frame(super::peer::TEXT, b""))
            .expect("sent");
    });
    std::thread::sleep(Duration::from_secs(4));
    assert!(!writing.is_finished(), "30 MB went somewhere");
    let resident = testkit::proc::resident_bytes(talks.gateway.pid());
    assert!(resident < 60 * 1024 * 1024, "{resident} bytes");
    gate.let_through(1);
    let end = socket.end();
    writing.join().expect("everything was sent");
    assert_eq!(end.ok().len(), 1);
    assert_eq!(talks.backend.received().len(), 501);
}
