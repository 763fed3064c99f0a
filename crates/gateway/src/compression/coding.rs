//! The names of codings, and what headers say of them: `Accept-Encoding` (RFC 9110,
//! section 12.5.3), `Content-Encoding` (section 8.4) and gRPC's `grpc-encoding`.
//! Pure; nothing is refused here but by returning what was given.

use http::{HeaderMap, header};

use crate::respond::quality;

/// A way to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 8878, with windows of at most 8 MiB (RFC 9659).
    Zstd,
}

/// What the gateway reads, as `Accept-Encoding` and `grpc-accept-encoding` say it.
pub(crate) const READ: &str = "gzip, zstd";

impl Coding {
    /// Its name in HTTP and in gRPC.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Zstd => "zstd",
        }
    }

    /// The coding that is called `name`; also by the name that RFC 9110 keeps for old
    /// programs.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("gzip") || is("x-gzip") {
            Some(Coding::Gzip)
        } else if is("zstd") {
            Some(Coding::Zstd)
        } else {
            None
        }
    }
}

/// What a client says of compressed answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The best of the codings that there are; `None` for an answer as it is.
    pub(crate) coding: Option<Coding>,
    /// Whether the client refuses an answer as it is.
    pub(crate) identity: Identity,
}

/// Whether an answer may go out as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    Accepted,
    /// It goes out so nevertheless where it cannot be compressed.
    Refused,
}

/// Which of the codings `offered`, best first, a client prefers. Without an
/// `Accept-Encoding` everything may be sent, and the answer goes out as it is.
pub(crate) fn accepted(headers: &HeaderMap, offered: &[Coding]) -> Accepted {
    let (mut any, mut identity) = (None, None);
    let mut named: [Option<u16>; 2] = [None; 2];
    let place = |coding| match coding {
        Coding::Gzip => 0,
        Coding::Zstd => 1,
    };
    let values = headers.get_all(header::ACCEPT_ENCODING);
    let elements = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for element in elements {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = match Coding::named(name) {
            Some(coding) => &mut named[place(coding)],
            None if name == "*" => &mut any,
            None if name.eq_ignore_ascii_case("identity") => &mut identity,
            None => continue,
        };
        *weight = (*weight).max(Some(quality(parts)));
    }
    let mut best = (None, 0);
    for &coding in offered {
        let weight = named[place(coding)].or(any).unwrap_or(0);
        if weight > best.1 {
            best = (Some(coding), weight);
        }
    }
    let refused = identity.or(any) == Some(0);
    Accepted {
        coding: best
            .0
            .filter(|_| identity.is_none_or(|weight| weight <= best.1)),
        identity: match refused {
            true => Identity::Refused,
            false => Identity::Accepted,
        },
    }
}

/// A body's codings that cannot be read, as the client wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

/// How a request's body is compressed. One coding upon another is not read: nobody
/// needs it, and each would multiply what a byte can cost.
pub(crate) fn of_body(headers: &HeaderMap) -> Result<Option<Coding>, Unreadable> {
    let values = headers.get_all(header::CONTENT_ENCODING);
    let mut found = None;
    for value in values {
        let names = value.to_str().unwrap_or("?").split(',').map(str::trim);
        for name in names {
            if name.is_empty() || name.eq_ignore_ascii_case("identity") {
                continue;
            }
            match (Coding::named(name), found) {
                (Some(coding), None) => found = Some(coding),
                _ => return Err(unreadable(headers)),
            }
        }
    }
    Ok(found)
}

fn unreadable(headers: &HeaderMap) -> Unreadable {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let given: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    Unreadable(given.join(", "))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const BOTH: [Coding; 2] = [Coding::Zstd, Coding::Gzip];

    fn headers(name: header::HeaderName, values: &[&str]) -> HeaderMap {
        let value = |value: &&str| HeaderValue::from_str(value).expect("a header value");
        let pairs = values.iter().map(|text| (name.clone(), value(text)));
        pairs.collect()
    }

    fn check(accept: &[&str], coding: Option<Coding>, identity: Identity) {
        let got = accepted(&headers(header::ACCEPT_ENCODING, accept), &BOTH);
        assert_eq!(got, Accepted { coding, identity }, "{accept:?}");
    }

    #[test]
    fn what_is_accepted() {
        use Identity::{Accepted, Refused};
        let (gzip, zstd) = (Some(Coding::Gzip), Some(Coding::Zstd));
        check(&[], None, Accepted);
        check(&[""], None, Accepted);
        check(&["gzip"], gzip, Accepted);
        check(&["X-GZip"], gzip, Accepted);
        check(&["gzip, deflate, br, zstd"], zstd, Accepted);
        check(&["gzip", "zstd;q=0.9"], gzip, Accepted);
        check(&["gzip;q=0.5,zstd;q=0.5"], zstd, Accepted);
        check(&["gzip ; q=0.001"], gzip, Accepted);
        check(&["br, deflate"], None, Accepted);
        check(&["*"], zstd, Accepted);
        check(&["zstd;q=0, *"], gzip, Accepted);
        check(&["gzip;q=0"], None, Accepted);
        check(&["identity"], None, Accepted);
        check(&["identity, gzip;q=0.5"], None, Accepted);
        check(&["identity;q=0.5, gzip"], gzip, Accepted);
        check(&["identity, gzip"], gzip, Accepted);
        check(&["identity;q=0"], None, Refused);
        check(&["*;q=0"], None, Refused);
        check(&["*;q=0, identity"], None, Accepted);
        check(&["gzip, *;q=0"], gzip, Refused);
        check(&["gzip;q=2"], None, Accepted);
        check(&["gzip;q=x"], None, Accepted);
        check(&[",;,gzip;;q=1,"], gzip, Accepted);
    }

    #[test]
    fn only_what_is_offered() {
        let headers = headers(header::ACCEPT_ENCODING, &["gzip;q=0.1, zstd"]);
        let got = accepted(&headers, &[Coding::Gzip]);
        assert_eq!(got.coding, Some(Coding::Gzip));
        assert_eq!(accepted(&headers, &[]).coding, None);
    }

    fn check_body(values: &[&str], expected: Result<Option<Coding>, &str>) {
        let got = of_body(&headers(header::CONTENT_ENCODING, values));
        let expected = expected.map_err(|given| Unreadable(given.to_owned()));
        assert_eq!(got, expected, "{values:?}");
    }

    #[test]
    fn codings_of_a_body() {
        check_body(&[], Ok(None));
        check_body(&[""], Ok(None));
        check_body(&["identity"], Ok(None));
        check_body(&["gzip"], Ok(Some(Coding::Gzip)));
        check_body(&["identity, ZSTD"], Ok(Some(Coding::Zstd)));
        check_body(&["x-gzip"], Ok(Some(Coding::Gzip)));
        check_body(&["br"], Err("br"));
        check_body(&["gzip, gzip"], Err("gzip, gzip"));
        check_body(&["gzip", "zstd"], Err("gzip, zstd"));
    }

    proptest! {
        #[test]
        fn anything_is_understood(text in "[ -~]*") {
            accepted(&headers(header::ACCEPT_ENCODING, &[&text]), &BOTH);
            let _ = of_body(&headers(header::CONTENT_ENCODING, &[&text]));
        }
    }
}
