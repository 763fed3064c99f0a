//! A reader that stops reading holds back the producer: memory stays flat in
//! every process on the way while others are served, and one that never comes
//! back is cut off. What a process holds is read from `/proc`.

use std::{
    thread,
    time::{Duration, Instant},
};

use contract::{Role, pspd::StreamRequest};
use h2::client::Builder;
use socket2::SockRef;
use testkit::{Chain, IN_TIME, Process, http, proc, until};

use super::{
    NDJSON, PSPD, ask, expect_next,
    grpc_client::{Numbers, connect, run},
    line,
};

/// All values as lines are some 34 MB, far more than may be held on the way.
const VALUES: i32 = 1_000_000;
const GROWTH_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Small, so that the kernel does not take the whole answer for the client.
const RECEIVE_BUFFER_BYTES: usize = 16 * 1024;

#[test]
fn a_slow_reader_holds_back_the_service_and_nobody_else() {
    // One worker and one upstream connection: everybody shares it.
    let args = ["--workers", "1", "--upstream-connections", "1"];
    let chain = Chain::start(PSPD, Role::Gateway, &args);
    let processes = [&chain.gateway, &chain.b];
    others_are_served(&chain);
    let before = processes.map(|process| proc::resident_bytes(process.pid()));

    let mut client = slow_client(&chain.gateway);
    let (_, mut body) = client.read_head("GET").expect("a head");
    expect_next(&mut body, &line(1));
    wait_until_idle(&processes);
    for (process, before) in processes.iter().zip(before) {
        let grown = proc::resident_bytes(process.pid()).saturating_sub(before);
        println!("process {} grew by {} KiB", process.pid(), grown / 1024);
        assert!(grown < GROWTH_BYTES_MAX, "grew by {grown} bytes");
    }
    others_are_served(&chain);

    for value in 2..=VALUES {
        expect_next(&mut body, &line(value));
    }
    assert_eq!(body.next_piece().expect("a clean end"), None);
}

#[test]
fn service_b_makes_no_number_that_the_caller_has_no_room_for() {
    let b = Process::start(PSPD, Role::B, &["--workers", "1"]);
    run(without_room(&b));
}

async fn without_room(b: &Process) {
    const WINDOW: u32 = 65_535;
    let mut windows = Builder::new();
    windows
        .initial_window_size(WINDOW)
        .initial_connection_window_size(16 * WINDOW);
    let connection = connect(b.address(), &windows).await;
    let few = StreamRequest {
        count: 3,
        delay_ms: 0,
    };
    let many = StreamRequest {
        count: VALUES,
        delay_ms: 0,
    };
    let mut warm = Numbers::ask(&connection, b.address(), &few).await;
    assert_eq!(warm.next().await, Some(1));
    let before = proc::resident_bytes(b.pid());

    let mut slow = Numbers::ask(&connection, b.address(), &many).await;
    let taken = slow.fill_window(WINDOW as usize).await;
    wait_until_idle(&[b]);
    let grown = proc::resident_bytes(b.pid()).saturating_sub(before);
    println!("service B grew by {} KiB", grown / 1024);
    assert!(grown < GROWTH_BYTES_MAX, "grew by {grown} bytes");
    // Others on the same connection go on.
    let mut other = Numbers::ask(&connection, b.address(), &few).await;
    for expected in [Some(1), Some(2), Some(3), None] {
        assert_eq!(other.next().await, expected);
    }

    slow.release(taken);
    for value in 1..=VALUES / 10 {
        assert_eq!(slow.next().await, Some(value));
    }
}

#[test]
fn a_reader_that_never_comes_back_is_cut_off() {
    let args = ["--write-timeout", "5s", "--in-flight-max", "1"];
    let chain = Chain::start(PSPD, Role::Gateway, &args);
    let mut client = slow_client(&chain.gateway);
    let (_, mut body) = client.read_head("GET").expect("a head");
    expect_next(&mut body, &line(1));
    let hello = || http::get(chain.address(), "/a/hello").expect("an answer");
    assert_eq!(hello().status(), 503, "the stream has the only place");
    // From here on the client reads nothing more, and stays.
    until("the place to be free again", || {
        (hello().status() == 200).then_some(())
    });
    let entry = until("the line of the access log", || {
        let log = chain.access_log().into_iter();
        log.rev().find(|entry| entry["path"] == "/b/numbers")
    });
    assert_eq!(entry["status"], 200);
    assert_eq!(entry["client_left"], true, "{entry}");
    drop(client);
}

#[test]
fn the_time_of_a_stream_ends_also_for_a_reader_that_does_not_read() {
    let args = ["--stream-timeout", "3s", "--in-flight-max", "1"];
    let chain = Chain::start(PSPD, Role::Gateway, &args);
    let mut client = slow_client(&chain.gateway);
    let (_, mut body) = client.read_head("GET").expect("a head");
    expect_next(&mut body, &line(1));
    let hello = || http::get(chain.address(), "/a/hello").expect("an answer");
    // From here on the client reads nothing, far below the write timeout.
    until("the place to be free again", || {
        (hello().status() == 200).then_some(())
    });
    // What had been sent is still there, and then the error.
    let mut last = Vec::new();
    while let Some(piece) = body.next_piece().expect("a clean end") {
        last.extend_from_slice(&piece);
        let keep = last.len().saturating_sub(4096);
        last.drain(..keep);
    }
    let text = String::from_utf8_lossy(&last);
    let error = text.lines().next_back().expect("a last line");
    assert!(error.contains("\"status\":504"), "{error}");
}

fn slow_client(gateway: &Process) -> http::Connection {
    let client = http::Connection::open(gateway.address()).expect("connected");
    SockRef::from(client.stream())
        .set_recv_buffer_size(RECEIVE_BUFFER_BYTES)
        .expect("an option");
    let mut client = client;
    let target = format!("/b/numbers?count={VALUES}");
    client
        .send_request("GET", &target, &[NDJSON], b"")
        .expect("sent");
    client
}

#[track_caller]
fn others_are_served(chain: &Chain) {
    let hello = http::get(chain.address(), "/a/hello").expect("an answer");
    assert_eq!(hello.status(), 200);
    let target = "/b/numbers?count=10&delay_ms=1";
    for headers in [&[][..], &[NDJSON]] {
        let answer = ask(&chain.gateway, target, headers).read_response("GET");
        let answer = answer.expect("a whole answer");
        assert_eq!(answer.status(), 200);
        assert!(answer.text().contains("10"), "{}", answer.text());
    }
}

/// Waits until none of the processes has used the processor for a while: all
/// buffers on the way are full then, and nothing moves any more.
#[track_caller]
fn wait_until_idle(processes: &[&Process]) {
    const IDLE_FOR: Duration = Duration::from_millis(500);
    let ticks = || -> u64 { processes.iter().map(|p| proc::cpu_ticks(p.pid())).sum() };
    let give_up = Instant::now() + IN_TIME;
    let (mut last, mut since) = (ticks(), Instant::now());
    while since.elapsed() < IDLE_FOR {
        assert!(
            Instant::now() < give_up,
            "still working; nothing holds back"
        );
        thread::sleep(Duration::from_millis(20));
        let now = ticks();
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
}
