//! Fake targets on loopback, which end with the test's runtime.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::sleep,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// What the fake target does with each request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Behaviour {
    /// Answers after this long.
    After(Duration),
    /// Answers one request at a time, each after this long.
    OneByOne(Duration),
    /// Answers in two chunks with a pause between.
    Chunked,
    /// Says `connection: close`, answers and closes.
    ClosesPolitely,
    /// Closes a connection this long after an answer, without saying so.
    ClosesIdle(Duration),
    /// Announces more than it sends, and closes.
    ClosesMidBody,
    Answers500,
    Stalls,
    Babbles,
    /// Answers at once, but not a request that comes while it is
    /// [held](Target::held), which waits for the end of that.
    Held,
}

/// A target, and what it has seen.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Seen>,
    turn: Arc<Semaphore>,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) connections: AtomicU64,
    pub(super) requests: AtomicU64,
    /// Connections over which a request came.
    pub(super) used: AtomicU64,
    open: AtomicU64,
    /// The most connections that were open at once.
    pub(super) open_max: AtomicU64,
    pub(super) bytes_received: AtomicU64,
    pub(super) bytes_sent: AtomicU64,
}

/// An address at which nobody listens.
pub(super) async fn absent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    listener.local_addr().expect("bound")
}

impl Target {
    pub(super) async fn start(behaviour: Behaviour) -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let target = Target {
            address: listener.local_addr().expect("bound"),
            seen: Arc::default(),
            turn: Arc::new(Semaphore::new(1)),
        };
        let serving = target.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let target = serving.clone();
                tokio::spawn(async move {
                    target.seen.connections.fetch_add(1, Relaxed);
                    let open = target.seen.open.fetch_add(1, Relaxed) + 1;
                    target.seen.open_max.fetch_max(open, Relaxed);
                    let _ = target.serve(stream, behaviour).await;
                    target.seen.open.fetch_sub(1, Relaxed);
                });
            }
        });
        target
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> u64 {
        self.seen.open.load(Relaxed)
    }

    /// Holds up all answers of a target that is [`Behaviour::Held`] for so long.
    pub(super) async fn held(&self, time: Duration) {
        let _turn = self.turn.acquire().await.expect("never closed");
        sleep(time).await;
    }

    async fn serve(&self, mut stream: TcpStream, behaviour: Behaviour) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut received = Vec::new();
        let mut used = false;
        loop {
            while !received.ends_with(b"\r\n\r\n") {
                let read = stream.read_buf(&mut received);
                let read = match behaviour {
                    Behaviour::ClosesIdle(after) => match tokio::time::timeout(after, read).await {
                        Ok(read) => read?,
                        Err(_) => return Ok(()),
                    },
                    _ => read.await?,
                };
                if read == 0 {
                    return Ok(());
                }
                self.seen.bytes_received.fetch_add(read as u64, Relaxed);
            }
            received.clear();
            self.seen.requests.fetch_add(1, Relaxed);
            if !std::mem::replace(&mut used, true) {
                self.seen.used.fetch_add(1, Relaxed);
            }
            if !self.answer(&mut stream, behaviour).await? {
                return Ok(());
            }
        }
    }

    /// True when the connection goes on.
    async fn answer(&self, stream: &mut TcpStream, behaviour: Behaviour) -> io::Result<bool> {
        let mut send = async |bytes: &[u8]| {
            self.seen.bytes_sent.fetch_add(bytes.len() as u64, Relaxed);
            stream.write_all(bytes).await
        };
        match behaviour {
            Behaviour::After(delay) => {
                sleep(delay).await;
                send(OK).await?;
            }
            Behaviour::OneByOne(delay) => {
                let _turn = self.turn.acquire().await.expect("never closed");
                sleep(delay).await;
                send(OK).await?;
            }
            Behaviour::Held => {
                let _turn = self.turn.acquire().await.expect("never closed");
                send(OK).await?;
            }
            Behaviour::ClosesIdle(_) => send(OK).await?,
            Behaviour::Chunked => {
                send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no").await?;
                sleep(Duration::from_millis(5)).await;
                send(b"\r\n1\r\nk\r\n0\r\n\r\n").await?;
            }
            Behaviour::ClosesPolitely => {
                send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
                    .await?;
                return Ok(false);
            }
            Behaviour::ClosesMidBody => {
                send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await?;
                return Ok(false);
            }
            Behaviour::Answers500 => {
                send(b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno").await?;
            }
            Behaviour::Stalls => std::future::pending().await,
            Behaviour::Babbles => send(b"hello?\r\n\r\n").await?,
        }
        Ok(true)
    }
}
