use h2::{
    RecvStream,
    server::{self, SendResponse},
};
use http::{Request, Response};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle, time::sleep};

use super::*;

mod library;
mod streams;

/// The service that the tests call.
const PROTO: &str = r#"
    syntax = "proto3";
    package t;
    service S {
        rpc One(In) returns (Out);
        rpc Many(In) returns (stream Out);
        rpc Up(stream In) returns (Out);
        rpc Both(stream In) returns (stream Out);
    }
    message In {
        string name = 1;
        int32 count = 2;
        Inner inner_part = 3;
        repeated Inner list = 4;
        map<string, Inner> by_name = 5;
    }
    message Inner { bytes data = 1; }
    message Out {}
"#;

const SETTINGS: Settings = Settings {
    stream_window_bytes: 65_535,
    connection_window_bytes: 65_535,
    streams_max: 100,
};

/// Longer than any call of these tests takes.
const LONG: Duration = Duration::from_secs(60);
/// For calls that are never answered.
const SHORT: Duration = Duration::from_millis(50);

/// The method of this name of `t.S`.
pub(super) fn method(name: &str) -> MethodDescriptor {
    let file = protox::file::File::from_source("t.proto", PROTO).expect("the text is a file");
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_proto(file.file_descriptor_proto().clone())
        .expect("the file needs no other");
    let service = pool.get_service_by_name("t.S").expect("it is in the file");
    service
        .methods()
        .find(|method| method.name() == name)
        .expect("it is in the service")
}

fn call(name: &str) -> Call {
    Call::new("localhost:1", &method(name), "{}", &[]).expect("the call is right")
}

type Server = server::Connection<tokio::net::TcpStream, Bytes>;

/// A target that does `script` with its only connection.
async fn target<F>(
    script: impl FnOnce(Server) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<()>)
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let running = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        script(server::handshake(stream).await.expect("HTTP/2")).await;
    });
    (address, running)
}

/// Answers every call with `script`, until the client is gone.
async fn answer<F>(mut server: Server, script: impl Fn(Answering) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    while let Some(Ok((request, response))) = server.accept().await {
        tokio::spawn(script(Answering { request, response }));
    }
}

/// One call at the target.
struct Answering {
    request: Request<RecvStream>,
    response: SendResponse<Bytes>,
}

impl Answering {
    fn head(&mut self) -> SendStream<Bytes> {
        self.response
            .send_response(head(), false)
            .expect("the client is there")
    }
}

fn head() -> Response<()> {
    let head = Response::builder().header("content-type", "application/grpc+proto");
    head.body(()).expect("a right head")
}

fn status(code: &'static str) -> http::HeaderMap {
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(code));
    trailers
}

/// A message of two bytes.
const MESSAGE: Bytes = Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1]);

fn send(stream: &mut SendStream<Bytes>, data: Bytes) {
    stream.send_data(data, false).expect("the client is there");
}

fn end(stream: &mut SendStream<Bytes>, code: &'static str) {
    let sent = stream.send_trailers(status(code));
    sent.expect("the client is there");
}

async fn open(address: SocketAddr) -> Connection {
    let connection = Connection::open(address, None, &SETTINGS, Arc::default()).await;
    connection.expect("the target is there")
}

async fn call_once(
    connection: &mut Connection,
    method: &str,
    timeout: Duration,
) -> (Result<(), RequestError>, Observed) {
    let call = call(method);
    let message = call
        .message(&mut crate::template::Values::new(0, 0))
        .expect("constant");
    let mut observed = Observed::default();
    let outcome = within(timeout, async |limits| {
        let outcome = connection.call(&call, message, limits, &mut observed);
        outcome.await
    });
    (outcome.await, observed)
}

/// Gives up when the time is over, as clients do.
async fn within(
    timeout: Duration,
    call: impl AsyncFnOnce(Limits) -> Result<(), RequestError>,
) -> Result<(), RequestError> {
    let deadline = Instant::now() + timeout;
    let call = call(Limits { timeout, deadline });
    let outcome = tokio::time::timeout_at(deadline.into(), call).await;
    outcome.unwrap_or(Err(RequestError::Timeout(timeout)))
}

