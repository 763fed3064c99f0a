//! What a virtual user repeats: requests whose bytes are made once, before the
//! load, each with the name of its route in the results.

/// The routes of the published loop and their names in results.
const PUBLISHED: [(&str, &str); 2] = [
    ("hello", "/a/hello?name=pspd"),
    ("numbers", "/b/numbers?count=10&delay_ms=5"),
];

/// Requests that a user makes one after the other, again and again.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) requests: Vec<Request>,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Its name in results.
    pub(crate) route: &'static str,
    /// Path and query as sent.
    pub(crate) path: String,
    /// The request as it goes over the wire.
    pub(crate) bytes: Vec<u8>,
}

impl Scenario {
    /// The published loop on a gateway called `authority`, its routes below `prefix`.
    pub(crate) fn published(authority: &str, prefix: &str) -> Self {
        let requests = PUBLISHED
            .iter()
            .map(|(route, path)| Request::get(route, authority, format!("{prefix}{path}")))
            .collect();
        Scenario { requests }
    }
}

impl Request {
    fn get(route: &'static str, authority: &str, path: String) -> Self {
        let bytes = format!(
            "GET {path} HTTP/1.1\r\n\
             Host: {authority}\r\n\
             User-Agent: pspd-lab/{}\r\n\
             Accept: application/json\r\n\r\n",
            env!("CARGO_PKG_VERSION")
        );
        Request {
            route,
            path,
            bytes: bytes.into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_loop_as_sent() {
        let scenario = Scenario::published("127.0.0.1:8080", "/pspd");
        let sent: Vec<_> = scenario
            .requests
            .iter()
            .map(|request| String::from_utf8_lossy(&request.bytes))
            .collect();
        assert!(
            sent[0].starts_with("GET /pspd/a/hello?name=pspd HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n")
        );
        assert!(sent[1].starts_with("GET /pspd/b/numbers?count=10&delay_ms=5 HTTP/1.1\r\n"));
        assert!(sent.iter().all(|sent| sent.ends_with("\r\n\r\n")));
    }
}
