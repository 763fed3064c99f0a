//! How an entry reads. The query is left out: it carries what users typed.

use std::{
    io::Write,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use serde::Serialize;

use super::Entry;
use crate::respond::Code;

/// What an entry says, in a form to be written.
struct Line<'e> {
    path: &'e str,
    status: u16,
    grpc_status: Option<&'static str>,
    duration_ms: f64,
    client: IpAddr,
    client_left: bool,
}

impl<'e> Line<'e> {
    fn new(entry: &'e Entry, took: Duration) -> Self {
        let micros = took.as_micros();
        #[allow(clippy::cast_precision_loss)]
        let duration_ms = micros as f64 / 1000.0;
        Line {
            path: entry.uri.path(),
            status: entry.status(),
            grpc_status: entry.grpc_status.map(|number| {
                let code = Code::from_number(number);
                code.map_or("OK", Code::name)
            }),
            duration_ms,
            client: entry.peer.ip().to_canonical(),
            client_left: !entry.finished,
        }
    }
}

/// One object, written member by member: a line is a good part of what a small request
/// costs.
pub(super) fn json(entry: &Entry, took: Duration, now: SystemTime, out: &mut Vec<u8>) {
    let line = Line::new(entry, took);
    // Writing into memory cannot fail; a time, an address and names have nothing to escape.
    let time = humantime::format_rfc3339_millis(now);
    let _ = write!(out, "{{\"time\":\"{time}\"");
    member(out, ",\"method\":", entry.method.as_str());
    member(out, ",\"path\":", line.path);
    member(out, ",\"status\":", &line.status);
    if let Some(name) = line.grpc_status {
        member(out, ",\"grpc_status\":", name);
    }
    member(out, ",\"bytes\":", &entry.bytes);
    member(out, ",\"duration_ms\":", &line.duration_ms);
    out.extend_from_slice(b",\"client\":\"");
    address(out, line.client);
    out.push(b'"');
    if let Some(identity) = &entry.identity {
        member(out, ",\"client_identity\":", &**identity);
    }
    member(out, ",\"request_id\":", entry.id.as_str());
    if let Some((trace_id, span_id)) = entry.trace.ids() {
        member(out, ",\"trace_id\":", &trace_id);
        if let Some(span_id) = span_id {
            member(out, ",\"span_id\":", &span_id);
        }
    }
    if line.client_left {
        out.extend_from_slice(b",\"client_left\":true");
    }
    if let Some(cause) = &entry.cause {
        member(out, ",\"cause\":", cause);
    }
    out.extend_from_slice(b"}\n");
}

/// Appends the name of a member as it is written, and its value.
fn member(out: &mut Vec<u8>, name: &str, value: &(impl Serialize + ?Sized)) {
    out.extend_from_slice(name.as_bytes());
    // Numbers and texts can always be written.
    let _ = serde_json::to_writer(&mut *out, value);
}

/// The standard library formats an address as it would align it in a table.
fn address(out: &mut Vec<u8>, client: IpAddr) {
    let IpAddr::V4(client) = client else {
        let _ = write!(out, "{client}");
        return;
    };
    for (at, octet) in client.octets().into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
    }
}

pub(super) fn human(entry: &Entry, took: Duration, now: SystemTime, out: &mut Vec<u8>) {
    let line = Line::new(entry, took);
    let time = humantime::format_rfc3339_millis(now).to_string();
    let time = time.get(11..23).unwrap_or_default();
    // Writing into memory cannot fail.
    let _ = write!(
        out,
        "{time} {} {} {} {:.2} ms {} B {} {}",
        line.status,
        entry.method,
        line.path.escape_debug(),
        line.duration_ms,
        entry.bytes,
        line.client,
        entry.id,
    );
    if let Some(grpc_status) = line.grpc_status {
        let _ = write!(out, " {grpc_status}");
    }
    if let Some(identity) = &entry.identity {
        let _ = write!(out, " {}", identity.escape_debug());
    }
    if line.client_left {
        let _ = write!(out, " (client left)");
    }
    if let Some(cause) = &entry.cause {
        let _ = write!(out, " ({})", cause.escape_debug());
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use server::RequestId;

    use super::{
        super::{AccessLog, CLIENT_CLOSED_REQUEST, Format},
        *,
    };

    proptest! {
        #[test]
        fn a_line_is_one_object_whatever_was_sent(
            path in "/[!$-;=@-~]{0,40}",
            id in "[!-~]{1,40}",
            cause in prop::option::of("\\PC{0,40}"),
            status in prop::option::of(100u16..1000),
            grpc_status in prop::option::of(0u32..20),
            identity in prop::option::of("\\PC{0,40}"),
            finished in any::<bool>(),
            peer in any::<std::net::SocketAddr>(),
            bytes in any::<usize>(),
        ) {
            let (log, _writer) = AccessLog::start(Format::Off, std::io::sink()).expect("a thread");
            let mut headers = HeaderMap::new();
            headers.insert(RequestId::HEADER, HeaderValue::try_from(&id).expect("a value"));
            let Ok(uri) = Uri::try_from(&path) else {
                return Ok(());
            };
            let buffer = log.for_worker(telemetry::Telemetry::off().worker());
            let request = Request::post(uri.clone()).body(()).expect("a request");
            let head = request.into_parts().0;
            let mut entry = buffer.begin(peer, &head, &RequestId::of(&headers));
            entry.status = status.map(|status| StatusCode::from_u16(status).expect("a status"));
            entry.cause.clone_from(&cause);
            entry.identity = identity.as_deref().map(Into::into);
            entry.grpc_status = grpc_status;
            entry.finished = finished;
            entry.bytes = bytes;
            let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
            let mut out = Vec::new();
            super::json(&entry, Duration::from_millis(3), now, &mut out);
            prop_assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
            let mut line: Value = serde_json::from_slice(&out).expect("JSON");
            let members = line.as_object_mut().expect("an object");
            prop_assert!(members.remove("duration_ms").is_some_and(|ms| ms.is_number()));
            let mut expected = json!({
                "time": "2023-11-14T22:13:20.123Z",
                "method": "POST",
                "path": uri.path(),
                "status": status.unwrap_or(CLIENT_CLOSED_REQUEST),
                "bytes": bytes,
                "client": peer.ip().to_canonical().to_string(),
                "request_id": id,
            });
            if let Some(identity) = identity {
                expected["client_identity"] = identity.into();
            }
            if let Some(number) = grpc_status {
                let name = Code::from_number(number).map_or("OK", Code::name);
                expected["grpc_status"] = name.into();
            }
            if !finished {
                expected["client_left"] = true.into();
            }
            if let Some(cause) = cause {
                expected["cause"] = cause.into();
            }
            prop_assert_eq!(line, expected);
        }
    }
}