/// What becomes of a call of this method when it is answered so.
async fn outcome(method: &str, script: fn(&mut Answering)) -> String {
    let (address, _) = target(move |server| {
        answer(server, move |mut answering| async move {
            script(&mut answering);
        })
    })
    .await;
    match call_once(&mut open(address).await, method, LONG).await.0 {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    }
}

async fn check(method: &str, script: fn(&mut Answering), expected: &str) {
    assert_eq!(outcome(method, script).await, expected, "{method}");
}

#[tokio::test]
async fn right_answers_are_successes() {
    let one: fn(&mut Answering) = |call| {
        let mut stream = call.head();
        send(&mut stream, MESSAGE);
        end(&mut stream, "0");
    };
    check("One", one, "ok").await;
    check("Many", one, "ok").await;
    let none: fn(&mut Answering) = |call| end(&mut call.head(), "0");
    check("Many", none, "ok").await;
    let none_and_no_body: fn(&mut Answering) = |call| {
        let mut head = head();
        head.headers_mut().extend(status("0"));
        let sent = call.response.send_response(head, true);
        sent.expect("the client is there");
    };
    check("Many", none_and_no_body, "ok").await;
}

#[tokio::test]
async fn a_status_other_than_ok_is_told() {
    let expected = "the answer's gRPC status is 5: nobody é";
    let late: fn(&mut Answering) = |call| {
        let mut stream = call.head();
        send(&mut stream, MESSAGE);
        let mut trailers = status("5");
        trailers.insert("grpc-message", HeaderValue::from_static("nobody %C3%A9"));
        let sent = stream.send_trailers(trailers);
        sent.expect("the client is there");
    };
    check("One", late, expected).await;
    let early: fn(&mut Answering) = |call| {
        let mut head = head();
        head.headers_mut().extend(status("5"));
        head.headers_mut()
            .insert("grpc-message", HeaderValue::from_static("nobody %C3%A9"));
        let sent = call.response.send_response(head, true);
        sent.expect("the client is there");
    };
    check("One", early, expected).await;
    check("Many", early, expected).await;
}

#[tokio::test]
async fn answers_that_break_grpc_are_malformed() {
    let malformed = |what: &str| format!("the answer is malformed: {what}");
    let no_trailers: fn(&mut Answering) = |call| {
        let sent = call.head().send_data(MESSAGE, true);
        sent.expect("the client is there");
    };
    let expected = malformed("it ends without a grpc-status");
    check("One", no_trailers, &expected).await;
    let no_status: fn(&mut Answering) = |call| {
        let mut stream = call.head();
        send(&mut stream, MESSAGE);
        let sent = stream.send_trailers(http::HeaderMap::new());
        sent.expect("the client is there");
    };
    check("One", no_status, &expected).await;
    let no_message: fn(&mut Answering) = |call| end(&mut call.head(), "0");
    let expected = malformed("a unary method answers OK without a message");
    check("One", no_message, &expected).await;
    let two: fn(&mut Answering) = |call| {
        let mut stream = call.head();
        send(&mut stream, MESSAGE);
        send(&mut stream, MESSAGE);
        end(&mut stream, "0");
    };
    let expected = malformed("a unary method answers with several messages");
    check("One", two, &expected).await;
    let truncated: fn(&mut Answering) = |call| {
        let mut stream = call.head();
        send(&mut stream, MESSAGE.slice(..6));
        end(&mut stream, "0");
    };
    check("Many", truncated, &malformed("it ends inside a message")).await;
    let compressed: fn(&mut Answering) = |call| {
        let mut stream = call.head();
        send(&mut stream, Bytes::from_static(&[1, 0, 0, 0, 0]));
        end(&mut stream, "0");
    };
    let expected = malformed("a compressed message, though no compression was offered (flag 1)");
    check("One", compressed, &expected).await;
    let word: fn(&mut Answering) = |call| end(&mut call.head(), "fine");
    let expected = malformed("its grpc-status is \"fine\", not a number");
    check("One", word, &expected).await;
    let after: fn(&mut Answering) = |call| {
        let mut head = head();
        head.headers_mut().extend(status("0"));
        let stream = call.response.send_response(head, false);
        let sent = stream
            .expect("the client is there")
            .send_data(MESSAGE, true);
        sent.expect("the client is there");
    };
    check("Many", after, &malformed("data comes after the status")).await;
}

