//! A target of known latency: an HTTP/1.1 server of blocking threads that holds
//! each request for a given time and notes how long it did. In: the delays; out:
//! the distribution that it knows of itself.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use load::Latencies;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// A request of the calibration is far smaller.
const REQUEST_BYTES_MAX: usize = 4096;

/// How long requests are held.
#[derive(Debug, Clone, Copy)]
pub(super) enum Delays {
    /// Every one for this long.
    Fixed(Duration),
    /// Those that come in this time until its end, others not at all.
    Stall { begin: Instant, end: Instant },
}

/// The target, running until it is stopped.
#[derive(Debug)]
pub(super) struct Target {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    delays: Delays,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: Latencies,
    /// Requests before it are part of a warm-up.
    from: Option<Instant>,
    stopped: bool,
    connections: Vec<TcpStream>,
}

impl Target {
    pub(super) fn start(delays: Delays) -> io::Result<Target> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            delays,
            state: Mutex::default(),
        });
        let accepting = thread::Builder::new().name("known".into()).spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        })?;
        Ok(Target {
            shared,
            address,
            accepting: Some(accepting),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests that come before are not noted.
    pub(super) fn note_from(&self, from: Instant) {
        self.shared.state().from = Some(from);
    }

    /// Closes all connections; what was noted.
    pub(super) fn stop(mut self) -> Latencies {
        self.shut_down();
        std::mem::take(&mut self.shared.state().known)
    }

    fn shut_down(&mut self) {
        let Some(accepting) = self.accepting.take() else {
            return;
        };
        {
            let mut state = self.shared.state();
            state.stopped = true;
            for connection in &state.connections {
                // It may be closed already.
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
        // A last connection wakes the accepting thread, which then ends.
        let _ = TcpStream::connect(self.address);
        let _ = accepting.join();
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        let Ok(connection) = connection else { continue };
        let mut state = shared.state();
        if state.stopped {
            return;
        }
        let (Ok(kept), true) = (connection.try_clone(), connection.set_nodelay(true).is_ok())
        else {
            continue;
        };
        state.connections.push(kept);
        drop(state);
        let shared = Arc::clone(shared);
        // Without a thread the connection is closed, and the trial shows failures.
        let _ = thread::Builder::new().spawn(move || serve(connection, &shared));
    }
}

/// Answers one request after the other until the peer goes.
fn serve(mut connection: TcpStream, shared: &Shared) {
    let mut buffer = [0; REQUEST_BYTES_MAX];
    let mut filled = 0;
    while let Ok(read) = connection.read(&mut buffer[filled..]) {
        if read == 0 {
            return;
        }
        filled += read;
        // Requests have no body.
        if !buffer[..filled].ends_with(b"\r\n\r\n") {
            continue;
        }
        filled = 0;
        let came = Instant::now();
        hold(shared.delays, came);
        // Noted first, so that whoever has the answer finds it noted.
        let mut state = shared.state();
        if state.from.is_some_and(|from| came >= from) {
            state.known.record(came.elapsed());
        }
        drop(state);
        if connection.write_all(ANSWER).is_err() {
            return;
        }
    }
}

fn hold(delays: Delays, came: Instant) {
    match delays {
        Delays::Fixed(delay) if delay.is_zero() => {}
        Delays::Fixed(delay) => thread::sleep(delay),
        Delays::Stall { begin, end } if came >= begin => {
            thread::sleep(end.saturating_duration_since(came));
        }
        Delays::Stall { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_a_request_and_knows_how_long() {
        let delay = Duration::from_millis(20);
        let target = Target::start(Delays::Fixed(delay)).expect("loopback");
        target.note_from(Instant::now());
        let mut client = TcpStream::connect(target.address()).expect("it listens");
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("taken");
        let mut answer = vec![0; ANSWER.len()];
        client.read_exact(&mut answer).expect("answered");
        assert_eq!(answer, ANSWER);
        let known = target.stop();
        assert_eq!(known.count(), 1);
        assert!(known.max() >= Some(delay));
    }
}
