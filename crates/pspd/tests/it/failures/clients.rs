//! Many clients at once that take without giving: connections on which a single
//! byte comes, as many as there may be, and answers that nobody reads. Memory stays within what each may
//! take, others are served, and in the end all of it is given back.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    process::Command,
};

use contract::Role;
use socket2::{Domain, Socket, Type};
use testkit::{IN_TIME, Process, http, proc, until};

use super::{Ask, PSPD, assert_unharmed, gateway_before, reflecting};
use crate::grpc_peer::{Answering, Peer};

/// As many as there may be, or a part of the descriptors that a test may have,
/// which it shares with others that run at the same time.
const CONNECTIONS_MAX: usize = 6000;
/// What a connection may take that has sent next to nothing.
const BYTES_OF_A_CONNECTION_MAX: u64 = 32 * 1024;

/// Clients that ask for much and read nothing.
const READERS: usize = 60;
/// What each of them may take in the gateway, and in the service: the windows and
/// buffers on the way, and not what it asked for, which is 17 MB and more.
const BYTES_OF_A_READER_MAX: u64 = 512 * 1024;
/// Small, so that the kernel does not take the whole answer for the client.
const RECEIVE_BUFFER_BYTES: usize = 16 * 1024;

/// A library that answers everybody.
fn library() -> Answering {
    Peer::answering(|call| {
        let ask = Ask::of(call);
        call.send_head();
        for number in 1..=ask.messages() {
            call.send_bytes(ask.message(number));
        }
        call.end();
    })
}

/// So many connections, on each of which a byte was sent.
#[track_caller]
fn opened(gateway: &Process, connections: usize) -> Vec<TcpStream> {
    let open = |_| {
        let stream = TcpStream::connect_timeout(&gateway.address(), IN_TIME);
        let mut stream = stream.expect("connected");
        stream.write_all(b"G").expect("sent");
        stream
    };
    (0..connections).map(open).collect()
}

#[test]
fn thousands_of_connections_that_send_one_byte_each() {
    let service = library();
    let gateway = gateway_before(service.address(), &["--header-timeout", "8s"]);
    Ask::One.ask(&gateway, &[]).assert_whole(Ask::One);
    let before = proc::resident_bytes(gateway.pid());
    let open_before = proc::descriptors(gateway.pid());

    let connections = CONNECTIONS_MAX.min(descriptors_max() / 4);
    let mut open = Vec::new();
    while open.len() < connections {
        open.extend(opened(&gateway, 1000.min(connections - open.len())));
        for ask in Ask::ALL {
            ask.ask(&gateway, &[]).assert_whole(ask);
        }
    }
    let grown = proc::peak_resident_bytes(gateway.pid()).saturating_sub(before);
    let of_each = grown / connections as u64;
    println!("{connections} connections, {of_each} bytes each");
    assert!(of_each < BYTES_OF_A_CONNECTION_MAX, "{of_each} bytes each");
    // They stay, and are closed by the gateway.
    until("the connections to be closed", || {
        (proc::descriptors(gateway.pid()) <= open_before + 50).then_some(())
    });
    for ask in Ask::ALL {
        ask.ask(&gateway, &[]).assert_whole(ask);
    }
    assert_unharmed(&gateway);
    drop(open);
}

/// The open files that this process may have.
fn descriptors_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3));
    soft.and_then(|soft| soft.parse().ok())
        .unwrap_or(CONNECTIONS_MAX)
}

/// When all places are taken by such connections, others wait until their time is
/// over, and no longer.
#[test]
fn connections_beyond_the_limit_wait_for_a_place() {
    let service = library();
    let args = ["--connections-max", "20", "--header-timeout", "1s"];
    let gateway = gateway_before(service.address(), &args);
    let open = opened(&gateway, 50);
    for ask in Ask::ALL {
        ask.ask(&gateway, &[]).assert_whole(ask);
    }
    assert!(proc::descriptors(gateway.pid()) < 50 + open.len());
    assert_unharmed(&gateway);
}