#[tokio::test]
async fn answers_that_are_not_grpc_are_told_apart() {
    let unavailable: fn(&mut Answering) = |call| {
        let mut head = Response::new(());
        *head.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        let sent = call.response.send_response(head, true);
        sent.expect("the client is there");
    };
    check("One", unavailable, "the answer's status is 503").await;
    let reset: fn(&mut Answering) = |call| call.response.send_reset(Reason::INTERNAL_ERROR);
    let outcome = outcome("One", reset).await;
    let closed = "the connection broke before the answer was complete: stream error received";
    assert!(outcome.starts_with(closed), "{outcome}");
}

#[tokio::test]
async fn messages_of_a_stream_have_times() {
    let (address, _) = target(|server| {
        answer(server, |mut call| async move {
            let mut stream = call.head();
            for _ in 0..3 {
                sleep(Duration::from_millis(20)).await;
                // In two pieces: a message has arrived when all of it has.
                send(&mut stream, MESSAGE.slice(..3));
                sleep(Duration::from_millis(1)).await;
                send(&mut stream, MESSAGE.slice(3..));
            }
            end(&mut stream, "0");
        })
    })
    .await;
    let started = Instant::now();
    let (outcome, observed) = call_once(&mut open(address).await, "Many", LONG).await;
    outcome.expect("a right answer");
    assert_eq!(observed.messages, 3);
    let first = observed.first_message.expect("there are messages");
    assert!(first >= started + Duration::from_millis(20));
    assert_eq!(observed.gaps().len(), 2);
    // Late arrivals are possible on a busy machine, early ones are not.
    let last = first + observed.gaps().iter().sum::<Duration>();
    assert!(last >= started + Duration::from_millis(60));
}

#[tokio::test]
async fn an_answer_larger_than_every_window_is_read() {
    let (address, _) = target(|server| {
        answer(server, |mut call| async move {
            let mut stream = call.head();
            let mut message = vec![0; 5 + 1_000_000];
            message[1..5].copy_from_slice(&1_000_000_u32.to_be_bytes());
            for _ in 0..3 {
                send(&mut stream, message.clone().into());
            }
            end(&mut stream, "0");
        })
    })
    .await;
    let (outcome, observed) = call_once(&mut open(address).await, "Many", LONG).await;
    outcome.expect("a right answer");
    assert_eq!(observed.messages, 3);
}

/// A target that answers its first call only when told so, tells of the resets
/// of all calls and answers the later ones.
async fn slow_target() -> (SocketAddr, mpsc::Receiver<Reason>) {
    let (tell, told) = mpsc::channel(10);
    let (address, _) = target(move |server| {
        answer(server, move |mut call| {
            let tell = tell.clone();
            async move {
                let mut stream = call.head();
                send(&mut stream, MESSAGE);
                if let Ok(reason) = std::future::poll_fn(|cx| stream.poll_reset(cx)).await {
                    tell.send(reason).await.expect("the test listens");
                }
            }
        })
    })
    .await;
    (address, told)
}

#[tokio::test]
async fn a_stream_that_is_too_slow_times_out_and_is_cancelled() {
    let (address, mut told) = slow_target().await;
    let mut connection = open(address).await;
    let (outcome, observed) = call_once(&mut connection, "Many", SHORT).await;
    assert!(matches!(outcome, Err(RequestError::Timeout(SHORT))));
    assert_eq!(observed.messages, 1);
    assert!(observed.first_message.is_some());
    assert_eq!(told.recv().await, Some(Reason::CANCEL));
    assert!(connection.is_open(), "the other users go on");
}

