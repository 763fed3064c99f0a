//! A service that takes its time, or never answers at all: each call ends when
//! its own time is over, whichever limit that is, and the service is told.

use std::{
    io::Read,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};
use testkit::{IN_TIME, Process, until};

use super::{Ask, CASE, Seen, assert_unharmed, gateway_before};
use crate::{
    grpc_peer::{Answering, Call, Peer, head, trailers},
    tcp_peer::fake,
};

/// The limit under test, as a setting, as a header, and as an error says it.
const SHORT: &str = "3s";
const SHORT_HEADER: (&str, &str) = ("grpc-timeout", "3S");
const SHORT_SAID: &str = "3000 ms";
/// How long a connection is waited for that does not come.
const IN_VAIN: &str = "1s";
/// A limit that is not.
const LONG: &str = "1h";

/// What a service that is late is: 504 and `DEADLINE_EXCEEDED`.
const LATE: (u16, u64) = (504, 4);

/// How far an answer gets before nothing follows.
const STAGES: [&str; 3] = ["nothing", "head", "messages"];

/// A service whose calls say how far they get.
fn stuck() -> Answering {
    Peer::answering(|call| {
        let ask = Ask::of(call);
        let stage = call.request.headers.get("case");
        let stage = stage.map_or("all", |stage| stage.to_str().expect("text"));
        if stage != "nothing" {
            call.send_head();
        }
        if matches!(stage, "messages" | "all") {
            for number in 1..=ask.messages() {
                call.send_bytes(ask.message(number));
            }
        }
        match stage {
            "all" => call.end(),
            _ => call.hold(),
        }
    })
}

/// Asks for everything that `asks` names, at every stage and all at once; every
/// call has to end with its time.
fn time_is_over(asks: &[Ask], args: &[&str], headers: &[(&str, &str)]) {
    let service = stuck();
    let gateway = gateway_before(service.address(), args);
    thread::scope(|scope| {
        for ask in asks {
            for stage in STAGES {
                let gateway = &gateway;
                scope.spawn(move || {
                    let headers = [headers, &[(CASE, stage)]].concat();
                    let got = ask.ask(gateway, &headers);
                    let before = match stage {
                        "messages" if ask.is_streamed() => 3,
                        _ => 0,
                    };
                    let expected = ask.failed(before, LATE.0, LATE.1);
                    assert_eq!(got.seen(), expected, "{ask:?}, {stage}: {got:?}");
                    assert_eq!(got.numbers.len(), before, "{ask:?}, {stage}");
                    if let Some(error) = &got.error {
                        let message = error["message"].as_str().expect("a message");
                        assert!(message.contains(SHORT_SAID), "{message}");
                    }
                });
            }
        }
    });
    let calls = asks.len() * STAGES.len();
    until("the service to be told", || {
        (service.cancelled() >= calls).then_some(())
    });
    assert_eq!(service.asked(), calls, "a call was repeated");
    all_is_well(&gateway);
}

/// The service answers at once whoever does not ask for trouble.
#[track_caller]
fn all_is_well(gateway: &Process) {
    for ask in Ask::ALL {
        ask.ask(gateway, &[]).assert_whole(ask);
    }
    assert_unharmed(gateway);
}

#[test]
fn the_time_of_a_call_in_one_piece() {
    let asks = [Ask::One, Ask::Array];
    let args = ["--call-timeout", SHORT, "--stream-timeout", LONG];
    time_is_over(&asks, &args, &[]);
}

#[test]
fn the_time_of_a_stream() {
    let args = ["--call-timeout", LONG, "--stream-timeout", SHORT];
    time_is_over(&Ask::STREAMED, &args, &[]);
}

#[test]
fn the_time_that_the_client_has() {
    let args = ["--call-timeout", LONG, "--stream-timeout", LONG];
    time_is_over(&Ask::ALL, &args, &[SHORT_HEADER]);
}

#[test]
fn an_answer_that_has_begun_to_wait_says_in_itself_that_its_time_is_over() {
    let service = stuck();
    let args = ["--keep-alive", "50ms", "--stream-timeout", SHORT];
    let gateway = gateway_before(service.address(), &args);
    thread::scope(|scope| {
        for ask in Ask::STREAMED {
            for stage in ["nothing", "head"] {
                let gateway = &gateway;
                scope.spawn(move || {
                    let got = ask.ask(gateway, &[(CASE, stage)]);
                    let expected = match ask {
                        Ask::Bytes => Seen::Torn,
                        _ => Seen::Late { code: LATE.1 },
                    };
                    assert_eq!(got.seen(), expected, "{ask:?}, {stage}: {got:?}");
                    assert_eq!(got.comments > 0, ask == Ask::Events, "{got:?}");
                });
            }
        }
    });
    all_is_well(&gateway);
}

