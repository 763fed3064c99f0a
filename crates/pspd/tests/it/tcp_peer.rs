//! Servers that know nothing but bytes, in place of a service.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

/// A server that treats every connection so, until the tests end.
pub(crate) fn fake(serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// A server that reads something, answers every connection with these bytes
/// and closes it.
pub(crate) fn answering(answer: impl AsRef<[u8]>) -> SocketAddr {
    let answer = answer.as_ref().to_vec();
    fake(move |mut stream| {
        let mut request = [0; 4096];
        // The gateway may go away at any moment; it is what is tested.
        let _ = stream.read(&mut request);
        let _ = stream.write_all(&answer);
    })
}