#[tokio::test]
async fn a_dropped_call_is_cancelled() {
    let (address, mut told) = slow_target().await;
    let mut connection = open(address).await;
    tokio::select! {
        _ = call_once(&mut connection, "Many", LONG) => {}
        () = sleep(SHORT) => {}
    }
    assert_eq!(told.recv().await, Some(Reason::CANCEL));
}

#[tokio::test]
async fn a_target_that_keeps_the_deadline_itself_does_not_change_the_failure() {
    let (address, _) = target(|server| {
        answer(server, |mut call| async move {
            sleep(SHORT).await;
            end(&mut call.head(), "4");
        })
    })
    .await;
    let mut connection = open(address).await;
    let (outcome, _) = call_once(&mut connection, "One", SHORT).await;
    assert!(matches!(outcome, Err(RequestError::Timeout(SHORT))));
    let (outcome, _) = call_once(&mut connection, "One", LONG).await;
    let kept_early = matches!(outcome, Err(RequestError::GrpcStatus { code: 4, .. }));
    assert!(kept_early, "{outcome:?}");
}

#[tokio::test]
async fn a_call_given_up_before_its_turn_is_cancelled_too() {
    let (tell, mut told) = mpsc::channel(10);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut limits = server::Builder::new();
        let server = limits.max_concurrent_streams(1).handshake(stream).await;
        answer(server.expect("HTTP/2"), move |mut call| {
            let tell = tell.clone();
            async move {
                let _ = tell.send(call.request.uri().path().to_owned()).await;
                if call.request.uri().path() == "/t.S/One" {
                    let _ = std::future::poll_fn(|cx| call.response.poll_reset(cx)).await;
                } else {
                    end(&mut call.head(), "0");
                }
            }
        })
        .await;
    });
    let mut connection = open(address).await;
    let mut first = connection.clone();
    let first = tokio::spawn(async move { call_once(&mut first, "One", LONG).await });
    assert_eq!(told.recv().await.as_deref(), Some("/t.S/One"));
    let known = connection.sender.current_max_send_streams();
    assert_eq!(known, 1, "the target has said so");
    let (queued, _) = call_once(&mut connection, "One", SHORT).await;
    assert!(matches!(queued, Err(RequestError::Timeout(SHORT))));
    first.abort();
    // Its turn comes, it passes, and another user's call has the connection.
    let (next, _) = call_once(&mut connection.clone(), "Many", LONG / 6).await;
    next.expect("there is room again");
}

#[tokio::test]
async fn a_target_that_stops_finishes_the_calls_it_has() {
    let (going, gone) = tokio::sync::oneshot::channel();
    let (address, _) = target(|mut server| async move {
        let (_, mut response) = server.accept().await.expect("a call").expect("a right one");
        server.graceful_shutdown();
        let _ = going.send(());
        tokio::spawn(async move {
            sleep(SHORT).await;
            let mut stream = response.send_response(head(), false).expect("there");
            send(&mut stream, MESSAGE);
            end(&mut stream, "0");
        });
        while server.accept().await.is_some() {}
    })
    .await;
    let mut connection = open(address).await;
    let mut other = connection.clone();
    let running = tokio::spawn(async move { call_once(&mut other, "One", LONG).await.0 });
    gone.await.expect("the target got the call");
    running.await.expect("no panic").expect("it is finished");
    assert!(!connection.is_open());
    let (refused, _) = call_once(&mut connection, "One", LONG).await;
    assert!(
        matches!(refused, Err(RequestError::Closed(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_ends_its_calls() {
    let shut_down = target(|mut server| async move {
        let _call = server.accept().await;
        server.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        while server.accept().await.is_some() {}
    });
    check_closed(shut_down.await.0).await;
    let dropped = target(|mut server| async move {
        let _call = server.accept().await;
    });
    check_closed(dropped.await.0).await;
}

async fn check_closed(address: SocketAddr) {
    let mut connection = open(address).await;
    assert!(connection.is_open());
    let (outcome, _) = call_once(&mut connection, "One", LONG).await;
    assert!(
        matches!(outcome, Err(RequestError::Closed(_))),
        "{outcome:?}"
    );
    assert!(!connection.is_open());
}

#[tokio::test]
async fn a_target_that_does_not_speak_http2_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut stream, _) = listener.accept().await.expect("a client");
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        sleep(LONG).await;
    });
    let (outcome, _) = call_once(&mut open(address).await, "One", LONG).await;
    let Err(RequestError::MalformedGrpc(what)) = outcome else {
        unreachable!("{outcome:?}");
    };
    assert!(what.contains("speaks gRPC in plain text"), "{what}");
}

#[tokio::test]
async fn a_connection_that_cannot_be_opened_says_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let refused = Connection::open(address, None, &SETTINGS, Arc::default()).await;
    assert!(matches!(refused, Err(RequestError::Connect(_))));
    let settings = Settings {
        stream_window_bytes: 1 << 31,
        ..SETTINGS
    };
    let error = Connection::open(address, None, &settings, Arc::default())
        .await
        .map(|_| ());
    let error = error.expect_err("no window is that large");
    assert_eq!(error.kind(), crate::Failure::Unsent, "not the target's");
    assert!(error.to_string().contains("2147483648 bytes"), "{error}");
}

