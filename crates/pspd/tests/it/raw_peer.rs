//! An HTTP/2 server of which the test decides every byte: frames that break off
//! anywhere, that break the rules, or that are none. It keeps no window, so that
//! what it sends in one go has to fit one; for more see [`crate::grpc_peer`].

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use socket2::SockRef;

use crate::tcp_peer::fake;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GO_AWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

/// Flag of the last frame of a stream.
pub(crate) const END_STREAM: u8 = 1;
/// Flag of the last frame of a head.
pub(crate) const END_HEADERS: u8 = 4;
/// Flag of data with padding.
pub(crate) const PADDED: u8 = 8;
/// Flag of an acknowledgement.
pub(crate) const ACK: u8 = 1;
/// Length of what a client sends first.
const PREFACE_BYTES: usize = 24;

/// More than any limit on the way.
const REPEATED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The server. It lives until the tests end.
pub(crate) struct RawPeer {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    calls: Arc<AtomicUsize>,
}

/// What is answered to a call: bytes made from the count of the calls with it and
/// the number of its stream, and what becomes of the connection then.
#[derive(Clone)]
pub(crate) struct Script(Arc<dyn Fn(usize, u32) -> (Vec<u8>, Then) + Send + Sync>);

/// What becomes of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    /// It stays open.
    Stay,
    /// It stays open, and nothing comes on it any more.
    Silent,
    /// It ends as TCP connections should.
    Close,
    /// It ends with a reset.
    Reset,
    /// These bytes follow for as long as anybody takes them, or until there were
    /// more than enough; then it ends.
    Repeat(Vec<u8>),
}

impl Script {
    /// The same for every call.
    pub(crate) fn new(
        bytes: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static,
        then: Then,
    ) -> Script {
        Script::by_call(move |_, stream| (bytes(stream), then.clone()))
    }

    /// What depends on how many calls came, from 1.
    pub(crate) fn by_call(
        answer: impl Fn(usize, u32) -> (Vec<u8>, Then) + Send + Sync + 'static,
    ) -> Script {
        Script(Arc::new(answer))
    }
}

impl RawPeer {
    pub(crate) fn start(script: Script) -> RawPeer {
        let script = Arc::new(Mutex::new(script));
        let calls = Arc::<AtomicUsize>::default();
        let (read, counted) = (Arc::clone(&script), Arc::clone(&calls));
        let address = fake(move |stream| {
            // The gateway may go away at any moment.
            let _ = serve(stream, |stream| {
                let call = 1 + counted.fetch_add(1, Ordering::SeqCst);
                let script = read.lock().unwrap_or_else(PoisonError::into_inner).clone();
                (script.0)(call, stream)
            });
        });
        RawPeer {
            address,
            script,
            calls,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers the calls that follow so.
    pub(crate) fn follow(&self, script: Script) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    /// Whole calls that came so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// The next frame: its type, its flags, its stream and what is in it.
pub(crate) fn read_frame(stream: &mut TcpStream) -> io::Result<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    let [a, b, c, kind, flags, id @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut payload)?;
    Ok((kind, flags, u32::from_be_bytes(id), payload))
}

/// Reads frames, acknowledges what has to be, and answers each call.
fn serve(mut stream: TcpStream, answer: impl Fn(u32) -> (Vec<u8>, Then)) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[]))?;
    stream.read_exact(&mut [0; PREFACE_BYTES])?;
    loop {
        let (kind, flags, id, payload) = read_frame(&mut stream)?;
        match kind {
            SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, 0, &[]))?,
            PING if flags & ACK == 0 => stream.write_all(&frame(PING, ACK, 0, &payload))?,
            DATA if flags & END_STREAM != 0 => {
                let (bytes, then) = answer(id);
                stream.write_all(&bytes)?;
                match then {
                    Then::Stay => {}
                    Then::Silent => return drain(stream),
                    Then::Close => {
                        stream.shutdown(Shutdown::Write)?;
                        return drain(stream);
                    }
                    Then::Reset => return SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
                    Then::Repeat(bytes) => {
                        for _ in 0..REPEATED_BYTES_MAX / bytes.len() {
                            stream.write_all(&bytes)?;
                        }
                        return Ok(());
                    }
                }
            }
            _ => {}
        }
    }
}

/// Reads what still comes: bytes that are left unread would turn the end of a
/// connection into a reset.
fn drain(mut stream: TcpStream) -> io::Result<()> {
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

/// A frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame");
    lying_frame(length, kind, flags, stream, payload)
}

/// A frame with the length it says, which need not be true.
pub(crate) fn lying_frame(
    length: u32,
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Header fields as they are sent, none of them compressed (RFC 7541, section
/// 6.2.2).
pub(crate) fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            let mut length = text.len();
            if length < 0x7f {
                bytes.extend(u8::try_from(length));
            } else {
                bytes.push(0x7f);
                length -= 0x7f;
                while length >= 0x80 {
                    bytes.extend(u8::try_from(length % 0x80 + 0x80));
                    length /= 0x80;
                }
                bytes.extend(u8::try_from(length));
            }
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}