/// A status that comes when the answer has already begun, because its first message
/// was waited for as long as anybody waits without a sign.
#[test]
fn a_refusal_that_comes_late() {
    let peer = Peer::start();
    let gateway = gateway_before(peer.address(), &["--keep-alive", "50ms"]);
    for ask in Ask::ALL {
        let mut client = ask.begin(&gateway, &[]);
        let call = peer.next_call();
        if ask.is_streamed() {
            let begun = client.stream().peek(&mut [0]);
            begun.expect("the head of an answer");
        }
        let mut refusal = head();
        refusal
            .headers_mut()
            .extend(trailers(&[("grpc-status", "5")]));
        call.send_only_head(refusal);
        let got = ask.finish(&mut client);
        let expected = ask.failed(usize::from(ask.is_streamed()), 404, 5);
        assert_eq!(got.seen(), expected, "{ask:?}: {got:?}");
    }
    assert_unharmed(&gateway);
}

/// A service that takes one call at a time lets the others wait, and loses none.
#[test]
fn a_service_that_takes_one_call_at_a_time() {
    const CLIENTS: usize = 30;
    let peer = Peer::taking(1);
    // Long enough for all of them to wait, however busy the machine is.
    let args = ["--upstream-connections", "1", "--connect-timeout", "1m"];
    let gateway = gateway_before(peer.address(), &args);
    let answer = |call: &Call| {
        call.send_head();
        call.send_bytes(Ask::One.message(1));
        call.end();
    };
    thread::scope(|scope| {
        // The first one also waits for the service to say how many it takes.
        let first = scope.spawn(|| Ask::One.ask(&gateway, &[]).assert_whole(Ask::One));
        answer(&peer.next_call());
        first.join().expect("a whole answer");
        for _ in 0..CLIENTS {
            scope.spawn(|| Ask::One.ask(&gateway, &[]).assert_whole(Ask::One));
        }
        for _ in 0..CLIENTS {
            let call = peer.next_call();
            assert!(!peer.has_call(), "two at a time");
            answer(&call);
        }
    });
    assert!(!peer.has_call(), "a call was repeated");
    assert_unharmed(&gateway);
}

/// What has not said how many calls it takes is not there.
#[test]
fn a_server_that_takes_connections_and_never_says_a_word() {
    let silent = fake(|mut stream| {
        let mut ignored = [0; 4096];
        while let Ok(1..) = stream.read(&mut ignored) {}
    });
    let gateway = gateway_before(silent, &["--connect-timeout", IN_VAIN]);
    for ask in Ask::ALL {
        let got = ask.ask(&gateway, &[]);
        let refused = Seen::Refused {
            status: 503,
            code: 14,
        };
        assert_eq!(got.seen(), refused, "{ask:?}: {got:?}");
    }
    assert_unharmed(&gateway);
}

/// A host that swallows what is sent to it: the kernel answers no connection
/// beyond those that wait to be taken, and nobody takes any.
#[cfg(target_os = "linux")]
#[test]
fn a_host_from_which_nothing_comes_at_all() {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    listener.bind(&anywhere.into()).expect("a free port");
    listener.listen(0).expect("listening");
    let address = listener.local_addr().expect("bound").as_socket();
    let address = address.expect("an IP address");
    let _waiting = TcpStream::connect(address).expect("the first one waits");
    assert!(
        TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_err(),
        "the next one is not answered"
    );

    let gateway = gateway_before(address, &["--connect-timeout", IN_VAIN]);
    for ask in Ask::ALL {
        let asked = Instant::now();
        let got = ask.ask(&gateway, &[]);
        let refused = Seen::Refused {
            status: 503,
            code: 14,
        };
        assert_eq!(got.seen(), refused, "{ask:?}: {got:?}");
        assert!(
            asked.elapsed() < IN_TIME,
            "it waited for a call's whole time"
        );
    }
    assert_unharmed(&gateway);
}

/// A process that stops in the midst of things, as one does that swaps, or whose
/// machine is gone for a while.
#[cfg(unix)]
#[test]
fn a_server_that_falls_silent_and_comes_back() {
    use contract::Role;

    use super::{PSPD, reflecting};

    let [a, b] = [Role::A, Role::B].map(|role| Process::start(PSPD, role, &[]));
    let gateway = reflecting(&[a.address(), b.address()], &["--call-timeout", SHORT]);
    let hello = |name: &str| {
        let body = format!("{{\"name\":{name:?}}}");
        let target = "/pspd.ServiceA/SayHello";
        let answer =
            testkit::http::request(gateway.address(), "POST", target, &[], body.as_bytes());
        answer.expect("an answer")
    };
    assert_eq!(hello("x").status(), 200);
    testkit::signal(a.pid(), "STOP");
    let answers = [hello("x"), hello("y")];
    let numbers = testkit::http::request(
        gateway.address(),
        "POST",
        "/pspd.ServiceB/StreamNumbers",
        &[],
        b"{\"count\":2}",
    );
    testkit::signal(a.pid(), "CONT");
    for answer in answers {
        assert_eq!((answer.status(), &answer.json()["code"]), (504, &4.into()));
    }
    // The other one was served all the time.
    assert_eq!(numbers.expect("an answer").status(), 200);
    until("the first one to be back", || {
        let answer = hello("z");
        (answer.status() == 200).then_some(())
    });
    assert_unharmed(&gateway);
}