#[tokio::test]
async fn a_connection_closes_with_its_last_handle() {
    let (address, running) = target(|server| answer(server, |_| async {})).await;
    let connection = open(address).await;
    let last = connection.clone();
    drop(connection);
    sleep(SHORT).await;
    assert!(!running.is_finished());
    drop(last);
    running.await.expect("the target saw it close");
}

#[tokio::test]
async fn bytes_are_those_of_the_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let theirs = Arc::<Meter>::default();
    let counted = Arc::clone(&theirs);
    let running = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let server = server::handshake(Counted::new(tls::Stream::Plain(stream), counted)).await;
        let mut server = server.expect("HTTP/2");
        while let Some(Ok((_, mut response))) = server.accept().await {
            let mut stream = response.send_response(head(), false).expect("there");
            send(&mut stream, MESSAGE);
            end(&mut stream, "0");
        }
    });
    let ours = Arc::<Meter>::default();
    let connection = Connection::open(address, None, &SETTINGS, Arc::clone(&ours)).await;
    let mut connection = connection.expect("the target is there");
    for _ in 0..10 {
        let (outcome, _) = call_once(&mut connection, "One", LONG).await;
        outcome.expect("a right answer");
    }
    let seen = ours.read();
    let (sent, received) = (seen.bytes_sent, seen.bytes_received);
    assert!(sent > 24 && received > 10 * 7, "{sent} {received}");
    drop(connection);
    running.await.expect("the target saw it close");
    // What went over it after the last handle was gone as well.
    let (ours, theirs) = (ours.read(), theirs.read());
    assert_eq!(ours.bytes_sent, theirs.bytes_received);
    assert_eq!(ours.bytes_received, theirs.bytes_sent);
}

#[test]
fn the_timeout_is_told_in_at_most_eight_digits_and_never_too_short() {
    for (timeout, expected) in [
        (Duration::ZERO, "0m"),
        (Duration::from_micros(1), "1m"),
        (Duration::from_secs(10), "10000m"),
        (Duration::from_millis(99_999_999), "99999999m"),
        (Duration::from_millis(100_000_001), "100001S"),
        (Duration::MAX, "99999999S"),
    ] {
        assert_eq!(Told::default().header(timeout), expected, "{timeout:?}");
    }
}

#[test]
fn calls_can_be_spawned() {
    fn check<T: Send>(_: impl FnOnce() -> T) {}
    check(|| async {
        let mut connection = open(([127, 0, 0, 1], 1).into()).await;
        let call = call("One");
        let mut observed = Observed::default();
        let limits = Limits {
            timeout: LONG,
            deadline: Instant::now() + LONG,
        };
        let _ = connection
            .call(&call, Bytes::new(), limits, &mut observed)
            .await;
    });
}
