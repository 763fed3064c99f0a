//! A load balancer of connections, as a Kubernetes Service with a cluster IP is one: each
//! connection goes to the next backend and stays there. Which backends there are the test
//! changes; connections that are open are left alone by that.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::background::Background;

/// The balancer, running. Dropping it cuts its connections off.
#[derive(Debug)]
pub struct Balancer {
    shared: Arc<Shared>,
    background: Background,
}

#[derive(Debug, Default)]
struct Shared {
    backends: Mutex<Vec<SocketAddr>>,
    turn: AtomicUsize,
    accepted: AtomicUsize,
    /// Bytes of clients, by the address that they had connected to.
    bytes: Mutex<BTreeMap<IpAddr, usize>>,
}

impl Balancer {
    /// Listens at `address`.
    #[track_caller]
    pub fn start(address: SocketAddr, backends: impl IntoIterator<Item = SocketAddr>) -> Balancer {
        let shared = Arc::<Shared>::default();
        let known = Arc::clone(&shared);
        let background = Background::start("balancer", address, move |stream| {
            converse(stream, Arc::clone(&known))
        });
        let balancer = Balancer { shared, background };
        balancer.set(backends);
        balancer
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.background.address()
    }

    /// Changes where new connections go to.
    pub fn set(&self, backends: impl IntoIterator<Item = SocketAddr>) {
        *lock(&self.shared.backends) = backends.into_iter().collect();
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How much clients have sent, by the address that they had connected to.
    pub fn bytes(&self) -> BTreeMap<IpAddr, usize> {
        lock(&self.shared.bytes).clone()
    }
}

/// Any end of either side is the end of both.
async fn converse(client: TcpStream, shared: Arc<Shared>) {
    shared.accepted.fetch_add(1, Ordering::Relaxed);
    let backend = {
        let backends = lock(&shared.backends);
        let turn = shared.turn.fetch_add(1, Ordering::Relaxed);
        turn.checked_rem(backends.len())
            .map(|index| backends[index])
    };
    let (Some(backend), Ok(dialled)) = (backend, client.local_addr()) else {
        return;
    };
    let Ok(service) = TcpStream::connect(backend).await else {
        return;
    };
    let _ = (client.set_nodelay(true), service.set_nodelay(true));
    let (client_reads, client_writes) = client.into_split();
    let (service_reads, service_writes) = service.into_split();
    let count = |bytes| *lock(&shared.bytes).entry(dialled.ip()).or_default() += bytes;
    let _ = tokio::join!(
        pump(client_reads, service_writes, count),
        pump(service_reads, client_writes, |_| ()),
    );
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    count: impl Fn(usize),
) -> io::Result<()> {
    let mut piece = vec![0; 16 * 1024];
    loop {
        match from.read(&mut piece).await {
            // Dropping a half ends what it writes.
            Ok(0) | Err(_) => return to.shutdown().await,
            Ok(bytes) => {
                count(bytes);
                to.write_all(&piece[..bytes]).await?;
            }
        }
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
        net::{TcpListener, TcpStream},
        thread,
    };

    use super::*;

    /// Says its number to whoever has said something.
    fn backend(number: u8) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut said = [0];
                let _ = stream.read(&mut said);
                let _ = stream.write_all(&[number]);
            }
        });
        address
    }

    fn asked(balancer: &Balancer) -> Vec<u8> {
        let mut stream = TcpStream::connect(balancer.address()).expect("connected");
        stream.write_all(b"?").expect("sent");
        let mut answer = Vec::new();
        // Where there is no backend it is cut off.
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    #[test]
    fn connections_take_turns_among_what_there_is() {
        let (first, second) = (backend(1), backend(2));
        let balancer = Balancer::start(([127, 0, 0, 1], 0).into(), [first, second]);
        let mut seen: Vec<_> = (0..4).flat_map(|_| asked(&balancer)).collect();
        seen.sort_unstable();
        assert_eq!(seen, [1, 1, 2, 2]);
        balancer.set([second]);
        assert_eq!([asked(&balancer), asked(&balancer)], [[2], [2]]);
        assert_eq!(balancer.accepted(), 6);
        assert_eq!(balancer.bytes().into_values().sum::<usize>(), 6);
        balancer.set([]);
        assert!(asked(&balancer).is_empty());
    }
}
