//! A DNS server of a test's own: the addresses of a few names, which the test changes, over
//! UDP and TCP (RFC 1035), and failures on demand. It answers questions for `A` and
//! `AAAA` of one name each and nothing else; libraries for the whole of DNS bring ten times as
//! much code as these two record types need.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::background::Background;

/// Bytes of an answer over UDP; a longer one is cut short and says so.
const DATAGRAM_BYTES_MAX: usize = 512;
/// How long an answer may be kept, in seconds.
const TIME_TO_LIVE: u32 = 1;
/// How often the thread looks whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

const HEADER_BYTES: usize = 12;
const A: u16 = 1;
const AAAA: u16 = 28;
const INTERNET: u16 = 1;

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// With what it knows.
    #[default]
    Well,
    /// `SERVFAIL`, whatever is asked.
    Failing,
    /// `NXDOMAIN`, whatever is asked.
    Ignorant,
    /// Not at all.
    Silent,
}

/// The server, running. Dropping it ends it.
#[derive(Debug)]
pub struct Resolver {
    shared: Arc<Shared>,
    datagrams: Option<JoinHandle<()>>,
    _streams: Background,
}

#[derive(Debug, Default)]
struct Shared {
    names: Mutex<HashMap<String, Vec<IpAddr>>>,
    mood: Mutex<Mood>,
    asked: AtomicUsize,
    asked_over_tcp: AtomicUsize,
    over: AtomicBool,
}

impl Resolver {
    /// Listens at `address` over UDP and TCP. Fails the test when it cannot.
    #[track_caller]
    pub fn start(address: SocketAddr) -> Resolver {
        let shared = Arc::<Shared>::default();
        let socket = match UdpSocket::bind(address) {
            Ok(socket) => socket,
            Err(error) => panic!("cannot listen at {address} over UDP: {error}"),
        };
        let looks = socket.set_read_timeout(Some(LOOK_EVERY));
        looks.expect("a socket of ours");
        let address = socket.local_addr().expect("bound");
        let known = Arc::clone(&shared);
        let datagrams = thread::Builder::new()
            .name("resolver".to_owned())
            .spawn(move || over_udp(&socket, &known))
            .expect("a thread for the resolver");
        let known = Arc::clone(&shared);
        let streams = Background::start("resolver-tcp", address, move |stream| {
            over_tcp(stream, Arc::clone(&known))
        });
        Resolver {
            shared,
            datagrams: Some(datagrams),
            _streams: streams,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self._streams.address()
    }

    /// Changes where a name leads to; nowhere is `NXDOMAIN`.
    pub fn set(&self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        let addresses: Vec<_> = addresses.into_iter().collect();
        let name = name.to_ascii_lowercase();
        match addresses.is_empty() {
            true => lock(&self.shared.names).remove(&name),
            false => lock(&self.shared.names).insert(name, addresses),
        };
    }

    /// Changes how it answers.
    pub fn be(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    /// How many questions have come so far.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::Relaxed)
    }

    /// How many of them over TCP.
    pub fn asked_over_tcp(&self) -> usize {
        self.shared.asked_over_tcp.load(Ordering::Relaxed)
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.datagrams.take() {
            // A panic of its thread has been printed.
            let _ = thread.join();
        }
    }
}

fn over_udp(socket: &UdpSocket, shared: &Shared) {
    let mut question = [0; DATAGRAM_BYTES_MAX];
    while !shared.over.load(Ordering::Relaxed) {
        let Ok((bytes, from)) = socket.recv_from(&mut question) else {
            continue;
        };
        if let Some(answer) = shared.answer(&question[..bytes], DATAGRAM_BYTES_MAX) {
            // Who asked may be gone.
            let _ = socket.send_to(&answer, from);
        }
    }
}

async fn over_tcp(mut stream: TcpStream, shared: Arc<Shared>) {
    // Ends with its client.
    while let Ok(()) = exchange(&mut stream, &shared).await {}
}

async fn exchange(stream: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    let mut question = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut question).await?;
    shared.asked_over_tcp.fetch_add(1, Ordering::Relaxed);
    let Some(answer) = shared.answer(&question, usize::from(u16::MAX)) else {
        return Ok(());
    };
    let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(&answer).await
}

impl Shared {
    /// What is answered, in no more than `max` bytes; nothing to what is no question.
    fn answer(&self, message: &[u8], max: usize) -> Option<Vec<u8>> {
        let question = Question::read(message)?;
        self.asked.fetch_add(1, Ordering::Relaxed);
        let names = lock(&self.names);
        let known = names.get(&question.name);
        let (code, addresses) = match *lock(&self.mood) {
            Mood::Silent => return None,
            Mood::Failing => (Code::ServerFailure, &[][..]),
            Mood::Ignorant => (Code::NoSuchName, &[][..]),
            Mood::Well => match known {
                Some(addresses) => (Code::Fine, &addresses[..]),
                None => (Code::NoSuchName, &[][..]),
            },
        };
        Some(question.answered(message, code, addresses, max))
    }
}

#[derive(Clone, Copy)]
enum Code {
    Fine = 0,
    ServerFailure = 2,
    NoSuchName = 3,
}

struct Question {
    name: String,
    kind: u16,
    /// Where it ends in the message.
    end: usize,
}

