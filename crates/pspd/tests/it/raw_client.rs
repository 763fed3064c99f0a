//! An HTTP/2 client of which the test decides every byte, above all how much of an
//! answer it has room for. It reads all that comes, as a kernel does, and answers
//! settings and pings, so that it lives; windows it opens only when told to.

use std::{
    collections::HashMap,
    io::{self, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use testkit::{IN_TIME, until};

use crate::raw_peer::{
    ACK, DATA, END_HEADERS, END_STREAM, GO_AWAY, HEADERS, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, fields, frame, read_frame,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const INITIAL_WINDOW_SIZE: u16 = 4;
/// More than any test sends on a connection.
const CONNECTION_WINDOW: u32 = 1 << 30;

/// A connection. Dropping it closes it.
pub(crate) struct RawClient {
    stream: TcpStream,
    seen: Arc<Mutex<Seen>>,
    last: u32,
}

/// What has come.
#[derive(Default)]
struct Seen {
    streams: HashMap<u32, Answer>,
    went_away: bool,
    closed: bool,
}

/// What has come of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whether its head has.
    pub(crate) has_head: bool,
    /// Bytes of its body.
    pub(crate) bytes: usize,
    /// Whether it has ended as it should.
    pub(crate) ended: bool,
    /// Whether the connection was said to end before that.
    pub(crate) ended_late: bool,
    /// The code with which it was reset.
    pub(crate) reset: Option<u32>,
}

impl RawClient {
    /// A connection on which each answer has room for so many bytes.
    pub(crate) fn connect(address: SocketAddr, window: u32) -> RawClient {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.set_write_timeout(Some(IN_TIME)).expect("set");
        let mut settings = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
        settings.extend(window.to_be_bytes());
        let opening = [
            PREFACE,
            &frame(SETTINGS, 0, 0, &settings),
            &frame(WINDOW_UPDATE, 0, 0, &CONNECTION_WINDOW.to_be_bytes()),
        ];
        stream.write_all(&opening.concat()).expect("sent");
        let seen = Arc::<Mutex<Seen>>::default();
        let (read, noted) = (stream.try_clone().expect("a handle"), Arc::clone(&seen));
        thread::spawn(move || {
            // However it ends, it is over.
            let _ = listen(read, &noted);
            lock(&noted).closed = true;
        });
        RawClient {
            stream,
            seen,
            last: 0,
        }
    }

    /// Asks with these header fields and this body; returns the number of the stream.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> u32 {
        self.send(method, path, more, body, END_STREAM)
    }

    /// Begins a call; its body has begun with these bytes and never ends.
    pub(crate) fn begin(&mut self, path: &str, more: &[(&str, &str)], body: &[u8]) -> u32 {
        self.send("POST", path, more, body, 0)
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: &[u8],
        end: u8,
    ) -> u32 {
        let id = if self.last == 0 { 1 } else { self.last + 2 };
        self.last = id;
        let mut head = vec![
            (":method", method),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
        ];
        head.extend(more);
        let end_of_head = if body.is_empty() { end } else { 0 };
        let mut bytes = frame(HEADERS, END_HEADERS | end_of_head, id, &fields(&head));
        if !body.is_empty() {
            bytes.extend(frame(DATA, end, id, body));
        }
        self.stream.write_all(&bytes).expect("sent");
        id
    }

    /// Sends frames as they are; fails once the server has closed the connection.
    pub(crate) fn throw(&mut self, frames: &[u8]) -> io::Result<()> {
        self.stream.write_all(frames)
    }

    /// Makes room for so many bytes more of an answer.
    pub(crate) fn allow(&mut self, id: u32, bytes: usize) {
        let bytes = u32::try_from(bytes).expect("a window");
        let update = frame(WINDOW_UPDATE, 0, id, &bytes.to_be_bytes());
        // The server may have closed the connection, which the test will find.
        let _ = self.stream.write_all(&update);
    }

    /// What has come of an answer so far.
    pub(crate) fn answer(&self, id: u32) -> Answer {
        let seen = lock(&self.seen);
        seen.streams.get(&id).cloned().unwrap_or_default()
    }

    /// Waits until an answer is as it should be.
    #[track_caller]
    pub(crate) fn until(&self, awaited: &str, id: u32, is: impl Fn(&Answer) -> bool) -> Answer {
        until(awaited, || {
            Some(self.answer(id)).filter(|answer| is(answer))
        })
    }

    /// Whether the server has said that it ends the connection.
    pub(crate) fn was_told_to_go(&self) -> bool {
        lock(&self.seen).went_away
    }

    /// Whether the connection has ended.
    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.seen).closed
    }
}

impl Drop for RawClient {
    fn drop(&mut self) {
        // Also for the thread that reads; it fails where the connection is gone already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes what comes, and answers what keeps the connection alive.
fn listen(mut stream: TcpStream, seen: &Mutex<Seen>) -> io::Result<()> {
    loop {
        let (kind, flags, id, payload) = read_frame(&mut stream)?;
        if matches!(kind, SETTINGS | PING) && flags & ACK == 0 {
            let payload = if kind == PING { &payload[..] } else { &[] };
            stream.write_all(&frame(kind, ACK, 0, payload))?;
        }
        lock(seen).note(kind, flags, id, &payload);
    }
}

impl Seen {
    fn note(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        if kind == GO_AWAY {
            self.went_away = true;
        }
        if !matches!(kind, HEADERS | DATA | RST_STREAM) {
            return;
        }
        let answer = self.streams.entry(id).or_default();
        match kind {
            HEADERS => answer.has_head = true,
            DATA => answer.bytes += payload.len(),
            _ => answer.reset = payload.try_into().map(u32::from_be_bytes).ok(),
        }
        if kind != RST_STREAM && flags & END_STREAM != 0 {
            answer.ended = true;
            answer.ended_late = self.went_away;
        }
    }
}
