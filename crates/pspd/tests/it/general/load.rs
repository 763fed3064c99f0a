//! Clients that ask a gateway without a pause, while something else is changed.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use testkit::{
    http::{Connection, Response},
    until,
};

/// Clients that ask until they are told to stop.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// So many clients that get `target`, each on a connection that has to last.
    pub(super) fn on(
        address: SocketAddr,
        clients: usize,
        target: &'static str,
        is_right: fn(&Response) -> bool,
    ) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let clients = (0..clients).map(|_| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            thread::spawn(move || {
                let mut connection = Connection::open(address).expect("connected");
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let sent = connection.send_request("GET", target, &[], b"");
                    sent.expect("the gateway stays");
                    let answer = connection.read_response("GET").expect("the gateway stays");
                    answered.fetch_add(1, Ordering::Relaxed);
                    if !is_right(&answer) {
                        failures.push(format!("{} {}", answer.status(), answer.text()));
                    }
                }
                failures
            })
        });
        let clients = clients.collect();
        Load {
            stop,
            answered,
            clients,
        }
    }

    /// Waits until so many more requests have been answered.
    pub(super) fn go_on(&self, more: usize) {
        let goal = self.answered.load(Ordering::Relaxed) + more;
        until("the load to go on", || {
            (self.answered.load(Ordering::Relaxed) >= goal).then_some(())
        });
    }

    /// What went wrong, of all clients.
    pub(super) fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let clients = self.clients.into_iter();
        clients
            .flat_map(|client| client.join().expect("a client"))
            .collect()
    }
}