impl Question {
    fn read(message: &[u8]) -> Option<Question> {
        let (mut labels, mut at) = (Vec::new(), HEADER_BYTES);
        loop {
            let length = usize::from(*message.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            let label = message.get(at..at + length)?;
            labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
            at += length;
        }
        let kind = message.get(at..at + 2)?;
        let end = at + 4;
        (message.len() >= end).then(|| Question {
            name: labels.join("."),
            kind: u16::from_be_bytes([kind[0], kind[1]]),
            end,
        })
    }

    fn answered(
        &self,
        message: &[u8],
        code: Code,
        addresses: &[IpAddr],
        bytes_max: usize,
    ) -> Vec<u8> {
        let records = addresses.iter().filter_map(|address| self.record(*address));
        let (mut body, mut count, mut cut) =
            (message[HEADER_BYTES..self.end].to_vec(), 0u16, false);
        for record in records {
            if HEADER_BYTES + body.len() + record.len() > bytes_max {
                cut = true;
                break;
            }
            body.extend(record);
            count += 1;
        }
        let truncated = if cut { 0x02 } else { 0 };
        // An answer (0x80) by the authority (0x04), recursion as asked for and available.
        let flags = [0x84 | truncated | (message[2] & 0x79), 0x80 | code as u8];
        let mut answer = message[..2].to_vec();
        answer.extend(flags);
        answer.extend([0, 1]);
        answer.extend(count.to_be_bytes());
        answer.extend([0; 4]);
        answer.extend(body);
        answer
    }

    /// A resource record, if the address is of the kind that is asked for.
    fn record(&self, address: IpAddr) -> Option<Vec<u8>> {
        let data = match address {
            IpAddr::V4(address) if self.kind == A => address.octets().to_vec(),
            IpAddr::V6(address) if self.kind == AAAA => address.octets().to_vec(),
            _ => return None,
        };
        // The name is the one at the beginning of the question.
        let mut record = vec![0xc0, 0x0c];
        record.extend(self.kind.to_be_bytes());
        record.extend(INTERNET.to_be_bytes());
        record.extend(TIME_TO_LIVE.to_be_bytes());
        record.extend(u16::try_from(data.len()).unwrap_or_default().to_be_bytes());
        record.extend(data);
        Some(record)
    }
}

/// A test that failed while it held the lock has been reported already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{Ipv4Addr, TcpStream},
    };

    use super::*;
    use crate::{IN_TIME, low_port};

    const NAME: &str = "b.test";

    fn resolver(count: u8) -> Resolver {
        let resolver = Resolver::start(([127, 0, 0, 1], low_port()).into());
        let address = |number| Ipv4Addr::new(10, 0, 0, number).into();
        resolver.set(NAME, (1..=count).map(address));
        resolver
    }

    fn question(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).expect("short"));
            message.extend(label.bytes());
        }
        message.push(0);
        message.extend(kind.to_be_bytes());
        message.extend(INTERNET.to_be_bytes());
        message
    }

    fn ask(resolver: &Resolver, name: &str, kind: u16) -> io::Result<Vec<u8>> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(300)))?;
        socket.send_to(&question(name, kind), resolver.address())?;
        let mut answer = vec![0; 1000];
        let bytes = socket.recv(&mut answer)?;
        answer.truncate(bytes);
        Ok(answer)
    }

    /// The code, whether it was cut short, and the number of addresses.
    fn seen(answer: &[u8]) -> (u8, bool, u16) {
        assert_eq!(answer[..2], [7, 9]);
        let count = u16::from_be_bytes([answer[6], answer[7]]);
        (answer[3] & 0x0f, answer[2] & 0x02 != 0, count)
    }

    #[test]
    fn names_and_their_addresses() {
        let resolver = resolver(2);
        let answer = ask(&resolver, "B.test", A).expect("an answer");
        assert_eq!(seen(&answer), (0, false, 2));
        assert_eq!(answer[answer.len() - 4..], [10, 0, 0, 2]);
        let none = ask(&resolver, NAME, AAAA).expect("an answer");
        assert_eq!(seen(&none), (0, false, 0));
        let unknown = ask(&resolver, "c.test", A).expect("an answer");
        assert_eq!(seen(&unknown), (3, false, 0));
        resolver.set(NAME, []);
        let gone = ask(&resolver, NAME, A).expect("an answer");
        assert_eq!(seen(&gone), (3, false, 0));
    }

    #[test]
    fn failures() {
        let resolver = resolver(2);
        for (mood, code) in [(Mood::Failing, 2), (Mood::Ignorant, 3), (Mood::Well, 0)] {
            resolver.be(mood);
            let answer = ask(&resolver, NAME, A).expect("an answer");
            assert_eq!(seen(&answer).0, code, "{mood:?}");
        }
        resolver.be(Mood::Silent);
        ask(&resolver, NAME, A).expect_err("nothing is said");
        assert_eq!(resolver.asked(), 4);
    }

    #[test]
    fn what_is_too_long_for_a_datagram_comes_whole_over_tcp() {
        let resolver = resolver(40);
        let answer = ask(&resolver, NAME, A).expect("an answer");
        let (code, cut, count) = seen(&answer);
        assert!(code == 0 && cut && count < 40, "{code} {cut} {count}");
        let mut stream = TcpStream::connect(resolver.address()).expect("connected");
        stream.set_read_timeout(Some(IN_TIME)).expect("a socket");
        let question = question(NAME, A);
        let length = u16::try_from(question.len()).expect("short");
        let message = [&length.to_be_bytes()[..], &question].concat();
        stream.write_all(&message).expect("sent");
        let mut length = [0; 2];
        stream.read_exact(&mut length).expect("an answer");
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).expect("all of it");
        assert_eq!(seen(&answer), (0, false, 40));
        assert_eq!(resolver.asked_over_tcp(), 1);
    }
}
