//! Requests with random mistakes, and bytes that are random altogether.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{HTTP_ROLES, Thrown, cases, status, target};

const REQUESTS: [&str; 6] = [
    "GET /a/hello?name=x HTTP/1.1\r\nHost: x\r\nX-Request-Id: 1\r\n\r\n",
    "GET /b/numbers?count=3&delay_ms=1 HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n",
    "HEAD /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /a/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "POST /b/numbers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "OPTIONS /a/hello HTTP/1.1\r\nHost: x\r\nOrigin: null\r\n\
     Access-Control-Request-Headers: a, b\r\n\r\n",
];

/// One mistake in a request.
#[derive(Debug, Clone)]
enum Mistake {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Repeat(Index, Index),
    CutOff(Index),
}

fn mistake() -> impl Strategy<Value = Mistake> {
    let telling = prop::sample::select(b"\0\r\n :;%&=/,\t\x7f\x80\xff019".to_vec());
    let byte = prop_oneof![any::<u8>(), telling];
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), byte.clone()).prop_map(|(at, byte)| Mistake::Replace(at, byte)),
        4 => (at(), vec(byte, 1..20)).prop_map(|(at, bytes)| Mistake::Insert(at, bytes)),
        2 => (at(), at()).prop_map(|(from, to)| Mistake::Remove(from, to)),
        2 => (at(), at()).prop_map(|(from, to)| Mistake::Repeat(from, to)),
        1 => at().prop_map(Mistake::CutOff),
    ]
}

impl Mistake {
    fn make(&self, bytes: &mut Vec<u8>) {
        // One place more than there are bytes: the end is a place, too.
        let place = |at: &Index| at.index(bytes.len() + 1);
        let range = |from, to| {
            let (from, to) = (place(from), place(to));
            from.min(to)..from.max(to)
        };
        match self {
            Mistake::Replace(at, byte) => {
                let at = place(at);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
            }
            Mistake::Insert(at, new) => {
                let at = place(at);
                bytes.splice(at..at, new.iter().copied());
            }
            Mistake::Remove(from, to) => {
                bytes.drain(range(from, to));
            }
            Mistake::Repeat(from, to) => {
                let part = bytes[range(from, to)].to_vec();
                bytes.extend(part);
            }
            Mistake::CutOff(at) => bytes.truncate(place(at)),
        }
    }
}

/// Throws at every role at once; each ends the connection or answers.
fn throw(bytes: &[u8]) {
    let thrown = HTTP_ROLES.map(|role| Thrown::at(target().address(role), bytes));
    for thrown in thrown {
        status(&thrown.until_ended());
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn requests_with_mistakes(
        request in prop::sample::select(REQUESTS.to_vec()),
        mistakes in vec(mistake(), 1..6),
    ) {
        let mut bytes = request.as_bytes().to_vec();
        for mistake in &mistakes {
            mistake.make(&mut bytes);
        }
        throw(&bytes);
        target().assert_unharmed();
    }
}

proptest! {
    #![proptest_config(cases(50))]

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..5000)) {
        throw(&bytes);
        target().assert_unharmed();
    }
}
