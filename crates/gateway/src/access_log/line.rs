//! How an entry reads. The query is left out: it carries what users typed.

use std::{io::Write, time::SystemTime};

use serde::Serialize;

use super::Entry;
use crate::respond::Code;

/// What stands for a status when the client left before there was one (the
/// number that nginx made customary).
const CLIENT_CLOSED_REQUEST: u16 = 499;

#[derive(Serialize)]
struct Line<'e> {
    time: String,
    method: &'e str,
    path: &'e str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<&'static str>,
    bytes: usize,
    duration_ms: f64,
    client: std::net::IpAddr,
    request_id: &'e str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    client_left: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'e str>,
}

impl<'e> Line<'e> {
    fn new(entry: &'e Entry, now: SystemTime) -> Self {
        let micros = entry.started.elapsed().as_micros();
        #[allow(clippy::cast_precision_loss)]
        let duration_ms = micros as f64 / 1000.0;
        Line {
            time: humantime::format_rfc3339_millis(now).to_string(),
            method: entry.method.as_str(),
            path: entry.uri.path(),
            status: entry.status.map_or(CLIENT_CLOSED_REQUEST, |s| s.as_u16()),
            grpc_status: entry.grpc_status.map(|number| {
                let code = Code::from_number(number);
                code.map_or("OK", Code::name)
            }),
            bytes: entry.bytes,
            duration_ms,
            client: entry.peer.ip().to_canonical(),
            request_id: entry.id.as_str(),
            client_left: !entry.finished,
            cause: entry.cause.as_deref(),
        }
    }
}

pub(super) fn json(entry: &Entry, now: SystemTime, out: &mut Vec<u8>) {
    // Writing plain fields into memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, &Line::new(entry, now));
    out.push(b'\n');
}

pub(super) fn human(entry: &Entry, now: SystemTime, out: &mut Vec<u8>) {
    let line = Line::new(entry, now);
    let time = line.time.get(11..23).unwrap_or_default();
    let Line {
        method,
        path,
        status,
        bytes,
        duration_ms,
        client,
        request_id,
        ..
    } = line;
    // Writing into memory cannot fail.
    let _ = write!(
        out,
        "{time} {status} {method} {} {duration_ms:.2} ms {bytes} B {client} {request_id}",
        path.escape_debug()
    );
    if let Some(grpc_status) = line.grpc_status {
        let _ = write!(out, " {grpc_status}");
    }
    if line.client_left {
        let _ = write!(out, " (client left)");
    }
    if let Some(cause) = line.cause {
        let _ = write!(out, " ({})", cause.escape_debug());
    }
    out.push(b'\n');
}
