//! Clients that ask again and again, each as soon as it has its answer, and count what
//! becomes of their requests. They behave as HTTP has it: they connect anew when told to,
//! take the next address when one refuses the connection, and make a request again on
//! another connection when the one that they had kept was closed without a word of answer,
//! which they count. Anything else that is not the right answer is lost.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use h2::client::SendRequest;
use testkit::{
    http::{Connection, Response},
    until,
};
use tokio::{net::TcpStream, runtime::Builder};

/// What is asked for, and how its answer is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) target: &'static str,
    pub(crate) body: &'static str,
    /// In the answer.
    pub(crate) expected: &'static str,
}

pub(crate) const HELLO: Ask = Ask {
    method: "GET",
    target: "/a/hello?name=pspd",
    body: "",
    expected: "pspd",
};
pub(crate) const NUMBERS: Ask = Ask {
    method: "GET",
    target: "/b/numbers?count=3&delay_ms=5",
    body: "",
    expected: "[1,2,3]",
};

/// Between two requests of a client.
const PAUSE: Duration = Duration::from_millis(2);

/// What the clients have in common.
#[derive(Default)]
pub(crate) struct Clients {
    over: AtomicBool,
    answered: AtomicUsize,
    /// Requests on connections that had been kept and were closed meanwhile.
    raced: AtomicUsize,
    reconnected: AtomicUsize,
    lost: Mutex<Vec<String>>,
}

/// What was counted.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) answered: usize,
    pub(crate) raced: usize,
    pub(crate) reconnected: usize,
    pub(crate) lost: Vec<String>,
}

impl Clients {
    /// Runs `test` while clients ask: so many over HTTP/1.1 for each of `asks`, and one
    /// for each over HTTP/2 if that is spoken.
    pub(crate) fn run(
        addresses: &[SocketAddr],
        asks: &[Ask],
        spoken: Spoken,
        test: impl FnOnce(&Clients),
    ) -> Counts {
        let clients = Clients::default();
        thread::scope(|scope| {
            let clients = &clients;
            let _over = Over(&clients.over);
            for ask in asks {
                for first in 0..4 {
                    scope.spawn(move || clients.over_http1(addresses, first, *ask));
                }
                if spoken == Spoken::Both {
                    scope.spawn(move || clients.over_http2(addresses[0], *ask));
                }
            }
            clients.go_on();
            test(clients);
            clients.go_on();
        });
        let Clients {
            answered,
            raced,
            reconnected,
            lost,
            ..
        } = clients;
        Counts {
            answered: answered.into_inner(),
            raced: raced.into_inner(),
            reconnected: reconnected.into_inner(),
            lost: lost.into_inner().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Waits until some hundred requests more have been answered.
    #[track_caller]
    pub(crate) fn go_on(&self) {
        let enough = self.answered() + 300;
        until("clients to be answered", || {
            (self.answered() >= enough || !self.lost().is_empty()).then_some(())
        });
    }

    /// How many requests have been answered so far.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    fn lost(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn over_http1(&self, addresses: &[SocketAddr], first: usize, ask: Ask) {
        let mut turn = first;
        let mut kept = None;
        while !self.over.load(Ordering::Relaxed) {
            let was_kept = kept.is_some();
            let mut connection = match kept
                .take()
                .map_or_else(|| connect(addresses, &mut turn), Ok)
            {
                Ok(connection) => connection,
                Err(error) => {
                    self.lost().push(format!("no connection: {error}"));
                    return;
                }
            };
            match exchange(&mut connection, ask) {
                Ok(answer) if answer.status() == 200 && answer.text().contains(ask.expected) => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    if answer.header("connection") == Some("close") {
                        self.reconnected.fetch_add(1, Ordering::Relaxed);
                    } else {
                        kept = Some(connection);
                    }
                }
                Ok(answer) => {
                    let told = format!("{} {}", answer.status(), answer.text());
                    self.lost().push(told);
                }
                Err(error) if was_kept && is_closed(&error) => {
                    self.raced.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => self.lost().push(format!("no answer: {error}")),
            }
            thread::sleep(PAUSE);
        }
    }

    fn over_http2(&self, address: SocketAddr, ask: Ask) {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut sender = connect_http2(address).await.expect("connected");
            while !self.over.load(Ordering::Relaxed) {
                match exchange_http2(&mut sender, address, ask).await {
                    Ok(body) if body.contains(ask.expected) => {
                        self.answered.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(body) => self.lost().push(format!("over HTTP/2: {body}")),
                    // The server said goodbye, and that it has not looked at this one.
                    Err(error) if error.is_go_away() && error.is_remote() => {
                        self.reconnected.fetch_add(1, Ordering::Relaxed);
                        sender = connect_http2(address).await.expect("connected");
                    }
                    Err(error) => {
                        self.lost().push(format!("over HTTP/2: {error}"));
                        sender = connect_http2(address).await.expect("connected");
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}

/// What the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http1,
    Both,
}

impl Counts {
    #[track_caller]
    pub(crate) fn nothing_lost(&self) {
        println!(
            "{} answered, {} told to connect anew, {} met a connection that was being closed",
            self.answered, self.reconnected, self.raced
        );
        assert!(self.lost.is_empty(), "{:#?}", self.lost);
    }
}

/// Ends the clients, also when the test fails.
struct Over<'c>(&'c AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Connects to the next address that lets it.
fn connect(addresses: &[SocketAddr], turn: &mut usize) -> io::Result<Connection> {
    let mut last = None;
    for _ in addresses {
        *turn += 1;
        match Connection::open(addresses[*turn % addresses.len()]) {
            Ok(connection) => return Ok(connection),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other("no address")))
}

fn exchange(connection: &mut Connection, ask: Ask) -> io::Result<Response> {
    connection.send_request(ask.method, ask.target, &[], ask.body.as_bytes())?;
    connection.read_response(ask.method)
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

async fn connect_http2(address: SocketAddr) -> io::Result<SendRequest<Bytes>> {
    let stream = TcpStream::connect(address).await?;
    let handshake = h2::client::handshake(stream).await;
    let (sender, connection) = handshake.map_err(io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn exchange_http2(
    sender: &mut SendRequest<Bytes>,
    address: SocketAddr,
    ask: Ask,
) -> Result<String, h2::Error> {
    let mut ready = sender.clone().ready().await?;
    let request = http::Request::builder()
        .method(ask.method)
        .uri(format!("http://{address}{}", ask.target))
        .body(())
        .expect("a request");
    let (answer, mut body) = ready.send_request(request, ask.body.is_empty())?;
    if !ask.body.is_empty() {
        body.send_data(ask.body.into(), true)?;
    }
    let mut answer = answer.await?.into_body();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.data().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