/// A gateway that may open nothing more serves those who are there, and the others
/// when it may again.
#[test]
fn a_gateway_that_has_no_descriptor_left() {
    let service = library();
    let gateway = gateway_before(service.address(), &["--header-timeout", "60s"]);
    let mut early = http::Connection::open(gateway.address()).expect("connected");
    let mut ask_early = || {
        early
            .send_request("GET", "/books/1", &[], b"")
            .expect("sent");
        let answer = early.read_response("GET").expect("an answer");
        assert_eq!(answer.status(), 200, "{}", answer.text());
    };
    ask_early();
    let max = proc::descriptors(gateway.pid()) + 10;
    if !limit_descriptors(gateway.pid(), max) {
        println!("there is no prlimit here to take descriptors away with");
        return;
    }
    let open = opened(&gateway, 50);
    until("all descriptors taken", || {
        (proc::descriptors(gateway.pid()) >= max).then_some(())
    });
    let mut late = Ask::One.begin(&gateway, &[]);
    for _ in 0..10 {
        ask_early();
    }
    drop(open);
    Ask::One.finish(&mut late).assert_whole(Ask::One);
    ask_early();
    for ask in Ask::ALL {
        ask.ask(&gateway, &[]).assert_whole(ask);
    }
    assert_unharmed(&gateway);
}

/// Lowers the number of descriptors that a process may have, if there is the tool.
fn limit_descriptors(pid: u32, max: usize) -> bool {
    let limit = format!("--nofile={max}:");
    let tool = Command::new("prlimit")
        .args(["--pid", &pid.to_string(), &limit])
        .status();
    tool.is_ok_and(|status| status.success())
}

#[test]
fn clients_that_read_nothing_of_what_they_asked_for() {
    let b = Process::start(PSPD, Role::B, &["--workers", "1"]);
    let args = ["--write-timeout", "4s", "--upstream-connections", "1"];
    let gateway = reflecting(&[b.address()], &args);
    numbers_are_served(&gateway);
    let processes = [&gateway, &b];
    let before = processes.map(|process| proc::resident_bytes(process.pid()));
    let open_before = proc::descriptors(gateway.pid());

    let readers: Vec<_> = (0..READERS)
        .map(|index| ask_for_much(gateway.address(), index))
        .collect();
    until("most of the clients to be served", || {
        let open = proc::descriptors(gateway.pid());
        (open >= open_before + READERS / 2).then_some(())
    });
    numbers_are_served(&gateway);
    // The gateway has cut them off when they have not read for long enough.
    until("the clients to be cut off", || {
        (proc::descriptors(gateway.pid()) <= open_before + 2).then_some(())
    });
    numbers_are_served(&gateway);
    for (process, before) in processes.iter().zip(before) {
        let grown = proc::peak_resident_bytes(process.pid()).saturating_sub(before);
        let of_each = grown / READERS as u64;
        println!(
            "process {} grew by {} KiB for each",
            process.pid(),
            of_each / 1024
        );
        assert!(of_each < BYTES_OF_A_READER_MAX, "{of_each} bytes for each");
    }
    assert_unharmed(&gateway);
    drop(readers);
}

/// A client that asks for a million numbers, in one form or another, and does not
/// read them.
fn ask_for_much(gateway: SocketAddr, index: usize) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .set_recv_buffer_size(RECEIVE_BUFFER_BYTES)
        .expect("an option");
    socket.connect(&gateway.into()).expect("connected");
    let mut stream = TcpStream::from(socket);
    let accept = ["application/x-ndjson", "text/event-stream"][index % 2];
    let body = "{\"count\":1000000}";
    let length = body.len();
    let request = format!(
        "POST /pspd.ServiceB/StreamNumbers HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    stream
}

#[track_caller]
fn numbers_are_served(gateway: &Process) {
    let target = "/pspd.ServiceB/StreamNumbers";
    for accept in ["application/json", "application/x-ndjson"] {
        let headers = [("Accept", accept)];
        let body = b"{\"count\":3}";
        let answer = http::request(gateway.address(), "POST", target, &headers, body);
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert!(answer.text().contains("{\"value\":3}"), "{}", answer.text());
    }
}
