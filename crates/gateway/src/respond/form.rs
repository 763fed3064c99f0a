//! How the messages of a stream are told apart: as lines, as events, or not at all.
//! In all forms but the last an error that comes late has a place.

use serde::Serialize;

use crate::{services::ErrorStyle, table::Endpoint};

/// How a stream is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON value a line.
    Ndjson,
    /// Server-sent events; an event `end` with the id `end` says that nothing
    /// follows, so that a browser does not ask again.
    Events,
    /// The bytes of `google.api.HttpBody` messages, one after the other.
    Raw,
}

impl Form {
    /// The media type, where the form decides it.
    pub(crate) fn media_type(self) -> Option<&'static str> {
        match self {
            Form::Ndjson => Some("application/x-ndjson"),
            Form::Events => Some("text/event-stream"),
            Form::Raw => None,
        }
    }

    /// What shows that a silent stream goes on, where the form has such a thing.
    pub(crate) fn keep_alive(self) -> Option<&'static [u8]> {
        match self {
            Form::Events => Some(b":\n\n"),
            Form::Ndjson | Form::Raw => None,
        }
    }

    pub(crate) fn begin_message(self, out: &mut Vec<u8>) {
        if self == Form::Events {
            out.extend_from_slice(b"data: ");
        }
    }

    pub(crate) fn end_message(self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self {
            Form::Ndjson => b"\n",
            Form::Events => b"\n\n",
            Form::Raw => b"",
        });
    }

    /// Appends what says that all messages have been sent.
    pub(crate) fn end_stream(self, endpoint: &Endpoint, out: &mut Vec<u8>) {
        if self == Form::Events {
            out.extend_from_slice(b"id: end\nevent: end\ndata: ");
            endpoint.write_constants(out);
            out.extend_from_slice(b"\n\n");
        }
    }

    /// Appends an error that comes after the answer has begun. A line has to say
    /// itself that it is one: `{"error": ...}` in either style.
    pub(crate) fn error(self, style: ErrorStyle, error: &impl Serialize, out: &mut Vec<u8>) {
        // Serializing a plain struct into memory cannot fail.
        let json = serde_json::to_vec(error).unwrap_or_default();
        match (self, style) {
            (Form::Events, _) => {
                out.extend_from_slice(b"id: end\nevent: error\ndata: ");
                out.extend_from_slice(&json);
            }
            (_, ErrorStyle::Published) => out.extend_from_slice(&json),
            (_, ErrorStyle::Status) => {
                out.extend_from_slice(b"{\"error\":");
                out.extend_from_slice(&json);
                out.push(b'}');
            }
        }
        self.end_message(out);
    }
}
