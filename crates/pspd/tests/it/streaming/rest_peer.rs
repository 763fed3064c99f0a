//! An HTTP/1.1 service that does only what the test tells it to, and that sees
//! when a gateway gives a call up by closing the connection.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use testkit::IN_TIME;

pub(super) struct RestPeer {
    address: SocketAddr,
    connections: mpsc::Receiver<TcpStream>,
}

/// A request on its own connection.
pub(super) struct RestCall {
    /// The lines of its head.
    pub(super) head: Vec<String>,
    stream: BufReader<TcpStream>,
}

impl RestPeer {
    pub(super) fn start() -> RestPeer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (accepted, connections) = mpsc::channel();
        // Ends with the test process: nothing else can end an `accept`.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepted.send(stream).is_err() {
                    return;
                }
            }
        });
        RestPeer {
            address,
            connections,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection, with the head of its first request.
    #[track_caller]
    pub(super) fn next_call(&self) -> RestCall {
        let stream = self.connections.recv_timeout(IN_TIME);
        let stream = stream.expect("a connection");
        stream.set_read_timeout(Some(IN_TIME)).expect("an option");
        let mut stream = BufReader::new(stream);
        let lines = stream.by_ref().lines().map(|line| line.expect("a line"));
        let head = lines.take_while(|line| !line.is_empty()).collect();
        RestCall { head, stream }
    }
}

impl RestCall {
    pub(super) fn send(&mut self, text: &str) {
        let bytes = text.as_bytes();
        self.stream.get_mut().write_all(bytes).expect("sent");
    }

    /// Waits until the caller closes the connection.
    #[track_caller]
    pub(super) fn wait_for_close(&mut self) {
        match self.stream.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => panic!("another byte instead of the end of the connection"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
}
