//! A server of a test's own on a thread of its own: an address, and what is done with each
//! connection there, until it is dropped.

use std::{
    net::{SocketAddr, TcpListener as Listener},
    thread::{self, JoinHandle},
};

use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
    sync::oneshot,
};

/// The server, running. Dropping it closes every connection at once.
#[derive(Debug)]
pub(crate) struct Background {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Listens at `address`, and has `converse` serve each connection.
    #[track_caller]
    pub(crate) fn start<F>(
        name: &str,
        address: SocketAddr,
        converse: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = match Listener::bind(address) {
            Ok(listener) => listener,
            Err(error) => panic!("cannot listen at {address}: {error}"),
        };
        listener.set_nonblocking(true).expect("a socket of ours");
        let address = listener.local_addr().expect("bound");
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(listener, converse, stopped))
            .expect("a thread for the server");
        Background {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of its thread has been printed.
            let _ = thread.join();
        }
    }
}

fn run<F>(listener: Listener, converse: impl Fn(TcpStream) -> F, stopped: oneshot::Receiver<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime for the server");
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).expect("a socket of ours");
        tokio::select! {
            () = accept(listener, converse) => {}
            _ = stopped => {}
        }
    });
}

async fn accept<F>(listener: TcpListener, converse: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    // A client may go away between its connection and this; then the next one is due.
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream));
        }
    }
}
