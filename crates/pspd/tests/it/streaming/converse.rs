//! A client that talks and does not listen: service B stops reading what it says,
//! so that memory stays flat while others are served, and goes on where it stopped
//! once the client listens. What the process holds is read from `/proc`.

use std::{future::poll_fn, net::SocketAddr, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use contract::{
    Role,
    pspd::{EchoReply, EchoRequest, StreamRequest},
};
use h2::{
    RecvStream, SendStream,
    client::{Builder, SendRequest},
};
use http::{HeaderMap, Request};
use prost::Message;
use testkit::{Process, proc};
use tokio::time::timeout;

use super::{
    PSPD,
    grpc_client::{Numbers, connect, run},
    grpc_peer::framed,
};

/// The client's own window for answers.
const WINDOW: u32 = 65_535;
/// A text of every size: of tiny ones the library of the service holds much more than
/// their bytes, and would rather close the connection.
const TEXTS_BYTES: [usize; 2] = [1_000, 1];
/// Of a message without its text.
const OVERHEAD_BYTES: usize = 8;
/// Far more than may be held on the way: 64 MB of the larger texts.
const MESSAGES_MAX: usize = 64_000;
/// What the windows of both sides and the answers in hand may hold.
const TAKEN_MAX: usize = 4 * 1024 * 1024;
/// Half of what all the tiny ones would take.
const GROWTH_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Without work for so long, nothing moves any more.
const IDLE_FOR: Duration = Duration::from_secs(1);

#[test]
fn a_client_that_never_reads_is_not_read_from() {
    let b = Process::start(PSPD, Role::B, &["--workers", "1"]);
    run(without_listening(&b));
}

async fn without_listening(b: &Process) {
    let mut windows = Builder::new();
    windows
        .initial_window_size(WINDOW)
        .initial_connection_window_size(16 * WINDOW);
    let connection = connect(b.address(), &windows).await;
    others_are_served(&connection, b.address()).await;
    let before = proc::resident_bytes(b.pid());

    for text_bytes in TEXTS_BYTES {
        let talk = Talk::begin(&connection, b.address(), text_bytes).await;
        is_held_back(b, &connection, talk, before).await;
    }
}

async fn is_held_back(b: &Process, connection: &SendRequest<Bytes>, mut talk: Talk, before: u64) {
    while talk.said < MESSAGES_MAX && talk.has_room(b.pid()).await {
        talk.say();
    }
    assert!(talk.said < MESSAGES_MAX, "it took everything");
    let taken = talk.said * (talk.text_bytes + OVERHEAD_BYTES);
    let grown = proc::resident_bytes(b.pid()).saturating_sub(before);
    println!(
        "service B took {taken} bytes and grew by {} KiB",
        grown / 1024
    );
    assert!(taken > WINDOW as usize, "there was room for so much");
    assert!(
        taken < TAKEN_MAX,
        "it took {taken} bytes from a client that does not read"
    );
    assert!(grown < GROWTH_BYTES_MAX, "grew by {grown} bytes");
    others_are_served(connection, b.address()).await;

    // What was said is answered, and there is room for more.
    for expected in 1..=talk.said {
        talk.hear(expected).await;
    }
    for _ in 0..100 {
        assert!(talk.has_room(b.pid()).await);
        talk.say();
        talk.hear(talk.said).await;
    }
    let trailers = talk.end().await;
    assert_eq!(trailers["grpc-status"], "0");
}

async fn others_are_served(connection: &SendRequest<Bytes>, address: SocketAddr) {
    let few = StreamRequest {
        count: 3,
        delay_ms: 0,
    };
    let mut numbers = Numbers::ask(connection, address, &few).await;
    for expected in [Some(1), Some(2), Some(3), None] {
        assert_eq!(numbers.next().await, expected);
    }
}

/// One call of `Converse`.
struct Talk {
    requests: SendStream<Bytes>,
    answers: RecvStream,
    unread: BytesMut,
    text_bytes: usize,
    said: usize,
}

impl Talk {
    async fn begin(
        connection: &SendRequest<Bytes>,
        address: SocketAddr,
        text_bytes: usize,
    ) -> Talk {
        let head = Request::post(format!("http://{address}/pspd.Echo/Converse"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .expect("a request");
        let mut connection = connection.clone().ready().await.expect("room for a stream");
        let (answer, requests) = connection.send_request(head, false).expect("sent");
        // It comes before anything was said.
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.status(), 200);
        Talk {
            requests,
            answers: answer.into_body(),
            unread: BytesMut::new(),
            text_bytes,
            said: 0,
        }
    }

    /// Whether the service takes another message; not, when it has been idle for a
    /// while without saying so.
    async fn has_room(&mut self, pid: u32) -> bool {
        self.requests
            .reserve_capacity(self.text_bytes + OVERHEAD_BYTES);
        loop {
            if self.requests.capacity() > 0 {
                return true;
            }
            let before = proc::cpu_ticks(pid);
            match timeout(IDLE_FOR, poll_fn(|cx| self.requests.poll_capacity(cx))).await {
                Ok(room) => assert!(room.is_some_and(|room| room.is_ok()), "the call ended"),
                Err(_) if proc::cpu_ticks(pid) == before => return false,
                Err(_) => {}
            }
        }
    }

    fn say(&mut self) {
        let text = "x".repeat(self.text_bytes);
        let message = framed(&EchoRequest { text });
        self.requests.send_data(message, false).expect("sent");
        self.said += 1;
    }

    /// Takes the next answer and checks its totals.
    async fn hear(&mut self, expected: usize) {
        let reply = loop {
            if let Some(reply) = self.take() {
                break reply;
            }
            let data = self.answers.data().await.expect("not the end");
            let data = data.expect("data");
            self.unread.extend_from_slice(&data);
            let flow = self.answers.flow_control();
            flow.release_capacity(data.len()).expect("bytes that came");
        };
        assert_eq!(reply.messages as usize, expected);
        assert_eq!(reply.bytes as usize, expected * self.text_bytes);
    }

    fn take(&mut self) -> Option<EchoReply> {
        let mut frame = self.unread.get(..)?;
        if frame.len() < 5 {
            return None;
        }
        assert_eq!(frame.get_u8(), 0, "a compressed message");
        let length = frame.get_u32() as usize;
        let reply = EchoReply::decode(frame.get(..length)?).expect("an answer");
        self.unread.advance(5 + length);
        Some(reply)
    }

    /// Says that this was all, and how the service ends then.
    async fn end(mut self) -> HeaderMap {
        self.requests.send_data(Bytes::new(), true).expect("sent");
        assert!(self.answers.data().await.is_none(), "nothing unasked");
        let trailers = self.answers.trailers().await.expect("an end");
        trailers.expect("trailers")
    }
}
