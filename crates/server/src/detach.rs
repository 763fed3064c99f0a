//! A request's head, taken out of the buffer that it was read into. The parser
//! hands out slices of that buffer; while one of them lives, the connection needs
//! another buffer (8 KiB) to notice that its client leaves. A request that waits
//! for a service would so hold two, where a copy of some hundred bytes will do.

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Uri, uri::PathAndQuery};

/// The same request, with a head that shares nothing with the connection. A target
/// that is not a path stays as it is.
pub(crate) fn detached<B>(mut request: Request<B>) -> Request<B> {
    let target = request.uri().path_and_query().filter(|_| {
        let uri = request.uri();
        uri.scheme().is_none() && uri.authority().is_none()
    });
    let target_bytes = target.map_or(0, |target| target.as_str().len());
    let values = request.headers().values();
    let bytes = target_bytes + values.map(HeaderValue::len).sum::<usize>();
    let mut room = BytesMut::with_capacity(bytes);
    if let Some(uri) = target.and_then(|target| own_target(target, &mut room)) {
        *request.uri_mut() = uri;
    }
    for value in request.headers_mut().values_mut() {
        // What was a value is one.
        if let Ok(own) = HeaderValue::from_maybe_shared(copied(value.as_bytes(), &mut room)) {
            *value = own;
        }
    }
    request
}

fn own_target(target: &PathAndQuery, room: &mut BytesMut) -> Option<Uri> {
    let own = copied(target.as_str().as_bytes(), room);
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(own).ok()?);
    Uri::from_parts(parts).ok()
}

fn copied(bytes: &[u8], room: &mut BytesMut) -> Bytes {
    room.extend_from_slice(bytes);
    room.split().freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(target: &str, values: &[String]) -> Request<()> {
        let mut request = Request::builder().uri(target);
        for value in values {
            request = request.header("x-test", value);
        }
        request.body(()).expect("a request")
    }

    proptest! {
        #[test]
        fn nothing_changes(
            target in r"(/[a-z0-9%./*-]{0,20}){1,4}(\?[a-z0-9=&%+]{0,30})?|http://h:1/[a-z]*|\*|h:443",
            values in prop::collection::vec("[ -~]{0,40}", 0..20),
        ) {
            let (before, after) = (parsed(&target, &values), detached(parsed(&target, &values)));
            prop_assert_eq!(before.uri(), after.uri());
            prop_assert_eq!(before.headers(), after.headers());
        }
    }
}
